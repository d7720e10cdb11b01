"""Tell staff who wish it that a warning is held, and stop telling when somebody has decided."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, delete, select

from city.city import Decision
from core.database import Database
from core.work import Queue
from feeds.held import HeldItem, held_alarm
from feeds.models import Notice
from response import staff_messages
from response.models import HeldAlarmWish, StaffMember, StaffMessage
from response.reasons import reason

OCCASION = "held:"
Wording = Callable[[StaffMember, HeldItem], staff_messages.Words]


async def wish(session: AsyncSession, member_id: int, now: datetime, *, told: bool) -> None:
    """Store whether a member wishes to be told."""
    known = await session.get(HeldAlarmWish, member_id)
    if told and known is None:
        session.add(HeldAlarmWish(member_id=member_id, wished_at=now))
    elif not told:
        await session.execute(
            delete(HeldAlarmWish).where(col(HeldAlarmWish.member_id) == member_id)
        )


async def wishes(session: AsyncSession, member_id: int) -> bool:
    """Whether a member wishes to be told."""
    return await session.get(HeldAlarmWish, member_id) is not None


async def tell_staff(database: Database, queue: Queue, now: datetime, words: Wording) -> int:
    """Tell of each held warning once; return of how many somebody was told now.

    Can run at any time and in any process: nobody gets two messages about one notice.
    """
    async with database.reading() as session:
        alarm = await held_alarm(session, now)
        stale = await _decided(session)
        hearing = await listeners(session) if alarm.items else []
        told = await _told(session, [item.notice.id for item in alarm.items])
    fresh = [item for item in alarm.items if item.notice.id not in told]
    if not stale and not (fresh and hearing):
        return 0
    async with database.writing() as session:
        for number in stale:
            why = reason("staff-message.decided")
            await staff_messages.stop(session, _about(number), why, now)
        for item in fresh if hearing else ():
            await staff_messages.tell(
                session,
                queue,
                hearing,
                partial(_worded, words, item),
                now,
                occasion=f"{OCCASION}{item.notice.id}",
                about=_about(item.notice.id),
                drill=False,
            )
    return len(fresh) if hearing else 0


def _worded(words: Wording, item: HeldItem, member: StaffMember) -> staff_messages.Words:
    return words(member, item)


def _about(notice_id: int | None) -> str:
    return f"notice:{notice_id}"


async def listeners(session: AsyncSession) -> list[StaffMember]:
    """Return the active members who wish to be told."""
    found = await session.scalars(
        select(StaffMember)
        .join(HeldAlarmWish, col(HeldAlarmWish.member_id) == col(StaffMember.id))
        .where(col(StaffMember.active))
        .order_by(col(StaffMember.id))
    )
    return list(found)


async def _told(session: AsyncSession, notices: list[int | None]) -> set[int]:
    """Return the notices of which somebody was told."""
    found = await session.scalars(
        select(col(StaffMessage.about)).where(
            col(StaffMessage.about).in_([_about(number) for number in notices])
        )
    )
    return {int(about.partition(":")[2]) for about in found}


async def _decided(session: AsyncSession) -> list[int]:
    """Return the notices that are decided and of which messages still wait to be sent."""
    waiting = await session.scalars(
        select(col(StaffMessage.about)).where(
            col(StaffMessage.state).in_(staff_messages.OPEN),
            col(StaffMessage.occasion).startswith(OCCASION),
        )
    )
    numbers = {int(about.partition(":")[2]) for about in waiting}
    if not numbers:
        return []
    held = await session.scalars(
        select(Notice.id).where(col(Notice.id).in_(numbers), col(Notice.decision) == Decision.HOLD)
    )
    return sorted(numbers - set(held))
