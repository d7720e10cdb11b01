"""Time as a parameter, so that midnight, New Year and a week's absence can be tested."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

JAPAN = ZoneInfo("Asia/Tokyo")
_BOOTTIME: int | None = getattr(time, "CLOCK_BOOTTIME", None)


class Clock(Protocol):
    """The clock interface of all packages."""

    def now(self) -> datetime:
        """Return the current moment, aware, in UTC."""

    def monotonic(self) -> float:
        """Return seconds that never go back, for measuring how long something took."""

    async def sleep(self, seconds: float) -> None:
        """Pause the caller for ``seconds``."""


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        # If the system has one that continues while the machine is suspended.
        if _BOOTTIME is not None:
            return time.clock_gettime(_BOOTTIME)
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class ManualClock:
    """A clock that moves only when it is advanced; sleepers wake in order of their time."""

    def __init__(self, start: datetime) -> None:
        if start.tzinfo is None:
            raise ValueError("a clock starts at an aware moment")
        self._now = start.astimezone(UTC)
        self._elapsed = 0.0
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._elapsed

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append((self._elapsed + seconds, woken))
        await woken

    def step(self, seconds: float) -> None:
        """Set the date ahead or back without time passing, as a wrong clock is set."""
        self._now += timedelta(seconds=seconds)

    @property
    def sleepers(self) -> int:
        """How many callers are asleep."""
        return sum(not woken.done() for _, woken in self._sleepers)

    async def advance(self, seconds: float) -> None:
        """Advance the time; each sleeper wakes at its own moment and runs."""
        goal = self._elapsed + seconds
        while True:
            self._sleepers = [entry for entry in self._sleepers if not entry[1].done()]
            due = min((at for at, _ in self._sleepers), default=goal + 1)
            if due > goal:
                break
            self._move_to(due)
            for at, woken in self._sleepers:
                if at <= due and not woken.done():
                    woken.set_result(None)
            for _ in range(20):
                await asyncio.sleep(0)
        self._move_to(goal)

    def _move_to(self, elapsed: float) -> None:
        self._now += timedelta(seconds=elapsed - self._elapsed)
        self._elapsed = elapsed


def in_japan(moment: datetime) -> datetime:
    """Return an aware ``moment`` in Japan's time."""
    return moment.astimezone(JAPAN)
