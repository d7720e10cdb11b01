"""Erase messages to one person when that person is erased (promise 9)."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from channels.members import pack
from channels.models import ALONE, Batch, Delivery, DeliveryKind, Variant

FORGOTTEN = b"[]"


async def forget_personal(session: AsyncSession, resident_ids: Sequence[int]) -> None:
    """Erase the words of personal messages to these residents, who are being erased.

    The row of a message stays, with an id that nobody else ever gets. A waiting message is not
    sent, because nobody has that id.
    """
    alone = [pack([number]) for number in resident_ids]
    theirs = (
        select(Batch.variant_id)
        .join(Delivery, col(Delivery.id) == col(Batch.delivery_id))
        .where(ALONE, col(Batch.members).in_(alone), col(Delivery.kind) == DeliveryKind.PERSONAL)
    )
    await session.execute(
        update(Variant)
        .where(col(Variant.id).in_(theirs))
        .values(messages=FORGOTTEN)
        .execution_options(synchronize_session=False)
    )
