"""Who wants to hear of repairs near them, and what there is to tell.

A resident watches their districts, or the surroundings of a place that they gave. What was taken up
or mended there is told once a day at most (``bot.repairs``). Only cities that publish their reports
offer it, and only what everybody may see is told.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from city.city import City
from core.geo import distance_m
from reports import public_place, published
from reports.models import RepairWatch, Report, ReportUpdate
from reports.states import ReportState

WATCHED_METRES = 500.0
SETTLES = timedelta(minutes=10)
"""So long after its time a change may be stored that waited for its turn."""
MOST_REPAIRS = 2_000
"""Repairs of some days that are looked at; more are not a neighbourhood's news."""


@dataclass(frozen=True)
class Repair:
    """A report that was taken up or mended, at ``at``."""

    number: str
    category: str
    state: ReportState
    area: str | None
    longitude: float | None
    latitude: float | None
    resident_id: int | None
    at: datetime


async def watch_of(session: AsyncSession, resident_id: int) -> RepairWatch | None:
    """Return what a resident watches, if anything."""
    return await session.get(RepairWatch, resident_id)


async def watch(
    session: AsyncSession,
    resident_id: int,
    place: tuple[float, float] | None,
    now: datetime,
) -> None:
    """Watch the surroundings of a place (degrees, WGS 84), or the resident's districts."""
    longitude, latitude = place or (None, None)
    one = await session.get(RepairWatch, resident_id)
    if one is None:
        one = RepairWatch(resident_id=resident_id, told_at=now, created_at=now)
    one.longitude, one.latitude = longitude, latitude
    session.add(one)
    await session.flush()


async def unwatch(session: AsyncSession, resident_id: int) -> None:
    """Watch nothing any more."""
    one = await session.get(RepairWatch, resident_id)
    if one is not None:
        await session.delete(one)


async def repairs_since(session: AsyncSession, city: City, since: datetime) -> list[Repair]:
    """Return the public cases whose state began after ``since``, the newest first.

    They are where everybody sees them: with a watched place nobody finds out where a home is.
    """
    found = await session.execute(
        select(Report, ReportUpdate.created_at)
        .join(ReportUpdate, col(ReportUpdate.report_id) == col(Report.id))
        .where(
            col(Report.updated_at) > since,
            col(ReportUpdate.created_at) > since,
            col(ReportUpdate.state) == col(Report.state),
            *published.conditions(city),
        )
        .order_by(col(ReportUpdate.id).desc())
        .limit(MOST_REPAIRS)
    )
    newest: dict[str, Repair] = {}
    for report, at in found:
        longitude, latitude = public_place.of(report, city) or (None, None)
        repair = Repair(
            report.number,
            report.category,
            report.state,
            report.area,
            longitude,
            latitude,
            report.resident_id,
            at,
        )
        newest.setdefault(report.number, repair)
    return list(newest.values())


def near(watched: RepairWatch, areas: frozenset[str], repairs: list[Repair]) -> list[Repair]:
    """Return the repairs that a resident with these districts has not heard of.

    ``repairs`` are older than :data:`SETTLES`; those that were not are looked at the next time.
    """
    return [
        one
        for one in repairs
        if one.at > watched.told_at - SETTLES
        and one.resident_id != watched.resident_id
        and _is_near(watched, areas, one)
    ]


def _is_near(watched: RepairWatch, areas: frozenset[str], repair: Repair) -> bool:
    if watched.longitude is None or watched.latitude is None:
        return repair.area in areas
    if repair.longitude is None or repair.latitude is None:
        return False
    # Cheaper than the distance, and true of nearly all: a degree is at most 112 km.
    if abs(repair.latitude - watched.latitude) > WATCHED_METRES / 110_000:
        return False
    away = distance_m(watched.longitude, watched.latitude, repair.longitude, repair.latitude)
    return away <= WATCHED_METRES
