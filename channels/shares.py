"""One limit for many processes: each has a share of it, and shares never add up to more.

A share is not a right to send at some moment but a number of requests a second, and each
process keeps within its own whatever happens (see ``channels.limiter``). So the sum is kept
too, with no clock in common and no word to the database for a request. Shares change hands
only when processes begin or end to send: who has more than is fair sends less first, and
gives away only what can no longer arrive in the same second.

Rows are renewed about once a second while a process sends; a word by NOTIFY makes others
look at once, when an emergency begins or LINE answers 429. A process that renews no more has
died; its share is free when its last requests are certainly past.
"""

from __future__ import annotations

import asyncio
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import psycopg
import structlog
from sqlalchemy import delete, func, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from channels.limiter import OUTBOX, Lane, Limiter, line_limits
from channels.models import RateShare, RateState
from core.clock import Clock
from core.database import Database
from core.settings import Settings
from core.work_shared import plain_url

CHANNEL = "todoke_rate"
RENEW_SECONDS = 1.0
SETTLE_SECONDS = 0.25
"""How often shares are looked at while they change hands."""
IDLE_SECONDS = 0.5
"""A process that has sent nothing for so long leaves its share to others."""
TRUST_SECONDS = 3.0
"""A share that could not be renewed for so long is not used."""
DEAD_SECONDS = 5.0
"""And is another's after so long: its last requests arrived at least a second before."""
LEAST_SECONDS = 0.05
CLOSE_LOOKS = 30

log = structlog.get_logger(__name__)


def shared_limiter(
    database: Database, clock: Clock, settings: Settings, *, worker: str | None = None
) -> Limiter:
    """Return the limiter for a process: shared on PostgreSQL, its own on SQLite."""
    limits = line_limits(settings.line_rate_multicast, settings.line_rate_push)
    if database.is_sqlite:
        return Limiter(clock, limits)
    from channels.engine import worker_name

    return SharedLimiter(database, clock, limits, worker=worker or worker_name())


@dataclass(frozen=True)
class Standing:
    """What the table says of one endpoint, at one moment of the database's clock.

    Parameters
    ----------
    mine, wanted, was_urgent
        This process's row.
    others, others_starve
        Slots of the other living processes, and whether one that has something to send has
        less than is fair.
    fair
        This process's part if all that want one had equal parts.
    urgent
        Other processes that send an emergency.
    factor, factor_age, paused_for
        What the last 429 left, times in seconds.
    """

    now: datetime
    mine: int
    wanted: bool
    was_urgent: bool
    others: int
    others_starve: bool
    fair: int
    urgent: frozenset[str]
    factor: float
    factor_age: float
    paused_for: float


class SharedLimiter(Limiter):
    """A :class:`Limiter` whose lanes for messages have a share of the limit."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        limits: Mapping[str, int | None],
        *,
        worker: str,
    ) -> None:
        super().__init__(clock, limits)
        self._database = database
        self._worker = worker
        self._keepers: dict[str, asyncio.Task[None]] = {}
        self._look_now: dict[str, asyncio.Event] = {}
        self._listener: asyncio.Task[None] | None = None
        self._penalties: set[str] = set()
        self._resting: set[str] = set()

    def lane(self, endpoint: str) -> Lane:
        """Return one endpoint's limit; the first request for it asks for a share."""
        known = endpoint in self._lanes
        lane = super().lane(endpoint)
        if not known and endpoint in OUTBOX and lane.limit is not None:
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
        """See :meth:`Limiter.begin_urgent`; other processes are told."""
        super().begin_urgent(delivery)
        self._wake()

    def end_urgent(self, delivery: Hashable) -> None:
        """See :meth:`Limiter.end_urgent`; other processes are told."""
        super().end_urgent(delivery)
        self._wake()

    def slow_down(self, endpoint: str, retry_after: float | None) -> None:
        """See :meth:`Limiter.slow_down`; all processes slow down."""
        super().slow_down(endpoint, retry_after)
        if endpoint in self._look_now:
            self._penalties.add(endpoint)
            self._look_now[endpoint].set()

    async def close(self) -> None:
        """Give the shares back, and leave nothing behind that runs."""
        tasks = [*self._keepers.values(), *([self._listener] if self._listener else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        lanes = [self._lanes[endpoint] for endpoint in self._keepers]
        for lane in lanes:
            lane.set_allowed(0)
        # What was sent within this second still counts: nobody gets the share before it is over.
        for _ in range(CLOSE_LOOKS):
            if not any(lane.used for lane in lanes):
                break
            await self._clock.sleep(LEAST_SECONDS)
        await super().close()
        over = [lane.endpoint for lane in lanes if not lane.used]
        try:
            async with self._database.writing() as session:
                ours = col(RateShare.worker) == self._worker
                await session.execute(
                    delete(RateShare).where(ours, col(RateShare.endpoint).in_(over))
                )
                # A row that stays is another's when it is DEAD_SECONDS old.
                await session.execute(
                    update(RateShare).where(ours).values(wants=False, urgent=False)
                )
        except DBAPIError as error:
            log.warning("shares of the rate not given back", error=str(error))

    @property
    def _urgent_of_ours(self) -> bool:
        return any(not isinstance(each, _Elsewhere) for each in self._urgent)

    def _wake(self) -> None:
        for endpoint in OUTBOX:
            self.lane(endpoint)
        for event in self._look_now.values():
            event.set()

    async def _keep(self, lane: Lane) -> None:
        """Have the share of one lane fit what is sent here and elsewhere, for ever."""
        look_now = self._look_now[lane.endpoint]
        lane.starved = partial(self._starved, lane.endpoint)
        self._resting.add(lane.endpoint)
        pause: float | None = None
        while True:
            if await _set_within(look_now, pause, self._clock):
                look_now.clear()
            self._resting.discard(lane.endpoint)
            try:
                pause = await self._look(lane)
            except (DBAPIError, OSError) as error:
                log.warning("rate share cannot be renewed", error=str(error))
                pause = RENEW_SECONDS
            await self._clock.sleep(LEAST_SECONDS)

    def _starved(self, endpoint: str) -> None:
        """Something waits and has no share: ask for one, unless that is under way."""
        if endpoint in self._resting:
            self._look_now[endpoint].set()

    async def _look(self, lane: Lane) -> float | None:
        """Look at the table once; returns in how many seconds again, None for when woken."""
        began = self._clock.monotonic()
        urgent = self._urgent_of_ours
        wants = lane.wants or began - lane.last_used < IDLE_SECONDS
        penalty = lane.endpoint in self._penalties
        self._penalties.discard(lane.endpoint)
        if not wants:
            lane.set_allowed(0)
        async with self._database.writing() as session:
            seen = await self._read(session, lane.endpoint)
            goal = slots = self._fit(lane, seen, wants)
            if goal < seen.mine:
                # Send less first; given away is only what can no longer arrive in the same
                # second as what others will send.
                lane.set_allowed(min(lane.allowed or 0, goal))
                slots = min(seen.mine, max(goal, lane.used))
            keep = wants or urgent or slots > 0
            await self._write(session, lane, slots if keep else None, wants, urgent)
            changed = slots != seen.mine or wants != seen.wanted or urgent != seen.was_urgent
            if penalty:
                await self._share_penalty(session, lane, seen.now)
            if changed or penalty:
                await session.execute(_NOTIFY, {"channel": CHANNEL, "worker": self._worker})
        if keep:
            lane.valid_until = began + TRUST_SECONDS
            if wants:
                lane.set_allowed(min(slots, goal))
        self._hear_urgent(seen)
        self._hear_penalty(lane, seen)
        if not keep:
            self._resting.add(lane.endpoint)
            return None
        unsettled = slots != goal or (wants and slots < seen.fair)
        return SETTLE_SECONDS if unsettled else min(RENEW_SECONDS, IDLE_SECONDS)

    def _fit(self, lane: Lane, seen: Standing, wants: bool) -> int:
        """Return how many slots this process should have, as things stand."""
        assert lane.limit is not None
        if not wants:
            return 0
        free = lane.limit - seen.others
        if seen.mine > seen.fair and seen.others_starve:
            return min(free, seen.fair)
        if seen.others_starve:
            return min(free, max(seen.mine, seen.fair))
        return free

    async def _read(self, session: AsyncSession, endpoint: str) -> Standing:
        """Lock the endpoint's row and read everything about it."""
        await session.execute(
            insert(RateState)
            .values(endpoint=endpoint, factor=1.0, since=func.now())
            .on_conflict_do_nothing()
        )
        state = await session.get_one(RateState, endpoint, with_for_update=True)
        now = await session.scalar(text("SELECT clock_timestamp()"))
        assert isinstance(now, datetime)
        await session.execute(
            delete(RateShare).where(
                col(RateShare.endpoint) == endpoint,
                col(RateShare.renewed_at) < now - timedelta(seconds=DEAD_SECONDS),
            )
        )
        limit = self._limits[endpoint]
        assert limit is not None
        rows = list(
            await session.scalars(select(RateShare).where(col(RateShare.endpoint) == endpoint))
        )
        mine = next((row for row in rows if row.worker == self._worker), None)
        others = [row for row in rows if row.worker != self._worker]
        names = sorted({row.worker for row in others if row.wants} | {self._worker})
        fair = {
            name: limit // len(names) + (place < limit % len(names))
            for place, name in enumerate(names)
        }
        return Standing(
            now=now,
            mine=0 if mine is None else mine.slots,
            wanted=mine is not None and mine.wants,
            was_urgent=mine is not None and mine.urgent,
            others=sum(row.slots for row in others),
            others_starve=any(row.wants and row.slots < fair[row.worker] for row in others),
            fair=fair[self._worker],
            urgent=frozenset(row.worker for row in others if row.urgent),
            factor=state.factor,
            factor_age=max(0.0, (now - state.since).total_seconds()),
            paused_for=0.0
            if state.paused_until is None
            else max(0.0, (state.paused_until - now).total_seconds()),
        )

    async def _write(
        self, session: AsyncSession, lane: Lane, slots: int | None, wants: bool, urgent: bool
    ) -> None:
        """Write this process's row, or take it away (``slots`` None)."""
        if slots is None:
            await session.execute(
                delete(RateShare).where(
                    col(RateShare.endpoint) == lane.endpoint,
                    col(RateShare.worker) == self._worker,
                )
            )
            return
        values = {
            "slots": slots,
            "wants": wants,
            "urgent": urgent,
            "renewed_at": func.clock_timestamp(),
        }
        await session.execute(
            insert(RateShare)
            .values(endpoint=lane.endpoint, worker=self._worker, **values)
            .on_conflict_do_update(index_elements=["endpoint", "worker"], set_=values)
        )

    async def _share_penalty(self, session: AsyncSession, lane: Lane, now: datetime) -> None:
        factor, pause = lane.penalty()
        state = await session.get_one(RateState, lane.endpoint)
        state.factor, state.since = factor, now
        state.paused_until = now + timedelta(seconds=pause)

    def _hear_urgent(self, seen: Standing) -> None:
        known = {each for each in self._urgent if isinstance(each, _Elsewhere)}
        there = {_Elsewhere(worker) for worker in seen.urgent}
        for each in there - known:
            super().begin_urgent(each)
        for each in known - there:
            super().end_urgent(each)

    def _hear_penalty(self, lane: Lane, seen: Standing) -> None:
        lane.adopt_factor(seen.factor, seen.factor_age)
        if seen.paused_for > 0:
            lane.pause_until(self._clock.monotonic() + seen.paused_for)

    async def _listen(self) -> None:
        """Look at the table at once when another process has changed something."""
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(
                    plain_url(self._database.url), autocommit=True
                ) as connection:
                    await connection.execute(f"LISTEN {CHANNEL}")
                    async for notice in connection.notifies():
                        if notice.payload != self._worker:
                            for event in self._look_now.values():
                                event.set()
            except psycopg.Error as error:
                log.warning("rate changes are not heard", error=str(error))
                await self._clock.sleep(RENEW_SECONDS)


@dataclass(frozen=True)
class _Elsewhere:
    """An emergency that another process sends."""

    worker: str


_NOTIFY = text("SELECT pg_notify(:channel, :worker)")


async def _set_within(event: asyncio.Event, seconds: float | None, clock: Clock) -> bool:
    """Wait until ``event`` is set, at most so long; returns whether it is."""
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
