"""The one way in which the office changes a case: state, team, priority, due day, place.

A case is a report with those that were joined to it (``reports.cases``). Its leading report is
changed; the joined ones keep their state and follow it for their residents. Who tells the residents
what became of it reads :class:`Changed`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from typing import Any

from sqlalchemy import func, update
from sqlalchemy import select as select_rows
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from city.city import City
from city.gazetteer import Gazetteer
from core.clock import in_japan
from core.errors import BadInput
from core.geo import Position
from reports import due, opening, priority, register, states
from reports.kinds import city_now
from reports.members import joined_to
from reports.models import (
    Addition,
    OrderItem,
    Outcome,
    Priority,
    Report,
    ReportUpdate,
    Team,
)
from reports.places import locate
from reports.reasons import reason
from reports.states import ReportState, Stage

WORKED_OUT = 0
"""As a priority: what the facts of the case give, and no person's word."""
REOPENED = "reopened"
"""Among what changed: the state that had ended the case."""


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
        1 to 4; it then stays above what is worked out. :data:`WORKED_OUT` gives it back.
    note
        For colleagues, not for residents.
    place
        Longitude and latitude (degrees, WGS 84). District, road, owner and department are worked
        out again for what is not given; so is the address if it is not.
    owner
        The code of one of ``City.owners``; "" for the city itself.
    is_home, hidden
        Whether the place is somebody's home; whether staff keep it off the public pages.
    added
        What the reporter says by it. Then nobody of the office has looked at the case by it.
    origin
        What made it, as :attr:`ReportUpdate.origin` keeps it.
    """

    state: ReportState | None = None
    reason: str = ""
    department: str = ""
    team_id: int | Keep | None = KEEP
    priority: int | None = None
    due_on: date | Keep | None = KEEP
    note: str = ""
    category: str = ""
    place: Position | None = None
    address: str | Keep = KEEP
    owner: str | Keep = KEEP
    is_home: bool | None = None
    hidden: bool | None = None
    added: Addition | None = None
    origin: str | None = None


@dataclass(frozen=True)
class Changed:
    """A changed case.

    Parameters
    ----------
    report
        The leading report.
    joined
        The reports that were joined to it, the oldest first.
    update
        The step that was written; None if nothing changed.
    """

    report: Report
    before: ReportState
    after: ReportState
    joined: tuple[Report, ...]
    update: ReportUpdate | None = None


async def change(
    session: AsyncSession,
    city: City,
    number: str,
    wanted: Change,
    *,
    by: str,
    now: datetime,
    seen: str | None = None,
    places: Gazetteer | None = None,
) -> Changed:
    """Change the case of a report, under a person's name, in the caller's transaction.

    Whoever changes several in one transaction locks them all before (:func:`hold`).

    Parameters
    ----------
    number
        The leading report, or one joined to it.
    seen
        ``updated_at`` as the person saw it, in ISO form; None to change it whatever it is.
    places
        Names a place that is moved.

    Raises
    ------
    BadInput
        There is no such report, kind, department, owner or team; it was changed meanwhile; the
        state may not follow or lacks its reason.
    """
    city = await city_now(session, city)
    report = await leading(session, number)
    if seen is not None and seen != report.updated_at.isoformat():
        raise BadInput(reason("report.changed"))
    before = report.state
    after = wanted.state or before
    _check(city, before, after, wanted)
    members = tuple(await joined_to(session, report, lock=True))
    changes: dict[str, list[Any]] = {}
    _place(city, report, wanted, changes, places)
    if wanted.department:
        _set(report, "department", wanted.department, changes)
    await _give(session, report, wanted, changes)
    _plan(city, report, members, after, wanted, changes, by=by, now=now)
    if "is_home" in changes:
        for member in members:
            member.is_home = report.is_home
            session.add(member)
    update = None
    if after is not before and after.facts.stage is Stage.ENDED:
        for one in (report, *members):
            one.said_later = ""
    if after is not before or changes or wanted.note or wanted.added:
        if report.opened_at is None and wanted.added is None:
            report.opened_at, report.opened_by = now, by
        if wanted.added is None:
            await opening.looked_after(session, report, by=by, now=now)
        update = await register.note_step(
            session,
            report,
            by=by,
            now=now,
            state=after if after is not before else None,
            reason=wanted.reason if after is not before else "",
            note=wanted.note,
            changes=changes,
            added=wanted.added,
            origin=wanted.origin,
            action="report.moved" if after is not before else "report.changed",
        )
        if priority.settle(report, city, now, members):
            session.add(report)
    if after is not before and after.facts.stage is Stage.ENDED:
        await _settle_orders(session, report, by, now)
    return Changed(report, before, after, members, update)


async def _settle_orders(session: AsyncSession, report: Report, by: str, now: datetime) -> None:
    """Take a case that ended from what the office has to look at: what its crews said is used."""
    await session.execute(
        update(OrderItem)
        .where(
            col(OrderItem.report_id) == report.id,
            col(OrderItem.outcome) != Outcome.WAITING,
            col(OrderItem.settled_at).is_(None),
        )
        .values(settled_at=now, settled_by=by)
    )


def _check(city: City, before: ReportState, after: ReportState, wanted: Change) -> None:
    if not states.may_follow(before, after):
        raise BadInput(reason("report.state"))
    if after is not before and after.facts.reasons and wanted.reason not in after.facts.reasons:
        raise BadInput(reason("report.needs-reason"))
    if wanted.priority is not None and wanted.priority not in {WORKED_OUT, *Priority}:
        raise BadInput(
            reason("report.priority", most=max(Priority).value, normal=Priority.NORMAL.value)
        )
    if wanted.department and wanted.department not in {d.code for d in city.departments}:
        raise BadInput(reason("report.no-department", department=wanted.department[:40]))
    if wanted.category and wanted.category not in {c.code for c in city.report_categories}:
        raise BadInput(reason("report.no-category", category=wanted.category[:40]))
    if wanted.owner is not KEEP and wanted.owner not in {"", *(o.code for o in city.owners)}:
        raise BadInput(reason("report.no-owner"))
    if wanted.place is not None:
        longitude, latitude = wanted.place
        if not (-180 <= longitude <= 180 and -90 <= latitude <= 90):
            raise BadInput(reason("report.no-place"))


def _place(
    city: City,
    report: Report,
    wanted: Change,
    changes: dict[str, list[Any]],
    places: Gazetteer | None,
) -> None:
    """Move a report, or correct its kind; what follows from both is worked out again."""
    if wanted.category and wanted.category != report.category:
        changes["category"] = [report.category, wanted.category]
        report.category = wanted.category
    moved = wanted.place is not None and wanted.place != report.place
    if moved:
        assert wanted.place is not None
        old = [report.longitude, report.latitude, report.address]
        report.longitude, report.latitude = wanted.place
        found = locate(city, wanted.place, places)
        report.area, report.road, report.road_class = found.area, found.road, found.road_class
        report.address = found.address or report.address
        changes["place"] = [old, [*wanted.place, report.address]]
    if wanted.address is not KEEP and wanted.address != report.address:
        changes["address"] = [report.address, wanted.address]
        report.address = wanted.address[: register.MAX_TEXT]
    if moved or "category" in changes:
        other = city.owner_of(report.category, report.place)
        _set(report, "owner", other.code if other else "", changes)
        _set(report, "department", city.department_of(report.category, report.place), changes)
    if wanted.owner is not KEEP:
        _set(report, "owner", wanted.owner, changes)
    for name in ("is_home", "hidden"):
        value = getattr(wanted, name)
        if value is not None:
            _set(report, name, value, changes)


def _set(report: Report, name: str, value: Any, changes: dict[str, list[Any]]) -> None:
    old = getattr(report, name)
    if old != value:
        before = changes[name][0] if name in changes else old
        setattr(report, name, value)
        if before == value:
            del changes[name]
        else:
            changes[name] = [before, value]


async def _give(
    session: AsyncSession, report: Report, wanted: Change, changes: dict[str, list[Any]]
) -> None:
    """Give a case to a team, or take it from one."""
    if wanted.team_id is KEEP or wanted.team_id == report.team_id:
        return
    before = await session.get(Team, report.team_id) if report.team_id else None
    team = await session.get(Team, wanted.team_id) if wanted.team_id is not None else None
    if wanted.team_id is not None and (team is None or not team.active):
        raise BadInput(reason("report.no-team"))
    report.team_id = team.id if team else None
    changes["team"] = [before.name if before else None, team.name if team else None]


def _plan(
    city: City,
    report: Report,
    members: Sequence[Report],
    after: ReportState,
    wanted: Change,
    changes: dict[str, list[Any]],
    *,
    by: str,
    now: datetime,
) -> None:
    """Set priority and due day; work that begins again has its whole time again."""
    before = report.state
    if before.facts.stage is Stage.ENDED and after.facts.stage is not Stage.ENDED:
        changes[REOPENED] = [before.value, after.value]
        if wanted.due_on is KEEP:
            _due(report, due.due_on(city, report.category, in_japan(now).date()), changes)
    elif "category" in changes and wanted.due_on is KEEP:
        _due(report, due.due_on(city, report.category, in_japan(report.created_at).date()), changes)
    if wanted.due_on is not KEEP:
        _due(report, wanted.due_on, changes)
    if wanted.priority == WORKED_OUT and report.priority_by:
        old, report.priority_by = report.priority, ""
        priority.settle(report, city, now, members)
        changes["priority"] = [old, report.priority]
    elif wanted.priority and (wanted.priority != report.priority or not report.priority_by):
        changes["priority"] = [report.priority, int(wanted.priority)]
        report.priority, report.priority_by = int(wanted.priority), by


def _due(report: Report, day: date | None, changes: dict[str, list[Any]]) -> None:
    if day != report.due_on:
        changes["due"] = [
            report.due_on.isoformat() if report.due_on else None,
            day.isoformat() if day else None,
        ]
        report.due_on = day


async def leading(session: AsyncSession, number: str) -> Report:
    """Return the leading report of a number's case, locked until the transaction ends.

    Raises
    ------
    UnknownReport
        There is no such report.
    """
    report = await register.get_report(session, number)
    while True:
        if report.case_id is not None:
            report = await session.get_one(Report, report.case_id)
        part = await session.begin_nested()
        await session.refresh(report, with_for_update=True)
        if report.case_id is None:
            await part.commit()
            return report
        # Joined while we waited: no lock is held while we wait for its leader's.
        await part.rollback()
        await session.refresh(report)


async def hold(session: AsyncSession, numbers: Iterable[str]) -> dict[str, Report]:
    """Lock the cases of several reports before one of them changes; return the reports by number.

    Who changed one case holds the audit trail until the end, and must wait for no other.
    """
    wanted = list(numbers)
    named = select_rows(func.coalesce(Report.case_id, Report.id)).where(
        col(Report.number).in_(wanted)
    )
    ids = set(await session.scalars(named))
    for which in (col(Report.id).in_(ids), col(Report.case_id).in_(ids)):
        query = select(Report).where(which).order_by(col(Report.id)).with_for_update()
        await session.execute(query.execution_options(populate_existing=True))
    found = await session.scalars(select(Report).where(col(Report.number).in_(wanted)))
    return {report.number: report for report in found}
