"""Dangers that residents show in a disaster: looked at, decided on, handed to the road department.

For real a danger is a report like any other, and this is its triage. In a drill it is never a
report: it stays here, so that no crew goes out and no public page shows it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete
from sqlalchemy import select as select_rows
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from city.city import City
from core import audit, counting
from core.chunks import in_chunks, rows_of
from core.counting import Size
from core.database import Database
from core.errors import BadInput
from core.geo import distance_m
from core.text import clean
from reports import work
from reports.models import Danger, Photo, Report, Triage
from reports.photos import MAX_PHOTOS
from reports.reasons import reason
from reports.register import MAX_TEXT, Draft
from reports.work import Change, Changed
from response import record

NEAR_M = 150.0
NEAR_TIME = timedelta(hours=12)
"""What was shown so near and at that time may be the same danger."""
MOST_NEAR = 20
LOOKED_THROUGH = 500
"""Dangers that are compared with one."""
MOST_NOTE = 500
WAITS = (Triage.NEW, Triage.URGENT)


@dataclass(frozen=True)
class Shown:
    """A danger with what was shown of it, from its report or, in a drill, from its own row."""

    danger: Danger
    number: str
    category: str
    longitude: float | None
    latitude: float | None
    address: str
    area: str | None
    description: str
    language: str
    photos: tuple[str, ...] = ()
    """Hashes of the pictures."""


async def keep_real(session: AsyncSession, report: Report, now: datetime) -> Danger:
    """Have a report looked at as a danger; the same report once."""
    found = await session.scalar(select(Danger).where(col(Danger.report_id) == report.id))
    if found is not None:
        return found
    danger = Danger(
        drill=False, report_id=report.id, origin=report.origin or report.number, created_at=now
    )
    session.add(danger)
    await session.flush()
    return danger


async def keep_drill(
    session: AsyncSession,
    city: City,
    draft: Draft,
    resident_id: int,
    language: str,
    now: datetime,
) -> Danger:
    """Keep what a resident showed in a drill; the same ``origin`` makes it once."""
    found = await session.scalar(select(Danger).where(col(Danger.origin) == draft.origin))
    if found is not None:
        return found
    district = None
    if draft.longitude is not None and draft.latitude is not None:
        district = city.district_at(draft.longitude, draft.latitude)
    danger = Danger(
        drill=True,
        resident_id=resident_id,
        origin=draft.origin,
        category=draft.category,
        longitude=draft.longitude,
        latitude=draft.latitude,
        address=draft.address[:MAX_TEXT],
        area=district.code if district else None,
        description=draft.description[:MAX_TEXT],
        language=language,
        photos=[picture.to_json() for picture in draft.pictures[:MAX_PHOTOS]],
        place_message=draft.place_message,
        note_message=draft.note_message,
        created_at=now,
    )
    session.add(danger)
    await session.flush()
    return danger


async def listed(
    session: AsyncSession,
    *,
    drill: bool,
    states: Sequence[Triage] = WAITS,
    most: int,
    skip: int = 0,
) -> list[Shown]:
    """Return dangers: those that nobody looked at come first, then the newest."""
    query = _with_reports().where(col(Danger.drill).is_(drill), col(Danger.state).in_(states))
    order = (col(Danger.state) == Triage.NEW).desc()
    query = query.order_by(order, col(Danger.created_at).desc(), col(Danger.id).desc())
    rows = (await session.execute(query.limit(most).offset(skip))).all()
    return await _shown(session, rows)


async def shown(session: AsyncSession, danger_id: int) -> Shown | None:
    """Return one danger, or None."""
    rows = (await session.execute(_with_reports().where(col(Danger.id) == danger_id))).all()
    found = await _shown(session, rows)
    return found[0] if found else None


async def same(session: AsyncSession, one: Shown) -> list[tuple[Shown, float]]:
    """Return what may be the same danger, by place and time, with the metres between, nearest
    first."""
    if one.longitude is None or one.latitude is None:
        return []
    at = one.danger.created_at
    query = _with_reports().where(
        col(Danger.drill).is_(one.danger.drill),
        col(Danger.created_at).between(at - NEAR_TIME, at + NEAR_TIME),
        col(Danger.id) != one.danger.id,
    )
    rows = (
        await session.execute(query.order_by(col(Danger.id).desc()).limit(LOOKED_THROUGH))
    ).all()
    found = []
    for danger, report in rows:
        longitude = report.longitude if report else danger.longitude
        latitude = report.latitude if report else danger.latitude
        if longitude is None or latitude is None:
            continue
        metres = distance_m(one.longitude, one.latitude, longitude, latitude)
        if metres <= NEAR_M:
            found.append((metres, danger, report))
    found.sort(key=lambda each: each[0])
    near = await _shown(session, [(danger, report) for _, danger, report in found[:MOST_NEAR]])
    return list(zip(near, [metres for metres, _, _ in found], strict=False))


def _with_reports() -> Any:
    return select_rows(Danger, Report).outerjoin(Report, col(Report.id) == col(Danger.report_id))


async def _shown(session: AsyncSession, rows: Sequence[Any]) -> list[Shown]:
    ids = [report.id for _, report in rows if report is not None]
    photos: dict[int, list[str]] = {}
    if ids:
        query = select(Photo).where(col(Photo.report_id).in_(ids)).order_by(col(Photo.id))
        for photo in await session.scalars(query):
            photos.setdefault(photo.report_id, []).append(photo.sha256)
    found = []
    for danger, report in rows:
        source: Any = report if report is not None else danger
        own = tuple(one["sha256"] for one in danger.photos)
        found.append(
            Shown(
                danger,
                report.number if report is not None else "",
                source.category,
                source.longitude,
                source.latitude,
                source.address,
                source.area,
                source.description,
                source.language,
                tuple(photos.get(report.id, ())) if report is not None else own,
            )
        )
    return found


async def decide(
    session: AsyncSession,
    city: City,
    danger_id: int,
    state: Triage,
    now: datetime,
    *,
    seen: int | None,
    actor: str,
    note: str = "",
    same_as: int | None = None,
    department: str = "",
) -> Changed | None:
    """Decide on a danger; for real its report follows. Returns what changed of its case, if that
    went to another department.

    Parameters
    ----------
    seen
        The version that the person looked at.
    same_as
        The danger that was shown before, for :attr:`Triage.KNOWN`.
    department
        Who gets the report, for :attr:`Triage.PASSED`; "" leaves it where it is.

    Raises
    ------
    BadInput
        It is gone, or somebody decided meanwhile, or the other danger is of another world.
    """
    query = select(Danger).where(col(Danger.id) == danger_id)
    danger = await session.scalar(query.with_for_update().execution_options(populate_existing=True))
    if danger is None:
        raise BadInput(reason("danger.missing"))
    if danger.version != seen:
        raise BadInput(reason("danger.changed"))
    if same_as is not None:
        other = await session.get(Danger, same_as)
        if other is None or other.drill != danger.drill or other.id == danger.id:
            raise BadInput(reason("danger.missing"))
    danger.state = state
    danger.version += 1
    danger.same_as_id = same_as if state is Triage.KNOWN else None
    danger.decided_by, danger.decided_at = actor, now
    session.add(danger)
    await session.flush()
    report = await session.get(Report, danger.report_id) if danger.report_id else None
    changed = None
    if report is not None and state is Triage.PASSED and department:
        wanted = Change(department=department)
        changed = await work.change(session, city, report.number, wanted, by=actor, now=now)
    await audit.record(
        session,
        now,
        actor=actor,
        action="danger.decided",
        subject=f"danger:{danger.id}",
        state=state.value,
        drill=danger.drill,
        report=report.number if report is not None else "",
    )
    facts: dict[str, Any] = {"triage": state.value, "danger": danger.id}
    if report is not None:
        facts["report"] = report.number
    if note := clean(note)[:MOST_NOTE]:
        facts["reason"] = note
    await record.note(
        session,
        drill=danger.drill,
        now=now,
        actor=actor,
        code="danger.decided",
        facts=facts,
        department=department,
        subject=f"danger:{danger.id}",
        source=f"danger:{danger.id}:{danger.version}",
    )
    return changed


async def count_by_state(session: AsyncSession, *, drill: bool) -> dict[Triage, Size]:
    """Return how many dangers are in each state, up to the counting limit."""
    return {
        state: await counting.size_of(
            session,
            select(Danger.id).where(col(Danger.drill).is_(drill), col(Danger.state) == state),
        )
        for state in Triage
    }


async def take_back(session: AsyncSession, resident_id: int, message_id: str) -> None:
    """Erase what a message brought to the dangers of a drill, when a resident takes it back."""
    query = select(Danger).where(col(Danger.resident_id) == resident_id).with_for_update()
    for danger in await session.scalars(query):
        danger.photos = [one for one in danger.photos if one.get("message") != message_id]
        if danger.place_message == message_id:
            danger.longitude = danger.latitude = None
            danger.address, danger.place_message = "", ""
        if danger.note_message == message_id:
            danger.description, danger.note_message = "", ""
        session.add(danger)
    await session.flush()


async def forget_drills(database: Database, before: datetime) -> int:
    """Erase what was shown in drills before a moment; return how many."""
    number = col(Danger.id)
    old = (col(Danger.created_at) < before, col(Danger.drill))

    async def change(session: AsyncSession, ids: Sequence[int]) -> int:
        gone = delete(Danger).where(number.in_(ids), *old)
        return rows_of(await session.execute(gone.execution_options(synchronize_session=False)))

    return await in_chunks(database, select(number).where(*old), change)
