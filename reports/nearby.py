"""One hole, many reports: those of the same place, so that they are dealt with in one act."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import cos, degrees, radians

from sqlalchemy import ColumnElement, and_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from city.city import City
from core.geo import EARTH_RADIUS_M, distance_m
from reports.models import Report
from reports.states import OPEN

NEAR_METRES = 50.0
"""Highest distance between two reports of one thing: twice the error of a phone's position."""
LATELY = timedelta(days=90)
"""How long finished reports are shown with a new report: repaired once, broken again."""
MOST = 20


@dataclass(frozen=True)
class Nearby:
    """A report near another one."""

    report: Report
    metres: float

    @property
    def is_open(self) -> bool:
        return self.report.state.is_open


async def nearby(session: AsyncSession, report: Report, now: datetime) -> list[Nearby]:
    """Return the reports within :data:`NEAR_METRES`, of the same kind first, then the nearest.

    Those that are not finished, however old, and those finished :data:`LATELY`; none for a
    report without a position.
    """
    if report.longitude is None or report.latitude is None:
        return []
    wanted = (col(Report.id) != report.id) & (
        col(Report.state).in_(OPEN) | (col(Report.updated_at) > now - LATELY)
    )
    found = await _around(session, report.longitude, report.latitude, wanted)
    found.sort(key=lambda one: (one.report.category != report.category, one.metres))
    return found[:MOST]


async def open_near(
    session: AsyncSession, city: City, longitude: float, latitude: float
) -> list[Nearby]:
    """Return the reports within :data:`NEAR_METRES` that are not finished, the nearest first.

    They are shown to somebody who reports the same. Not among them are those that staff keep off
    the public pages or whose kind is not published, nor those at homes: from three distances
    anybody could work out where the home is.
    """
    shown = [one.code for one in city.report_categories if one.published and not one.at_homes]
    wanted = (
        col(Report.state).in_(OPEN),
        col(Report.hidden).is_(False),
        col(Report.is_home).is_(False),
        col(Report.category).in_(shown),
    )
    found = await _around(session, longitude, latitude, and_(*wanted))
    found.sort(key=lambda one: one.metres)
    return found[:MOST]


async def _around(
    session: AsyncSession, longitude: float, latitude: float, wanted: ColumnElement[bool]
) -> list[Nearby]:
    """Return the wanted reports around a point (degrees, WGS 84), the newest first."""
    high = degrees(NEAR_METRES / EARTH_RADIUS_M)
    wide = high / max(cos(radians(latitude)), 0.01)
    boxed = await session.scalars(
        select(Report)
        .where(
            wanted,
            col(Report.latitude).between(latitude - high, latitude + high),
            col(Report.longitude).between(longitude - wide, longitude + wide),
        )
        .order_by(col(Report.created_at).desc())
        .limit(MOST * 5)
    )
    found = [
        Nearby(report, distance_m(longitude, latitude, report.longitude, report.latitude))
        for report in boxed
        if report.longitude is not None and report.latitude is not None
    ]
    return [one for one in found if one.metres <= NEAR_METRES]
