"""Keep a medium's rate limits, and decide who goes first.

A limit counts at the other end of the network, where requests arrive at unknown times. We know only
that a request arrives after we send it and before its answer is here. So a request is sent only if
fewer requests than the limit can arrive in the same second: those under way, and those whose answer
came less than a second ago. This is true whatever the network does. It would cost one latency for
each second. But a request and its answer also travel for a while. So nine tenths of the shortest
time of the last requests are subtracted from the second, minus what a busy process may add to one
direction only.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType

import structlog

from channels.metrics import LIMIT, LIMITER_WAITING
from channels.models import Priority
from core.clock import Clock

WINDOW_SECONDS = 1.002
"""The second of the limit, and a little for clocks that do not tick alike."""
BURST_SHARE = 0.25
"""How much of the missed time may be caught up at once, as a share of the limit."""
FRESH_BURST_SHARE = 0.05
"""How many requests may go at once after a rest. The burst leaves a gap of the same length a second
later, in which not even an emergency may go.
"""
LEAST_BURST = 4.0
"""A process with a small lease need not wait for the full time of each request."""
KNOWN_TRAVEL_SHARE = 0.9
OWN_DELAY_SECONDS = 0.01
FORGET_TRAVEL_SECONDS = 5.0
LEAST_FACTOR = 0.05
RECOVERY_PER_SECOND = 0.1
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
LEAST_NAP_SECONDS = 0.002
MOST_IN_FLIGHT = 128
"""The number of open requests of a process if there is no limit."""
ALWAYS_IN_FLIGHT = 64
TIMES_IN_FLIGHT = 8
"""The number of open requests under a limit: at least so many, or a multiple of what the shortest
travel time needs. More would wait for the CPU and count against the limit meanwhile.
"""
PATIENCE_SECONDS = 0.1
"""If a request waits for so long, the lease is too small."""
REMEMBER_USE_SECONDS = 1.0

log = structlog.get_logger(__name__)


class Slot:
    """Permission for one request: ``async with limiter.slot("push"): …``."""

    __slots__ = ("_lane", "_priority", "_started")

    def __init__(self, lane: Lane, priority: int) -> None:
        self._lane = lane
        self._priority = priority
        self._started = 0.0

    async def __aenter__(self) -> None:
        self._started = await self._lane.enter(self._priority)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._lane.leave(self._started)


class Lane:
    """One endpoint's limit within one process.

    Parameters
    ----------
    limit
        Requests a second; None for no limit.
    yields
        Whether what is no emergency waits here for the emergencies under way.
    """

    def __init__(
        self,
        endpoint: str,
        limit: int | None,
        clock: Clock,
        urgent: Mapping[Hashable, object],
        graver: Mapping[Hashable, object],
        *,
        yields: bool,
    ) -> None:
        self.endpoint = endpoint
        self.limit = limit
        self.yields = yields
        self.most_in_flight: int | None = None
        """The number of open requests, if the medium has only so many connections. More would wait
        for one, and an emergency behind them.
        """
        self.allowed: int | None = 0
        """This process's part of the limit; all of it if no other process sends."""
        self.valid_until = float("inf")
        """Until when the share may be used, by the clock's monotonic time."""
        self.starved: Callable[[], None] = _nobody
        """Called if something waits and there is no lease."""
        self.last_used = -1e9
        self.short_at = -1e9
        """When something last had to wait for long because the share, or the limit, was used."""
        self._clock = clock
        self._urgent = urgent
        self._graver = graver
        self._waiting: list[tuple[int, int, asyncio.Future[float]]] = []
        self._numbers = 0
        self._in_flight = 0
        self._recent: deque[float] = deque()
        self._tokens = 0.0
        self._refilled = clock.monotonic()
        self._nap: asyncio.Task[None] | None = None
        self._nap_until = 0.0
        self._travel = _LeastTravel()
        self._most_used = _MostUsed()
        self._factor = 1.0
        self._factor_since = clock.monotonic()
        self._paused_until = 0.0
        self._pauses = 0
        self._gauge = LIMITER_WAITING.labels(endpoint)
        self.set_allowed(limit)

    @property
    def waiting(self) -> int:
        """Requests that wait for their turn."""
        return len(self._waiting)

    @property
    def in_flight(self) -> int:
        """Requests that were sent and have no answer yet."""
        return self._in_flight

    @property
    def used(self) -> int:
        """Requests that can still arrive in the same second as the next."""
        self._forget(self._clock.monotonic())
        return self._in_flight + len(self._recent)

    @property
    def needed(self) -> int:
        """The most that was in use at once lately; see :attr:`used`."""
        return max(self.used, self._most_used.most(self._clock.monotonic()))

    @property
    def wants(self) -> bool:
        """Whether something waits that may go as soon as the limit allows."""
        return bool(self._waiting) and not self._held(self._waiting[0][0])

    def set_allowed(self, allowed: int | None) -> None:
        """Change this process's share."""
        had_none = not self.allowed
        self.allowed = allowed
        LIMIT.labels(self.endpoint).set(allowed or 0)
        self._tokens = self._burst() if had_none else min(self._tokens, self._burst())
        self.pump()

    async def enter(self, priority: int) -> float:
        """Wait for permission; return the time of it, for :meth:`leave`."""
        if not self._waiting and not self._held(priority):
            now = self._clock.monotonic()
            self._refill(now)
            if self._delay(now) is None:
                self._let_go(now)
                return now
        self._numbers += 1
        turn: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (priority, self._numbers, turn))
        self.pump()
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.leave(turn.result())
            raise

    def leave(self, started: float) -> None:
        """The request has ended, with or without an answer."""
        now = self._clock.monotonic()
        self._in_flight -= 1
        if self.limit is not None:
            self._travel.saw(now, now - started)
            self._recent.append(now)
        self.pump()

    def slow_down(self, retry_after: float | None) -> float:
        """We are too fast: pause, then continue at half the speed and grow again.

        Several such answers to requests of the same time count as one. Returns the seconds until
        the next request.
        """
        now = self._clock.monotonic()
        if now < self._paused_until:
            self.pause_until(now + (retry_after or 0.0))
            return self._paused_until - now
        self._factor, self._factor_since = max(LEAST_FACTOR, self.factor(now) / 2), now
        self._pauses += 1
        pause = retry_after or min(
            LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** min(self._pauses - 1, 10)
        )
        self.pause_until(now + pause)
        log.warning(
            "channel.throttled",
            endpoint=self.endpoint,
            retry_in_s=round(pause, 2),
            share_of_limit=round(self._factor, 2),
        )
        return pause

    def went_well(self) -> None:
        """A request was taken, so the next refusal is a new one."""
        self._pauses = 0

    def pause_until(self, moment: float) -> None:
        """Send nothing before ``moment`` of the clock's monotonic time."""
        self._paused_until = max(self._paused_until, moment)

    def adopt_factor(self, factor: float, age: float) -> None:
        """Go on as another process that got a 429 ``age`` seconds ago."""
        now = self._clock.monotonic()
        if factor + age * RECOVERY_PER_SECOND < self.factor(now):
            self._factor, self._factor_since = factor, now - age

    def penalty(self) -> tuple[float, float]:
        """Return the effect of the last 429: the share of the limit, and the pause in seconds."""
        now = self._clock.monotonic()
        return self._factor, max(0.0, self._paused_until - now)

    def factor(self, now: float) -> float:
        """The share of the limit that is used at ``now``, after 429s less than 1."""
        return min(1.0, self._factor + max(0.0, now - self._factor_since) * RECOVERY_PER_SECOND)

    def pump(self) -> None:
        """Release the requests that may go."""
        waiting = self._waiting
        if not waiting:
            return
        now = self._clock.monotonic()
        self._refill(now)
        while waiting:
            priority, _, turn = waiting[0]
            if turn.done():
                heapq.heappop(waiting)
                continue
            if self._held(priority):
                break
            delay = self._delay(now)
            if delay is not None:
                if delay > 0:
                    self._look_again(now + delay)
                break
            heapq.heappop(waiting)
            self._let_go(now)
            turn.set_result(now)
        self._gauge.set(len(waiting))

    def _let_go(self, now: float) -> None:
        self._tokens -= 1
        self._in_flight += 1
        self.last_used = now
        self._most_used.saw(now, self._in_flight + len(self._recent))

    def _held(self, priority: int) -> bool:
        if not self.yields or priority <= Priority.GRAVEST:
            return False
        return bool(self._graver) or (bool(self._urgent) and priority > Priority.EMERGENCY)

    def _delay(self, now: float) -> float | None:
        """Seconds until a request may go; None for now, 0 for when another has ended."""
        if now < self._paused_until:
            return self._paused_until - now
        if self.most_in_flight is not None and self._in_flight >= self.most_in_flight:
            return 0
        if self.allowed is None:
            return None if self._in_flight < MOST_IN_FLIGHT else 0
        if not self.allowed or now > self.valid_until:
            self.short_at = now
            self.starved()
            return 0
        capacity = self._capacity(now)
        self._forget(now)
        if self._in_flight + len(self._recent) >= capacity:
            self._note_shortage(now, capacity)
            if not self._recent:
                return 0
            return max(self._recent[0] + self._window() - now, LEAST_NAP_SECONDS)
        if self._tokens < 1:
            self._note_shortage(now, capacity)
            return (1 - self._tokens) / max(capacity, 1)
        travelling = TIMES_IN_FLIGHT * capacity * self._travel.least
        return None if self._in_flight < ALWAYS_IN_FLIGHT + travelling else 0

    def _note_shortage(self, now: float, capacity: int) -> None:
        """Note whether the last that waits will have to wait for long."""
        recent, waiting = self._recent, len(self._waiting)
        ends = waiting - max(0, capacity - self._in_flight - len(recent))
        if (
            ends > len(recent)
            or (ends > 0 and recent[ends - 1] + self._window() - now > PATIENCE_SECONDS)
            or (waiting - self._tokens) / max(capacity, 1) > PATIENCE_SECONDS
        ):
            self.short_at = now

    def _capacity(self, now: float) -> int:
        assert self.allowed is not None
        return int(self.allowed * self.factor(now)) or min(self.allowed, 1)

    def _burst(self) -> float:
        share = BURST_SHARE if self._waiting else FRESH_BURST_SHARE
        return max(LEAST_BURST, (self.allowed or 0) * share)

    def _refill(self, now: float) -> None:
        if self.allowed is not None:
            gained = (now - self._refilled) * self._capacity(now)
            self._tokens = min(self._burst(), self._tokens + gained)
        self._refilled = now

    def _forget(self, now: float) -> None:
        recent, since = self._recent, now - self._window()
        while recent and recent[0] <= since:
            recent.popleft()

    def _window(self) -> float:
        """How long ago an answer must have come for its request to be surely a second old."""
        known = self._travel.least * KNOWN_TRAVEL_SHARE - OWN_DELAY_SECONDS
        return WINDOW_SECONDS - max(0.0, known)

    def _look_again(self, moment: float) -> None:
        if self._nap is not None and not self._nap.done():
            if self._nap_until <= moment:
                return
            self._nap.cancel()
        self._nap_until = moment
        self._nap = asyncio.create_task(self._sleep_until(moment))

    async def _sleep_until(self, moment: float) -> None:
        await self._clock.sleep(max(LEAST_NAP_SECONDS, moment - self._clock.monotonic()))
        self._nap = None
        self.pump()

    def close(self) -> None:
        """Leave no timer behind."""
        if self._nap is not None:
            self._nap.cancel()


def _nobody() -> None:
    """Nobody shares the limit."""


class _LeastTravel:
    """The shortest recent time of a request and its answer, in seconds; 0 while unknown."""

    def __init__(self) -> None:
        self._now = self._before = 0.0
        self._since = -1e9

    @property
    def least(self) -> float:
        return min(self._now, self._before)

    def saw(self, now: float, seconds: float) -> None:
        if now - self._since > FORGET_TRAVEL_SECONDS:
            stale = now - self._since > 2 * FORGET_TRAVEL_SECONDS
            self._before = seconds if stale else self._now
            self._now = seconds
            self._since = now
        elif seconds < self._now:
            self._now = seconds


class _MostUsed:
    """The most that was in use at once in the last second or two."""

    def __init__(self) -> None:
        self._now = self._before = 0
        self._since = -1e9

    def most(self, now: float) -> int:
        self._turn(now)
        return max(self._now, self._before)

    def saw(self, now: float, used: int) -> None:
        self._turn(now)
        self._now = max(self._now, used)

    def _turn(self, now: float) -> None:
        age = now - self._since
        if age > REMEMBER_USE_SECONDS:
            self._before = self._now if age <= 2 * REMEMBER_USE_SECONDS else 0
            self._now, self._since = 0, now


class Limiter:
    """The limits of all endpoints of a channel within one process.

    Parameters
    ----------
    limits
        Requests a second by the endpoints that deliveries go by, None for no limit. There
        emergencies hold back the rest.
    others
        The same for each other endpoint: conversations and questions, which wait for nobody.
    """

    def __init__(
        self, clock: Clock, limits: Mapping[str, int | None], *, others: int | None = None
    ) -> None:
        self._clock = clock
        self._limits = dict(limits)
        self._others = others
        self._urgent: dict[Hashable, None] = {}
        self._graver: dict[Hashable, None] = {}
        self._lanes: dict[str, Lane] = {}

    def slot(self, endpoint: str, priority: int = Priority.WARNING) -> Slot:
        """Return the permission for one request, as a context; the lowest priority number goes
        first.
        """
        return Slot(self.lane(endpoint), priority)

    def lane(self, endpoint: str) -> Lane:
        """Return one endpoint's limit."""
        found = self._lanes.get(endpoint)
        if found is None:
            limit = self._limits.get(endpoint, self._others)
            found = self._lanes[endpoint] = Lane(
                endpoint,
                limit,
                self._clock,
                self._urgent,
                self._graver,
                yields=endpoint in self._limits,
            )
        return found

    def slow_down(self, endpoint: str, retry_after: float | None) -> None:
        """The medium said that we are too fast on ``endpoint``."""
        self.lane(endpoint).slow_down(retry_after)

    def went_well(self, endpoint: str) -> None:
        """The medium took a request."""
        self.lane(endpoint).went_well()

    def begin_urgent(self, delivery: Hashable) -> None:
        """An emergency is being sent: hold back everything else until it has ended."""
        self._urgent[delivery] = None

    def end_urgent(self, delivery: Hashable) -> None:
        """The emergency has nothing left to send."""
        if self._urgent.pop(delivery, self) is None and not self._urgent:
            for lane in self._lanes.values():
                lane.pump()

    def begin_gravest(self, delivery: Hashable) -> None:
        """A delivery of the gravest level is planned: hold back other emergencies too."""
        self._graver[delivery] = None

    def end_gravest(self, delivery: Hashable) -> None:
        """Each batch of it had its first try."""
        self.graver_wait(delivery)

    @contextmanager
    def graver_first(self, key: Hashable) -> Iterator[None]:
        """Hold back everything else, other emergencies too, while requests of the gravest kind are
        being prepared.

        Once they wait for their turn, they go first by their priority. So this is for the moments
        of reading, which must be short.
        """
        self._graver[key] = None
        try:
            yield
        finally:
            self.graver_wait(key)

    def graver_wait(self, key: Hashable) -> None:
        """The requests wait for their turn now; without effect if nothing is held back for them."""
        if self._graver.pop(key, self) is None and not self._graver:
            for lane in self._lanes.values():
                lane.pump()

    @property
    def urgent_here(self) -> list[Hashable]:
        """The running emergencies, by the key passed to ``begin_urgent``."""
        return list(self._urgent)

    async def close(self) -> None:
        """Leave nothing behind that runs."""
        for lane in self._lanes.values():
            lane.close()
