"""Whether a medium takes anything at all, from what the database knows of all processes.

A medium is silent if work for it is open, and it has taken nothing for :data:`SILENT_AFTER`. That
is stored (``channel_silences``), so that it begins and ends once for all processes. Only for LINE
do other media stand in (``channels.stand_in``); of each, staff are told.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import String, and_, exists, func, not_, or_, type_coerce
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from channels.medium import Format
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
from core.reason import begins_with
from subscriptions.audience_query import CHOSEN_ONLY
from subscriptions.models import LINE_MEDIUM

SILENT_AFTER = timedelta(seconds=60)
LOOKED_THROUGH = 50
"""So many of the newest deliveries of notices are looked at for what was taken lately."""
FEW = 10
"""If so many recipients of a delivery all have to wait, each for a reason of its own, and nobody
was reached, then it is the medium."""
ACTOR, ACTOR_OF_OTHERS = "rule:line-silent", "rule:medium-silent"

log = structlog.get_logger(__name__)


async def open_silence(session: AsyncSession, channel: str) -> ChannelSilence | None:
    """Return the silence of a medium that has not ended."""
    found: ChannelSilence | None = await session.scalar(
        select(ChannelSilence).where(
            col(ChannelSilence.channel) == channel, col(ChannelSilence.ended_at).is_(None)
        )
    )
    return found


async def open_silences(session: AsyncSession) -> list[ChannelSilence]:
    """Return the silences of all media that have not ended."""
    query = select(ChannelSilence).where(col(ChannelSilence.ended_at).is_(None))
    # In the order of the partial index, which has no others.
    return list(await session.scalars(query.order_by(col(ChannelSilence.channel))))


async def note_silences(
    session: AsyncSession, media: Iterable[Format], now: datetime
) -> list[ChannelSilence]:
    """Store whether the other media than LINE are silent; return the silences.

    Accounts for posts are left out: each is of another network, and its posts show why they failed.
    """
    found = [
        await note_silence(session, each.name, now, each.of_some)
        for each in media
        if each.name != LINE_MEDIUM and each.name not in CHOSEN_ONLY
    ]
    return [each for each in found if each is not None]


async def note_silence(
    session: AsyncSession, channel: str, now: datetime, of_some: frozenset[str] = frozenset()
) -> ChannelSilence | None:
    """Store whether a medium is silent, in the caller's writing transaction; return its silence.

    None while it works, or while there is nothing that would show it. ``of_some`` is the medium's.
    """
    known = await open_silence(session, channel)
    since = await silent_since(session, channel, now, of_some)
    if known is None and since is not None:
        made = ChannelSilence(channel=channel, since=since, noticed_at=now)
        session.add(made)
        await session.flush()
        await audit.record(
            session,
            now,
            actor=_actor(channel),
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
        actor=_actor(silence.channel),
        action="channel.heard",
        subject=f"channel:{silence.channel}",
        since=silence.since.isoformat(),
    )
    log.warning("channel.heard", channel=silence.channel)


def _actor(channel: str) -> str:
    return ACTOR if channel == LINE_MEDIUM else ACTOR_OF_OTHERS


async def silent_since(
    session: AsyncSession, channel: str, now: datetime, of_some: frozenset[str] = frozenset()
) -> datetime | None:
    """Return since when a medium has taken nothing although it should; None if it works.

    Nothing is said of the last :data:`SILENT_AFTER`. ``of_some`` is the medium's.
    """
    latest = now - SILENT_AFTER
    taken = await last_taken(session, channel)
    if taken is not None and taken > latest:
        return None
    stop = await session.get(ChannelStop, channel)
    begun = [
        each
        for each in (
            *await _tried_since(session, channel, of_some),
            await _urgent_since(session, channel, untried=bool(of_some)),
            None if stop is None else stop.stopped_at,
        )
        if each is not None
    ]
    since: datetime | None = min(begun, default=None)
    if since is None:
        return None
    if taken is not None:
        since = max(since, taken)
    return since if since <= latest else None


async def _tried_since(
    session: AsyncSession, channel: str, of_some: frozenset[str]
) -> list[datetime | None]:
    """Return since when requests are tried that show that the medium takes nothing."""
    first = func.min(col(Batch.first_tried_at), type_=UtcDateTime())
    tried: Any = (
        unfinished(select(first))
        .select_from(Delivery)
        .join(Batch, col(Batch.delivery_id) == col(Delivery.id))
        .where(
            col(Delivery.channel) == channel,
            col(Delivery.state).in_(UNDER_WAY),
            col(Batch.state).in_(OPEN_STATES),
            col(Batch.first_tried_at).is_not(None),
        )
    )
    if not of_some:
        return [await session.scalar(tried)]
    stored = type_coerce(col(Batch.error), String())
    is_of_some = or_(*(stored.startswith(begins_with(code)) for code in sorted(of_some)))
    of_all = tried.where(or_(stored.is_(None), not_(is_of_some)))
    of_many = (
        tried.where(is_of_some, col(Delivery.last_sent_at).is_(None))
        .group_by(col(Delivery.id))
        .having(func.count() >= FEW)
    )
    return [await session.scalar(of_all), *await session.scalars(of_many)]


async def _urgent_since(session: AsyncSession, channel: str, *, untried: bool) -> datetime | None:
    """Return since when an emergency waits; with ``untried`` one of which nothing was tried."""
    tried = exists().where(
        and_(col(Batch.delivery_id) == col(Delivery.id), col(Batch.first_tried_at).is_not(None))
    )
    query = unfinished(select(func.min(col(Delivery.created_at), type_=UtcDateTime()))).where(
        col(Delivery.channel) == channel,
        col(Delivery.state).in_(UNDER_WAY),
        col(Delivery.priority) <= Priority.EMERGENCY,
    )
    found: datetime | None = await session.scalar(query.where(not_(tried)) if untried else query)
    return found


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
