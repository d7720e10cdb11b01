"""A person's decision on a notice that policy held back."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from alerts.checks import (
    NO_LEVEL,
    REASON_LENGTH,
    TWO_PEOPLE_LEVEL,
    needs_level,
    needs_reason,
)
from alerts.reach import has_moved, reach_of_notice
from alerts.release import NO_MEDIUM, TYPED_WRONG
from channels.chain import ENDS
from channels.media import Media, deliver_by
from city.city import City, Decision
from core import audit
from core.errors import Refusal
from core.work import Queue
from feeds import jma
from feeds.models import Notice

ACTIONS = {
    Decision.SEND: "notice.sent",
    Decision.PUBLISH: "notice.published",
    Decision.DROP: "notice.dropped",
}
"""The name of each decision in the audit trail."""


async def decide(
    session: AsyncSession,
    queue: Queue,
    city: City,
    media: Media,
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
        Why; needed for a notice as serious as an alert that takes two people, whether it is sent
        or not.

    Returns
    -------
    int or None
        The id of its first medium's delivery when it is sent.

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
    if decision is not Decision.SEND and must_explain(notice) and len(reason) < REASON_LENGTH:
        raise Refusal(
            "Write why residents are not told of this warning, in {n} characters or more.",
            n=REASON_LENGTH,
        )
    if decision is Decision.SEND:
        reached = await _checked_reach(session, city, media, notice, typed, reason, now)
    notice.decision = decision
    notice.decided_by = actor
    session.add(notice)
    await session.flush()
    delivery = None
    if decision is Decision.SEND:
        # Its changes and its end go to those who are told now.
        await jma.remember_sent(session, city.jma.municipality, notice)
        planned = await deliver_by(session, queue, notice, city, now, media=media, created_by=actor)
        if not planned:
            raise Refusal(NO_MEDIUM)
        delivery = planned[0].id
    await audit.record(
        session,
        now,
        actor=actor,
        action=ACTIONS[decision],
        subject=f"notice:{notice_id}",
        topic=notice.topic,
        level=notice.level,
        recipients=reached,
        reason=reason,
        delivery=delivery,
    )
    return delivery


def must_explain(notice: Notice) -> bool:
    """Whether it is a warning that nobody may keep from residents without a reason."""
    return not notice.drill and notice.status not in ENDS and notice.reach >= TWO_PEOPLE_LEVEL


def says_no_level(notice: Notice, city: City) -> bool:
    """Whether a notice that everybody gets has no level."""
    unsaid = notice.reach == 0 and notice.status not in ENDS
    return unsaid and needs_level(notice.topic, city)


async def _checked_reach(
    session: AsyncSession,
    city: City,
    media: Media,
    notice: Notice,
    typed: int | None,
    reason: str,
    now: datetime,
) -> int:
    if notice.topic not in city.topic_by_code:
        raise Refusal("The city has no topic {topic} any more.", topic=notice.topic)
    if notice.expires_at is not None and notice.expires_at <= now:
        raise Refusal("This notice is out of date and can no longer be sent.")
    if says_no_level(notice, city):
        raise Refusal(NO_LEVEL)
    found = await reach_of_notice(session, notice, city, media)
    reached = sum(each.total for each in found.values())
    if typed is None or has_moved(reached, typed):
        raise Refusal(TYPED_WRONG)
    if await needs_reason(session, notice, city, second_person=None, reason=reason):
        raise Refusal("Write why this notice is sent.")
    return reached
