"""Polling the sources: when, how, what is written down, and what happens when one is ill.

Each source is polled by itself: its failures, its back-off and its transactions are its own,
so that a bad one never delays the others. Who polls is settled by the row in ``sources``, so
that two processes never ask the same source at once.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

import aiohttp
import structlog
from sqlalchemy import or_, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from core.city import City, SourceConfig
from core.clock import Clock
from core.database import Database
from core.errors import BadInput, Retryable, TodokeError
from feeds import articles, jma_index, limits, telegrams
from feeds.fetch import Answer, FetchFailed, Reach, Validators, fetch
from feeds.metrics import POLL_SECONDS, POLLS, SET_ASIDE
from feeds.models import Item, ItemState, Notice, Source
from feeds.notices import Publish, submit_notice
from feeds.rss import Article, read_feed

__all__ = ["PollResult", "Poller", "Publish", "submit_notice"]

log = structlog.get_logger(__name__)

GAP = timedelta(minutes=8)
"""After a longer silence the agency's short feeds may have dropped something."""


class FeedContext(Protocol):
    """What polling needs of ``core.context.Context``."""

    @property
    def city(self) -> City: ...
    @property
    def database(self) -> Database: ...
    @property
    def clock(self) -> Clock: ...


class Translate(Protocol):
    """What polling needs of ``feeds.translate``."""

    async def articles(self, some: Sequence[Article]) -> articles.Translations:
        """Return translations by content hash and language; none where none is sure."""


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


@dataclass
class _Tally:
    new: int = 0
    edited: int = 0
    set_aside: int = 0
    notices: list[Notice] = field(default_factory=list)


class Poller:
    """Asks the sources for news and hands on what is to be sent.

    Parameters
    ----------
    context
        City, database and clock.
    publish
        Called in a notice's own transaction when it is to be sent.
    http
        A session of :func:`feeds.fetch.guarded_session`.
    translate
        The city's translator, when it has one.
    randomness
        For jitter.
    """

    def __init__(
        self,
        context: FeedContext,
        publish: Publish,
        http: aiohttp.ClientSession,
        *,
        translate: Translate | None = None,
        randomness: random.Random | None = None,
    ) -> None:
        self.context = context
        self.publish = publish
        self.http = http
        self.translate = translate
        self._random = randomness or random.Random()  # noqa: S311 - spreads polls, no secret
        self._sources = {source.code: source for source in context.city.sources}
        self._busy: set[str] = set()

    async def poll(self, code: str) -> PollResult:
        """Poll one source now, whether it is due or not.

        Raises
        ------
        BadInput
            The city has no such source.
        """
        return await self._poll(self._config(code), only_when_due=False)

    async def poll_if_due(self, code: str) -> PollResult | None:
        """Poll one source if its time has come and nobody else is at it."""
        result = await self._poll(self._config(code), only_when_due=True)
        return None if result.outcome == "busy" else result

    async def poll_due(self) -> list[PollResult]:
        """Poll every source whose time has come, all at once and each by itself."""
        results = await asyncio.gather(*(self.poll_if_due(code) for code in self.polled()))
        return [result for result in results if result is not None]

    def polled(self) -> list[str]:
        """Codes of the sources that are asked, rather than tell us by themselves."""
        return [code for code, source in self._sources.items() if source.kind != "webhook"]

    def _config(self, code: str) -> SourceConfig:
        try:
            return self._sources[code]
        except KeyError:
            names = ", ".join(self._sources) or "none"
            raise BadInput(f"There is no source {code!r}; there are: {names}.") from None

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
        return PollResult(**{**result.__dict__, "seconds": seconds})

    async def _claim(self, source: SourceConfig, *, only_when_due: bool) -> Source | None:
        """Take the source for the length of a poll; None when it is not due or taken."""
        now = self.context.clock.now()
        lease = now + timedelta(seconds=limits.POLL_LEASE)
        try:
            async with self.context.database.writing() as session:
                if await session.get(Source, source.code) is None:
                    session.add(Source(code=source.code, kind=source.kind, url=source.url))
                    await session.flush()
                claim = update(Source).where(col(Source.code) == source.code)
                if only_when_due:
                    due = or_(col(Source.next_poll_at).is_(None), col(Source.next_poll_at) <= now)
                    claim = claim.where(due)
                claimed = await session.execute(
                    claim.values(next_poll_at=lease, last_polled_at=now).returning(col(Source.code))
                )
                if claimed.scalar_one_or_none() is None:
                    return None
                state = await session.get(Source, source.code, populate_existing=True)
        except IntegrityError:
            # Another process made the row at the same moment; the poll is its.
            return None
        return state

    async def _attempt(self, source: SourceConfig, state: Source) -> PollResult:
        first = state.initialised_at is None
        try:
            if source.kind == "jma":
                tally = await self._poll_jma(source, state, first)
            elif source.kind == "rss":
                tally = await self._poll_rss(source, state, first)
            else:
                raise BadInput(f"Sources of kind {source.kind!r} are not polled.")
        except TodokeError as error:
            return await self._failed(source, state, error)
        except Exception as error:
            log.exception("poll broke", source=source.code)
            return await self._failed(source, state, error)
        outcome = "first" if first else "unchanged" if tally is None else "new"
        done = tally or _Tally()
        log.info("polled", source=source.code, outcome=outcome, new=done.new)
        return PollResult(
            source=source.code,
            outcome=outcome,
            new=done.new,
            edited=done.edited,
            set_aside=done.set_aside,
            notices=tuple(notice.id for notice in done.notices if notice.id is not None),
        )

    async def _failed(self, source: SourceConfig, state: Source, error: Exception) -> PollResult:
        """Write a failure down and put the next poll off, longer each time."""
        reason = str(error) or type(error).__name__
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
                    last_error=reason[:500],
                    next_poll_at=self.context.clock.now() + timedelta(seconds=delay),
                )
            )
        log.warning("poll failed", source=source.code, failures=failures, reason=reason)
        return PollResult(source=source.code, outcome="failed", error=reason)

    def _succeeded(
        self, state: Source, source: SourceConfig, answer: Answer | None, *, news: bool
    ) -> dict[str, Any]:
        """Return what a good poll changes in its row."""
        now = self.context.clock.now()
        spread = 1 - self._random.uniform(0, 2 * limits.JITTER)
        values: dict[str, Any] = {
            "failures": 0,
            "last_error": None,
            "last_succeeded_at": now,
            "initialised_at": state.initialised_at or now,
            "next_poll_at": now + timedelta(seconds=source.interval_seconds * spread),
            "url": source.url,
        }
        if news:
            values["last_new_at"] = now
        if answer is not None:
            values["etag"] = answer.validators.etag
            values["last_modified"] = answer.validators.last_modified
        return values

    def _validators(self, source: SourceConfig, state: Source) -> Validators:
        if state.url != source.url:
            return Validators()
        return Validators(etag=state.etag, last_modified=state.last_modified)

    async def _poll_jma(self, source: SourceConfig, state: Source, first: bool) -> _Tally | None:
        """Read the short feed, after a gap the long one too, then what is not fetched yet."""
        now = self.context.clock.now()
        reach = Reach.of(source)
        answer = await fetch(
            self.http, source.url, reach, validators=self._validators(source, state)
        )
        entries = [] if answer.unchanged else list(jma_index.read_index(answer.body).entries)
        long_feed = jma_index.long_feed(source.url)
        after_gap = state.last_succeeded_at is None or now - state.last_succeeded_at > GAP
        if after_gap and long_feed is not None:
            entries += await self._entries_of(long_feed, reach)
        async with self.context.database.writing() as session:
            new = await self._remember(session, source, entries, now)
            values = self._succeeded(
                state, source, None if answer.unchanged else answer, news=new > 0
            )
            # A first poll has ended when its telegrams have been read, not before.
            values["initialised_at"] = state.initialised_at
            await session.execute(
                update(Source).where(col(Source.code) == source.code).values(**values)
            )
            waiting = list(
                await session.scalars(
                    select(Item)
                    .where(col(Item.source) == source.code, col(Item.state) == ItemState.NEW)
                    .order_by(col(Item.published_at).desc())
                    .limit(limits.MAX_TELEGRAMS_A_POLL)
                )
            )
        tally = _Tally(new=new)
        if waiting:
            await self._fetch_and_take(source, reach, waiting, tally, first)
        if first:
            await self._write_row(source, {"initialised_at": now})
        return tally if waiting else None

    async def _entries_of(self, url: str, reach: Reach) -> list[jma_index.IndexEntry]:
        """Read the long feed; without it the short one must do, and that is said."""
        try:
            answer = await fetch(self.http, url, reach)
            return list(jma_index.read_index(answer.body).entries)
        except TodokeError as error:
            log.warning("the long feed cannot be read", url=url, reason=str(error))
            return []

    async def _remember(
        self,
        session: AsyncSession,
        source: SourceConfig,
        entries: Sequence[jma_index.IndexEntry],
        now: datetime,
    ) -> int:
        """Put every telegram not seen before on the list of those to fetch, once."""
        wanted = {
            entry.url: entry
            for entry in entries
            if jma_index.may_concern(entry, self.context.city.jma)
        }
        known: set[str] = set()
        urls = list(wanted)
        for start in range(0, len(urls), 500):
            rows = await session.scalars(
                select(Item.identity).where(
                    col(Item.source) == source.code,
                    col(Item.identity).in_(urls[start : start + 500]),
                )
            )
            known.update(rows)
        new = [entry for url, entry in wanted.items() if url not in known]
        session.add_all(
            Item(
                source=source.code,
                identity=entry.url,
                kind=entry.kind,
                url=entry.url,
                title=entry.title,
                published_at=entry.updated,
                fetched_at=now,
                state=ItemState.NEW,
            )
            for entry in new
        )
        await session.flush()
        return len(new)

    async def _fetch_and_take(
        self,
        source: SourceConfig,
        reach: Reach,
        waiting: Sequence[Item],
        tally: _Tally,
        first: bool,
    ) -> None:
        """Fetch telegrams side by side; those that are there do not wait for a slow one."""
        places = asyncio.Semaphore(limits.TELEGRAM_CONNECTIONS)

        async def get(item: Item) -> Item:
            if not item.payload:
                async with places:
                    await self._get_telegram(source, reach, item)
            return item

        tasks = {asyncio.create_task(get(item)) for item in waiting}
        patience: float | None = limits.TELEGRAM_PATIENCE
        try:
            while tasks:
                done, tasks = await asyncio.wait(tasks, timeout=patience)
                patience = None
                if done:
                    await self._take(source, [task.result() for task in done], tally, first)
        finally:
            for task in tasks:
                task.cancel()

    async def _get_telegram(self, source: SourceConfig, reach: Reach, item: Item) -> None:
        """Fetch one telegram into ``item``; how that went is stored with what becomes of it."""
        item.attempts += 1
        try:
            answer = await fetch(self.http, item.url, reach, max_body=limits.MAX_TELEGRAM)
            item.payload = answer.body
            item.content_hash = hashlib.sha256(answer.body).hexdigest()
            item.fetched_at = self.context.clock.now()
            if not answer.body:
                raise FetchFailed("empty", "The telegram is empty.")
        except Retryable as error:
            item.reason = str(error)
            if item.attempts >= limits.TELEGRAM_ATTEMPTS:
                item.state = ItemState.SET_ASIDE
        except TodokeError as error:
            item.reason = str(error)
            item.state = ItemState.SET_ASIDE
        if not item.payload:
            log.warning("telegram not fetched", source=source.code, url=item.url, why=item.reason)

    async def _take(
        self, source: SourceConfig, items: Sequence[Item], tally: _Tally, first: bool
    ) -> None:
        context = self.context
        # What was fetched is kept first and by itself: it is never to be asked for again.
        async with context.database.writing() as session:
            for item in items:
                await session.merge(item)
        for item in items:
            if item.state is ItemState.SET_ASIDE:
                tally.set_aside += 1
                SET_ASIDE.labels(source.code, item.kind).inc()
        async with context.database.writing() as session:
            ids = [item.id for item in items if item.payload and item.state is ItemState.NEW]
            own = list(await session.scalars(select(Item).where(col(Item.id).in_(ids))))
            taken = await telegrams.take_telegrams(
                session,
                own,
                source,
                context.city,
                context.clock.now(),
                self.publish,
                first_poll=first,
            )
        tally.set_aside += taken.set_aside
        tally.notices += taken.notices

    async def _poll_rss(self, source: SourceConfig, state: Source, first: bool) -> _Tally | None:
        context = self.context
        answer = await fetch(
            self.http, source.url, Reach.of(source), validators=self._validators(source, state)
        )
        if answer.unchanged:
            await self._write_row(source, self._succeeded(state, source, None, news=False))
            return None
        # Parsing thousands of items takes a second; the loop has emergencies to send meanwhile.
        feed = await asyncio.to_thread(
            read_feed, answer.body, url=answer.url, charset=answer.charset
        )
        return await self._take_articles(source, state, feed.articles, answer, first, context)

    async def _take_articles(
        self,
        source: SourceConfig,
        state: Source,
        some: Sequence[Article],
        answer: Answer | None,
        first: bool,
        context: FeedContext,
    ) -> _Tally:
        async with context.database.reading() as session:
            sorted_out = await articles.sort_out(session, source, context.city, some)
        translations: articles.Translations = {}
        if self.translate is not None and not first:
            translations = await self.translate.articles(
                [*sorted_out.fresh, *(article for article, _ in sorted_out.edited)]
            )
        async with context.database.writing() as session:
            # What was new a moment ago is looked at again, now that nobody else can write it.
            sorted_out = await articles.sort_out(session, source, context.city, some)
            taken = await articles.take(
                session,
                source,
                context.city,
                sorted_out,
                context.clock.now(),
                self.publish,
                first_poll=first,
                translations=translations,
            )
            await session.execute(
                update(Source)
                .where(col(Source.code) == source.code)
                .values(**self._succeeded(state, source, answer, news=taken.new > 0))
            )
        return _Tally(new=taken.new, edited=taken.edited, notices=taken.notices)

    async def _write_row(self, source: SourceConfig, values: Mapping[str, Any]) -> None:
        async with self.context.database.writing() as session:
            await session.execute(
                update(Source).where(col(Source.code) == source.code).values(**values)
            )
