"""What goes out on which day, and how many residents would get too many messages that day.

News that is planned or was sent, the daily digest, and reminders of collections count. Emergencies
and warnings do not: nobody plans them. Feeds have no times of their own; what they send in the
digest is counted with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from alerts.news.compose import audience_of, notice_of
from alerts.news.models import News, planned, sent_between
from alerts.news.release import media_of_news
from alerts.news.segments import FEWEST, rounded
from alerts.news.times import times_between
from channels.media import Media
from city.city import City, Decision
from core.clock import JAPAN, in_japan
from feeds.digest import REMEMBERED
from feeds.models import Notice
from subscriptions.audience import members
from subscriptions.audience_query import AudienceQuery

COLLECTION = "collection"
"""The topic of reminders of collections."""
Collected = Callable[[str, date], bool]
"""Whether anything is collected in a district on a day."""


class Kind(StrEnum):
    """What goes out."""

    NEWS = "news"
    SENT = "sent"
    DIGEST = "digest"
    REMINDER = "reminder"


@dataclass(frozen=True)
class Entry:
    """One thing that goes out on a day.

    ``news`` is None for digests and reminders; ``number`` says how many notices or districts.
    """

    at: datetime
    kind: Kind
    news: News | None = None
    number: int = 0
    queries: tuple[AudienceQuery, ...] = ()


@dataclass(frozen=True)
class Day:
    """One day. ``too_many`` is about how many residents would get more than the city wants."""

    day: date
    entries: tuple[Entry, ...]
    too_many: int = 0


@dataclass(frozen=True)
class Plan:
    """What the calendar needs to know of the city."""

    city: City
    media: Media
    collected: Collected


async def days(
    session: AsyncSession,
    plan: Plan,
    now: datetime,
    first: date,
    number: int,
    *,
    also: Sequence[News] = (),
) -> list[Day]:
    """Return some days in order, with what goes out on each.

    Parameters
    ----------
    also
        News that is not planned yet, as if it were.
    """
    start = datetime.combine(first, time(), JAPAN)
    end = start + timedelta(days=number)
    entries = [
        *await _news(session, plan, now, start, end, also),
        *await _sent(session, plan, start, end),
        *await _digests(session, plan, now, first, number),
        *_reminders(plan, first, number),
    ]
    known: dict[AudienceQuery, int] = {}
    found = []
    for offset in range(number):
        day = first + timedelta(days=offset)
        mine = sorted(
            (one for one in entries if in_japan(one.at).date() == day), key=lambda one: one.at
        )
        crowded = 0
        if len(mine) > plan.city.news.most_a_day:
            crowded = await _crowded(session, mine, plan.city.news.most_a_day, known)
        found.append(Day(day, tuple(mine), crowded))
    return found


async def _news(
    session: AsyncSession,
    plan: Plan,
    now: datetime,
    start: datetime,
    end: datetime,
    also: Sequence[News],
) -> list[Entry]:
    others = {one.id for one in also}
    every = [one for one in await planned(session) if one.id not in others]
    found = []
    for news in (*every, *also):
        if news.topic not in plan.city.topic_by_code:
            continue
        times = times_between(news, max(start, now - timedelta(minutes=1)), end)
        queries = await _queries(session, plan, news, now) if times else ()
        found += [Entry(at, Kind.NEWS, news, queries=queries) for at in times]
    return found


async def _sent(session: AsyncSession, plan: Plan, start: datetime, end: datetime) -> list[Entry]:
    found = []
    for sending, news in await sent_between(session, start, end):
        notice = await session.get(Notice, sending.notice_id)
        if notice is None or notice.decision is not Decision.SEND:
            continue
        by = await media_of_news(session, news, notice, plan.city, plan.media)
        queries = tuple(audience_of(notice, plan.city, each.name) for each in by)
        found.append(Entry(sending.sent_at, Kind.SENT, news, queries=queries))
    return found


async def _queries(
    session: AsyncSession, plan: Plan, news: News, now: datetime
) -> tuple[AudienceQuery, ...]:
    notice = notice_of(news, None, plan.city, planned_at=now, now=now)
    by = await media_of_news(session, news, notice, plan.city, plan.media)
    return tuple(audience_of(notice, plan.city, each.name) for each in by)


async def _digests(
    session: AsyncSession, plan: Plan, now: datetime, first: date, number: int
) -> list[Entry]:
    """Return the next digest, with the notices that wait for it."""
    today = in_japan(now)
    next_at = datetime.combine(today.date(), time(plan.city.digest_hour), JAPAN)
    if next_at <= today:
        next_at += timedelta(days=1)
    if not first <= next_at.date() < first + timedelta(days=number):
        return []
    waiting = list(
        await session.scalars(
            select(Notice)
            .where(
                col(Notice.decision) == Decision.DIGEST,
                col(Notice.drill).is_(False),
                col(Notice.created_at) > max(now - REMEMBERED, next_at - timedelta(days=1)),
            )
            .limit(200)
        )
    )
    known = [one for one in waiting if one.topic in plan.city.topic_by_code]
    if not known:
        return []
    queries = {
        audience_of(one, plan.city, medium)
        for one in known
        for medium in plan.media.by_rule(plan.city, one.topic, one.reach)
    }
    return [Entry(next_at, Kind.DIGEST, number=len(waiting), queries=tuple(queries))]


def _reminders(plan: Plan, first: date, number: int) -> Iterable[Entry]:
    """Yield the reminders of collections, on the evening before."""
    city = plan.city
    if not city.collection_reminders or COLLECTION not in city.topic_by_code:
        return
    for offset in range(number):
        day = first + timedelta(days=offset)
        tomorrow = day + timedelta(days=1)
        areas = tuple(one.code for one in city.districts if plan.collected(one.code, tomorrow))
        if areas:
            at = datetime.combine(day, time(city.reminder_hours.evening), JAPAN)
            query = AudienceQuery(COLLECTION, 0, areas)
            yield Entry(at, Kind.REMINDER, number=len(areas), queries=(query,))


async def _crowded(
    session: AsyncSession, entries: Sequence[Entry], most: int, known: dict[AudienceQuery, int]
) -> int:
    """Return about how many residents get more than ``most`` of the entries."""
    # at_least[k] are the residents with more than k messages, as bits.
    at_least = [0] * (most + 1)
    for entry in entries:
        theirs = 0
        for query in entry.queries:
            if query not in known:
                known[query] = (await members(session, query)).bits
            theirs |= known[query]
        for place in range(most, 0, -1):
            at_least[place] |= at_least[place - 1] & theirs
        at_least[0] |= theirs
    number = at_least[most].bit_count()
    return rounded(number) if number >= FEWEST else 0


def as_if_planned(news: News, at: datetime) -> News:
    """Return a copy of news as if it were planned; the copy is never stored."""
    copy = News(**news.model_dump())
    copy.next_at = at
    return copy
