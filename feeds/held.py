"""What waits for a person's decision: the gravest first, and until when it is of use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, case, func, or_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from feeds.models import WAITS, Notice
from feeds.overlay import DESK
from feeds.telegrams import same_danger

GRAVE = 3
"""The level from which a held notice alarms staff, whoever holds it."""
BY_STAFF = f"rule:{DESK}#"
"""With this begins ``decided_by`` of what a rule of staff holds."""
MOST = 500
MOST_NEWER = 50


@dataclass(frozen=True)
class HeldItem:
    """A held notice at a moment.

    ``since`` is when it was held, ``until`` when it is out of date; None if it never is.
    """

    notice: Notice
    now: datetime

    @property
    def since(self) -> datetime:
        return self.notice.created_at

    @property
    def until(self) -> datetime | None:
        return self.notice.expires_at

    @property
    def out_of_date(self) -> bool:
        return self.until is not None and self.until <= self.now

    @property
    def alarms(self) -> bool:
        """Whether staff are alarmed: a warning, or what a rule of staff holds; no drill."""
        return not self.out_of_date and _alarms(self.notice)


@dataclass(frozen=True)
class HeldAlarm:
    """What every page shows of the held notices.

    Parameters
    ----------
    waiting
        How many wait, without those that are out of date, at most :data:`MOST`.
    items
        Those that alarm, the gravest first.
    """

    waiting: int
    items: tuple[HeldItem, ...]

    @property
    def mark(self) -> str:
        """Text that changes when the alarm does; "" for none."""
        return "" if not self.items else f"h{len(self.items)}-{self.items[0].notice.id}"


NOTHING_HELD = HeldAlarm(0, ())


async def held_items(
    session: AsyncSession, most: int, now: datetime, *only: ColumnElement[bool]
) -> list[HeldItem]:
    """Return held notices: out-of-date ones and drills last, then the gravest, then the oldest."""
    reach = func.max if session.get_bind().dialect.name == "sqlite" else func.greatest
    query = (
        select(Notice)
        .where(WAITS, *only)
        .order_by(
            case((col(Notice.expires_at) <= now, 1), else_=0),
            col(Notice.drill),
            col(Notice.emergency).desc(),
            reach(col(Notice.level), col(Notice.urgency)).desc(),
            col(Notice.created_at),
            col(Notice.id),
        )
        .limit(most)
    )
    return [HeldItem(notice, now) for notice in await session.scalars(query)]


async def held_alarm(session: AsyncSession, now: datetime) -> HeldAlarm:
    """Return the alarm of the held notices, for every page."""
    in_time = or_(col(Notice.expires_at).is_(None), col(Notice.expires_at) > now)
    waiting = select(Notice.id).where(WAITS, in_time).limit(MOST).subquery()
    number = await session.scalar(select(func.count()).select_from(waiting)) or 0
    if not number:
        return NOTHING_HELD
    # The words of a rebuilt site's hundred articles are not read for this.
    alarming = or_(
        col(Notice.decided_by).startswith(BY_STAFF),
        col(Notice.emergency),
        col(Notice.level) >= GRAVE,
        col(Notice.urgency) >= GRAVE,
    )
    found = await held_items(session, MOST, now, in_time, col(Notice.drill).is_(False), alarming)
    return HeldAlarm(number, tuple(item for item in found if item.alarms))


async def overtaken_by(session: AsyncSession, notice: Notice) -> Notice | None:
    """Return the newest later notice of the agency about the same danger."""
    if notice.standing is None:
        return None
    query = (
        select(Notice)
        .where(
            col(Notice.hazard) == notice.hazard,
            col(Notice.id) > notice.id,
            col(Notice.drill).is_(notice.drill),
        )
        .order_by(col(Notice.id).desc())
        .limit(MOST_NEWER)
    )
    newer: Sequence[Notice] = (await session.scalars(query)).all()
    return next((each for each in newer if same_danger(notice, each)), None)


def _alarms(notice: Notice) -> bool:
    if notice.drill:
        return False
    by_staffs_rule = notice.decided_by.startswith(BY_STAFF)
    return by_staffs_rule or notice.emergency or notice.reach >= GRAVE
