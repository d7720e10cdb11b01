"""The city's events: what notices say of them now, whoever wrote these notices."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from feeds.event_days import EventDay
from feeds.in_force import PUBLIC
from feeds.models import DATED, OVER, Notice
from public.notices import EVERYTHING, Chosen

BACK = timedelta(days=31)
MOST = 500
"""Events of one file: those that are next."""
MOST_CHANGES = 30
"""Later notices about one event, after which somebody else's mistake is assumed."""


@dataclass(frozen=True, kw_only=True)
class CityEvent:
    """An event, and the last notice about it.

    Parameters
    ----------
    first
        The id of the first notice about it, which stays.
    when
        As the last notice says, or, if that says no day, as the one before.
    changes
        How many notices changed it.
    is_cancelled
        The last notice takes it back, or does not say any more when it is.
    """

    notice: Notice
    when: EventDay
    first: int
    changes: int
    is_cancelled: bool


async def city_events(
    session: AsyncSession, now: datetime, chosen: Chosen = EVERYTHING
) -> list[CityEvent]:
    """Return the events from a month ago on, the next first."""
    query = (
        select(Notice)
        .where(
            DATED,
            col(Notice.begins_at) > now - BACK,
            col(Notice.decision).in_(PUBLIC),
            col(Notice.drill).is_(False),
            col(Notice.with_id).is_(None),
        )
        .order_by(col(Notice.begins_at), col(Notice.id))
        .limit(MOST)
    )
    dated = list(await session.scalars(query))
    later = await _later(session, dated)
    found: list[CityEvent] = []
    known = {notice.id for notice in dated}
    for notice in dated:
        if notice.id is None or notice.replaces_id in known:
            continue
        when, last, changes = notice.event, notice, 0
        while (follows := later.get(last.id or 0)) is not None and changes < MOST_CHANGES:
            last, changes = follows, changes + 1
            when = last.event or when
        if when is not None and chosen.concerns(last):
            gone = last.status in OVER or last.event is None
            found.append(
                CityEvent(
                    notice=last,
                    when=when,
                    first=notice.replaces_id or notice.id,
                    changes=changes,
                    is_cancelled=gone,
                )
            )
    return sorted(found, key=lambda event: (event.when.begins_at, event.first))


async def _later(session: AsyncSession, dated: list[Notice]) -> dict[int, Notice]:
    """Return, by the id of a notice, the last public notice that follows it."""
    found: dict[int, Notice] = {}
    asked = {notice.id for notice in dated}
    for _ in range(MOST_CHANGES):
        if not asked:
            break
        rows = await session.scalars(
            select(Notice)
            .where(
                col(Notice.replaces_id).in_(asked),
                col(Notice.decision).in_(PUBLIC),
                col(Notice.drill).is_(False),
            )
            .order_by(col(Notice.id))
        )
        asked = set()
        for notice in rows:
            if notice.replaces_id is not None and found.get(notice.replaces_id) is not notice:
                found[notice.replaces_id] = notice
                asked.add(notice.id)
    return found
