"""Forgetting what was said to one person alone, when that person is forgotten (promise 9)."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from channels.members import pack
from channels.models import Batch, Delivery, DeliveryKind, Variant

FORGOTTEN = b"[]"


async def forget_personal(session: AsyncSession, resident_ids: Sequence[int]) -> None:
    """Blank the words of personal messages to these residents, who are being erased.

    That there was one stays, with a bare number that is never given to anybody again; what
    still waits is not sent, as nobody is behind that number.
    """
    alone = [pack([number]) for number in resident_ids]
    theirs = (
        select(Batch.variant_id)
        .join(Delivery, col(Delivery.id) == col(Batch.delivery_id))
        .where(col(Delivery.kind) == DeliveryKind.PERSONAL, col(Batch.members).in_(alone))
    )
    await session.execute(
        update(Variant)
        .where(col(Variant.id).in_(theirs))
        .values(messages=FORGOTTEN)
        .execution_options(synchronize_session=False)
    )
