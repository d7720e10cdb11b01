"""What the reports teach: how many, where, how long it took, and what came back.

A **report** is one act of a resident; a **case** is a report with those joined to it. Both are
counted and named. Nothing here is about who reported. Days are whole days that have passed. The
numbers of a question are kept for a while (:class:`Statistics`), because they read a year of
reports.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from math import cos, floor, radians
from typing import Any

from sqlalchemy import func
from sqlalchemy import select as sql_select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from core.clock import JAPAN, Clock, in_japan
from core.database import Database
from core.geo import distance_m
from core.shared_answers import SharedAnswers
from reports.models import Report
from reports.states import OPEN, ReportState
from reports.tallies import Tallies, tallies

FRESH_SECONDS = 60.0
KEPT_SECONDS = 600.0
MOST_KEPT = 40
PATIENCE_S = 0.05
"""How long a page waits for numbers that nobody asked for lately."""
MOST_MONTHS = 36
MOST_WAITING = 20
MOST_PLACES = 30
SAME_SPOT_M = 30.0
LOOKED_BACK = timedelta(days=365)
CHUNK = 2_000
COUNTED = tuple(state for state in ReportState if state is not ReportState.WITHDRAWN)


@dataclass(frozen=True)
class Asked:
    """A question: the months from ``first`` to ``last``, both whole, of one kind or district."""

    first: date
    last: date
    kind: str = ""
    area: str = ""

    @property
    def months(self) -> list[date]:
        """The first day of each month, the oldest first."""
        found = [self.first.replace(day=1)]
        while (after := _next_month(found[-1])) <= self.last and len(found) < MOST_MONTHS:
            found.append(after)
        return found

    @property
    def since(self) -> datetime:
        return _midnight(self.months[0])

    @property
    def until(self) -> datetime:
        return _midnight(_next_month(self.months[-1]))


@dataclass(frozen=True)
class Days:
    """How many cases took how many whole days."""

    counts: Mapping[int, int]

    @property
    def number(self) -> int:
        return sum(self.counts.values())

    @property
    def slowest(self) -> int | None:
        return max(self.counts, default=None)

    def within(self, share: float) -> int | None:
        """Return the days within which this share of the cases was there; None without a case.

        0.5 gives the median: the least number of days that at least half of them took at most.
        """
        wanted, seen = share * self.number, 0
        for days in sorted(self.counts):
            seen += self.counts[days]
            if seen >= wanted:
                return days
        return None


@dataclass(frozen=True)
class Team:
    """What one team ended in the period, and what is still open with it."""

    id: int | None
    days: Days
    open: int
    late: int
    """Ended after its due day, or still open after it."""


@dataclass(frozen=True)
class Spot:
    """A place where the same kind was mended more than once within a year."""

    kind: str
    longitude: float
    latitude: float
    numbers: tuple[str, ...]
    """The cases, the oldest first."""
    last: datetime


@dataclass(frozen=True)
class Learnt:
    """The answer to one question.

    Parameters
    ----------
    reports, cases
        How many came in, by month.
    kinds, areas
        Cases by code; an empty code is what lies in no district.
    reports_of_kind
        Reports by kind, with those joined to others.
    states
        Cases of the period by their state now.
    to_accept, to_begin, to_end
        Days from the report until somebody decided, the work began, and it was done, by kind.
    yes, no
        What residents said when they were asked whether it is right.
    due, late
        Cases with a due day, and those that missed it, by kind.
    seasons
        Reports by (year, month) of all years that are kept.
    """

    asked: Asked
    at: datetime
    reports: Mapping[date, int] = field(default_factory=dict)
    cases: Mapping[date, int] = field(default_factory=dict)
    kinds: Mapping[str, int] = field(default_factory=dict)
    reports_of_kind: Mapping[str, int] = field(default_factory=dict)
    areas: Mapping[str, int] = field(default_factory=dict)
    states: Mapping[ReportState, int] = field(default_factory=dict)
    to_accept: Mapping[str, Days] = field(default_factory=dict)
    to_begin: Mapping[str, Days] = field(default_factory=dict)
    to_end: Mapping[str, Days] = field(default_factory=dict)
    teams: tuple[Team, ...] = ()
    yes: int = 0
    no: int = 0
    due: Mapping[str, int] = field(default_factory=dict)
    late: Mapping[str, int] = field(default_factory=dict)
    seasons: Mapping[tuple[int, int], int] = field(default_factory=dict)
    spots: tuple[Spot, ...] = ()


def together(of_kinds: Mapping[str, Days]) -> Days:
    """Return the days of all kinds."""
    found: Counter[int] = Counter()
    for one in of_kinds.values():
        found.update(one.counts)
    return Days(found)


class Statistics:
    """Answers, kept for a while: counting one reads all reports of its months.

    What is older than :data:`FRESH_SECONDS` is counted again beside the reader who gets it; what is
    older than :data:`KEPT_SECONDS` is shown to nobody.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock
        self._kept: SharedAnswers[Learnt] = SharedAnswers(
            clock, FRESH_SECONDS, stale_seconds=KEPT_SECONDS, most=MOST_KEPT
        )

    async def soon(self, asked: Asked) -> Learnt | None:
        """Return the same as :meth:`of`; None if it takes longer than :data:`PATIENCE_S`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                return await self.of(asked)
        return None

    async def of(self, asked: Asked) -> Learnt:
        """Return what there is to learn of a question."""
        return await self._kept.of(asked, lambda: learn(self._database, asked, self._clock.now()))


async def learn(database: Database, asked: Asked, now: datetime) -> Learnt:
    """Count everything of a question."""
    async with database.reading() as session:
        today = in_japan(now).date()
        ends = [_midnight(_next_month(month)) for month in asked.months]
        found = await tallies(session, _within(asked), ends, today)
        seasons = await _seasons(session, asked)
    months = {month: found.months.get(n, (0, 0)) for n, month in enumerate(asked.months)}
    spots = await _spots(database, asked, now)
    return Learnt(
        asked,
        now,
        reports={month: reports for month, (reports, _) in months.items()},
        cases={month: cases for month, (_, cases) in months.items()},
        kinds={kind: cases for kind, (_, cases) in found.kinds.items()},
        reports_of_kind={kind: reports for kind, (reports, _) in found.kinds.items()},
        areas={area: cases for area, (_, cases) in found.areas.items()},
        states=found.states,
        to_accept=_days(found.accepted),
        to_begin=_days(found.begun),
        to_end=_days(found.ended),
        teams=_teams(found),
        yes=found.judged.get(True, 0),
        no=found.judged.get(False, 0),
        due={kind: with_day for kind, (with_day, _) in found.due.items()},
        late={kind: missed for kind, (_, missed) in found.due.items()},
        seasons=seasons,
        spots=spots,
    )


def _days(of_kinds: Mapping[str, Mapping[int, int]]) -> dict[str, Days]:
    return {kind: Days(counts) for kind, counts in of_kinds.items()}


def _teams(found: Tallies) -> tuple[Team, ...]:
    """Return the teams in order of their ids; what has none comes last."""
    made = [
        Team(one, Days(found.of_team.get(one, {})), still, missed)
        for one, (still, missed) in found.at_team.items()
    ]
    return tuple(sorted(made, key=lambda one: (one.id is None, one.id or 0)))


async def waiting(session: AsyncSession, asked: Asked) -> list[Report]:
    """Return the open cases that wait longest, the oldest first."""
    query: Any = sql_select(Report).where(
        col(Report.state).in_(OPEN), col(Report.case_id).is_(None), *_of(asked)
    )
    found = await session.scalars(query.order_by(col(Report.created_at)).limit(MOST_WAITING))
    return list(found)


@dataclass(frozen=True)
class Place:
    """Where a case is, in the words that staff know: code of the district, address, road."""

    area: str | None
    address: str
    road: str


async def places(session: AsyncSession, spots: Sequence[Spot]) -> dict[str, Place]:
    """Return where each spot is, by the number of its last case."""
    numbers = [spot.numbers[-1] for spot in spots]
    query: Any = sql_select(
        col(Report.number), col(Report.area), col(Report.address), col(Report.road)
    ).where(col(Report.number).in_(numbers))
    return {
        number: Place(area, address, road)
        for number, area, address, road in await session.execute(query)
    }


def _of(asked: Asked) -> list[Any]:
    wanted = []
    if asked.kind:
        wanted.append(col(Report.category) == asked.kind)
    if asked.area:
        wanted.append(col(Report.area) == asked.area)
    return wanted


def _within(asked: Asked) -> list[Any]:
    """The reports that came in within the months and were not taken back."""
    created = col(Report.created_at)
    return [created >= asked.since, created < asked.until, _counted(), *_of(asked)]


def _counted() -> Any:
    """Leave out what was taken back; without its index, so that the months are found by theirs."""
    return col(Report.state).concat("").in_(COUNTED)


async def _seasons(session: AsyncSession, asked: Asked) -> dict[tuple[int, int], int]:
    """Count the reports of every month that is kept; each is one range of an index."""
    first = await session.scalar(sql_select(func.min(col(Report.created_at))))
    if first is None:
        return {}
    begins: list[date] = []
    month = in_japan(first).date().replace(day=1)
    while month <= asked.months[-1] and len(begins) < 12 * 20:
        begins.append(month)
        month = _next_month(month)
    created = col(Report.created_at)
    found = {}
    for one in begins:
        query = sql_select(func.count()).select_from(Report)
        until = _midnight(_next_month(one))
        query = query.where(created >= _midnight(one), created < until, _counted(), *_of(asked))
        found[(one.year, one.month)] = int(await session.scalar(query) or 0)
    return found


async def _spots(database: Database, asked: Asked, now: datetime) -> tuple[Spot, ...]:
    """Return the places where the same kind was done at least twice within a year."""
    rows: list[tuple[str, float, float, str, datetime]] = []
    last = 0
    while True:
        async with database.reading() as session:
            query: Any = (
                sql_select(
                    *(col(Report.id), col(Report.category), col(Report.longitude)),
                    *(col(Report.latitude), col(Report.number), col(Report.ended_at)),
                )
                .where(
                    col(Report.id) > last,
                    col(Report.state) == ReportState.DONE,
                    col(Report.case_id).is_(None),
                    col(Report.ended_at) > now - LOOKED_BACK,
                    col(Report.longitude).is_not(None),
                    *_of(asked),
                )
                .order_by(col(Report.id))
                .limit(CHUNK)
            )
            part = (await session.execute(query)).all()
        for _, kind, longitude, latitude, number, ended in part:
            rows.append((kind, longitude, latitude, number, ended))
        if len(part) < CHUNK:
            break
        last = part[-1][0]
        await asyncio.sleep(0)
    return await asyncio.to_thread(same_spots, rows)


def same_spots(rows: Iterable[tuple[str, float, float, str, datetime]]) -> tuple[Spot, ...]:
    """Return the places of two or more rows (kind, longitude, latitude, number, end), most first.

    A row belongs to the place of the first one within :data:`SAME_SPOT_M`.
    """
    spots: dict[tuple[str, int, int], list[list[tuple[str, float, float, str, datetime]]]] = (
        defaultdict(list)
    )
    for row in sorted(rows, key=lambda one: one[4]):
        kind, longitude, latitude, _, _ = row
        high = SAME_SPOT_M / 111_000
        x = floor(longitude / (high / max(cos(radians(latitude)), 0.01)))
        y = floor(latitude / high)
        near = (
            spot
            for dx in (-1, 0, 1)
            for dy in (-1, 0, 1)
            for spot in spots.get((kind, x + dx, y + dy), ())
        )
        for spot in near:
            if distance_m(longitude, latitude, spot[0][1], spot[0][2]) <= SAME_SPOT_M:
                spot.append(row)
                break
        else:
            spots[(kind, x, y)].append([row])
    found = [spot for some in spots.values() for spot in some if len(spot) > 1]
    found.sort(key=lambda spot: (len(spot), spot[-1][4]), reverse=True)
    return tuple(
        Spot(spot[0][0], spot[0][1], spot[0][2], tuple(one[3] for one in spot), spot[-1][4])
        for spot in found[:MOST_PLACES]
    )


def asked_of(first: str, last: str, kind: str, area: str, today: date) -> Asked:
    """Return a question of a form (``YYYY-MM``); what is wrong becomes the last twelve months."""
    ends = _month(last, today) or today.replace(day=1)
    ends = min(ends, today.replace(day=1))
    begins = _month(first, today)
    if begins is None or begins > ends or _months_between(begins, ends) >= MOST_MONTHS:
        begins = ends
        for _ in range(11):
            begins = (begins - timedelta(days=1)).replace(day=1)
    return Asked(begins, ends, kind, area)


def _month(text: str, today: date) -> date | None:
    try:
        found = datetime.strptime(text, "%Y-%m").replace(tzinfo=JAPAN).date()
    except ValueError:
        return None
    return found if 2000 <= found.year <= today.year else None


def _months_between(first: date, last: date) -> int:
    return (last.year - first.year) * 12 + last.month - first.month


def _next_month(day: date) -> date:
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=JAPAN)
