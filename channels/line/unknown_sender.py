"""Send an order to friends that Todoke does not know, in steps that are stored first.

waiting -> sending (marked as tried before it is) -> accepted -> done or failed. A narrowcast goes
to everybody outside the audience of known friends. If LINE refuses it, or it fails before anybody
had it, a broadcast is sent if that was decided. A request with an unknown outcome is repeated with
its retry key, as long as LINE honours the key.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

import structlog

from channels import outbox
from channels.guard import ChannelGuard
from channels.line.client import LineClient
from channels.line.errors import Forbidden, LineRefused, QuotaReached, TokenRefused
from channels.line.friends_api import (
    NarrowcastProgress,
    broadcast_body,
    narrowcast_body,
    narrowcast_progress,
)
from channels.line.hourly import admit
from channels.line.known_audience import AudienceKeeper, Availability, standing
from channels.line.reasons import reason
from channels.models import Delivery, DeliveryState, Priority, UnknownSend, UnknownState
from channels.responses import Accepted
from channels.sender import URGENT_WAIT_SECONDS
from channels.unknown_sends import OPEN, SEND_UNKNOWN, why_ended
from city.city import Way
from core.clock import Clock
from core.database import Database
from core.errors import Permanent, Retryable
from core.reason import Reason
from core.steady import surely
from core.work import Queue, retry_delay

AUDIENCE_WAIT = timedelta(minutes=3)
"""How long an order waits for the audience to be up to date; then it is sent as it is."""
LOOK_SECONDS = 3.0
KEY_LIFE = timedelta(hours=23, minutes=30)
"""LINE honours a retry key for 24 hours; nothing is repeated close to that."""
PROGRESS_LIFE = timedelta(hours=1)
"""After so long without an end, a narrowcast is left to LINE."""

log = structlog.get_logger(__name__)


class UnknownSender:
    """Works on messages to unknown friends, one step for each call."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        queue: Queue,
        line: LineClient,
        guard: ChannelGuard,
        keeper: AudienceKeeper,
        *,
        seed: int | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._queue = queue
        self._line = line
        self._guard = guard
        self._keeper = keeper
        self._chance = random.Random(seed)  # noqa: S311

    async def send(self, key: str) -> None:
        """Take the next step for a delivery; the key is its id.

        Raises
        ------
        Retryable
            LINE or its limits require a later try. An emergency is instead postponed here, for at
            most ten seconds, and is never given up because of many failures.
        """
        delivery_id = int(key)
        async with self._database.reading() as session:
            send = await session.get(UnknownSend, delivery_id)
            delivery = await session.get(Delivery, delivery_id)
            if send is None or delivery is None or send.state not in OPEN:
                return
            ended = await why_ended(session, delivery)
        try:
            await self._step(send, delivery, ended)
        except Retryable as error:
            if delivery.priority > Priority.EMERGENCY:
                raise
            delay = retry_delay(max(1, send.attempts), error.retry_after, self._chance)
            log.warning("unknown_send.postponed", delivery_id=delivery_id, reason=str(error))
            await self._again(send, seconds=min(delay, URGENT_WAIT_SECONDS))

    async def _step(self, send: UnknownSend, delivery: Delivery, ended: Reason | None) -> None:
        if send.state is UnknownState.ACCEPTED:
            await self._follow(send)
            return
        if ended:
            await self._end(send, UnknownState.STOPPED, error=ended)
            return
        if delivery.state is DeliveryState.PAUSED:
            return  # resuming the delivery queues this again
        now, past = self._clock.now(), surely(self._clock)
        if send.first_tried_at is not None and past - send.first_tried_at > KEY_LIFE:
            await self._end(send, UnknownState.FAILED, error=outbox.UNKNOWN_AFTER_A_DAY)
        elif send.first_tried_at is None and delivery.expires_at and delivery.expires_at <= past:
            await self._end(send, UnknownState.STOPPED, error=reason("delivery.expired"))
        elif await self._guard.is_stopped():
            raise Retryable(reason("line.token-refused"))
        elif send.way is Way.NARROWCAST:
            await self._narrowcast(send, now, delivery.audience_limit or 0)
        else:
            await self._post(send, "broadcast", send.broadcast_key, broadcast_body(send.messages))

    async def _narrowcast(self, send: UnknownSend, now: datetime, through: int) -> None:
        if send.state is UnknownState.WAITING:
            found = await self._audience(through)
            waited = now - send.created_at > AUDIENCE_WAIT
            if not found.usable:
                if found.for_good or waited:
                    await self._instead(send, found.why_not or reason("audience.none"))
                else:
                    await self._again(send)
                return
            if found.missing and not waited:
                await self._again(send)
                return
            send.audience_id, send.missing = found.audience_id, found.missing
            # Stored before the first attempt, because a repeat must be the same request.
            if not await self._set(send, audience_id=send.audience_id, missing=send.missing):
                return
        if send.audience_id is None:
            await self._instead(send, reason("audience.none"))
            return
        body = narrowcast_body(send.audience_id, send.messages)
        await self._post(send, "narrowcast", send.narrowcast_key, body)

    async def _audience(self, through: int) -> Availability:
        """Update the audience as far as possible, and return its state."""
        try:
            await self._keeper.catch_up(through)
        except Forbidden as error:
            return Availability(None, 0, error.reason, for_good=True)
        except (Retryable, Permanent) as error:
            log.warning("audience.outdated", reason=str(error))
        async with self._database.reading() as session:
            return await standing(session, through)

    async def _post(self, send: UnknownSend, endpoint: str, key: str, body: bytes) -> None:
        await admit(self._database, endpoint, self._clock.now())
        marked, ended = await self._mark_tried(send)
        if ended is not None:
            await self._end(send, UnknownState.STOPPED, error=ended)
        if not marked:
            return
        try:
            async with self._line.limiter.slot(endpoint, Priority.EMERGENCY):
                accepted = await self._line.post(endpoint, body, key)
        except (Forbidden, LineRefused) as error:
            if endpoint == "narrowcast":
                await self._instead(send, error.reason)
            else:
                await self._end(send, UnknownState.FAILED, error=error.reason)
        except TokenRefused as error:
            await self._guard.stop(error.reason)
            raise Retryable(error.reason) from error
        except QuotaReached as error:
            await self._end(send, UnknownState.FAILED, error=error.reason)
        else:
            await self._accepted(send, accepted)

    async def _mark_tried(self, send: UnknownSend) -> tuple[bool, Reason | None]:
        """Mark it as tried before trying.

        Returns whether it was marked, and why it must not be sent, if so. It is not marked either
        if another process has changed it since it was read.

        The delivery's row is locked, because a follow-up changes it or refers to it. Either the
        follow-up sees that this was tried, or this sees the follow-up.
        """
        now = self._clock.now()
        async with self._database.writing() as session:
            delivery = await session.get_one(Delivery, send.delivery_id, with_for_update=True)
            ended = await why_ended(session, delivery)
            if ended is not None:
                return False, ended
            row = await session.get_one(UnknownSend, send.delivery_id, with_for_update=True)
            if row.state is not send.state:
                return False, None
            row.state = UnknownState.SENDING
            row.attempts += 1
            if row.first_tried_at is None:
                row.first_tried_at = now
                # Newer residents may be outside the audience, and so the narrowcast may reach them.
                row.known_through = delivery.audience_limit or 0
            session.add(row)
        send.state = UnknownState.SENDING
        return True, None

    async def _accepted(self, send: UnknownSend, accepted: Accepted) -> None:
        now = self._clock.now()
        log.info(
            "unknown_send.accepted",
            delivery_id=send.delivery_id,
            way=send.way.value,
            request_id=accepted.request_id,
            repeated=accepted.repeated,
        )
        taken: dict[str, Any] = {"request_id": accepted.request_id, "sent_at": now}
        if send.way is Way.BROADCAST:
            await self._set(send, is_fact=True, state=UnknownState.DONE, ended_at=now, **taken)
        elif await self._set(
            send, is_fact=True, state=UnknownState.ACCEPTED, ended_at=None, error=None, **taken
        ):
            await self._again(send)

    async def _follow(self, send: UnknownSend) -> None:
        """Ask LINE for the result of an accepted narrowcast."""
        assert send.request_id is not None and send.sent_at is not None
        try:
            found = await narrowcast_progress(self._line, send.request_id)
        except LineRefused as error:
            log.warning("unknown_send.unread", reason=str(error))
            found = NarrowcastProgress(send.phase)
        numbers: dict[str, Any] = {
            "phase": found.phase,
            "target_count": found.target,
            "success_count": found.success,
            "failure_count": found.failure,
        }
        if found.phase == "succeeded":
            await self._end(send, UnknownState.DONE, **numbers)
        elif found.phase == "failed":
            if await self._set(send, **numbers):
                await self._failed(send, found)
        elif surely(self._clock) - send.sent_at > PROGRESS_LIFE:
            why = reason("narrowcast.silent")
            await self._end(send, UnknownState.FAILED, error=why, **numbers)
        elif await self._set(send, **numbers):
            await self._again(send)

    async def _failed(self, send: UnknownSend, found: NarrowcastProgress) -> None:
        why = reason("narrowcast.failed", code=found.error_code, words=found.description)
        if found.success:
            # Some have it: with a broadcast they would get it twice, so a person decides.
            await self._end(send, UnknownState.FAILED, error=why)
        else:
            await self._instead(send, why)

    async def _instead(self, send: UnknownSend, why: Reason) -> None:
        """Continue with a broadcast if that was decided."""
        if not send.may_double:
            await self._end(send, UnknownState.FAILED, error=why)
            return
        log.warning("unknown_send.broadcast", delivery_id=send.delivery_id, reason=str(why))
        if await self._set(
            send,
            way=Way.BROADCAST,
            state=UnknownState.WAITING,
            why_broadcast=why,
            request_id=None,
            missing=0,
            phase="",
        ):
            await self._again(send, seconds=0)

    async def _end(self, send: UnknownSend, state: UnknownState, **changes: Any) -> None:
        if await self._set(send, state=state, ended_at=self._clock.now(), **changes):
            log.info("unknown_send.finished", delivery_id=send.delivery_id, state=state.value)

    async def _set(self, send: UnknownSend, *, is_fact: bool = False, **changes: Any) -> bool:
        """Write its outcome, unless another process has changed it since.

        Parameters
        ----------
        is_fact
            LINE accepted it: that is true whatever was decided meanwhile.

        Returns
        -------
        bool
            Whether it was written.
        """
        async with self._database.writing() as session:
            row = await session.get_one(UnknownSend, send.delivery_id, with_for_update=True)
            told = row.state in (UnknownState.ACCEPTED, UnknownState.DONE)
            if (row.state is not send.state and not is_fact) or (is_fact and told):
                log.info(
                    "unknown_send.replaced", delivery_id=send.delivery_id, state=row.state.value
                )
                return False
            for name, value in changes.items():
                setattr(row, name, value)
            session.add(row)
        send.state = row.state
        return True

    async def _again(self, send: UnknownSend, seconds: float | None = None) -> None:
        """Have a send looked at again after some seconds, by default ``LOOK_SECONDS``."""
        wait = timedelta(seconds=LOOK_SECONDS if seconds is None else seconds)
        async with self._database.writing() as session:
            await self._queue.put(
                session,
                SEND_UNKNOWN,
                str(send.delivery_id),
                priority=Priority.EMERGENCY,
                not_before=self._clock.now() + wait if wait else None,
            )
