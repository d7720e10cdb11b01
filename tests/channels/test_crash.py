"""Promise 2 under SIGKILL: senders die at random moments, and everybody gets it exactly once.

One dies at a time, and once all die together. The suite kills six times in a delivery to
20,000. ``TODOKE_CRUEL=yes`` makes it twenty times in a delivery to 200,000, with heartbeats as
slow as in service. ``TODOKE_SEED`` repeats a run.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import update
from sqlmodel import col

from channels import dispatch
from channels.line.medium import LINE
from channels.models import DeliveryState
from core.clock import SystemClock
from core.database import Database
from core.work import NoWorkers, Queue
from core.work_shared import ProcrastinateQueue
from simulator.line import FaultPlan, Simulator, SimulatorOptions
from subscriptions.models import Resident
from tests.support.engine import LANGUAGES, add_residents, make_notice, small_city, user_id
from tests.support.processes import Forked
from tests.support.queues import install_schema
from tests.support.senders import start_sender

pytestmark = pytest.mark.slow

FAULTS = "5xx-after=1%,5xx-before=1%,drop=1%,429-storm=300ms/4s,only=multicast"


@dataclass(frozen=True)
class Cruelty:
    """How much is asked of the senders."""

    residents: int
    kills: int
    rate: int
    dead_after: float
    timeout: float


SUITE = Cruelty(residents=20_000, kills=6, rate=12, dead_after=3.0, timeout=90.0)
FULL = Cruelty(residents=200_000, kills=20, rate=15, dead_after=15.0, timeout=600.0)


def another_request(simulator: Simulator) -> Callable[[], bool]:
    """Whether LINE has got one more request than now."""
    seen = simulator.ledger.requests
    return lambda: simulator.ledger.requests > seen


async def kill(process: Forked) -> None:
    process.kill()
    await process.ended()


async def disturb(database: Database, cruelty: Cruelty, chance: random.Random, turn: int) -> None:
    """Meanwhile others come, and some change what they read."""
    await add_residents(database, cruelty.residents + 1 + 50 * turn, 50)
    changed = chance.sample(range(1, cruelty.residents + 1), 100)
    async with database.writing() as session:
        await session.execute(
            update(Resident)
            .where(col(Resident.id).in_(changed))
            .values(language=chance.choice(LANGUAGES))
        )


async def test_everybody_exactly_once_though_senders_are_killed(
    database: Database, tmp_path: Path
) -> None:
    cruelty = FULL if os.environ.get("TODOKE_CRUEL") else SUITE
    seed = int(os.environ.get("TODOKE_SEED") or random.randrange(10**6))
    chance = random.Random(seed)
    print(f"seed {seed}, {cruelty}")
    await add_residents(database, 1, cruelty.residents)
    queue: Queue = NoWorkers()
    workers = 1
    if not database.is_sqlite:
        await install_schema(database.url)
        queue, workers = ProcrastinateQueue(database, SystemClock()), 3
    faults = FaultPlan.parse(f"{FAULTS},seed={seed}")
    options = SimulatorOptions(any_user=True, faults=faults, ledger="compact")
    now = SystemClock().now()
    async with Simulator(options) as simulator:
        async with database.writing() as session:
            notice = make_notice(now=now)
            session.add(notice)
            await session.flush()
            delivery = await dispatch.deliver(
                session, queue, notice, small_city(), now, created_by="rule:test", medium=LINE
            )
            assert delivery.id is not None

        def start() -> Forked:
            return start_sender(
                simulator.url,
                database,
                tmp_path / "senders.log",
                rate=cruelty.rate,
                dead_after=cruelty.dead_after,
            )

        processes = [start() for _ in range(workers)]
        try:
            for turn in range(cruelty.kills):
                try:
                    await simulator.wait_until(another_request(simulator), timeout=20)
                except TimeoutError:
                    print("nothing left to send before kill", turn)
                await asyncio.sleep(chance.random() * 0.5)
                # All die at once in the middle, as when a machine loses its power.
                together = turn == cruelty.kills // 2
                victims = range(workers) if together else [chance.randrange(workers)]
                await asyncio.gather(*(kill(processes[victim]) for victim in victims))
                await disturb(database, cruelty, chance, turn)
                for victim in victims:
                    processes[victim] = start()
            done = await _ended(database, delivery.id, cruelty.timeout)
        finally:
            await asyncio.gather(*(kill(process) for process in processes))
        requests = simulator.ledger.requests
        counted = simulator.ledger.recipients()
    print(f"{requests} requests taken, {done}")
    assert done.state is DeliveryState.DONE
    assert (done.sent, done.failed, done.skipped) == (cruelty.residents, 0, 0)
    missed = [n for n in range(1, cruelty.residents + 1) if counted[user_id(n)] == 0]
    doubled = {each: times for each, times in counted.items() if times > 1}
    strangers = len(counted) - cruelty.residents
    assert (missed[:10], dict(list(doubled.items())[:10]), strangers) == ([], {}, 0)


async def _ended(database: Database, delivery_id: int, timeout: float) -> dispatch.Progress:
    async with asyncio.timeout(timeout):
        async for state in dispatch.follow(database, delivery_id):
            if state.ended:
                return state
    raise AssertionError("the delivery never ended")
