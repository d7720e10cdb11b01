"""The chores of the scheduler: sources polled, what is no longer needed erased."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from sqlalchemy.ext.asyncio import AsyncSession

from bot.schedule import Chore
from channels.service import deliver
from core.context import Context
from feeds.fetch import guarded_session
from feeds.models import Notice
from feeds.service import Poller, Publish

SECONDS_A_DAY = 86_400.0


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
        polled = set(poller.polled())
        polling = [
            Chore(
                name=f"poll {source.code}",
                seconds=source.interval_seconds,
                jitter=min(2.0, source.interval_seconds / 20),
                work=partial(poller.poll_if_due, source.code),
            )
            for source in context.city.sources
            if source.code in polled
        ]
        yield polling
