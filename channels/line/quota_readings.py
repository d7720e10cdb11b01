"""What LINE says of the month's messages, kept by day, so that nobody has to ask it on a page."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from channels.line.client import LineClient
from channels.line.models import QuotaReading
from core.clock import Clock, in_japan
from core.database import Database
from core.errors import Permanent, Retryable

EVERY = timedelta(minutes=30)

log = structlog.get_logger(__name__)


async def read_quota(database: Database, clock: Clock, line: LineClient) -> bool:
    """Ask LINE if it is due, and keep the answer as today's; return whether it was."""
    now = clock.now()
    today = in_japan(now).date()
    async with database.reading() as session:
        before = await session.get(QuotaReading, today)
    if before is not None and abs(now - before.read_at) < EVERY:
        return False
    try:
        quota = await line.quota()
    except (Retryable, Permanent) as error:
        log.warning("quota.unread", reason=str(error))
        return False
    async with database.writing() as session:
        row = await session.get(QuotaReading, today) or QuotaReading(day=today, read_at=now)
        row.most, row.used, row.read_at = quota.limit, quota.used, now
        session.add(row)
    return True


async def quota_readings(
    session: AsyncSession, first: date, last: date
) -> Mapping[date, QuotaReading]:
    """Return the last reading of each day."""
    rows = await session.scalars(
        select(QuotaReading).where(col(QuotaReading.day) >= first, col(QuotaReading.day) <= last)
    )
    return {row.day: row for row in rows}
