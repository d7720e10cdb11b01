"""What came in and what became of it, by month and kind: the table that cities publish.

A month's row is of the cases that came in during it: so each is received once, and is done, in
hand or not the city's. Cases that are hidden, taken back or of a kind that is not published are in
no row; a hole with six reports is one case.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import case, func, literal_column
from sqlalchemy import select as sql_select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from city.city import City
from city.context import Context
from core.clock import JAPAN, in_japan
from core.shared_answers import SharedAnswers
from reports.kinds import city_now
from reports.models import Report
from reports.published import kinds, leads
from reports.states import ReportState, Stage

COUNTED = tuple(state for state in ReportState if state.facts.set_by == "staff")
"""What residents took back, and what is the same as another, is no case of its own."""
FRESH_SECONDS = 60.0
KEPT_SECONDS = 600.0
"""What is older than fresh is counted again beside its reader; what is older than this is shown to
nobody.
"""
MOST_KEPT = 40


@dataclass(frozen=True)
class Count:
    """Cases that came in, by what became of them; ``days`` is the sum over those that are done."""

    received: int = 0
    done: int = 0
    in_hand: int = 0
    not_ours: int = 0
    days: float = 0.0

    @property
    def mean_days(self) -> float | None:
        """Days from the report to the end of the work; None if none is done."""
        return self.days / self.done if self.done else None

    def __add__(self, other: Count) -> Count:
        return Count(
            self.received + other.received,
            self.done + other.done,
            self.in_hand + other.in_hand,
            self.not_ours + other.not_ours,
            self.days + other.days,
        )


@dataclass(frozen=True)
class Year:
    """The counts of a calendar year in Japan, by month (1 to 12) and kind."""

    year: int
    counts: dict[tuple[int, str], Count] = field(default_factory=dict)
    first_year: int = 0
    """The first year with a report."""

    def of_month(self, month: int) -> Count:
        """Return a month's counts of all kinds."""
        return total(one for (at, _), one in self.counts.items() if at == month)

    def of_kind(self, kind: str, month: int | None = None) -> Count:
        """Return a kind's counts, of one month or of the whole year."""
        return total(
            one for (at, code), one in self.counts.items() if code == kind and month in (None, at)
        )

    @property
    def whole(self) -> Count:
        return total(self.counts.values())


def total(counts: Iterable[Count]) -> Count:
    return sum(counts, Count())


class Months:
    """The tables, kept for a while: counting a year reads all of its reports."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._kept: SharedAnswers[Year] = SharedAnswers(
            context.clock, FRESH_SECONDS, stale_seconds=KEPT_SECONDS, most=MOST_KEPT
        )

    async def year(self, year: int) -> Year:
        """Return a year's table, up to :data:`KEPT_SECONDS` old."""
        return await self._kept.of(year, lambda: self._count(year))

    async def _count(self, year: int) -> Year:
        context = self._context
        async with context.database.reading() as session:
            return await count_year(session, await city_now(session, context.city), year)


async def count_year(session: AsyncSession, city: City, year: int) -> Year:
    """Count the cases of a calendar year in Japan."""
    codes = kinds(city)
    first = await session.scalar(sql_select(func.min(col(Report.created_at))))
    begins = [datetime(year, month, 1, tzinfo=JAPAN) for month in range(1, 13)]
    ends = datetime(year + 1, 1, 1, tzinfo=JAPAN)
    # In neither database may the index of a kind or a state be taken instead of the one that has
    # all of this: a year is less than either.
    kind: Any = col(Report.category).concat("")
    state: Any = col(Report.state)
    created = col(Report.created_at)
    month = case(
        *((created < begin, literal_column(str(n))) for n, begin in enumerate(begins[1:], 1)),
        else_=literal_column("12"),
    )
    query = (
        sql_select(
            month.label("month"),
            kind.label("kind"),
            state.label("state"),
            func.count(),
            func.sum(_days(session)),
        )
        .where(
            *leads(),
            created >= begins[0],
            created < ends,
            kind.in_(codes),
            state.in_(COUNTED),
        )
        .group_by("month", "kind", "state")
    )
    counts: dict[tuple[int, str], Count] = {}
    for at, kind, state, number, days in await session.execute(query):
        key = int(at), kind
        counts[key] = counts.get(key, Count()) + _count(state, number, days)
    first_year = in_japan(first).year if first is not None else year
    return Year(year, counts, first_year)


def _count(state: ReportState, number: int, days: float | None) -> Count:
    if state is ReportState.DONE:
        return Count(number, done=number, days=float(days or 0))
    if state.facts.stage is Stage.ENDED:
        return Count(number, not_ours=number)
    return Count(number, in_hand=number)


def _days(session: AsyncSession) -> Any:
    """Return the days from a report to its end."""
    ended, created = col(Report.ended_at), col(Report.created_at)
    if session.get_bind().dialect.name == "sqlite":
        return func.julianday(ended) - func.julianday(created)
    return func.extract("epoch", ended - created) / 86_400


def months_of(year: int, now: datetime) -> list[date]:
    """Return the months of a year that have begun, the last one first."""
    here = in_japan(now).date()
    last = 12 if year < here.year else here.month if year == here.year else 0
    return [date(year, month, 1) for month in range(last, 0, -1)]
