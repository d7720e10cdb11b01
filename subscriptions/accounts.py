"""What recipients take for whom the city chooses, such as its accounts in other networks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from subscriptions.models import Resident, ResidentChange, Subscription


async def choose_exactly(
    session: AsyncSession, resident: Resident, topics: Mapping[str, int], now: datetime
) -> None:
    """Give a recipient these topics, each from its least level upwards, mandatory or not.

    Nothing is written if they have them already.
    """
    assert resident.id is not None
    rows = await session.execute(
        select(Subscription.topic, Subscription.min_level).where(
            col(Subscription.resident_id) == resident.id
        )
    )
    if resident.topics_chosen and {one.topic: one.min_level for one in rows} == topics:
        return
    await session.execute(delete(Subscription).where(col(Subscription.resident_id) == resident.id))
    session.add_all(
        Subscription(topic=code, resident_id=resident.id, min_level=level)
        for code, level in sorted(topics.items())
    )
    resident.topics_chosen = True
    resident.updated_at = now
    session.add_all([resident, ResidentChange(resident_id=resident.id)])
    await session.flush()
