"""All reports on a map, however many: put together by the squares of a grid.

A square is a tile of the map two zooms finer than the view, 64 pixels wide. Its reports are one
range of ``Report.cell``. An index with all that filters need counts them without reading a report.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import BigInteger, Text, case, cast, func, type_coerce, values
from sqlalchemy import column as sql_column
from sqlalchemy import select as sql_select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from core.cells import ZOOM, cells_of_tile, column_and_row
from reports.listing import NO_INDEX, Narrowed, ReportFilter, narrowed
from reports.models import Report
from reports.states import ReportState

MOST_SQUARES = 400
FINER = 2
"""Zooms by which a square is finer than the view."""
LISTED_FROM_ZOOM = 17
MOST_LISTED = 30
"""Reports of one square that are named at the nearest views."""
GRAVITY = (
    ReportState.NEW,
    ReportState.ACCEPTED,
    ReportState.IN_PROGRESS,
    ReportState.DONE,
)
"""A cluster has the colour of the first of these that is in it."""

Box = tuple[float, float, float, float]
"""West, south, east, north in degrees."""


@dataclass(frozen=True)
class Cluster:
    """Reports of one square: how many, their middle, the gravest state, some of them."""

    count: int
    longitude: float
    latitude: float
    state: ReportState
    reports: tuple[Report, ...] = ()


@dataclass(frozen=True)
class Clusters:
    """What a view shows; ``more`` says that a search for words found too many to show all."""

    clusters: tuple[Cluster, ...]
    more: bool = False


@dataclass
class _Found:
    count: int = 0
    longitude: float = 0.0
    latitude: float = 0.0
    rank: int = len(GRAVITY)
    ids: list[int] = field(default_factory=list)


async def clusters(session: AsyncSession, wanted: ReportFilter, box: Box, zoom: int) -> Clusters:
    """Return the reports of a view that fit, by squares.

    Parameters
    ----------
    zoom
        The map's zoom, 0 to 18.
    """
    squares = squares_of(box, zoom)
    narrow = await narrowed(session, wanted, newest=True)
    way = _by_words if wanted.text else _by_squares
    found = await way(session, narrow, squares)
    if zoom >= LISTED_FROM_ZOOM:
        await _list(session, narrow, [(squares[n], found[n]) for n in found if found[n].count > 1])
    ids = [number for one in found.values() for number in one.ids]
    rows = await session.scalars(select(Report).where(col(Report.id).in_(ids))) if ids else ()
    reports = {report.id: report for report in rows}
    made = []
    for one in found.values():
        some = tuple(reports[number] for number in one.ids if number in reports)
        state = GRAVITY[one.rank] if one.rank < len(GRAVITY) else ReportState.DECLINED
        if one.count == 1 and some:
            state = some[0].state
        made.append(Cluster(one.count, one.longitude, one.latitude, state, some))
    return Clusters(tuple(made), narrow.by_words)


def squares_of(box: Box, zoom: int) -> list[tuple[int, int]]:
    """Return the first and last cell of each square of a view.

    They are coarser where there would be more than :data:`MOST_SQUARES`.
    """
    west, south, east, north = box
    for fine in range(min(zoom + FINER, ZOOM), -1, -1):
        left, top = column_and_row(west, north, fine)
        right, bottom = column_and_row(east, south, fine)
        if (right - left + 1) * (bottom - top + 1) <= MOST_SQUARES or fine == 0:
            columns, rows = range(left, right + 1), range(top, bottom + 1)
            return [cells_of_tile(x, y, fine) for y in rows for x in columns]
    raise AssertionError


async def _by_squares(
    session: AsyncSession, narrow: Narrowed, squares: Sequence[tuple[int, int]]
) -> dict[int, _Found]:
    grid = (
        values(
            sql_column("n", BigInteger),
            sql_column("first", BigInteger),
            sql_column("last", BigInteger),
            name="grid",
        )
        .data([(n, first, last) for n, (first, last) in enumerate(squares)])
        .cte("grid")
    )
    ranks: Any = case(
        *((col(Report.state) == state, rank) for rank, state in enumerate(GRAVITY)),
        else_=len(GRAVITY),
    )
    parts = (
        func.count(),
        func.avg(col(Report.longitude)),
        func.avg(col(Report.latitude)),
        func.min(ranks),
        func.min(col(Report.id)),
    )
    told: Any = cast(parts[0], Text)
    for part in parts[1:]:
        told = told.concat(",").concat(cast(part, Text))
    inside = (
        sql_select(told)
        .select_from(Report)
        .where(col(Report.cell).between(grid.c.first, grid.c.last), *narrow.conditions(NO_INDEX))
        .correlate(grid)
        .scalar_subquery()
    )
    found: dict[int, _Found] = {}
    for n, words in await session.execute(sql_select(grid.c.n, inside)):
        if words is not None:
            count, longitude, latitude, rank, first = words.split(",")
            ids = [int(first)] if count == "1" else []
            found[n] = _Found(int(count), float(longitude), float(latitude), int(rank), ids)
    return found


async def _by_words(
    session: AsyncSession, narrow: Narrowed, squares: Sequence[tuple[int, int]]
) -> dict[int, _Found]:
    """Put together what a search finds, or the newest of it."""
    known = narrow.newest if narrow.ids is None else narrow.ids
    conditions = replace(narrow, ids=known or ()).conditions(NO_INDEX)
    rows = await session.execute(
        sql_select(
            # The state as it is stored: thousands of rows need no objects.
            *(col(Report.id), col(Report.cell), type_coerce(col(Report.state), Text)),
            *(col(Report.longitude), col(Report.latitude)),
        ).where(*conditions)
    )
    ranks = {state.value: rank for rank, state in enumerate(GRAVITY)}
    order = sorted(range(len(squares)), key=lambda n: squares[n])
    firsts = [squares[n][0] for n in order]
    found: dict[int, _Found] = {}
    for number, cell, state, longitude, latitude in rows:
        if cell is None or longitude is None or latitude is None:
            continue
        at = bisect_right(firsts, cell) - 1
        if at < 0 or cell > squares[order[at]][1]:
            continue
        one = found.setdefault(order[at], _Found())
        one.count += 1
        one.longitude += longitude
        one.latitude += latitude
        one.rank = min(one.rank, ranks.get(state, len(GRAVITY)))
        one.ids = [number] if one.count == 1 and number is not None else []
    for one in found.values():
        one.longitude /= one.count
        one.latitude /= one.count
    return found


async def _list(
    session: AsyncSession,
    narrow: Narrowed,
    squares: Sequence[tuple[tuple[int, int], _Found]],
) -> None:
    """Name some reports of each square, the newest first."""
    known = narrow.newest if narrow.by_words else narrow.ids
    conditions = replace(narrow, ids=known).conditions(NO_INDEX)
    for (first, last), one in squares:
        query: Any = select(Report.id).where(col(Report.cell).between(first, last), *conditions)
        ids = await session.scalars(query.order_by(col(Report.id).desc()).limit(MOST_LISTED))
        one.ids = list(ids)
