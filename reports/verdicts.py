"""After a completion residents are asked once whether it is right; a no opens the case again.

The buttons carry a key that nobody can guess and that is good for one resident alone. However often
one is pressed, it counts once; a no after a yes counts, a yes after a no is kept too.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import structlog
from sqlalchemy import func, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from city.city import City
from core.chunks import in_chunks, rows_of
from core.database import Database
from reports import following, later, work
from reports.hearers import Hearer
from reports.later import Said
from reports.members import members_of
from reports.models import RESIDENT, SAID_NO, Addition, Report, ReportUpdate, Verdict
from reports.states import ReportState

KEY_BYTES = 16
LONGEST_KEY = 24

log = structlog.get_logger(__name__)


class Heard(StrEnum):
    """What became of a press."""

    RIGHT = "right"
    OPENED = "opened"
    """The case was opened again."""
    IS_OPEN = "is-open"
    """The city works on it already."""
    OLD = "old"
    """There is no such question, or not for this resident."""


@dataclass(frozen=True)
class Judged:
    """What a press did; ``changed`` if the case was opened again by it."""

    heard: Heard
    number: str = ""
    changed: work.Changed | None = None
    is_own: bool = False
    """Whether the resident reported it themselves."""
    is_late: bool = False
    """Whether a newer press was kept before."""


@dataclass(frozen=True)
class Written:
    """What a resident wrote after a no, and the number under which they hear of it.

    ``japanese`` is what a machine made of it, or "".
    """

    number: str
    words: str
    at: datetime
    japanese: str = ""


@dataclass(frozen=True)
class Verdicts:
    """What residents said after the last completion, and what they wrote."""

    asked: int = 0
    yes: int = 0
    no: int = 0
    words: tuple[Written, ...] = ()


async def ask(
    session: AsyncSession, case: Report, some: Sequence[Hearer], now: datetime
) -> dict[int, str]:
    """Store the question to residents; return the key of each one's buttons, by their id.

    Who was asked before is left out, unless somebody has said no since.
    """
    reports = [one.id for one in await members_of(session, case)]
    said_no = await session.scalar(
        select(func.max(Verdict.round)).where(
            col(Verdict.report_id).in_(reports), col(Verdict.said).is_(False)
        )
    )
    this = (said_no or 0) + 1
    before = select(col(Verdict.resident_id)).where(
        col(Verdict.report_id).in_(reports), col(Verdict.round) == this
    )
    asked = set(await session.scalars(before))
    keys: dict[int, str] = {}
    for hearer in some:
        resident, report = hearer.resident, hearer.report
        assert resident is not None and resident.id is not None and report.id is not None
        if resident.id in asked:
            continue
        key = keys[resident.id] = secrets.token_urlsafe(KEY_BYTES)
        session.add(
            Verdict(report_id=report.id, resident_id=resident.id, key=key, round=this, asked_at=now)
        )
        if not hearer.follows:
            report.asked_at, report.judged = now, None
            session.add(report)
    await session.flush()
    return keys


async def judge(
    session: AsyncSession,
    city: City,
    key: str,
    resident_id: int,
    *,
    right: bool,
    now: datetime,
    said_at: datetime | None = None,
) -> Judged:
    """Keep what a resident said; a no opens a completed case again.

    The caller tells the others (``reports.answers.tell_by_itself``) if the case was opened.

    Parameters
    ----------
    said_at
        When the button was pressed, if it was before ``now``. Of two presses the newer counts, in
        whatever order they come.
    """
    query = select(Verdict).where(
        col(Verdict.key) == key[:LONGEST_KEY], col(Verdict.resident_id) == resident_id
    )
    verdict = await session.scalar(query)
    if verdict is None:
        return Judged(Heard.OLD)
    report = await session.get_one(Report, verdict.report_id)
    case = await work.leading(session, report.number)
    await session.refresh(verdict, with_for_update=True)
    at = said_at or now
    is_own = report.resident_id == resident_id
    if verdict.said_at is not None and at < verdict.said_at:
        heard = Heard.RIGHT if verdict.said else Heard.IS_OPEN
        return Judged(heard, report.number, is_own=is_own, is_late=True)
    is_new = verdict.said is not right
    if is_new:
        verdict.said, verdict.said_at = right, at
        session.add(verdict)
        if is_own:
            report.judged = right
            session.add(report)
        addition = Addition.RIGHT if right else Addition.NOT_RIGHT
        await following.tell(session, report, addition, now)
    log.info(
        "report.judged",
        report_id=report.number,
        outcome="right" if right else "not-right",
        repeated=not is_new,
    )
    if right:
        return Judged(Heard.RIGHT, report.number, is_own=is_own)
    if case.state is not ReportState.DONE or not is_new:
        is_open = case.state.is_open
        return Judged(Heard.IS_OPEN if is_open else Heard.OLD, report.number, is_own=is_own)
    case.judged = False
    session.add(case)
    changed = await work.change(
        session, city, case.number, work.Change(state=ReportState.ACCEPTED), by=RESIDENT, now=now
    )
    return Judged(Heard.OPENED, report.number, changed, is_own)


async def add_words(
    session: AsyncSession, city: City, number: str, resident_id: int, said: Said, now: datetime
) -> bool:
    """Keep what a resident wrote after a no; return whether it was kept."""
    verdict = await session.scalar(
        select(Verdict)
        .join(Report, col(Report.id) == col(Verdict.report_id))
        .where(
            col(Report.number) == number,
            col(Verdict.resident_id) == resident_id,
            col(Verdict.said).is_(False),
        )
        .order_by(col(Verdict.id).desc())
        .limit(1)
    )
    if verdict is None:
        return False
    return await later.say(session, city, number, resident_id, said, now, added=Addition.WORDS)


async def take_back(session: AsyncSession, resident_id: int, message_id: str) -> bool:
    """Erase what a resident wrote in a message that they took back (送信取消)."""
    gone = await session.execute(
        update(Verdict)
        .where(
            col(Verdict.resident_id) == resident_id,
            col(Verdict.words_message) == message_id,
            col(Verdict.words_message) != "",
        )
        .values(words="", words_message="")
        .execution_options(synchronize_session=False)
    )
    return rows_of(gone) > 0


async def of_case(session: AsyncSession, case: Report) -> Verdicts:
    """Return what residents said of a case after its last completion."""
    reports = {one.id: one.number for one in await members_of(session, case)}
    query = select(Verdict).where(col(Verdict.report_id).in_(list(reports)))
    found = sorted(await session.scalars(query), key=lambda one: one.id or 0)
    last = max((one.round for one in found), default=0)
    kept = [
        Written(reports[one.report_id], one.words, one.said_at or one.asked_at)
        for one in found
        if one.words
    ]
    now = [one for one in found if one.round == last]
    return Verdicts(
        asked=len(now),
        yes=sum(one.said is True for one in now),
        no=sum(one.said is False for one in now),
        words=tuple(sorted([*kept, *await _words(session, reports)], key=lambda one: one.at)),
    )


async def _words(session: AsyncSession, reports: Mapping[int | None, str]) -> list[Written]:
    query = select(ReportUpdate).where(
        col(ReportUpdate.report_id).in_(list(reports)),
        col(ReportUpdate.added) == Addition.WORDS,
        col(ReportUpdate.said) != "",
    )
    return [
        Written(reports[one.report_id], one.said, one.created_at, one.japanese)
        for one in await session.scalars(query)
    ]


async def said_no(session: AsyncSession, most: int) -> Sequence[Report]:
    """Return the cases that a no opened and nobody has gone on with, the oldest first."""
    found = await session.scalars(
        select(Report)
        .where(SAID_NO, col(Report.case_id).is_(None), col(Report.state) == ReportState.ACCEPTED)
        .order_by(col(Report.updated_at))
        .limit(most)
    )
    return list(found)


async def forget_words(database: Database, before: datetime) -> int:
    """Erase what residents wrote before a moment, not their yes or no; return how many."""
    number = col(Verdict.id)
    old = (col(Verdict.said_at) < before, col(Verdict.words) != "")

    async def erase(session: AsyncSession, ids: Sequence[int]) -> int:
        gone = update(Verdict).where(number.in_(ids), *old).values(words="", words_message="")
        return rows_of(await session.execute(gone.execution_options(synchronize_session=False)))

    return await in_chunks(database, select(number).where(*old), erase)
