"""Places for work of which only a little may be done at once, and those who wait for one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from prometheus_client import Counter
from starlette.responses import PlainTextResponse

WAIT_SECONDS = 10.0
"""How long a request waits for a place."""
BUSY_TEXT = (
    "ただいま混み合っています。数秒後にもう一度お試しください。\n"
    "Too many people ask at this moment. Please try again in a few seconds.\n"
)

TURNED_AWAY = Counter(
    "todoke_pages_turned_away_total", "Requests for which no place became free in time", ["lane"]
)


class Full(Exception):
    """Too many wait, or no place became free in time."""


class PlaceGroup:
    """Some places, and the requests that wait for one.

    Parameters
    ----------
    name
        For the metrics.
    places
        How many are served at once.
    most_waiting
        How many more may wait; the next one is turned away at once.
    """

    def __init__(self, name: str, places: int, most_waiting: int) -> None:
        self.name = name
        self._free = asyncio.Semaphore(places)
        self._most_waiting = most_waiting
        self._waiting = 0

    async def take(self) -> None:
        """Wait for a place.

        Raises
        ------
        Full
            There is no free place, and none became free in time.
        """
        if not self._free.locked():
            await self._free.acquire()
            return
        if self._waiting >= self._most_waiting:
            raise self._full()
        self._waiting += 1
        try:
            await asyncio.wait_for(self._free.acquire(), WAIT_SECONDS)
        except TimeoutError as error:
            raise self._full() from error
        finally:
            self._waiting -= 1

    def _full(self) -> Full:
        TURNED_AWAY.labels(self.name).inc()
        return Full()

    def leave(self) -> None:
        self._free.release()

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Hold a place for as long as the block lasts; raises :class:`Full`."""
        await self.take()
        try:
            yield
        finally:
            self.leave()


def busy() -> PlainTextResponse:
    """Ask to come again in a moment."""
    return PlainTextResponse(BUSY_TEXT, 503, headers={"Retry-After": "3"})
