"""What came in is emptied when nobody needs to look at it again.

An item's row stays: it is how an article or telegram is known not to be new. Only the bytes of
telegrams, mail and messages go; what is set aside for staff keeps them.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete, func, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from feeds.models import DigestRun, Item, ItemState, Translation

KEEP_PAYLOADS = timedelta(days=30)
KEEP_TRANSLATIONS = timedelta(days=90)
KEEP_DIGEST_RUNS = timedelta(days=30)


async def forget(session: AsyncSession, now: datetime) -> int:
    """Empty old telegrams and drop old translations; returns how many items were emptied.

    Articles of web sites keep their fields, because a later edit is compared with them.
    """
    emptied = await session.execute(
        update(Item)
        .where(
            col(Item.fetched_at) < now - KEEP_PAYLOADS,
            col(Item.state) == ItemState.DONE,
            col(Item.kind) != "rss",
            func.length(col(Item.payload)) > 0,
        )
        .values(payload=b"")
        .returning(col(Item.id))
    )
    count = len(emptied.all())
    await session.execute(
        delete(Translation).where(col(Translation.created_at) < now - KEEP_TRANSLATIONS)
    )
    await session.execute(delete(DigestRun).where(col(DigestRun.slot_at) < now - KEEP_DIGEST_RUNS))
    return count
