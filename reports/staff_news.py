"""What there is to tell the office of reports: new ones, ones that are not right, or got worse.

``reports.notices_to_staff`` tells it. Nothing is told twice: what was told is in ``Heard``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import case, exists, or_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from city.city import City
from reports.members import leaders_of
from reports.models import (
    FOUND_BY_CREW,
    NEW_REPORT,
    Addition,
    CameBy,
    Heard,
    Priority,
    Report,
    ReportUpdate,
    Verdict,
)
from reports.register import IMPORTED
from reports.states import OPEN, WAITING

LOOKED_BACK = timedelta(days=3)
"""What came, or was entered, before that and was never told is no news any more."""
LONGEST_CALLING = timedelta(hours=24)
NOT_RIGHT = "no:"
BY_PROGRAM = "u"
"""Before the number of the step by which a program said it."""
WORSE = "worse:"
AGAIN_WORSE = timedelta(hours=1)
"""Who says once more that it got worse within that time tells the department nothing new."""
AGAIN_DANGEROUS = timedelta(minutes=10)
CLOCKS_DIFFER = timedelta(minutes=3)
"""What was told later than that was told by a clock that was ahead: it holds up nothing."""
MOST = 500
"""Reports of one look."""
MADE_BY_OFFICE = (CameBy.PATROL, CameBy.IMPORT)
"""Who found it, or took it over, knows it: but for what a crew or a contractor found on its way."""


@dataclass(frozen=True)
class Item:
    """One thing to be told of a case.

    Parameters
    ----------
    at
        When it came.
    also
        Other occasions of the same, of which nothing more is to be told.
    """

    report: Report
    occasion: str
    dangerous: bool
    at: datetime
    also: tuple[str, ...] = ()

    @property
    def is_no(self) -> bool:
        return self.occasion.startswith(NOT_RIGHT)

    @property
    def is_worse(self) -> bool:
        return self.occasion.startswith(WORSE)


def again_occasion(heard: Heard, number: int) -> str:
    """Return the occasion of the message that tells a department once more of a danger."""
    return f"danger:{heard.report_id}:{heard.occasion}-again-{number}"


def member_occasion(heard: Heard) -> str:
    """Return how the occasions of the messages to members of staff about it begin."""
    return f"report:{heard.report_id}:{heard.occasion}:danger:"


def is_dangerous(report: Report, city: City) -> bool:
    """Whether somebody must look at a report at once."""
    kind = city.kind(report.category)
    return report.priority == Priority.AT_ONCE or (kind is not None and kind.danger)


async def fresh(
    session: AsyncSession, city: City, later: Collection[str], now: datetime
) -> tuple[list[Item], list[Item]]:
    """Return what is to be told now, and what need not be: it was told just before.

    Dangerous new ones come first, then the oldest.

    Parameters
    ----------
    later
        The departments that hear of ordinary new reports in the morning, or after the hour. Theirs
        are left out: they may be more than one look takes.
    """
    worse, silent = await _worse(session, city, now)
    new = await _new(session, city, later, now)
    return [*new, *await _not_right(session, city, now), *worse], silent


async def _new(
    session: AsyncSession, city: City, later: Collection[str], now: datetime
) -> list[Item]:
    kinds = [kind.code for kind in city.report_categories if kind.danger]
    dangerous = or_(col(Report.priority) == Priority.AT_ONCE, col(Report.category).in_(kinds))
    told = exists().where(col(Heard.report_id) == col(Report.id), col(Heard.occasion) == NEW_REPORT)
    found: dict[int, Item] = {}
    # Two queries, each by its own index: what came, and what was entered of earlier days.
    for came in (col(Report.created_at), col(Report.entered_at)):
        query = (
            select(Report)
            .where(
                came.is_not(None),
                came > now - LOOKED_BACK,
                col(Report.state).in_(WAITING),
                col(Report.opened_at).is_(None),
                or_(
                    col(Report.came_by).not_in(MADE_BY_OFFICE),
                    col(Report.origin).startswith(FOUND_BY_CREW),
                ),
                ~col(Report.origin).startswith(IMPORTED),
                or_(dangerous, col(Report.department).not_in(later)),
                ~told,
            )
            .order_by(case((dangerous, 0), else_=1), col(Report.created_at), col(Report.id))
            .limit(MOST)
        )
        for report in await session.scalars(query):
            at = report.entered_at or report.created_at
            item = Item(report, NEW_REPORT, is_dangerous(report, city), at)
            found.setdefault(report.id or 0, item)
    return sorted(found.values(), key=lambda item: (not item.dangerous, item.report.created_at))


async def _not_right(session: AsyncSession, city: City, now: datetime) -> list[Item]:
    """Return what is said not to be right any more: told with the leading report."""
    said_no = await session.execute(
        select(Report, Verdict.round, Verdict.said_at)
        .join(Verdict, col(Verdict.report_id) == col(Report.id))
        .where(col(Verdict.said).is_(False), col(Verdict.said_at) > now - LOOKED_BACK)
        .order_by(col(Verdict.said_at), col(Verdict.id))
        .limit(MOST)
    )
    by_programs = await session.execute(
        select(Report, ReportUpdate.id, ReportUpdate.created_at)
        .join(ReportUpdate, col(ReportUpdate.report_id) == col(Report.id))
        .where(
            col(ReportUpdate.created_at) > now - LOOKED_BACK,
            col(ReportUpdate.added) == Addition.NOT_RIGHT,
            col(ReportUpdate.origin).is_not(None),
        )
        .order_by(col(ReportUpdate.created_at), col(ReportUpdate.id))
        .limit(MOST)
    )
    said = [(report, str(number), at) for report, number, at in said_no]
    said += [(report, f"{BY_PROGRAM}{step}", at) for report, step, at in by_programs]
    leading: dict[tuple[int, str], Item] = {}
    leaders = await leaders_of(session, [report for report, _, _ in said])
    for report, number, at in said:
        first = leaders[report.id or 0]
        if first.id is not None and first.state in OPEN:
            item = Item(first, f"{NOT_RIGHT}{number}", is_dangerous(first, city), at or now)
            leading.setdefault((first.id, item.occasion), item)
    known = {(one.report_id, one.occasion) for one in await _heard(session, leading.values())}
    return [item for key, item in leading.items() if key not in known]


async def _worse(session: AsyncSession, city: City, now: datetime) -> tuple[list[Item], list[Item]]:
    """Return of which cases residents say that they got worse, each once; the gravest counts."""
    found = await session.execute(
        select(Report, ReportUpdate)
        .join(ReportUpdate, col(ReportUpdate.report_id) == col(Report.id))
        .where(
            col(ReportUpdate.created_at) > now - LOOKED_BACK,
            or_(col(ReportUpdate.added) == Addition.WORSE, col(ReportUpdate.grave) != ""),
        )
        .order_by(col(ReportUpdate.created_at), col(ReportUpdate.id))
        .limit(MOST)
    )
    rows = [(report, step) for report, step in found]
    leaders = await leaders_of(session, [report for report, _ in rows])
    said: dict[int, list[Item]] = {}
    for report, step in rows:
        first = leaders[report.id or 0]
        if first.id is not None and first.state in OPEN:
            dangerous = bool(step.grave) or is_dangerous(first, city)
            item = Item(first, f"{WORSE}{step.id}", dangerous, step.created_at)
            said.setdefault(first.id, []).append(item)
    heard = await _heard(session, [items[0] for items in said.values()])
    tell: list[Item] = []
    silent: list[Item] = []
    for report_id, items in said.items():
        before = [one for one in heard if one.report_id == report_id]
        known = {one.occasion for one in before}
        items = [item for item in items if item.occasion not in known]
        if not items:
            continue
        gravest = max(items, key=lambda item: (item.dangerous, item.at))
        also = tuple(item.occasion for item in items if item is not gravest)
        one = Item(gravest.report, gravest.occasion, gravest.dangerous, gravest.at, also)
        (silent if _just_told(before, one, now) else tell).append(one)
    return tell, silent


def _just_told(heard: Sequence[Heard], item: Item, now: datetime) -> bool:
    """Whether the department has just heard the same of a case, or is being called to it."""
    for one in heard:
        if one.first_at is None or (item.dangerous and not one.dangerous):
            continue
        if item.dangerous and one.opened_at is None:
            calls = one.first_at > now - LONGEST_CALLING
        else:
            again = AGAIN_DANGEROUS if item.dangerous else AGAIN_WORSE
            calls = now - again < one.first_at <= now + CLOCKS_DIFFER
        if calls and (item.dangerous or one.occasion != NEW_REPORT):
            return True
    return False


async def _heard(session: AsyncSession, items: Iterable[Item]) -> list[Heard]:
    ids = {item.report.id for item in items}
    return list(await session.scalars(select(Heard).where(col(Heard.report_id).in_(ids))))
