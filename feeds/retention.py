"""Empty stored input that nobody needs any more.

An item's row stays, because it marks an article or telegram as known. Only the bytes of telegrams,
mail and messages are erased; items that are set aside for staff keep them.
"""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import and_, delete, func, or_, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from core.chunks import in_chunks, rows_of
from core.database import Database
from feeds.models import FULL, DigestRun, Item, Translation

KEEP_PAYLOADS = timedelta(days=30)
"""For mail and messages, which can name people."""
LETTERS = ("mail", "webhook")
PACKED_AFTER = timedelta(days=1)
PACKED_FROM = 2_000
"""Bytes from which packing is worth it. XML becomes about a tenth."""
KEEP_TRANSLATIONS = timedelta(days=90)
KEEP_DIGEST_RUNS = timedelta(days=30)


async def forget(database: Database, now: datetime, telegrams_days: int = 90) -> int:
    """Empty old telegrams and drop old translations; returns how many items were emptied.

    ``telegrams_days`` is how long the agency's telegrams and other public warnings are kept.

    Articles of web sites keep their fields, because a later edit is compared with them.
    """
    letter = col(Item.kind).in_(LETTERS)
    old = (
        FULL,
        or_(
            and_(letter, col(Item.fetched_at) < now - KEEP_PAYLOADS),
            and_(~letter, col(Item.fetched_at) < now - timedelta(days=telegrams_days)),
        ),
        # Nothing is younger than both; the index needs it.
        col(Item.fetched_at) < now - min(KEEP_PAYLOADS, timedelta(days=telegrams_days)),
    )

    async def empty(session: AsyncSession, ids: Sequence[int]) -> int:
        emptied = update(Item).where(col(Item.id).in_(ids), *old).values(payload=b"")
        return rows_of(await session.execute(emptied.execution_options(synchronize_session=False)))

    async def drop(session: AsyncSession, keys: Sequence[str]) -> int:
        return rows_of(
            await session.execute(delete(Translation).where(col(Translation.key).in_(keys)))
        )

    count = await in_chunks(database, select(col(Item.id)).where(*old), empty)
    await _pack(database, now)
    aged = col(Translation.created_at) < now - KEEP_TRANSLATIONS
    await in_chunks(database, select(col(Translation.key)).where(aged), drop)
    async with database.writing() as session:
        # One row an hour.
        await session.execute(
            delete(DigestRun).where(col(DigestRun.slot_at) < now - KEEP_DIGEST_RUNS)
        )
    return count


async def _pack(database: Database, now: datetime) -> None:
    """Compress telegrams that are a day old: 90 days of them are some hundred megabytes of XML."""
    plain = (
        FULL,
        col(Item.fetched_at) < now - PACKED_AFTER,
        col(Item.packed).is_(False),
        col(Item.kind).not_in(LETTERS),
    )

    async def pack(session: AsyncSession, ids: Sequence[int]) -> int:
        items = await session.scalars(
            select(Item).where(col(Item.id).in_(ids), *plain).with_for_update()
        )
        for item in items:
            item.payload, item.packed = gzip.compress(item.payload, 6), True
        return len(ids)

    large = func.length(col(Item.payload)) >= PACKED_FROM
    await in_chunks(database, select(col(Item.id)).where(*plain, large), pack)
