"""The delivery engine of one process: planning, sending, taking up what others left."""

from __future__ import annotations

import asyncio
import os
import socket
from datetime import timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from channels import outbox
from channels.fresh import FreshUsers
from channels.guard import ChannelGuard
from channels.line import LineClient
from channels.models import Batch, Delivery, DeliveryState
from channels.newest import NewestDelivery
from channels.planner import PLAN, PLANNED_KINDS, SEND, Planner, send_key
from channels.sender import Sender
from core.city import City
from core.clock import Clock
from core.database import Database
from core.work import Queue

WATCH_SECONDS = 0.1
"""How soon a pause, a stop or the end of an emergency is noticed."""
GLANCE_SECONDS = 0.04
"""How soon a delivery that another process wrote (the shell) is taken up."""
LOOK_SECONDS = 0.5
"""The same for what another process changed (resumed, say)."""
LOOK_AT_ALL_SECONDS = 60.0
PLANS_AT_ONCE = 2
RUNS_AT_ONCE = 8

log = structlog.get_logger(__name__)


def worker_name() -> str:
    """Return a name for this process that staff can find."""
    return f"{socket.gethostname()[:60]}:{os.getpid()}"


class Engine:
    """Joins planner and sender to the queue.

    Use: make one, ``await recover()``, and have ``run`` going beside the queue's own ``run``.

    Parameters
    ----------
    worker
        Name of this process in the batches it takes.
    """

    def __init__(
        self,
        database: Database,
        city: City,
        clock: Clock,
        queue: Queue,
        line: LineClient,
        *,
        worker: str | None = None,
        seed: int | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._queue = queue
        self._line = line
        self.guard = ChannelGuard(database, clock, line)
        fresh = FreshUsers(clock)
        self.planner = Planner(database, city, clock, queue, line, fresh, self.guard)
        self.sender = Sender(
            database,
            city,
            clock,
            queue,
            line,
            self.guard,
            fresh,
            worker=worker or worker_name(),
            seed=seed,
        )
        self._seen: set[int] = set()
        self._newest = 0
        queue.register(PLAN, self._plan, concurrency=PLANS_AT_ONCE)
        queue.register(SEND, self.sender.send, concurrency=RUNS_AT_ONCE)

    async def run(self, stop: asyncio.Event) -> None:
        """Watch over what is sent here until ``stop`` is set; then take no more turns."""
        watching = asyncio.create_task(self._watch(), name="delivery watch")
        looking = asyncio.create_task(self._look(), name="delivery look-out")
        stopped = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait((stopped, watching, looking), return_when=asyncio.FIRST_COMPLETED)
            for task in (watching, looking):
                if task.done():
                    task.result()
        finally:
            self.sender.halt_all()
            stopped.cancel()
            watching.cancel()
            looking.cancel()
            await asyncio.gather(stopped, watching, looking, return_exceptions=True)

    async def recover(self) -> None:
        """Put everything that is unfinished, whoever began it."""
        async with self._database.writing() as session:
            statement = select(Delivery).where(col(Delivery.state).in_(outbox.UNDER_WAY))
            for delivery in await session.scalars(statement):
                await self._take_up(session, delivery)
            await self._close_stopped(session)

    async def look(self) -> None:
        """Take up deliveries that are new to this process, and those whose time is over."""
        now = self._clock.now()
        # Not whole rows: this is asked twice a second, and many may wait for the morning.
        statement = select(col(Delivery.id), col(Delivery.expires_at)).where(
            col(Delivery.state).in_(outbox.UNDER_WAY)
        )
        async with self._database.reading() as session:
            under_way = {
                delivery_id: expires_at
                for delivery_id, expires_at in await session.execute(statement)
                if delivery_id is not None
            }
        expired = {each for each, at in under_way.items() if at is not None and at <= now}
        fresh = under_way.keys() - self._seen - expired
        self._seen = set(under_way)
        if not expired and not fresh:
            return
        async with self._database.writing() as session:
            for delivery_id in sorted(expired):
                if await outbox.stop(session, delivery_id, "expired"):
                    log.info("delivery expired", delivery=delivery_id)
            for delivery_id in sorted(fresh):
                await self._take_up(session, await session.get_one(Delivery, delivery_id))

    async def watch(self) -> None:
        """Halt what was paused or stopped, and end emergencies that have nothing left."""
        ids = {sending.delivery_id for sending in self.sender.active}
        urgent = {each for each in self._line.limiter.urgent_here if isinstance(each, int)}
        if not ids and not urgent:
            return
        now = self._clock.now()
        async with self._database.reading() as session:
            statement = select(
                col(Delivery.id), col(Delivery.state), col(Delivery.expires_at)
            ).where(col(Delivery.id).in_(ids))
            over = {
                delivery_id
                for delivery_id, state, expires_at in await session.execute(statement)
                if state not in outbox.UNDER_WAY or (expires_at and expires_at <= now)
            }
            ended = [
                delivery_id
                for delivery_id in urgent
                if not await outbox.has_ready(session, delivery_id, now)
            ]
        for sending in list(self.sender.active):
            if sending.delivery_id in over:
                sending.halt()
        for delivery_id in ended:
            self._line.limiter.end_urgent(delivery_id)

    async def _plan(self, key: str) -> None:
        delivery_id = int(key)
        # What was put here need not be found by a look.
        self._seen.add(delivery_id)
        if delivery_id == self._newest + 1:
            self._newest = delivery_id
        await self.planner.plan(key)

    async def _watch(self) -> None:
        while True:
            await self._clock.sleep(WATCH_SECONDS)
            try:
                await self.watch()
            except (SQLAlchemyError, OSError) as error:
                # Whoever works here goes on as soon as the database does.
                log.warning("deliveries cannot be watched", error=str(error))

    async def _look(self) -> None:
        with NewestDelivery(self._database) as stored:
            await self._look_out(stored)

    async def _look_out(self, stored: NewestDelivery) -> None:
        since = looked = self._clock.monotonic()
        stopped = False
        while True:
            await self._clock.sleep(GLANCE_SECONDS)
            newest = stored.id()
            is_new = newest is not None and newest != self._newest
            is_due = self._clock.monotonic() - looked >= LOOK_SECONDS
            if not is_new and not is_due:
                continue
            self._newest = newest or self._newest
            try:
                await self.look()
                if not is_due:
                    continue
                looked = self._clock.monotonic()
                was_stopped, stopped = stopped, await self.guard.is_stopped()
                if was_stopped and not stopped:
                    # Everything waits for a while to come; now there is no need to.
                    await self.recover()
                if self._clock.monotonic() - since > LOOK_AT_ALL_SECONDS:
                    since = self._clock.monotonic()
                    await self.recover()
            except (SQLAlchemyError, OSError) as error:
                looked = self._clock.monotonic()
                log.warning("deliveries cannot be looked for", error=str(error))

    async def _take_up(self, session: AsyncSession, delivery: Delivery) -> None:
        assert delivery.id is not None
        self._seen.add(delivery.id)
        await put_unfinished(session, self._queue, delivery)

    async def _close_stopped(self, session: AsyncSession) -> None:
        """Mark what a dead process had taken of deliveries that were stopped since."""
        statement = (
            select(col(Batch.delivery_id), col(Batch.run))
            .join(Delivery, col(Delivery.id) == col(Batch.delivery_id))
            .where(
                col(Delivery.state) == DeliveryState.STOPPED,
                col(Delivery.created_at) > self._clock.now() - timedelta(days=2),
                col(Batch.state).in_(outbox.OPEN_STATES),
            )
            .distinct()
        )
        for delivery_id, run in (await session.execute(statement)).all():
            await self._queue.put(session, SEND, send_key(delivery_id, run))


async def put_unfinished(session: AsyncSession, queue: Queue, delivery: Delivery) -> None:
    """Put the planning of a delivery and its runs that have batches left."""
    assert delivery.id is not None
    if not delivery.planning_done and delivery.kind in PLANNED_KINDS:
        await queue.put(session, PLAN, str(delivery.id), priority=delivery.priority)
    for run, not_before in await outbox.unfinished_runs(session, delivery.id):
        await queue.put(
            session,
            SEND,
            send_key(delivery.id, run),
            priority=delivery.priority,
            not_before=not_before,
        )
    await outbox.finish_if_done(session, delivery.id)
