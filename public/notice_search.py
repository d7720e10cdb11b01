"""Finding earlier notices by topic, district and words."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from city.collection import REMINDER_RULE
from feeds.in_force import PUBLIC
from feeds.models import Notice
from public.notices import reader_words, taken_back_of

SEARCHED = timedelta(days=90)
MOST_SEARCHED = 400
"""Notices that one search reads."""
MOST_FOUND = 60
MOST_LETTERS = 60


@dataclass(frozen=True)
class Wanted:
    """What somebody looks for; "" for all."""

    topic: str = ""
    district: str = ""
    words: str = ""

    def __bool__(self) -> bool:
        return bool(self.topic or self.district or self.words)


@dataclass(frozen=True)
class Found:
    """Notices that fit, newest first, and since when notices were searched."""

    notices: tuple[Notice, ...]
    since: datetime


async def search(session: AsyncSession, wanted: Wanted, language: str, now: datetime) -> Found:
    """Return the real, public notices that fit. What was taken back or corrected is not shown."""
    since = now - SEARCHED
    query = select(Notice).where(
        col(Notice.decision).in_(PUBLIC),
        col(Notice.decided_by) != REMINDER_RULE,
        col(Notice.drill).is_(False),
        col(Notice.reported_at) > since,
    )
    if wanted.topic:
        query = query.where(col(Notice.topic) == wanted.topic)
    newest = query.order_by(col(Notice.reported_at).desc(), col(Notice.id).desc())
    read = list(await session.scalars(newest.limit(MOST_SEARCHED)))
    if len(read) == MOST_SEARCHED:
        since = read[-1].reported_at
    gone = await taken_back_of(session, read)
    sought = folded(wanted.words).split()
    found = [
        notice
        for notice in read
        if notice.id not in gone
        and (not wanted.district or not notice.areas or wanted.district in notice.areas)
        and _has(notice, sought, language)
    ]
    return Found(tuple(found[:MOST_FOUND]), since)


def folded(text: str) -> str:
    """Return a text without the differences that a reader does not type: width, size of letters."""
    return unicodedata.normalize("NFKC", text).casefold()


def _has(notice: Notice, sought: list[str], language: str) -> bool:
    if not sought:
        return True
    title, text, _ = reader_words(notice, language)
    japanese = notice.texts.get("ja", {})
    said = folded(f"{title}\n{text}\n{japanese.get('title', '')}\n{japanese.get('text', '')}")
    return all(word in said for word in sought)
