"""What the other rooms ask of the outbox: deliver, look ahead, pause, follow, correct.

Whatever changes something runs in the caller's transaction, so that the decision and the
delivery are one; the engine does the rest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import func
from sqlalchemy import select as sql_select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from channels import outbox
from channels.engine import put_unfinished
from channels.line import MONTHLY_LIMIT, compact_json
from channels.models import Delivery, DeliveryKind, DeliveryState, Priority, Variant
from channels.parcels import Parcel, add_parcels
from channels.planner import PLAN, QUOTA_SHORT
from channels.progress import Progress, follow, progress, recent
from channels.quiet import quiet_until
from channels.render import render, render_all
from channels.shares import announce_emergency
from core.audit import record
from core.city import City
from core.errors import BadInput
from core.work import Queue
from feeds.models import Notice
from subscriptions.audience import AudienceQuery, audience_select, count_by_language
from subscriptions.models import Resident, ResidentState

LIFE = timedelta(days=3)
"""A routine notice without an end of its own is no news after so long."""

log = structlog.get_logger(__name__)

__all__ = [
    "Preview",
    "Progress",
    "audience_of",
    "correct",
    "deliver",
    "follow",
    "is_short_of_quota",
    "pause",
    "preview",
    "progress",
    "push",
    "recent",
    "resume",
    "stop",
]


@dataclass(frozen=True)
class Preview:
    """What would leave, before anything does.

    ``held_until_morning`` are those of ``recipients`` who are in their quiet hours;
    ``messages`` the LINE messages by language.
    """

    recipients: int
    by_language: dict[str, int]
    held_until_morning: int
    messages: dict[str, list[dict[str, Any]]]


def audience_of(notice: Notice, city: City) -> AudienceQuery:
    """Return whom a notice concerns by its topic, level and areas."""
    topic = city.topic_by_code.get(notice.topic)
    if topic is None:
        raise BadInput(f"the city has no topic {notice.topic!r}")
    return AudienceQuery(
        topic=notice.topic,
        level=notice.reach,
        areas=tuple(notice.areas),
        mandatory=topic.mandatory,
    )


def priority_of(notice: Notice, *, correction: bool = False) -> int:
    """Return who goes first: corrections, emergencies, warnings, then the rest (promise 4)."""
    if correction:
        return Priority.CORRECTION
    if notice.emergency:
        return Priority.EMERGENCY
    return Priority.WARNING if notice.reach > 0 else Priority.ROUTINE


async def deliver(
    session: AsyncSession,
    queue: Queue,
    notice: Notice,
    city: City,
    now: datetime,
    *,
    created_by: str,
    audience: AudienceQuery | None = None,
) -> Delivery:
    """Have a stored notice brought to everybody it concerns, once the caller commits.

    A notice is delivered once: a second call returns the first delivery. What the notice
    replaces stops where it is; residents who have it get the new one if it concerns them.

    Raises
    ------
    BadInput
        The notice has no words, or a topic the city does not have.
    """
    known = await session.scalar(
        select(Delivery).where(
            col(Delivery.notice_id) == notice.id, col(Delivery.channel) == "line"
        )
    )
    if known is not None:
        return known
    query = audience if audience is not None else audience_of(notice, city)
    return await _create(
        session, queue, notice, city, now, query, DeliveryKind.NOTICE, None, created_by
    )


async def correct(
    session: AsyncSession,
    queue: Queue,
    notice: Notice,
    city: City,
    now: datetime,
    *,
    wrong_delivery: int,
    created_by: str,
    audience: AudienceQuery | None = None,
) -> Delivery:
    """Take back or put right what a delivery said, before anything else that waits.

    ``notice`` says what is right; it goes to exactly those whom the wrong one reached or may
    have reached, and to those it concerns itself. The wrong delivery stops at once.

    Raises
    ------
    BadInput
        There is no such delivery, or the notice cannot be sent.
    """
    wrong = await session.get(Delivery, wrong_delivery)
    if wrong is None or wrong.notice_id is None:
        raise BadInput(f"There is no delivery {wrong_delivery} of a notice.")
    await outbox.stop(session, wrong_delivery, "corrected")
    query = audience if audience is not None else audience_of(notice, city)
    return await _create(
        session, queue, notice, city, now, query, DeliveryKind.CORRECTION, wrong, created_by
    )


async def _create(
    session: AsyncSession,
    queue: Queue,
    notice: Notice,
    city: City,
    now: datetime,
    query: AudienceQuery,
    kind: DeliveryKind,
    wrong: Delivery | None,
    created_by: str,
) -> Delivery:
    if notice.id is None:
        session.add(notice)
        await session.flush()
    variants = render_all(notice, city)
    if notice.replaces_id is not None and not notice.silent:
        # What arrives without a sound never takes the place of the alarm itself.
        await _stop_replaced(session, notice)
    urgent = notice.emergency
    delivery = Delivery(
        kind=kind,
        notice_id=notice.id,
        corrects_id=None if wrong is None else wrong.id,
        priority=priority_of(notice, correction=kind is DeliveryKind.CORRECTION),
        respects_quiet=not urgent,
        silent=notice.silent,
        audience=query.to_json(),
        audience_limit=await session.scalar(select(func.max(col(Resident.id)))) or 0,
        expires_at=notice.expires_at or (None if urgent else now + LIFE),
        created_by=created_by,
        created_at=now,
    )
    session.add(delivery)
    await session.flush()
    assert delivery.id is not None
    for variant in variants:
        session.add(
            Variant(
                delivery_id=delivery.id,
                language=",".join(variant.languages),
                digest=variant.digest,
                messages=variant.messages,
            )
        )
    await session.flush()
    await queue.put(session, PLAN, str(delivery.id), priority=delivery.priority)
    if delivery.priority <= Priority.EMERGENCY:
        await announce_emergency(session)
    log.info(
        "delivery created",
        delivery=delivery.id,
        notice=notice.id,
        kind=kind.value,
        priority=delivery.priority,
        variants=len(variants),
        drill=notice.drill,
        created_by=created_by,
    )
    return delivery


async def _stop_replaced(session: AsyncSession, notice: Notice) -> None:
    """Stop what is still being sent of the notice that this one replaces."""
    old = await session.scalars(
        select(Delivery.id).where(
            col(Delivery.notice_id) == notice.replaces_id,
            col(Delivery.state).in_((*outbox.UNDER_WAY, DeliveryState.PAUSED)),
        )
    )
    for delivery_id in list(old):
        assert delivery_id is not None
        await outbox.stop(session, delivery_id, f"replaced by notice {notice.id}")


async def preview(session: AsyncSession, notice: Notice, city: City, now: datetime) -> Preview:
    """Return who would get what, in which language, if the notice were sent at ``now``."""
    query = audience_of(notice, city)
    by_language = await count_by_language(session, query)
    held = 0
    if not notice.emergency:
        rows = audience_select(query).order_by(None).subquery()
        _, _, start, end = list(rows.c)
        counted = await session.execute(sql_select(start, end, func.count()).group_by(start, end))
        held = sum(
            number
            for first, last, number in counted
            if quiet_until(now, city.quiet_hours, first, last) is not None
        )
    return Preview(
        recipients=sum(by_language.values()),
        by_language=by_language,
        held_until_morning=held,
        messages={code: render(notice, code, city) for code in city.languages},
    )


async def push(
    session: AsyncSession,
    queue: Queue,
    resident_id: int,
    messages: Sequence[Mapping[str, Any]],
    created_by: str,
    now: datetime,
    *,
    kind: DeliveryKind = DeliveryKind.PERSONAL,
) -> Delivery | None:
    """Send a personal message to one resident, as surely as any delivery.

    It waits for the end of their quiet hours. Returns None for somebody who has left.
    """
    resident = await session.get(Resident, resident_id)
    if resident is None or resident.state is not ResidentState.FOLLOWING:
        return None
    delivery = Delivery(
        kind=kind,
        state=DeliveryState.SENDING,
        priority=Priority.PERSONAL,
        planning_done=True,
        created_by=created_by,
        created_at=now,
    )
    session.add(delivery)
    await session.flush()
    parcel = Parcel(
        resident_id,
        resident.language,
        resident.quiet_start,
        resident.quiet_end,
        compact_json(list(messages)),
    )
    await add_parcels(session, queue, delivery, [parcel])
    return delivery


def is_short_of_quota(delivery: Delivery) -> bool:
    """Whether a delivery waits because the month's messages do not suffice, as far as known."""
    return delivery.state is DeliveryState.PAUSED and (
        delivery.reason.startswith(QUOTA_SHORT) or MONTHLY_LIMIT in delivery.reason.lower()
    )


async def pause(session: AsyncSession, delivery_id: int, actor: str, now: datetime) -> None:
    """Have a delivery wait; what is under way at this moment still arrives.

    Raises
    ------
    BadInput
        It is not under way.
    """
    if not await outbox.pause(session, delivery_id, f"paused by {actor}"):
        raise BadInput(f"Delivery {delivery_id} is not under way.")
    await record(
        session, now, actor=actor, action="delivery.paused", subject=f"delivery:{delivery_id}"
    )


async def resume(
    session: AsyncSession, queue: Queue, delivery_id: int, actor: str, now: datetime
) -> None:
    """Let a paused delivery go on, also one that waits because of the month's quota.

    Raises
    ------
    BadInput
        It is not paused.
    """
    delivery = await session.get(Delivery, delivery_id, populate_existing=True)
    if delivery is None or delivery.state is not DeliveryState.PAUSED:
        raise BadInput(f"Delivery {delivery_id} is not paused.")
    delivery.state = DeliveryState.SENDING
    delivery.reason = ""
    delivery.quota_waived = True
    await session.flush()
    await put_unfinished(session, queue, delivery)
    await record(
        session, now, actor=actor, action="delivery.resumed", subject=f"delivery:{delivery_id}"
    )


async def stop(session: AsyncSession, delivery_id: int, actor: str, now: datetime) -> None:
    """Stop a delivery for good; the rest of its batches is marked as skipped.

    Raises
    ------
    BadInput
        It has ended already.
    """
    if not await outbox.stop(session, delivery_id, f"stopped by {actor}"):
        raise BadInput(f"Delivery {delivery_id} has ended already.")
    await record(
        session, now, actor=actor, action="delivery.stopped", subject=f"delivery:{delivery_id}"
    )
