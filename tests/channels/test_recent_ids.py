"""Addresses that planning has just read take a bounded share of the memory, whatever the medium."""

from __future__ import annotations

from datetime import UTC, datetime

from channels.recent_ids import ENTRY_BYTES, FRESH_SECONDS, MOST_BYTES, RecentIdsCache
from core.clock import ManualClock

NOON = datetime(2026, 6, 15, 3, tzinfo=UTC)


def test_many_batches_of_one_are_not_all_kept() -> None:
    """A hundred thousand mails are a hundred thousand batches."""
    recent = RecentIdsCache(ManualClock(NOON))
    address = "resident@home.example"
    for number in range(100_000):
        recent.keep(f"key-{number}", address, 1)
    kept = sum(recent.take(f"key-{number}") is not None for number in range(100_000))
    assert kept == MOST_BYTES // (ENTRY_BYTES + len(address)) < 30_000


async def test_what_is_stale_makes_room_and_what_was_taken_too() -> None:
    clock = ManualClock(NOON)
    recent = RecentIdsCache(clock)
    large = "x" * (MOST_BYTES // 2 - ENTRY_BYTES)
    recent.keep("first", large, 1)
    recent.keep("second", large, 1)
    recent.keep("third", large, 1)
    assert recent.take("third") is None, "there was no room"
    assert recent.take("second") is not None
    recent.keep("fourth", large, 1)
    await clock.advance(FRESH_SECONDS + 1)
    recent.keep("fifth", large, 1)
    assert recent.take("fifth") is not None
    assert recent.take("first") is None and recent.take("fourth") is None, "they are not fresh"
