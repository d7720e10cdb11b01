"""One grammar for the audit trail: an action is ``noun.verb``, a subject is ``kind:id``."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select

from core.audit import AuditEntry, record
from core.clock import SystemClock
from core.database import Database

GOOD = "delivery.paused", "delivery:12"


async def entries(database: Database) -> int | None:
    async with database.reading() as session:
        return await session.scalar(select(func.count()).select_from(AuditEntry))


@pytest.mark.parametrize(
    ("action", "subject"),
    [
        ("sign-in", GOOD[1]),
        ("alert.still-right", GOOD[1]),
        ("delivery", GOOD[1]),
        ("Delivery.paused", GOOD[1]),
        (GOOD[0], "delivery 12"),
        (GOOD[0], "12"),
        (GOOD[0], "delivery:"),
        (GOOD[0], ""),
    ],
)
async def test_an_entry_in_another_form_is_refused(
    database: Database, action: str, subject: str
) -> None:
    async with database.writing() as session:
        with pytest.raises(ValueError, match="audit"):
            await record(session, SystemClock().now(), actor="a", action=action, subject=subject)
    assert await entries(database) == 0


@pytest.mark.parametrize("zone", [None, timezone(timedelta(hours=9)), ZoneInfo("Asia/Tokyo")])
async def test_a_time_that_is_not_in_utc_is_refused(
    database: Database, zone: tzinfo | None
) -> None:
    """It would come back from the database in UTC, and the trail would look tampered with."""
    now = datetime(2026, 6, 15, 12, tzinfo=zone)
    async with database.writing() as session:
        with pytest.raises(ValueError, match="UTC"):
            await record(session, now, actor="a", action=GOOD[0], subject=GOOD[1])
    assert await entries(database) == 0


@pytest.mark.parametrize(
    "subject", ["delivery:12", "staff:sato@city.example", "address:2001:db8::1"]
)
async def test_an_entry_in_the_form_is_kept(database: Database, subject: str) -> None:
    async with database.writing() as session:
        await record(session, SystemClock().now(), actor="a", action=GOOD[0], subject=subject)
    assert await entries(database) == 1
