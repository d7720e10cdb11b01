"""Who has a draft open for writing, so that two people in one draft know of each other."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from alerts.models import DraftWriter

STAYS = timedelta(seconds=30)
"""A page that has said nothing for so long is not open any more."""
SAYS_AGAIN = timedelta(seconds=10)
"""How often it is stored that a page is still open."""


async def is_here(session: AsyncSession, draft_id: int, email: str, now: datetime) -> bool:
    """Whether it is stored, and lately enough, that somebody has a draft open."""
    known = await session.get(DraftWriter, (draft_id, email))
    return known is not None and now - known.seen_at < SAYS_AGAIN


async def come(session: AsyncSession, draft_id: int, email: str, now: datetime) -> None:
    """Store that somebody has a draft open. Everybody who left any draft is removed."""
    await session.execute(delete(DraftWriter).where(col(DraftWriter.seen_at) <= now - STAYS))
    known = await session.get(DraftWriter, (draft_id, email))
    since = now if known is None else known.since
    await session.merge(DraftWriter(draft_id=draft_id, email=email, since=since, seen_at=now))


async def others(
    session: AsyncSession, draft_id: int, email: str, now: datetime
) -> list[DraftWriter]:
    """Return the other people who have a draft open, the first who came first."""
    found = await session.scalars(
        select(DraftWriter)
        .where(
            col(DraftWriter.draft_id) == draft_id,
            col(DraftWriter.email) != email,
            col(DraftWriter.seen_at) > now - STAYS,
        )
        .order_by(col(DraftWriter.since), col(DraftWriter.email))
    )
    return list(found)
