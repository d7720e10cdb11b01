"""Divide one limit among many processes; the leases never add up to more than the limit.

A lease is not a right to send at some moment but a number of requests a second. Each process keeps
its own lease in any case (see ``channels.limiter``). So the sum is kept too, without a common clock
and without a query for each request. Leases change only when processes begin or end to send: a
process with more than its fair part first sends less, and then gives away only what can no longer
arrive in the same second.

A process asks for what it can use. One that sends little has a small lease, and the rest is for
processes that need more. While a process sends, it reads the rows twice a second and renews its own
once a second. NOTIFY makes others read at once when an emergency begins or LINE answers 429. A
process that holds back for an emergency gives up, step by step, what it no longer uses. Each
process holds a lock of PostgreSQL that ends with it, so that others see its death at once. Its
lease is free when its last requests have certainly arrived.
"""

from __future__ import annotations

import asyncio
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, cast
from uuid import uuid4

import psycopg
import structlog
from sqlalchemy import CursorResult, delete, func, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from channels.gravest import CHANNEL, DECIDED, EMERGENCY, NOTIFY, GravestElsewhere, joined
from channels.limiter import Lane, Limiter
from channels.models import RateLease, RateState
from core.clock import Clock
from core.database import Database
from core.work_shared import plain_url

LOOK_SECONDS = 0.5
RENEW_SECONDS = 0.9
SETTLE_SECONDS = 0.1
"""How often shares are looked at while they change hands."""
IDLE_SECONDS = 0.5
"""A process that has sent nothing for so long leaves its share to others."""
GIVE_UP_PART = 8
"""A process with more than its fair part gives up this part of the limit at a time, while others
have too little, so that a process with small needs does not get much.
"""
URGENT_PART = 20
"""A process that begins an emergency asks for this part of the limit before it needs it."""
LEAVE_PART = 100
"""A process that holds back gives up at least this part of the limit at a time."""
TRUST_SECONDS = 3.0
"""A share that could not be renewed for so long is not used."""
DEAD_SECONDS = 5.0
"""After so long, the part belongs to another process: the last requests arrived at least a second
before.
"""
GONE_SECONDS = 1.2
"""The same for a process that is known to be dead and can send nothing any more."""
ANNOUNCED_SECONDS = 1.0
"""How long an emergency that was decided holds others back until somebody sends it."""
LEAST_SECONDS = 0.05
URGENT_SECONDS = 0.02
"""The same, and the interval of reading, while an emergency changes the leases."""
CLOSE_LOOKS = 30
MOST_NAME = 71

log = structlog.get_logger(__name__)


def shared_limiter(
    database: Database,
    clock: Clock,
    limits: Mapping[str, int | None],
    *,
    others: int | None = None,
    worker: str | None = None,
) -> Limiter:
    """Return the limiter of a medium for a process: shared on PostgreSQL, its own on SQLite.

    The parameters are those of :class:`Limiter`, and the process's name.
    """
    if database.is_sqlite:
        return Limiter(clock, limits, others=others)
    from channels.engine import worker_name

    return SharedLimiter(database, clock, limits, others=others, worker=worker or worker_name())


@dataclass(frozen=True)
class LeaseTable:
    """The table's content for one endpoint, at one moment of the database's clock.

    Parameters
    ----------
    mine, wanted, was_urgent, renewed
        This process's row, and when it was written; None if never.
    others, others_starve
        Slots of the other living processes, and whether one that has something to send has less
        than its fair part.
    fair
        This process's part if all that want one shared equally.
    gone
        Processes that died and whose last requests may still arrive.
    past
        Whether there are rows that belong to nobody any more.
    due_in
        Seconds until the next row of a dead process is free; None if there is none.
    urgent
        Other processes that send an emergency.
    factor, factor_age, paused_for
        The effect of the last 429; times in seconds.
    """

    now: datetime
    mine: int
    wanted: bool
    was_urgent: bool
    renewed: datetime | None
    others: int
    others_starve: bool
    fair: int
    gone: frozenset[str]
    past: bool
    due_in: float | None
    urgent: frozenset[str]
    factor: float
    factor_age: float
    paused_for: float


@dataclass(frozen=True)
class _Step:
    """The result of one reading: the lease to come, the lease written, the row's content."""

    goal: int
    slots: int
    wants: bool
    urgent: bool

    @property
    def keeps(self) -> bool:
        """Whether there is anything to have a row for."""
        return self.wants or self.urgent or self.slots > 0


class SharedLimiter(Limiter):
    """A :class:`Limiter` with a lease for each lane of messages."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        limits: Mapping[str, int | None],
        *,
        others: int | None = None,
        worker: str,
    ) -> None:
        super().__init__(clock, limits, others=others)
        self._database = database
        # Two processes must never look like one, whatever their machines are called.
        self._worker = f"{worker[:MOST_NAME]}:{uuid4().hex[:8]}"
        self._alive = asyncio.Event()
        """Set while the lock is held that tells others that this process lives."""
        self._announced: asyncio.Task[None] | None = None
        self._emergency = f"{EMERGENCY} {joined(limits)}"
        hold, release = super().begin_gravest, super().end_gravest
        name = self._worker.replace(" ", "_")
        self._gravest = GravestElsewhere(database, clock, name, limits, hold, release)
        self._keepers: dict[str, asyncio.Task[None]] = {}
        self._look_now: dict[str, asyncio.Event] = {}
        self._listener: asyncio.Task[None] | None = None
        self._penalties: set[str] = set()
        self._resting: set[str] = set()

    def lane(self, endpoint: str) -> Lane:
        """Return one endpoint's limit; the first request for it asks for a lease."""
        known = endpoint in self._lanes
        lane = super().lane(endpoint)
        if not known and lane.yields and lane.limit is not None:
            lane.set_allowed(0)
            self._look_now[endpoint] = asyncio.Event()
            self._look_now[endpoint].set()
            self._keepers[endpoint] = asyncio.create_task(
                self._keep(lane), name=f"rate share {endpoint}"
            )
            if self._listener is None:
                self._listener = asyncio.create_task(self._listen(), name="rate listener")
        return lane

    def begin_urgent(self, delivery: Hashable) -> None:
        """See :meth:`Limiter.begin_urgent`; other processes are notified."""
        super().begin_urgent(delivery)
        self._wake()

    def end_urgent(self, delivery: Hashable) -> None:
        """See :meth:`Limiter.end_urgent`; other processes are notified."""
        super().end_urgent(delivery)
        self._wake()

    def begin_gravest(self, delivery: Hashable) -> None:
        """See :meth:`Limiter.begin_gravest`; other processes are notified."""
        super().begin_gravest(delivery)
        self._gravest.begin(delivery)

    def end_gravest(self, delivery: Hashable) -> None:
        """See :meth:`Limiter.end_gravest`; other processes are notified."""
        super().end_gravest(delivery)
        self._gravest.end(delivery)

    def slow_down(self, endpoint: str, retry_after: float | None) -> None:
        """See :meth:`Limiter.slow_down`; all processes slow down."""
        super().slow_down(endpoint, retry_after)
        if endpoint in self._look_now:
            self._penalties.add(endpoint)
            self._look_now[endpoint].set()

    async def close(self) -> None:
        """Give back the leases, and stop all tasks."""
        await self._gravest.close()
        await _ended(*self._keepers.values())
        lanes = [self._lanes[endpoint] for endpoint in self._keepers]
        for lane in lanes:
            lane.set_allowed(0)
        # Requests of this second still count: nobody gets the lease before it is over.
        for _ in range(CLOSE_LOOKS):
            if not any(lane.used for lane in lanes):
                break
            await self._clock.sleep(LEAST_SECONDS)
        await super().close()
        over = [lane.endpoint for lane in lanes if not lane.used]
        try:
            async with self._database.writing() as session:
                ours = col(RateLease.worker) == self._worker
                await session.execute(
                    delete(RateLease).where(ours, col(RateLease.endpoint).in_(over))
                )
                # A row that stays is another's when it is DEAD_SECONDS old.
                await session.execute(
                    update(RateLease).where(ours).values(wants=False, urgent=False)
                )
        except (SQLAlchemyError, OSError) as error:
            log.warning("lease.unreleased", reason=str(error))
        # The lock ends last: until here, this process could still send.
        await _ended(self._listener, self._announced)

    @property
    def _urgent_of_ours(self) -> bool:
        return any(not isinstance(each, _Elsewhere | _Announced) for each in self._urgent)

    def _wake(self) -> None:
        for endpoint in self._limits:
            self.lane(endpoint)
        for event in self._look_now.values():
            event.set()

    async def _keep(self, lane: Lane) -> None:
        """Adapt the lease of one lane to what is sent here and elsewhere, in an endless loop."""
        look_now = self._look_now[lane.endpoint]
        lane.starved = partial(self._starved, lane.endpoint)
        self._resting.add(lane.endpoint)
        pause: float | None = None
        while True:
            if await _set_within(look_now, pause, self._clock):
                look_now.clear()
            self._resting.discard(lane.endpoint)
            await self._alive.wait()
            try:
                pause = await self._look(lane)
            except (SQLAlchemyError, OSError) as error:
                log.warning("lease.unrenewed", reason=str(error))
                pause = LOOK_SECONDS
            await self._clock.sleep(URGENT_SECONDS if self._urgent else LEAST_SECONDS)

    def _starved(self, endpoint: str) -> None:
        """Something waits without a lease: ask for one, unless that is running already."""
        if endpoint in self._resting:
            self._look_now[endpoint].set()

    async def _look(self, lane: Lane) -> float | None:
        """Read the table once; return in how many seconds to read again, None for when woken."""
        began = self._clock.monotonic()
        penalty = lane.endpoint in self._penalties
        self._penalties.discard(lane.endpoint)
        if not self._has_use(lane, began):
            lane.set_allowed(0)
        async with self._database.reading() as session:
            seen = await self._read(session, lane.endpoint)
        step = self._step(lane, seen, began)
        if penalty or self._must_write(seen, step):
            async with self._database.writing() as session:
                await self._lock(session, lane.endpoint)
                seen = await self._read(session, lane.endpoint)
                step = self._step(lane, seen, began)
                if step.goal < seen.mine:
                    # Send less first. Give away only what can no longer arrive in the same second
                    # as requests of others.
                    lane.set_allowed(min(lane.allowed or 0, step.goal))
                    step = self._step(lane, seen, began)
                await self._clear_away(session, lane.endpoint, seen)
                await self._write(session, lane, step)
                if penalty:
                    await self._share_penalty(session, lane, seen.now)
                if penalty or _changes(seen, step):
                    notice = {"channel": CHANNEL, "payload": self._worker}
                    await session.execute(NOTIFY, notice)
            renewed = True
        else:
            renewed = step.keeps and await self._renew(lane, seen)
        if step.keeps and self._alive.is_set():
            if renewed:
                lane.valid_until = began + TRUST_SECONDS
            lane.set_allowed(min(step.slots, step.goal))
        self._hear_urgent(seen)
        self._hear_penalty(lane, seen)
        return self._pause(lane, seen, step)

    def _pause(self, lane: Lane, seen: LeaseTable, step: _Step) -> float | None:
        if not step.keeps:
            self._resting.add(lane.endpoint)
            return None
        if self._holds_back(seen):
            return URGENT_SECONDS
        if step.slots != step.goal or (step.wants and step.slots < seen.fair):
            return SETTLE_SECONDS
        return LOOK_SECONDS if seen.due_in is None else min(LOOK_SECONDS, seen.due_in)

    def _has_use(self, lane: Lane, now: float) -> bool:
        return lane.wants or self._urgent_of_ours or now - lane.last_used < IDLE_SECONDS

    def _holds_back(self, seen: LeaseTable) -> bool:
        """Whether others send an emergency, or will at once, and this process does not."""
        return bool(self._urgent or seen.urgent) and not self._urgent_of_ours

    def _step(self, lane: Lane, seen: LeaseTable, now: float) -> _Step:
        """Return what this process should do now."""
        assert lane.limit is not None
        least = max(1, lane.limit // URGENT_PART) if self._urgent_of_ours else 1
        if self._holds_back(seen):
            short = False
            goal = min(seen.mine, lane.used)
            if goal > 0 and seen.mine - goal < lane.limit // LEAVE_PART:
                # Too small a change to notify all other processes.
                goal = seen.mine
        else:
            short = now - lane.short_at < IDLE_SECONDS or (least > 1 and seen.mine < least)
            goal = self._fit(lane, seen, short, least) if self._has_use(lane, now) else 0
        slots = goal if goal >= seen.mine else min(seen.mine, max(goal, lane.used))
        return _Step(goal, slots, short, self._urgent_of_ours)

    def _fit(self, lane: Lane, seen: LeaseTable, short: bool, least: int) -> int:
        """Return how many slots this process should have, at least ``least`` if available."""
        assert lane.limit is not None
        free = lane.limit - seen.others
        # The most that it used lately, without a reserve: it asks for more when it needs one. In an
        # emergency, what it uses now: another process may get the next run.
        most = max(least, lane.used if self._urgent_of_ours else lane.needed)
        if short:
            # Twice what it uses, or all that waits: fast enough, and not much too much.
            most = max(least, lane.used + 1 + max(lane.used, lane.waiting))
        if seen.mine > seen.fair and seen.others_starve:
            give_up = max(1, lane.limit // GIVE_UP_PART)
            free = min(free, max(seen.fair, seen.mine - give_up))
        elif seen.others_starve:
            free = min(free, max(seen.mine, seen.fair))
        return max(0, min(free, most))

    def _must_write(self, seen: LeaseTable, step: _Step) -> bool:
        return bool(seen.gone) or seen.past or _changes(seen, step)

    async def _lock(self, session: AsyncSession, endpoint: str) -> None:
        """Lock the leases of the endpoint until the commit."""
        await session.execute(
            insert(RateState)
            .values(endpoint=endpoint, factor=1.0, since=func.now())
            .on_conflict_do_nothing()
        )
        await session.get_one(RateState, endpoint, with_for_update=True)

    async def _read(self, session: AsyncSession, endpoint: str) -> LeaseTable:
        """Read everything about an endpoint."""
        limit = self._limits[endpoint]
        assert limit is not None
        state = await session.get(RateState, endpoint)
        rows = (await session.execute(_ROWS, {"endpoint": endpoint, "us": self._worker})).all()
        now = await session.scalar(text("SELECT clock_timestamp()"))
        assert isinstance(now, datetime)
        dead = now - timedelta(seconds=DEAD_SECONDS)
        gone_at = dead + timedelta(seconds=GONE_SECONDS)
        living = [row for row in rows if row.renewed_at >= dead]
        mine = next((row for row in living if row.worker == self._worker), None)
        others = [row for row in living if row.worker != self._worker]
        left = limit - sum(row.slots for row in others if not row.wants)
        names = sorted({row.worker for row in others if row.wants} | {self._worker})
        fair = {
            name: max(0, left // len(names) + (place < left % len(names)))
            for place, name in enumerate(names)
        }
        due = [(row.renewed_at - dead).total_seconds() for row in others if row.gone]
        return LeaseTable(
            now=now,
            mine=0 if mine is None else mine.slots,
            wanted=mine is not None and mine.wants,
            was_urgent=mine is not None and mine.urgent,
            renewed=None if mine is None else mine.renewed_at,
            others=sum(row.slots for row in others),
            others_starve=any(row.wants and row.slots < fair[row.worker] for row in others),
            fair=fair[self._worker],
            gone=frozenset(row.worker for row in others if row.gone and row.renewed_at > gone_at),
            past=len(living) < len(rows),
            due_in=min(GONE_SECONDS, *due) + LEAST_SECONDS if due else None,
            urgent=frozenset(row.worker for row in others if row.urgent and not row.gone),
            factor=1.0 if state is None else state.factor,
            factor_age=0.0 if state is None else max(0.0, (now - state.since).total_seconds()),
            paused_for=0.0
            if state is None or state.paused_until is None
            else max(0.0, (state.paused_until - now).total_seconds()),
        )

    async def _clear_away(self, session: AsyncSession, endpoint: str, seen: LeaseTable) -> None:
        """Delete free rows, and mark rows of dead processes to become free soon."""
        dead = seen.now - timedelta(seconds=DEAD_SECONDS)
        of_endpoint = col(RateLease.endpoint) == endpoint
        if seen.past:
            await session.execute(
                delete(RateLease).where(of_endpoint, col(RateLease.renewed_at) < dead)
            )
        if seen.gone:
            await session.execute(
                update(RateLease)
                .where(of_endpoint, col(RateLease.worker).in_(seen.gone))
                .values(
                    wants=False, urgent=False, renewed_at=dead + timedelta(seconds=GONE_SECONDS)
                )
            )

    async def _renew(self, lane: Lane, seen: LeaseTable) -> bool:
        """Renew this process's sign of life if it is old; return whether it was renewed."""
        if seen.renewed and (seen.now - seen.renewed).total_seconds() < RENEW_SECONDS:
            return False
        async with self._database.writing() as session:
            result = await session.execute(
                update(RateLease)
                .where(
                    col(RateLease.endpoint) == lane.endpoint,
                    col(RateLease.worker) == self._worker,
                )
                .values(renewed_at=func.clock_timestamp())
            )
        return cast("CursorResult[Any]", result).rowcount == 1

    async def _write(self, session: AsyncSession, lane: Lane, step: _Step) -> None:
        """Write this process's row, or delete it."""
        if not step.keeps:
            await session.execute(
                delete(RateLease).where(
                    col(RateLease.endpoint) == lane.endpoint,
                    col(RateLease.worker) == self._worker,
                )
            )
            return
        values = {
            "slots": step.slots,
            "wants": step.wants,
            "urgent": step.urgent,
            "renewed_at": func.clock_timestamp(),
        }
        await session.execute(
            insert(RateLease)
            .values(endpoint=lane.endpoint, worker=self._worker, **values)
            .on_conflict_do_update(index_elements=["endpoint", "worker"], set_=values)
        )

    async def _share_penalty(self, session: AsyncSession, lane: Lane, now: datetime) -> None:
        factor, pause = lane.penalty()
        state = await session.get_one(RateState, lane.endpoint)
        state.factor, state.since = factor, now
        state.paused_until = now + timedelta(seconds=pause)

    def _hear_urgent(self, seen: LeaseTable) -> None:
        known = {each for each in self._urgent if isinstance(each, _Elsewhere)}
        there = {_Elsewhere(worker) for worker in seen.urgent}
        for each in there - known:
            super().begin_urgent(each)
        for each in known - there:
            super().end_urgent(each)

    def _hear_penalty(self, lane: Lane, seen: LeaseTable) -> None:
        lane.adopt_factor(seen.factor, seen.factor_age)
        if seen.paused_for > 0:
            lane.pause_until(self._clock.monotonic() + seen.paused_for)

    async def _listen(self) -> None:
        """Hold the lock that shows that this process lives, and read the rows when notified."""
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(
                    plain_url(self._database.url), autocommit=True
                ) as connection:
                    await connection.execute(f"LISTEN {CHANNEL}")
                    await connection.execute(_LIVE, (self._worker,))
                    self._alive.set()
                    async for notice in connection.notifies():
                        self._heard(notice.payload)
            except psycopg.Error as error:
                # The others may take this process for dead now: it must not send either.
                self._alive.clear()
                for endpoint in self._keepers:
                    self._lanes[endpoint].set_allowed(0)
                log.warning("lease.unheard", reason=str(error))
                await self._clock.sleep(LOOK_SECONDS)

    def _heard(self, payload: str) -> None:
        if payload.startswith(DECIDED):
            self._gravest.heard(payload)
            return
        if payload == self._emergency:
            if self._announced is not None:
                self._announced.cancel()
            super().begin_urgent(_Announced())
            self._announced = asyncio.create_task(self._announcement_ends())
        if payload != self._worker:
            # After a notification, so that unused parts are free when they are needed.
            for event in self._look_now.values():
                event.set()

    async def _announcement_ends(self) -> None:
        await self._clock.sleep(ANNOUNCED_SECONDS)
        super().end_urgent(_Announced())


@dataclass(frozen=True)
class _Elsewhere:
    """An emergency that another process sends."""

    worker: str


@dataclass(frozen=True)
class _Announced:
    """An emergency that no process sends yet."""


# A lock that ends with its session; processes that check it take it as a shared lock.
_LIVE = f"SELECT pg_advisory_lock(hashtext('{CHANNEL}'), hashtext(%s))"
_ROWS = text(
    f"""
    SELECT worker, slots, wants, urgent, renewed_at,
        worker <> :us
        AND pg_try_advisory_xact_lock_shared(hashtext('{CHANNEL}'), hashtext(worker)) AS gone
    FROM rate_shares WHERE endpoint = :endpoint
    """  # noqa: S608
)


def _changes(seen: LeaseTable, step: _Step) -> bool:
    """Whether others should know of a step."""
    if not step.keeps:
        return seen.renewed is not None
    there = (seen.mine, seen.wanted, seen.was_urgent)
    return seen.renewed is None or there != (step.slots, step.wants, step.urgent)


async def _ended(*tasks: asyncio.Task[None] | None) -> None:
    """End tasks, and wait until they have."""
    running = [task for task in tasks if task is not None]
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)


async def _set_within(event: asyncio.Event, seconds: float | None, clock: Clock) -> bool:
    """Wait until ``event`` is set or the time is over; return whether it is set."""
    if seconds is None:
        return await event.wait()
    waiting = asyncio.ensure_future(event.wait())
    nap = asyncio.ensure_future(clock.sleep(seconds))
    try:
        await asyncio.wait((waiting, nap), return_when=asyncio.FIRST_COMPLETED)
        return event.is_set()
    finally:
        waiting.cancel()
        nap.cancel()
