"""Reports: taken in and numbered, listed, moved on, answered, exported.

Words for residents are the caller's: the conversation acknowledges, the console answers.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import structlog
from sqlalchemy import Select, func
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from core import audit
from core.city import City
from core.clock import in_japan
from core.errors import BadInput
from reports.models import Photo, Report, ReportCounter, ReportState, ReportUpdate
from reports.photos import CONTENT_TYPE, MAX_PHOTOS, Picture

MAX_TEXT = 500
MAX_ANSWER = 2000
CSV_COLUMNS = (
    "number",
    "state",
    "category",
    "department",
    "created_at",
    "updated_at",
    "longitude",
    "latitude",
    "address",
    "area",
    "description",
    "language",
)
_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
Narrowable = TypeVar("Narrowable", bound=Select[Any])

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A report as the resident made it. Degrees, WGS 84; ``origin`` makes it once for ever."""

    category: str
    origin: str
    longitude: float | None = None
    latitude: float | None = None
    address: str = ""
    description: str = ""
    pictures: tuple[Picture, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ReportFilter:
    """Which reports to list; empty fields do not narrow. ``text`` is looked for in number,
    address and description."""

    states: tuple[ReportState, ...] = ()
    categories: tuple[str, ...] = ()
    departments: tuple[str, ...] = ()
    areas: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    changed_since: datetime | None = None
    text: str = ""
    numbers: tuple[str, ...] = ()


class UnknownReport(BadInput):
    """There is no such report."""


async def create_report(
    session: AsyncSession,
    city: City,
    draft: Draft,
    *,
    resident_id: int | None,
    language: str,
    now: datetime,
) -> Report:
    """Store a report with the next number of the year; the same ``origin`` makes it once.

    Numbers count up by the year of Japan's calendar, without gaps and without doubles: the
    counter's row is changed in the caller's transaction, which orders concurrent ones.

    Raises
    ------
    BadInput
        The category is not one of the city's.
    """
    category = next((c for c in city.report_categories if c.code == draft.category), None)
    if category is None:
        raise BadInput(f"{draft.category!r} is not a category of this city.")
    year = in_japan(now).year
    # The counter comes first: its row lock makes a concurrent request for the same origin wait.
    number = await _next_number(session, year, step=0)
    made = await session.scalar(select(Report).where(col(Report.origin) == draft.origin))
    if made is not None:
        return made
    number = await _next_number(session, year, step=1)
    district = None
    if draft.longitude is not None and draft.latitude is not None:
        district = city.district_at(draft.longitude, draft.latitude)
    report = Report(
        number=f"{year}-{number:06}",
        resident_id=resident_id,
        origin=draft.origin,
        category=category.code,
        department=category.department,
        longitude=draft.longitude,
        latitude=draft.latitude,
        address=draft.address[:MAX_TEXT],
        area=district.code if district else None,
        description=draft.description[:MAX_TEXT],
        language=language,
        created_at=now,
        updated_at=now,
    )
    session.add(report)
    await session.flush()
    assert report.id is not None
    for picture in draft.pictures[:MAX_PHOTOS]:
        session.add(
            Photo(
                report_id=report.id,
                sha256=picture.sha256,
                content_type=CONTENT_TYPE,
                width=picture.width,
                height=picture.height,
                size=picture.size,
                created_at=now,
            )
        )
    session.add(
        ReportUpdate(report_id=report.id, by="resident", state=ReportState.NEW, created_at=now)
    )
    await session.flush()
    log.info("report created", report=report.number, category=report.category, area=report.area)
    return report


async def _next_number(session: AsyncSession, year: int, *, step: int) -> int:
    """Move the year's counter on by ``step``, holding its row; return what it says then."""
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    statement = dialect.insert(ReportCounter).values(year=year, last=step)
    moved = statement.on_conflict_do_update(
        index_elements=[col(ReportCounter.year)],
        set_={"last": col(ReportCounter.last) + step},
    ).returning(col(ReportCounter.last))
    number = await session.scalar(moved)
    assert number is not None
    return int(number)


async def get_report(session: AsyncSession, number: str) -> Report:
    """Return the report of that number.

    Raises
    ------
    UnknownReport
        There is none.
    """
    report = await session.scalar(select(Report).where(col(Report.number) == number))
    if report is None:
        raise UnknownReport(f"There is no report {number[:20]!r}.")
    return report


async def list_reports(
    session: AsyncSession, wanted: ReportFilter | None = None, *, limit: int = 50, offset: int = 0
) -> list[Report]:
    """Return the reports that fit, the newest first."""
    query = (
        _narrowed(select(Report), wanted or ReportFilter())
        .order_by(col(Report.created_at).desc(), col(Report.id).desc())
        .limit(limit)
        .offset(offset)
    )
    return list(await session.scalars(query))


async def count_reports(session: AsyncSession, wanted: ReportFilter | None = None) -> int:
    """Return how many reports fit."""
    query = _narrowed(select(func.count()).select_from(Report), wanted or ReportFilter())
    return int(await session.scalar(query) or 0)


async def count_by_state(session: AsyncSession) -> dict[ReportState, int]:
    """Return how many reports are in each state."""
    rows = await session.execute(select(Report.state, func.count()).group_by(col(Report.state)))
    counted = {ReportState(state): int(count) for state, count in rows}
    return {state: counted.get(state, 0) for state in ReportState}


def _narrowed(query: Narrowable, wanted: ReportFilter) -> Narrowable:
    for column, values in (
        (col(Report.state), wanted.states),
        (col(Report.category), wanted.categories),
        (col(Report.department), wanted.departments),
        (col(Report.area), wanted.areas),
        (col(Report.number), wanted.numbers),
    ):
        if values:
            query = query.where(column.in_(values))
    if wanted.since is not None:
        query = query.where(col(Report.created_at) >= wanted.since)
    if wanted.until is not None:
        query = query.where(col(Report.created_at) < wanted.until)
    if wanted.changed_since is not None:
        query = query.where(col(Report.updated_at) >= wanted.changed_since)
    if wanted.text:
        query = query.where(
            col(Report.number).icontains(wanted.text, autoescape=True)
            | col(Report.address).icontains(wanted.text, autoescape=True)
            | col(Report.description).icontains(wanted.text, autoescape=True)
        )
    return query


async def photos_of(session: AsyncSession, report_id: int) -> list[Photo]:
    """Return a report's photos in the order they came."""
    query = select(Photo).where(col(Photo.report_id) == report_id).order_by(col(Photo.id))
    return list(await session.scalars(query))


async def updates_of(session: AsyncSession, report_id: int) -> list[ReportUpdate]:
    """Return a report's life, the oldest step first."""
    query = (
        select(ReportUpdate)
        .where(col(ReportUpdate.report_id) == report_id)
        .order_by(col(ReportUpdate.id))
    )
    return list(await session.scalars(query))


async def change_state(
    session: AsyncSession,
    report: Report,
    state: ReportState,
    *,
    by: str,
    now: datetime,
    note: str = "",
) -> ReportUpdate:
    """Move a report on, with the name of who did it."""
    return await _update(session, report, by=by, now=now, state=state, note=note)


async def assign(
    session: AsyncSession, city: City, report: Report, department: str, *, by: str, now: datetime
) -> ReportUpdate:
    """Give a report to another department.

    Raises
    ------
    BadInput
        The city has no such department.
    """
    if department not in {d.code for d in city.departments}:
        raise BadInput(f"{department!r} is not a department of this city.")
    note = f"{report.department} → {department}"
    report.department = department
    return await _update(session, report, by=by, now=now, note=note, action="report.assign")


async def answer(
    session: AsyncSession,
    report: Report,
    words: str,
    *,
    by: str,
    now: datetime,
    state: ReportState | None = None,
) -> ReportUpdate:
    """Keep an answer to the resident; the caller sends it in the same transaction.

    Raises
    ------
    BadInput
        The answer is empty or longer than :data:`MAX_ANSWER` characters.
    """
    words = words.strip()
    if not words or len(words) > MAX_ANSWER:
        raise BadInput(f"An answer has between 1 and {MAX_ANSWER} characters.")
    return await _update(
        session, report, by=by, now=now, state=state, answer=words, action="report.answer"
    )


async def _update(
    session: AsyncSession,
    report: Report,
    *,
    by: str,
    now: datetime,
    state: ReportState | None = None,
    answer: str = "",
    note: str = "",
    action: str = "report.state",
) -> ReportUpdate:
    assert report.id is not None
    if state is not None:
        report.state = state
    report.updated_at = now
    session.add(report)
    update = ReportUpdate(
        report_id=report.id, by=by, state=state, answer=answer, note=note, created_at=now
    )
    session.add(update)
    await session.flush()
    await audit.record(
        session,
        now,
        actor=by,
        action=action,
        subject=f"report:{report.number}",
        state=state.value if state else None,
        answered=bool(answer),
        department=report.department,
    )
    return update


def export_csv(reports: Sequence[Report]) -> str:
    """Return reports as CSV with a byte-order mark, as Excel in Japan wants it.

    A cell that a spreadsheet would take for a formula is made plain by an apostrophe.
    """
    output = io.StringIO()
    output.write("\ufeff")
    writer = csv.writer(output, lineterminator="\r\n")
    writer.writerow(CSV_COLUMNS)
    for report in reports:
        writer.writerow(
            [
                report.number,
                report.state.value,
                _cell(report.category),
                _cell(report.department),
                in_japan(report.created_at).isoformat(timespec="seconds"),
                in_japan(report.updated_at).isoformat(timespec="seconds"),
                "" if report.longitude is None else f"{report.longitude:.6f}",
                "" if report.latitude is None else f"{report.latitude:.6f}",
                _cell(report.address),
                _cell(report.area or ""),
                _cell(report.description),
                report.language,
            ]
        )
    return output.getvalue()


def _cell(value: str) -> str:
    bare = value.lstrip()
    return f"'{value}" if bare.startswith(_FORMULA) or bare != value else value


def as_json(report: Report) -> dict[str, object]:
    """Return what programs may read of a report; nothing of who reported it."""
    return {
        "number": report.number,
        "state": report.state.value,
        "category": report.category,
        "department": report.department,
        "longitude": report.longitude,
        "latitude": report.latitude,
        "address": report.address,
        "area": report.area,
        "description": report.description,
        "created_at": in_japan(report.created_at).isoformat(timespec="seconds"),
        "updated_at": in_japan(report.updated_at).isoformat(timespec="seconds"),
    }


def export_geojson(reports: Sequence[Report]) -> str:
    """Return reports as a GeoJSON FeatureCollection; one without a position has no geometry."""
    features = [
        {
            "type": "Feature",
            "id": report.number,
            "geometry": None
            if report.longitude is None or report.latitude is None
            else {"type": "Point", "coordinates": [report.longitude, report.latitude]},
            "properties": as_json(report),
        }
        for report in reports
    ]
    return json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False)
