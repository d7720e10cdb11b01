"""Who in the office was told of a case, whether it arrived, and who looked after that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from core.reason import Reason
from reports.models import NEW_REPORT, Heard, NoticeState, NoticeWay, Report, StaffNotice
from reports.staff_news import NOT_RIGHT, again_occasion, member_occasion
from response.models import StaffMember, StaffMessage, StaffMessageState, StaffWay


@dataclass(frozen=True)
class Reached:
    """What became of the last message to a member of staff, or to the department's address.

    Parameters
    ----------
    name
        Of the member; "" for the department's own mail or chat.
    times
        How many messages there were.
    """

    name: str
    way: StaffWay | NoticeWay
    state: StaffMessageState | NoticeState
    at: datetime | None
    error: Reason | None
    times: int = 1


@dataclass(frozen=True)
class Telling:
    """One thing of which the office was told."""

    heard: Heard
    reached: tuple[Reached, ...]

    @property
    def is_new(self) -> bool:
        return self.heard.occasion == NEW_REPORT

    @property
    def is_no(self) -> bool:
        return self.heard.occasion.startswith(NOT_RIGHT)


async def of_case(session: AsyncSession, case: Report) -> list[Telling]:
    """Return of what of a case the office was told, the newest first; nothing before it was."""
    query = select(Heard).where(col(Heard.report_id) == case.id)
    rows = list(await session.scalars(query))
    shown = [one for one in rows if one.first_at is not None or one.occasion == NEW_REPORT]
    shown.sort(key=lambda one: one.first_at or one.last_at, reverse=True)
    return [Telling(one, await _reached(session, case, one)) for one in shown]


async def _reached(session: AsyncSession, case: Report, heard: Heard) -> tuple[Reached, ...]:
    if heard.first_at is None:
        return ()
    # What went out together has the moment in common, whatever else was in the message.
    first = select(StaffNotice).where(
        col(StaffNotice.created_at) == heard.first_at,
        col(StaffNotice.occasion).endswith(f":{heard.occasion}")
        if heard.dangerous
        else col(StaffNotice.occasion).startswith("some:")
        | col(StaffNotice.occasion).endswith(f":{heard.occasion}"),
        col(StaffNotice.department) == case.department,
    )
    notices = list(await session.scalars(first.order_by(col(StaffNotice.id))))
    if heard.tellings > 1:
        again = [again_occasion(heard, number) for number in range(2, heard.tellings + 1)]
        repeated = select(StaffNotice).where(col(StaffNotice.occasion).in_(again))
        notices += await session.scalars(repeated.order_by(col(StaffNotice.id)))
    found = [Reached("", one.way, one.state, one.ended_at, one.error) for one in notices]
    rows = await session.execute(
        select(StaffMember.name, StaffMessage)
        .join(StaffMessage, col(StaffMessage.member_id) == col(StaffMember.id))
        .where(
            col(StaffMessage.about) == f"report:{case.id}",
            col(StaffMessage.occasion).startswith(member_occasion(heard)),
        )
        .order_by(col(StaffMessage.id))
    )
    found += [Reached(name, one.way, one.state, one.ended_at, one.error) for name, one in rows]
    return _last(found)


def _last(found: Sequence[Reached]) -> tuple[Reached, ...]:
    """Return the last message by each way to each; one that arrived counts more."""
    kept: dict[tuple[str, str], Reached] = {}
    for one in found:
        key = (one.name, one.way.value)
        before = kept.get(key)
        arrived = before is not None and before.state.value == "sent" and one.state.value != "sent"
        last = before if before is not None and arrived else one
        times = 1 if before is None else before.times + 1
        kept[key] = Reached(last.name, last.way, last.state, last.at, last.error, times)
    return tuple(kept.values())
