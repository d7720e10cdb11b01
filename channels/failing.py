"""Emergencies that do not get through, for staff and for monitoring."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import func
from sqlalchemy import select as sql_select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from channels.models import Batch, BatchState, Delivery, DeliveryState, Priority, unfinished
from channels.outbox import OPEN_STATES, UNDER_WAY
from channels.reasons import reason
from core.database import UtcDateTime
from core.reason import Reason

_MOMENT = UtcDateTime()


@dataclass(frozen=True)
class FailingEmergency:
    """An emergency that waits: paused by somebody, or refused or unanswered by its medium.

    ``channel`` is the medium's name. ``waiting`` is a number of residents; ``since`` is the first
    attempt of a waiting batch, or when it was created; ``reason`` is the last answer, or why it is
    paused.
    """

    delivery_id: int
    channel: str
    state: DeliveryState
    waiting: int
    since: datetime
    reason: Reason | None


SLOW_AFTER = timedelta(seconds=30)
SLOW_REQUESTS = 30
"""An emergency is slow if a request of it was made so long ago and is open, and fewer than so many
were taken since. LINE takes thousands in that time, a mail server hundreds.
"""


async def failing_emergencies(
    session: AsyncSession, now: datetime | None = None
) -> list[FailingEmergency]:
    """Return the emergencies and corrections that are paused or not accepted, oldest first.

    Parameters
    ----------
    now
        The time now, to find also those that get through slowly; None leaves them out.
    """
    failed = (col(Batch.state) == BatchState.WAITING) & col(Batch.error).is_not(None)
    statement = (
        sql_select(
            col(Delivery.id),
            col(Delivery.channel),
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
    found = [
        FailingEmergency(delivery_id, channel, state, int(waiting), since, reason)
        for delivery_id, channel, state, waiting, since, reason, failing in cast("list[Any]", rows)
        if failing or state is DeliveryState.PAUSED
    ]
    if now is None:
        return found
    under_way = {row[0]: row[1] for row in rows if row[0] is not None and row[2] in UNDER_WAY}
    known = {each.delivery_id for each in found}
    slow = {number: name for number, name in under_way.items() if number not in known}
    found += await _slow(session, slow, now)
    return sorted(found, key=lambda each: each.delivery_id)


async def _slow(
    session: AsyncSession, deliveries: Mapping[int, str], now: datetime
) -> list[FailingEmergency]:
    """Return the deliveries, of these, whose requests are answered late or not at all.

    ``deliveries`` has the medium's name of each.
    """
    found = []
    for delivery_id, channel in deliveries.items():
        of_it = col(Batch.delivery_id) == delivery_id
        waiting, since = (
            await session.execute(
                sql_select(
                    func.coalesce(func.sum(col(Batch.size)), 0),
                    func.min(col(Batch.first_tried_at), type_=_MOMENT).filter(
                        col(Batch.state) == BatchState.SENDING
                    ),
                ).where(of_it, col(Batch.state).in_(OPEN_STATES))
            )
        ).one()
        if since is None or now - since < SLOW_AFTER:
            continue
        taken = await session.scalar(
            sql_select(func.count()).where(
                of_it, col(Batch.state) == BatchState.SENT, col(Batch.sent_at) > now - SLOW_AFTER
            )
        )
        if (taken or 0) < SLOW_REQUESTS:
            seconds = int(SLOW_AFTER.total_seconds())
            why = reason("delivery.slow", n=taken or 0, seconds=seconds)
            state = DeliveryState.SENDING
            found.append(FailingEmergency(delivery_id, channel, state, int(waiting), since, why))
    return found
