"""The hot path: send a run of batches from the outbox to the medium.

Every possible answer of a medium has one consequence here: accepted, tried again with the same key,
split to find the refused recipient, given up, or the whole channel stopped.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Coroutine, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from channels import contents, outbox
from channels.attempts import Attempt, Attempts, Sending, SendingHalted
from channels.gravest import UNMOVED
from channels.guard import ChannelGuard
from channels.level_parts import part_of_run, priority_of_run
from channels.medium import Medium
from channels.members import unpack
from channels.models import BatchState, Delivery, DeliveryState, Priority
from channels.outbox import BatchOutcome, Claimed
from channels.outcome_writer import OutcomeWriter
from channels.planner import send_key, send_task
from channels.reasons import reason
from channels.recent_ids import RecentIdsCache, changed_since
from channels.responses import (
    About,
    AddressGone,
    ChannelRefused,
    QuotaReached,
    Refused,
)
from city.city import City
from core.clock import Clock
from core.database import Database
from core.errors import Retryable
from core.reason import Reason
from core.steady import in_doubt, surely
from core.work import Queue, retry_delay

URGENT_WAIT_SECONDS = 10.0
"""No batch of an emergency waits longer before it is tried again, whatever the answer was."""
STOPPED_SECONDS = 15.0
GRAVER_FIRST_SECONDS = 0.05
"""How often a run of a lower level asks whether the graver ones have left."""
DECISION_AGAIN = timedelta(hours=1)
"""When a personal message is tried again, for example after the month's quota was used up."""
KNOWN_VARIANTS = 256
MOST_REFUSED = 500
"""How many residents of a delivery may be refused singly before a person must look at it."""

log = structlog.get_logger(__name__)


class Sender:
    """Sends runs of batches by one medium.

    Parameters
    ----------
    worker
        Name of this process, written to the batches it takes.
    seed
        Seed of the random delays, for tests.
    """

    def __init__(
        self,
        database: Database,
        city: City,
        clock: Clock,
        queue: Queue,
        medium: Medium,
        guard: ChannelGuard,
        fresh: RecentIdsCache,
        *,
        worker: str,
        seed: int | None = None,
    ) -> None:
        self._database = database
        self._city = city
        self._clock = clock
        self._queue = queue
        self._medium = medium
        self._guard = guard
        self._fresh = fresh
        self._worker = worker
        self._chance = random.Random(seed)  # noqa: S311
        self._recorder = OutcomeWriter(database, clock)
        self._attempts = Attempts(clock, medium, self._chance)
        self._known: dict[int, bytes] = {}
        self._bad_variants: dict[int, asyncio.Future[Reason | None]] = {}
        self._refused_count: Counter[int] = Counter()
        self.active: set[Sending] = set()

    async def send(self, key: str) -> None:
        """Send due batches of a run; the key is ``<delivery>:<run>``."""
        delivery_id, number = (int(part) for part in key.split(":"))
        now = self._clock.now()
        if await self._guard.is_stopped():
            await self._put_again(delivery_id, number, now + timedelta(seconds=STOPPED_SECONDS))
            return
        if await self._graver_goes_first(delivery_id, number, now):
            await self._put_again(
                delivery_id, number, now + timedelta(seconds=GRAVER_FIRST_SECONDS)
            )
            return
        run = await self._claim(delivery_id, number, now)
        if run is None:
            return
        sending = Sending(run.delivery, number)
        if sending.is_urgent:
            self._medium.limiter.begin_urgent(delivery_id)
        self.active.add(sending)
        try:
            if run.batches and sending.priority <= Priority.GRAVEST:
                with self._medium.limiter.graver_first(sending):
                    await self._send_all(sending, run.batches)
            elif run.batches:
                await self._send_all(sending, run.batches)
            await self._recorder.flushed()
            await self._after(sending)
        finally:
            self.active.discard(sending)

    async def _graver_goes_first(self, delivery_id: int, number: int, now: datetime) -> bool:
        """Whether a run is of a lower level than one whose requests are still to be made.

        What LINE has not taken for a while holds back nobody.
        """
        async with self._database.reading() as session:
            delivery = await session.get(Delivery, delivery_id)
            if delivery is None or not delivery.parts or delivery.state not in outbox.UNDER_WAY:
                return False
            place = part_of_run(delivery, number)
            if not place:
                return False
            moved = delivery.last_sent_at or delivery.created_at
            if now - moved > UNMOVED:
                return False
            before = delivery.parts[place]["first_run"]
            return await outbox.has_untried(session, delivery_id, before)

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
                key_life=self._medium.key_life_of,
                sure=not in_doubt(self._clock),
            )
            past = surely(self._clock)
            if run is not None and run.delivery.expires_at and run.delivery.expires_at <= past:
                await outbox.stop(session, delivery_id, reason("delivery.expired"))
                run = None
            if run is None:
                await _close_if_stopped(session, delivery_id, number)
        return run

    async def _send_all(self, sending: Sending, batches: tuple[Claimed, ...]) -> None:
        sending.messages = await self._messages(batches)
        joined = await self._addresses(batches)
        await _together(
            self._send(sending, batch, ids) for batch, ids in zip(batches, joined, strict=True)
        )

    async def _addresses(self, batches: Sequence[Claimed]) -> list[str | None]:
        """Return the addresses of each batch: as planning read them just now, or looked up."""
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
            looked_up = await contents.joined_addresses(
                self._database,
                [batches[place].members for place in missing],
                self._medium.addresses,
            )
            for place, users in zip(missing, looked_up, strict=True):
                found[place] = users
        return found

    async def _messages(self, batches: Iterable[Claimed]) -> dict[int, bytes]:
        """Return the messages of the batches' variants, from memory if they were used lately."""
        wanted = {batch.variant_id for batch in batches}
        found = {each: self._known[each] for each in wanted if each in self._known}
        missing = wanted - found.keys()
        if missing:
            loaded = await contents.variant_messages(self._database, missing)
            found.update(loaded)
            self._known.update(loaded)
            for oldest in list(self._known)[: max(0, len(self._known) - KNOWN_VARIANTS)]:
                del self._known[oldest]
        return found

    async def _send(self, sending: Sending, batch: Claimed, addresses: str | None) -> None:
        """Send one batch, through to an outcome."""
        absent: bytes | None = None
        if addresses is None:
            self._record(sending, batch, BatchState.SKIPPED, error=reason("delivery.nobody-left"))
            return
        fault = self._known_fault(batch)
        if fault is not None:
            self._record(sending, batch, BatchState.FAILED, error=fault)
            return
        if self._medium.addresses.count(addresses) < batch.size:
            absent = await contents.absent_members(self._database, batch.members)
        messages = sending.messages[batch.variant_id]
        request = self._medium.request(
            batch.endpoint,
            addresses,
            messages,
            silent=sending.delivery.silent,
            unit=sending.delivery.unit,
        )
        attempt = Attempt(batch, absent)
        try:
            accepted = await self._attempts.made(sending, attempt, request)
            sent = accepted.request_id
            self._record_attempt(sending, attempt, BatchState.SENT, request_id=sent)
        except SendingHalted:
            attempt.withdraw()
            self._record_attempt(sending, attempt, BatchState.WAITING, error=attempt.error)
        except Refused as error:
            # If it had been accepted before, the same key would have said so.
            attempt.uncertain = False
            if error.about is About.OTHER:
                # For example a wrong path: no message is at fault, so none is given up.
                await self._wait_for_decision(sending, attempt, error)
            else:
                await self._refused(sending, attempt, error)
        except AddressGone as error:
            attempt.uncertain = False
            await self._gone(sending, attempt, error)
        except QuotaReached as error:
            await self._wait_for_decision(sending, attempt, error)
        except ChannelRefused as error:
            await self._guard.stop(error.reason)
            self.halt_all(STOPPED_SECONDS)
            self._record_attempt(sending, attempt, BatchState.WAITING, error=error.reason)
        except Retryable as error:
            delay = retry_delay(attempt.attempts, error.retry_after, self._chance)
            if sending.is_urgent:
                delay = min(delay, URGENT_WAIT_SECONDS)
            due = self._clock.now() + timedelta(seconds=delay)
            self._record_attempt(
                sending, attempt, BatchState.WAITING, error=error.reason, not_before=due
            )

    # Refusals

    async def _refused(self, sending: Sending, attempt: Attempt, error: Refused) -> None:
        """Find the cause of a refusal: the message, or one recipient."""
        batch = attempt.batch
        if error.about is About.BATCH:
            self._record_attempt(sending, attempt, BatchState.FAILED, error=error.reason)
            return
        fault = await self._fault_of_variant(sending, batch, error)
        if fault is None and self._has_too_many_refused(sending):
            await self._wait_for_decision(sending, attempt, error)
            return
        if fault is not None or batch.size == 1:
            self._record_attempt(sending, attempt, BatchState.FAILED, error=fault or error.reason)
            if fault is None:
                await self._count_refused(sending, error)
            return
        await self._halve(sending, batch)

    async def _gone(self, sending: Sending, attempt: Attempt, error: AddressGone) -> None:
        """Skip a recipient whose address is gone; in a batch of several, find them first."""
        batch = attempt.batch
        if batch.size > 1:
            await self._halve(sending, batch)
            return
        async with self._database.writing() as session:
            await self._medium.gone(session, unpack(batch.members)[0])
        attempt.absent = batch.members
        self._record_attempt(sending, attempt, BatchState.SKIPPED, error=error.reason)

    async def _halve(self, sending: Sending, batch: Claimed) -> None:
        """Cut a batch that was refused in two, and send both halves by themselves."""
        async with self._database.writing() as session:
            now = self._clock.now()
            second_id, first_key, second_key = await outbox.split(
                session, batch, sending.delivery_id, now
            )
        middle = len(batch.members) // 8 * 4
        first, second = batch.members[:middle], batch.members[middle:]
        log.info(
            "batch.split",
            delivery_id=sending.delivery_id,
            batch_id=batch.id,
            second_batch_id=second_id,
        )
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
        joined = await contents.joined_addresses(
            self._database, [half.members for half in halves], self._medium.addresses
        )
        await _together(
            self._send(sending, replace(half, first_tried_at=now, uncertain=False), ids)
            for half, ids in zip(halves, joined, strict=True)
        )

    async def _count_refused(self, sending: Sending, error: Refused) -> None:
        """Stop splitting if the objection cannot be about single recipients."""
        self._refused_count[sending.delivery_id] += 1
        if self._refused_count[sending.delivery_id] != MOST_REFUSED:
            return
        why = reason("delivery.refused-singly", n=MOST_REFUSED, error=error.reason)
        if sending.is_urgent:
            log.error("delivery.failing", delivery_id=sending.delivery_id, reason=str(why))
            return
        # After a person resumes it, the next question comes after as many again.
        del self._refused_count[sending.delivery_id]
        await self._halt_delivery(sending, why)

    def _has_too_many_refused(self, sending: Sending) -> bool:
        """Whether an emergency tries refused batches again whole, and splits them no more."""
        return self._refused_count[sending.delivery_id] >= MOST_REFUSED

    async def _wait_for_decision(
        self, sending: Sending, attempt: Attempt, error: Refused | QuotaReached
    ) -> None:
        """Keep a good batch until a person has decided on the fault.

        An emergency waits for nobody: it is tried again, and staff see that it fails.
        """
        due = None
        if sending.is_urgent:
            due = self._clock.now() + timedelta(seconds=URGENT_WAIT_SECONDS)
        elif sending.delivery.notice_id is None:
            # Nobody decides on answers and digests, so they are tried again.
            due = self._clock.now() + DECISION_AGAIN
        else:
            await self._halt_delivery(sending, error.reason)
        self._record_attempt(
            sending, attempt, BatchState.WAITING, error=error.reason, not_before=due
        )

    async def _fault_of_variant(
        self, sending: Sending, batch: Claimed, error: Refused
    ) -> Reason | None:
        """Return the medium's objection to the message itself, or None if it is valid."""
        known = self._bad_variants.get(batch.variant_id)
        if known is None and error.about is About.MESSAGE:
            known = self._bad_variants[batch.variant_id] = asyncio.Future()
            known.set_result(error.reason)
        if known is None:
            known = asyncio.get_running_loop().create_future()
            self._bad_variants[batch.variant_id] = known
            try:
                # Asked once for all batches of the variant.
                await self._medium.validate(batch.endpoint, sending.messages[batch.variant_id])
                known.set_result(None)
            except Refused as refusal:
                known.set_result(refusal.reason)
            except BaseException as other:
                del self._bad_variants[batch.variant_id]
                known.set_result(None)
                if not isinstance(other, Retryable):
                    raise
        return await asyncio.shield(known)

    def _known_fault(self, batch: Claimed) -> Reason | None:
        known = self._bad_variants.get(batch.variant_id)
        return known.result() if known is not None and known.done() else None

    async def _halt_delivery(self, sending: Sending, why: Reason) -> None:
        async with self._database.writing() as session:
            paused = await outbox.pause(session, sending.delivery_id, why)
        if paused:
            log.error("delivery.paused", delivery_id=sending.delivery_id, reason=str(why))
        for each in self.active:
            if each.delivery_id == sending.delivery_id:
                each.halt()

    # Outcomes

    def _record_attempt(
        self,
        sending: Sending,
        attempt: Attempt,
        state: BatchState,
        *,
        error: Reason | None = None,
        request_id: str | None = None,
        not_before: datetime | None = None,
    ) -> None:
        batch = attempt.batch
        tried = attempt.uncertain or state is BatchState.SENT
        self._recorder.add(
            BatchOutcome(
                batch_id=batch.id,
                delivery_id=sending.delivery_id,
                state=state,
                attempts=attempt.attempts,
                size=batch.size,
                at=self._clock.now(),
                first_tried_at=batch.first_tried_at if tried else None,
                request_id=request_id,
                error=error,
                not_before=not_before,
                absent=attempt.absent,
            )
        )

    def _record(
        self, sending: Sending, batch: Claimed, state: BatchState, *, error: Reason | None
    ) -> None:
        self._record_attempt(sending, Attempt(batch, None), state, error=error)

    async def _after(self, sending: Sending) -> None:
        """Close the delivery if it has ended, or queue the rest of the run for its time."""
        delivery_id, number = sending.delivery_id, sending.number
        async with self._database.writing() as session:
            if await outbox.finish_if_done(session, delivery_id):
                log.info("delivery.finished", delivery_id=delivery_id)
                return
            await _close_if_stopped(session, delivery_id, number)
            delivery = await session.get_one(Delivery, delivery_id)
            if delivery.state not in outbox.UNDER_WAY:
                return
            now = self._clock.now()
            for run, not_before in await outbox.unfinished_runs(session, delivery, now, number):
                if not_before is None and sending.again_in:
                    not_before = now + timedelta(seconds=sending.again_in)
                await self._queue.put(
                    session,
                    send_task(delivery.channel),
                    send_key(delivery_id, run),
                    priority=priority_of_run(delivery, run),
                    not_before=not_before,
                )

    async def _put_again(self, delivery_id: int, number: int, when: datetime) -> None:
        async with self._database.writing() as session:
            delivery = await session.get(Delivery, delivery_id)
            if delivery is not None and delivery.state in outbox.UNDER_WAY:
                await self._queue.put(
                    session,
                    send_task(delivery.channel),
                    send_key(delivery_id, number),
                    priority=priority_of_run(delivery, number),
                    not_before=when,
                )


async def _together(pieces: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Run all pieces; a fault of ours in one ends the others, and the run is retried."""
    async with asyncio.TaskGroup() as group:
        for piece in pieces:
            group.create_task(piece)


async def _close_if_stopped(session: AsyncSession, delivery_id: int, number: int) -> None:
    """Mark the remaining batches of a run whose delivery was stopped meanwhile."""
    delivery = await session.get(Delivery, delivery_id, populate_existing=True)
    if delivery is not None and delivery.state is DeliveryState.STOPPED:
        await outbox.close_run(session, delivery_id, number, delivery.reason)
