"""A person's decision on a notice that policy held back."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from channels import service
from channels.alert_checks import REASON_LENGTH, TWO_PEOPLE_LEVEL
from console.words import Refusal
from core import audit
from core.city import City, Decision
from core.work import Queue
from feeds.models import Notice
from subscriptions.audience import count_by_language


async def decide(
    session: AsyncSession,
    queue: Queue,
    city: City,
    notice_id: int,
    decision: Decision,
    *,
    typed: int | None,
    reason: str,
    actor: str,
    now: datetime,
) -> int | None:
    """Send, publish or drop a held notice in the caller's transaction, with a name under it.

    Parameters
    ----------
    typed
        The number of residents, typed by who sends.
    reason
        Why; needed for a notice as serious as an alert that takes two people.

    Returns
    -------
    int or None
        The delivery's id when it is sent.

    Raises
    ------
    Refusal
        It is decided already; it is a drill; the number or the reason is not there.
    """
    notice = await session.get(Notice, notice_id, with_for_update=True)
    if notice is None:
        raise Refusal("There is no such notice.")
    if notice.decision is not Decision.HOLD:
        raise Refusal("Somebody decided on this notice before: {name}.", name=notice.decided_by)
    if notice.drill and decision is not Decision.DROP:
        raise Refusal(
            "This came from another office's drill and never reaches residents. "
            "To run a drill, begin one under Alerts."
        )
    reached = None
    if decision is Decision.SEND:
        reached = await _checked_reach(session, city, notice, typed, reason, now)
    notice.decision = decision
    notice.decided_by = actor
    session.add(notice)
    await session.flush()
    delivery = None
    if decision is Decision.SEND:
        planned = await service.deliver(session, queue, notice, city, now, created_by=actor)
        delivery = planned.id
    await audit.record(
        session,
        now,
        actor=actor,
        action=f"notice.{decision.value}",
        subject=f"notice {notice_id}",
        topic=notice.topic,
        level=notice.level,
        recipients=reached,
        reason=reason,
        delivery=delivery,
    )
    return delivery


async def _checked_reach(
    session: AsyncSession,
    city: City,
    notice: Notice,
    typed: int | None,
    reason: str,
    now: datetime,
) -> int:
    if notice.topic not in city.topic_by_code:
        raise Refusal("The city has no topic {topic} any more.", topic=notice.topic)
    if notice.expires_at is not None and notice.expires_at <= now:
        raise Refusal("This notice is out of date and can no longer be sent.")
    found = await count_by_language(session, service.audience_of(notice, city))
    reached = sum(found.values())
    if typed is None or abs(typed - reached) > max(10, reached // 50):
        raise Refusal("What you typed is not what the page asked for. Nothing was sent.")
    if notice.reach >= TWO_PEOPLE_LEVEL and len(reason) < REASON_LENGTH:
        raise Refusal("Write why this notice is sent.")
    return reached
