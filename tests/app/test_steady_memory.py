"""What stays in memory is looked at once, and not in every full garbage collection."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from app.steady_memory import LONG_SECONDS, MOST_TIMES, steady_memory

MANY = 10_000


def readings(seconds: float) -> Iterator[float]:
    """Times at the beginning and the end of collections that each take so long."""
    now = 0.0
    while True:
        yield now
        now += seconds


def frozen_after(collections: int, seconds: float) -> list[int]:
    """Return how many objects are frozen at first and after each full collection."""
    times = readings(seconds)
    with steady_memory(lambda: next(times)):
        counts = [gc.get_freeze_count()]
        kept: list[list[list[object]]] = []
        for _ in range(collections):
            kept.append([[] for _ in range(MANY)])
            gc.collect()
            counts.append(gc.get_freeze_count())
    return counts


@pytest.fixture(autouse=True)
def nothing_stays_frozen() -> Iterator[None]:
    gc.unfreeze()
    callbacks = list(gc.callbacks)
    yield
    assert gc.get_freeze_count() == 0
    assert gc.callbacks == callbacks


def test_what_is_loaded_is_frozen_and_a_short_collection_freezes_no_more() -> None:
    first, second, third = frozen_after(2, LONG_SECONDS / 2)
    assert first > 1000
    assert third <= second <= first


def test_what_a_long_collection_left_is_frozen_too() -> None:
    first, second = frozen_after(1, LONG_SECONDS * 2)
    assert second > first + MANY / 2


def test_freezing_has_an_end() -> None:
    counts = frozen_after(MOST_TIMES + 3, LONG_SECONDS * 2)
    assert counts[MOST_TIMES] > counts[MOST_TIMES - 1]
    assert counts[-1] <= counts[MOST_TIMES]
