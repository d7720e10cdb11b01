"""The chores of the scheduler: sources polled, what is no longer needed erased."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from bot.reminders import remind
from bot.retention import forget
from bot.schedule import Chore
from channels.digest import send_digests
from channels.models import Delivery
from channels.service import correct, deliver
from core.city import City
from core.city_folder import CityFolder
from core.clock import Clock
from core.context import Context
from core.database import Database
from core.work import Queue
from feeds import health
from feeds.fetch import guarded_session
from feeds.models import Notice, Status
from feeds.service import Poller, Publish
from feeds.translate import article_translations
from subscriptions import bitmaps


@dataclass(frozen=True, kw_only=True)
class FeedParts:
    """What polling needs, for those who have no more of the service than that."""

    city: City
    database: Database
    clock: Clock


def publisher(queue: Queue, city: City, clock: Clock) -> Publish:
    """Return what the feeds call, in a notice's own transaction, when it is to be sent."""

    async def publish(session: AsyncSession, notice: Notice) -> None:
        now, by = clock.now(), notice.decided_by
        wrong = await _delivery_put_right(session, notice)
        if wrong is None:
            await deliver(session, queue, notice, city, now, created_by=by)
        else:
            await correct(session, queue, notice, city, now, wrong_delivery=wrong, created_by=by)

    return publish


async def _delivery_put_right(session: AsyncSession, notice: Notice) -> int | None:
    """Return the delivery of a warning that ``notice`` corrects or takes back.

    An article that was edited is no such thing: it waits its turn like any other news.
    """
    if notice.status not in (Status.CORRECTED, Status.CANCELLED) or notice.replaces_id is None:
        return None
    wrong = await session.get(Notice, notice.replaces_id)
    if wrong is None or wrong.reach == 0:
        return None
    return await session.scalar(select(Delivery.id).where(col(Delivery.notice_id) == wrong.id))


@asynccontextmanager
async def chores(context: Context, folder: CityFolder) -> AsyncIterator[list[Chore]]:
    """What the scheduler of this city does; what it needs is open while it may be done."""
    async with guarded_session() as http:
        publish = publisher(context.queue, context.city, context.clock)
        translate = article_translations(
            context.settings.translator,
            context.http,
            context.city,
            context.database,
            context.clock,
        )
        poller = Poller(context, publish, http=http, translate=translate)
        yield [*_polling(context, poller), *_housekeeping(context, folder)]


def _polling(context: Context, poller: Poller) -> list[Chore]:
    polled = set(poller.polled())
    return [
        Chore(
            name=f"poll {source.code}",
            seconds=source.interval_seconds,
            jitter=min(2.0, source.interval_seconds / 20),
            work=partial(poller.poll_if_due, source.code),
            at_once=True,
        )
        for source in context.city.sources
        if source.code in polled
    ]


def _housekeeping(context: Context, folder: CityFolder) -> list[Chore]:
    watch = health.Watch()

    async def watch_sources() -> None:
        async with context.database.reading() as session:
            await watch.look(session, context.city, context.clock.now())

    async def digests() -> None:
        await send_digests(context.database, context.queue, context.city, context.clock)

    return [
        Chore(name="reminders", seconds=600.0, work=partial(remind, context, folder), at_once=True),
        Chore(name="digests", seconds=60.0, work=digests),
        Chore(name="watch sources", seconds=30.0, work=watch_sources),
        Chore(name="audiences", seconds=60.0, work=partial(bitmaps.maintain, context.database)),
        Chore(name="forget", seconds=3600.0, jitter=60.0, work=partial(forget, context)),
    ]
