"""Answers that many ask for at once: counted once, and kept for a moment."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from core.clock import Clock

Answer = TypeVar("Answer")


class SharedAnswers(Generic[Answer]):
    """Shares what is expensive to count with all who ask within some seconds.

    Parameters
    ----------
    seconds
        How old an answer may be, from when its counting began; 0 shares only what is being
        counted at this moment.
    stale_seconds
        How old an answer may be that somebody gets while it is counted again beside them.
    most
        Answers that are kept; None for however many questions there are.
    """

    def __init__(
        self, clock: Clock, seconds: float, *, stale_seconds: float = 0, most: int | None = None
    ) -> None:
        self._clock = clock
        self._seconds, self._stale_seconds, self._most = seconds, stale_seconds, most
        self._kept: dict[Hashable, tuple[float, Answer]] = {}
        self._counting: dict[Hashable, asyncio.Task[Answer]] = {}

    async def of(self, question: Hashable, count: Callable[[], Awaitable[Answer]]) -> Answer:
        """Return the answer to a question; ``count`` finds it if nobody asked lately.

        ``count`` may go on when the caller is gone, so it opens its own session.
        """
        kept = self._kept.get(question)
        age = float("inf") if kept is None else self._clock.monotonic() - kept[0]
        if kept is not None and age < self._seconds:
            return kept[1]
        task = self._counting.get(question)
        if task is None:
            task = asyncio.create_task(self._count(question, count))
            self._counting[question] = task
        if kept is not None and age < self._stale_seconds:
            return kept[1]
        return await asyncio.shield(task)

    async def _count(self, question: Hashable, count: Callable[[], Awaitable[Answer]]) -> Answer:
        began = self._clock.monotonic()
        try:
            answer = await count()
        finally:
            del self._counting[question]
        if self._most is not None and len(self._kept) >= self._most:
            self._kept.clear()
        self._kept[question] = (began, answer)
        return answer
