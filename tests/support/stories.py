"""The notices that a resident gets, step by step."""

from __future__ import annotations

from feeds.facts import Fact
from feeds.models import Status


def believed(heard: list[Fact]) -> int:
    return heard[-1].level if heard else 0


def check_story(heard: list[Fact]) -> None:
    """Each step begins where the step before ended."""
    level = 0
    for fact in heard:
        assert fact.previous_level == level
        assert fact.level != level
        expected = (
            Status.LIFTED
            if fact.level == 0
            else Status.ISSUED
            if level == 0
            else Status.RAISED
            if fact.level > level
            else Status.LOWERED
        )
        assert fact.status is expected
        level = fact.level
