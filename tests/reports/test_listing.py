"""The list narrows and sorts as a person would by hand, whichever way the database takes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import col, select

from city.city import City
from city.folder import load_city
from core.clock import in_japan
from core.counting import Size
from core.database import Database
from core.errors import BadInput
from core.settings import SAMPLE_CITY
from reports import listing, saved_filters, search
from reports.generate import generate
from reports.listing import Order, ReportFilter, SortBy
from reports.models import CameBy, Report
from reports.states import OPEN, ReportState

NOW = datetime(2026, 6, 1, 9, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def city() -> City:
    return load_city(SAMPLE_CITY)


async def everything(database: Database) -> list[Report]:
    """Return all reports, the newest first."""
    async with database.reading() as session:
        newest = select(Report).order_by(col(Report.created_at).desc(), col(Report.id).desc())
        return list(await session.scalars(newest))


async def numbers(
    database: Database, city: City, wanted: ReportFilter, order: Order, *, few: bool
) -> list[str]:
    """Return the list page by page, as somebody who leafs through it sees it."""
    found: list[str] = []
    async with database.reading() as session:
        narrow = await listing.narrowed(session, wanted)
        while True:
            page = await listing.listed(
                session, city, narrow, order, limit=7, offset=len(found), few=few
            )
            found += [report.number for report in page]
            if len(page) < 7:
                return found


FILTERS: tuple[tuple[ReportFilter, Callable[[Report], bool]], ...] = (
    (ReportFilter(cases=True), lambda one: one.case_id is None),
    (ReportFilter(states=OPEN, cases=True), lambda one: one.state.is_open),
    (
        ReportFilter(roads=("市道1号線", "市道2号線"), cases=True),
        lambda one: one.case_id is None and one.road in ("市道1号線", "市道2号線"),
    ),
    (
        ReportFilter(teams=(1, 2), cases=True),
        lambda one: one.case_id is None and one.team_id in (1, 2),
    ),
    (
        ReportFilter(nobody=True, states=(ReportState.DONE,), cases=True),
        lambda one: one.team_id is None and one.state is ReportState.DONE,
    ),
    (
        ReportFilter(priorities=(1, 2), cases=True),
        lambda one: one.case_id is None and one.priority <= 2,
    ),
    (
        ReportFilter(overdue_on=in_japan(NOW).date(), cases=True),
        lambda one: (
            one.state.is_open and one.due_on is not None and one.due_on < in_japan(NOW).date()
        ),
    ),
    (
        ReportFilter(came_by=(CameBy.TELEPHONE,), cases=True),
        lambda one: one.case_id is None and one.came_by is CameBy.TELEPHONE,
    ),
    (
        ReportFilter(until=NOW - timedelta(days=30), with_photo=False, cases=True),
        lambda one: one.case_id is None and one.created_at < NOW - timedelta(days=30),
    ),
)


@pytest.mark.parametrize("few", [True, False], ids=["few", "many"])
async def test_each_filter_finds_what_fits_and_nothing_else(
    database: Database, city: City, few: bool
) -> None:
    await generate(database, city, 400, 1, NOW)
    known = await everything(database)
    assert any(one.case_id for one in known), "some are joined"
    for wanted, fits in FILTERS:
        expected = [one.number for one in known if fits(one)]
        assert expected, wanted
        found = await numbers(database, city, wanted, Order(SortBy.AGE), few=few)
        assert found == expected, wanted
        async with database.reading() as session:
            narrow = await listing.narrowed(session, wanted)
            assert await listing.count(session, narrow) == Size(len(expected))


def sorting(city: City) -> dict[SortBy, Callable[[Report], Any]]:
    kinds = [each.code for each in city.report_categories]
    areas = [each.code for each in city.districts]
    return {
        SortBy.NEW: lambda one: one.state is not ReportState.NEW,
        SortBy.PRIORITY: lambda one: one.priority,
        SortBy.CATEGORY: lambda one: kinds.index(one.category),
        SortBy.AREA: lambda one: areas.index(one.area),
        SortBy.STATE: lambda one: list(ReportState).index(one.state),
        SortBy.REPORTERS: lambda one: one.reporters,
    }


@pytest.mark.parametrize("few", [True, False], ids=["few", "many"])
async def test_each_column_sorts_both_ways_and_no_case_is_lost(
    database: Database, city: City, few: bool
) -> None:
    await generate(database, city, 300, 1, NOW)
    cases = [one for one in await everything(database) if one.case_id is None]
    by_number = {one.number: one for one in cases}
    wanted = ReportFilter(cases=True)
    for by, key in sorting(city).items():
        for backwards in (False, True):
            found = await numbers(database, city, wanted, Order(by, backwards), few=few)
            assert sorted(found) == sorted(by_number), by
            keys = [key(by_number[number]) for number in found]
            # The most reporters come first; everything else begins with the least.
            falls = backwards is not (by is SortBy.REPORTERS)
            assert keys == sorted(keys, reverse=falls), (by, backwards)
    due = await numbers(database, city, wanted, Order(SortBy.DUE), few=few)
    open_ones = [one for one in cases if one.state.is_open and one.due_on]
    first = [by_number[number].due_on for number in due[: len(open_ones)]]
    assert first == sorted(one.due_on for one in open_ones if one.due_on)


@pytest.mark.parametrize("most", [5_000, 3], ids=["known", "too many to know"])
async def test_a_joined_report_is_found_by_its_words_as_its_case(
    database: Database, city: City, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(search, "MOST_HITS", most)
    await generate(database, city, 300, 1, NOW)
    known = await everything(database)
    joined = next(one for one in known if one.case_id is not None)
    leader = next(one for one in known if one.id == joined.case_id)
    async with database.writing() as session:
        row = await session.get_one(Report, joined.id)
        row.description = "赤い三輪車の前です"
        session.add(row)
    for words in (joined.number, "三輪車", "赤い"):
        wanted = ReportFilter(text=words, cases=True)
        assert await numbers(database, city, wanted, Order(), few=True) == [leader.number]
        alone = await numbers(database, city, ReportFilter(text=words), Order(), few=True)
        assert alone == [joined.number]
    frequent = ReportFilter(text="道路", cases=True)
    one_by_one = await numbers(database, city, frequent, Order(SortBy.AGE), few=False)
    cases = {one.id: one for one in known if one.case_id is None}
    hit = {
        one.case_id or one.id
        for one in known
        if "道路" in one.number + one.address + one.description and one.id != joined.id
    }
    assert sorted(one_by_one) == sorted(cases[case].number for case in hit if case in cases)


async def test_the_intake_has_the_urgent_first_and_of_those_the_oldest(
    database: Database, city: City
) -> None:
    await generate(database, city, 400, 1, NOW)
    waiting = [one for one in await everything(database) if one.state is ReportState.NEW]
    expected = sorted(waiting, key=lambda one: (one.priority, one.created_at))
    async with database.reading() as session:
        found = await listing.inbox(session, ReportFilter(), most=100)
        assert [one.number for one in found] == [one.number for one in expected]
        rest = await listing.inbox(session, ReportFilter(), most=1, skipped=[found[0].number])
        assert rest[0].number == found[1].number
        roads = await listing.roads(session)
    assert roads == sorted({one.road for one in await everything(database) if one.road})


async def test_a_filter_is_of_one_account_or_of_everybody(database: Database) -> None:
    async def save(name: str, by: str, *, shared: bool = False) -> None:
        async with database.writing() as session:
            await saved_filters.save(
                session, name, "state=open", shared=shared, counted=False, by=by, now=NOW
            )

    await save("mine", "a@city.example")
    await save("all", "a@city.example", shared=True)
    await save("mine", "a@city.example")
    async with database.reading() as session:
        mine = await saved_filters.seen_by(session, "a@city.example")
        other = await saved_filters.seen_by(session, "b@city.example")
    assert [one.name for one in mine] == ["mine", "all"]
    assert [one.name for one in other] == ["all"]
    async with database.writing() as session:
        with pytest.raises(BadInput):
            await saved_filters.remove(session, mine[0].id or 0, by="b@city.example", now=NOW)
    with pytest.raises(BadInput):
        await save("  ", "a@city.example")
