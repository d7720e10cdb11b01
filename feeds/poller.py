"""Poll the sources: when, how, what is stored, and what happens if one fails.

Each source is polled separately, with its own failures, back-off and transactions, so that a bad
one never delays the others. The row in ``sources`` decides who polls, so that two processes never
ask the same source at once.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, TypeVar

import aiohttp
import structlog
from sqlalchemy import or_, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import col

from city.city import SourceConfig
from core.errors import BadInput, Retryable, TodokeError
from feeds import article_sources, cap_source, jma_source, limits, mail_source
from feeds.errors import unexpected
from feeds.metrics import POLL_SECONDS, POLLS
from feeds.models import Source
from feeds.notices import Publish, submit_notice
from feeds.poll_session import FeedContext, PollSession, Tally, Translate

__all__ = ["PollResult", "Poller", "Publish", "submit_notice"]

log = structlog.get_logger(__name__)

Reader = Callable[[PollSession, SourceConfig, Source, bool], Awaitable[Tally | None]]
"""Polls one source; None when nothing was new."""

T = TypeVar("T")
MOST_MEETINGS = 3
"""How often a process retries if another one has just stored the same item."""

READERS: dict[str, Reader] = {
    "jma": jma_source.poll,
    "rss": article_sources.poll,
    "cap": cap_source.poll,
    "mail": mail_source.poll,
}
"""The function for each kind; a webhook is not polled (``feeds.inbound``)."""


@dataclass(frozen=True, kw_only=True)
class PollResult:
    """What one poll did. ``outcome`` is first, new, unchanged, failed or busy."""

    source: str
    outcome: str
    new: int = 0
    edited: int = 0
    set_aside: int = 0
    notices: tuple[int, ...] = ()
    seconds: float = 0.0
    error: str = ""

    def to_json(self) -> dict[str, Any]:
        return {
            "source": self.source,
            "outcome": self.outcome,
            "new": self.new,
            "edited": self.edited,
            "set_aside": self.set_aside,
            "notices": list(self.notices),
            "seconds": round(self.seconds, 3),
            "error": self.error,
        }


class Poller:
    """Polls the sources and passes on notices to send.

    Parameters
    ----------
    context
        City, database and clock.
    publish
        Called in a notice's transaction if it is to be sent.
    http
        A session of :func:`feeds.fetch.guarded_session`.
    agency
        Another session for the agency only; by default ``http``.
    translate
        The city's translator, if it has one.
    secret
        Reads a mailbox's password or a webhook's key by the name of its setting.
    randomness
        For jitter.
    """

    def __init__(
        self,
        context: FeedContext,
        publish: Publish,
        http: aiohttp.ClientSession,
        *,
        agency: aiohttp.ClientSession | None = None,
        translate: Translate | None = None,
        secret: Callable[[str], str | None] = os.environ.get,
        randomness: random.Random | None = None,
    ) -> None:
        self.context = context
        self._random = randomness or random.Random()  # noqa: S311 - spreads polls, no secret
        self.desk = PollSession(
            context=context,
            publish=publish,
            http=http,
            agency=agency or http,
            secret=secret,
            translate=translate,
        )
        self._sources = {source.code: source for source in context.city.sources}
        self._busy: set[str] = set()

    async def poll(self, code: str) -> PollResult:
        """Poll one source now, whether it is due or not.

        Raises
        ------
        BadInput
            The city has no such source.
        """
        return await self._poll(self.source(code), only_when_due=False)

    async def poll_if_due(self, code: str) -> PollResult | None:
        """Poll one source if it is due and nobody else polls it."""
        result = await self._poll(self.source(code), only_when_due=True)
        return None if result.outcome == "busy" else result

    async def poll_due(self) -> list[PollResult]:
        """Poll all due sources in parallel, each separately."""
        results = await asyncio.gather(*(self.poll_if_due(code) for code in self.polled()))
        return [result for result in results if result is not None]

    async def take_mail(self, code: str, data: bytes) -> PollResult:
        """Take one message that the mail server pipes to us.

        Raises
        ------
        BadInput
            The city has no such source, or it takes no mail.
        """
        source = self.source(code)
        tally = await _settled(lambda: mail_source.take_piped(self.desk, source, data))
        return _result(code, "new", tally)

    def polled(self) -> list[str]:
        """Codes of the sources that are asked, rather than tell us by themselves."""
        return [
            code for code, source in self._sources.items() if source.kind in READERS and source.url
        ]

    def source(self, code: str) -> SourceConfig:
        """Return a polled source by its code.

        Raises
        ------
        BadInput
            The city has no such source.
        """
        source = self._sources.get(code)
        if source is None or source.kind not in READERS:
            names = ", ".join(self.polled()) or "none"
            raise BadInput(f"There is no source {code!r} to poll; there are: {names}.")
        return source

    async def _poll(self, source: SourceConfig, *, only_when_due: bool) -> PollResult:
        if source.code in self._busy:
            return PollResult(source=source.code, outcome="busy")
        self._busy.add(source.code)
        started = self.context.clock.monotonic()
        try:
            state = await self._claim(source, only_when_due=only_when_due)
            if state is None:
                return PollResult(source=source.code, outcome="busy")
            result = await self._attempt(source, state)
        finally:
            self._busy.discard(source.code)
        seconds = self.context.clock.monotonic() - started
        POLLS.labels(source.code, result.outcome).inc()
        POLL_SECONDS.labels(source.code).observe(seconds)
        return replace(result, seconds=seconds)

    async def _claim(self, source: SourceConfig, *, only_when_due: bool) -> Source | None:
        """Lock the source for a poll; None if it is not due or locked."""
        now = self.context.clock.now()
        lease = now + timedelta(seconds=limits.POLL_LEASE)
        try:
            async with self.context.database.writing() as session:
                if await session.get(Source, source.code) is None:
                    session.add(Source(code=source.code, kind=source.kind, url=source.url))
                    await session.flush()
                claim = update(Source).where(col(Source.code) == source.code)
                if only_when_due:
                    longest = max(limits.BACKOFF_LIMIT, limits.POLL_LEASE, source.interval_seconds)
                    due = or_(
                        col(Source.next_poll_at).is_(None),
                        col(Source.next_poll_at) <= now,
                        # No rule puts a poll off for longer: a wrong clock wrote that.
                        col(Source.next_poll_at) > now + timedelta(seconds=longest),
                    )
                    claim = claim.where(due)
                claimed = await session.execute(
                    claim.values(next_poll_at=lease, last_polled_at=now).returning(col(Source.code))
                )
                if claimed.scalar_one_or_none() is None:
                    return None
                state = await session.get(Source, source.code, populate_existing=True)
        except IntegrityError:
            # Another process made the row at the same moment; that process polls.
            return None
        return state

    async def _attempt(self, source: SourceConfig, state: Source) -> PollResult:
        first = state.initialised_at is None
        read = READERS[source.kind]
        try:
            tally = await _settled(lambda: read(self.desk, source, state, first))
        except TodokeError as error:
            return await self._failed(source, state, error)
        except Exception as error:
            log.exception("source.crashed", source=source.code)
            return await self._failed(source, state, error)
        outcome = "first" if first else "unchanged" if tally is None else "new"
        done = tally or Tally()
        log.info("source.polled", source=source.code, outcome=outcome, items=done.new)
        return _result(source.code, outcome, done)

    async def _failed(self, source: SourceConfig, state: Source, error: Exception) -> PollResult:
        """Write a failure down and put the next poll off, longer each time."""
        why = error.reason if isinstance(error, TodokeError) else unexpected(error)
        failures = state.failures + 1
        delay = min(limits.BACKOFF_LIMIT, limits.BACKOFF_BASE * 2 ** min(failures - 1, 10))
        delay = max(delay * self._random.uniform(0.5, 1.0), min(source.interval_seconds, delay))
        if isinstance(error, Retryable) and error.retry_after is not None:
            delay = max(delay, min(error.retry_after, limits.BACKOFF_LIMIT))
        async with self.context.database.writing() as session:
            await session.execute(
                update(Source)
                .where(col(Source.code) == source.code)
                .values(
                    failures=failures,
                    last_error=why,
                    next_poll_at=self.context.clock.now() + timedelta(seconds=delay),
                )
            )
        log.warning("source.failed", source=source.code, failures=failures, reason=str(why))
        return PollResult(source=source.code, outcome="failed", error=str(why))


async def _settled(work: Callable[[], Awaitable[T]]) -> T:
    """Do something that another source or process may do at the same moment; the second one finds
    it done.
    """
    for _ in range(MOST_MEETINGS):
        try:
            return await work()
        except IntegrityError:
            log.info("item.duplicated")
    return await work()


def _result(code: str, outcome: str, tally: Tally) -> PollResult:
    return PollResult(
        source=code,
        outcome=outcome,
        new=tally.new,
        edited=tally.edited,
        set_aside=tally.set_aside,
        notices=tuple(notice.id for notice in tally.notices if notice.id is not None),
    )
