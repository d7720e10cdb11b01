"""A machine's clock that a test sets wrong."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from core.clock import ManualClock, SystemClock


class WrongClock(SystemClock):
    """The machine's clock, set ahead (or back) by :attr:`ahead`."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def now(self) -> datetime:
        return super().now() + self.ahead


class HastyClock(ManualClock):
    """A clock that jumps ahead when somebody waits for it. So no test really waits."""

    async def sleep(self, seconds: float) -> None:
        self.skip(seconds)
        await asyncio.sleep(0)

    def skip(self, seconds: float) -> None:
        """Let time pass at once."""
        self._now += timedelta(seconds=max(0.0, seconds))
        self._elapsed += max(0.0, seconds)
