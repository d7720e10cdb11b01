"""Putting a notice on record, once, and handing it on in the same transaction."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, time

import structlog
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from city.city import Decision
from core.clock import in_japan
from core.restored import RULE, RestoreHold
from feeds.metrics import NOTICES
from feeds.models import Notice, Source

log = structlog.get_logger(__name__)

Publish = Callable[[AsyncSession, Notice], Awaitable[None]]
"""Called in the notice's own transaction when its decision is to send."""


async def submit_notice(
    session: AsyncSession, notice: Notice, publish: Publish, *, dated: bool = True
) -> tuple[Notice, bool]:
    """Store ``notice`` unless the same news is stored already; send it if that was decided.

    Parameters
    ----------
    dated
        Whether the source gave the date ``reported_at``; otherwise it is when we read it.

    Returns
    ------- The stored notice, and whether it is new. Two notices with one ``identity`` are the same
    news, and the first stays. If nobody has decided on the first and the second comes from a rule
    that knows its topic, the first gets that decision.
    """
    known = (
        await session.scalars(
            select(Notice)
            .where(col(Notice.identity) == notice.identity)
            # Locked, because somebody may decide on it at this moment; their decision stays.
            .with_for_update()
            .execution_options(populate_existing=True)
        )
    ).one_or_none()
    if known is not None:
        if not _better(known, notice):
            return known, False
        known.topic, known.areas = notice.topic, notice.areas
        known.texts, known.drill = notice.texts, notice.drill
        known.decision, known.decided_by = notice.decision, notice.decided_by
        known.emergency = notice.emergency
        known.set_event(notice.event)
        # It is news from now on, also for a digest that the first one came too late for.
        known.created_at = notice.created_at
        notice = known
    if notice.decision in (Decision.SEND, Decision.DIGEST) and await _may_have_been_told(
        session, notice, dated=dated
    ):
        notice.decision, notice.decided_by = Decision.HOLD, RULE
    session.add(notice)
    await session.flush()
    NOTICES.labels(notice.topic, notice.decision.value).inc()
    log.info(
        "notice.stored",
        notice_id=notice.id,
        topic=notice.topic,
        alert_level=notice.level,
        status=notice.status.value,
        decision=notice.decision.value,
        decided_by=notice.decided_by,
        drill=notice.drill,
    )
    if notice.decision is Decision.SEND:
        await publish(session, notice)
    return notice, known is None


async def _may_have_been_told(session: AsyncSession, notice: Notice, *, dated: bool) -> bool:
    """Whether residents may have heard of it before a restore, unknown to the database.

    A notice without a date may be old until its source was read after the restore, and until staff
    have seen what the restore holds back. So may a notice that is dated only by the day of the
    restore, without an hour.
    """
    hold = await session.get(RestoreHold, 1)
    if hold is None or notice.source is None:
        return False
    if dated and not _is_only_the_day(notice.reported_at, hold.until):
        return notice.reported_at <= hold.until
    source = await session.get(Source, notice.source)
    read_at = None if source is None else source.last_succeeded_at
    return hold.seen_at is None or read_at is None or read_at <= hold.restored_at


def _is_only_the_day(reported: datetime, until: datetime) -> bool:
    """Whether a date is only the day of ``until``: midnight in Japan, or in UTC."""
    midnights = {moment.time() for moment in (in_japan(reported), reported.astimezone(UTC))}
    return time.min in midnights and in_japan(reported).date() == in_japan(until).date()


def _better(known: Notice, notice: Notice) -> bool:
    """Whether the same article, listed by another feed, is better understood there."""
    return (
        known.decision is Decision.HOLD
        and known.decided_by == "rule:default"
        and notice.decided_by != "rule:default"
    )
