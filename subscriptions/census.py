"""How many residents there are now: by medium, language, topic, district. Nobody by name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import case, func
from sqlalchemy import select as sql_select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from subscriptions.models import (
    HAS_ADDRESS,
    HAS_LEFT,
    LINE_MEDIUM,
    Resident,
    ResidentArea,
    ResidentState,
    Subscription,
)

Census = Mapping[str, Mapping[str, int]]
WHOLE_CITY = ""
"""The key of those who chose no district."""
_LEFT = (HAS_LEFT, col(Resident.state) == ResidentState.LEFT)


async def census(session: AsyncSession) -> Census:
    """Return how many follow now.

    ``medium``, ``language`` and ``area`` and ``topic`` count who follows; ``state`` also who left
    and is still kept. A resident with two districts counts in both; one with none under
    :data:`WHOLE_CITY`.
    """
    found: dict[str, Counter[str]] = {
        name: Counter() for name in ("state", "medium", "language", "area", "topic")
    }
    whole = case((col(Resident.area_list) == "", 1), else_=0)
    columns = (col(Resident.state), col(Resident.medium), col(Resident.language), whole)
    rows = await session.execute(sql_select(*columns, func.count()).group_by(*columns))
    for state, medium, language, of_city, number in rows:
        found["state"][state.value] += number
        if state is ResidentState.FOLLOWING:
            found["medium"][medium] += number
            found["language"][language] += number
            if of_city:
                found["area"][WHOLE_CITY] += number
    for name, column, resident in (
        ("topic", col(Subscription.topic), col(Subscription.resident_id)),
        ("area", col(ResidentArea.area), col(ResidentArea.resident_id)),
    ):
        # All from the index alone, less the few who left.
        everybody = await session.execute(sql_select(column, func.count()).group_by(column))
        for code, number in everybody:
            found[name][code] += number
        gone = (
            sql_select(column, func.count())
            .join(Resident, col(Resident.id) == resident)
            .where(*_LEFT)
            .group_by(column)
        )
        for code, number in await session.execute(gone):
            found[name][code] -= number
    return {name: {key: n for key, n in of_it.items() if n > 0} for name, of_it in found.items()}


async def left_between(
    session: AsyncSession, start: datetime, end: datetime
) -> dict[str, dict[int, datetime]]:
    """Return who left and did not come back, with the time, by medium."""
    rows = await session.execute(
        sql_select(col(Resident.medium), col(Resident.id), col(Resident.left_at)).where(
            *_LEFT, col(Resident.left_at) >= start, col(Resident.left_at) < end
        )
    )
    found: dict[str, dict[int, datetime]] = {}
    for medium, number, at in rows:
        if number is not None and at is not None:
            found.setdefault(medium, {})[number] = at
    return found


async def came_elsewhere(session: AsyncSession, start: datetime, end: datetime) -> dict[str, int]:
    """Return how many began to follow by each medium but LINE, which tells it by its events."""
    rows = await session.execute(
        sql_select(col(Resident.medium), func.count())
        .where(
            HAS_ADDRESS,
            col(Resident.medium) != LINE_MEDIUM,
            col(Resident.followed_at) >= start,
            col(Resident.followed_at) < end,
        )
        .group_by(col(Resident.medium))
    )
    return dict(rows.all())
