"""What many ask for at once is counted once, and soon again."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from core.clock import ManualClock
from core.shared_answers import SharedAnswers

NOW = datetime(2026, 6, 15, 3, 0, tzinfo=UTC)


async def test_many_who_ask_at_once_share_one_count_and_it_is_old_soon() -> None:
    clock, counted = ManualClock(NOW), 0
    shared = SharedAnswers[int](clock, 2.0)

    async def count() -> int:
        nonlocal counted
        counted += 1
        await asyncio.sleep(0)
        return counted

    assert await asyncio.gather(*(shared.of("a", count) for _ in range(5))) == [1] * 5
    assert await shared.of("b", count) == 2
    await clock.advance(1.9)
    assert await shared.of("a", count) == 1
    await clock.advance(0.2)
    assert await shared.of("a", count) == 3
    unkept = SharedAnswers[int](clock, 0)
    assert [await unkept.of("a", count) for _ in range(2)] == [4, 5]


async def test_who_asks_for_something_old_gets_it_while_it_is_counted_again() -> None:
    clock, counts = ManualClock(NOW), iter(range(1, 9))
    shared = SharedAnswers[int](clock, 60, stale_seconds=600, most=2)

    async def count() -> int:
        return next(counts)

    assert await shared.of("a", count) == 1
    await clock.advance(61)
    assert await shared.of("a", count) == 1, "counted again beside it"
    await asyncio.sleep(0)
    assert await shared.of("a", count) == 2
    await clock.advance(601)
    assert await shared.of("a", count) == 3, "nobody is shown what is as old as that"
    assert [await shared.of(name, count) for name in "bc"] == [4, 5]
    assert await shared.of("a", count) == 6, "no more are kept than were wanted"


async def test_a_count_that_fails_is_tried_again_and_one_who_leaves_stops_nobody() -> None:
    shared, goes_on = SharedAnswers[int](ManualClock(NOW), 2.0), asyncio.Event()

    async def fails() -> int:
        raise OSError("the database is full")

    async def count() -> int:
        await goes_on.wait()
        return 7

    with pytest.raises(OSError, match="full"):
        await shared.of("a", fails)
    first, second = (asyncio.create_task(shared.of("a", count)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    goes_on.set()
    assert await second == 7
