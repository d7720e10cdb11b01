"""Remove what a resident took back in LINE (送信取消) from their reports; staff see that.

The next sweep (``reports.photos.sweep_files``) removes a photo's file; it is not shown any more.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import structlog
from sqlalchemy import CompoundSelect, Text, cast, union
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from core import audit
from reports import cases, later
from reports.models import RESIDENT, Follower, Photo, Report, ReportUpdate
from reports.register import forget_places
from reports.states import WAITING, ReportState

log = structlog.get_logger(__name__)


class Withdrawn(StrEnum):
    PHOTO = "photo"
    PLACE = "place"
    WORDS = "words"
    ANSWER = "answer"
    REPORT = "report"


async def withdraw(
    session: AsyncSession, resident_id: int, message_id: str, now: datetime
) -> list[Withdrawn]:
    """Remove the content of a message from the resident's reports; return what was removed.

    An unknown message, or one taken back before, changes nothing.
    """
    gone: list[Withdrawn] = []
    # Apart, because a database may read all photos to join the two with "or".
    theirs: CompoundSelect[tuple[int | None]] = union(
        select(col(Report.id)).where(col(Report.resident_id) == resident_id),
        select(col(Follower.report_id)).where(col(Follower.resident_id) == resident_id),
    )
    numbers = list(await session.scalars(theirs))
    photos = await session.scalars(
        select(Photo).where(col(Photo.report_id).in_(numbers), col(Photo.message_id) == message_id)
    )
    for photo in list(photos):
        report = await session.get_one(Report, photo.report_id, with_for_update=True)
        await session.delete(photo)
        report.photo_count -= 1
        gone.append(await _note(session, report, Withdrawn.PHOTO, now))
    reports = await session.scalars(
        select(Report)
        .where(
            col(Report.resident_id) == resident_id,
            (col(Report.place_message) == message_id) | (col(Report.note_message) == message_id),
        )
        .order_by(col(Report.number))
        .with_for_update()
    )
    for report in list(reports):
        if report.place_message == message_id:
            report.longitude = report.latitude = report.area = None
            report.address = report.place_message = report.road = report.road_class = ""
            await forget_places(session, [report.id or 0])
            gone.append(await _note(session, report, Withdrawn.PLACE, now))
        if report.note_message == message_id:
            report.description = report.note_message = ""
            report.japanese = report.translated_by = ""
            gone.append(await _note(session, report, Withdrawn.WORDS, now))
    gone += await _withdraw_answers(session, resident_id, message_id, now)
    for report in await later.take_back(session, message_id):
        gone.append(await _note(session, report, Withdrawn.WORDS, now))
    return gone


async def _withdraw_answers(
    session: AsyncSession, resident_id: int, message_id: str, now: datetime
) -> list[Withdrawn]:
    """Remove what a message answered to questions of a kind."""
    if not message_id:
        return []
    found = await session.scalars(
        select(Report)
        .where(
            col(Report.resident_id) == resident_id,
            cast(col(Report.attributes), Text).contains(message_id, autoescape=True),
        )
        .order_by(col(Report.number))
        .with_for_update()
    )
    gone = []
    for report in list(found):
        kept = [one for one in report.attributes if one.get("message") != message_id]
        if len(kept) != len(report.attributes):
            report.attributes = kept
            gone.append(await _note(session, report, Withdrawn.ANSWER, now))
    return gone


async def withdraw_report(session: AsyncSession, report: Report, now: datetime) -> bool:
    """Take back a whole report on which nobody has decided yet; return whether that was so.

    Its photos, place and words are erased. Who saw the same thing, or follows it, hears of what
    goes on without it (:func:`reports.cases.leave`).
    """
    if report.state not in WAITING:
        return False
    for photo in await session.scalars(select(Photo).where(col(Photo.report_id) == report.id)):
        await session.delete(photo)
    await cases.leave(session, report, now)
    report.longitude = report.latitude = report.area = None
    report.address = report.place_message = report.description = report.note_message = ""
    report.japanese = report.translated_by = report.road = report.road_class = ""
    report.attributes, report.said_later = [], ""
    await later.forget(session, report)
    await forget_places(session, [report.id or 0])
    report.state, report.ended_at, report.photo_count = ReportState.WITHDRAWN, now, 0
    await _note(session, report, Withdrawn.REPORT, now)
    return True


async def _note(session: AsyncSession, report: Report, what: Withdrawn, now: datetime) -> Withdrawn:
    """Note that something was taken back, so that a colleague with an open page is told to look
    again.
    """
    assert report.id is not None
    report.updated_at = now
    session.add(report)
    session.add(ReportUpdate(report_id=report.id, by=RESIDENT, withdrawn=what, created_at=now))
    await session.flush()
    await audit.record(
        session,
        now,
        actor=RESIDENT,
        action="report.withdrawn",
        subject=f"report:{report.number}",
        what=what.value,
    )
    log.info("report.withdrawn", report_id=report.number, part=what.value)
    return what
