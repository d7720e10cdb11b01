"""What other programs say later of reports: updates by Open311 (``POST servicerequestupdates``).

The names of its fields are those of common servers and clients, such as FixMyStreet. A program says
something of a report that it posted, like its resident: that it is mended (``closed``), that it is
not right (``open`` after the completion), or words and a photo. The office that has a case says
what it says when its own endpoint is asked. Of the person nothing is kept.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, or_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from city.city import City
from core.clock import in_japan
from core.errors import BadInput
from core.text import clean
from core.web import Form
from reports import later, office_words, photo_addresses, work
from reports.api_keys import count_post
from reports.models import (
    Addition,
    ApiKey,
    Forward,
    PhotoRole,
    Report,
    ReportUpdate,
    Sending,
)
from reports.office_words import CLOSED, OPEN, Said, Tell
from reports.open311_formats import Refused
from reports.open311_posts import AGAIN, check_rate, media_url_of
from reports.open311_requests import is_own
from reports.register import get_report
from reports.states import ReportState
from reports.work import Change
from reports.worse_words import says_worse

LONGEST_WORDS = 2000
LONGEST_NUMBER = 16


@dataclass(frozen=True)
class PostedUpdate:
    """What an update says; ``status`` is ``open``, ``closed`` or nothing."""

    number: str
    status: str
    words: str
    media_url: str
    mark: str
    """The program's own id and time of it, which tell two alike apart."""

    def origin(self, key: ApiKey, now: datetime) -> str:
        """The same for the same update of one key on one day in Japan."""
        day = in_japan(now).date().isoformat()
        said = [self.number, self.status, self.words, self.media_url, self.mark, day]
        return f"update:{key.id}:{hashlib.sha256(json.dumps(said).encode()).hexdigest()[:40]}"


def posted_update(form: Form) -> PostedUpdate:
    """Read an update.

    Raises
    ------
    Refused
        Something is missing or wrong; the reason names all of it.
    """
    wrong: list[str] = []
    number = form.text("service_request_id")
    if not number:
        wrong.append("service_request_id was not provided.")
    status = form.text("status").lower()
    if status not in ("", OPEN, CLOSED):
        wrong.append("status is open or closed.")
    words = clean(form.text("description"))
    if len(words) > LONGEST_WORDS:
        wrong.append(f"description has at most {LONGEST_WORDS} characters.")
    media_url = media_url_of(form, wrong)
    if not (wrong or status or words or media_url):
        wrong.append("An update needs a status, a description or a media_url.")
    if wrong:
        raise Refused(400, " ".join(wrong))
    mark = f"{form.text('update_id')[:200]} {form.text('updated_datetime')[:40]}"
    return PostedUpdate(number, status, words, media_url, mark)


async def taken_before(
    session: AsyncSession, key: ApiKey, post: PostedUpdate, now: datetime
) -> ReportUpdate | None:
    """Return the step that the same update made, if it came before on this day, or in this hour."""
    origin, at = col(ReportUpdate.origin), col(ReportUpdate.created_at)
    of_yesterday = and_(origin == post.origin(key, now - AGAIN), at > now - AGAIN)
    same = or_(origin == post.origin(key, now), of_yesterday)
    newest = select(ReportUpdate).where(same).order_by(col(ReportUpdate.id).desc())
    return await session.scalar(newest.limit(1))


async def check_theirs(session: AsyncSession, key: ApiKey, post: PostedUpdate) -> None:
    """Let a program say something of its own reports, and an office of the cases that it has.

    Raises
    ------
    Refused
        There is no such report, or it is another's.
    """
    await _theirs(session, key, post)


async def take(
    session: AsyncSession,
    city: City,
    key: ApiKey,
    post: PostedUpdate,
    now: datetime,
    *,
    tell: Tell,
) -> ReportUpdate:
    """Store an update and do what it says; the same one on one day is done once.

    Parameters
    ----------
    key
        Locked.
    tell
        Tells residents of a new state.

    Raises
    ------
    Refused
        It is not theirs, or the key has posted too much in this hour.
    """
    if (earlier := await taken_before(session, key, post, now)) is not None:
        return earlier
    report, forward = await _theirs(session, key, post)
    check_rate(key, now)
    count_post(key, now)
    session.add(key)
    if forward is not None:
        return await _of_office(session, city, key, forward, post, now, tell)
    return await _of_reporter(session, city, key, report, post, now, tell)


async def _theirs(
    session: AsyncSession, key: ApiKey, post: PostedUpdate
) -> tuple[Report, Forward | None]:
    missing = Refused(404, "There is no such request, or it is not yours.")
    if len(post.number) > LONGEST_NUMBER:
        raise missing
    try:
        report = await get_report(session, post.number)
    except BadInput as error:
        raise missing from error
    if (forward := await _forwarded(session, key, report)) is not None:
        return report, forward
    if not is_own(report, key):
        raise missing
    if report.state is ReportState.WITHDRAWN:
        raise Refused(400, "The request was withdrawn.")
    return report, None


async def _forwarded(session: AsyncSession, key: ApiKey, report: Report) -> Forward | None:
    """Return how a case, or a report that was joined to it, came to the office of a key."""
    if not key.owner:
        return None
    ids = {report.id, report.case_id} - {None}
    query = (
        select(Forward)
        .where(
            col(Forward.report_id).in_(ids),
            col(Forward.owner) == key.owner,
            col(Forward.state) == Sending.DONE,
        )
        .order_by(col(Forward.id).desc())
        .limit(1)
    )
    return await session.scalar(query)


async def _of_office(
    session: AsyncSession,
    city: City,
    key: ApiKey,
    forward: Forward,
    post: PostedUpdate,
    now: datetime,
    tell: Tell,
) -> ReportUpdate:
    await session.refresh(forward, with_for_update=True)
    said = Said(post.status or forward.remote_status or OPEN, post.words, now.isoformat())
    origin = post.origin(key, now)
    step = await office_words.take_up(session, city, forward, said, now, tell=tell, origin=origin)
    if post.media_url:
        report = await session.get_one(Report, forward.report_id)
        photo_addresses.add(
            session, report, post.media_url, by=step.by, now=now, role=PhotoRole.AFTER
        )
    return step


async def _of_reporter(
    session: AsyncSession,
    city: City,
    key: ApiKey,
    report: Report,
    post: PostedUpdate,
    now: datetime,
    tell: Tell,
) -> ReportUpdate:
    case = await work.leading(session, report.number)
    after, added = None, Addition.WORDS if post.words else Addition.PHOTO
    if post.status == CLOSED and case.state.is_open:
        added = Addition.MENDED
    elif post.status == OPEN and case.state is ReportState.DONE:
        after, added = ReportState.ACCEPTED, Addition.NOT_RIGHT
    elif case.state.is_open and says_worse(post.words):
        added = Addition.WORSE
    by = f"open311:{key.name}"
    wanted = Change(state=after, note=post.words, added=added, origin=post.origin(key, now))
    changed = await work.change(session, city, case.number, wanted, by=by, now=now)
    assert changed.update is not None
    if changed.report.state.is_open:
        await later.weigh_words(session, city, case, report, changed.update, post.words, now)
    if after is not None:
        await tell(session, changed, now)
    if post.media_url:
        photo_addresses.add(session, report, post.media_url, by=by, now=now, role=PhotoRole.LATER)
    return changed.update
