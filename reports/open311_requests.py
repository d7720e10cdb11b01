"""What programs read of reports: who may see which, and what an entry says.

Everybody reads the cases that are public. A program with a key also reads those that it posted,
whatever their state; one that was joined to another case has that case's state.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, false, func, or_
from sqlalchemy import select as select_rows
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col, select

from city.city import City, name_in
from core.clock import JAPAN, in_japan
from reports import public_place
from reports.members import leaders_of
from reports.models import ApiKey, Photo, Report, ReportUpdate
from reports.published import conditions, kinds, members_of
from reports.states import PUBLISHED, ReportState

STATUS = {
    "open": tuple(state for state in PUBLISHED if state.is_open),
    "closed": tuple(state for state in PUBLISHED if not state.is_open),
}


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which requests to list; what is None or empty does not narrow.

    Parameters
    ----------
    numbers
        These, whatever else is asked for.
    """

    numbers: tuple[str, ...] = ()
    states: tuple[ReportState, ...] = PUBLISHED
    categories: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    updated_after: datetime | None = None
    updated_before: datetime | None = None


@dataclass(frozen=True)
class Found:
    """A report, the case that it belongs to, and its released photos.

    Parameters
    ----------
    leader
        The report that leads the case: itself, if it was not joined to another.
    is_own
        Whether the program that asks has posted it.
    answer
        What its reporter was answered last; only of the program's own.
    """

    report: Report
    leader: Report
    is_own: bool = False
    answer: str = ""
    photos: tuple[int, ...] = ()

    @property
    def state(self) -> ReportState:
        """The state of the case."""
        if self.report.state is ReportState.WITHDRAWN:
            return self.report.state
        return self.leader.state

    @property
    def updated_at(self) -> datetime:
        """When it changed last; of what is closed, when it was closed."""
        closed_at = None if self.state.is_open else self.leader.ended_at
        return closed_at or max(self.report.updated_at, self.leader.updated_at)


@dataclass(frozen=True)
class Step:
    """What became of a request at one moment."""

    id: int
    number: str
    state: ReportState
    answer: str
    at: datetime


async def find(
    session: AsyncSession,
    city: City,
    wanted: Wanted,
    key: ApiKey | None,
    *,
    limit: int,
    offset: int = 0,
) -> list[Found]:
    """Return the requests that a program may see, the newest first."""
    if wanted.numbers:
        query = select(Report).where(*_numbered(city, wanted.numbers, key))
    else:
        query = select(Report).where(*conditions(city), *_narrowing(wanted))
    query = query.order_by(col(Report.created_at).desc(), col(Report.id).desc())
    reports = list(await session.scalars(query.limit(limit).offset(offset)))
    return await _completed(session, reports, key)


async def steps(
    session: AsyncSession,
    city: City,
    key: ApiKey | None,
    since: datetime,
    until: datetime,
    *,
    numbers: tuple[str, ...] = (),
    limit: int,
    offset: int = 0,
) -> list[Step]:
    """Return what happened meanwhile to a program's own requests, or without a key to public ones.

    A joined request has the steps of its case. Answers are only told to the program whose request
    it is; notes to nobody.
    """
    if key is None:
        # From the few steps of that time to their cases, and not the other way round.
        case = aliased(Report)
        is_public = exists().where(col(Report.id) == col(ReportUpdate.report_id), *conditions(city))
        number, state_now = col(case.number), col(case.state)
        query = (
            select_rows(ReportUpdate, number, state_now, false())
            .join(case, col(case.id) == col(ReportUpdate.report_id))
            .where(is_public, col(ReportUpdate.state).in_(PUBLISHED))
        )
        last: Any = col(case.id)
    else:
        leader = aliased(Report)
        number, last = col(Report.number), col(Report.id)
        of = col(ReportUpdate.report_id)
        # What was answered to somebody else, whose report leads, is theirs.
        is_theirs = or_(of == col(Report.id), col(leader.api_key_id) == key.id)
        query = (
            select_rows(ReportUpdate, number, col(leader.state), is_theirs)
            .select_from(Report)
            .join(leader, col(leader.id) == func.coalesce(col(Report.case_id), col(Report.id)))
            .join(ReportUpdate, of.in_((col(leader.id), col(Report.id))))
            .where(*own(key))
            .where(
                or_(
                    and_(of == col(leader.id), col(ReportUpdate.state).is_not(None)),
                    and_(col(ReportUpdate.answer) != "", is_theirs),
                )
            )
        )
    query = query.where(
        col(ReportUpdate.created_at) >= since, col(ReportUpdate.created_at) <= until
    )
    if numbers:
        query = query.where(number.in_(numbers))
    query = query.order_by(col(ReportUpdate.id), last).limit(limit).offset(offset)
    return [
        Step(
            step.id or 0,
            number,
            step.state or state,
            step.answer if is_theirs else "",
            step.created_at,
        )
        for step, number, state, is_theirs in await session.execute(query)
    ]


def own(key: ApiKey) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions of a report that came with a key."""
    return (col(Report.api_key_id) == key.id,)


def is_own(report: Report, key: ApiKey | None) -> bool:
    """Whether a report came with this key."""
    return key is not None and report.api_key_id == key.id


class Words:
    """What a city calls things in one language; made once for all entries of an answer."""

    def __init__(self, city: City, language: str) -> None:
        self.city = city
        self.kinds = {one.code: name_in(one.names, language) for one in city.report_categories}
        self.departments = {one.code: name_in(one.names, language) for one in city.departments}
        self.owners = {one.code: name_in(one.names, language) for one in city.owners}
        self.districts = {one.code: name_in(one.names, language) for one in city.districts}
        self._phones = {one.code: one.phone for one in city.owners}

    def agency(self, report: Report) -> str:
        """Return who looks after a report: another office, or the city's department."""
        department = self.departments.get(report.department, report.department)
        return self.owners.get(report.owner) or department

    def notice(self, report: Report) -> str | None:
        """Return who looks after a report if that is not the city."""
        if report.owner not in self.owners:
            return None
        return f"{self.owners[report.owner]} {self._phones[report.owner]}".strip()


def entry(words: Words, found: Found, public_url: str) -> dict[str, Any]:
    """Return what a request says, with the fields of the specification."""
    report, state = found.report, found.state
    place = public_place.of(report, words.city)
    return {
        "service_request_id": report.number,
        "status": "open" if state.is_open else "closed",
        "status_notes": _notes(found),
        "service_name": words.kinds.get(report.category, report.category),
        "service_code": report.category,
        "description": report.description if found.is_own else None,
        "agency_responsible": words.agency(report),
        "service_notice": words.notice(report),
        "requested_datetime": moment(report.created_at),
        "updated_datetime": moment(found.updated_at),
        "expected_datetime": _expected(found),
        "address": words.districts.get(report.area or ""),
        "address_id": None,
        "zipcode": None,
        "lat": place[1] if place else None,
        "long": place[0] if place else None,
        "media_url": _photo(found, found.photos[-1], public_url) if found.photos else None,
    }


def _expected(found: Found) -> str | None:
    """Return the end of the due day in Japan, while the case is open and has one."""
    due = found.leader.due_on
    if due is None or not found.state.is_open:
        return None
    return moment(datetime.combine(due + timedelta(days=1), time(), JAPAN))


def extended(found: Found, public_url: str) -> dict[str, Any]:
    """Return what the specification has no field for, for programs that ask for it."""
    report = found.report
    joined = report.case_id is not None and found.leader.id != report.id
    return {
        "state": found.state.value,
        "part_of": found.leader.number if joined else None,
        "reporters": found.leader.reporters,
        "attributes": [
            {"code": str(one.get("code", "")), "values": list(map(str, one.get("values", ())))}
            for one in (report.attributes if found.is_own else ())
        ],
        "media_urls": [_photo(found, number, public_url) for number in found.photos],
    }


def moment(at: datetime) -> str:
    """Return a moment as the specification writes it (W3C date and time, with the offset)."""
    return in_japan(at).isoformat(timespec="seconds")


def _notes(found: Found) -> str:
    """Return why a request has its status; of a joined one that it is the same as another."""
    notes = found.state.value
    if found.leader.id != found.report.id:
        notes = f"Duplicate of {found.leader.number}: {notes}"
    return f"{notes}. {found.answer}" if found.answer else notes


def _photo(found: Found, number: int, public_url: str) -> str:
    return f"{public_url}/reports/{found.leader.number}/photos/{number}.jpg"


def _numbered(
    city: City, numbers: tuple[str, ...], key: ApiKey | None
) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions of reports by their numbers: public, joined to such, or own ones."""
    leader = aliased(Report)
    joined = and_(
        col(Report.state) == ReportState.DUPLICATE,
        col(Report.hidden).is_(False),
        col(Report.category).in_(kinds(city)),
        col(Report.case_id).in_(select(col(leader.id)).where(*conditions(city, leader))),
    )
    may = [and_(*conditions(city)), joined]
    if key is not None:
        may.append(and_(*own(key)))
    return col(Report.number).in_(numbers), or_(*may)


def _narrowing(wanted: Wanted) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [col(Report.state).in_(wanted.states)]
    if wanted.categories:
        found.append(col(Report.category).in_(wanted.categories))
    if wanted.since is not None:
        found.append(col(Report.created_at) >= wanted.since)
    if wanted.until is not None:
        found.append(col(Report.created_at) <= wanted.until)
    if wanted.updated_after is not None:
        found.append(col(Report.updated_at) > wanted.updated_after)
    if wanted.updated_before is not None:
        found.append(col(Report.updated_at) < wanted.updated_before)
    return found


async def _completed(
    session: AsyncSession, reports: Sequence[Report], key: ApiKey | None
) -> list[Found]:
    whose = await leaders_of(session, reports)
    photos = await _released(session, {leader.id for leader in whose.values() if leader.id})
    answers = await _answers(session, [one for one in reports if is_own(one, key)], whose)
    return [
        Found(
            report,
            whose[report.id or 0],
            is_own(report, key),
            answers.get(report.id or 0, ""),
            tuple(photos.get(whose[report.id or 0].id or 0, ())),
        )
        for report in reports
    ]


async def _released(session: AsyncSession, leaders: Iterable[int]) -> dict[int, list[int]]:
    """Return the ids of the photos that everybody may see, by the case's id."""
    members = await members_of(session, list(leaders))
    rows = await session.execute(
        select_rows(col(Photo.report_id), col(Photo.id)).where(
            col(Photo.report_id).in_(members), col(Photo.released_at).is_not(None)
        )
    )
    found: dict[int, list[int]] = {}
    for report_id, number in sorted(rows, key=lambda row: row[1] or 0):
        found.setdefault(members[report_id], []).append(number or 0)
    return found


async def _answers(
    session: AsyncSession, reports: Sequence[Report], whose: dict[int, Report]
) -> dict[int, str]:
    """Return the newest answer to each of a program's own requests, or to its case."""
    if not reports:
        return {}
    ids = {number for one in reports for number in (one.id, whose[one.id or 0].id)}
    rows = await session.execute(
        select_rows(col(ReportUpdate.report_id), col(ReportUpdate.answer))
        .where(col(ReportUpdate.report_id).in_(ids), col(ReportUpdate.answer) != "")
        .order_by(col(ReportUpdate.id))
    )
    newest: dict[int, str] = {}
    for report_id, answer in rows:
        newest[report_id] = answer
    told = {}
    for one in reports:
        number, leader = one.id or 0, whose[one.id or 0]
        told[number] = newest.get(number, "")
        # What was answered to somebody else, whose report leads, is theirs.
        if not told[number] and leader.api_key_id == one.api_key_id:
            told[number] = newest.get(leader.id or 0, "")
    return told
