"""Promise 3 with real processes: they share LINE's limit, use it, and never exceed it.

The suite looks for some seconds at a smaller limit; ``TODOKE_CRUEL=yes`` for a whole minute at
LINE's own. ``python -m benchmarks.limit`` measures the same and prints it.
"""

from __future__ import annotations

import asyncio
import bisect
import contextlib
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import psycopg
import pytest
from sqlmodel import SQLModel

from channels.gravest import announce_emergency
from channels.models import Priority
from channels.rate_leases import SharedLimiter
from core.clock import SystemClock
from core.database import Database
from simulator.line import FaultPlan, Simulator
from tests.support.limit_senders import (
    Senders,
    came_between,
    full_after,
    moments,
    stand_in,
    writes,
)

pytestmark = pytest.mark.timed

CRUEL = bool(os.environ.get("TODOKE_CRUEL"))
RATE, SECONDS, USED = (200, 60.0, 0.98) if CRUEL else (60, 4.0, 0.95)
WARM_UP_SECONDS = 2.0


async def prepared(url: str) -> str:
    database = Database(url)
    async with database.engine.begin() as connection:
        await connection.run_sync(SQLModel.metadata.create_all)
    await database.close()
    return url


@asynccontextmanager
async def sending(url: str, *every: float) -> AsyncIterator[tuple[Simulator, Senders]]:
    """Have processes send, each as fast as it may (0) or one request in so many seconds."""
    async with stand_in(RATE) as simulator, Senders(simulator, url, RATE) as senders:
        for seconds in every:
            await senders.start(every=seconds)
        await simulator.wait_until(lambda: simulator.ledger.requests > RATE, timeout=30)
        await pass_by(simulator, WARM_UP_SECONDS)
        yield simulator, senders


async def pass_by(simulator: Simulator, seconds: float) -> float:
    """Wait until a request came so many seconds after now; return now."""
    begin = simulator.time.seconds()
    await simulator.wait_until(
        lambda: moments(simulator)[-1] >= begin + seconds, timeout=seconds + 15
    )
    return begin


@pytest.mark.parametrize(
    "every",
    [(0.0, 0.0, 0.0), (0.0, 0.5, 0.5)],
    ids=["all-busy", "one-busy-two-send-little"],
)
async def test_three_processes_use_the_limit_and_never_exceed_it(
    new_postgresql_url: Callable[[], str], every: tuple[float, ...]
) -> None:
    url = await prepared(new_postgresql_url())
    async with sending(url, *every) as (simulator, _):
        before = await writes(url)
        begin = await pass_by(simulator, SECONDS)
        written = await writes(url) - before
        used = came_between(simulator, begin, begin + SECONDS) / (RATE * SECONDS)
        most = simulator.max_in_window("multicast")
    print(f"{used:.1%} of the limit used, {most} of {RATE} in a second, {written} rows written")
    assert most <= RATE
    # A process that sends little has hardly more than it uses: the rest is for the busy one.
    assert used >= USED
    # A few writes a second, however many requests there are.
    assert written <= 3 * (SECONDS + 3) * 2


async def test_one_process_on_sqlite_uses_the_limit_and_never_exceeds_it(tmp_path: object) -> None:
    async with sending(await prepared(f"sqlite:///{tmp_path}/todoke.sqlite3"), 0.0) as (
        simulator,
        _,
    ):
        begin = await pass_by(simulator, SECONDS)
        used = came_between(simulator, begin, begin + SECONDS) / (RATE * SECONDS)
        assert simulator.max_in_window("multicast") <= RATE
    assert used >= USED


async def test_the_share_of_a_process_that_ends_or_is_killed_is_soon_used_by_the_others(
    new_postgresql_url: Callable[[], str],
) -> None:
    url = await prepared(new_postgresql_url())
    async with sending(url, 0.0, 0.0, 0.0) as (simulator, senders):
        since = simulator.time.seconds()
        senders.processes[0].kill()
        killed = await full_after(simulator, since, RATE, share=0.9)
        since = simulator.time.seconds()
        senders.processes[1].terminate()
        ended = await full_after(simulator, since, RATE, share=0.9)
        most = simulator.max_in_window("multicast")
    print(f"back {killed:.1f} s after a kill, {ended:.1f} s after an end")
    assert max(killed, ended) <= 2.5
    assert most <= RATE


async def test_processes_that_lose_the_database_for_a_moment_never_exceed_the_limit(
    new_postgresql_url: Callable[[], str],
) -> None:
    url = await prepared(new_postgresql_url())
    async with sending(url, 0.0, 0.0, 0.0) as (simulator, _):
        since = simulator.time.seconds()
        # To each of them, the others now look dead, and all of them are alive.
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
            ended = await connection.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            assert (await ended.fetchone() or (0,))[0] >= 3
        back = await full_after(simulator, since, RATE, share=0.9)
        await pass_by(simulator, 1.0)
        most = simulator.max_in_window("multicast")
    print(f"whole limit again {back:.1f} s after the database's connections broke")
    assert most <= RATE
    assert back <= 6.0


async def test_an_emergency_gets_a_share_at_once_where_there_was_none(
    new_postgresql_url: Callable[[], str],
) -> None:
    database = Database(await prepared(new_postgresql_url()))
    clock = SystemClock()
    busy, idle = (
        SharedLimiter(database, clock, {"multicast": RATE}, worker=name) for name in ("a", "b")
    )

    async def routine() -> None:
        while True:
            async with busy.slot("multicast", Priority.ROUTINE):
                await clock.sleep(0.001)

    running = [asyncio.create_task(routine()) for _ in range(50)]
    lane = busy.lane("multicast")
    while lane.used < RATE:
        await clock.sleep(0.05)
    waits: list[float] = []
    for number in range(3):
        async with database.writing() as session:
            await announce_emergency(session, ["multicast"])
        decided = clock.monotonic()
        idle.begin_urgent(number)
        async with idle.slot("multicast", Priority.EMERGENCY):
            waits.append(clock.monotonic() - decided)
        idle.end_urgent(number)
        while lane.used < 0.9 * RATE:
            await clock.sleep(0.05)
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    await asyncio.gather(busy.close(), idle.close())
    await database.close()
    print("waited", [f"{each:.3f} s" for each in waits])
    assert min(waits) <= 0.1
    assert max(waits) <= 0.3


async def test_the_gravest_of_one_process_holds_back_other_emergencies_in_all(
    new_postgresql_url: Callable[[], str],
) -> None:
    database = Database(await prepared(new_postgresql_url()))
    clock = SystemClock()
    ours, theirs, of_another_medium = (
        SharedLimiter(database, clock, {endpoint: RATE}, worker=name)
        for name, endpoint in (("a", "multicast"), ("b", "multicast"), ("b", "mail"))
    )
    for limiter, endpoint in ((ours, "multicast"), (theirs, "multicast")):
        async with limiter.slot(endpoint, Priority.EMERGENCY):
            pass
    async with of_another_medium.slot("mail", Priority.EMERGENCY):
        pass

    async def goes(limiter: SharedLimiter, endpoint: str, priority: int) -> bool:
        """Whether a request may go within a moment."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.4), limiter.slot(endpoint, priority):
                return True
        return False

    ours.begin_gravest(1)
    while await goes(theirs, "multicast", Priority.EMERGENCY):
        await clock.sleep(0.01)
    # It holds for longer than one word of it does.
    for _ in range(5):
        assert not await goes(theirs, "multicast", Priority.EMERGENCY)
        while not await goes(theirs, "multicast", Priority.GRAVEST):
            pass
        while not await goes(of_another_medium, "mail", Priority.EMERGENCY):
            pass
    ours.end_gravest(1)
    while not await goes(theirs, "multicast", Priority.EMERGENCY):
        await clock.sleep(0.01)
    # A process that dies while it holds back others says nothing any more.
    ours.begin_gravest(2)
    while await goes(theirs, "multicast", Priority.EMERGENCY):
        await clock.sleep(0.01)
    await ours.close()
    while not await goes(theirs, "multicast", Priority.EMERGENCY):
        await clock.sleep(0.01)
    # What was decided for one medium holds back that one until somebody plans it, and no other.
    async with database.writing() as session:
        await announce_emergency(session, ["multicast"], gravest=True)
    while await goes(theirs, "multicast", Priority.EMERGENCY):
        await clock.sleep(0.01)
    assert await goes(of_another_medium, "mail", Priority.EMERGENCY)
    assert await goes(of_another_medium, "mail", Priority.ROUTINE)
    theirs.begin_urgent(3)
    while not await goes(theirs, "multicast", Priority.GRAVEST):
        await clock.sleep(0.01)
    while not await goes(theirs, "multicast", Priority.EMERGENCY):
        await clock.sleep(0.01)
    await asyncio.gather(theirs.close(), of_another_medium.close())
    await database.close()


@pytest.mark.parametrize("retry_after", ["", ",retry-after=1500ms"], ids=["silent", "retry-after"])
async def test_a_429_slows_all_processes_at_once_and_they_recover_by_themselves(
    new_postgresql_url: Callable[[], str], retry_after: str
) -> None:
    url = await prepared(new_postgresql_url())
    async with sending(url, 0.0, 0.0, 0.0) as (simulator, _):
        began = simulator.time.seconds()
        # LINE refuses everything for a moment, and that is over before anybody asks again.
        simulator.faults = FaultPlan.parse(f"429=100%{retry_after}")
        seen = len(moments(simulator))
        await simulator.wait_until(lambda: _requests(simulator) > seen, timeout=10)
        first = moments(simulator)[seen]
        assert first - began < 1.0
        await pass_quietly(simulator, first + 0.3)
        simulator.faults = FaultPlan()
        refused = _requests(simulator) - seen
        # The pause: half a second where LINE does not say, else what it says.
        lasts = 1.5 if retry_after else 0.5
        await simulator.wait_until(lambda: moments(simulator)[-1] > first + 0.4, timeout=20)
        after = moments(simulator)[bisect.bisect_right(moments(simulator), first + 0.25)]
        print(f"{refused} refused, silence until {after - first:.2f} s after the first")
        # All three heard of it at once: only requests under way and a few more were refused.
        assert refused <= 0.25 * RATE + 3
        assert after - first >= lasts - 0.02
        # And without a word from anybody the whole limit is used again.
        back = await full_after(simulator, after, RATE, share=0.9)
        most = simulator.max_in_window("multicast")
    print(f"whole limit again {back:.1f} s later")
    assert 1.0 < back < 12.0
    assert most <= RATE


def _requests(simulator: Simulator) -> int:
    return len(moments(simulator))


async def pass_quietly(simulator: Simulator, until: float) -> None:
    """Wait for a moment of the stand-in's time, whether anything comes or not."""
    while simulator.time.seconds() < until:
        await asyncio.sleep(0.01)
