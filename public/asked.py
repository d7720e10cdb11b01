"""What residents ask, as numbers by ten minutes: no words, and nothing about who asked."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import delete, func
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from core.chunks import rows_of
from core.database import Database
from public.models import AskedCount

SLOT = timedelta(minutes=10)


async def note_asked(
    session: AsyncSession, asked: Mapping[str, int], now: datetime, *, bucket: int
) -> None:
    """Add to the numbers of these ten minutes.

    Parameters
    ----------
    asked
        How often, by intent.
    bucket
        Of the residents; only one process at a time works on it, so none waits for a row.
    """
    if not asked:
        return
    rows = [
        {"slot": slot_of(now), "intent": intent[:32], "bucket": bucket, "count": count}
        for intent, count in sorted(asked.items())
    ]
    await session.execute(_adding(session.get_bind().dialect.name), rows)


@cache
def _adding(dialect: str) -> Any:
    """Return the statement for one row, the same each time, so that it is compiled once."""
    insert = (postgresql if dialect == "postgresql" else sqlite).insert
    table: Any = AskedCount.__table__  # type: ignore[attr-defined]
    added = insert(table)
    return added.on_conflict_do_update(
        index_elements=[table.c.slot, table.c.intent, table.c.bucket],
        set_={"count": table.c.count + added.excluded["count"]},
    )


def slot_of(moment: datetime) -> datetime:
    """Return the beginning of the ten minutes."""
    return moment - timedelta(
        minutes=moment.minute % 10, seconds=moment.second, microseconds=moment.microsecond
    )


async def most_asked(
    session: AsyncSession, now: datetime, most: int, *, within: timedelta = timedelta(hours=1)
) -> list[tuple[str, int]]:
    """Return what was asked most, with its number; the first ten minutes count whole."""
    number = func.sum(col(AskedCount.count))
    query = (
        select(col(AskedCount.intent), number)
        .where(col(AskedCount.slot) > slot_of(now - within), col(AskedCount.slot) <= now)
        .group_by(col(AskedCount.intent))
        .order_by(number.desc(), col(AskedCount.intent))
        .limit(most)
    )
    return [(intent, int(count)) for intent, count in await session.execute(query)]


async def asked_between(session: AsyncSession, start: datetime, end: datetime) -> dict[str, int]:
    """Return how often each thing was asked for from ``start`` until ``end``."""
    rows = await session.execute(
        select(col(AskedCount.intent), func.sum(col(AskedCount.count)))
        .where(col(AskedCount.slot) >= start, col(AskedCount.slot) < end)
        .group_by(col(AskedCount.intent))
    )
    return {intent: int(count) for intent, count in rows}


async def forget_counts(database: Database, before: datetime) -> int:
    """Erase numbers of before a moment; return how many rows."""
    async with database.writing() as session:
        gone = delete(AskedCount).where(col(AskedCount.slot) < before)
        return rows_of(await session.execute(gone))
