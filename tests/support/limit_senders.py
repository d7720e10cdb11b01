"""Processes that send as fast as LINE's limit allows, and the requests that arrive."""

from __future__ import annotations

import asyncio
import bisect
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import psycopg

from core.work_shared import plain_url
from simulator.line import FaultPlan, Simulator, SimulatorOptions
from simulator.line.limits import LINE_LIMITS, RateLimit
from tests.support.processes import Forked
from tests.support.project import PROJECT

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
        self.processes: list[Forked] = []

    async def start(self, *, every: float = 0.0) -> Forked:
        """Start one: as fast as the limit allows, or one request in this number of seconds."""
        process = Forked(
            "benchmarks.limit_sender",
            [
                *("--line", self._simulator.url, "--database", self._database_url),
                *("--rate", str(self._rate), "--every", str(every)),
            ],
            folder=PROJECT,
        )
        self.processes.append(process)
        return process

    async def __aenter__(self) -> Senders:
        return self

    async def __aexit__(self, *_: object) -> None:
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            await process.ended()


def moments(simulator: Simulator) -> Sequence[float]:
    """When each multicast came, in the stand-in's seconds."""
    return simulator.limiter.moments("multicast")


def came_between(simulator: Simulator, begin: float, end: float) -> int:
    """How many multicasts came in ``[begin, end)``."""
    seen = moments(simulator)
    return bisect.bisect_left(seen, end) - bisect.bisect_left(seen, begin)


async def full_after(
    simulator: Simulator, since: float, rate: int, *, share: float = 0.95
) -> float:
    """Return the seconds from ``since`` to the first ``FINE`` at ``share`` of the limit, and on.

    What had been let go before ``since`` does not count.
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
