"""Promise 2 when something around the engine fails: the address, the database, the process."""

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
from channels.chain import WARNED, chain_of, told_by
from channels.line.medium import LINE
from channels.members import unpack
from channels.models import Batch, BatchState, Delivery, DeliveryState
from channels.outbox import BatchOutcome
from channels.outcome_writer import OutcomeWriter
from core.clock import SystemClock
from core.database import Database
from core.work_shared import plain_url
from simulator.line import Simulator, SimulatorOptions
from tests.support.engine import add_residents, engine_world, make_notice


@pytest.mark.slow
async def test_a_wrong_address_of_line_neither_pauses_an_emergency_nor_gives_anybody_up(
    database: Database,
) -> None:
    await add_residents(database, 1, 1_200, languages=("en",))
    async with Simulator(SimulatorOptions(any_user=True)) as simulator:
        wrong = f"{simulator.url}/v2/nowhere"
        async with engine_world(database, simulator=simulator, line_api_url=wrong) as home:
            delivery = await home.send(make_notice(now=home.clock.now()))

            async def refused() -> bool:
                return "404" in str((await home.progress(delivery)).errors)

            await home.until(refused)
            seen = await home.progress(delivery)
            assert (seen.failed, seen.skipped, seen.waiting) == (0, 0, 1_200)
            assert seen.state is DeliveryState.SENDING
        # The address is put right, and the service started again.
        async with engine_world(database, simulator=simulator) as home:
            done = await home.ended(delivery)
    assert (done.sent, done.failed, done.skipped) == (1_200, 0, 0)


async def test_both_halves_of_a_split_batch_count_as_tried_before_they_are(
    database: Database,
) -> None:
    await add_residents(database, 1, 400, languages=("en",))
    async with engine_world(database, running=False) as home:
        delivery = await home.send(make_notice(now=home.clock.now()))
        await home.engine.plan(str(delivery))
        now = home.clock.now()
        async with database.writing() as session:
            run = await outbox.claim(
                session,
                delivery,
                0,
                now=now,
                quiet=home.city.quiet_hours,
                worker="test",
                key_life=LINE.key_life,
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
            sent = await session.get_one(Delivery, delivery)
            told = await told_by(session, await chain_of(session, sent.notice_id))
    assert [first for first, _ in rows] == [now, now]
    assert sorted(each for _, members in rows for each in unpack(members)) == list(range(1, 401))
    # A correction would go to all of them.
    assert told[1:401] == bytes([WARNED]) * 400


class Crowded(Database):
    """A database that has no connection left, for the first who asks."""

    refused = 0

    @asynccontextmanager
    async def writing(
        self, *, durably: bool = False, first: bool = False
    ) -> AsyncIterator[AsyncSession]:
        if not self.refused:
            self.refused += 1
            raise NoConnectionLeft
        async with super().writing(durably=durably, first=first) as session:
            yield session


async def test_outcomes_are_written_though_there_was_no_connection_left(
    database: Database,
) -> None:
    await add_residents(database, 1, 100, languages=("en",))
    async with engine_world(database, running=False) as home:
        delivery = await home.send(make_notice(now=home.clock.now()))
        await home.engine.plan(str(delivery))
        async with database.reading() as session:
            batch = (await session.scalars(select(Batch))).one()
        crowded = Crowded(database.url.render_as_string(hide_password=False))
        recorder = OutcomeWriter(crowded, SystemClock())
        assert batch.id is not None
        recorder.add(
            BatchOutcome(batch.id, delivery, BatchState.SENT, 1, batch.size, home.clock.now())
        )
        async with asyncio.timeout(10):
            await recorder.flushed()
        await crowded.close()
        assert (await home.progress(delivery)).sent == 100
    assert crowded.refused == 1


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
async def test_the_engine_goes_on_when_the_database_was_away_for_a_moment(
    database: Database,
) -> None:
    await add_residents(database, 1, 600, languages=("en",))
    async with engine_world(database) as home:
        address = plain_url(database.url)
        async with await psycopg.AsyncConnection.connect(address, autocommit=True) as connection:
            for _ in range(5):
                await connection.execute(
                    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
                await asyncio.sleep(0.15)
        for _ in range(20):
            # A broken connection in the pool is found by its next user.
            try:
                delivery = await home.send(make_notice(now=home.clock.now()))
                break
            except DBAPIError:
                await asyncio.sleep(0.05)
        done = await home.ended(delivery)
    assert done.sent == 600
