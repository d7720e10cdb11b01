"""The chores of the scheduler: sources polled, what is no longer needed erased."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from sqlalchemy.ext.asyncio import AsyncSession

from bot.retention import forget
from bot.schedule import Chore
from channels.digest import send_digests
from channels.service import deliver
from core.context import Context
from feeds import health
from feeds.fetch import guarded_session
from feeds.models import Notice
from feeds.service import Poller, Publish
from subscriptions import bitmaps


def publisher(context: Context) -> Publish:
    """Return what the feeds call, in a notice's own transaction, when it is to be sent."""

    async def publish(session: AsyncSession, notice: Notice) -> None:
        await deliver(
            session,
            context.queue,
            notice,
            context.city,
            context.clock.now(),
            created_by=notice.decided_by,
        )

    return publish


@asynccontextmanager
async def chores(context: Context) -> AsyncIterator[list[Chore]]:
    """What the scheduler of this city does; what it needs is open while it may be done."""
    async with guarded_session() as http:
        poller = Poller(context, publisher(context), http=http)
        yield [*_polling(context, poller), *_housekeeping(context)]


def _polling(context: Context, poller: Poller) -> list[Chore]:
    polled = set(poller.polled())
    return [
        Chore(
            name=f"poll {source.code}",
            seconds=source.interval_seconds,
            jitter=min(2.0, source.interval_seconds / 20),
            work=partial(poller.poll_if_due, source.code),
        )
        for source in context.city.sources
        if source.code in polled
    ]


def _housekeeping(context: Context) -> list[Chore]:
    async def watch_sources() -> None:
        async with context.database.reading() as session:
            await health.states(session, context.city, context.clock.now())

    async def digests() -> None:
        await send_digests(context.database, context.queue, context.city, context.clock)

    return [
        Chore(name="digests", seconds=60.0, work=digests),
        Chore(name="watch sources", seconds=30.0, work=watch_sources),
        Chore(name="audiences", seconds=60.0, work=partial(bitmaps.maintain, context.database)),
        Chore(name="forget", seconds=3600.0, jitter=60.0, work=partial(forget, context)),
    ]
