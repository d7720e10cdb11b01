"""Empty stored input that nobody needs any more.

An item's row stays, because it marks an article or telegram as known. Only the bytes of telegrams,
mail and messages are erased; items that are set aside for staff keep them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from core.chunks import in_chunks, rows_of
from core.database import Database
from feeds.models import FULL, DigestRun, Item, Translation

KEEP_PAYLOADS = timedelta(days=30)
KEEP_TRANSLATIONS = timedelta(days=90)
KEEP_DIGEST_RUNS = timedelta(days=30)


async def forget(database: Database, now: datetime) -> int:
    """Empty old telegrams and drop old translations; returns how many items were emptied.

    Articles of web sites keep their fields, because a later edit is compared with them.
    """
    old = (col(Item.fetched_at) < now - KEEP_PAYLOADS, FULL)

    async def empty(session: AsyncSession, ids: Sequence[int]) -> int:
        emptied = update(Item).where(col(Item.id).in_(ids), *old).values(payload=b"")
        return rows_of(await session.execute(emptied.execution_options(synchronize_session=False)))

    async def drop(session: AsyncSession, keys: Sequence[str]) -> int:
        return rows_of(
            await session.execute(delete(Translation).where(col(Translation.key).in_(keys)))
        )

    count = await in_chunks(database, select(col(Item.id)).where(*old), empty)
    aged = col(Translation.created_at) < now - KEEP_TRANSLATIONS
    await in_chunks(database, select(col(Translation.key)).where(aged), drop)
    async with database.writing() as session:
        # One row an hour.
        await session.execute(
            delete(DigestRun).where(col(DigestRun.slot_at) < now - KEEP_DIGEST_RUNS)
        )
    return count
