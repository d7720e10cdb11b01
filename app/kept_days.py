"""The city's own kept telegrams as a day that can be played: moved to the present, in order.

Every time in a telegram moves by the same length, so that what it says about later hours stays as
far ahead. Words of the agency that name an hour keep the old one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from urllib.parse import urlsplit

from sqlmodel import col, select

from city.city import City
from core.clock import JAPAN, in_japan
from core.database import Database
from feeds.models import FULL, Item
from simulator.agency.events import HEADQUARTERS, Day, Event, TelegramEvent
from simulator.agency.server import AGENCY_FEEDS

MOST_LISTED = 20_000
MOST_EVENTS = 500
_MOMENT = re.compile(rb"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})")
_REPORTED = re.compile(rb"<ReportDateTime>([^<]+)</ReportDateTime>")
_NAME = re.compile(r"_(?P<kind>[A-Z]{4}\d{2})_(?P<office>\d{6})\.xml$")


async def kept_days(database: Database, city: City, now: datetime) -> list[tuple[date, int]]:
    """Return the days in Japan of which telegrams are kept, the newest first, and how many."""
    since = now - timedelta(days=city.retention.telegrams + 1)
    agencys = [source.code for source in city.sources if source.kind == "jma"]
    query = (
        select(Item.fetched_at)
        .where(FULL, col(Item.source).in_(agencys), col(Item.fetched_at) >= since)
        .order_by(col(Item.fetched_at).desc())
        .limit(MOST_LISTED)
    )
    async with database.reading() as session:
        moments = await session.scalars(query)
        counted = Counter(in_japan(moment).date() for moment in moments)
    return sorted(counted.items(), reverse=True)


async def kept_day(database: Database, city: City, day: date) -> Day:
    """Return the telegrams of one day in Japan; at most :data:`MOST_EVENTS`."""
    begins = datetime(day.year, day.month, day.day, tzinfo=JAPAN)
    sources = {source.code: source for source in city.sources if source.kind == "jma"}
    query = (
        select(Item)
        .where(
            FULL,
            col(Item.source).in_(list(sources)),
            col(Item.fetched_at) >= begins,
            col(Item.fetched_at) < begins + timedelta(days=1),
        )
        .order_by(col(Item.fetched_at), col(Item.id))
        .limit(MOST_EVENTS)
    )
    async with database.reading() as session:
        items = list(await session.scalars(query))
    events = [
        Event(item.fetched_at - begins, _event(item, sources[item.source].url)) for item in items
    ]
    return Day(
        name=day.isoformat(),
        title=f"{day:%Y-%m-%d}",
        about="The city's own telegrams of that day.",
        speed=1,
        events=tuple(_from_the_first(events)),
    )


def moved_to(telegram: bytes, now: datetime) -> bytes:
    """Return a telegram as if it had been issued ``now``: all its times moved by one length."""
    reported = _REPORTED.search(telegram)
    if reported is None:
        return telegram
    try:
        by = now - datetime.fromisoformat(reported[1].decode())
    except ValueError:
        return telegram

    def move(found: re.Match[bytes]) -> bytes:
        moment = datetime.fromisoformat(found[0].decode())
        moved = (moment + by).replace(microsecond=0).isoformat()
        return moved.replace("+00:00", "Z").encode()

    return _MOMENT.sub(move, telegram)


def _event(item: Item, source_url: str) -> TelegramEvent:
    feed = urlsplit(source_url).path.rpartition("/")[2].removesuffix(".xml").removesuffix("_l")
    named = _NAME.search(item.url)
    return TelegramEvent(
        name=f"{item.kind} {item.id}",
        feed=feed if feed in AGENCY_FEEDS else "extra",
        kind=item.kind,
        office=named["office"] if named else HEADQUARTERS,
        author="気象庁",
        headline="",
        listed_as=item.title or item.kind,
        write=_written(item.content),
    )


def _written(telegram: bytes) -> Callable[[datetime], bytes]:
    return lambda now: moved_to(telegram, now)


def _from_the_first(events: Sequence[Event]) -> list[Event]:
    """Begin with the first telegram, not with midnight."""
    first = events[0].at if events else timedelta(0)
    return [Event(event.at - first + timedelta(seconds=30), event.what) for event in events]
