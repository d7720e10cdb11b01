"""The part of a delivery for people that only the medium knows.

The engine starts it, ends it, and counts the people it may have reached. The medium sends it (for
LINE ``channels.line.unknown_sender``).
"""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from channels.models import Delivery, DeliveryState, Priority, UnknownSend, UnknownState
from channels.reasons import reason
from core.reason import Reason
from core.work import Queue

SEND_UNKNOWN = "channels.unknown"
OPEN = (UnknownState.WAITING, UnknownState.SENDING, UnknownState.ACCEPTED)


async def of_delivery(session: AsyncSession, delivery_id: int) -> UnknownSend | None:
    """Return the part of a delivery for unknown friends, if there is one."""
    return await session.get(UnknownSend, delivery_id, populate_existing=True)


def to_json(send: UnknownSend | None) -> dict[str, object] | None:
    """Return its part of ``deliveries show --json``; None if there is none."""
    if send is None:
        return None
    return {
        "state": send.state.value,
        "way": send.way.value,
        "phase": send.phase,
        "recipients": send.target_count,
        "sent": send.success_count,
        "failed": send.failure_count,
        "maybe_twice": send.missing,
        "request_id": send.request_id,
        "sent_at": send.sent_at.isoformat() if send.sent_at else None,
        "why_broadcast": str(send.why_broadcast or ""),
        "error": str(send.error or ""),
    }


async def known_since(session: AsyncSession, delivery_id: int) -> int | None:
    """Return the highest resident id when a delivery went to unknown friends; None if it did not.

    Residents with a higher id were unknown then, so it may have reached them.
    """
    send = await session.get(UnknownSend, delivery_id)
    if send is None or send.first_tried_at is None:
        return None
    return send.known_through


async def why_ended(session: AsyncSession, delivery: Delivery) -> Reason | None:
    """Return why a delivery must not go to unknown friends any more, or None.

    Its part for residents may be finished long before LINE accepts this part. An order that was
    corrected or lifted since must not arrive later.
    """
    if delivery.state is DeliveryState.STOPPED:
        return delivery.reason
    later = await session.scalar(
        select(Delivery.id)
        .where(col(Delivery.corrects_id) == delivery.id, col(Delivery.silent).is_(False))
        .limit(1)
    )
    return None if later is None else reason("unknown.followed", id=later)


async def unfinished(session: AsyncSession) -> list[int]:
    """Return the deliveries with an unfinished part for unknown friends."""
    return list(
        await session.scalars(
            select(UnknownSend.delivery_id).where(col(UnknownSend.state).in_(OPEN))
        )
    )


async def put_unknown(session: AsyncSession, queue: Queue, delivery_id: int) -> None:
    """Queue the part of a delivery for unknown friends."""
    await queue.put(session, SEND_UNKNOWN, str(delivery_id), priority=Priority.EMERGENCY)
