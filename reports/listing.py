"""Which reports are listed, and in which order: one filter for list, map, numbers and exports.

A list of many thousands must not read them all. So there are two ways, and the number of matches,
which a page counts up to a limit anyway, decides:

- few match: they are found by the indexes of the filters, and sorted;
- many match: the reports are read in the wanted order along an index, and those that do not fit
  are passed over, until a page is full. Where the order is by groups (the states, the kinds), one
  group is read after the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    and_,
    any_,
    func,
    literal,
    literal_column,
    not_,
    or_,
    text,
)
from sqlalchemy import case as sql_case
from sqlalchemy import select as sql_select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased, load_only
from sqlmodel import col, select

from city.city import City
from core.counting import Size, size_of
from reports import search
from reports.models import IS_OPEN, CameBy, Priority, Report
from reports.states import OPEN, WAITING, ReportState

NO_INDEX: tuple[str, ...] = ()
"""Of the columns' indexes, SQLite is to take none (:meth:`Narrowed.conditions`)."""
FEW = 4_000
"""So many reports are sorted; more are read in order."""
MOST_FOUND = 1_000
"""The most results of a search that are counted; for more, people search with other words."""


@dataclass(frozen=True, kw_only=True)
class ReportFilter:
    """Which reports are meant; empty fields do not narrow.

    Parameters
    ----------
    roads
        Names of roads.
    teams
        Ids of teams.
    nobody
        Whether only those that are assigned to nobody.
    overdue_on
        Only those that are not ended and were due before this day.
    with_photo
        Only those with a photo, or only those without.
    text
        Looked for in number, address and description.
    cases
        Whether a case is meant, and not each report of it: a joined report is not listed, but its
        number and words find its case.
    """

    states: tuple[ReportState, ...] = ()
    categories: tuple[str, ...] = ()
    departments: tuple[str, ...] = ()
    areas: tuple[str, ...] = ()
    roads: tuple[str, ...] = ()
    teams: tuple[int, ...] = ()
    nobody: bool = False
    priorities: tuple[int, ...] = ()
    came_by: tuple[CameBy, ...] = ()
    overdue_on: date | None = None
    with_photo: bool | None = None
    since: datetime | None = None
    until: datetime | None = None
    changed_since: datetime | None = None
    text: str = ""
    numbers: tuple[str, ...] = ()
    cases: bool = False


class SortBy(StrEnum):
    """What a list is sorted by. Within the same, the newest come first."""

    NEW = "new"
    """Those on which nobody has decided first."""
    AGE = "age"
    DUE = "due"
    """Those that are not ended and have a date first."""
    PRIORITY = "priority"
    CATEGORY = "category"
    """In the order of the city's folder, as districts."""
    AREA = "area"
    STATE = "state"
    REPORTERS = "reporters"


@dataclass(frozen=True)
class Order:
    by: SortBy = SortBy.NEW
    backwards: bool = False


@dataclass(frozen=True)
class Narrowed:
    """A filter made ready for one database: its words have been looked up.

    Parameters
    ----------
    ids
        The reports (or leading reports) with the words; None without words, or if there are too
        many.
    newest
        The newest of those with the words, if there are too many and they were wanted.
    """

    wanted: ReportFilter
    sqlite: bool
    ids: tuple[int, ...] | None = None
    newest: tuple[int, ...] | None = None

    @property
    def by_words(self) -> bool:
        """Whether each report must be read for the words."""
        return bool(self.wanted.text) and self.ids is None

    def conditions(self, free: Iterable[str] | None = None) -> list[ColumnElement[bool]]:
        """Return the conditions.

        Parameters
        ----------
        free
            The columns whose indexes SQLite may take; None for every one. PostgreSQL decides
            itself.
        """
        wanted, made = self.wanted, list[ColumnElement[bool]]()
        some = None if free is None else frozenset(free)
        # Few are open: their own index is the best one.
        best = frozenset({"number"}) if set(wanted.states) == set(OPEN) else some

        def of(name: str) -> Any:
            return getattr(Report, name) if best is None or name in best else self.plain(name)

        if set(wanted.states) == set(OPEN) and some is None:
            made.append(literal_column(str(IS_OPEN)))
        elif wanted.states:
            # Most reports are done: the index of something else is the better one.
            rare = set(wanted.states) <= set(OPEN) or not self._by_another()
            made.append((of("state") if rare else self.plain("state")).in_(wanted.states))
        for name, values in (
            ("category", wanted.categories),
            ("department", wanted.departments),
            ("area", wanted.areas),
            ("road", wanted.roads),
            ("team_id", wanted.teams),
            ("priority", wanted.priorities),
            ("came_by", wanted.came_by),
            ("number", wanted.numbers),
        ):
            if values:
                made.append(of(name).in_(values))
        if wanted.nobody:
            made.append(of("team_id").is_(None))
        if wanted.overdue_on is not None:
            made.append(literal_column(str(IS_OPEN)))
            made.append(of("due_on") < wanted.overdue_on)
        if wanted.with_photo is not None:
            made.append(of("photo_count") > 0 if wanted.with_photo else of("photo_count") == 0)
        if wanted.since is not None:
            made.append(of("created_at") >= wanted.since)
        if wanted.until is not None:
            made.append(of("created_at") < wanted.until)
        if wanted.changed_since is not None:
            made.append(of("updated_at") >= wanted.changed_since)
        is_open = bool(wanted.states) and set(wanted.states) <= set(OPEN)
        # What is joined to another is ended.
        if wanted.cases and not is_open and wanted.overdue_on is None:
            alone = not made and some is None
            made.append((of("case_id") if alone else self.plain("case_id")).is_(None))
        if self.ids is not None:
            made.append(self.among(self.ids))
        elif wanted.text:
            made.append(self._contains())
        return made

    def plain(self, name: str) -> Any:
        """Return a column so that SQLite does not take its index."""
        column = Report.__table__.c[name]  # type: ignore[attr-defined]
        return literal_column(f"+reports.{name}", column.type) if self.sqlite else column

    def among(self, ids: Sequence[int]) -> ColumnElement[bool]:
        """Return the condition that a report is one of many."""
        if self.sqlite:
            each = func.json_each(literal(str(list(ids)))).table_valued("value")
            return col(Report.id).in_(sql_select(each.c.value))
        return col(Report.id) == any_(literal(list(ids), ARRAY(BigInteger)))

    def _by_another(self) -> bool:
        wanted = self.wanted
        several = (wanted.categories, wanted.departments, wanted.areas, wanted.roads)
        more = (wanted.teams, wanted.priorities, wanted.came_by, wanted.numbers, self.ids)
        return any(several) or any(more)

    def _contains(self) -> ColumnElement[bool]:
        own = search.contains(self.wanted.text, sqlite=self.sqlite)
        if not self.wanted.cases:
            return own
        # Reports are read in order until a page is full, so only a few are asked for the words
        # of those that were joined to them.
        joined = aliased(Report)
        words = search.contains(self.wanted.text, joined, sqlite=self.sqlite)
        has = sql_select(1).where(col(joined.case_id) == col(Report.id), words)
        if not self.sqlite:
            # With an offset PostgreSQL does not look the words up in all joined ones beforehand.
            has = has.offset(0)
        return or_(own, has.correlate(Report).exists())


async def narrowed(
    session: AsyncSession, wanted: ReportFilter, *, newest: bool = False
) -> Narrowed:
    """Look up the words of a filter.

    Parameters
    ----------
    newest
        Whether the newest reports with the words are enough, if there are too many.
    """
    sqlite = session.get_bind().dialect.name == "sqlite"
    if not wanted.text:
        return Narrowed(wanted, sqlite)
    hits = await search.hits(session, wanted.text, newest_of_many=newest)
    ids = tuple(dict.fromkeys(hit.case if wanted.cases else hit.report for hit in hits.found))
    if hits.more:
        return Narrowed(wanted, sqlite, newest=ids)
    return Narrowed(wanted, sqlite, ids=ids)


async def count(session: AsyncSession, narrow: Narrowed) -> Size:
    """Return how many match, up to the counting limit."""
    query = select(Report.id).where(*narrow.conditions())
    if not narrow.wanted.text:
        return await size_of(session, query)
    only_words = ReportFilter(text=narrow.wanted.text, cases=narrow.wanted.cases)
    if narrow.by_words and narrow.wanted == only_words:
        return Size(MOST_FOUND, more=True)
    return await size_of(session, query, MOST_FOUND)


async def count_overdue(session: AsyncSession, today: date) -> Size:
    """Return how many cases are not ended and were due before ``today``."""
    wanted = ReportFilter(overdue_on=today, cases=True)
    return await count(session, await narrowed(session, wanted))


async def listed(
    session: AsyncSession,
    city: City,
    narrow: Narrowed,
    order: Order,
    *,
    limit: int,
    offset: int = 0,
    few: bool = False,
    only: Sequence[Any] = (),
) -> list[Report]:
    """Return a page of the reports that match.

    Parameters
    ----------
    few
        Whether at most :data:`FEW` match, as :func:`count` says.
    only
        The columns that are needed; empty for all. The others must not be looked at.
    """
    every = select(Report)
    if only:
        every = every.options(load_only(*only, raiseload=True))
    if few:
        query = every.where(*narrow.conditions())
        ordered = query.order_by(*_sorting(narrow, order, city))
        return list(await session.scalars(ordered.limit(limit).offset(offset)))
    found: list[Report] = []
    groups = _groups(narrow, order, city)
    for number, group in enumerate(groups):
        query = every.where(*narrow.conditions(group.free), *group.where)
        if offset and number < len(groups) - 1:
            size = await size_of(session, query.with_only_columns(col(Report.id)), offset)
            if not size.more:
                offset -= size.number
                continue
        page = query.order_by(*group.order).limit(limit - len(found)).offset(offset)
        found += await session.scalars(page)
        offset = 0
        if len(found) >= limit:
            break
    return found


@dataclass(frozen=True)
class _Group:
    """Some of the reports, in an order that an index has.

    ``free`` are the columns of that index.
    """

    where: tuple[ColumnElement[bool], ...]
    order: tuple[ColumnElement[Any], ...]
    free: frozenset[str]


def _sorting(narrow: Narrowed, order: Order, city: City) -> list[ColumnElement[Any]]:
    """Return what few reports are sorted by."""
    plain = narrow.plain
    newest = [plain("created_at").desc(), plain("id").desc()]

    def turned(column: Any) -> ColumnElement[Any]:
        turned: ColumnElement[Any] = column.desc() if order.backwards else column.asc()
        return turned

    def turned_down(column: Any) -> ColumnElement[Any]:
        turned: ColumnElement[Any] = column.asc() if order.backwards else column.desc()
        return turned

    match order.by:
        case SortBy.NEW:
            waiting = plain("state").in_(WAITING)
            return [turned(sql_case((waiting, 0), else_=1)), *newest]
        case SortBy.AGE:
            return [turned_down(plain("created_at")), turned_down(plain("id"))]
        case SortBy.DUE:
            due = and_(plain("state").in_(OPEN), plain("due_on").is_not(None))
            return [
                sql_case((due, 0), else_=1),
                turned(sql_case((due, plain("due_on")))),
                *newest,
            ]
        case SortBy.PRIORITY:
            return [turned(plain("priority")), *newest]
        case SortBy.REPORTERS:
            return [turned_down(plain("reporters")), *newest]
    column = plain(order.by.value)
    known = _values(order.by, city)
    # What the city's folder no longer has comes last, also when the order is turned round.
    last = -1 if order.backwards else len(known)
    ranks = sql_case({value: n for n, value in enumerate(known)}, value=column, else_=last)
    return [turned(ranks), *newest]


def _groups(narrow: Narrowed, order: Order, city: City) -> list[_Group]:
    """Return the parts in which many reports are read, each along an index."""
    id_, created = col(Report.id), col(Report.created_at)
    newest = (created.desc(), id_.desc())

    def by_time(*where: ColumnElement[bool], free: str = "") -> _Group:
        return _Group(where, newest, frozenset({free, "created_at"} - {""}))

    state: Any = col(Report.state)
    match order.by:
        case SortBy.NEW:
            groups = [
                by_time(state.in_(WAITING), free="state"),
                by_time(narrow.plain("state").not_in(WAITING)),
            ]
        case SortBy.AGE:
            oldest = (created.asc(), id_.asc())
            return [_Group((), oldest if order.backwards else newest, frozenset({"created_at"}))]
        case SortBy.DUE:
            due = col(Report.due_on)
            is_open: ColumnElement[bool] = literal_column(str(IS_OPEN))
            has = and_(is_open, due.is_not(None))
            turned = (due.desc(), id_.desc()) if order.backwards else (due.asc(), id_.asc())
            plain_due = and_(narrow.plain("state").in_(OPEN), narrow.plain("due_on").is_not(None))
            return [_Group((has,), turned, frozenset({"due_on"})), by_time(not_(plain_due))]
        case SortBy.REPORTERS:
            many = col(Report.reporters)
            most = (many.asc(), created.asc(), id_.asc())
            if not order.backwards:
                most = (many.desc(), created.desc(), id_.desc())
            return [_Group((), most, frozenset({"reporters"}))]
        case _:
            name = order.by.value
            column: Any = getattr(Report, name)
            known = _values(order.by, city)
            groups = [by_time(column == value, free=name) for value in known]
            groups = groups[::-1] if order.backwards else groups
            bare: Any = narrow.plain(name)
            return [*groups, by_time(or_(bare.is_(None), bare.not_in(known)))]
    return groups[::-1] if order.backwards else groups


def _values(by: SortBy, city: City) -> Sequence[Any]:
    """Return the values of a column in the order in which people know them."""
    match by:
        case SortBy.CATEGORY:
            return [each.code for each in city.report_categories]
        case SortBy.AREA:
            return [each.code for each in city.districts]
        case SortBy.STATE:
            return list(ReportState)
    return list(Priority)


_ROADS = text(
    "WITH RECURSIVE named (road) AS ("
    "SELECT min(road) FROM reports WHERE road > '' UNION ALL "
    "SELECT (SELECT min(road) FROM reports WHERE reports.road > named.road) "
    "FROM named WHERE named.road IS NOT NULL) "
    "SELECT road FROM named WHERE road IS NOT NULL LIMIT 300"
)


async def roads(session: AsyncSession) -> list[str]:
    """Return the names of the roads on which something was reported, each read from the index."""
    return list(await session.scalars(_ROADS))


async def of_case(session: AsyncSession, leaders: Sequence[Report]) -> dict[int, list[str]]:
    """Return the numbers of the reports joined to each of these, the oldest first, by id."""
    ids = [report.id for report in leaders if report.id is not None and report.reporters > 1]
    found: dict[int, list[str]] = {}
    if ids:
        query = sql_select(col(Report.case_id), col(Report.number))
        rows = await session.execute(query.where(col(Report.case_id).in_(ids)))
        for leader, number in sorted(rows, key=lambda row: row[1]):
            found.setdefault(leader or 0, []).append(number)
    return found


async def inbox(
    session: AsyncSession, wanted: ReportFilter, *, most: int, skipped: Sequence[str] = ()
) -> list[Report]:
    """Return the cases on which nobody has decided: the urgent first, and of those the oldest."""
    narrow = await narrowed(session, replace(wanted, states=WAITING, cases=True))
    query = select(Report).where(*narrow.conditions())
    if skipped:
        query = query.where(narrow.plain("number").not_in(skipped))
    plain = narrow.plain
    order = (plain("priority").asc(), plain("created_at").asc(), plain("id").asc())
    return list(await session.scalars(query.order_by(*order).limit(most)))
