"""A grave danger that is in force: it ends drills, and by the city's rules begins disaster mode.

What is grave is decided here once: evacuation level 4 or above, seismic intensity 5 lower or above,
or a warning of the same urgency, such as for tsunami.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import or_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from feeds.held import overtaken_by
from feeds.in_force import InForce, end_of, in_force
from feeds.models import OF_AN_AGENCY, OVER, WAITS, Notice

GRAVE = 4
"""The reach (``feeds.in_force.InForce.reach``) of level 4 and of intensity 5 lower."""
MOST_HELD = 20
"""The newest held telegrams that are looked at."""


async def grave(session: AsyncSession, municipality: str, now: datetime) -> InForce | None:
    """Return the gravest danger in force for which no drill may go on; None if there is none.

    A telegram that is held for a person is one too: nobody was told of it yet, and it is real.
    """
    found = gravest(await in_force(session, municipality, now, least=GRAVE))
    return found or await _held(session, now)


async def _held(session: AsyncSession, now: datetime) -> InForce | None:
    query = select(Notice).where(
        WAITS,
        OF_AN_AGENCY,
        col(Notice.drill).is_(False),
        col(Notice.status).not_in(OVER),
        or_(col(Notice.level) >= GRAVE, col(Notice.urgency) >= GRAVE),
    )
    for notice in await session.scalars(query.order_by(col(Notice.id).desc()).limit(MOST_HELD)):
        if now < end_of(notice) and await overtaken_by(session, notice) is None:
            return InForce(
                kind=notice.kind,
                level=notice.shown_level,
                urgency=notice.urgency,
                intensity=notice.intensity,
                since=notice.reported_at,
                until=end_of(notice),
                notice=notice,
            )
    return None


def gravest(dangers: Sequence[InForce]) -> InForce | None:
    """Return the first that is grave; they are in order."""
    return next((one for one in dangers if one.reach >= GRAVE), None)


def name_of(danger: InForce) -> str:
    """Return a danger's name in Japanese: its official one, or the title of the city's alert."""
    title = danger.notice.texts.get("ja", {}).get("title", "") if danger.notice else ""
    return danger.kind or title or (danger.notice.topic if danger.notice else "")
