"""What all kinds of sources need when they are polled: where to write, whom to tell, what to ask.

A kind's own file says how it is read; the desk says how a poll is written down.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol

import aiohttp
import structlog
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from core.city import City, SourceConfig
from core.clock import Clock
from core.database import Database
from feeds import articles, limits
from feeds.fetch import Answer, Validators
from feeds.models import Notice, Source
from feeds.notices import Publish
from feeds.rss import Article

log = structlog.get_logger(__name__)


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


@dataclass
class Tally:
    """What one poll brought."""

    new: int = 0
    edited: int = 0
    set_aside: int = 0
    notices: list[Notice] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Desk:
    """One poller's tools. ``secret`` reads a secret by the name of its setting."""

    context: FeedContext
    publish: Publish
    http: aiohttp.ClientSession
    secret: Callable[[str], str | None]
    translate: Translate | None = None

    def validators(self, source: SourceConfig, state: Source) -> Validators:
        """Return what the source said of its last answer, unless it was another address's."""
        if state.url != source.url:
            return Validators()
        return Validators(etag=state.etag, last_modified=state.last_modified)

    def succeeded(
        self, source: SourceConfig, state: Source, *, news: bool, answer: Answer | None = None
    ) -> dict[str, Any]:
        """Return what a good poll changes in its row; ``answer`` only when it was not 304.

        Validators are written with what the answer contained and not before: a crash between
        the two must not make us believe we had read it.
        """
        now = self.context.clock.now()
        # A little before the interval is over, so that a scheduler's jitter skips no turn.
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
        if answer is not None:
            values["etag"] = answer.validators.etag
            values["last_modified"] = answer.validators.last_modified
        return values

    async def note(self, source: SourceConfig, values: Mapping[str, Any]) -> None:
        """Write some of a source's row in a transaction of its own."""
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
        answer: Answer | None = None,
    ) -> Tally:
        """Store a reading of articles, what they became, and the source's row, all at once."""
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
                # News in Japanese does not wait for a machine that answers nonsense.
                log.exception("translation broke", source=source.code)
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
            values = self.succeeded(source, state, news=taken.new > 0, answer=answer)
            await note(session, source, {**values, **(row or {})})
        return Tally(new=taken.new, edited=taken.edited, notices=taken.notices)


async def note(session: AsyncSession, source: SourceConfig, values: Mapping[str, Any]) -> None:
    """Write some of a source's row in the caller's transaction."""
    await session.execute(
        update(Source).where(col(Source.code) == source.code).values(**dict(values))
    )
