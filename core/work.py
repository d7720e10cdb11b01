"""Decide who works on what next: the interface between the packages and the queue.

The database is the truth; a queue only hands out keys (ids, never data). A task must allow that it
runs twice, late, or never: a process that starts looks in its own tables for unfinished work and
puts it again.

:class:`LocalQueue` serves one process; ``core.work_shared`` hands work out to many.
"""

from __future__ import annotations

import asyncio
import heapq
import random
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

import structlog
from prometheus_client import Counter
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from core.clock import Clock
from core.errors import Permanent, Retryable

Handler = Callable[[str], Awaitable[None]]
"""A function that does one piece of work, given its key."""

GRAVEST, URGENT = 1, 2
"""The highest priority numbers with reserved places. What is urgent never waits for a place of what
is not, nor the gravest for one of what is only urgent.
"""

DEFAULT_CONCURRENCY = 8
FIRST_DELAY_SECONDS = 1.0
LONGEST_DELAY_SECONDS = 300.0
CLOSE_SECONDS = 1e-5
"""Work that is due within this time counts as due."""
MOST_ATTEMPTS = 300
"""With the delays above, somewhat more than the 24 hours for which LINE honours a retry key."""

FAILURES = Counter(
    "todoke_work_failures_total", "Work that raised, by what was done about it", ["task", "outcome"]
)
log = structlog.get_logger(__name__)


class Queue(Protocol):
    """Hands out work, on one machine or many."""

    def register(
        self, task: str, handler: Handler, *, concurrency: int = DEFAULT_CONCURRENCY
    ) -> None:
        """Register the function that does ``task`` (a name such as ``bot.inbox``).

        At most ``concurrency`` pieces of it run at once in a process, plus as many urgent ones and
        as many of the gravest.
        Tasks do not take places from each other. On PostgreSQL the places for urgent work are
        common to all tasks, except to those whose name ends with ``@NAME``: they have their own.
        """

    async def put(
        self,
        session: AsyncSession,
        task: str,
        key: str,
        *,
        priority: int = 5,
        not_before: datetime | None = None,
    ) -> None:
        """Ask for ``task`` on ``key`` once the caller's transaction has committed.

        A lower ``priority`` goes first. Two pieces with the same task and key never run at the same
        time. While one waits, a second one is merged with it: the earlier time and the more urgent
        priority count.
        """

    async def put_many(
        self, session: AsyncSession, task: str, keys: Collection[str], *, priority: int = 5
    ) -> None:
        """As :meth:`put` for each of ``keys``, at the cost of one."""

    async def run(self, stop: asyncio.Event) -> None:
        """Do the work until ``stop`` is set; running work then gets a moment to end."""


def retry_delay(attempt: int, retry_after: float | None, chance: random.Random) -> float:
    """Return the seconds to wait after the ``attempt``-th failure (from 1).

    It doubles from a second up to five minutes, with a random factor between a half and one, so
    that many failures do not come back at once. It is never less than ``retry_after``.
    """
    longest = min(LONGEST_DELAY_SECONDS, FIRST_DELAY_SECONDS * 2.0 ** min(attempt - 1, 20))
    return max(longest * (0.5 + chance.random() / 2), retry_after or 0.0)


def decide_retry(
    task: str, key: str, attempt: int, error: Exception, chance: random.Random
) -> float | None:
    """Return in how many seconds failed work is tried again, or None for never; log and count.

    An error that is neither Retryable nor Permanent is a fault of ours. It is logged with its
    traceback, and the work is tried again, because the cause may have been temporary.
    """
    bound = log.bind(task=task, key=key, attempt=attempt)
    if isinstance(error, Permanent) or attempt >= MOST_ATTEMPTS:
        FAILURES.labels(task, "given-up").inc()
        bound.error("work.abandoned", reason=str(error), exc_info=error)
        return None
    FAILURES.labels(task, "retried").inc()
    if isinstance(error, Retryable):
        delay = retry_delay(attempt, error.retry_after, chance)
        bound.warning("work.postponed", reason=str(error), retry_in_s=round(delay, 1))
    else:
        delay = retry_delay(attempt, None, chance)
        bound.error("work.crashed", retry_in_s=round(delay, 1), exc_info=error)
    return delay


@dataclass(frozen=True)
class _Piece:
    task: str
    key: str
    priority: int
    not_before: datetime | None
    attempt: int = 1

    @property
    def identity(self) -> tuple[str, str]:
        return self.task, self.key

    @property
    def place(self) -> tuple[str, int]:
        return self.task, (self.priority > GRAVEST) + (self.priority > URGENT)

    def merged(self, other: _Piece) -> _Piece:
        """Return two waiting pieces merged into one."""
        moments = (self.not_before, other.not_before)
        earliest = None if None in moments else min(m for m in moments if m is not None)
        return replace(
            self,
            priority=min(self.priority, other.priority),
            not_before=earliest,
            attempt=min(self.attempt, other.attempt),
        )


class LocalQueue:
    """A queue within one process, in memory, by the given clock.

    It is lost when the process ends; the module's docstring says why that is enough.

    Parameters
    ----------
    clock
        Decides when postponed work is due.
    grace_seconds
        How long running work may continue after ``run`` was told to stop.
    seed
        Seed of the random delays, for tests.
    """

    def __init__(
        self, clock: Clock, *, grace_seconds: float = 5.0, seed: int | None = None
    ) -> None:
        self._clock = clock
        self._grace = grace_seconds
        self._chance = random.Random(seed)  # noqa: S311
        self._handlers: dict[str, tuple[Handler, int]] = {}
        self._waiting: dict[tuple[str, str], _Piece] = {}
        self._ready: dict[tuple[str, int], list[tuple[int, int, _Piece]]] = defaultdict(list)
        self._later: list[tuple[float, int, _Piece]] = []
        self._running: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._taken: dict[tuple[str, int], int] = defaultdict(int)
        self._numbers = 0
        self._open = False
        self._timer: asyncio.Task[None] | None = None
        self._timer_due: float | None = None
        self._changed = asyncio.Event()

    def register(
        self, task: str, handler: Handler, *, concurrency: int = DEFAULT_CONCURRENCY
    ) -> None:
        """See :meth:`Queue.register`."""
        self._handlers[task] = (handler, concurrency)

    async def put(
        self,
        session: AsyncSession,
        task: str,
        key: str,
        *,
        priority: int = 5,
        not_before: datetime | None = None,
    ) -> None:
        """See :meth:`Queue.put`."""
        piece = _Piece(task, key, priority, not_before)
        _after_commit(session.sync_session, lambda: self._add(piece))

    async def put_many(
        self, session: AsyncSession, task: str, keys: Collection[str], *, priority: int = 5
    ) -> None:
        """See :meth:`Queue.put_many`."""
        for key in keys:
            await self.put(session, task, key, priority=priority)

    async def run(self, stop: asyncio.Event) -> None:
        """See :meth:`Queue.run`."""
        self._open = True
        self._dispatch()
        try:
            await stop.wait()
        finally:
            self._open = False
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            running = list(self._running.values())
            if running:
                await asyncio.wait(running, timeout=self._grace)
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    async def drained(self) -> None:
        """Wait until nothing runs and nothing is due; postponed work does not count."""
        while True:
            self._dispatch()
            if not self._running and not any(self._ready.values()):
                return
            self._changed.clear()
            await self._changed.wait()

    @property
    def busy(self) -> bool:
        """Whether something runs or waits, postponed work included."""
        return bool(self._running or self._waiting)

    def _add(self, piece: _Piece) -> None:
        known = self._waiting.get(piece.identity)
        if known is not None:
            piece = known.merged(piece)
            if piece == known:
                return
        self._waiting[piece.identity] = piece
        self._line_up(piece)
        self._dispatch()

    def _line_up(self, piece: _Piece) -> None:
        self._numbers += 1
        wait = 0.0
        if piece.not_before is not None:
            wait = (piece.not_before - self._clock.now()).total_seconds()
        if wait > 0:
            # A wait is a duration, because the date may be changed meanwhile.
            due = self._clock.monotonic() + wait
            heapq.heappush(self._later, (due, self._numbers, piece))
        else:
            self._ready_now(piece)

    def _ready_now(self, piece: _Piece) -> None:
        if piece.identity not in self._running:
            # A piece that runs already is queued again when it has ended.
            self._numbers += 1
            heapq.heappush(self._ready[piece.place], (piece.priority, self._numbers, piece))

    def _dispatch(self) -> None:
        if not self._open:
            return
        now = self._clock.monotonic() + CLOSE_SECONDS
        while self._later and self._later[0][0] <= now:
            piece = heapq.heappop(self._later)[2]
            if self._waiting.get(piece.identity) is piece:
                self._ready_now(piece)
        for place, heap in self._ready.items():
            most = self._handlers[place[0]][1] if place[0] in self._handlers else 0
            while heap and self._taken[place] < most:
                piece = heapq.heappop(heap)[2]
                if self._waiting.get(piece.identity) is piece and (
                    piece.identity not in self._running
                ):
                    del self._waiting[piece.identity]
                    self._start(piece)
        self._set_timer()

    def _start(self, piece: _Piece) -> None:
        self._taken[piece.place] += 1
        self._running[piece.identity] = asyncio.create_task(
            self._do(piece), name=f"{piece.task} {piece.key}"
        )

    async def _do(self, piece: _Piece) -> None:
        delay: float | None = None
        try:
            await self._handlers[piece.task][0](piece.key)
        except Exception as error:
            delay = decide_retry(piece.task, piece.key, piece.attempt, error, self._chance)
        finally:
            self._taken[piece.place] -= 1
            del self._running[piece.identity]
            waiting = self._waiting.get(piece.identity)
            if waiting is not None:
                self._line_up(waiting)
            if delay is not None:
                due = self._clock.now() + timedelta(seconds=delay)
                self._add(replace(piece, not_before=due, attempt=piece.attempt + 1))
            self._dispatch()
            self._changed.set()

    def _set_timer(self) -> None:
        """Wake up when the next postponed piece is due."""
        due = self._later[0][0] if self._later else None
        if self._timer is not None and not self._timer.done() and self._timer_due == due:
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._timer_due = due
        if due is not None:
            self._timer = asyncio.create_task(self._wake(due))

    async def _wake(self, due: float) -> None:
        while (left := due - self._clock.monotonic()) > CLOSE_SECONDS:
            await self._clock.sleep(left)
        # The timer that fires is no longer one that could be cancelled.
        self._timer = None
        self._dispatch()


class NoWorkers:
    """The queue of a process that only writes: the service finds the work in the tables."""

    def register(
        self, task: str, handler: Handler, *, concurrency: int = DEFAULT_CONCURRENCY
    ) -> None:
        """This process does no work, so no function is needed."""

    async def put(
        self,
        session: AsyncSession,
        task: str,
        key: str,
        *,
        priority: int = 5,
        not_before: datetime | None = None,
    ) -> None:
        """The rows that the caller commits are enough."""

    async def put_many(
        self, session: AsyncSession, task: str, keys: Collection[str], *, priority: int = 5
    ) -> None:
        """As :meth:`put`."""

    async def run(self, stop: asyncio.Event) -> None:
        """Wait for the end."""
        await stop.wait()


_PUTS = "todoke_puts"


def _after_commit(session: Session, act: Callable[[], None]) -> None:
    """Run ``act`` after the session's outermost transaction is committed."""
    waiting: list[Callable[[], None]] | None = session.info.get(_PUTS)
    if waiting is None:
        waiting = session.info[_PUTS] = []

        @event.listens_for(session, "after_commit")
        def committed(session: Session) -> None:
            if session.in_nested_transaction():
                return
            acts, waiting[:] = list(waiting), []
            for each in acts:
                each()

        @event.listens_for(session, "after_rollback")
        def rolled_back(session: Session) -> None:
            if not session.in_nested_transaction():
                waiting.clear()

    waiting.append(act)
