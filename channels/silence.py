"""Whether LINE takes anything at all, from what the database knows of all processes.

A medium is silent if work for it is open, and it has taken nothing for :data:`SILENT_AFTER`. That
is stored (``channel_silences``), so that it begins and ends once for all processes.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from channels.models import (
    OF_NOTICES,
    Batch,
    ChannelSilence,
    ChannelStop,
    Delivery,
    Priority,
    newest_of_notices,
    unfinished,
)
from channels.outbox import OPEN_STATES, UNDER_WAY
from core import audit
from core.database import UtcDateTime

SILENT_AFTER = timedelta(seconds=60)
LOOKED_THROUGH = 50
"""So many of the newest deliveries of notices are looked at for what was taken lately."""
ACTOR = "rule:line-silent"

log = structlog.get_logger(__name__)


async def open_silence(session: AsyncSession, channel: str) -> ChannelSilence | None:
    """Return the silence of a medium that has not ended."""
    found: ChannelSilence | None = await session.scalar(
        select(ChannelSilence).where(
            col(ChannelSilence.channel) == channel, col(ChannelSilence.ended_at).is_(None)
        )
    )
    return found


async def note_silence(session: AsyncSession, channel: str, now: datetime) -> ChannelSilence | None:
    """Store whether a medium is silent, in the caller's writing transaction; return its silence.

    None while it works, or while there is nothing that would show it.
    """
    known = await open_silence(session, channel)
    since = await silent_since(session, channel, now)
    if known is None and since is not None:
        made = ChannelSilence(channel=channel, since=since, noticed_at=now)
        session.add(made)
        await session.flush()
        await audit.record(
            session,
            now,
            actor=ACTOR,
            action="channel.silent",
            subject=f"channel:{channel}",
            since=since.isoformat(),
        )
        log.error("channel.silent", channel=channel, age_s=(now - since).total_seconds())
        return made
    if known is not None and since is None:
        taken = await last_taken(session, channel)
        is_heard = taken is not None and taken > known.since
        # If nothing is open any more, nothing would show whether it works again.
        if not is_heard and await _has_open(session, channel):
            return known
        await _ended(session, known, now)
        return None
    return known


async def _ended(session: AsyncSession, silence: ChannelSilence, now: datetime) -> None:
    silence.ended_at = now
    session.add(silence)
    await session.flush()
    await audit.record(
        session,
        now,
        actor=ACTOR,
        action="channel.heard",
        subject=f"channel:{silence.channel}",
        since=silence.since.isoformat(),
    )
    log.warning("channel.heard", channel=silence.channel)


async def silent_since(session: AsyncSession, channel: str, now: datetime) -> datetime | None:
    """Return since when a medium has taken nothing although it should; None if it works.

    Nothing is said of the last :data:`SILENT_AFTER`.
    """
    latest = now - SILENT_AFTER
    taken = await last_taken(session, channel)
    if taken is not None and taken > latest:
        return None
    tried = await session.scalar(
        unfinished(select(func.min(col(Batch.first_tried_at), type_=UtcDateTime())))
        .select_from(Delivery)
        .join(Batch, col(Batch.delivery_id) == col(Delivery.id))
        .where(
            col(Delivery.channel) == channel,
            col(Delivery.state).in_(UNDER_WAY),
            col(Batch.state).in_(OPEN_STATES),
            col(Batch.first_tried_at).is_not(None),
        )
    )
    urgent = await session.scalar(
        unfinished(select(func.min(col(Delivery.created_at), type_=UtcDateTime()))).where(
            col(Delivery.channel) == channel,
            col(Delivery.state).in_(UNDER_WAY),
            col(Delivery.priority) <= Priority.EMERGENCY,
        )
    )
    stop = await session.get(ChannelStop, channel)
    stopped = None if stop is None else stop.stopped_at
    begun = [each for each in (tried, urgent, stopped) if each is not None]
    since: datetime | None = min(begun, default=None)
    if since is None:
        return None
    if taken is not None:
        since = max(since, taken)
    return since if since <= latest else None


async def last_taken(session: AsyncSession, channel: str) -> datetime | None:
    """Return when a medium last took a message, as far as the newest deliveries say."""
    newest = newest_of_notices(
        select(func.max(col(Delivery.last_sent_at), type_=UtcDateTime())), LOOKED_THROUGH
    ).where(OF_NOTICES, col(Delivery.channel) == channel)
    still = unfinished(select(func.max(col(Delivery.last_sent_at), type_=UtcDateTime()))).where(
        col(Delivery.channel) == channel
    )
    found = [await session.scalar(newest), await session.scalar(still)]
    return max((each for each in found if each is not None), default=None)


async def _has_open(session: AsyncSession, channel: str) -> bool:
    query = unfinished(select(Delivery.id)).where(
        col(Delivery.channel) == channel, col(Delivery.state).in_(UNDER_WAY)
    )
    return await session.scalar(query.limit(1)) is not None
