"""Emergencies that do not get through, for staff and for monitoring."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import func
from sqlalchemy import select as sql_select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from channels.models import Batch, BatchState, Delivery, DeliveryState, Priority, unfinished
from channels.outbox import OPEN_STATES
from core.database import UtcDateTime
from core.reason import Reason

_MOMENT = UtcDateTime()


@dataclass(frozen=True)
class FailingEmergency:
    """An emergency that waits: paused by somebody, or refused or unanswered by LINE.

    ``waiting`` is a number of residents; ``since`` is the first attempt of a waiting batch, or when
    it was created; ``reason`` is the last answer, or why it is paused.
    """

    delivery_id: int
    state: DeliveryState
    waiting: int
    since: datetime
    reason: Reason | None


async def failing_emergencies(session: AsyncSession) -> list[FailingEmergency]:
    """Return the emergencies and corrections that are paused or not accepted, oldest first."""
    failed = (col(Batch.state) == BatchState.WAITING) & col(Batch.error).is_not(None)
    statement = (
        sql_select(
            col(Delivery.id),
            col(Delivery.state),
            func.coalesce(func.sum(col(Batch.size)), 0),
            func.coalesce(
                func.min(col(Batch.first_tried_at)).filter(failed),
                col(Delivery.created_at),
                type_=_MOMENT,
            ),
            func.coalesce(func.max(col(Batch.error)).filter(failed), col(Delivery.reason)),
            func.count(col(Batch.id)).filter(failed),
        )
        .outerjoin(
            Batch,
            (col(Batch.delivery_id) == col(Delivery.id)) & col(Batch.state).in_(OPEN_STATES),
        )
        .where(col(Delivery.priority) <= Priority.EMERGENCY)
        .group_by(col(Delivery.id))
        .order_by(col(Delivery.id))
    )
    rows = (await session.execute(unfinished(statement))).all()
    return [
        FailingEmergency(delivery_id, state, int(waiting), since, reason)
        for delivery_id, state, waiting, since, reason, failing in cast("list[Any]", rows)
        if failing or state is DeliveryState.PAUSED
    ]
