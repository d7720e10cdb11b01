"""The map of reports shows every one of them, put together by where they are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import col, select

from city.city import City
from city.folder import load_city
from core.cells import cell_of, cells_of_tile, column_and_row, corner
from core.database import Database
from core.settings import SAMPLE_CITY
from reports.clusters import MOST_SQUARES, clusters, squares_of
from reports.generate import generate
from reports.models import Report
from reports.register import ReportFilter
from reports.states import ReportState

NOW = datetime(2026, 6, 1, 9, 0, tzinfo=UTC)
CITY_BOX = (139.9, 35.9, 140.4, 36.4)


@pytest.fixture(scope="module")
def city() -> City:
    return load_city(SAMPLE_CITY)


def test_a_cell_has_the_number_of_its_quadkey() -> None:
    """Tile 3/5 of zoom 3 has the quadkey 213: base 4, the column's bit first (Microsoft)."""
    first, last = cells_of_tile(3, 5, 3)
    assert first >> 34 == int("213", 4)
    assert last - first + 1 == 4**17
    x, y = column_and_row(140.1, 36.1, 12)
    first, last = cells_of_tile(x, y, 12)
    assert first <= cell_of(140.1, 36.1) <= last
    west, north = corner(x, y, 12)
    assert west <= 140.1
    assert north >= 36.1


def test_a_view_has_few_squares_however_large_it_is() -> None:
    for zoom in range(19):
        assert 0 < len(squares_of((122.0, 20.0, 154.0, 46.0), zoom)) <= MOST_SQUARES


@pytest.mark.parametrize("zoom", [5, 11, 14, 18])
async def test_every_report_is_on_the_map_at_every_zoom(
    database: Database, city: City, zoom: int
) -> None:
    await generate(database, city, 300, 1, NOW)
    async with database.reading() as session:
        everything = list(await session.scalars(select(Report)))
        placed = [one for one in everything if one.latitude is not None]
        found = await clusters(session, ReportFilter(), CITY_BOX, zoom)
        assert sum(one.count for one in found.clusters) == len(placed)
        for one in found.clusters:
            if one.count == 1:
                (report,) = one.reports
                assert one.longitude == pytest.approx(report.longitude)
                assert one.latitude == pytest.approx(report.latitude)
                assert one.state is report.state


async def test_the_map_filters_as_the_list_does(database: Database, city: City) -> None:
    await generate(database, city, 300, 1, NOW)
    async with database.reading() as session:
        everything = [
            one
            for one in await session.scalars(select(Report).order_by(col(Report.id)))
            if one.latitude is not None
        ]
        sample = everything[0]
        since = NOW - timedelta(days=400)
        for wanted, fits in (
            (ReportFilter(states=(ReportState.DONE,)), lambda one: one.state is ReportState.DONE),
            (
                ReportFilter(categories=(sample.category,), since=since),
                lambda one: one.category == sample.category and one.created_at >= since,
            ),
            (ReportFilter(until=since), lambda one: one.created_at < since),
            (
                ReportFilter(areas=(sample.area or "",), departments=(sample.department,)),
                lambda one: one.area == sample.area and one.department == sample.department,
            ),
            (
                ReportFilter(text=sample.address[:4]),
                lambda one: sample.address[:4] in one.number + one.address + one.description,
            ),
            (ReportFilter(text="どこにもない言葉"), lambda one: False),
        ):
            found = await clusters(session, wanted, CITY_BOX, 11)
            expected = sum(1 for one in everything if fits(one))
            assert sum(one.count for one in found.clusters) == expected, wanted


async def test_near_reports_of_one_square_are_named(database: Database, city: City) -> None:
    await generate(database, city, 40, 1, NOW)
    async with database.writing() as session:
        for one in await session.scalars(select(Report)):
            one.longitude, one.latitude = 140.1, 36.1
            session.add(one)
    async with database.reading() as session:
        (all_of_them,) = (await clusters(session, ReportFilter(), CITY_BOX, 18)).clusters
        assert all_of_them.count == 40
        (near,) = (
            await clusters(session, ReportFilter(), (140.099, 36.099, 140.101, 36.101), 18)
        ).clusters
        assert len(near.reports) == 30
        assert near.reports[0].number


async def test_a_report_whose_place_is_taken_back_leaves_the_map(
    database: Database, city: City
) -> None:
    await generate(database, city, 5, 1, NOW)
    async with database.writing() as session:
        for one in await session.scalars(select(Report)):
            one.longitude = one.latitude = None
            session.add(one)
    async with database.reading() as session:
        assert (await clusters(session, ReportFilter(), CITY_BOX, 11)).clusters == ()
