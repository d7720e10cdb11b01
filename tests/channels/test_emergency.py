"""Promise 4: an emergency leaves at once; also in the middle of a routine delivery to 200,000."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlmodel import col, select

from channels import dispatch
from channels.line.medium import LINE
from channels.models import Batch, DeliveryState, Variant
from core.clock import ManualClock, SystemClock
from core.database import Database
from core.work import NoWorkers, Queue
from core.work_shared import ProcrastinateQueue
from simulator.line import Simulator, SimulatorOptions
from tests.support.engine import add_residents, engine_world, make_notice, small_city
from tests.support.queues import install_schema
from tests.support.senders import senders

pytestmark = pytest.mark.timed

RESIDENTS = 200_000
RATE = 200
LEVEL_FOUR = b'"backgroundColor":"#AA00AA"'
OVERTAKES_WITHIN_SECONDS = 0.1


async def send(database: Database, queue: Queue, topic: str, level: int) -> int:
    now = SystemClock().now()
    async with database.writing() as session:
        notice = make_notice(topic, level=level, now=now)
        session.add(notice)
        await session.flush()
        delivery = await dispatch.deliver(
            session, queue, notice, small_city(), now, created_by="rule:test", medium=LINE
        )
        assert delivery.id is not None
        return delivery.id


async def ended(database: Database, delivery: int) -> dispatch.Progress:
    async with asyncio.timeout(60):
        async for state in dispatch.follow(database, delivery, every_seconds=0.1):
            if state.ended:
                return state
    raise AssertionError("the delivery never ended")


async def overtake(database: Database, queue: Queue, simulator: Simulator) -> None:
    routine = await send(database, queue, "events", 0)
    await simulator.wait_until(lambda: simulator.ledger.requests >= 80, timeout=60)
    emergency = await send(database, queue, "evacuation", 4)
    decided = simulator.time.seconds()
    told = await ended(database, emergency)
    done = await ended(database, routine)
    assert (told.state, told.sent) == (DeliveryState.DONE, RESIDENTS)
    assert (done.state, done.sent) == (DeliveryState.DONE, RESIDENTS)
    entries = simulator.ledger.entries
    urgent = [LEVEL_FOUR in entry.body for entry in entries]
    last = len(urgent) - 1 - urgent[::-1].index(True)
    # The routine one was in the middle, and was not over.
    assert urgent.index(True) >= 80
    assert urgent[last + 1 :].count(False) > RESIDENTS / 500 / 4
    meanwhile = [
        entry.at - decided
        for entry, is_urgent in zip(entries[: last + 1], urgent, strict=False)
        if not is_urgent and entry.at > decided
    ]
    first = entries[urgent.index(True)].at - decided
    print(f"{len(meanwhile)} routine requests after the decision, the first urgent {first:.3f} s")
    assert len(meanwhile) <= RATE * OVERTAKES_WITHIN_SECONDS
    assert simulator.max_in_window("multicast") <= RATE
    assert simulator.ledger.counts_by_times() == {2: RESIDENTS}


async def test_an_emergency_is_out_before_a_routine_delivery_to_200000_continues(
    database: Database, tmp_path: Path
) -> None:
    await add_residents(database, 1, RESIDENTS, languages=("en", "ja"))
    async with Simulator(SimulatorOptions(any_user=True)) as simulator:
        if database.is_sqlite:
            async with engine_world(
                database, simulator=simulator, line_rate_multicast=RATE
            ) as home:
                await overtake(database, home.queue, simulator)
        else:
            await install_schema(database.url)
            queue = ProcrastinateQueue(database, SystemClock())
            log = tmp_path / "senders.log"
            async with senders(simulator.url, database, log, rate=RATE):
                await overtake(database, queue, simulator)


async def test_whoever_is_alone_with_their_language_is_in_an_emergencys_first_run(
    database: Database,
) -> None:
    # One in a hundred reads Burmese: a batch of 500 would need half a city to be read first.
    await add_residents(database, 1, 10_000, languages=("ja",) * 99 + ("my",))
    async with engine_world(database, running=False) as home:
        emergency = await home.send(make_notice(now=home.clock.now(), languages=("ja", "my")))
        await home.engine.plan(str(emergency))
        home.line.limiter.end_urgent(emergency)
        async with database.reading() as session:
            statement = (
                select(col(Variant.language), col(Batch.size))
                .join(Variant, col(Variant.id) == col(Batch.variant_id))
                .where(col(Batch.delivery_id) == emergency)
            )
            first = (await session.execute(statement.where(col(Batch.run) == 0))).all()
            everything = (await session.execute(statement)).all()
    assert any(language == "my" for language, _ in first)
    assert sum(size for _, size in everything) == 10_000


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_an_alert_from_the_shell_is_taken_up_within_a_twentieth_of_a_second(
    database: Database,
) -> None:
    await add_residents(database, 1, 10)
    clock = ManualClock(SystemClock().now())
    async with engine_world(database, clock=clock) as home:
        shell = Database(str(database.url))
        await send(shell, NoWorkers(), "evacuation", 4)
        await shell.close()
        await clock.advance(0.05)
        # From here on nothing waits for the clock.
        await home.simulator.wait_until(lambda: home.simulator.ledger.requests > 0, timeout=10)
