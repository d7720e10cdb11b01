"""What everything stored relies on, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from core.audit import AuditEntry, first_broken, record
from core.clock import ManualClock
from core.database import Database
from subscriptions.models import Resident, ResidentState, Subscription

USER = "U" + "0" * 32


async def test_a_moment_comes_back_as_the_same_moment_in_utc(
    database: Database, clock: ManualClock
) -> None:
    async with database.writing() as session:
        session.add(
            Resident(
                line_user_id=USER, language="my", followed_at=clock.now(), updated_at=clock.now()
            )
        )
    async with database.reading() as session:
        resident = (await session.scalars(select(Resident))).one()
    assert resident.followed_at == datetime(2026, 6, 15, 3, 0, tzinfo=UTC)
    assert resident.state is ResidentState.FOLLOWING


async def test_foreign_keys_are_on(database: Database) -> None:
    with pytest.raises(IntegrityError):
        async with database.writing() as session:
            session.add(Subscription(topic="weather", resident_id=4711))


async def test_promise_7_the_audit_trail_shows_tampering(
    database: Database, clock: ManualClock
) -> None:
    async with database.writing() as session:
        for number in range(5):
            await record(
                session, clock.now(), actor="a@city", action="alert.sent", subject=str(number)
            )
    async with database.reading() as session:
        assert await first_broken(session) is None
    async with database.writing() as session:
        entry = (await session.scalars(select(AuditEntry).where(AuditEntry.id == 3))).one()
        entry.actor = "somebody.else@city"
    async with database.reading() as session:
        assert await first_broken(session) == 3
