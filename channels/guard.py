"""Stops the channel when LINE refuses our token, and lets it go on when the token is right."""

from __future__ import annotations

from datetime import timedelta

import structlog
from sqlalchemy import delete, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from channels.errors import TokenRefused
from channels.line import LineClient
from channels.metrics import CHANNEL_STOPPED
from channels.models import ChannelStop
from core.clock import Clock
from core.database import Database
from core.errors import TodokeError

CHANNEL = "line"
CHECK_EVERY = timedelta(seconds=10)

log = structlog.get_logger(__name__)


class ChannelGuard:
    """Knows whether the channel may send; the row is for all processes and for staff."""

    def __init__(self, database: Database, clock: Clock, line: LineClient) -> None:
        self._database = database
        self._clock = clock
        self._line = line

    async def is_stopped(self) -> bool:
        """Whether the channel is stopped; now and then LINE is asked whether it still must be."""
        async with self._database.reading() as session:
            stop = await session.get(ChannelStop, CHANNEL)
        if stop is None:
            CHANNEL_STOPPED.labels(CHANNEL).set(0)
            return False
        CHANNEL_STOPPED.labels(CHANNEL).set(1)
        now = self._clock.now()
        if now - stop.checked_at < CHECK_EVERY:
            return True
        try:
            await self._line.check_token()
        except TodokeError as error:
            if not isinstance(error, TokenRefused):
                log.warning("the token cannot be checked", error=str(error))
            async with self._database.writing() as session:
                await session.execute(
                    update(ChannelStop)
                    .where(col(ChannelStop.channel) == CHANNEL)
                    .values(checked_at=now)
                )
            return True
        async with self._database.writing() as session:
            await session.execute(delete(ChannelStop).where(col(ChannelStop.channel) == CHANNEL))
        log.warning("channel goes on", channel=CHANNEL)
        CHANNEL_STOPPED.labels(CHANNEL).set(0)
        return False

    async def stop(self, reason: str) -> None:
        """Stop the channel; the first reason stands until it works again."""
        now = self._clock.now()
        # Many requests are refused at once, in many processes: the first to say so is enough.
        insert = sqlite.insert if self._database.is_sqlite else postgresql.insert
        statement = insert(ChannelStop).values(
            channel=CHANNEL, reason=reason[:500], stopped_at=now, checked_at=now
        )
        async with self._database.writing() as session:
            await session.execute(statement.on_conflict_do_nothing())
        CHANNEL_STOPPED.labels(CHANNEL).set(1)
        log.error("channel stopped", channel=CHANNEL, reason=reason)


async def channel_stops(session: AsyncSession) -> list[ChannelStop]:
    """Return the channels that send nothing now, for staff."""
    return list(await session.scalars(select(ChannelStop)))
