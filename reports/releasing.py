"""Which photos everybody sees: only those that a member of staff looked at and released.

Where a face or a plate was covered, everybody sees a copy (``Photo.public_sha256``); the photo
itself stays with the office. A photo that is taken back, kept private, or erased is gone from every
public page at the next request.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from sqlalchemy import and_, exists, func, or_, text
from sqlalchemy import select as sql_select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col, select

from city.city import City
from core import audit
from core.errors import BadInput
from reports import published
from reports.blurring import Area, blurred
from reports.members import leader_of
from reports.models import UNDECIDED, Photo, Report
from reports.photos import photo_path, write_photo
from reports.reasons import reason
from reports.states import ReportState

LOOKED_BACK = timedelta(days=180)
"""How old a photo may be to be offered for release by itself."""
MOST_WAITING = 100

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class ToRelease:
    """A photo that somebody decides on, with its report and the case that it belongs to."""

    photo: Photo
    report: Report
    case: Report

    @property
    def seen(self) -> str:
        """What somebody who looks at it knows of it; another value later means another decision,
        or another picture: drawn areas do not fit a photo that was turned meanwhile.
        """
        photo = self.photo
        at = photo.released_at.isoformat() if photo.released_at else ""
        return f"{photo.sha256}|{at}|{photo.public_sha256}|{int(photo.kept_private)}"


async def waiting(
    session: AsyncSession, city: City, now: datetime, *, before: int | None = None
) -> list[int]:
    """Return photos on which nobody has decided yet, the newest first.

    They are of cases that everybody sees now, except those whose photos are older than
    :data:`LOOKED_BACK`. At most :data:`MOST_WAITING` and one.

    Parameters
    ----------
    before
        Only photos with a lower id: those that come next.
    """
    theirs = aliased(Report)
    is_public = exists().where(
        col(Report.id) == func.coalesce(col(theirs.case_id), col(theirs.id)),
        *published.conditions(city),
        published.lately(now),
    )
    joined = and_(col(theirs.hidden).is_(False), col(theirs.state) == ReportState.DUPLICATE)
    # From the photos that wait, which an index has, to their cases.
    query = (
        select(col(Photo.id))
        .join(theirs, col(theirs.id) == col(Photo.report_id))
        .where(
            text(UNDECIDED),
            col(Photo.created_at) > now - LOOKED_BACK,
            or_(col(theirs.case_id).is_(None), joined),
            is_public,
        )
        # "+ 0" keeps databases from walking along all photos in the order of their ids.
        .order_by((col(Photo.id) + 0).desc())
        .limit(MOST_WAITING + 1)
    )
    if before is not None:
        query = query.where(col(Photo.id) < before)
    return [number for number in await session.scalars(query) if number is not None]


async def one(session: AsyncSession, photo_id: int, *, lock: bool = False) -> ToRelease | None:
    """Return a photo with its report and case; locked until the transaction ends, if wanted."""
    query = select(Photo).where(col(Photo.id) == photo_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    photo = await session.scalar(query)
    if photo is None:
        return None
    report = await session.get_one(Report, photo.report_id)
    return ToRelease(photo, report, await leader_of(session, report))


async def photos_beside(session: AsyncSession, case: Report) -> Sequence[Photo]:
    """Return all photos of a case, in the order they came."""
    mine = or_(col(Report.id) == case.id, col(Report.case_id) == case.id)
    query = sql_select(Photo).join(Report, col(Report.id) == col(Photo.report_id)).where(mine)
    return list(await session.scalars(query.order_by(col(Photo.id))))


async def covered(media_dir: Path, photo: Photo, areas: Sequence[Area]) -> str:
    """Make the copy without what is under the areas, and return its name; "" without areas.

    Raises
    ------
    BadInput
        The photo's file is gone, an area is outside of it, or the disk is full.
    """
    if not areas:
        return ""
    return await asyncio.to_thread(_covered, media_dir, photo.sha256, areas)


def _covered(media_dir: Path, sha256: str, areas: Sequence[Area]) -> str:
    try:
        data = photo_path(media_dir, sha256).read_bytes()
    except FileNotFoundError as error:
        raise BadInput(reason("photo.gone")) from error
    full, small = blurred(data, areas)
    name = hashlib.sha256(full).hexdigest()
    try:
        write_photo(photo_path(media_dir, name), full)
        write_photo(photo_path(media_dir, name, thumbnail=True), small)
    except OSError as error:
        raise BadInput(reason("export.disk")) from error
    return name


async def release(
    session: AsyncSession,
    photo_id: int,
    copy: str,
    *,
    seen: str,
    areas: int,
    by: str,
    now: datetime,
) -> None:
    """Show a photo to everybody, or the copy of that name.

    Raises
    ------
    BadInput
        It is gone, or somebody decided meanwhile.
    """
    found = await _decided(session, photo_id, seen)
    found.photo.released_at, found.photo.released_by = now, by
    found.photo.public_sha256, found.photo.kept_private = copy, False
    await _note(session, found, "photo.released", by, now, areas=areas)


async def keep_private(
    session: AsyncSession, photo_id: int, *, seen: str, by: str, now: datetime
) -> None:
    """Show a photo to nobody outside: it is not offered again, and gone if it was released.

    Raises
    ------
    BadInput
        It is gone, or somebody decided meanwhile.
    """
    found = await _decided(session, photo_id, seen)
    found.photo.released_at, found.photo.released_by = None, ""
    found.photo.public_sha256, found.photo.kept_private = "", True
    await _note(session, found, "photo.kept_private", by, now)


async def _decided(session: AsyncSession, photo_id: int, seen: str) -> ToRelease:
    found = await one(session, photo_id, lock=True)
    if found is None:
        raise BadInput(reason("photo.gone"))
    if found.seen != seen:
        raise BadInput(reason("photo.changed"))
    return found


async def _note(
    session: AsyncSession, found: ToRelease, action: str, by: str, now: datetime, **facts: int
) -> None:
    session.add(found.photo)
    await session.flush()
    await audit.record(
        session,
        now,
        actor=by,
        action=action,
        subject=f"report:{found.report.number}",
        photo=found.photo.id,
        **facts,
    )
    log.info("photo.decided", report_id=found.report.number, decision=action)
