"""Keeping the ``areas`` table in step with the city's folder, and residents with it."""

from __future__ import annotations

from collections.abc import Sequence

import structlog
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from city.city import City
from core.database import insert_new
from subscriptions.models import Area, Resident, ResidentArea, ResidentChange, area_list

CHUNK = 500

_log = structlog.get_logger(__name__)


async def keep_districts(session: AsyncSession, city: City) -> None:
    """Store the city's districts; any process calls it when it starts.

    A missing district is retired, not deleted: if it comes back, its residents hear about it again.
    Until then, a resident who chose no other district hears about the whole city, because hearing
    too much does less harm than hearing nothing.
    """
    known = {area.code: area for area in await session.scalars(select(Area))}
    turned = []
    for district in city.districts:
        area = known.get(district.code)
        if area is None:
            await session.execute(
                insert_new(session, Area, ["code"]).values(
                    code=district.code, name=district.names["ja"], retired=False
                )
            )
            continue
        area.name = district.names["ja"]
        if area.retired:
            area.retired = False
            turned.append(area.code)
    present = {district.code for district in city.districts}
    for code, area in known.items():
        if code not in present and not area.retired:
            area.retired = True
            turned.append(code)
            _log.warning("district.retired", area=code)
    await session.flush()
    if turned:
        await _follow(session, turned)


async def _follow(session: AsyncSession, turned: Sequence[str]) -> None:
    """Update the areas about which residents of these districts hear."""
    found = await session.scalars(
        select(ResidentArea.resident_id).where(col(ResidentArea.area).in_(turned)).distinct()
    )
    residents = sorted(found)
    for start in range(0, len(residents), CHUNK):
        ids = residents[start : start + CHUNK]
        homes: dict[int, list[str]] = {number: [] for number in ids}
        rows = await session.scalars(
            select(ResidentArea)
            .join(Area, col(Area.code) == col(ResidentArea.area))
            .where(col(ResidentArea.resident_id).in_(ids), col(Area.retired).is_(False))
        )
        for row in rows:
            homes[row.resident_id].append(row.area)
        people = await session.scalars(select(Resident).where(col(Resident.id).in_(ids)))
        for resident in people:
            assert resident.id is not None
            resident.area_list = area_list(homes[resident.id])
            session.add(ResidentChange(resident_id=resident.id))
        await session.flush()
