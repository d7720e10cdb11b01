"""Answers to reports, for tests: given as a page gives them, heard as a phone hears them."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

from channels.line.medium import LINE
from city.context import Context
from reports import (
    answers,
    following,
    verdicts,
    work,
)
from reports.answers import Answer, Means, Told
from reports.models import RESIDENT, Photo, PhotoRole, Report
from reports.photo_links import photo_links
from reports.photos import CONTENT_TYPE, store_photo
from reports.states import ReportState
from reports.work import Change
from subscriptions import residents
from tests.support.filed_reports import picture
from tests.support.office import Office

BY = "road@city.example"


def means(context: Context) -> Means:
    return Means(context.queue, LINE, photo_links(context.settings))


async def changed_to(
    office: Office, report: Report, state: ReportState | None, answer: Answer, **more: Any
) -> Told:
    """Change a case and tell the residents, as every page does."""
    context, now = office.context, office.clock.now()
    async with office.database.writing() as session:
        wanted = Change(state=state, **more)
        changed = await work.change(session, context.city, report.number, wanted, by=BY, now=now)
        return await answers.tell(
            session, means(context), context.city, changed, answer, by=BY, now=now
        )


async def said_to(office: Office, user: str) -> list[list[dict[str, Any]]]:
    """Return what arrived, push by push, once everything has left."""
    for delivery in await office.deliveries():
        await office.done(delivery.id or 0)
    return office.received(user)


async def number_of(office: Office, user: str) -> int:
    async with office.database.reading() as session:
        found = await residents.find(session, user)
        assert found is not None and found.id is not None
        return found.id


async def joined_to(office: Office, leader: Report, *others: Report) -> None:
    async with office.database.writing() as session:
        for other in others:
            row = await session.get_one(Report, other.id, with_for_update=True)
            row.case_id, row.state = leader.id, ReportState.DUPLICATE
            session.add(row)


async def follows(office: Office, report: Report, user: str) -> None:
    async with office.database.writing() as session:
        await following.join(
            session, report.number, await number_of(office, user), office.clock.now()
        )


async def photo_after(office: Office, report: Report, role: PhotoRole = PhotoRole.AFTER) -> int:
    kept = store_photo(office.context.settings.media_dir, picture())
    photo = Photo(
        report_id=report.id or 0,
        sha256=kept.sha256,
        content_type=CONTENT_TYPE,
        width=kept.width,
        height=kept.height,
        size=kept.size,
        role=role,
        created_at=office.clock.now(),
    )
    async with office.database.writing() as session:
        session.add(photo)
        await session.flush()
        assert photo.id is not None
        return photo.id


async def judged(
    office: Office, user: str, message: dict[str, Any], *, right: bool, **more: Any
) -> verdicts.Judged:
    """Press a button of the question, as the conversation does."""
    key = data_of(message, right=right)["k"]
    now = office.clock.now()
    async with office.database.writing() as session:
        found = await verdicts.judge(
            session,
            office.context.city,
            key,
            await number_of(office, user),
            right=right,
            now=now,
            **more,
        )
        if found.changed is not None:
            await answers.tell_by_itself(
                session,
                means(office.context),
                office.context.city,
                found.changed,
                by=RESIDENT,
                now=now,
                besides={await number_of(office, user)},
            )
        return found


def data_of(message: dict[str, Any], *, right: bool) -> dict[str, str]:
    for tile in message["contents"]["footer"]["contents"]:
        data = dict(parse_qsl(tile["action"]["data"]))
        if data["right"] == ("1" if right else "0"):
            return data
    raise AssertionError(message)
