"""LINE's rate limits, counted exactly, and a log to count them again.

Source: the Messaging API reference, "Rate limits": they hold per channel and endpoint (method
and path without its parameters); above a limit the answer is 429.
"""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RateLimit:
    """At most ``requests`` in any ``seconds``."""

    requests: int
    seconds: float = 1.0


DEFAULT_LIMIT = RateLimit(2_000)
LINE_LIMITS: Mapping[str, RateLimit] = {
    "multicast": RateLimit(200),
    "narrowcast": RateLimit(60, 3600),
    "broadcast": RateLimit(60, 3600),
    "insight-followers": RateLimit(60, 3600),
    "insight-delivery": RateLimit(60, 3600),
    "insight-demographic": RateLimit(60, 3600),
    "insight-event": RateLimit(60, 3600),
    "insight-unit": RateLimit(60, 3600),
    "audience-create": RateLimit(60, 60),
    "audience-add": RateLimit(60, 60),
    "audience": RateLimit(60, 60),
    "audience-delete": RateLimit(60, 60),
    "richmenu-create": RateLimit(100, 3600),
    "richmenu-delete": RateLimit(100, 3600),
    "richmenu-batch": RateLimit(3, 3600),
    "webhook-endpoint-set": RateLimit(1_000, 60),
    "webhook-test": RateLimit(60, 3600),
    "loading": RateLimit(100),
    "token-stateless": RateLimit(370),
}


def most_in_window(moments: Iterable[float], seconds: float) -> int:
    """Return the greatest number of ``moments`` (ascending) in any ``seconds``-long window.

    A window is half open: a moment exactly ``seconds`` after another is outside its window.
    """
    window: deque[float] = deque()
    most = 0
    for moment in moments:
        window.append(moment)
        while moment - window[0] >= seconds:
            window.popleft()
        most = max(most, len(window))
    return most


class RateLimiter:
    """A sliding window for each endpoint, and the time of every request.

    Parameters
    ----------
    limits
        By endpoint name; others have ``DEFAULT_LIMIT``.
    enabled
        With ``False`` everything passes; the log is still written.
    """

    def __init__(self, limits: Mapping[str, RateLimit] = LINE_LIMITS, *, enabled: bool) -> None:
        self.limits = dict(limits)
        self.enabled = enabled
        self._windows: dict[str, deque[float]] = {}
        self._seen: dict[str, array[float]] = {}

    def admit(self, endpoint: str, now: float) -> bool:
        """Note a request at ``now`` (seconds) and say whether it is within the limit.

        A request that is refused does not count against those that follow.
        """
        seen = self._seen.get(endpoint)
        if seen is None:
            seen = self._seen[endpoint] = array("d")
        seen.append(now)
        if not self.enabled:
            return True
        limit = self.limits.get(endpoint, DEFAULT_LIMIT)
        window = self._windows.get(endpoint)
        if window is None:
            window = self._windows[endpoint] = deque()
        start = now - limit.seconds
        while window and window[0] <= start:
            window.popleft()
        if len(window) >= limit.requests:
            return False
        window.append(now)
        return True

    def moments(self, endpoint: str) -> array[float]:
        """When each request to ``endpoint`` came, refused ones among them, in seconds."""
        return self._seen.get(endpoint, array("d"))

    def endpoints(self) -> list[str]:
        """Every endpoint that was called."""
        return sorted(self._seen)

    def max_in_window(self, endpoint: str, seconds: float = 1.0) -> int:
        """The most requests that came to ``endpoint`` in any window of ``seconds``."""
        return most_in_window(self.moments(endpoint), seconds)

    def clear(self) -> None:
        """Forget everything that came."""
        self._windows.clear()
        self._seen.clear()
