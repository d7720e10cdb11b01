"""Which reports are one case: the one that leads it, and those that were joined to it."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from reports.models import Report


async def leader_of(session: AsyncSession, report: Report) -> Report:
    """Return the leading report of a report's case, which may be the report itself."""
    if report.case_id is None:
        return report
    return await session.get_one(Report, report.case_id)


async def leaders_of(session: AsyncSession, reports: Sequence[Report]) -> dict[int, Report]:
    """Return the leading report of each report's case, by the report's id."""
    known = {report.id: report for report in reports}
    missing = {report.case_id for report in reports if report.case_id} - set(known)
    if missing:
        found = await session.scalars(select(Report).where(col(Report.id).in_(missing)))
        known |= {report.id: report for report in found}
    return {report.id or 0: known[report.case_id or report.id] for report in reports}


async def joined_to(session: AsyncSession, leader: Report, *, lock: bool = False) -> list[Report]:
    """Return the reports that were joined to a leading one, the oldest first.

    Parameters
    ----------
    lock
        Whether they are kept until the transaction ends: what becomes of the case is noted in them
        too.
    """
    query = select(Report).where(col(Report.case_id) == leader.id).order_by(col(Report.id))
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return list(await session.scalars(query))


async def members_of(session: AsyncSession, leader: Report) -> list[Report]:
    """Return all reports of a case, the leading one first, then the oldest."""
    return [leader, *await joined_to(session, leader)]
