"""Tell staff that LINE takes nothing, and stop telling when it works again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from channels.models import ChannelSilence
from core.database import Database
from core.work import Queue
from response import staff_messages
from response.held_alarms import listeners
from response.models import StaffMember, StaffMessage
from response.reasons import reason

OCCASION = "silence:"
Wording = Callable[[StaffMember, ChannelSilence], staff_messages.Words]


async def tell_of_silence(
    database: Database,
    queue: Queue,
    silence: ChannelSilence | None,
    now: datetime,
    words: Wording,
) -> int:
    """Tell of a silence once those who wish to hear of held warnings; return how many.

    Can run at any time and in any process. With None, messages that still wait are stopped.
    """
    async with database.reading() as session:
        waiting = await _waiting(session) if silence is None else []
        if silence is not None and await _was_told(session, silence):
            return 0
        members = [] if silence is None else await listeners(session)
    if not waiting and not members:
        return 0
    async with database.writing() as session:
        for about in waiting:
            await staff_messages.stop(session, about, reason("staff-message.decided"), now)
        if silence is None:
            return 0
        if await _was_told(session, silence):
            return 0
        await staff_messages.tell(
            session,
            queue,
            members,
            lambda member: words(member, silence),
            now,
            occasion=f"{OCCASION}{silence.id}",
            about=_about(silence),
            drill=False,
        )
    return len(members)


def _about(silence: ChannelSilence) -> str:
    return f"{OCCASION}{silence.id}"


async def _was_told(session: AsyncSession, silence: ChannelSilence) -> bool:
    query = select(StaffMessage.id).where(col(StaffMessage.about) == _about(silence)).limit(1)
    return await session.scalar(query) is not None


async def _waiting(session: AsyncSession) -> list[str]:
    """Return what messages are about that still wait to be sent."""
    found = await session.scalars(
        select(StaffMessage.about)
        .where(
            col(StaffMessage.state).in_(staff_messages.OPEN),
            col(StaffMessage.occasion).startswith(OCCASION),
        )
        .distinct()
    )
    return list(found)
