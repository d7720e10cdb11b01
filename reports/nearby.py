"""One hole, many reports: those of the same place, so that they are dealt with in one act."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import cos, degrees, radians

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from core.geo import EARTH_RADIUS_M, distance_m
from reports.models import Report, ReportState

NEAR_METRES = 50.0
"""How far two reports of one thing lie apart: what a phone is wrong by, twice."""
LATELY = timedelta(days=90)
"""For how long what was finished is told beside a new report: mended once, broken again."""
MOST = 20
OPEN = (ReportState.NEW, ReportState.ACCEPTED, ReportState.IN_PROGRESS)


@dataclass(frozen=True)
class Nearby:
    """A report near another one."""

    report: Report
    metres: float

    @property
    def is_open(self) -> bool:
        return self.report.state in OPEN


async def nearby(session: AsyncSession, report: Report, now: datetime) -> list[Nearby]:
    """Return the reports within :data:`NEAR_METRES`, of the same kind first, then the nearest.

    Those that are not finished, however old, and those finished :data:`LATELY`; none for a
    report without a position.
    """
    if report.longitude is None or report.latitude is None:
        return []
    high = degrees(NEAR_METRES / EARTH_RADIUS_M)
    wide = high / max(cos(radians(report.latitude)), 0.01)
    around = await session.scalars(
        select(Report)
        .where(
            col(Report.id) != report.id,
            col(Report.latitude).between(report.latitude - high, report.latitude + high),
            col(Report.longitude).between(report.longitude - wide, report.longitude + wide),
            col(Report.state).in_(OPEN) | (col(Report.updated_at) > now - LATELY),
        )
        .order_by(col(Report.created_at).desc())
        .limit(MOST * 5)
    )
    found = [
        Nearby(other, metres)
        for other in around
        if other.longitude is not None and other.latitude is not None
        if (
            metres := distance_m(report.longitude, report.latitude, other.longitude, other.latitude)
        )
        <= NEAR_METRES
    ]
    found.sort(key=lambda one: (one.report.category != report.category, one.metres))
    return found[:MOST]
