"""Daily figures as they are stored and read."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from console.figures.models import DayFigures
from feeds.models import Notice

Counts = Mapping[str, Mapping[str, int]]
MONTH_FORM = re.compile(r"20\d\d-(0[1-9]|1[0-2])")


@dataclass(frozen=True)
class Period:
    """Days from ``first`` to ``last``, both whole, shown by day or by month."""

    first: date
    last: date
    by_month: bool

    @property
    def steps(self) -> list[date]:
        """Each day, or the first day of each month."""
        if not self.by_month:
            return [
                self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1)
            ]
        found = [self.first]
        while (after := next_month(found[-1])) <= self.last:
            found.append(after)
        return found

    def step_of(self, day: date) -> date:
        return day.replace(day=1) if self.by_month else day


def next_month(day: date) -> date:
    """Return the first day of the month after a day's."""
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def month_of(text: str, today: date) -> date:
    """Return the first day of a month (``YYYY-MM``); of this one if the text is none or later."""
    if MONTH_FORM.fullmatch(text.strip()) is None:
        return today.replace(day=1)
    return min(date.fromisoformat(f"{text.strip()}-01"), today.replace(day=1))


def period_of(month: date, *, year: bool) -> Period:
    """Return a month, or the twelve months that end with it."""
    last = next_month(month) - timedelta(days=1)
    if not year:
        return Period(month, last, by_month=False)
    return Period(next_month(month).replace(year=next_month(month).year - 1), last, by_month=True)


@dataclass(frozen=True)
class Figures:
    """The figures of a period, one entry a day that was counted, the oldest first."""

    period: Period
    days: Sequence[tuple[date, Counts, Mapping[str, Any]]]

    def total(self, name: str) -> Counter[str]:
        """Return the sum of all days, by key."""
        found: Counter[str] = Counter()
        for _, counts, _line in self.days:
            found.update(counts.get(name, {}))
        return found

    def by_step(self, name: str) -> dict[date, Counter[str]]:
        """Return the sums of each step that has a counted day, by key."""
        found: dict[date, Counter[str]] = {}
        for day, counts, _line in self.days:
            found.setdefault(self.period.step_of(day), Counter()).update(counts.get(name, {}))
        return found

    def at_end(self, name: str) -> dict[date, Mapping[str, int]]:
        """Return what was so at the end of each step, as the last day that knows it."""
        return {
            self.period.step_of(day): counts[name] for day, counts, _ in self.days if name in counts
        }

    def line_at_end(self, name: str) -> dict[date, Mapping[str, Any]]:
        """Return what LINE said of the end of each step."""
        return {
            self.period.step_of(day): line[name] for day, _, line in self.days if line.get(name)
        }


async def read(session: AsyncSession, period: Period) -> Figures:
    """Return the figures of a period."""
    rows = await session.execute(
        select(col(DayFigures.day), col(DayFigures.counts), col(DayFigures.line))
        .where(col(DayFigures.day) >= period.first, col(DayFigures.day) <= period.last)
        .order_by(col(DayFigures.day))
    )
    return Figures(period, [(day, counts, line) for day, counts, line in rows])


async def notices_of(session: AsyncSession, ids: Sequence[int]) -> dict[int, Notice]:
    """Return the notices of these ids, as far as they are still kept."""
    rows = await session.scalars(select(Notice).where(col(Notice.id).in_(set(ids))))
    return {row.id: row for row in rows if row.id is not None}


async def counted_days(session: AsyncSession, since: date) -> set[date]:
    """Return the days since one that were counted."""
    found = await session.scalars(select(col(DayFigures.day)).where(col(DayFigures.day) >= since))
    return set(found)


async def any_counted(session: AsyncSession) -> bool:
    return await session.scalar(select(col(DayFigures.day)).limit(1)) is not None


async def store(session: AsyncSession, day: date, counts: Counts, now: datetime) -> None:
    """Store a day's numbers in place of any before. What only that night knew stays.

    Who follows (the names that end with ``now``) is known on the day itself alone.
    """
    row = await session.get(DayFigures, day)
    if row is None:
        row = DayFigures(day=day, counted_at=now)
    once = {name: of_it for name, of_it in row.counts.items() if name.endswith("now")}
    row.counts = {**once, **{name: dict(of_it) for name, of_it in counts.items() if of_it}}
    row.counted_at = now
    session.add(row)


async def without_line(session: AsyncSession, since: date, until: date) -> list[date]:
    """Return the counted days from one to before another of which LINE has said nothing."""
    rows = await session.execute(
        select(col(DayFigures.day), col(DayFigures.line))
        .where(col(DayFigures.day) >= since, col(DayFigures.day) < until)
        .order_by(col(DayFigures.day))
    )
    return [day for day, line in rows if not line]


async def store_line(session: AsyncSession, day: date, line: Mapping[str, Any]) -> None:
    """Store what LINE said of a day."""
    row = await session.get(DayFigures, day)
    if row is not None:
        row.line = dict(line)
        session.add(row)


async def drop_future(session: AsyncSession, today: date) -> None:
    """Delete days that have not ended yet: a wrong clock counted them."""
    await session.execute(delete(DayFigures).where(col(DayFigures.day) >= today))
