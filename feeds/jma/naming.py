"""Names within running Japanese, which has no spaces: 東北 is not in 東北東."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

_POINTS = (
    *("北北東", "東北東", "東南東", "南南東", "南南西", "西南西", "西北西", "北北西"),
    *("北東", "南東", "南西", "北西"),
)
"""The compass points of two and three characters; those of one are no part of any name here."""
_ELSEWHERE = ("中国東北", "東海上", "東海道")
"""Abroad, at sea, a road: none of them is 東北 or 東海."""
_LONGER = ("大津波", *_ELSEWHERE, *_POINTS)
"""Words that contain the name of a place and are no place."""


def names_in(words: str, names: Iterable[str], among: Iterable[str] = ()) -> frozenset[str]:
    """Return those of ``names`` that occur in ``words`` as whole names.

    A name within a longer one does not count. The longer ones are the other names, those of
    ``among`` and the compass points.
    """
    wanted = frozenset(names) - {""}
    pattern = _pattern(wanted | frozenset(among) - {""})
    return frozenset(match.group() for match in pattern.finditer(words)) & wanted


@lru_cache(maxsize=64)
def _pattern(names: frozenset[str]) -> re.Pattern[str]:
    longest_first = sorted({*names, *_LONGER}, key=lambda name: (-len(name), name))
    return re.compile("|".join(map(re.escape, longest_first)))
