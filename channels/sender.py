"""The hot path: a run of batches out of the outbox and to LINE.

Every answer LINE can give has one consequence here: taken, tried again with the same key,
split to find who is refused, given up, or the whole channel stopped.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Coroutine, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from channels import outbox
from channels.errors import LineBusy, LineRefused, LineUnavailable, QuotaReached, TokenRefused
from channels.fresh import FreshUsers, changed_since
from channels.guard import ChannelGuard
from channels.line import LineClient, multicast_body, push_body
from channels.members import unpack
from channels.metrics import RETRIES
from channels.models import BatchState, Delivery, DeliveryState, Priority
from channels.outbox import Claimed, Outcome
from channels.planner import SEND, send_key
from channels.recorder import Recorder
from core.city import City
from core.clock import Clock
from core.database import Database
from core.errors import Retryable
from core.work import Queue, retry_delay

TRIES_AT_ONCE = 3
"""Tries within one run; then the batch waits, and its place goes to another."""
BUSY_TRIES = 20
FIRST_DELAY_SECONDS = 0.2
STOPPED_SECONDS = 15.0
DECISION_AGAIN = timedelta(hours=1)
"""When a personal message is tried again that the month's quota, say, did not suffice for."""
KNOWN_VARIANTS = 256
MOST_REFUSED = 500
"""Residents of a delivery whom LINE refuses one by one, before a person has to look at it."""

log = structlog.get_logger(__name__)


class SendingHalted(Exception):
    """The run must not send any more: paused, stopped, expired or shutting down."""


@dataclass(eq=False)
class Sending:
    """One run while it is sent."""

    delivery: Delivery
    number: int
    halted: bool = False
    again_in: float = 0.0
    messages: dict[int, bytes] = field(default_factory=dict)
    waiting: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def delivery_id(self) -> int:
        assert self.delivery.id is not None
        return self.delivery.id

    def halt(self, again_in: float = 0.0) -> None:
        """Take what waits for its turn out of the line; what is under way ends by itself.

        Parameters
        ----------
        again_in
            Seconds after which the run is put again, if its delivery is still under way.
        """
        self.halted = True
        self.again_in = again_in
        for task in self.waiting:
            task.cancel()


class Sender:
    """Sends runs of batches.

    Parameters
    ----------
    worker
        Name of this process, written to the batches it takes.
    seed
        Of the chance in delays, for tests.
    """

    def __init__(
        self,
        database: Database,
        city: City,
        clock: Clock,
        queue: Queue,
        line: LineClient,
        guard: ChannelGuard,
        fresh: FreshUsers,
        *,
        worker: str,
        seed: int | None = None,
    ) -> None:
        self._database = database
        self._city = city
        self._clock = clock
        self._queue = queue
        self._line = line
        self._guard = guard
        self._fresh = fresh
        self._worker = worker
        self._chance = random.Random(seed)  # noqa: S311
        self._recorder = Recorder(database, clock)
        self._known: dict[int, bytes] = {}
        self._bad_variants: dict[int, asyncio.Future[str | None]] = {}
        self._refused_count: Counter[int] = Counter()
        self.active: set[Sending] = set()

    async def send(self, key: str) -> None:
        """Send what is due of a run; the key is ``<delivery>:<run>``."""
        delivery_id, number = (int(part) for part in key.split(":"))
        now = self._clock.now()
        if await self._guard.is_stopped():
            await self._put_again(delivery_id, number, now + timedelta(seconds=STOPPED_SECONDS))
            return
        run = await self._claim(delivery_id, number, now)
        if run is None:
            return
        sending = Sending(run.delivery, number)
        if run.delivery.priority <= Priority.EMERGENCY:
            self._line.limiter.begin_urgent(delivery_id)
        self.active.add(sending)
        try:
            if run.batches:
                await self._send_all(sending, run.batches)
            await self._recorder.flushed()
            await self._after(sending)
        finally:
            self.active.discard(sending)

    def halt_all(self, again_in: float = 0.0) -> None:
        """Stop taking turns, as before the process ends."""
        for sending in self.active:
            sending.halt(again_in)

    async def _claim(self, delivery_id: int, number: int, now: datetime) -> outbox.Run | None:
        async with self._database.writing() as session:
            run = await outbox.claim(
                session,
                delivery_id,
                number,
                now=now,
                quiet=self._city.quiet_hours,
                worker=self._worker,
            )
            if run is not None and run.delivery.expires_at and run.delivery.expires_at <= now:
                await outbox.stop(session, delivery_id, "expired")
                run = None
            if run is None:
                await _close_if_stopped(session, delivery_id, number)
        return run

    async def _send_all(self, sending: Sending, batches: tuple[Claimed, ...]) -> None:
        sending.messages = await self._messages(batches)
        joined = await self._user_ids(batches)
        await _together(
            self._send(sending, batch, ids) for batch, ids in zip(batches, joined, strict=True)
        )

    async def _user_ids(self, batches: Sequence[Claimed]) -> list[str | None]:
        """Return the user ids of each batch: as planning read them just now, or looked up."""
        fresh = [self._fresh.take(batch.retry_key) for batch in batches]
        marks = [each.mark for each in fresh if each is not None]
        changed: set[int] = set()
        if marks:
            async with self._database.reading() as session:
                changed = await changed_since(session, min(marks))
        found: list[str | None] = [None if each is None else each.users for each in fresh]
        missing = [
            place
            for place, users in enumerate(found)
            if users is None or (changed and not changed.isdisjoint(unpack(batches[place].members)))
        ]
        if missing:
            looked_up = await outbox.user_ids(
                self._database, [batches[place].members for place in missing]
            )
            for place, users in zip(missing, looked_up, strict=True):
                found[place] = users
        return found

    async def _messages(self, batches: Iterable[Claimed]) -> dict[int, bytes]:
        """Return the messages of the batches' variants, from memory where they were used lately."""
        wanted = {batch.variant_id for batch in batches}
        found = {each: self._known[each] for each in wanted if each in self._known}
        missing = wanted - found.keys()
        if missing:
            loaded = await outbox.variant_messages(self._database, missing)
            found.update(loaded)
            self._known.update(loaded)
            for oldest in list(self._known)[: max(0, len(self._known) - KNOWN_VARIANTS)]:
                del self._known[oldest]
        return found

    async def _send(self, sending: Sending, batch: Claimed, user_ids: str | None) -> None:
        """Send one batch, through to an outcome."""
        absent: bytes | None = None
        if user_ids is None:
            self._record(sending, batch, BatchState.SKIPPED, error="nobody follows any more")
            return
        fault = self._known_fault(batch)
        if fault is not None:
            self._record(sending, batch, BatchState.FAILED, error=fault)
            return
        if user_ids.count(",") + 1 < batch.size:
            absent = await outbox.absent_members(self._database, batch.members)
        messages = sending.messages[batch.variant_id]
        make_body = multicast_body if batch.endpoint == "multicast" else push_body
        body = make_body(user_ids, messages, silent=sending.delivery.silent)
        attempt = _Attempt(batch, absent)
        try:
            await self._try(sending, attempt, body)
        except SendingHalted:
            attempt.withdraw()
            self._record_attempt(sending, attempt, BatchState.WAITING, error=attempt.error)
        except LineRefused as error:
            # Had LINE taken it before, it would have answered 409 to the same key.
            attempt.uncertain = False
            if error.is_about_content:
                await self._refused(sending, attempt, error)
            else:
                # A wrong address, say: nobody's message is at fault, so none is given up.
                await self._wait_for_decision(sending, attempt, error)
        except QuotaReached as error:
            await self._wait_for_decision(sending, attempt, error)
        except TokenRefused as error:
            await self._guard.stop(str(error))
            self.halt_all(STOPPED_SECONDS)
            self._record_attempt(sending, attempt, BatchState.WAITING, error=str(error))
        except Retryable as error:
            delay = retry_delay(attempt.attempts, error.retry_after, self._chance)
            due = self._clock.now() + timedelta(seconds=delay)
            self._record_attempt(
                sending, attempt, BatchState.WAITING, error=str(error), not_before=due
            )

    async def _try(self, sending: Sending, attempt: _Attempt, body: bytes) -> None:
        """Post until LINE takes it or it is time to give the place to another batch."""
        batch = attempt.batch
        broken = busy = 0
        while True:
            try:
                await self._turn(sending, attempt, body)
                return
            except LineUnavailable as error:
                attempt.uncertain = True
                attempt.error = str(error)
                broken += 1
                if broken >= TRIES_AT_ONCE:
                    raise
                delay = FIRST_DELAY_SECONDS * 2.0**broken * (0.5 + self._chance.random() / 2)
                RETRIES.labels("unavailable").inc()
                await self._clock.sleep(max(delay, min(error.retry_after or 0.0, 5.0)))
            except LineBusy as error:
                attempt.error = str(error)
                busy += 1
                if busy >= BUSY_TRIES:
                    raise
                RETRIES.labels("busy").inc()
            attempt.attempts += 1
            log.debug("batch tried again", batch=batch.id, attempt=attempt.attempts)

    async def _turn(self, sending: Sending, attempt: _Attempt, body: bytes) -> None:
        """Wait for a turn under the limit, and post."""
        task = asyncio.current_task()
        assert task is not None
        slot = self._line.limiter.slot(attempt.batch.endpoint, sending.delivery.priority)
        if sending.halted:
            raise SendingHalted
        sending.waiting.add(task)
        try:
            await slot.__aenter__()
        except asyncio.CancelledError:
            if sending.halted:
                raise SendingHalted from None
            raise
        finally:
            sending.waiting.discard(task)
        try:
            accepted = await self._line.post(attempt.batch.endpoint, body, attempt.batch.retry_key)
        finally:
            await slot.__aexit__(None, None, None)
        self._record_attempt(sending, attempt, BatchState.SENT, request_id=accepted.request_id)

    # What LINE refused

    async def _refused(self, sending: Sending, attempt: _Attempt, error: LineRefused) -> None:
        """Find out whose fault a refusal is: the message's, or one recipient's."""
        batch = attempt.batch
        if error.status != 400:
            self._record_attempt(sending, attempt, BatchState.FAILED, error=str(error))
            return
        fault = await self._fault_of_variant(sending, batch, error)
        if fault is not None or batch.size == 1:
            self._record_attempt(sending, attempt, BatchState.FAILED, error=fault or str(error))
            if fault is None:
                await self._count_refused(sending, error)
            return
        async with self._database.writing() as session:
            now = self._clock.now()
            second_id, first_key, second_key = await outbox.split(
                session, batch, sending.delivery_id, now
            )
        middle = len(batch.members) // 8 * 4
        first, second = batch.members[:middle], batch.members[middle:]
        log.info("batch split", delivery=sending.delivery_id, batch=batch.id, into=second_id)
        halves = (
            replace(batch, retry_key=first_key, members=first, size=len(first) // 4),
            replace(
                batch,
                id=second_id,
                retry_key=second_key,
                members=second,
                size=len(second) // 4,
            ),
        )
        joined = await outbox.user_ids(self._database, [half.members for half in halves])
        await _together(
            self._send(sending, replace(half, first_tried_at=now, uncertain=False), ids)
            for half, ids in zip(halves, joined, strict=True)
        )

    async def _count_refused(self, sending: Sending, error: LineRefused) -> None:
        """Stop splitting where hardly anybody can be meant: LINE objects to something else."""
        self._refused_count[sending.delivery_id] += 1
        if self._refused_count[sending.delivery_id] >= MOST_REFUSED:
            # Who lets it go on all the same is asked again after as many.
            del self._refused_count[sending.delivery_id]
            why = f"LINE refused {MOST_REFUSED} residents one by one: {error}"
            await self._halt_delivery(sending, why[:500])

    async def _wait_for_decision(
        self, sending: Sending, attempt: _Attempt, error: LineRefused | QuotaReached
    ) -> None:
        """Keep a batch that is not at fault until a person has seen to what is."""
        due = None
        if sending.delivery.notice_id is None:
            # Answers and digests are on nobody's list of what to decide: they try again.
            due = self._clock.now() + DECISION_AGAIN
        else:
            await self._halt_delivery(sending, str(error)[:500])
        self._record_attempt(sending, attempt, BatchState.WAITING, error=str(error), not_before=due)

    async def _fault_of_variant(
        self, sending: Sending, batch: Claimed, error: LineRefused
    ) -> str | None:
        """Return what LINE objects to in the message itself, or None when it is sound."""
        known = self._bad_variants.get(batch.variant_id)
        if known is None and any(name.startswith("messages") for name in error.properties):
            known = self._bad_variants[batch.variant_id] = asyncio.Future()
            known.set_result(str(error))
        if known is None:
            known = asyncio.get_running_loop().create_future()
            self._bad_variants[batch.variant_id] = known
            try:
                # Asked once for all batches of the variant.
                await self._line.validate(batch.endpoint, sending.messages[batch.variant_id])
                known.set_result(None)
            except LineRefused as refusal:
                known.set_result(str(refusal))
            except BaseException as other:
                del self._bad_variants[batch.variant_id]
                known.set_result(None)
                if not isinstance(other, Retryable):
                    raise
        return await asyncio.shield(known)

    def _known_fault(self, batch: Claimed) -> str | None:
        known = self._bad_variants.get(batch.variant_id)
        return known.result() if known is not None and known.done() else None

    async def _halt_delivery(self, sending: Sending, why: str) -> None:
        async with self._database.writing() as session:
            paused = await outbox.pause(session, sending.delivery_id, why)
        if paused:
            log.error("delivery paused", delivery=sending.delivery_id, reason=why)
        for each in self.active:
            if each.delivery_id == sending.delivery_id:
                each.halt()

    # Outcomes

    def _record_attempt(
        self,
        sending: Sending,
        attempt: _Attempt,
        state: BatchState,
        *,
        error: str | None = None,
        request_id: str | None = None,
        not_before: datetime | None = None,
    ) -> None:
        batch = attempt.batch
        tried = attempt.uncertain or state is BatchState.SENT
        self._recorder.add(
            Outcome(
                batch_id=batch.id,
                delivery_id=sending.delivery_id,
                state=state,
                attempts=attempt.attempts,
                size=batch.size,
                at=self._clock.now(),
                first_tried_at=batch.first_tried_at if tried else None,
                request_id=request_id,
                error=error[:500] if error else None,
                not_before=not_before,
                absent=attempt.absent,
            )
        )

    def _record(
        self, sending: Sending, batch: Claimed, state: BatchState, *, error: str | None
    ) -> None:
        self._record_attempt(sending, _Attempt(batch, None), state, error=error)

    async def _after(self, sending: Sending) -> None:
        """Close what has ended, and have the rest of the run put again for its time."""
        delivery_id, number = sending.delivery_id, sending.number
        async with self._database.writing() as session:
            if await outbox.finish_if_done(session, delivery_id):
                log.info("delivery done", delivery=delivery_id)
                return
            await _close_if_stopped(session, delivery_id, number)
            delivery = await session.get_one(Delivery, delivery_id)
            if delivery.state not in outbox.UNDER_WAY:
                return
            for run, not_before in await outbox.unfinished_runs(session, delivery_id, number):
                if not_before is None and sending.again_in:
                    not_before = self._clock.now() + timedelta(seconds=sending.again_in)
                await self._queue.put(
                    session,
                    SEND,
                    send_key(delivery_id, run),
                    priority=delivery.priority,
                    not_before=not_before,
                )

    async def _put_again(self, delivery_id: int, number: int, when: datetime) -> None:
        async with self._database.writing() as session:
            delivery = await session.get(Delivery, delivery_id)
            if delivery is not None and delivery.state in outbox.UNDER_WAY:
                await self._queue.put(
                    session,
                    SEND,
                    send_key(delivery_id, number),
                    priority=delivery.priority,
                    not_before=when,
                )


@dataclass
class _Attempt:
    """A batch on its way: how often it was tried, and whether LINE may have taken it."""

    batch: Claimed
    absent: bytes | None
    attempts: int = 0
    uncertain: bool = False
    error: str | None = None

    def __post_init__(self) -> None:
        self.attempts = self.batch.attempts
        self.uncertain = self.batch.uncertain

    def withdraw(self) -> None:
        """It was not tried this time after all."""
        self.attempts -= 1


async def _together(pieces: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Run all pieces; a fault of ours in one ends the others, and the run is tried again."""
    async with asyncio.TaskGroup() as group:
        for piece in pieces:
            group.create_task(piece)


async def _close_if_stopped(session: AsyncSession, delivery_id: int, number: int) -> None:
    """Mark what is left of a run whose delivery was stopped meanwhile."""
    delivery = await session.get(Delivery, delivery_id, populate_existing=True)
    if delivery is not None and delivery.state is DeliveryState.STOPPED:
        await outbox.close_run(session, delivery_id, number, delivery.reason)
