"""The watch over states, which runs during all tests, finds faults."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import update
from sqlmodel import SQLModel, col, select

from channels.models import Delivery, DeliveryKind, DeliveryState, Priority
from core.database import Database
from tests.support.guarded_states import NOT_STATES, STATES, Watch, enumerated


def test_every_column_of_named_values_is_watched_or_said_not_to_be() -> None:
    watched = {(table, name) for table, names in STATES.items() for name in names}
    assert enumerated() <= watched | set(NOT_STATES)
    there = {(t.name, c.name) for t in SQLModel.metadata.tables.values() for c in t.columns}
    # Watched are the names that the code writes, which need not be the columns'.
    there |= {
        (str(mapper.local_table), each.key)
        for mapper in SQLModel._sa_registry.mappers
        for each in mapper.column_attrs
    }
    assert watched | set(NOT_STATES) <= there


def delivery() -> Delivery:
    return Delivery(
        channel="line",
        kind=DeliveryKind.NOTICE,
        priority=Priority.ROUTINE,
        created_by="test",
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_a_state_written_without_looking_is_seen(
    database: Database, watch_of_states: Watch
) -> None:
    """The writers are compiled as if they were the service's, for a test's own are let be."""
    service: dict[str, Any] = {
        "stopped": DeliveryState.STOPPED,
        "update": update,
        "Delivery": Delivery,
    }
    code = (
        "def write(row): row.state = stopped\n"
        "async def write_all(session):\n"
        "    await session.execute(update(Delivery).values(state=stopped))\n"
    )
    exec(compile(code, "/srv/channels/outbox.py", "exec"), service)
    faults = watch_of_states.faults
    async with database.writing() as session:
        session.add(delivery())
    async with database.writing() as session:
        service["write"](await session.get_one(Delivery, 1))
    assert len(faults) == 1 and "outbox.py:1: deliveries.state" in faults.pop()
    async with database.writing() as session:
        row = await session.get_one(Delivery, 1, with_for_update=True)
        row.state = DeliveryState.SENDING
        await session.flush()
        service["write"](row)
    assert not faults
    async with database.writing() as session:
        row = await session.get_one(Delivery, 1)
        row.state = DeliveryState.SENDING
    async with database.writing() as session:
        row = await session.get_one(Delivery, 1)
        # Found again, under the lock, but with what was read before it.
        assert await session.scalar(select(Delivery).with_for_update()) is row
        service["write"](row)
    assert len(faults) == 1 and "outbox.py:1: deliveries.state" in faults.pop()
    async with database.writing() as session:
        await service["write_all"](session)
    assert len(faults) == 1 and "outbox.py:3: deliveries.state" in faults.pop()
    async with database.writing() as session:
        held = update(Delivery).where(col(Delivery.state) == DeliveryState.STOPPED)
        await session.execute(held.values(state=DeliveryState.PAUSED))
    assert not faults
