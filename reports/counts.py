"""How many cases there are in each state, and how many are overdue: counted by one statement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Date, Select, bindparam, func, literal_column
from sqlalchemy import select as sql_select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from core.counting import MOST, Size
from reports.models import IS_OPEN, Report
from reports.states import ReportState

CASE_STATES = tuple(state for state in ReportState if state.facts.set_by != "joining")
"""The states of cases; a joined report is in none of its own."""


@dataclass(frozen=True)
class Counts:
    """Numbers of cases, each up to the counting limit.

    Parameters
    ----------
    by_state
        With the joined reports, which are in a state of their own.
    overdue
        Cases that are not ended and were due before today.
    """

    by_state: Mapping[ReportState, Size]
    overdue: Size

    @property
    def cases(self) -> Size:
        """How many cases there are at all."""
        sizes = [self.by_state[state] for state in CASE_STATES]
        number = sum(size.number for size in sizes)
        return Size(min(number, MOST), number > MOST or any(size.more for size in sizes))


async def counts(session: AsyncSession, today: date) -> Counts:
    """Count the cases in each state, and those that were due before ``today``."""
    row = (await session.execute(_statement(), {"today": today})).one()
    sizes = [Size(min(number, MOST), number > MOST) for number in row]
    return Counts(dict(zip(ReportState, sizes[:-1], strict=True)), sizes[-1])


@cache
def _statement() -> Select[Any]:
    """Made once, because putting it together takes longer than the database needs for it."""

    def number(*where: ColumnElement[bool]) -> Any:
        some = sql_select(col(Report.id)).where(*where).limit(MOST + 1).subquery()
        return sql_select(func.count()).select_from(some).scalar_subquery()

    is_open: ColumnElement[bool] = literal_column(str(IS_OPEN))
    due = col(Report.due_on) < bindparam("today", type_=Date)
    # Each has a name, or the same number would be counted once for two columns that look alike.
    return sql_select(
        *(number(col(Report.state) == state).label(state.name) for state in ReportState),
        number(is_open, due).label("overdue"),
    )
