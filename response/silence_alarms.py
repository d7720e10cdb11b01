"""Tell staff that a medium takes nothing, and stop telling when it works again."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from functools import partial

from sqlalchemy import or_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from channels.models import ChannelSilence
from core.database import Database
from core.work import Queue
from response import staff_messages
from response.held_alarms import listeners
from response.models import StaffMember, StaffMessage
from response.reasons import reason
from response.staff_links import line_ids

OCCASION = "silence:"
Wording = Callable[[StaffMember, ChannelSilence], staff_messages.Words]


async def tell_of_silence(
    database: Database,
    queue: Queue,
    silences: Collection[ChannelSilence],
    now: datetime,
    words: Wording,
    *,
    responsible: Collection[str] = (),
) -> int:
    """Tell once of each silence those who wish to hear of held warnings; return how many messages.

    They are told by LINE and by mail, so that one of the two gets through if the other is silent.
    If nobody wishes it who can be reached, those of the list of staff are told who are responsible.
    Can run at any time and in any process. Messages about a silence that ended, and that still
    wait, are stopped.

    Parameters
    ----------
    silences
        All that have not ended.
    responsible
        The e-mail addresses of the accounts of those who send alerts.
    """
    async with database.reading() as session:
        over = await _waiting(session) - {_about(each) for each in silences}
        untold = [each for each in silences if not await _was_told(session, each)]
        members = await _hearing(session, responsible) if untold else []
    if not over and not members:
        return 0
    told = 0
    async with database.writing() as session:
        for about in sorted(over):
            await staff_messages.stop(session, about, reason("staff-message.decided"), now)
        for silence in untold if members else ():
            if await _was_told(session, silence):
                continue
            await staff_messages.tell(
                session,
                queue,
                members,
                partial(_worded, words, silence),
                now,
                occasion=_about(silence),
                about=_about(silence),
                drill=False,
            )
            told += len(members)
    return told


async def unheard(
    session: AsyncSession, silences: Collection[ChannelSilence]
) -> list[ChannelSilence]:
    """Return the silences of which nobody on the list of staff was told."""
    return [each for each in silences if not await _was_told(session, each)]


async def _hearing(session: AsyncSession, responsible: Collection[str]) -> list[StaffMember]:
    wished = await _reached(session, await listeners(session))
    if wished or not responsible:
        return wished
    addresses = {address.lower() for address in responsible}
    found = await session.scalars(
        select(StaffMember)
        .where(
            col(StaffMember.active),
            or_(col(StaffMember.account).in_(addresses), col(StaffMember.mail).in_(addresses)),
        )
        .order_by(col(StaffMember.id))
    )
    return await _reached(session, list(found))


async def _reached(session: AsyncSession, members: list[StaffMember]) -> list[StaffMember]:
    """Return those who have a way by which they can be told."""
    joined = await line_ids(session, members)
    return [member for member in members if member.mail or member.id in joined]


def _worded(words: Wording, silence: ChannelSilence, member: StaffMember) -> staff_messages.Words:
    return words(member, silence)


def _about(silence: ChannelSilence) -> str:
    return f"{OCCASION}{silence.id}"


async def _was_told(session: AsyncSession, silence: ChannelSilence) -> bool:
    query = select(StaffMessage.id).where(col(StaffMessage.about) == _about(silence)).limit(1)
    return await session.scalar(query) is not None


async def _waiting(session: AsyncSession) -> set[str]:
    """Return what messages are about that still wait to be sent."""
    found = await session.scalars(
        select(StaffMessage.about)
        .where(
            col(StaffMessage.state).in_(staff_messages.OPEN),
            col(StaffMessage.occasion).startswith(OCCASION),
        )
        .distinct()
    )
    return set(found)
