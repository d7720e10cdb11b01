"""Stops a channel when its medium refuses us, and resumes it when the medium accepts us again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog
from sqlalchemy import delete, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from channels.metrics import CHANNEL_STOPPED
from channels.models import ChannelStop
from channels.responses import ChannelRefused
from core.clock import Clock
from core.database import Database
from core.errors import TodokeError
from core.reason import Reason

CHECK_EVERY = timedelta(seconds=10)

log = structlog.get_logger(__name__)


class ChannelGuard:
    """Knows whether a channel may send; the row is for all processes and for staff.

    Parameters
    ----------
    channel
        The medium's name.
    check
        The medium's, see :meth:`channels.medium.Medium.check`.
    """

    def __init__(
        self, database: Database, clock: Clock, channel: str, check: Callable[[], Awaitable[None]]
    ) -> None:
        self._database = database
        self._clock = clock
        self._channel = channel
        self._check = check

    async def is_stopped(self) -> bool:
        """Whether the channel is stopped; from time to time the medium is asked again."""
        async with self._database.reading() as session:
            stop = await session.get(ChannelStop, self._channel)
        if stop is None:
            CHANNEL_STOPPED.labels(self._channel).set(0)
            return False
        CHANNEL_STOPPED.labels(self._channel).set(1)
        now = self._clock.now()
        if abs(now - stop.checked_at) < CHECK_EVERY:
            return True
        try:
            await self._check()
        except TodokeError as error:
            if not isinstance(error, ChannelRefused):
                log.warning("token.unchecked", reason=str(error))
            async with self._database.writing() as session:
                await session.execute(
                    update(ChannelStop)
                    .where(col(ChannelStop.channel) == self._channel)
                    .values(checked_at=now)
                )
            return True
        async with self._database.writing() as session:
            await session.execute(
                delete(ChannelStop).where(col(ChannelStop.channel) == self._channel)
            )
        log.warning("channel.resumed", channel=self._channel)
        CHANNEL_STOPPED.labels(self._channel).set(0)
        return False

    async def stop(self, why: Reason) -> None:
        """Stop the channel; the first reason stays until it works again."""
        now = self._clock.now()
        # Many requests are refused at once, in many processes; the first report is enough.
        insert = sqlite.insert if self._database.is_sqlite else postgresql.insert
        statement = insert(ChannelStop).values(
            channel=self._channel, reason=why, stopped_at=now, checked_at=now
        )
        async with self._database.writing() as session:
            await session.execute(statement.on_conflict_do_nothing())
        CHANNEL_STOPPED.labels(self._channel).set(1)
        log.error("channel.stopped", channel=self._channel, reason=str(why))


async def channel_stops(session: AsyncSession) -> list[ChannelStop]:
    """Return the channels that send nothing now, for staff."""
    return list(await session.scalars(select(ChannelStop)))
