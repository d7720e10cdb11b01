"""Cases that go to another office: by its Open311 endpoint, or as a mail where it has nothing else.

A row is stored before the first attempt (``Forward``). ``reports.office_sender`` sends it, and asks
an endpoint what became of it. Nothing about the reporter goes along: only the number, the kind, the
place, the words as staff leave them, and the pictures that staff chose.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from city.city import City, Owner
from core import audit
from core.chunks import in_chunks, rows_of
from core.database import Database
from core.errors import BadInput
from core.text import clean
from reports import work
from reports.models import UNDONE, Forward, ForwardWay, Photo, Report, ReportUpdate, Sending
from reports.reasons import reason
from reports.register import LONGEST_DESCRIPTION
from reports.states import ReportState
from reports.work import Change, Changed

RULE = "rule"
"""Who takes up what another office says, if the city's folder says so."""
PATH = "/forwarded"
PHOTO_VALID = timedelta(days=60)
"""How long another office can fetch a picture."""
LONGEST_TOKEN = 200
MOST_WORDS = LONGEST_DESCRIPTION - 600
"""What we add to the words needs the rest."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What staff want to have forwarded.

    Parameters
    ----------
    key
        Made with the page; see ``Forward.key``.
    photos
        SHA-256 of the chosen pictures, in order.
    reply_to
        Where a mail is answered.
    """

    key: str
    owner: str
    way: ForwardWay
    reason: str
    words: str
    photos: tuple[str, ...]
    reply_to: str


def ways_of(owner: Owner) -> tuple[ForwardWay, ...]:
    """Return how a case can go to this owner, the better way first."""
    found = []
    if owner.open311 is not None:
        found.append(ForwardWay.OPEN311)
    if owner.mail:
        found.append(ForwardWay.MAIL)
    return tuple(found)


def offices(city: City) -> list[Owner]:
    """Return the owners to which a case can go."""
    return [owner for owner in city.owners if ways_of(owner)]


def new_key() -> str:
    """Return the key of a page on which staff decide."""
    return str(uuid.uuid4())


def pictures_of(photos: Sequence[Photo], *, everything: bool) -> tuple[str, ...]:
    """Return the pictures that go along: released ones as everybody sees them, or all."""
    if everything:
        return tuple(photo.sha256 for photo in photos)
    return tuple(
        photo.public_sha256 or photo.sha256 for photo in photos if photo.released_at is not None
    )


async def begin(
    session: AsyncSession, city: City, number: str, wanted: Wanted, *, by: str, now: datetime
) -> Forward:
    """Store that a case goes to another office; it is sent afterwards. The same page does it once.

    Raises
    ------
    BadInput
        There is no such report or office, the case is with that office already, or a reason is
        missing.
    """
    report = await work.leading(session, number)
    known = await session.scalar(select(Forward).where(col(Forward.key) == wanted.key))
    if known is not None:
        return known
    owner = next((one for one in offices(city) if one.code == wanted.owner), None)
    if owner is None or wanted.way not in ways_of(owner):
        raise BadInput(reason("forward.no-office"))
    if wanted.reason not in ReportState.REFERRED.facts.reasons:
        raise BadInput(reason("report.needs-reason"))
    words = clean(wanted.words)
    if len(words) > MOST_WORDS:
        raise BadInput(reason("forward.words", most=MOST_WORDS))
    try:
        key = str(uuid.UUID(wanted.key))
    except ValueError as error:
        raise BadInput(reason("forward.no-office")) from error
    with_them = await session.scalar(
        select(Forward.id).where(
            col(Forward.report_id) == report.id,
            col(Forward.owner) == owner.code,
            col(Forward.state).in_((*UNDONE, Sending.DONE)),
            col(Forward.closed_at).is_(None),
        )
    )
    if with_them is not None:
        raise BadInput(reason("forward.twice"))
    assert report.id is not None
    endpoint = owner.open311
    by_open311 = wanted.way is ForwardWay.OPEN311 and endpoint is not None
    made = Forward(
        report_id=report.id,
        key=key,
        owner=owner.code,
        way=wanted.way,
        address=endpoint.url if by_open311 and endpoint is not None else owner.mail,
        words=words,
        photos=list(wanted.photos),
        reason=wanted.reason,
        reply_to=wanted.reply_to,
        by=by,
        not_before=now,
        created_at=now,
    )
    session.add(made)
    await session.flush()
    # A note is the office's own words, in Japanese like the name.
    way = "メール" if made.way is ForwardWay.MAIL else "Open311"
    await note(session, report.id, f"→ {owner.names['ja']}（{way}）", by=by, now=now)
    await _record(session, now, made, report, by, "report.forwarded", photos=len(made.photos))
    return made


async def of_report(session: AsyncSession, report_id: int) -> list[Forward]:
    """Return where a case went, the newest first."""
    found = await session.scalars(
        select(Forward).where(col(Forward.report_id) == report_id).order_by(col(Forward.id).desc())
    )
    return list(found)


async def newest(
    session: AsyncSession, most: int, *, to_look_at: bool = False
) -> list[tuple[Forward, Report]]:
    """Return the newest forwarded cases, or those on which staff have something to decide."""
    query = select(Forward)
    if to_look_at:
        query = query.where(
            col(Forward.settled_at).is_(None),
            (col(Forward.state) == Sending.FAILED) | col(Forward.closed_at).is_not(None),
        )
    found = list(await session.scalars(query.order_by(col(Forward.id).desc()).limit(most)))
    named = select(Report).where(col(Report.id).in_({forward.report_id for forward in found}))
    reports = {report.id: report for report in await session.scalars(named)}
    return [(forward, reports[forward.report_id]) for forward in found]


async def stop(session: AsyncSession, forward_id: int, *, by: str, now: datetime) -> None:
    """Stop what was not sent yet.

    Raises
    ------
    BadInput
        There is none, or it was sent.
    """
    forward = await _locked(session, forward_id)
    if forward.state not in UNDONE:
        raise BadInput(reason("forward.sent"))
    forward.state = Sending.STOPPED
    session.add(forward)
    report = await session.get_one(Report, forward.report_id)
    await _record(session, now, forward, report, by, "report.forward_stopped")


async def again(session: AsyncSession, forward_id: int, *, by: str, now: datetime) -> None:
    """Try once more what could not be sent.

    Raises
    ------
    BadInput
        There is none, or it is not one that failed.
    """
    forward = await _locked(session, forward_id)
    if forward.state not in (Sending.FAILED, Sending.STOPPED):
        raise BadInput(reason("forward.sent"))
    forward.state, forward.error, forward.settled_at = Sending.WAITING, None, None
    forward.attempts, forward.first_tried_at, forward.not_before = 0, None, now
    session.add(forward)
    report = await session.get_one(Report, forward.report_id)
    await _record(session, now, forward, report, by, "report.forward_again")


async def settle(
    session: AsyncSession,
    city: City,
    forward_id: int,
    *,
    done: bool,
    by: str,
    now: datetime,
) -> Changed | None:
    """Take up what the other office says, or set it aside.

    Parameters
    ----------
    done
        Whether the case is done here as well.

    Raises
    ------
    BadInput
        There is nothing to decide on, or the case cannot be done.
    """
    forward = await _locked(session, forward_id)
    nothing = forward.closed_at is None and forward.state is not Sending.FAILED
    if nothing or forward.settled_at is not None:
        raise BadInput(reason("forward.settled"))
    forward.settled_at, forward.settled_by = now, by
    session.add(forward)
    report = await session.get_one(Report, forward.report_id)
    if done:
        await work.hold(session, [report.number])
    await _record(session, now, forward, report, by, "report.forward_settled", done=done)
    if not done or forward.closed_at is None:
        return None
    wanted = Change(state=ReportState.DONE)
    return await work.change(session, city, report.number, wanted, by=by, now=now)


async def forget_words(database: Database, before: datetime) -> int:
    """Empty words and pictures of what was sent, or given up, before then; return of how many."""
    old = (
        col(Forward.created_at) < before,
        col(Forward.state).not_in(UNDONE),
        (col(Forward.words) != "") | (col(Forward.remote_notes) != ""),
    )

    async def change(session: AsyncSession, ids: Sequence[int]) -> int:
        emptied = update(Forward).where(col(Forward.id).in_(ids), *old)
        return rows_of(
            await session.execute(
                emptied.values(words="", photos=[], remote_notes="").execution_options(
                    synchronize_session=False
                )
            )
        )

    return await in_chunks(database, select(col(Forward.id)).where(*old), change)


async def still_there(session: AsyncSession, pictures: Sequence[str]) -> list[str]:
    """Return the pictures that a photo still has: not what was taken back or erased meanwhile."""
    named: set[str] = set()
    for name in (col(Photo.sha256), col(Photo.public_sha256)):
        named |= set(await session.scalars(select(name).where(name.in_(pictures))))
    return [one for one in pictures if one in named]


async def note(
    session: AsyncSession,
    report_id: int,
    words: str,
    *,
    by: str,
    now: datetime,
    origin: str | None = None,
) -> ReportUpdate:
    """Add a line to a case's history that residents do not see."""
    step = ReportUpdate(report_id=report_id, by=by, note=words, origin=origin, created_at=now)
    session.add(step)
    await session.flush()
    return step


class PhotoLinks:
    """Links with which another office fetches a picture that staff sent it, without an account."""

    def __init__(self, secret_key: str, public_url: str) -> None:
        self._signer = URLSafeSerializer(secret_key, salt="todoke.reports.forwarded-photo")
        self._public_url = public_url

    def page(self, forward_id: int, place: int) -> str:
        """Return the address of a forward's picture; ``place`` counts from 0."""
        return f"{self._public_url}{PATH}/{self._signer.dumps([forward_id, place])}.jpg"

    async def open(self, session: AsyncSession, token: str, now: datetime) -> str | None:
        """Return the SHA-256 of a link's picture; None if it is forged, too old or erased."""
        if len(token) > LONGEST_TOKEN or not token.isascii():
            return None
        try:
            forward_id, place = self._signer.loads(token)
        except (BadSignature, ValueError, TypeError):
            return None
        forward = await session.get(Forward, forward_id)
        if forward is None or now > forward.created_at + PHOTO_VALID:
            return None
        if forward.state is Sending.STOPPED or not 0 <= place < len(forward.photos):
            return None
        wanted = str(forward.photos[place])
        return wanted if await still_there(session, [wanted]) else None


async def _locked(session: AsyncSession, forward_id: int) -> Forward:
    forward = await session.get(Forward, forward_id, with_for_update=True, populate_existing=True)
    if forward is None:
        raise BadInput(reason("forward.missing"))
    return forward


async def _record(
    session: AsyncSession,
    now: datetime,
    forward: Forward,
    report: Report,
    by: str,
    action: str,
    **detail: object,
) -> None:
    await audit.record(
        session,
        now,
        actor=by,
        action=action,
        subject=f"report:{report.number}",
        owner=forward.owner,
        way=forward.way.value,
        **detail,
    )
