"""Who hears what becomes of a case: those who reported it, those who joined, those who follow."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from reports.members import members_of
from reports.models import CameBy, Follower, Report
from subscriptions.models import Resident, ResidentState


class Way(StrEnum):
    """How somebody can be told."""

    LINE = "line"
    LEFT = "left"
    """They left or blocked the account, or had themselves erased."""
    CALL = "call"
    """They have no LINE; somebody calls or writes to them."""
    PROGRAM = "program"
    """Another program reads the answer."""
    OFFICE = "office"
    """The office found it itself."""


_WAYS = {
    CameBy.LINE: Way.LEFT,
    CameBy.OPEN311: Way.PROGRAM,
    CameBy.PATROL: Way.OFFICE,
}


@dataclass(frozen=True)
class Hearer:
    """One who hears of a case.

    Parameters
    ----------
    report
        The report of which they hear, with its number: their own, or the one that they follow.
    resident
        None where we know no resident.
    follows
        Whether they follow it and did not report it themselves.
    only_reads
        Whether they follow it and did not see the same thing either.
    """

    report: Report
    resident: Resident | None
    way: Way
    follows: bool = False
    only_reads: bool = False

    @property
    def language(self) -> str:
        return self.report.language if self.resident is None else self.resident.language


async def hearers(session: AsyncSession, case: Report) -> list[Hearer]:
    """Return all who hear of a case, each once: who reported it before who follows it."""
    reports = await members_of(session, case)
    residents = await _residents(session, reports)
    found: dict[int, Hearer] = {}
    others: list[Hearer] = []
    for report in reports:
        resident = residents.get(report.resident_id or 0)
        if resident is None or resident.id is None:
            others.append(Hearer(report, None, _WAYS.get(report.came_by, Way.CALL)))
        else:
            found.setdefault(resident.id, Hearer(report, resident, _way(resident)))
    for report, resident, saw in await _followers(session, reports):
        # Who only reads of a case hears of it while everybody may see it.
        is_kept_off = case.hidden or report.hidden
        if resident.id is not None and (saw or not is_kept_off):
            follower = Hearer(report, resident, _way(resident), follows=True, only_reads=not saw)
            found.setdefault(resident.id, follower)
    return [*found.values(), *others]


def reachable(some: Iterable[Hearer]) -> list[Hearer]:
    """Return those who are told in LINE."""
    return [one for one in some if one.way is Way.LINE]


def _way(resident: Resident) -> Way:
    return Way.LINE if resident.state is ResidentState.FOLLOWING else Way.LEFT


async def _residents(session: AsyncSession, reports: Sequence[Report]) -> dict[int, Resident]:
    wanted = {report.resident_id for report in reports if report.resident_id is not None}
    if not wanted:
        return {}
    found = await session.scalars(select(Resident).where(col(Resident.id).in_(wanted)))
    return {one.id: one for one in found if one.id is not None}


async def _followers(
    session: AsyncSession, reports: Sequence[Report]
) -> list[tuple[Report, Resident, bool]]:
    """Return who follows which of the reports, and whether they saw the same thing."""
    by_id = {report.id: report for report in reports}
    rows = await session.execute(
        select(Follower.report_id, Resident, Follower.saw)
        .join(Resident, col(Resident.id) == col(Follower.resident_id))
        .where(col(Follower.report_id).in_(list(by_id)))
        .order_by(col(Follower.created_at), col(Resident.id))
    )
    return [(by_id[report_id], resident, saw) for report_id, resident, saw in rows]
