"""A period's reports counted in many ways by one statement, which reads each of them once.

Eleven statements read the same wide rows eleven times, which took four times as long.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    Text,
    and_,
    case,
    cast,
    func,
    literal_column,
    null,
    union_all,
)
from sqlalchemy import select as sql_select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from reports.models import Report
from reports.states import OPEN, ReportState

Pair = tuple[int, int]


@dataclass
class Tallies:
    """The numbers of a period.

    Parameters
    ----------
    months, kinds, areas
        Reports, and the cases that they are; by the place of the month in the period, or by code
        ("" is none).
    states
        Cases by their state.
    accepted, begun, ended
        Cases by kind and by the whole days until they got so far.
    of_team
        Cases that were done by team and by days.
    at_team
        Open cases and late ones by team.
    due
        Cases with a due day and those that missed it, by kind.
    judged
        What reporters said of the result.
    """

    months: dict[int, Pair] = field(default_factory=dict)
    kinds: dict[str, Pair] = field(default_factory=dict)
    areas: dict[str, Pair] = field(default_factory=dict)
    states: dict[ReportState, int] = field(default_factory=dict)
    accepted: dict[str, dict[int, int]] = field(default_factory=lambda: defaultdict(dict))
    begun: dict[str, dict[int, int]] = field(default_factory=lambda: defaultdict(dict))
    ended: dict[str, dict[int, int]] = field(default_factory=lambda: defaultdict(dict))
    of_team: dict[int | None, dict[int, int]] = field(default_factory=lambda: defaultdict(dict))
    at_team: dict[int | None, Pair] = field(default_factory=dict)
    due: dict[str, Pair] = field(default_factory=dict)
    judged: dict[bool, int] = field(default_factory=dict)


async def tallies(
    session: AsyncSession,
    wanted: Sequence[ColumnElement[bool]],
    ends: Sequence[datetime],
    today: date,
) -> Tallies:
    """Count the reports that fulfil ``wanted``.

    Parameters
    ----------
    ends
        The end of each month of the period, the first month's first.
    """
    sqlite = session.get_bind().dialect.name == "sqlite"
    made = Tallies()
    for part, key, number, one, two in await session.execute(
        _statement(wanted, ends, today, sqlite=sqlite)
    ):
        pair, team = (int(one or 0), int(two or 0)), None if key is None else key
        match part:
            case "month":
                made.months[int(number)] = pair
            case "kind":
                made.kinds[key or ""] = pair
            case "area":
                made.areas[key or ""] = pair
            case "state":
                made.states[ReportState(key)] = pair[0]
            case "accepted" | "begun" | "ended":
                _add(getattr(made, part)[key], number, pair[0])
            case "of-team":
                _add(made.of_team[None if team is None else int(team)], number, pair[0])
            case "at-team":
                made.at_team[None if team is None else int(team)] = pair
            case "due":
                made.due[key] = pair
            case "judged":
                made.judged[bool(number)] = pair[0]
    return made


def _add(days: dict[int, int], number: Any, count: int) -> None:
    """Add cases that took so many days; a clock that was set back makes none negative."""
    whole = max(0, int(number))
    days[whole] = days.get(whole, 0) + count


def _statement(
    wanted: Sequence[ColumnElement[bool]], ends: Sequence[datetime], today: date, *, sqlite: bool
) -> Any:
    created, ended = col(Report.created_at), col(Report.ended_at)
    months = case(
        *((created < end, literal_column(str(n))) for n, end in enumerate(ends[:-1])),
        else_=literal_column(str(len(ends) - 1)),
    )
    state: Any = col(Report.state)
    until_end = _whole_days(created, ended, sqlite=sqlite)
    read = (
        sql_select(
            months.label("month"),
            col(Report.category).label("kind"),
            col(Report.area).label("area"),
            cast(state, Text).label("state"),
            cast(col(Report.team_id), Text).label("team"),
            _one_if(col(Report.case_id).is_(None)).label("leads"),
            _whole_days(created, col(Report.accepted_at), sqlite=sqlite).label("accepted"),
            _whole_days(created, col(Report.began_at), sqlite=sqlite).label("begun"),
            case((state == ReportState.DONE, until_end)).label("ended"),
            _one_if(state.in_(OPEN)).label("open"),
            _one_if(col(Report.due_on).is_not(None)).label("due"),
            _one_if(_is_late(today, sqlite=sqlite)).label("late"),
            case(
                (col(Report.judged).is_(True), literal_column("1")),
                (col(Report.judged).is_(False), literal_column("0")),
            ).label("judged"),
        )
        .where(*wanted)
        .cte("read_once")
    )
    c, count = read.c, func.count()
    leads, no_key, no_number, no_count = (
        c.leads == 1,
        cast(null(), Text),
        cast(null(), Integer),
        cast(null(), Integer),
    )

    def part(
        name: str, key: Any, number: Any, one: Any, two: Any, *where: ColumnElement[bool]
    ) -> Select[Any]:
        groups = [each for each in (key, number) if each is not no_key and each is not no_number]
        made = sql_select(literal_column(f"'{name}'"), key, number, one, two).where(*where)
        return made.group_by(*groups)

    cases = func.sum(c.leads)
    return union_all(
        part("month", no_key, c.month, count, cases),
        part("kind", c.kind, no_number, count, cases),
        part("area", c.area, no_number, count, cases),
        part("state", c.state, no_number, count, no_count, leads),
        *(
            part(name, c.kind, c[name], count, no_count, leads, c[name].is_not(None))
            for name in ("accepted", "begun", "ended")
        ),
        part("of-team", c.team, c.ended, count, no_count, leads, c.ended.is_not(None)),
        part("at-team", c.team, no_number, func.sum(c.open), func.sum(c.late), leads),
        part("due", c.kind, no_number, count, func.sum(c.late), leads, c.due == 1),
        part("judged", no_key, c.judged, count, no_count, c.judged.is_not(None)),
    )


def _one_if(condition: ColumnElement[bool]) -> Any:
    return case((condition, literal_column("1")), else_=literal_column("0"))


def _whole_days(begins: Any, ends: Any, *, sqlite: bool) -> Any:
    if sqlite:
        return cast(func.julianday(ends) - func.julianday(begins), Integer)
    return cast(func.floor(func.extract("epoch", ends - begins) / 86_400), Integer)


def _is_late(today: date, *, sqlite: bool) -> Any:
    """Whether a case ended after its due day in Japan, or is open after it."""
    ended, due = col(Report.ended_at), col(Report.due_on)
    if sqlite:
        day: Any = func.date(ended, "+9 hours")
    else:
        day = func.date(func.timezone("Asia/Tokyo", ended))
    return case((ended.is_(None), due < today), else_=and_(ended.is_not(None), day > due))
