"""The delivery engine of one process: plan, send, and continue unfinished work of others."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from channels import outbox, unknown_sends
from channels.attempts import Sending
from channels.guard import ChannelGuard
from channels.level_parts import priority_of_run
from channels.medium import Medium
from channels.models import Batch, Delivery, DeliveryState, unfinished
from channels.newest_delivery import NewestDelivery
from channels.planner import PLAN, PLANNED_KINDS, Planner, send_key, send_task
from channels.reasons import reason
from channels.recent_ids import RecentIdsCache
from channels.sender import Sender
from city.city import City
from core.clock import Clock
from core.database import Database
from core.steady import surely
from core.work import Queue

WATCH_SECONDS = 0.1
"""How soon a pause, a stop or the end of an emergency is noticed."""
GLANCE_SECONDS = 0.04
"""How soon a delivery of another process (the shell) is started."""
LOOK_SECONDS = 0.5
"""The same for changes by another process (such as a resume)."""
LOOK_AT_ALL_SECONDS = 60.0
PLANS_AT_ONCE = 2
RUNS_AT_ONCE = 8
KNOWN_CHANNELS = 10_000
"""Deliveries whose medium is remembered."""

log = structlog.get_logger(__name__)


def worker_name() -> str:
    """Return a name for this process that staff can find."""
    return f"{socket.gethostname()[:60]}:{os.getpid()}"


@dataclass(frozen=True)
class Channel:
    """A medium, and the parts of this process that work for it."""

    medium: Medium
    guard: ChannelGuard
    planner: Planner
    sender: Sender


class Engine:
    """Connects the planner and the sender of each medium with the queue.

    Use: make one, ``await recover()``, and keep ``run`` running next to the queue's own ``run``.

    Parameters
    ----------
    media
        The media that a delivery may name in ``channel``. Their names must differ.
    worker
        Name of this process in the batches that it takes.
    """

    def __init__(
        self,
        database: Database,
        city: City,
        clock: Clock,
        queue: Queue,
        media: Iterable[Medium],
        *,
        worker: str | None = None,
        seed: int | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._queue = queue
        self.channels: dict[str, Channel] = {}
        for medium in media:
            guard = ChannelGuard(database, clock, medium.name, medium.check)
            recent = RecentIdsCache(clock)
            sender = Sender(
                database,
                city,
                clock,
                queue,
                medium,
                guard,
                recent,
                worker=worker or worker_name(),
                seed=seed,
            )
            planner = Planner(database, city, clock, queue, medium, recent, guard)
            self.channels[medium.name] = Channel(medium, guard, planner, sender)
            medium.register(queue, guard)
        self._channel_names: dict[int, str] = {}
        self._seen: set[int] = set()
        self._newest = 0
        queue.register(PLAN, self.plan, concurrency=PLANS_AT_ONCE)
        for name in self.channels:
            queue.register(send_task(name), self.send, concurrency=RUNS_AT_ONCE)

    @property
    def active(self) -> list[Sending]:
        """The runs that are sent here at this moment."""
        return [each for channel in self.channels.values() for each in channel.sender.active]

    async def run(self, stop: asyncio.Event) -> None:
        """Watch the deliveries that are sent here until ``stop`` is set; then take no more work."""
        watching = asyncio.create_task(self._watch(), name="delivery watch")
        looking = asyncio.create_task(self._look(), name="delivery look-out")
        stopped = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait((stopped, watching, looking), return_when=asyncio.FIRST_COMPLETED)
            for task in (watching, looking):
                if task.done():
                    task.result()
        finally:
            for channel in self.channels.values():
                channel.sender.halt_all()
            stopped.cancel()
            watching.cancel()
            looking.cancel()
            await asyncio.gather(stopped, watching, looking, return_exceptions=True)

    async def recover(self) -> None:
        """Queue all unfinished work, also of other processes."""
        async with self._database.writing() as session:
            statement = unfinished(select(Delivery)).where(
                col(Delivery.state).in_(outbox.UNDER_WAY)
            )
            for delivery in await session.scalars(statement):
                await self._take_up(session, delivery)
            await self._close_stopped(session)
            for delivery_id in await unknown_sends.unfinished(session):
                await unknown_sends.put_unknown(session, self._queue, delivery_id)

    async def look(self) -> None:
        """Start deliveries that are new to this process, and end expired ones."""
        past = surely(self._clock)
        # Not whole rows: this runs twice a second, and many deliveries may wait for the morning.
        statement = unfinished(select(col(Delivery.id), col(Delivery.expires_at))).where(
            col(Delivery.state).in_(outbox.UNDER_WAY)
        )
        async with self._database.reading() as session:
            under_way = {
                delivery_id: expires_at
                for delivery_id, expires_at in await session.execute(statement)
                if delivery_id is not None
            }
        expired = {each for each, at in under_way.items() if at is not None and at <= past}
        fresh = under_way.keys() - self._seen - expired
        self._seen &= under_way.keys()
        if not expired and not fresh:
            return
        try:
            async with self._database.writing() as session:
                for delivery_id in sorted(expired):
                    if await outbox.stop(session, delivery_id, reason("delivery.expired")):
                        log.info("delivery.expired", delivery_id=delivery_id)
                for delivery_id in sorted(fresh):
                    await self._take_up(session, await session.get_one(Delivery, delivery_id))
        except BaseException:
            # Deliveries that could not be started because the database was full or locked still
            # wait.
            self._seen -= fresh
            raise

    async def watch(self) -> None:
        """Halt paused or stopped deliveries, and end emergencies that have nothing left."""
        ids = {sending.delivery_id for sending in self.active}
        limiters = [channel.medium.limiter for channel in self.channels.values()]
        urgent = {
            each for limiter in limiters for each in limiter.urgent_here if isinstance(each, int)
        }
        if not ids and not urgent:
            return
        now, past = self._clock.now(), surely(self._clock)
        async with self._database.reading() as session:
            statement = select(
                col(Delivery.id), col(Delivery.state), col(Delivery.expires_at)
            ).where(col(Delivery.id).in_(ids))
            over = {
                delivery_id
                for delivery_id, state, expires_at in await session.execute(statement)
                if state not in outbox.UNDER_WAY or (expires_at and expires_at <= past)
            }
            ended = [
                delivery_id
                for delivery_id in urgent
                if not await outbox.has_ready(session, delivery_id, now)
            ]
        for sending in self.active:
            if sending.delivery_id in over:
                sending.halt()
        for delivery_id in ended:
            for limiter in limiters:
                if delivery_id in limiter.urgent_here:
                    limiter.end_urgent(delivery_id)

    async def plan(self, key: str) -> None:
        """Plan a delivery; the key is its id."""
        delivery_id = int(key)
        # Work that was queued here need not be found by polling.
        self._seen.add(delivery_id)
        if delivery_id == self._newest + 1:
            self._newest = delivery_id
        channel = await self._channel_of(delivery_id)
        if channel is not None:
            await channel.planner.plan(key)

    async def send(self, key: str) -> None:
        """Send what is due of a run; the key is ``<delivery>:<run>``."""
        channel = await self._channel_of(int(key.partition(":")[0]))
        if channel is not None:
            await channel.sender.send(key)

    async def _channel_of(self, delivery_id: int) -> Channel | None:
        """Return the channel of a delivery, or None if this process does not have it."""
        name = self._channel_names.get(delivery_id)
        if name is None:
            async with self._database.reading() as session:
                name = await session.scalar(
                    select(col(Delivery.channel)).where(col(Delivery.id) == delivery_id)
                )
            if name is None:
                return None
            self._remember(delivery_id, name)
        found = self.channels.get(name)
        if found is None:
            log.error("channel.missing", delivery_id=delivery_id, channel=name)
        return found

    def _remember(self, delivery_id: int, channel: str) -> None:
        if len(self._channel_names) >= KNOWN_CHANNELS:
            self._channel_names.clear()
        self._channel_names[delivery_id] = channel

    async def _watch(self) -> None:
        while True:
            await self._clock.sleep(WATCH_SECONDS)
            try:
                await self.watch()
            except (SQLAlchemyError, OSError) as error:
                # Work continues as soon as the database does.
                log.warning("deliveries.unwatched", reason=str(error))

    async def _look(self) -> None:
        with NewestDelivery(self._database) as stored:
            await self._look_out(stored)

    async def _look_out(self, stored: NewestDelivery) -> None:
        since = looked = self._clock.monotonic()
        stopped: set[str] = set()
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
                was_stopped, stopped = stopped, await self._stopped()
                if was_stopped - stopped:
                    # Work waits for a while after a failure; now that is not needed.
                    await self.recover()
                if self._clock.monotonic() - since > LOOK_AT_ALL_SECONDS:
                    since = self._clock.monotonic()
                    await self.recover()
            except (SQLAlchemyError, OSError) as error:
                looked = self._clock.monotonic()
                log.warning("deliveries.unread", reason=str(error))

    async def _stopped(self) -> set[str]:
        """Return the channels that may not send; each is asked now and then whether it may."""
        return {name for name, channel in self.channels.items() if await channel.guard.is_stopped()}

    async def _take_up(self, session: AsyncSession, delivery: Delivery) -> None:
        assert delivery.id is not None
        self._remember(delivery.id, delivery.channel)
        self._seen.add(delivery.id)
        await put_unfinished(session, self._queue, delivery, self._clock.now())

    async def _close_stopped(self, session: AsyncSession) -> None:
        """Mark batches that a dead process had taken, of deliveries that were stopped since."""
        statement = (
            select(col(Batch.delivery_id), col(Batch.run), col(Delivery.channel))
            .join(Delivery, col(Delivery.id) == col(Batch.delivery_id))
            .where(
                col(Delivery.state) == DeliveryState.STOPPED,
                col(Delivery.created_at) > self._clock.now() - timedelta(days=2),
                col(Batch.state).in_(outbox.OPEN_STATES),
            )
            .distinct()
        )
        for delivery_id, run, channel in (await session.execute(statement)).all():
            await self._queue.put(session, send_task(channel), send_key(delivery_id, run))


async def put_unfinished(
    session: AsyncSession, queue: Queue, delivery: Delivery, now: datetime
) -> None:
    """Put the planning of a delivery and its runs that have batches left."""
    assert delivery.id is not None
    if not delivery.planning_done and delivery.kind in PLANNED_KINDS:
        await queue.put(session, PLAN, str(delivery.id), priority=delivery.priority)
    for run, not_before in await outbox.unfinished_runs(session, delivery, now):
        await queue.put(
            session,
            send_task(delivery.channel),
            send_key(delivery.id, run),
            priority=priority_of_run(delivery, run),
            not_before=not_before,
        )
    await outbox.finish_if_done(session, delivery.id)
    send = await unknown_sends.of_delivery(session, delivery.id)
    if send is not None and send.state in unknown_sends.OPEN:
        await unknown_sends.put_unknown(session, queue, delivery.id)
