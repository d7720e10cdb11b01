"""A grave danger that is in force: it ends drills, and by the city's rules begins disaster mode.

What is grave is decided here once: evacuation level 4 or above, seismic intensity 5 lower or above,
or a warning of the same urgency, such as for tsunami.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from feeds.in_force import InForce, in_force

GRAVE = 4
"""The reach (``feeds.in_force.InForce.reach``) of level 4 and of intensity 5 lower."""


async def grave(session: AsyncSession, municipality: str, now: datetime) -> InForce | None:
    """Return the gravest danger in force for which no drill may go on; None if there is none."""
    return gravest(await in_force(session, municipality, now, least=GRAVE))


def gravest(dangers: Sequence[InForce]) -> InForce | None:
    """Return the first that is grave; they are in order."""
    return next((one for one in dangers if one.reach >= GRAVE), None)


def name_of(danger: InForce) -> str:
    """Return a danger's name in Japanese: its official one, or the title of the city's alert."""
    title = danger.notice.texts.get("ja", {}).get("title", "") if danger.notice else ""
    return danger.kind or title or (danger.notice.topic if danger.notice else "")
