"""Who reported a case: for those who answer them alone, and each look is in the trail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import func
from sqlalchemy import select as sql_select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from core import audit
from reports.members import members_of
from reports.models import CameBy, Follower, Report
from subscriptions.models import Resident, ResidentState

MOST_OTHERS = 20


@dataclass(frozen=True)
class Reporter:
    """Somebody who reported a case, or who joined it.

    Parameters
    ----------
    number
        The report by which they did; of somebody who joined, the one that they joined.
    contact
        Who told it by telephone or at the counter, and how to call back.
    language
        In which they read; empty if they are no resident of LINE's.
    is_reached
        Whether they can be told something in LINE.
    others
        Numbers of other reports of the same resident, the newest first.
    """

    number: str
    came_by: CameBy
    joined: bool = False
    contact: str = ""
    language: str = ""
    since: datetime | None = None
    is_reached: bool = False
    others: tuple[str, ...] = ()


async def reporters(
    session: AsyncSession, leading: Report, *, by: str, now: datetime
) -> list[Reporter]:
    """Return who reported a case, and note in the trail that somebody looked.

    Raises
    ------
    ValueError
        The report does not lead its case.
    """
    if leading.case_id is not None:
        raise ValueError(leading.number)
    reports = await members_of(session, leading)
    residents = await _residents(session, reports)
    joined = await _followers(session, reports)
    known = {one.id: one for one in (*residents.values(), *(who for _, who in joined))}
    others = await _numbers(session, [one for one in known if one is not None])
    found = [
        _reporter(one.number, one.came_by, residents.get(one.resident_id or 0), others)
        for one in reports
    ]
    found = [replace(who, contact=one.contact) for who, one in zip(found, reports, strict=True)]
    found += [
        replace(_reporter(number, CameBy.LINE, resident, others), joined=True)
        for number, resident in joined
    ]
    await audit.record(
        session,
        now,
        actor=by,
        action="report.reporter_seen",
        subject=f"report:{leading.number}",
        people=len(found),
    )
    return found


def _reporter(
    number: str, came_by: CameBy, resident: Resident | None, others: Mapping[int, list[str]]
) -> Reporter:
    if resident is None:
        return Reporter(number, came_by)
    mine = [one for one in others.get(resident.id or 0, ()) if one != number]
    return Reporter(
        number,
        came_by,
        language=resident.language,
        since=resident.followed_at,
        is_reached=resident.state is ResidentState.FOLLOWING,
        others=tuple(mine[:MOST_OTHERS]),
    )


async def _residents(session: AsyncSession, reports: Sequence[Report]) -> dict[int, Resident]:
    ids = {report.resident_id for report in reports if report.resident_id is not None}
    found = await session.scalars(select(Resident).where(col(Resident.id).in_(ids)))
    return {one.id or 0: one for one in found}


async def _followers(
    session: AsyncSession, reports: Sequence[Report]
) -> list[tuple[str, Resident]]:
    """Return who joined which of the reports, in their order."""
    numbers = {report.id: report.number for report in reports}
    rows = await session.execute(
        select(Follower.report_id, Resident)
        .join(Resident, col(Resident.id) == col(Follower.resident_id))
        .where(col(Follower.report_id).in_(list(numbers)))
        .order_by(col(Follower.created_at), col(Resident.id))
    )
    return [(numbers[report_id], resident) for report_id, resident in rows]


async def _numbers(session: AsyncSession, residents: Sequence[int]) -> dict[int, list[str]]:
    """Return the numbers of the newest reports of each resident."""
    newest = func.row_number().over(
        partition_by=col(Report.resident_id), order_by=col(Report.id).desc()
    )
    some = (
        sql_select(col(Report.resident_id), col(Report.number), newest.label("place"))
        .where(col(Report.resident_id).in_(residents))
        .subquery()
    )
    query = sql_select(some.c.resident_id, some.c.number).where(some.c.place <= MOST_OTHERS + 1)
    found: dict[int, list[str]] = {}
    for resident_id, number in await session.execute(query.order_by(some.c.place)):
        found.setdefault(resident_id, []).append(number)
    return found
