"""What was put off is due in time, and at once if a clock that was ahead put it off."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import literal
from sqlmodel import select

from core.database import Database, UtcDateTime
from core.due import due_rows, is_due

NOW = datetime(2026, 12, 31, 14, 59, 59, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("ahead", "tried_now"),
    [
        (-SECOND, True),
        (timedelta(0), True),
        (SECOND, False),
        (timedelta(hours=24), False),
        (timedelta(hours=24) + SECOND, True),
        (timedelta(days=60), True),
    ],
)
async def test_what_is_due_is_the_same_for_a_row_and_in_a_query(
    database: Database, ahead: timedelta, tried_now: bool
) -> None:
    assert is_due(NOW + ahead, NOW) is tried_now
    moment = literal(NOW + ahead, UtcDateTime())
    async with database.reading() as session:
        assert bool(await session.scalar(select(due_rows(moment, NOW)))) is tried_now
