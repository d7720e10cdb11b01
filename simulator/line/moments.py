"""The simulator's own time, which a test can advance without waiting."""

from __future__ import annotations

from core.clock import Clock


class PlatformTime:
    """A clock with an offset, so that reply tokens and retry keys can expire in a test."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._base = clock.now().timestamp() - clock.monotonic()
        self._offset = 0.0

    def seconds(self) -> float:
        """Seconds since 1970; never goes back."""
        return self._base + self._clock.monotonic() + self._offset

    def milliseconds(self) -> int:
        """Milliseconds since 1970, as in webhooks."""
        return int(self.seconds() * 1000)

    def advance(self, seconds: float) -> None:
        """Move on by ``seconds``."""
        self._offset += seconds

    async def sleep(self, seconds: float) -> None:
        """Wait on the underlying clock."""
        await self._clock.sleep(seconds)
