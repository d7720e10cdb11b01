"""What residents do with a report that is there: join it, follow it, tell more of it.

Everything is a step in the report's life, which staff see, and an entry of the audit trail.
"""

from __future__ import annotations

from datetime import datetime

import structlog
from sqlalchemy import delete, func, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from core import audit
from core.database import insert_into, insert_new
from reports import cases, photos
from reports.models import RESIDENT, Addition, Follower, PhotoRole, Report, ReportUpdate
from reports.photos import MAX_PHOTOS, Added, Picture
from subscriptions.models import Resident, ResidentState

MAX_LATER = 4
"""Photos that can be added after a report was sent."""

log = structlog.get_logger(__name__)


async def join(session: AsyncSession, number: str, resident_id: int, now: datetime) -> bool:
    """Let a resident hear what becomes of a report; return whether there is such a report.

    Joining twice, or one's own report, changes nothing.
    """
    report = await session.scalar(select(Report).where(col(Report.number) == number))
    if report is None or report.id is None:
        return False
    if report.resident_id == resident_id:
        return True
    added = await session.execute(
        insert_into(session, Follower)
        .values(report_id=report.id, resident_id=resident_id, saw=True, created_at=now)
        .on_conflict_do_update(
            index_elements=[col(Follower.report_id), col(Follower.resident_id)],
            set_={"saw": True},
            where=col(Follower.saw).is_(False),
        )
        .returning(col(Follower.report_id))
    )
    if added.first() is not None:
        await _count(session, report.id, 1)
        await tell(session, report, Addition.JOINED, now)
    return True


async def follow(session: AsyncSession, report: Report, resident_id: int, now: datetime) -> None:
    """Let a resident hear what becomes of a case that they only read of.

    It does not count them among those who reported it. Following twice changes nothing.
    """
    assert report.id is not None
    if report.resident_id == resident_id:
        return
    new = insert_new(session, Follower, ["report_id", "resident_id"])
    await session.execute(
        new.values(report_id=report.id, resident_id=resident_id, saw=False, created_at=now)
    )


async def leave(session: AsyncSession, number: str, resident_id: int) -> None:
    """Let a resident who joined a report hear no more of it."""
    report = select(col(Report.id)).where(col(Report.number) == number).scalar_subquery()
    gone = await session.execute(
        delete(Follower)
        .where(col(Follower.resident_id) == resident_id, col(Follower.report_id) == report)
        .returning(col(Follower.report_id), col(Follower.saw))
        .execution_options(synchronize_session=False)
    )
    row = gone.first()
    if row is not None and row.saw:
        await _count(session, row.report_id, -1)


async def _count(session: AsyncSession, report_id: int, more: int) -> None:
    """Count a follower, also on the report that leads the case."""
    leader = select(col(Report.case_id)).where(col(Report.id) == report_id).scalar_subquery()
    await session.execute(
        update(Report)
        .where((col(Report.id) == report_id) | (col(Report.id) == leader))
        .values(reporters=col(Report.reporters) + more)
    )


async def followers(session: AsyncSession, report: Report) -> list[Resident]:
    """Return the residents who joined a report and can be told something."""
    found = await session.scalars(
        select(Resident)
        .join(Follower, col(Follower.resident_id) == col(Resident.id))
        .where(
            col(Follower.report_id) == report.id,
            col(Resident.state) == ResidentState.FOLLOWING,
        )
        .order_by(col(Follower.created_at), col(Resident.id))
    )
    return list(found)


async def reports_followed(session: AsyncSession, resident_id: int, most: int) -> list[Report]:
    """Return the newest reports of others that a resident joined."""
    found = await session.scalars(
        select(Report)
        .join(Follower, col(Follower.report_id) == col(Report.id))
        .where(col(Follower.resident_id) == resident_id)
        .order_by(col(Report.id).desc())
        .limit(most)
    )
    return list(found)


async def count_followed(session: AsyncSession, resident_id: int) -> int:
    """Return how many reports of others a resident follows."""
    query = select(func.count()).select_from(Follower)
    return await session.scalar(query.where(col(Follower.resident_id) == resident_id)) or 0


async def own_report(
    session: AsyncSession,
    number: str,
    resident_id: int,
    *,
    leaves: bool = False,
    lock: bool = True,
) -> Report | None:
    """Return a resident's own report, locked until the transaction ends.

    Parameters
    ----------
    leaves
        Whether it may leave its case (``reports.cases.leave``).
    lock
        Whether it is locked; not if its case is changed after that, which is locked first.
    """
    if leaves:
        await cases.turn(session)
    query = select(Report).where(
        col(Report.number) == number, col(Report.resident_id) == resident_id
    )
    return await session.scalar(query.with_for_update() if lock else query)


async def add_photo(session: AsyncSession, report: Report, picture: Picture, now: datetime) -> bool:
    """Add a photo to a report; return whether there was room, or it is there already."""
    added = await photos.add_photo(
        session, report, picture, now, role=PhotoRole.LATER, most=MAX_PHOTOS + MAX_LATER
    )
    if added is Added.NEW:
        await tell(session, report, Addition.PHOTO, now)
    return added is not Added.NO_ROOM


async def tell(session: AsyncSession, report: Report, addition: Addition, now: datetime) -> None:
    """Note what a resident adds to a report."""
    assert report.id is not None
    report.updated_at, report.forgotten = now, False
    session.add(report)
    session.add(ReportUpdate(report_id=report.id, by=RESIDENT, added=addition, created_at=now))
    await session.flush()
    await audit.record(
        session,
        now,
        actor=RESIDENT,
        action="report.told",
        subject=f"report:{report.number}",
        what=addition.value,
    )
    log.info("report.told", report_id=report.number, part=addition.value)
