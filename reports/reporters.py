"""Who reported a case: for those who answer them alone, and each look is in the trail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from core import audit
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
    joined = select(Report).where(col(Report.case_id) == leading.id).order_by(col(Report.id))
    reports = [leading, *await session.scalars(joined)]
    found = [await _of_report(session, report) for report in reports]
    found += await _followers(session, reports)
    await audit.record(
        session,
        now,
        actor=by,
        action="report.reporter_seen",
        subject=f"report:{leading.number}",
        people=len(found),
    )
    return found


async def _of_report(session: AsyncSession, report: Report) -> Reporter:
    resident = await session.get(Resident, report.resident_id) if report.resident_id else None
    if resident is None:
        return Reporter(report.number, report.came_by, contact=report.contact)
    return Reporter(
        report.number,
        report.came_by,
        contact=report.contact,
        language=resident.language,
        since=resident.followed_at,
        is_reached=resident.state is ResidentState.FOLLOWING,
        others=await _others(session, resident, report.number),
    )


async def _others(session: AsyncSession, resident: Resident, number: str) -> tuple[str, ...]:
    query = (
        select(col(Report.number))
        .where(col(Report.resident_id) == resident.id, col(Report.number) != number)
        .order_by(col(Report.id).desc())
        .limit(MOST_OTHERS)
    )
    return tuple(await session.scalars(query))


async def _followers(session: AsyncSession, reports: Sequence[Report]) -> list[Reporter]:
    numbers = {report.id: report for report in reports}
    rows = await session.execute(
        select(Follower, Resident)
        .join(Resident, col(Resident.id) == col(Follower.resident_id))
        .where(col(Follower.report_id).in_(list(numbers)))
        .order_by(col(Follower.created_at), col(Resident.id))
    )
    return [
        Reporter(
            numbers[follower.report_id].number,
            CameBy.LINE,
            joined=True,
            language=resident.language,
            since=resident.followed_at,
            is_reached=resident.state is ResidentState.FOLLOWING,
            others=await _others(session, resident, ""),
        )
        for follower, resident in rows
    ]
