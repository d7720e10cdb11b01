"""When LINE takes nothing, emergencies go by every other medium.

Also by media that staff or the city's rules had switched off, and to residents who stand by for
LINE (:class:`subscriptions.audience_query.Standby`). LINE's own delivery goes on. Each medium gets
a notice once for each of the two audiences, so that nobody has it twice there when LINE returns.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from channels.dispatch import deliver
from channels.level_parts import LowerLevel, sent_with
from channels.media import Media
from channels.medium import Format
from channels.models import ChannelSilence, Delivery, Priority, unfinished
from channels.outbox import UNDER_WAY
from channels.silence import ACTOR, note_silence
from city.city import City
from core import audit
from core.database import Database
from core.work import Queue
from feeds.models import Notice
from subscriptions.audience_query import Standby
from subscriptions.models import LINE_MEDIUM

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class StoodIn:
    """What was done at one look.

    ``silence`` is LINE's; None while it works. ``deliveries`` are those that were made now.
    """

    silence: ChannelSilence | None
    deliveries: tuple[int, ...] = ()


async def stand_in(
    database: Database, queue: Queue, city: City, media: Media, now: datetime
) -> StoodIn:
    """Look whether LINE is silent, and if so send its emergencies by the other media.

    Can run at any time and in any process. Each emergency is one transaction, so that one that was
    cut off is done at the next look.
    """
    async with database.writing() as session:
        silence = await note_silence(session, LINE_MEDIUM, now)
    if silence is None:
        return StoodIn(None)
    async with database.reading() as session:
        waiting = list(await session.scalars(_waiting()))
    made: list[int] = []
    for delivery_id in waiting:
        if delivery_id is not None:
            made += await _by_others(database, queue, city, media, delivery_id, now)
    return StoodIn(silence, tuple(made))


def _waiting() -> Any:
    """Return the query for LINE's emergencies that are under way, the gravest first."""
    return (
        unfinished(select(Delivery.id))
        .join(Notice, col(Notice.id) == col(Delivery.notice_id))
        .where(
            col(Delivery.channel) == LINE_MEDIUM,
            col(Delivery.state).in_(UNDER_WAY),
            col(Delivery.priority) <= Priority.EMERGENCY,
            # A drill shows that LINE is silent, and goes nowhere else.
            col(Notice.drill).is_(False),
        )
        .order_by(col(Delivery.priority), col(Delivery.id))
    )


async def _by_others(
    database: Database, queue: Queue, city: City, media: Media, delivery_id: int, now: datetime
) -> list[int]:
    """Send an emergency of LINE's by the other media, as far as it was not."""
    made: list[int] = []
    for medium in media:
        if medium.name == LINE_MEDIUM:
            continue
        try:
            async with database.writing() as session:
                found = await _by(session, queue, city, medium, delivery_id, now)
        except Exception as error:
            # Whatever is wrong with one medium, the others must not wait for it.
            log.error(
                "delivery.refused", delivery_id=delivery_id, channel=medium.name, exc_info=error
            )
            continue
        if found is not None:
            made.append(found)
    return made


async def _by(
    session: AsyncSession,
    queue: Queue,
    city: City,
    medium: Format,
    delivery_id: int,
    now: datetime,
) -> int | None:
    """Send an emergency by one medium; return the delivery's id, None if that was done before."""
    # Another process waits here until this one has committed.
    by_line = await session.get_one(Delivery, delivery_id, with_for_update=True)
    notice = await session.get_one(Notice, by_line.notice_id)
    before = await session.scalars(
        select(col(Delivery.audience)).where(
            col(Delivery.notice_id) == notice.id, col(Delivery.channel) == medium.name
        )
    )
    reached = {audience.get("standby", Standby.LEFT_OUT.value) for audience in before}
    if reached & {Standby.TOO.value, Standby.ALONE.value}:
        return None
    delivery = await deliver(
        session,
        queue,
        notice,
        city,
        now,
        medium=medium,
        created_by=ACTOR,
        lower=[LowerLevel(one) for one in await sent_with(session, notice.id)],
        standby=Standby.ALONE if reached else Standby.TOO,
    )
    await audit.record(
        session,
        now,
        actor=ACTOR,
        action="alert.sent_elsewhere",
        subject=f"notice:{notice.id}",
        medium=medium.name,
        standby=str(delivery.audience["standby"]),
        delivery=delivery.id,
    )
    return delivery.id
