"""Lists that staff look through: items, notices that are held, sources."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from core.counting import Size, size_of
from feeds.models import ASIDE, WAITS, Item, ItemState, Notice, Source

MOST_OF_AN_ITEM = 50


async def items_page(
    session: AsyncSession, state: ItemState | None, *, size: int, page: int
) -> tuple[Sequence[Item], Size]:
    """Return a page of the items in a state (None for all), the newest first, and how many are."""
    query, every = select(Item), select(Item.id)
    if state is not None:
        query = query.where(col(Item.state) == state)
        every = every.where(col(Item.state) == state)
    ordered = query.order_by(col(Item.id).desc()).limit(size).offset((page - 1) * size)
    return (await session.scalars(ordered)).all(), await size_of(session, every)


async def notices_of_item(session: AsyncSession, item_id: int) -> Sequence[Notice]:
    """Return the notices that an item made."""
    query = select(Notice).where(col(Notice.item_id) == item_id).limit(MOST_OF_AN_ITEM)
    return (await session.scalars(query)).all()


async def count_held(session: AsyncSession) -> int:
    """Return how many notices wait for a person's decision."""
    return await session.scalar(select(func.count()).select_from(Notice).where(WAITS)) or 0


async def count_set_aside(session: AsyncSession) -> int:
    """Return how many items nobody could read or sort."""
    return await session.scalar(select(func.count()).select_from(Item).where(ASIDE)) or 0


async def set_aside_by_source(session: AsyncSession) -> Counter[str]:
    """Return how many items of each source nobody could read or sort."""
    return Counter(await session.scalars(select(Item.source).where(ASIDE)))


async def items_given(session: AsyncSession, source: str) -> Size:
    """Return how many items a source ever gave."""
    return await size_of(session, select(Item.id).where(col(Item.source) == source))


async def source_states(session: AsyncSession) -> dict[str, Source]:
    """Return what is kept of each source that was polled, by its code."""
    return {source.code: source for source in await session.scalars(select(Source))}
