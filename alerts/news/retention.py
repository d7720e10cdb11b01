"""Erase news that is over, and pictures that nothing shows any more."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, exists, or_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from alerts.news.models import KEPT_FOR, News, NewsState, StoredPicture
from core.chunks import in_chunks, rows_of
from core.database import Database

UNUSED = timedelta(days=2)
"""A picture that somebody chose and did not save stays as long as a page may be open."""


async def forget(database: Database, before: datetime, now: datetime) -> int:
    """Erase news that was sent or last changed before a moment, and what was thrown away.

    Notices that were sent stay, and so do surveys, whose counts are kept; pictures go with the
    news. Returns how much news went.
    """
    number = col(News.id)
    over = or_(
        col(News.discarded_at) <= now - KEPT_FOR,
        (col(News.state) != NewsState.PLANNED)
        & (col(News.updated_at) < before)
        & col(News.survey).is_(None),
    )

    async def change(session: AsyncSession, ids: Sequence[int]) -> int:
        gone = delete(News).where(number.in_(ids), over)
        return rows_of(await session.execute(gone.execution_options(synchronize_session=False)))

    went = await in_chunks(database, select(number).where(over), change)
    await _forget_pictures(database, now)
    return went


async def _forget_pictures(database: Database, now: datetime) -> None:
    number = col(StoredPicture.id)
    unused = (
        col(StoredPicture.created_at) < now - UNUSED,
        ~exists().where(col(News.picture_id) == number),
    )

    async def change(session: AsyncSession, ids: Sequence[int]) -> int:
        gone = delete(StoredPicture).where(number.in_(ids), *unused)
        return rows_of(await session.execute(gone.execution_options(synchronize_session=False)))

    await in_chunks(database, select(number).where(*unused), change)
