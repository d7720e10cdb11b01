"""Putting a notice on record, once, and handing it on in the same transaction."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import structlog
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from core.city import Decision
from feeds.metrics import NOTICES
from feeds.models import Notice

log = structlog.get_logger(__name__)

Publish = Callable[[AsyncSession, Notice], Awaitable[None]]
"""Called in the notice's own transaction when its decision is to send."""


async def submit_notice(
    session: AsyncSession, notice: Notice, publish: Publish
) -> tuple[Notice, bool]:
    """Store ``notice`` unless the same news is there already; send it when that was decided.

    Returns
    -------
    The notice as stored, and whether it is new. Two notices with one ``identity`` are the same
    news; the first stays, except that a person has not yet looked at it and the second one
    comes from a rule that knows its topic: then the first takes over that ruling.
    """
    known = (
        await session.scalars(select(Notice).where(col(Notice.identity) == notice.identity))
    ).one_or_none()
    if known is not None:
        if not _better(known, notice):
            return known, False
        known.topic, known.areas = notice.topic, notice.areas
        known.texts, known.drill = notice.texts, notice.drill
        known.decision, known.decided_by = notice.decision, notice.decided_by
        known.emergency = notice.emergency
        # It is news from now on, also for a digest that the first one came too late for.
        known.created_at = notice.created_at
        notice = known
    session.add(notice)
    await session.flush()
    NOTICES.labels(notice.topic, notice.decision.value).inc()
    log.info(
        "notice",
        notice=notice.id,
        topic=notice.topic,
        level=notice.level,
        status=notice.status.value,
        decision=notice.decision.value,
        decided_by=notice.decided_by,
        drill=notice.drill,
    )
    if notice.decision is Decision.SEND:
        await publish(session, notice)
    return notice, known is None


def _better(known: Notice, notice: Notice) -> bool:
    """Whether the same article, listed by another feed, is better understood there."""
    return (
        known.decision is Decision.HOLD
        and known.decided_by == "rule:default"
        and notice.decided_by != "rule:default"
    )
