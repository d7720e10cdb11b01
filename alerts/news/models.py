"""News being written, planned and sent: the tables and the questions asked of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Column, ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel, col, select

from core.database import UtcDateTime, text_enum
from subscriptions.models import RowId

KEPT_FOR = timedelta(days=7)
"""How long news that was thrown away can be taken back."""
MOST_LISTED = 50


class NewsState(StrEnum):
    """How far news is.

    ``asked`` waits for a colleague's approval, ``planned`` for its time; ``missed`` could not be
    sent at its time, and somebody has to decide; ``sent`` has left, for the last time if it was
    repeated.
    """

    DRAFT = "draft"
    ASKED = "asked"
    PLANNED = "planned"
    MISSED = "missed"
    SENT = "sent"


class When(StrEnum):
    """When news leaves."""

    NOW = "now"
    AT = "at"
    DIGEST = "digest"


class Repeat(StrEnum):
    """How often news leaves."""

    ONCE = "once"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


WAITS_FOR_TIME = text("state = 'planned'")
"""News with a time; a query must use exactly this condition to use the index."""
BEING_WRITTEN = text("state IN ('draft', 'asked', 'missed') AND discarded_at IS NULL")
"""News that somebody works on or decides on; as above."""
THROWN_AWAY = text("discarded_at IS NOT NULL")
"""News that was thrown away; as above."""


class News(SQLModel, table=True):
    """Routine news that somebody writes; each time it leaves it makes a notice.

    Parameters
    ----------
    texts, alts
        Title and text, and what the picture shows, by language.
    links
        Buttons below the text: ``{"url": …, "labels": {language: …}}``, at most four.
    segment
        What narrows topic and districts, as :class:`alerts.news.segments.Wanted` stores it.
    send_at
        The first time; None for now and for the digest, which is of the day it was planned.
    next_at
        The next time, of news that is planned.
    until
        The last day of repeated news.
    survey
        The survey that it asks: ``{"id": …, "named": …, "closes": day}``; None for none.
    engines
        By language: the machine that wrote its words, which nobody changed since.
    authors
        Who wrote this version. None of them approves it.
    sent_back
        ``{"by": …, "why": …}`` of a colleague who did not approve it; None once it is planned.
    """

    __tablename__ = "news"
    __table_args__ = (
        Index(
            "ix_news_planned",
            "next_at",
            sqlite_where=WAITS_FOR_TIME,
            postgresql_where=WAITS_FOR_TIME,
        ),
        Index("ix_news_updated", "updated_at"),
        Index(
            "ix_news_being_written",
            "updated_at",
            "id",
            sqlite_where=BEING_WRITTEN,
            postgresql_where=BEING_WRITTEN,
        ),
        Index(
            "ix_news_thrown_away",
            "discarded_at",
            "id",
            sqlite_where=THROWN_AWAY,
            postgresql_where=THROWN_AWAY,
        ),
    )

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    state: NewsState = Field(default=NewsState.DRAFT, sa_type=text_enum(NewsState))
    version: int = 1
    """Increased by each change; an approval is valid for the version that was looked at."""
    topic: str = Field(default="", max_length=32)
    whole_city: bool = False
    areas: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    segment: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    texts: dict[str, dict[str, str]] = Field(
        default_factory=dict, sa_column=Column(JSON, nullable=False)
    )
    links: list[dict[str, Any]] = Field(
        default_factory=list, sa_column=Column(JSON, nullable=False)
    )
    as_text: bool = False
    picture_id: int | None = Field(
        default=None, sa_column=Column(RowId, ForeignKey("news_pictures.id"), index=True)
    )
    alts: dict[str, str] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    when: When = Field(default=When.AT, sa_column=Column("when_", text_enum(When), nullable=False))
    send_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    repeat: Repeat = Field(default=Repeat.ONCE, sa_type=text_enum(Repeat))
    until: date | None = None
    next_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    media: list[str] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))
    """The media that it goes by; None for those of the city's rules."""
    replaces_id: int | None = Field(
        default=None, sa_column=Column(RowId, ForeignKey("notices.id"), index=True)
    )
    """The notice that it corrects."""
    from_notice_id: int | None = Field(
        default=None, sa_column=Column(RowId, ForeignKey("notices.id"), index=True)
    )
    """The held article that it was written from."""
    survey: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))
    engines: dict[str, str] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    written_by: str
    edited_by: str
    authors: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    asked_by: str = ""
    """Who planned it, and sends it."""
    approved_by: str | None = None
    approved_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    sent_back: dict[str, str] | None = Field(
        default=None, sa_column=Column(JSON(none_as_null=True))
    )
    discarded_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    created_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)

    @property
    def is_open(self) -> bool:
        """Whether it can be changed."""
        return self.discarded_at is None and self.state in (NewsState.DRAFT, NewsState.MISSED)


class NewsSending(SQLModel, table=True):
    """One time that news left. It left once for each planned time."""

    __tablename__ = "news_sendings"
    __table_args__ = (UniqueConstraint("news_id", "planned_at"),)

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    news_id: int = Field(
        sa_column=Column(RowId, ForeignKey("news.id", ondelete="CASCADE"), nullable=False)
    )
    planned_at: datetime = Field(sa_type=UtcDateTime)
    notice_id: int = Field(
        sa_column=Column(RowId, ForeignKey("notices.id"), nullable=False, index=True)
    )
    sent_at: datetime = Field(sa_type=UtcDateTime, index=True)


class StoredPicture(SQLModel, table=True):
    """A picture of news as a JPEG file of our own encoding, without metadata."""

    __tablename__ = "news_pictures"

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    code: str = Field(max_length=22, unique=True)
    """The last part of its address."""
    width: int
    height: int
    content: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    created_by: str
    created_at: datetime = Field(sa_type=UtcDateTime)


async def being_written(session: AsyncSession) -> list[News]:
    """Return the news that somebody still works on or decides on, the last changed first."""
    found = await session.scalars(
        select(News)
        .where(BEING_WRITTEN)
        .order_by(col(News.updated_at).desc(), col(News.id).desc())
        .limit(MOST_LISTED)
    )
    return list(found)


async def planned(session: AsyncSession) -> list[News]:
    """Return the news that waits for its time, the next first."""
    found = await session.scalars(
        select(News).where(WAITS_FOR_TIME).order_by(col(News.next_at), col(News.id)).limit(500)
    )
    return list(found)


async def thrown_away(session: AsyncSession, now: datetime) -> list[News]:
    """Return the news that can be taken back, the last thrown away first."""
    found = await session.scalars(
        select(News)
        .where(THROWN_AWAY, col(News.discarded_at) > now - KEPT_FOR)
        .order_by(col(News.discarded_at).desc(), col(News.id).desc())
        .limit(20)
    )
    return list(found)


async def newest_sendings(session: AsyncSession, most: int) -> list[tuple[NewsSending, News]]:
    """Return what was sent last, the newest first."""
    found = await session.execute(
        select(NewsSending, News)
        .join(News, col(News.id) == col(NewsSending.news_id))
        .order_by(col(NewsSending.id).desc())
        .limit(most)
    )
    return [(sending, news) for sending, news in found]


async def sendings_of(session: AsyncSession, news_id: int) -> list[NewsSending]:
    """Return the times that news left, the newest first."""
    found = await session.scalars(
        select(NewsSending)
        .where(col(NewsSending.news_id) == news_id)
        .order_by(col(NewsSending.id).desc())
        .limit(MOST_LISTED)
    )
    return list(found)


async def sent_between(
    session: AsyncSession, first: datetime, last: datetime
) -> Sequence[tuple[NewsSending, News]]:
    """Return what left from one moment until before another."""
    found = await session.execute(
        select(NewsSending, News)
        .join(News, col(News.id) == col(NewsSending.news_id))
        .where(col(NewsSending.sent_at) >= first, col(NewsSending.sent_at) < last)
        .order_by(col(NewsSending.sent_at))
    )
    return [(sending, news) for sending, news in found]
