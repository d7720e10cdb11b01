"""What residents say later of a report that is open: it got worse, it is dangerous now.

Who reported it, whose report was joined to it and who follows it can say so. It is a step of the
report that they hear of, raises the priority of its case by the rules of ``reports.priority``, and
``reports.notices_to_staff`` tells the department.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce

import structlog
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from city.city import City
from core import audit
from core.text import clean
from reports import priority, work
from reports.danger_words import danger_in
from reports.kinds import city_now
from reports.members import joined_to
from reports.models import RESIDENT, Addition, Follower, Report, ReportUpdate

FOLLOWER = "follower"
"""Who said it, in the history, if they did not report it."""
MOST_WORDS = 500
MOST_GRAVE = 100

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Said:
    """What a resident wrote, in which language, and LINE's message of it; or nothing."""

    words: str = ""
    language: str = ""
    message_id: str = ""


async def reported_or_followed(
    session: AsyncSession, number: str, resident_id: int
) -> tuple[Report, bool] | None:
    """Return a report that a resident made or follows, and whether it is their own."""
    report = await session.scalar(select(Report).where(col(Report.number) == number))
    if report is None or report.resident_id == resident_id:
        return None if report is None else (report, True)
    return (report, False) if await session.get(Follower, (report.id, resident_id)) else None


async def say(
    session: AsyncSession,
    city: City,
    number: str,
    resident_id: int,
    said: Said,
    now: datetime,
    *,
    added: Addition = Addition.WORSE,
) -> bool:
    """Keep what a resident says of a report that they made or follow; return whether it was.

    That something of a case that has ended got worse is not kept: nobody would look at it.

    Parameters
    ----------
    added
        ``WORSE``, or ``WORDS`` for what only counts if it has a word of danger.
    """
    found = await reported_or_followed(session, number, resident_id)
    if found is None:
        return False
    report, is_own = found
    city = await city_now(session, city)
    # The leading report first, as everybody who changes a case does.
    case = await work.leading(session, number)
    if not case.state.is_open and added is Addition.WORSE:
        return False
    if report.id != case.id:
        await session.refresh(report, with_for_update=True)
    words = clean(said.words)[:MOST_WORDS]
    step = ReportUpdate(
        report_id=report.id or 0,
        by=RESIDENT if is_own else FOLLOWER,
        added=added,
        said=words,
        said_message=said.message_id if words else "",
        language=said.language if words else "",
        grave=grave_in(city, case, words),
        created_at=now,
    )
    session.add(step)
    if case.state.is_open:
        await weigh(session, city, case, report, step, now)
    await audit.record(
        session,
        now,
        actor=RESIDENT,
        action="report.told",
        subject=f"report:{report.number}",
        what=added.value,
    )
    log.info("report.told", report_id=report.number, part=added.value, outcome=_kind(step.grave))
    return True


def grave_in(city: City, case: Report, words: str) -> str:
    """Return the word of danger in what somebody wrote of a case, as its steps keep it."""
    kind = city.kind(case.category)
    tables = [city.danger_words] if kind is None else [city.danger_words, kind.danger_words]
    grave, word = danger_in(words, *tables)
    return f"{grave}:{word}"[:MOST_GRAVE] if grave else ""


async def weigh(
    session: AsyncSession,
    city: City,
    case: Report,
    report: Report,
    step: ReportUpdate,
    now: datetime,
) -> None:
    """Raise the priority of a case by what was said of one of its reports; both are locked."""
    counts = priority.WORSE if step.added == Addition.WORSE else ""
    report.said_later = priority.graver(report.said_later, step.grave or counts)
    before = case.priority
    joined = [report if one.id == report.id else one for one in await joined_to(session, case)]
    if priority.settle(case, city, now, joined) and case.priority != before:
        step.changes = {**step.changes, "priority": [before, case.priority]}
    for one in {report.number: report, case.number: case}.values():
        one.updated_at = now
        session.add(one)
    session.add(step)
    await session.flush()


async def weigh_words(
    session: AsyncSession,
    city: City,
    case: Report,
    report: Report,
    step: ReportUpdate,
    words: str,
    now: datetime,
) -> None:
    """Raise the priority of an open case if a program says that it got worse, or is dangerous."""
    city = await city_now(session, city)
    step.grave = grave_in(city, case, words)
    if step.grave or step.added == Addition.WORSE:
        if report.id != case.id:
            await session.refresh(report, with_for_update=True)
        await weigh(session, city, case, report, step, now)


async def take_back(session: AsyncSession, message_id: str) -> list[Report]:
    """Erase what a message of LINE's said later of reports; return of which.

    That it got worse stays, without the words and what was dangerous in them.
    """
    if not message_id:
        return []
    steps = await session.scalars(
        select(ReportUpdate)
        .where(
            col(ReportUpdate.said_message) == message_id,
            col(ReportUpdate.said_message) != "",
        )
        .order_by(col(ReportUpdate.id))
        .with_for_update()
    )
    gone = []
    for step in list(steps):
        step.said = step.said_message = step.japanese = step.translated_by = step.grave = ""
        session.add(step)
        report = await session.get_one(Report, step.report_id, with_for_update=True)
        if report.said_later:
            report.said_later = _gravest(await _said(session, report))
            session.add(report)
        gone.append(report)
    await session.flush()
    return gone


async def forget(session: AsyncSession, report: Report) -> None:
    """Erase what was written later of a report that its resident takes back as a whole."""
    await session.execute(
        update(ReportUpdate)
        .where(col(ReportUpdate.report_id) == report.id, col(ReportUpdate.said) != "")
        .values(said="", said_message="", japanese="", translated_by="", grave="")
        .execution_options(synchronize_session="fetch")
    )


async def _said(session: AsyncSession, report: Report) -> Sequence[ReportUpdate]:
    """Return the steps in which something was said of a report."""
    query = select(ReportUpdate).where(
        col(ReportUpdate.report_id) == report.id,
        col(ReportUpdate.added).in_((Addition.WORSE, Addition.WORDS)),
    )
    return list(await session.scalars(query))


def _gravest(steps: Sequence[ReportUpdate]) -> str:
    said = (
        step.grave or (priority.WORSE if step.added == Addition.WORSE else "") for step in steps
    )
    return reduce(priority.graver, said, "")


def _kind(grave: str) -> str:
    return grave.partition(":")[0] or "worse"
