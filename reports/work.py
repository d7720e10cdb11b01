"""The one way in which the office changes a case: state, department, team, priority, due day, note.

A case is a report with those that were joined to it (``Report.case_id``). Its leading report is
changed; the joined ones keep their state and follow it for their residents. Who tells the residents
what became of it reads :class:`Changed`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from city.city import City
from core.errors import BadInput
from reports import register, states
from reports.models import NORMAL, WHEN_THERE_IS_TIME, Report, Team
from reports.reasons import reason
from reports.states import ReportState


class Keep(Enum):
    """Stands for a value that is not changed, where None means that there is none."""

    KEEP = "keep"


KEEP = Keep.KEEP


@dataclass(frozen=True, kw_only=True)
class Change:
    """What somebody changes in one act; what is not given stays.

    Parameters
    ----------
    reason
        Why, of the reasons of the new state (``states.StateFacts.reasons``).
    priority
        1 to 4; it then stays above what is worked out.
    note
        For colleagues, not for residents.
    """

    state: ReportState | None = None
    reason: str = ""
    department: str = ""
    team_id: int | Keep | None = KEEP
    priority: int | None = None
    due_on: date | Keep | None = KEEP
    note: str = ""


@dataclass(frozen=True)
class Changed:
    """A changed case.

    Parameters
    ----------
    report
        The leading report.
    joined
        The reports that were joined to it, the oldest first.
    news
        The message to residents about the change of state (a msgid of ``states.CATALOGUE``), or "".
    """

    report: Report
    before: ReportState
    after: ReportState
    joined: tuple[Report, ...]
    news: str


async def change(
    session: AsyncSession,
    city: City,
    number: str,
    wanted: Change,
    *,
    by: str,
    now: datetime,
    seen: str | None = None,
) -> Changed:
    """Change the case of a report, under a person's name, in the caller's transaction.

    Parameters
    ----------
    number
        The leading report, or one joined to it.
    seen
        ``updated_at`` as the person saw it, in ISO form; None to change it whatever it is.

    Raises
    ------
    BadInput
        There is no such report, department or team; it was changed meanwhile; the state may not
        follow or lacks its reason.
    """
    report = await leading(session, number)
    if seen is not None and seen != report.updated_at.isoformat():
        raise BadInput(reason("report.changed"))
    before = report.state
    after = wanted.state or before
    _check(before, after, wanted)
    if wanted.department and wanted.department != report.department:
        await register.assign(session, city, report, wanted.department, by=by, now=now)
    notes = [wanted.note] if wanted.note else []
    if wanted.team_id is not KEEP and wanted.team_id != report.team_id:
        team = None if wanted.team_id is None else await session.get(Team, wanted.team_id)
        if wanted.team_id is not None and (team is None or not team.active):
            raise BadInput(reason("report.no-team"))
        report.team_id = team.id if team else None
        notes.append(f"→ {team.name if team else '–'}")
    if wanted.priority is not None and (wanted.priority, by) != (
        report.priority,
        report.priority_by,
    ):
        report.priority, report.priority_by = wanted.priority, by
        notes.append(f"!{wanted.priority}")
    if wanted.due_on is not KEEP and wanted.due_on != report.due_on:
        notes.append(f"{report.due_on or '–'} → {wanted.due_on or '–'}")
        report.due_on = wanted.due_on
    await session.flush()
    if after is not before or notes:
        await register.change_state(
            session, report, after, by=by, now=now, note=" ".join(notes), reason=wanted.reason
        )
    return Changed(
        report, before, after, tuple(await joined(session, report)), states.news(before, after)
    )


def _check(before: ReportState, after: ReportState, wanted: Change) -> None:
    if not states.may_follow(before, after):
        raise BadInput(reason("report.state"))
    if after is not before and after.facts.reasons and wanted.reason not in after.facts.reasons:
        raise BadInput(reason("report.needs-reason"))
    if wanted.priority is not None and not 1 <= wanted.priority <= WHEN_THERE_IS_TIME:
        raise BadInput(reason("report.priority", most=WHEN_THERE_IS_TIME, normal=NORMAL))


async def leading(session: AsyncSession, number: str) -> Report:
    """Return the leading report of a number's case, locked until the transaction ends.

    Raises
    ------
    UnknownReport
        There is no such report.
    """
    report = await register.get_report(session, number)
    if report.case_id is not None:
        report = await session.get_one(Report, report.case_id)
    await session.refresh(report, with_for_update=True)
    if report.case_id is not None:  # joined while we waited
        return await leading(session, number)
    return report


async def joined(session: AsyncSession, report: Report) -> Sequence[Report]:
    """Return the reports that were joined to a leading one, the oldest first."""
    query = select(Report).where(col(Report.case_id) == report.id).order_by(col(Report.id))
    return list(await session.scalars(query))
