"""Promise 2: a follow-up of an alert knows whom the alert is about to reach."""

from __future__ import annotations

import asyncio
from array import array

from sqlmodel import col, select

from channels import outbox
from channels.line.medium import LINE
from channels.models import Batch, BatchState, Delivery, DeliveryState, Variant
from channels.planner import batch_row
from channels.reasons import reason
from core.clock import ManualClock
from core.database import Database
from tests.support.engine import add_residents, small_city


async def test_a_worker_begins_nothing_of_what_is_being_stopped(
    database: Database, clock: ManualClock
) -> None:
    """The stop is not committed yet when the worker asks; the batch must not leave after it."""
    now, quiet = clock.now(), small_city().quiet_hours
    await add_residents(database, 1, 2)
    async with database.writing() as session:
        delivery = Delivery(
            channel="line",
            state=DeliveryState.SENDING,
            priority=1,
            created_by="a@city",
            created_at=now,
        )
        session.add(delivery)
        await session.flush()
        assert delivery.id is not None
        variant = Variant(delivery_id=delivery.id, language="ja", digest="", messages=b"[]")
        session.add(variant)
        await session.flush()
        assert variant.id is not None
        row = batch_row(delivery, LINE, variant.id, (None, None), array("I", [1, 2]), None)
        await outbox.insert_batches(session, [row])

    async def claim() -> outbox.Run | None:
        assert delivery.id is not None
        async with database.writing() as session:
            return await outbox.claim(
                session,
                delivery.id,
                0,
                now=now,
                quiet=quiet,
                worker="another",
                key_life=LINE.key_life,
            )

    async with database.writing() as session:
        assert await outbox.stop(session, delivery.id, reason("delivery.corrected"))
        claiming = asyncio.create_task(claim())
        # It has time to read what is not changed yet.
        _, pending = await asyncio.wait([claiming], timeout=0.3)
        assert pending
    assert await claiming is None
    async with database.reading() as session:
        batch = (await session.scalars(select(Batch).where(col(Batch.run) == 0))).one()
        assert (batch.state, batch.first_tried_at) == (BatchState.SKIPPED, None)
