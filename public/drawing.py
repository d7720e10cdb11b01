"""Pictures and calendars are made in threads, few at once, and kept in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from core.kept import KeptBytes
from core.places import PlaceGroup

MOST_AT_ONCE, MOST_WAITING = 2, 20

_places = PlaceGroup("drawing", MOST_AT_ONCE, MOST_WAITING)
MONTHS = KeptBytes(80_000_000)
"""A year of the sample city's months in every language is 70 MB."""
CALENDAR_BYTES = 32_000_000
"""For the calendars in memory."""


async def made(make: Callable[[], bytes]) -> bytes:
    """Return what ``make`` returns in a thread.

    Raises
    ------
    Full
        Too many wait already.
    """
    async with _places.place():
        return await asyncio.to_thread(make)
