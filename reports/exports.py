"""Exports of reports for a spreadsheet and a map, as streams of any length.

They have the words of the office: Japanese headings and names, not codes. Nothing about the
reporter is in them but the language.
"""

from __future__ import annotations

import asyncio
import csv
import io
import json
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import exists, func
from sqlalchemy import select as sql_select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col, select

from city.city import City, name_in
from core.clock import in_japan
from core.database import Database
from core.languages import mark
from core.text import spreadsheet_cell
from reports import names, register
from reports.listing import NO_INDEX, Narrowed, ReportFilter, narrowed
from reports.models import CameBy, Photo, Report, ReportUpdate, Team
from reports.states import CATALOGUE, TO_STAFF, ReportState

CHUNK = 400
"""Reports that are read at a time."""

HEADINGS = (
    mark("Number"),
    mark("Case"),
    mark("State"),
    mark("Kind"),
    mark("Department"),
    mark("Assigned to"),
    mark("Priority"),
    mark("Due"),
    mark("Came in"),
    mark("Taken up"),
    mark("Work began"),
    mark("Ended"),
    mark("Last change"),
    mark("Longitude"),
    mark("Latitude"),
    mark("Address"),
    mark("District"),
    mark("Road"),
    mark("Class of road"),
    mark("Looked after by"),
    mark("What was said"),
    mark("In Japanese"),
    mark("Language"),
    mark("Came by"),
    mark("Reporters"),
    mark("Photos"),
    mark("States and when"),
)


@dataclass(frozen=True)
class Export:
    """The content of an export: the matching reports at one moment.

    There are ``number`` of them, with ids up to ``last``. Where cases are wanted, the reports that
    were joined to them follow each.
    """

    wanted: ReportFilter
    number: int
    last: int


@dataclass(frozen=True)
class Wording:
    """How an export says things.

    Parameters
    ----------
    language
        ``ja`` or ``en``.
    address
        Of the service; links to photos begin with it.
    """

    city: City
    language: str = "ja"
    address: str = ""

    def say(self, message: str) -> str:
        return CATALOGUE.context_text(TO_STAFF, self.language, message)

    def named(self, of: Sequence[Any], code: str | None) -> str:
        """Return a name of the city's folder; the code if it is no longer there."""
        found = next((each for each in of if each.code == code), None)
        return name_in(found.names, self.language) if found else code or ""

    def category(self, code: str) -> str:
        return self.named(self.city.report_categories, code)

    def department(self, code: str) -> str:
        return self.named(self.city.departments, code)

    def area(self, code: str | None) -> str:
        return self.named(self.city.districts, code)

    def owner(self, code: str) -> str:
        return self.named(self.city.owners, code)

    def priority(self, priority: int) -> str:
        return names.priority_name(priority, self.language)

    def came_by(self, how: CameBy) -> str:
        return names.came_by_name(how, self.language)

    def road_class(self, code: str) -> str:
        return names.road_class_name(code, self.language)


@dataclass(frozen=True)
class Row:
    """One report of an export with what other tables say of it.

    Parameters
    ----------
    leader
        The number of the report that leads the case; empty for that report itself.
    photos
        Ids of its photos.
    steps
        Its states in turn, and since when.
    """

    report: Report
    leader: str
    team: str
    photos: tuple[int, ...]
    steps: tuple[tuple[datetime, ReportState], ...]


async def begin_export(session: AsyncSession, wanted: ReportFilter | None = None) -> Export:
    """Return what an export would contain now, for the audit trail, before it is read."""
    wanted = wanted or ReportFilter()
    last = int(await session.scalar(select(func.max(Report.id))) or 0)
    every = sql_select(func.count()).select_from(Report)
    if wanted == ReportFilter(cases=True):
        # All cases with their joined reports are all reports.
        return Export(wanted, int(await session.scalar(every) or 0), last)
    narrow = await narrowed(session, wanted)
    number = int(await session.scalar(every.where(*narrow.conditions())) or 0)
    if wanted.cases:
        number += int(await session.scalar(_joined_to(narrow)) or 0)
    return Export(wanted, number, last)


def _joined_to(narrow: Narrowed) -> Any:
    """Return how to count the reports that were joined to cases that fit.

    From the few that were joined to the cases that lead them, and not the other way round.
    """
    joined = aliased(Report)
    leader = exists().where(col(Report.id) == col(joined.case_id), *narrow.conditions(NO_INDEX))
    return (
        sql_select(func.count()).select_from(joined).where(col(joined.case_id).is_not(None), leader)
    )


async def exported(database: Database, export: Export) -> AsyncIterator[list[Row]]:
    """Yield the reports of an export, the newest first, some hundred at a time.

    Each part is read in its own transaction, so that a slow reader blocks nothing, and half of the
    time is left to others. A report that changes meanwhile is included once, before or after the
    change.
    """
    before = export.last + 1
    async with database.reading() as session:
        narrow = await narrowed(session, export.wanted)
    while True:
        began = time.perf_counter()
        async with database.reading() as session:
            found = await _part(session, narrow, before)
            leaders = len(found)
            if found:
                before = found[-1].id or 0
            if narrow.wanted.cases:
                found = await _with_joined(session, found)
            rows = await rows_of(session, found)
        if rows:
            yield rows
        if leaders < CHUNK:
            return
        # As much time for everybody else, such as LINE's webhooks, as this part took.
        await asyncio.sleep(time.perf_counter() - began)


async def _part(session: AsyncSession, narrow: Narrowed, before: int) -> list[Report]:
    query = select(Report).where(*narrow.conditions(NO_INDEX), col(Report.id) < before)
    return list(await session.scalars(query.order_by(col(Report.id).desc()).limit(CHUNK)))


async def _with_joined(session: AsyncSession, leaders: Sequence[Report]) -> list[Report]:
    query = select(Report).where(col(Report.case_id).in_([each.id for each in leaders]))
    joined: dict[int, list[Report]] = defaultdict(list)
    for report in sorted(await session.scalars(query), key=lambda each: each.id or 0):
        joined[report.case_id or 0].append(report)
    return [one for each in leaders for one in (each, *joined.get(each.id or 0, ()))]


async def rows_of(session: AsyncSession, found: Sequence[Report]) -> list[Row]:
    """Return reports with what other tables say of them."""
    rows = []
    teams = {team.id: team.name for team in await session.scalars(select(Team))}
    for first in range(0, len(found), CHUNK):
        rows += await _rows(session, found[first : first + CHUNK], teams)
    return rows


async def _rows(
    session: AsyncSession, found: Sequence[Report], teams: Mapping[int | None, str]
) -> list[Row]:
    ids = [report.id for report in found if report.id is not None]
    leaders = await _numbers(session, {each.case_id for each in found if each.case_id})
    photos: dict[int, list[int]] = defaultdict(list)
    of_these = sql_select(col(Photo.report_id), col(Photo.id)).where(col(Photo.report_id).in_(ids))
    for report_id, photo_id in await session.execute(of_these.order_by(col(Photo.id))):
        photos[report_id].append(photo_id or 0)
    steps: dict[int, list[tuple[datetime, ReportState]]] = defaultdict(list)
    life = sql_select(
        col(ReportUpdate.report_id), col(ReportUpdate.created_at), col(ReportUpdate.state)
    ).where(col(ReportUpdate.report_id).in_(ids), col(ReportUpdate.state).is_not(None))
    for report_id, at, state in await session.execute(life.order_by(col(ReportUpdate.id))):
        if state is not None and (not steps[report_id] or steps[report_id][-1][1] is not state):
            steps[report_id].append((at, state))
    return [
        Row(
            report,
            leaders.get(report.case_id or 0, ""),
            teams.get(report.team_id, ""),
            tuple(photos[report.id or 0]),
            tuple(steps[report.id or 0]),
        )
        for report in found
    ]


async def _numbers(session: AsyncSession, ids: set[int]) -> dict[int, str]:
    if not ids:
        return {}
    query = sql_select(col(Report.id), col(Report.number)).where(col(Report.id).in_(ids))
    return {number or 0: called for number, called in await session.execute(query)}


async def export_csv(database: Database, export: Export, wording: Wording) -> AsyncIterator[str]:
    """Yield an export as CSV with a byte-order mark, for Excel in Japan.

    A cell that a spreadsheet would treat as a formula gets an apostrophe in front.
    """
    output = io.StringIO()
    output.write("\ufeff")
    writer = csv.writer(output, lineterminator="\r\n")
    writer.writerow([wording.say(heading) for heading in HEADINGS])
    yield output.getvalue()
    async for rows in exported(database, export):
        output.seek(0)
        output.truncate()
        writer.writerows(_cells(row, wording) for row in rows)
        yield output.getvalue()


def _cells(row: Row, wording: Wording) -> list[str]:
    report = row.report
    steps = (f"{_moment(at)} {state.staff_name(wording.language)}" for at, state in row.steps)
    cells = [
        report.number,
        row.leader or report.number,
        report.state.staff_name(wording.language),
        wording.category(report.category),
        wording.department(report.department),
        row.team,
        wording.priority(report.priority),
        report.due_on.isoformat() if report.due_on else "",
        _moment(report.created_at),
        _moment(report.accepted_at),
        _moment(report.began_at),
        _moment(report.ended_at),
        _moment(report.updated_at),
        "" if report.longitude is None else f"{report.longitude:.6f}",
        "" if report.latitude is None else f"{report.latitude:.6f}",
        report.address,
        wording.area(report.area),
        report.road,
        wording.road_class(report.road_class),
        wording.owner(report.owner),
        report.description,
        report.japanese,
        report.language,
        wording.came_by(report.came_by),
        str(report.reporters),
        "\n".join(photo_links(row, wording.address)),
        "\n".join(steps),
    ]
    # A western or southern place begins with a minus, and is a number all the same.
    return [cell if n in _NUMBERS else spreadsheet_cell(cell) for n, cell in enumerate(cells)]


_NUMBERS = frozenset(
    n for n, heading in enumerate(HEADINGS) if heading in ("Longitude", "Latitude", "Reporters")
)


def _moment(at: datetime | None) -> str:
    return f"{in_japan(at):%Y-%m-%d %H:%M}" if at else ""


def photo_links(row: Row, address: str) -> list[str]:
    """Return where the photos of a report are; only staff can open them."""
    pages = f"{address}/console/reports/{row.report.number}/photos"
    return [f"{pages}/{photo}" for photo in row.photos]


def as_json(row: Row) -> dict[str, object]:
    """Return the fields of a report for a program; nothing about the reporter."""
    report = row.report
    return register.as_json(report) | {
        "case": row.leader or report.number,
        "team": row.team,
        "priority": report.priority,
        "priority_why": report.priority_why,
        "due_on": report.due_on.isoformat() if report.due_on else None,
        "road": report.road,
        "road_class": report.road_class,
        "japanese": report.japanese,
        "came_by": report.came_by.value,
        "reporters": report.reporters,
        "photos": len(row.photos),
        "accepted_at": _iso(report.accepted_at),
        "began_at": _iso(report.began_at),
        "ended_at": _iso(report.ended_at),
        "states": [{"state": state.value, "since": _iso(at)} for at, state in row.steps],
    }


def _iso(at: datetime | None) -> str | None:
    return in_japan(at).isoformat(timespec="seconds") if at else None


async def export_geojson(
    database: Database, export: Export, wording: Wording
) -> AsyncIterator[str]:
    """Yield an export as a GeoJSON FeatureCollection; without a position there is no geometry."""
    yield '{"type": "FeatureCollection", "features": ['
    between = "\n"
    async for rows in exported(database, export):
        features = [json.dumps(_feature(row, wording), ensure_ascii=False) for row in rows]
        yield between + ",\n".join(features)
        between = ",\n"
    yield "\n]}\n"


def _feature(row: Row, wording: Wording) -> dict[str, object]:
    report = row.report
    names = {
        "state_name": report.state.staff_name(wording.language),
        "category_name": wording.category(report.category),
        "department_name": wording.department(report.department),
        "area_name": wording.area(report.area),
        "priority_name": wording.priority(report.priority),
        "photo_links": photo_links(row, wording.address),
    }
    return {
        "type": "Feature",
        "id": report.number,
        "geometry": None
        if report.longitude is None or report.latitude is None
        else {"type": "Point", "coordinates": [report.longitude, report.latitude]},
        "properties": as_json(row) | names,
    }
