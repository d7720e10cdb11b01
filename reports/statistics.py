"""What the reports teach: how many, where, how long it took, and what came back.

A **report** is one act of a resident; a **case** is a report with those joined to it. Both are
counted and named. Nothing here is about who reported. Days are whole days that have passed. The
numbers of a question are kept for a while (:class:`Statistics`), because they read a year of
reports.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from math import cos, floor, radians
from typing import Any

from sqlalchemy import Integer, and_, case, cast, func, literal_column
from sqlalchemy import select as sql_select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from core.clock import JAPAN, in_japan
from core.database import Database
from core.geo import distance_m
from reports.models import Report
from reports.states import OPEN, ReportState

FRESH_FOR = timedelta(seconds=60)
KEPT_FOR = timedelta(minutes=10)
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
    """Answers, kept for a while.

    What is older than :data:`FRESH_FOR` is counted again beside the reader who gets it; what is
    older than :data:`KEPT_FOR` is shown to nobody.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._kept: dict[Asked, Learnt] = {}
        self._counting: dict[Asked, asyncio.Task[Learnt]] = {}

    async def soon(self, asked: Asked, now: datetime) -> Learnt | None:
        """Return the same as :meth:`of`; None if it takes longer than :data:`PATIENCE_S`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                return await self.of(asked, now)
        return None

    async def of(self, asked: Asked, now: datetime) -> Learnt:
        """Return what there is to learn of a question."""
        found = self._kept.get(asked)
        age = now - found.at if found is not None else KEPT_FOR
        if found is not None and timedelta() <= age < FRESH_FOR:
            return found
        task = self._counting.get(asked)
        if task is None:
            task = self._counting[asked] = asyncio.create_task(self._count(asked, now))
            task.add_done_callback(lambda _: self._counting.pop(asked, None))
        if found is not None and timedelta() <= age < KEPT_FOR:
            return found
        return await asyncio.shield(task)

    async def _count(self, asked: Asked, now: datetime) -> Learnt:
        found = await learn(self._database, asked, now)
        if len(self._kept) >= MOST_KEPT:
            self._kept.clear()
        self._kept[asked] = found
        return found


async def learn(database: Database, asked: Asked, now: datetime) -> Learnt:
    """Count everything of a question."""
    async with database.reading() as session:
        today = in_japan(now).date()
        by_month = await _by_month(session, asked)
        to = {
            name: await _days_to(session, asked, name)
            for name in ("accepted_at", "began_at", "ended_at")
        }
        reports_of_kind, kinds = await _by(session, asked, "category")
        _, areas = await _by(session, asked, "area")
        due, late = await _due(session, asked, today)
        yes, no = await _judged(session, asked)
        found = Learnt(
            asked,
            now,
            reports={month: one for month, (one, _) in by_month.items()},
            cases={month: one for month, (_, one) in by_month.items()},
            kinds=kinds,
            reports_of_kind=reports_of_kind,
            areas=areas,
            states=await _states(session, asked),
            to_accept=to["accepted_at"],
            to_begin=to["began_at"],
            to_end=to["ended_at"],
            teams=await _teams(session, asked, today),
            yes=yes,
            no=no,
            due=due,
            late=late,
            seasons=await _seasons(session, asked),
        )
    spots = await _spots(database, asked, now)
    return Learnt(**{**found.__dict__, "spots": spots})


async def waiting(session: AsyncSession, asked: Asked) -> list[Report]:
    """Return the open cases that wait longest, the oldest first."""
    query: Any = sql_select(Report).where(
        col(Report.state).in_(OPEN), col(Report.case_id).is_(None), *_of(asked)
    )
    found = await session.scalars(query.order_by(col(Report.created_at)).limit(MOST_WAITING))
    return list(found)


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
    # Without its index, so that the months are found by theirs.
    counted = col(Report.state).concat("").in_(COUNTED)
    return [created >= asked.since, created < asked.until, counted, *_of(asked)]


_IS_CASE = case((col(Report.case_id).is_(None), 1), else_=0)


async def _by_month(session: AsyncSession, asked: Asked) -> dict[date, tuple[int, int]]:
    created = col(Report.created_at)
    ends = [(_midnight(_next_month(month)), n) for n, month in enumerate(asked.months)]
    number = case(
        *((created < end, literal_column(str(n))) for end, n in ends[:-1]),
        else_=literal_column(str(len(ends) - 1)),
    ).label("nth")
    query = sql_select(number, func.count(), func.sum(_IS_CASE)).where(*_within(asked))
    found = {
        int(n): (count, int(cases or 0))
        for n, count, cases in await session.execute(query.group_by("nth"))
    }
    return {month: found.get(n, (0, 0)) for n, month in enumerate(asked.months)}


async def _by(
    session: AsyncSession, asked: Asked, name: str
) -> tuple[dict[str, int], dict[str, int]]:
    """Return reports and cases by the value of a column."""
    column: Any = getattr(Report, name)
    query = sql_select(column, func.count(), func.sum(_IS_CASE)).where(*_within(asked))
    reports: dict[str, int] = {}
    cases: dict[str, int] = {}
    for value, count, leading in await session.execute(query.group_by(column)):
        reports[value or ""] = count
        cases[value or ""] = int(leading or 0)
    return reports, cases


async def _states(session: AsyncSession, asked: Asked) -> dict[ReportState, int]:
    state = col(Report.state)
    query = sql_select(state, func.count()).where(*_within(asked), col(Report.case_id).is_(None))
    return {ReportState(one): count for one, count in await session.execute(query.group_by(state))}


def _whole_days(session: AsyncSession, begins: Any, ends: Any) -> Any:
    if session.get_bind().dialect.name == "sqlite":
        return cast(func.julianday(ends) - func.julianday(begins), Integer)
    return cast(func.floor(func.extract("epoch", ends - begins) / 86_400), Integer)


async def _days_to(session: AsyncSession, asked: Asked, name: str) -> dict[str, Days]:
    """Return by kind the days until cases got so far; of the end only those that were done."""
    moment: Any = getattr(Report, name)
    days = _whole_days(session, col(Report.created_at), moment).label("days")
    query = sql_select(col(Report.category), days, func.count()).where(
        *_within(asked), col(Report.case_id).is_(None), moment.is_not(None)
    )
    if name == "ended_at":
        query = query.where(col(Report.state).concat("") == ReportState.DONE)
    found: dict[str, dict[int, int]] = defaultdict(dict)
    for kind, number, count in await session.execute(query.group_by(col(Report.category), "days")):
        found[kind][max(0, int(number))] = found[kind].get(max(0, int(number)), 0) + count
    return {kind: Days(counts) for kind, counts in found.items()}


def _is_late(session: AsyncSession, today: date) -> Any:
    """Whether a case ended after its due day in Japan, or is open after it."""
    ended, due = col(Report.ended_at), col(Report.due_on)
    if session.get_bind().dialect.name == "sqlite":
        day: Any = func.date(ended, "+9 hours")
    else:
        day = func.date(func.timezone("Asia/Tokyo", ended))
    return case((ended.is_(None), due < today), else_=and_(ended.is_not(None), day > due))


async def _due(
    session: AsyncSession, asked: Asked, today: date
) -> tuple[dict[str, int], dict[str, int]]:
    kind = col(Report.category)
    late = func.sum(case((_is_late(session, today), 1), else_=0))
    query = sql_select(kind, func.count(), late).where(
        *_within(asked), col(Report.case_id).is_(None), col(Report.due_on).is_not(None)
    )
    rows = (await session.execute(query.group_by(kind))).all()
    return ({one: count for one, count, _ in rows}, {one: int(n or 0) for one, _, n in rows})


async def _judged(session: AsyncSession, asked: Asked) -> tuple[int, int]:
    judged = col(Report.judged)
    query = sql_select(judged, func.count()).where(*_within(asked), judged.is_not(None))
    found = {bool(said): count for said, count in await session.execute(query.group_by(judged))}
    return found.get(True, 0), found.get(False, 0)


async def _teams(session: AsyncSession, asked: Asked, today: date) -> tuple[Team, ...]:
    team = col(Report.team_id)
    days = _whole_days(session, col(Report.created_at), col(Report.ended_at)).label("days")
    leading = (*_within(asked), col(Report.case_id).is_(None))
    done: dict[int | None, dict[int, int]] = defaultdict(dict)
    ended = sql_select(team, days, func.count()).where(
        *leading,
        col(Report.state).concat("") == ReportState.DONE,
        col(Report.ended_at).is_not(None),
    )
    for one, number, count in await session.execute(ended.group_by(team, "days")):
        done[one][max(0, int(number))] = count
    is_open = case((col(Report.state).in_(OPEN), 1), else_=0)
    late = case((_is_late(session, today), 1), else_=0)
    query = sql_select(team, func.sum(is_open), func.sum(late)).where(*leading).group_by(team)
    found = [
        Team(one, Days(done.get(one, {})), int(still or 0), int(missed or 0))
        for one, still, missed in await session.execute(query)
    ]
    return tuple(sorted(found, key=lambda one: (one.id is None, one.id or 0)))


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
        query = query.where(created >= _midnight(one), created < until, *_of(asked))
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
