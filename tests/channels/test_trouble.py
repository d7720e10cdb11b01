"""Promise 2 where what is around the engine fails: the address, the database, the process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
import pytest
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionLeft
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from channels import outbox
from channels.audiences import bitmap
from channels.members import unpack
from channels.models import Batch, BatchState, DeliveryState
from channels.outbox import Outcome
from channels.recorder import Recorder
from channels.simulator import Simulator, SimulatorOptions
from core.clock import SystemClock
from core.database import Database
from core.work_shared import plain_url
from tests.channels.house import add_residents, house, make_notice


async def test_a_wrong_address_of_line_gives_nobody_up(database: Database) -> None:
    await add_residents(database, 1, 1_200, languages=("en",))
    async with Simulator(SimulatorOptions(any_user=True)) as simulator:
        wrong = f"{simulator.url}/v2/nowhere"
        async with house(database, simulator=simulator, line_api_url=wrong) as home:
            delivery = await home.send(make_notice(now=home.clock.now()))

            async def paused() -> bool:
                return await home.state(delivery) is DeliveryState.PAUSED

            await home.until(paused)

            async def quiet() -> bool:
                return not home.engine.sender.active

            await home.until(quiet)
            seen = await home.progress(delivery)
    assert (seen.failed, seen.skipped, seen.waiting) == (0, 0, 1_200)
    assert "404" in seen.reason


async def test_both_halves_of_a_split_batch_count_as_tried_before_they_are(
    database: Database,
) -> None:
    await add_residents(database, 1, 400, languages=("en",))
    async with house(database, running=False) as home:
        delivery = await home.send(make_notice(now=home.clock.now()))
        await home.engine.planner.plan(str(delivery))
        now = home.clock.now()
        async with database.writing() as session:
            run = await outbox.claim(
                session, delivery, 0, now=now, quiet=home.city.quiet_hours, worker="test"
            )
        assert run is not None
        async with database.writing() as session:
            await outbox.split(session, run.batches[0], delivery, now)
        # The process dies here, with both halves at LINE perhaps.
        async with database.reading() as session:
            rows = (
                await session.execute(
                    select(col(Batch.first_tried_at), col(Batch.members)).where(
                        col(Batch.delivery_id) == delivery
                    )
                )
            ).all()
            reached = await bitmap(session, delivery)
    assert [first for first, _ in rows] == [now, now]
    assert sorted(each for _, members in rows for each in unpack(members)) == list(range(1, 401))
    # A correction would go to all of them.
    assert all(reached[each >> 3] >> (each & 7) & 1 for each in range(1, 401))


class Crowded(Database):
    """A database that has no connection left, for the first who asks."""

    refused = 0

    @asynccontextmanager
    async def writing(self, *, durably: bool = False) -> AsyncIterator[AsyncSession]:
        if not self.refused:
            self.refused += 1
            raise NoConnectionLeft
        async with super().writing(durably=durably) as session:
            yield session


async def test_outcomes_are_written_though_there_was_no_connection_left(
    database: Database,
) -> None:
    await add_residents(database, 1, 100, languages=("en",))
    async with house(database, running=False) as home:
        delivery = await home.send(make_notice(now=home.clock.now()))
        await home.engine.planner.plan(str(delivery))
        async with database.reading() as session:
            batch = (await session.scalars(select(Batch))).one()
        crowded = Crowded(database.url.render_as_string(hide_password=False))
        recorder = Recorder(crowded, SystemClock())
        assert batch.id is not None
        recorder.add(Outcome(batch.id, delivery, BatchState.SENT, 1, batch.size, home.clock.now()))
        async with asyncio.timeout(10):
            await recorder.flushed()
        await crowded.close()
        assert (await home.progress(delivery)).sent == 100
    assert crowded.refused == 1


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_the_engine_goes_on_when_the_database_was_away_for_a_moment(
    database: Database,
) -> None:
    await add_residents(database, 1, 600, languages=("en",))
    async with house(database) as home:
        address = plain_url(database.url)
        async with await psycopg.AsyncConnection.connect(address, autocommit=True) as connection:
            for _ in range(5):
                await connection.execute(
                    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
                await asyncio.sleep(0.15)
        for _ in range(20):
            # A connection that broke in the pool is found out by whoever gets it next.
            try:
                delivery = await home.send(make_notice(now=home.clock.now()))
                break
            except DBAPIError:
                await asyncio.sleep(0.05)
        done = await home.ended(delivery)
    assert done.sent == 600
