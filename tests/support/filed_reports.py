"""Residents who report something broken."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image
from sqlmodel import col, select

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


def picture() -> bytes:
    output = io.BytesIO()
    Image.new("RGB", (640, 480), "grey").save(output, "JPEG")
    return output.getvalue()
