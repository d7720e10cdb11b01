"""The saved filters of reports that the first page counts."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from console.report_filters import of_query, read
from console.web import Visit
from core.counting import Size
from reports import listing, saved_filters
from reports.models import SavedFilter
from reports.teams import teams_of

MOST_COUNTED = 6
"""Filters that the first page counts; it is asked again every few seconds."""


async def counted_filters(session: AsyncSession, visitor: Visit) -> list[tuple[SavedFilter, Size]]:
    """Return the filters that the visitor sees on the first page, with how many cases fit."""
    seen = await saved_filters.seen_by(session, visitor.actor)
    wanted = [one for one in seen if one.counted][:MOST_COUNTED]
    if not wanted:
        return []
    mine = await teams_of(session, visitor.actor)
    now = visitor.context.clock.now()
    found = []
    for one in wanted:
        chosen = read(of_query(one.query), mine=mine, now=now)
        narrow = await listing.narrowed(session, chosen.wanted)
        found.append((one, await listing.count(session, narrow)))
    return found
