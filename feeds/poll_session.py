"""What all kinds of sources need for a poll: the database, HTTP sessions and callbacks.

The file of a kind says how it is read; this file says how a poll is stored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

import aiohttp
import structlog
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from city.city import City, SourceConfig
from core.child import Workshop
from core.clock import Clock
from core.database import Database
from feeds import articles, freshness, limits
from feeds.fetch import SourceAnswer, Validators
from feeds.models import Notice, Source
from feeds.notices import Publish
from feeds.rss import Article

log = structlog.get_logger(__name__)


class FeedContext(Protocol):
    """What polling needs of ``city.context.Context``."""

    @property
    def city(self) -> City: ...
    @property
    def database(self) -> Database: ...
    @property
    def clock(self) -> Clock: ...


class Translate(Protocol):
    """What polling needs of ``feeds.translate``."""

    async def articles(self, some: Sequence[Article]) -> articles.Translations:
        """Return translations by content hash and language, without unsafe ones."""


@dataclass
class Tally:
    """What one poll brought."""

    new: int = 0
    edited: int = 0
    set_aside: int = 0
    notices: list[Notice] = field(default_factory=list)


def reading_workshop() -> Workshop:
    """Return the child processes in which feeds are read."""
    return Workshop(
        "feeds.feed_files:read_apart",
        processor_seconds=limits.FEED_SECONDS,
        memory_bytes=limits.FEED_MEMORY,
    )


@dataclass(frozen=True, kw_only=True)
class PollSession:
    """The tools of one poller. ``secret`` reads a secret by the name of its setting.

    The agency has its own HTTP session, in which it never waits for others.
    """

    context: FeedContext
    publish: Publish
    http: aiohttp.ClientSession
    agency: aiohttp.ClientSession
    secret: Callable[[str], str | None]
    translate: Translate | None = None
    reading: Workshop = field(default_factory=reading_workshop)

    def validators(self, source: SourceConfig, state: Source) -> Validators:
        """Return the validators of the source's last answer, unless its address has changed."""
        if state.url != source.url:
            return Validators()
        return Validators(etag=state.etag, last_modified=state.last_modified)

    def succeeded(
        self,
        source: SourceConfig,
        state: Source,
        *,
        news: bool,
        answer: SourceAnswer | None = None,
        stated: Iterable[datetime | None] = (),
    ) -> dict[str, Any]:
        """Return the changes of the source's row after a good poll; ``answer`` only if it was not
        304.

        ``stated`` are the times that the source states for itself and its entries. Validators are
        stored together with the content of the answer: otherwise a crash in between would make us
        skip it.
        """
        now = self.context.clock.now()
        # A little before the interval is over, so that a scheduler's jitter skips no poll.
        pause = source.interval_seconds * limits.POLL_PAUSE
        values: dict[str, Any] = {
            "failures": 0,
            "last_error": None,
            "last_succeeded_at": now,
            "initialised_at": state.initialised_at or now,
            "next_poll_at": now + timedelta(seconds=pause),
            "url": source.url,
        }
        if news:
            values["last_new_at"] = now
        said = freshness.said_by(stated, answer or SourceAnswer(url=source.url), now)
        values |= freshness.noted(state, said, now)
        if answer is not None:
            values["etag"] = answer.validators.etag
            values["last_modified"] = answer.validators.last_modified
        return values

    async def note(self, source: SourceConfig, values: Mapping[str, Any]) -> None:
        """Update a source's row in its own transaction."""
        async with self.context.database.writing() as session:
            await note(session, source, values)

    async def take_articles(
        self,
        source: SourceConfig,
        state: Source,
        some: Sequence[Article],
        *,
        first: bool,
        row: Mapping[str, Any] | None = None,
        answer: SourceAnswer | None = None,
        stated: Iterable[datetime | None] = (),
    ) -> Tally:
        """Store a reading of articles, their notices and the source's row in one transaction."""
        context = self.context
        async with context.database.reading() as session:
            sorted_out = await articles.sort_out(session, source, context.city, some)
        translations: articles.Translations = {}
        if self.translate is not None and not first:
            try:
                translations = await self.translate.articles(
                    [*sorted_out.fresh, *(article for article, _ in sorted_out.edited)]
                )
            except Exception:
                # News in Japanese does not wait for a translator that answers nonsense.
                log.exception("translation.crashed", source=source.code)
        async with context.database.writing() as session:
            # New articles are compared again, now that nobody else can write.
            sorted_out = await articles.sort_out(session, source, context.city, some)
            taken = await articles.store_reading(
                session,
                source,
                context.city,
                sorted_out,
                context.clock.now(),
                self.publish,
                first_poll=first,
                translations=translations,
            )
            values = self.succeeded(source, state, news=taken.new > 0, answer=answer, stated=stated)
            await note(session, source, {**values, **(row or {})})
        return Tally(new=taken.new, edited=taken.edited, notices=taken.notices)


async def note(session: AsyncSession, source: SourceConfig, values: Mapping[str, Any]) -> None:
    """Write some of a source's row in the caller's transaction."""
    await session.execute(
        update(Source).where(col(Source.code) == source.code).values(**dict(values))
    )
