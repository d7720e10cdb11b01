"""Whether a medium answers at all, from the view of one process.

During an outage most requests wait. One is sent every two seconds as a test, and the first answer
releases all others.
"""

from __future__ import annotations

import asyncio

import structlog

from channels.metrics import UNAVAILABLE
from core.clock import Clock

FAILURES_IN_A_ROW = 20
"""This number of requests without an answer is an outage."""
PROBE_SECONDS = 2.0

log = structlog.get_logger(__name__)


class Outage:
    """Counts failures in a row, and holds back requests during an outage."""

    def __init__(self, clock: Clock, channel: str) -> None:
        self._clock = clock
        self._channel = channel
        self._failures = 0
        self._since = 0.0
        self._next_probe = 0.0
        self._over = asyncio.Event()

    @property
    def is_on(self) -> bool:
        return self._failures >= FAILURES_IN_A_ROW

    async def turn(self) -> None:
        """Return when a request may go: at once, or in an outage when it is a probe's time."""
        while self.is_on:
            now = self._clock.monotonic()
            if now >= self._next_probe:
                self._next_probe = now + PROBE_SECONDS
                return
            over = asyncio.ensure_future(self._over.wait())
            probe = asyncio.ensure_future(self._clock.sleep(self._next_probe - now))
            try:
                await asyncio.wait((over, probe), return_when=asyncio.FIRST_COMPLETED)
            finally:
                over.cancel()
                probe.cancel()

    def failed(self) -> None:
        """A request got no answer."""
        self._failures += 1
        if self._failures == FAILURES_IN_A_ROW:
            self._since = self._clock.monotonic()
            self._next_probe = self._since + PROBE_SECONDS
            self._over.clear()
            UNAVAILABLE.labels(self._channel).set(1)
            log.error("channel.unavailable", channel=self._channel, failures=self._failures)

    def answered(self) -> None:
        """The medium answered, whatever it said."""
        if self.is_on:
            seconds = round(self._clock.monotonic() - self._since, 1)
            log.warning("channel.available", channel=self._channel, duration_s=seconds)
            UNAVAILABLE.labels(self._channel).set(0)
        self._failures = 0
        self._over.set()
