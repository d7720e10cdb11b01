"""Which cases everybody may see, and what of them: the one place that decides it.

The page, the map, the feeds, the table of months and the conversation ask here. A case is public if
the city publishes its reports, staff took it up or passed it on, nobody hid it, and its kind may be
published. What residents wrote, who they are, and photos that staff did not release are never part
of it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_
from sqlalchemy import select as sql_select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col, select

from city.city import City
from core.clock import in_japan
from core.geo import Position
from reports import public_place
from reports.models import Photo, PhotoRole, Report, ReportUpdate
from reports.states import OPEN, PUBLISHED, ReportState

_NUMBER = re.compile(r"(?<!\d)(\d{4})\s?-\s?(\d{1,6})(?!\d)")


@dataclass(frozen=True, kw_only=True)
class PublicCase:
    """What everybody may know of a case.

    Parameters
    ----------
    place
        Degrees, WGS 84, as ``reports.public_place`` shows it.
    blurred
        Whether the place is only roughly right, because it is somebody's home.
    reporters
        How many reported it.
    changed_at
        When its last public step was.
    """

    id: int
    number: str
    category: str
    state: ReportState
    area: str | None
    place: Position | None
    blurred: bool
    reporters: int
    reported_on: date
    changed_at: datetime

    @property
    def changed_on(self) -> date:
        return in_japan(self.changed_at).date()


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which public cases; an empty field does not narrow."""

    state: ReportState | None = None
    category: str = ""
    area: str = ""
    since: datetime | None = None
    until: datetime | None = None


EVERY = Wanted()


@dataclass(frozen=True)
class Step:
    """A state that a case got, and how many days after the report."""

    state: ReportState
    on: date
    days: int


@dataclass(frozen=True)
class PublicPhoto:
    """A photo that staff released; ``sha256`` is the copy that everybody sees."""

    id: int
    sha256: str
    role: PhotoRole
    width: int
    height: int

    @property
    def is_after(self) -> bool:
        """Whether it shows the place after the work."""
        return self.role is PhotoRole.AFTER


_COLUMNS = (
    col(Report.id),
    col(Report.number),
    col(Report.category),
    col(Report.state),
    col(Report.area),
    col(Report.longitude),
    col(Report.latitude),
    col(Report.is_home),
    col(Report.reporters),
    col(Report.created_at),
    col(Report.accepted_at),
    col(Report.began_at),
    col(Report.ended_at),
)


def kinds(city: City) -> tuple[str, ...]:
    """Return the codes of the kinds that may be published; none if the city publishes nothing."""
    if not city.publish_reports:
        return ()
    return tuple(kind.code for kind in city.report_categories if kind.published)


def leads(report: Any = Report) -> tuple[ColumnElement[bool], ...]:
    """Return what every public case fulfils, as the index ``ix_reports_public`` has it."""
    return report.case_id.is_(None), report.hidden.is_(False)


def conditions(city: City, report: Any = Report) -> tuple[ColumnElement[bool], ...]:
    """Return what makes a report, or its alias, a public case."""
    return (*leads(report), report.state.in_(PUBLISHED), report.category.in_(kinds(city)))


def may_be_seen(report: Report, city: City) -> bool:
    """Whether a report that is at hand is a public case."""
    return (
        report.case_id is None
        and not report.hidden
        and report.state in PUBLISHED
        and report.category in kinds(city)
    )


def lately(now: datetime) -> ColumnElement[bool]:
    """Return what the lists show: what is in hand, and for some time what has ended."""
    ended = func.coalesce(col(Report.ended_at), col(Report.updated_at))
    return or_(
        *(
            and_(col(Report.state) == state, ended > now - state.facts.shown_for)
            if state.facts.shown_for
            else col(Report.state) == state
            for state in PUBLISHED
        )
    )


async def cases(
    session: AsyncSession,
    city: City,
    now: datetime,
    wanted: Wanted = EVERY,
    *,
    most: int,
    skip: int = 0,
    by_change: bool = False,
) -> list[PublicCase]:
    """Return the cases in hand and those that ended lately, the newest first.

    With ``since`` or ``until`` also those that ended long ago. With ``by_change`` those that
    changed last come first.
    """
    chosen: Select[Any] = sql_select(col(Report.id)).where(*conditions(city))
    if wanted.since is None and wanted.until is None:
        chosen = chosen.where(lately(now))
    if wanted.since is not None:
        chosen = chosen.where(col(Report.created_at) >= wanted.since)
    if wanted.until is not None:
        chosen = chosen.where(col(Report.created_at) < wanted.until)
    state: Any = col(Report.state)
    for column, value in (
        # Few are in hand, and most have ended: only for these is another index the better one.
        (state if wanted.state in OPEN else state.concat(""), wanted.state),
        (col(Report.category).concat(""), wanted.category),
        (col(Report.area).concat(""), wanted.area),
    ):
        if value:
            chosen = chosen.where(column == value)
    first = col(Report.updated_at) if by_change else col(Report.created_at)
    order = first.desc(), col(Report.id).desc()
    # Chosen in an index that has all of this, so that only what is shown is read.
    ids = chosen.order_by(*order).limit(most).offset(skip).subquery()
    query = sql_select(*_COLUMNS).join(ids, ids.c.id == col(Report.id)).order_by(*order)
    return [_case(row, city) for row in await session.execute(query)]


async def case_called(session: AsyncSession, city: City, number: str) -> PublicCase | None:
    """Return the public case of a number, which may be that of a joined report; else None.

    Whether there is such a report that is not public cannot be told from the answer.
    """
    found = number_in(number)
    if found is None or not city.publish_reports:
        return None
    asked = aliased(Report)
    leading = or_(
        and_(col(asked.case_id).is_(None), col(asked.id) == col(Report.id)),
        and_(
            col(asked.case_id) == col(Report.id),
            col(asked.hidden).is_(False),
            col(asked.state) == ReportState.DUPLICATE,
            col(asked.category).in_(kinds(city)),
        ),
    )
    query = (
        sql_select(*_COLUMNS)
        .select_from(asked)
        .join(Report, col(Report.id) == func.coalesce(col(asked.case_id), col(asked.id)))
        .where(col(asked.number) == found, leading, *conditions(city))
    )
    row = (await session.execute(query)).first()
    return _case(row, city) if row is not None else None


def number_in(text: str, *, whole: bool = False) -> str | None:
    """Return the number of a report that a text contains, as we write it; None if it has none.

    People type full-width digits, other dashes, and leave zeros out; not with ``whole``, so that a
    date or a telephone number in a sentence is none.
    """
    plain = unicodedata.normalize("NFKC", text[:200])
    plain = re.sub("[\u2010-\u2015\u2212\u30fc\uff70_/]", "-", plain)
    found = _NUMBER.search(plain)
    if not found or not plain.isprintable() or (whole and len(found[2]) < 6):
        return None
    return f"{found[1]}-{int(found[2]):06}"


async def steps_of(session: AsyncSession, case: PublicCase) -> list[Step]:
    """Return the public states that a case had, the oldest first, beginning with the report."""
    query = (
        select(ReportUpdate.state, ReportUpdate.created_at)
        .where(
            col(ReportUpdate.report_id) == case.id,
            col(ReportUpdate.state).in_(PUBLISHED),
        )
        .order_by(col(ReportUpdate.id))
    )
    steps: list[Step] = []
    for state, at in await session.execute(query):
        on = in_japan(at).date()
        if state is not None and (not steps or steps[-1].state is not state):
            steps.append(Step(state, on, max(0, (on - case.reported_on).days)))
    return steps


def _of_case(case_id: int) -> ColumnElement[bool]:
    """Return what makes a report part of a case that may be shown."""
    return or_(
        col(Report.id) == case_id,
        and_(
            col(Report.case_id) == case_id,
            col(Report.hidden).is_(False),
            col(Report.state) == ReportState.DUPLICATE,
        ),
    )


async def members_of(session: AsyncSession, ids: Sequence[int]) -> dict[int, int]:
    """Return the leading report by the id of each report of these cases that may be shown.

    ``ids`` are those of the leading reports. Each half has its index; a condition with "or" would
    have none.
    """
    shown = col(Report.hidden).is_(False)
    leading: Any = sql_select(col(Report.id), col(Report.id).label("leader")).where(
        col(Report.id).in_(ids), shown
    )
    joined: Any = sql_select(col(Report.id), col(Report.case_id).label("leader")).where(
        col(Report.case_id).in_(ids), shown, col(Report.state) == ReportState.DUPLICATE
    )
    found = [*await session.execute(leading), *await session.execute(joined)]
    return {number: leader for number, leader in found if number is not None and leader is not None}


async def photos_of(
    session: AsyncSession, cases: Sequence[PublicCase]
) -> dict[int, list[PublicPhoto]]:
    """Return the released photos of public cases, by the case's id, in the order they came."""
    members = await members_of(session, [case.id for case in cases])
    query = select(Photo).where(
        col(Photo.report_id).in_(members), col(Photo.released_at).is_not(None)
    )
    found: dict[int, list[PublicPhoto]] = {}
    for photo in sorted(await session.scalars(query), key=lambda photo: photo.id or 0):
        found.setdefault(members[photo.report_id], []).append(_photo(photo))
    return found


async def photo(
    session: AsyncSession, city: City, number: str, photo_id: int
) -> PublicPhoto | None:
    """Return a released photo of a public case; None for every other one."""
    case = await case_called(session, city, number)
    if case is None or case.number != number:
        return None
    query = (
        select(Photo)
        .join(Report, col(Report.id) == col(Photo.report_id))
        .where(
            col(Photo.id) == photo_id,
            col(Photo.released_at).is_not(None),
            _of_case(case.id),
        )
    )
    found = await session.scalar(query)
    return _photo(found) if found is not None else None


def _photo(photo: Photo) -> PublicPhoto:
    assert photo.id is not None
    shown = photo.public_sha256 or photo.sha256
    return PublicPhoto(photo.id, shown, photo.role, photo.width, photo.height)


def _case(row: Any, city: City) -> PublicCase:
    later = [at for at in (row.accepted_at, row.began_at, row.ended_at) if at is not None]
    return PublicCase(
        id=row.id,
        number=row.number,
        category=row.category,
        state=row.state,
        area=row.area,
        place=public_place.of(row, city),
        blurred=public_place.is_home(row, city),
        reporters=row.reporters,
        reported_on=in_japan(row.created_at).date(),
        changed_at=max(later, default=row.created_at),
    )
