"""How many messages LINE still delivers this month, as it said lately."""

from __future__ import annotations

import asyncio

import structlog

from channels.line.client import LineClient
from core.clock import Clock
from core.errors import Permanent, Retryable

KEPT_SECONDS = 60.0
WAIT_SECONDS = 0.05
"""How long a page waits for an answer; a later page has it."""
ASK_SECONDS = 10.0

log = structlog.get_logger(__name__)


class LineRoom:
    """Asks LINE at most once a minute, beside the pages that want to know."""

    def __init__(self, line: LineClient, clock: Clock) -> None:
        self._line = line
        self._clock = clock
        self._left: int | None = None
        self._asked = -1e9
        self._asking: asyncio.Task[None] | None = None

    def ask(self) -> None:
        """Begin to ask, if the last answer is old."""
        running = self._asking is not None and not self._asking.done()
        if not running and self._clock.monotonic() - self._asked > KEPT_SECONDS:
            self._asking = asyncio.create_task(self._ask(), name="room at LINE")

    async def left(self) -> int | None:
        """Return how many are left; None for no limit, or if LINE has not said."""
        self.ask()
        if self._asking is not None and not self._asking.done():
            await asyncio.wait((self._asking,), timeout=WAIT_SECONDS)
        return self._left

    async def _ask(self) -> None:
        try:
            async with asyncio.timeout(ASK_SECONDS):
                self._left = (await self._line.quota()).left
        except (Retryable, Permanent, TimeoutError) as error:
            self._left = None
            log.warning("quota.unread", reason=str(error))
        self._asked = self._clock.monotonic()
