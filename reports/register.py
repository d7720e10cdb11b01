"""Reports: store and number them, find them, and write down each step of their lives.

``reports.work`` and ``reports.cases`` decide what may become of one, ``reports.answers`` tells it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import Text, cast, func, or_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from city.city import City
from core import audit
from core.clock import in_japan
from core.database import insert_into
from core.errors import BadInput
from reports import due, places, priority
from reports.kinds import city_now
from reports.listing import ReportFilter as ReportFilter
from reports.listing import narrowed
from reports.models import RESIDENT, Addition, CameBy, Photo, Report, ReportCounter, ReportUpdate
from reports.photos import MAX_PHOTOS, Picture
from reports.reasons import reason
from reports.states import WAITING, ReportState, Stage

MAX_TEXT = 500
"""Characters of an address, and of what a resident writes in the conversation."""
LONGEST_DESCRIPTION = 4000
"""Characters of a description that another program posts."""
LONGEST_CONTACT = 120
IMPORTED = "import:"
"""How the origin of a report from a spreadsheet begins."""
PLACES = ("place", "address")
"""Names in :attr:`ReportUpdate.changes` of what goes with the words of a case."""

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
    place_message: str = ""
    note_message: str = ""
    pictures: tuple[Picture, ...] = ()
    came_by: CameBy = CameBy.LINE
    contact: str = ""
    api_key_id: int | None = None
    attributes: tuple[dict[str, Any], ...] = ()
    """Answers to the kind's own questions, as :attr:`Report.attributes` keeps them."""


class UnknownReport(BadInput):
    """There is no such report."""


async def is_taken(session: AsyncSession, origin: str) -> bool:
    """Whether there is a report of this origin already, such as of a form that is sent twice."""
    found = await session.scalar(select(Report.id).where(col(Report.origin) == origin))
    return found is not None


async def create_report(
    session: AsyncSession,
    city: City,
    draft: Draft,
    *,
    resident_id: int | None,
    language: str,
    now: datetime,
    by: str = RESIDENT,
    entered_at: datetime | None = None,
) -> Report:
    """Store a report with the next number of the year; the same ``origin`` makes it once.

    Numbers count up by the year of Japan's calendar, without gaps and without doubles: the
    counter's row is changed in the caller's transaction, which orders concurrent ones.

    Parameters
    ----------
    now
        When it came.
    entered_at
        When ``by``, one of the staff, entered it; None if it came by itself.

    Raises
    ------
    BadInput
        The category is not one of the city's.
    """
    city = await city_now(session, city)
    category = city.kind(draft.category)
    if category is None:
        raise BadInput(reason("report.no-category", category=draft.category))
    year = in_japan(now).year
    # The counter comes first: its row lock makes a concurrent request for the same origin wait.
    number = await next_number(session, year, step=0)
    made = await session.scalar(select(Report).where(col(Report.origin) == draft.origin))
    if made is not None:
        return made
    number = await next_number(session, year, step=1)
    report = Report(
        number=f"{year}-{number:06}",
        resident_id=resident_id,
        origin=draft.origin,
        api_key_id=draft.api_key_id,
        category=category.code,
        department="",
        longitude=draft.longitude,
        latitude=draft.latitude,
        address=draft.address[:MAX_TEXT],
        description=draft.description[:LONGEST_DESCRIPTION],
        place_message=draft.place_message,
        note_message=draft.note_message,
        language=language,
        came_by=draft.came_by,
        contact=draft.contact[:LONGEST_CONTACT],
        attributes=list(draft.attributes),
        photo_count=len(draft.pictures[:MAX_PHOTOS]),
        entered_at=entered_at,
        entered_by=by if entered_at is not None else "",
        created_at=now,
        # A program that asks what has changed is told of it, however old it is.
        updated_at=entered_at or now,
    )
    _settle(city, report, now)
    session.add(report)
    await session.flush()
    assert report.id is not None
    for picture in draft.pictures[:MAX_PHOTOS]:
        session.add(picture.row(report.id, now))
    session.add(ReportUpdate(report_id=report.id, by=by, state=report.state, created_at=now))
    await session.flush()
    log.info("report.created", report_id=report.number, category=report.category, area=report.area)
    return report


def _settle(city: City, report: Report, now: datetime) -> None:
    """Work out what follows from a new report's place and kind, from its road to its priority."""
    place = report.place
    if place is not None:
        found = places.locate(city, place)
        report.area, report.road, report.road_class = found.area, found.road, found.road_class
    owner = city.owner_of(report.category, place)
    report.owner = owner.code if owner else ""
    report.department = city.department_of(report.category, place)
    report.due_on = due.due_on(city, report.category, in_japan(now).date())
    priority.settle(report, city, now)


async def next_number(session: AsyncSession, year: int, *, step: int) -> int:
    """Increase the year's counter by ``step``, with its row locked; return the new value."""
    statement = insert_into(session, ReportCounter).values(year=year, last=step)
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
        raise UnknownReport(reason("report.missing", number=number[:20]))
    return report


async def list_reports(
    session: AsyncSession, wanted: ReportFilter | None = None, *, limit: int = 50, offset: int = 0
) -> list[Report]:
    """Return the reports that fit, the newest first."""
    narrow = await narrowed(session, wanted or ReportFilter())
    query = select(Report).where(*narrow.conditions())
    newest = query.order_by(col(Report.created_at).desc(), col(Report.id).desc())
    return list(await session.scalars(newest.limit(limit).offset(offset)))


async def waiting(session: AsyncSession, most: int) -> list[Report]:
    """Return the newest reports on which nobody has decided yet."""
    query = select(Report).where(col(Report.state).in_(WAITING))
    newest = query.order_by(col(Report.created_at).desc(), col(Report.id).desc())
    return list(await session.scalars(newest.limit(most)))


async def count_waiting(session: AsyncSession) -> int:
    """Return on how many reports nobody has decided yet."""
    query = select(func.count()).select_from(Report).where(col(Report.state).in_(WAITING))
    return await session.scalar(query) or 0


async def first_photos(session: AsyncSession, report_ids: Sequence[int]) -> dict[int, Photo]:
    """Return each report's first photo, by the report's id."""
    if not report_ids:
        return {}
    query = select(Photo).where(col(Photo.report_id).in_(report_ids))
    found = await session.scalars(query.order_by(col(Photo.id).desc()))
    return {photo.report_id: photo for photo in found}


async def count_of_resident(session: AsyncSession, resident_id: int) -> int:
    """Return how many reports a resident has made."""
    query = select(func.count()).select_from(Report)
    return await session.scalar(query.where(col(Report.resident_id) == resident_id)) or 0


async def newest_of_resident(session: AsyncSession, resident_id: int, most: int) -> list[Report]:
    """Return a resident's newest reports."""
    query = select(Report).where(col(Report.resident_id) == resident_id)
    return list(await session.scalars(query.order_by(col(Report.id).desc()).limit(most)))


async def photos_of(session: AsyncSession, report_id: int) -> list[Photo]:
    """Return a report's photos in the order they came."""
    query = select(Photo).where(col(Photo.report_id) == report_id).order_by(col(Photo.id))
    return list(await session.scalars(query))


async def photos_of_all(session: AsyncSession, report_ids: Sequence[int], most: int) -> list[Photo]:
    """Return the photos of several reports, the oldest first."""
    query = select(Photo).where(col(Photo.report_id).in_(report_ids))
    return list(await session.scalars(query.order_by(col(Photo.id)).limit(most)))


async def updates_of(session: AsyncSession, report_id: int) -> list[ReportUpdate]:
    """Return a report's life, the oldest step first."""
    query = (
        select(ReportUpdate)
        .where(col(ReportUpdate.report_id) == report_id)
        .order_by(col(ReportUpdate.id))
    )
    return list(await session.scalars(query))


async def note_step(
    session: AsyncSession,
    report: Report,
    *,
    by: str,
    now: datetime,
    state: ReportState | None = None,
    answer: str = "",
    note: str = "",
    reason: str = "",
    changes: dict[str, list[Any]] | None = None,
    added: Addition | None = None,
    origin: str | None = None,
    action: str = "report.moved",
    **facts: Any,
) -> ReportUpdate:
    """Write a step of a report's life, and an entry of the audit trail with ``facts``.

    The report is locked, and the change is made, except for its state; ``reports.work`` and
    ``reports.cases`` check before what may be.
    """
    assert report.id is not None
    if state is not None:
        _note_stage(report, state, now)
        report.state = state
    report.updated_at = now
    report.forgotten = False  # what is said now is to be erased, too
    session.add(report)
    update = ReportUpdate(
        report_id=report.id,
        by=by,
        state=state,
        answer=answer,
        note=note,
        reason=reason,
        changes=changes or {},
        added=added or "",
        origin=origin,
        created_at=now,
    )
    session.add(update)
    await session.flush()
    if changes:
        # The trail is kept when the words of a case go.
        facts["changes"] = without_places(changes)
    await audit.record(
        session,
        now,
        actor=by,
        action=action,
        subject=f"report:{report.number}",
        state=state.value if state else None,
        answered=bool(answer),
        department=report.department,
        **facts,
    )
    return update


def without_places(changes: Mapping[str, list[Any]]) -> dict[str, list[Any]]:
    """Return what was changed, without where it was and is; that it was moved stays."""
    return {name: [None, None] if name in PLACES else pair for name, pair in changes.items()}


async def forget_places(session: AsyncSession, report_ids: Sequence[int]) -> None:
    """Erase from the steps of reports where they were before, and where they were moved to."""
    text = cast(col(ReportUpdate.changes), Text)
    steps = await session.scalars(
        select(ReportUpdate)
        .where(
            col(ReportUpdate.report_id).in_(report_ids),
            or_(*(text.contains(f'"{name}"') for name in PLACES)),
        )
        .with_for_update()
    )
    for step in list(steps):
        step.changes = without_places(step.changes)
        session.add(step)
    await session.flush()


def _note_stage(report: Report, state: ReportState, now: datetime) -> None:
    """Keep when a report first got so far, and when it ended."""
    if state.facts.stage is Stage.TAKEN_UP:
        report.accepted_at = report.accepted_at or now
        if state is not ReportState.ACCEPTED:
            report.began_at = report.began_at or now
    if state.facts.stage is not Stage.ENDED:
        report.ended_at = None
    elif report.ended_at is None or state is not report.state:
        report.ended_at = now


def as_json(report: Report) -> dict[str, object]:
    """Return a report's own fields for a program; nothing about the reporter."""
    return {
        "number": report.number,
        "state": report.state.value,
        "category": report.category,
        "department": report.department,
        "longitude": report.longitude,
        "latitude": report.latitude,
        "address": report.address,
        "area": report.area,
        "owner": report.owner,
        "description": report.description,
        "created_at": in_japan(report.created_at).isoformat(timespec="seconds"),
        "updated_at": in_japan(report.updated_at).isoformat(timespec="seconds"),
    }
