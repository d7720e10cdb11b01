"""How large a page of an emergency may be, and how to make the fullest one that is small enough."""

from __future__ import annotations

from collections.abc import Callable

MOST_BYTES = 30_000
"""Bytes below which the pages of an emergency stay, before compression."""


def fitting(make: Callable[[int], bytes], most: int) -> bytes:
    """Return the fullest page that is small enough.

    Parameters
    ----------
    make
        Makes a page with that many things on it.
    most
        How many there are.
    """
    return fullest(make, most)[0]


def fullest(make: Callable[[int], bytes], most: int) -> tuple[bytes, int]:
    """Return the same page, and how many things are on it."""
    page = make(most)
    if len(page) < MOST_BYTES:
        return page, most
    low, high, page = 0, most, make(0)
    while high - low > 1:
        middle = (low + high) // 2
        made = make(middle)
        if len(made) < MOST_BYTES:
            low, page = middle, made
        else:
            high = middle
    return page, low
