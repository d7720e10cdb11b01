"""Promise 3: LINE's limits are never exceeded, by one process or by several."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from channels.limiter import Limiter
from channels.line.client import LineClient
from channels.line.errors import LineBusy
from channels.models import Priority
from core.clock import ManualClock, SystemClock
from simulator.line import FaultPlan, Simulator, SimulatorOptions
from simulator.line.limits import LINE_LIMITS, RateLimit
from tests.support.engine import settings_for, user_id

pytestmark = pytest.mark.timed

LIMIT = 50


@asynccontextmanager
async def stand_in(faults: str = "none") -> AsyncIterator[Simulator]:
    limits = {**LINE_LIMITS, "multicast": RateLimit(LIMIT, 1.0)}
    options = SimulatorOptions(any_user=True, limits=limits, faults=FaultPlan.parse(faults))
    async with Simulator(options) as simulator:
        yield simulator


async def send_for(line: LineClient, seconds: float, priority: int = Priority.WARNING) -> int:
    """Send as many multicasts as are let go in so many seconds; returns how many."""
    loop = asyncio.get_running_loop()
    end, sent = loop.time() + seconds, 0

    async def one_after_another() -> None:
        nonlocal sent
        while loop.time() < end:
            await line.multicast([user_id(1)], [{"type": "text", "text": "a"}], priority=priority)
            sent += 1

    await asyncio.gather(*(one_after_another() for _ in range(40)))
    return sent


@pytest.mark.parametrize("faults", ["none", "latency=50ms", "latency=5ms..120ms"])
async def test_one_process_uses_the_limit_and_no_window_sees_more(faults: str) -> None:
    async with stand_in(faults) as simulator, aiohttp.ClientSession() as http:
        clock = SystemClock()
        settings = settings_for(simulator.url, line_rate_multicast=LIMIT)
        line = LineClient(http, settings, clock)
        sent = await send_for(line, 4.0)
        await line.limiter.close()
        assert simulator.max_in_window("multicast") <= LIMIT
        assert simulator.ledger.requests == sent
    # A whole minute at 98 % is measured by the benchmark; here the first burst is on top.
    assert sent >= 4 * LIMIT * (0.98 if "120" not in faults else 0.9)


async def test_429_slows_down_and_it_recovers_by_itself() -> None:
    async with stand_in("429-storm=1s/4s,retry-after=1s") as simulator:
        async with aiohttp.ClientSession() as http:
            settings = settings_for(simulator.url, line_rate_multicast=LIMIT)
            line = LineClient(http, settings, SystemClock())
            refused = 0

            async def steadily() -> None:
                nonlocal refused
                loop = asyncio.get_running_loop()
                end = loop.time() + 3.5
                while loop.time() < end:
                    try:
                        await line.multicast([user_id(1)], [{"type": "text", "text": "a"}])
                    except LineBusy:
                        refused += 1

            await asyncio.gather(*(steadily() for _ in range(20)))
            await line.limiter.close()
        # Only what was under way when the storm began was refused.
        assert 1 <= refused <= 21
        assert simulator.ledger.requests > LIMIT / 2


async def pass_time(clock: ManualClock, seconds: float) -> None:
    """Move the clock in steps, so that who is woken can lie down again in between."""
    for _ in range(round(seconds / 0.05)):
        await asyncio.sleep(0)
        await clock.advance(0.05)


async def test_an_emergency_need_not_wait_for_the_second_after_a_burst() -> None:
    clock = ManualClock(SystemClock().now())
    limiter = Limiter(clock, {"multicast": 200})

    async def request(priority: int) -> float:
        async with limiter.slot("multicast", priority):
            return clock.monotonic()

    routine = [asyncio.create_task(request(Priority.ROUTINE)) for _ in range(600)]
    waits: list[float] = []
    # Routine news began after a rest; whenever the decision falls, the way is free.
    for number in range(40):
        for _ in range(10):
            await asyncio.sleep(0)
            await clock.advance(0.005)
        decided = clock.monotonic()
        limiter.begin_urgent(number)
        emergency = asyncio.create_task(request(Priority.EMERGENCY))
        while not emergency.done():
            await clock.advance(0.005)
        waits.append(emergency.result() - decided)
        limiter.end_urgent(number)
    await limiter.close()
    for task in routine:
        task.cancel()
    await asyncio.gather(*routine, return_exceptions=True)
    assert max(waits) <= 0.075


async def test_what_cannot_be_on_its_way_does_not_count_against_the_limit() -> None:
    clock = ManualClock(SystemClock().now())
    limiter = Limiter(clock, {"push": 2000})
    lane = limiter.lane("push")
    most = 0

    async def one() -> None:
        nonlocal most
        async with limiter.slot("push"):
            most = max(most, lane.in_flight)
            await clock.sleep(0.002)

    # Far more than a processor can post at once: who waits for it holds no slot.
    tasks = [asyncio.create_task(one()) for _ in range(1_500)]
    for _ in range(1_000):
        await asyncio.sleep(0)
        await clock.advance(0.002)
    ended = sum(task.done() for task in tasks)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await limiter.close()
    assert ended == len(tasks)
    assert most <= 100


async def test_an_emergency_goes_before_what_waits_and_holds_it_back() -> None:
    clock = ManualClock(SystemClock().now())
    limiter = Limiter(clock, {"multicast": 10})
    order: list[str] = []

    async def request(name: str, priority: int) -> None:
        async with limiter.slot("multicast", priority):
            order.append(name)

    tasks = [asyncio.create_task(request("routine", Priority.ROUTINE)) for _ in range(20)]
    await pass_time(clock, 0.3)
    begun = len(order)
    assert 0 < begun < 20
    limiter.begin_urgent(1)
    tasks += [asyncio.create_task(request("emergency", Priority.EMERGENCY)) for _ in range(5)]
    await pass_time(clock, 3)
    assert order[begun:] == ["emergency"] * 5
    limiter.end_urgent(1)
    await pass_time(clock, 5)
    await asyncio.gather(*tasks)
    assert order[begun + 5 :] == ["routine"] * (20 - begun)
    await limiter.close()
