"""Erase messages to one person when that person is erased (promise 9)."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import exists, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col, select

from channels.members import pack
from channels.models import ALONE, Batch, Delivery, DeliveryKind, Variant

FORGOTTEN = b"[]"
REMINDER = "reminder:"
"""Begins the ``reference`` of a delivery of reminders."""


async def forget_personal(session: AsyncSession, resident_ids: Sequence[int]) -> None:
    """Erase the words of personal messages to these residents, who are being erased.

    So are the words of reminders that nobody else got: they say how old somebody's child is.
    The row of a message stays, with an id that nobody else ever gets. A waiting message is not
    sent, because nobody has that id.
    """
    alone = [pack([number]) for number in resident_ids]
    other = aliased(Batch)
    shared = exists().where(
        col(other.variant_id) == col(Batch.variant_id),
        (col(other.size) != 1) | col(other.members).not_in(alone),
    )
    theirs = (
        select(Batch.variant_id)
        .join(Delivery, col(Delivery.id) == col(Batch.delivery_id))
        .where(
            ALONE,
            col(Batch.members).in_(alone),
            (col(Delivery.kind) == DeliveryKind.PERSONAL)
            | (col(Delivery.reference).startswith(REMINDER) & ~shared),
        )
    )
    await session.execute(
        update(Variant)
        .where(col(Variant.id).in_(theirs))
        .values(messages=FORGOTTEN)
        .execution_options(synchronize_session=False)
    )


async def forget_words(session: AsyncSession, delivery_ids: Sequence[int]) -> None:
    """Erase the words of deliveries that brought a message to one resident each."""
    if not delivery_ids:
        return
    await session.execute(
        update(Variant)
        .where(col(Variant.delivery_id).in_(delivery_ids))
        .values(messages=FORGOTTEN)
        .execution_options(synchronize_session=False)
    )
