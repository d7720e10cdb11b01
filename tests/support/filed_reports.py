"""Residents who report something broken."""

from __future__ import annotations

import io
from datetime import datetime
from typing import Any

from PIL import Image
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from city.city import City
from core.counting import Size
from core.database import Database
from reports import listing
from reports.listing import ReportFilter
from reports.models import Report
from reports.register import Draft, create_report
from subscriptions.models import Resident
from tests.support.office import Office


async def reported(office: Office, user: str | None = None, **changes: Any) -> Report:
    """Have a resident report something broken."""
    city = office.context.city
    ring = city.districts[0].polygons[0][0]
    x = sum(point[0] for point in ring) / len(ring)
    y = sum(point[1] for point in ring) / len(ring)
    async with office.database.writing() as session:
        resident = await session.scalar(select(Resident).where(col(Resident.line_user_id) == user))
        values: dict[str, Any] = {
            "category": city.report_categories[0].code,
            "origin": f"event {len(await office.rows(Report))}",
            "longitude": x,
            "latitude": y,
            "address": "つくば市中央1-1",
            "description": "道路に穴があいています",
            **changes,
        }
        return await create_report(
            session,
            city,
            Draft(**values),
            resident_id=resident.id if resident else None,
            language=resident.language if resident else "ja",
            now=office.clock.now(),
        )


def draft(city: City, origin: str, **more: Any) -> Draft:
    """Return a report of the city's first kind."""
    return Draft(category=city.report_categories[0].code, origin=origin, **more)


async def file(database: Database, city: City, made: Draft, now: datetime) -> str:
    """Store a report that no resident made; return its number."""
    async with database.writing() as session:
        report = await create_report(session, city, made, resident_id=None, language="ja", now=now)
        return report.number


async def how_many(session: AsyncSession, wanted: ReportFilter) -> Size:
    """Count the reports that fit."""
    return await listing.count(session, await listing.narrowed(session, wanted))


def picture(colour: str = "grey") -> bytes:
    output = io.BytesIO()
    Image.new("RGB", (640, 480), colour).save(output, "JPEG")
    return output.getvalue()
