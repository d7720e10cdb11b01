"""Lists of deliveries with their notices, as staff see them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Sending:
    """A notice with its deliveries, one for each medium, LINE's first."""

    notice: Notice
    deliveries: tuple[Delivery, ...]

    @property
    def recipients(self) -> int:
        return sum(each.recipients for each in self.deliveries)

    @property
    def state(self) -> DeliveryState:
        """The state of the first that has not ended, or of the first."""
        running = [each for each in self.deliveries if each.state not in ENDED]
        return (running or self.deliveries)[0].state


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
    return _line_first(found)


async def newest(session: AsyncSession, most: int) -> list[Sending]:
    """Return the newest notices that were sent, of the ``most`` newest deliveries."""
    found = newest_of_notices(select(Delivery), most).order_by(col(Delivery.id).desc())
    return await _sendings(session, list(await session.scalars(found)))


async def moving(session: AsyncSession, most: int) -> Listed:
    """Return the deliveries on their way, the most urgent first."""
    return await _not_over(session, ON_THEIR_WAY, most)


async def paused(session: AsyncSession, most: int) -> Listed:
    """Return the deliveries that wait for somebody, the most urgent first.

    Whether a person paused one or the month's quota did.
    """
    return await _not_over(session, (DeliveryState.PAUSED,), most)


async def ended_lately(session: AsyncSession, most: int) -> list[Sending]:
    """Return the newest notices with a delivery that is over."""
    found = (
        newest_of_notices(select(Delivery), LOOKED_THROUGH)
        .where(col(Delivery.state).in_(ENDED))
        .order_by(col(Delivery.id).desc())
    )
    return await _sendings(session, list(await session.scalars(found)), most)


async def _sendings(
    session: AsyncSession, found: Sequence[Delivery], most: int | None = None
) -> list[Sending]:
    """Return deliveries by their notice, in their order, with the first ``most`` notices."""
    by_notice: dict[int | None, list[Delivery]] = {}
    for delivery in found:
        by_notice.setdefault(delivery.notice_id, []).append(delivery)
    wanted = list(by_notice)[:most]
    rows = await session.scalars(select(Notice).where(col(Notice.id).in_(wanted)))
    notices = {notice.id: notice for notice in rows}
    return [
        Sending(notices[number], tuple(_line_first(by_notice[number])))
        for number in wanted
        if number in notices
    ]


def _line_first(found: Iterable[Delivery]) -> list[Delivery]:
    return sorted(found, key=lambda each: (each.channel != LINE_MEDIUM, each.id))


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
