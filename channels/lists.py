"""Lists of deliveries with their notices, as staff see them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from channels.models import Delivery, DeliveryState, newest_of_notices, unfinished
from feeds.models import Notice
from subscriptions.models import LINE_MEDIUM

ON_THEIR_WAY = (DeliveryState.PLANNED, DeliveryState.SENDING)
ENDED = (DeliveryState.DONE, DeliveryState.STOPPED)
LOOKED_THROUGH = 50
"""The number of newest deliveries that are searched for ended ones."""

Listed = list[tuple[Delivery, Notice]]


async def delivery_of(session: AsyncSession, notice_id: int | None) -> int | None:
    """Return the id of the delivery that brought a notice, or None if none did."""
    if notice_id is None:
        return None
    first = select(func.coalesce(col(Notice.with_id), col(Notice.id))).where(
        col(Notice.id) == notice_id
    )
    found = await session.scalar(
        select(Delivery.id)
        .where(col(Delivery.notice_id) == first.scalar_subquery())
        .order_by(col(Delivery.id))
    )
    return None if found is None else int(found)


async def deliveries_of(session: AsyncSession, notice_id: int | None) -> list[Delivery]:
    """Return the deliveries that brought a notice, one for each medium, LINE's first."""
    first = select(func.coalesce(col(Notice.with_id), col(Notice.id))).where(
        col(Notice.id) == notice_id
    )
    found = await session.scalars(
        select(Delivery)
        .where(col(Delivery.notice_id) == first.scalar_subquery())
        .order_by(col(Delivery.id))
    )
    return sorted(found, key=lambda each: each.channel != LINE_MEDIUM)


async def newest(session: AsyncSession, most: int) -> Listed:
    """Return the newest deliveries."""
    query = (
        newest_of_notices(select(Delivery, Notice), most)
        .join(Notice, col(Notice.id) == col(Delivery.notice_id))
        .order_by(col(Delivery.id).desc())
    )
    return _pairs(await session.execute(query))


async def moving(session: AsyncSession, most: int) -> Listed:
    """Return the deliveries on their way, the most urgent first."""
    return await _not_over(session, ON_THEIR_WAY, most)


async def paused(session: AsyncSession, most: int) -> Listed:
    """Return the deliveries that wait for somebody, the most urgent first.

    Whether a person paused one or the month's quota did.
    """
    return await _not_over(session, (DeliveryState.PAUSED,), most)


async def ended_lately(session: AsyncSession, most: int) -> Listed:
    """Return the newest deliveries that are over."""
    query = (
        newest_of_notices(select(Delivery, Notice), LOOKED_THROUGH)
        .join(Notice, col(Notice.id) == col(Delivery.notice_id))
        .where(col(Delivery.state).in_(ENDED))
        .order_by(col(Delivery.id).desc())
        .limit(most)
    )
    return _pairs(await session.execute(query))


async def that_replace(session: AsyncSession, notice_id: int | None) -> list[tuple[Notice, int]]:
    """Return the notices that changed, corrected or ended one, or one that was sent with it, and
    their deliveries' ids.
    """
    act = select(Notice.id).where(col(Notice.with_id) == notice_id)
    act_ids = [notice_id, *await session.scalars(act)]
    query = (
        select(Notice, Delivery.id)
        .join(Delivery, col(Delivery.notice_id) == col(Notice.id))
        .where(col(Notice.replaces_id).in_(act_ids))
        .order_by(col(Notice.id))
    )
    return [(notice, number) for notice, number in await session.execute(query)]


async def _not_over(session: AsyncSession, states: Sequence[DeliveryState], most: int) -> Listed:
    query = (
        unfinished(select(Delivery, Notice))
        .join(Notice, col(Notice.id) == col(Delivery.notice_id))
        .where(col(Delivery.state).in_(states))
        .order_by(col(Delivery.priority), col(Delivery.id).desc())
        .limit(most)
    )
    return _pairs(await session.execute(query))


def _pairs(rows: Any) -> Listed:
    return [(delivery, notice) for delivery, notice in rows]
