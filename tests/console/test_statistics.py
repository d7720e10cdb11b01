"""The figures of the road department, as somebody who may look sees and takes them along."""

from __future__ import annotations

import csv
import io
import json

from console.models import Role
from reports.register import Draft, create_report
from tests.support.office import Office, Page


async def shown(browser: object, address: str) -> Page:
    """Ask until the numbers are counted, as the page itself does."""
    while True:
        page: Page = await browser.get(address)  # type: ignore[attr-defined]
        assert page.status == 200
        if not page.tree.xpath("//*[@data-counting]"):
            return page


async def report(office: Office, origin: str, kind: str = "pothole") -> str:
    async with office.database.writing() as session:
        made = await create_report(
            session,
            office.context.city,
            Draft(category=kind, origin=origin, longitude=140.0766, latitude=36.0835),
            resident_id=None,
            language="ja",
            now=office.clock.now(),
        )
    return made.number


async def test_every_chart_has_its_table_and_a_sentence(office: Office) -> None:
    number = await report(office, "1")
    await report(office, "2", "street-light")
    viewer = await office.at_desk(Role.VIEWER, "viewer")
    page = await shown(viewer, "/console/report-statistics")
    charts = page.tree.xpath('//section[.//*[local-name()="svg"]]')
    assert len(charts) >= 6
    for chart in charts:
        assert chart.xpath("./p")[0].text_content().strip()
        assert chart.xpath('.//*[local-name()="svg"]/@aria-label')
        assert chart.xpath(".//table//tbody/tr")
    assert "通報は2件、案件にすると2件です" in page.words
    assert number in page.words  # waits longest
    narrowed = await shown(viewer, "/console/report-statistics?kind=street-light")
    assert "通報は1件" in narrowed.words


async def test_the_numbers_are_a_file_that_runs_no_formula(office: Office) -> None:
    await report(office, "1")
    viewer = await office.at_desk(Role.VIEWER, "viewer")
    page = await viewer.get("/console/report-statistics/numbers.csv")
    assert page.headers["Content-Type"].startswith("text/csv")
    rows = list(csv.reader(io.StringIO(page.body.lstrip("\ufeff"))))
    assert rows[0] == ["内容", "区分", "内訳", "数値"]
    assert ["種類別の案件", "道路の穴・段差", "案件", "1"] in rows
    assert all(not cell.startswith(("=", "+", "@")) for row in rows for cell in row)


async def test_the_squares_of_the_map_have_what_came_from_them(office: Office) -> None:
    await report(office, "1")
    await report(office, "2")
    viewer = await office.at_desk(Role.VIEWER, "viewer")
    page = await viewer.get(
        "/console/report-statistics/map.json?bbox=140.0,36.0,140.2,36.2&zoom=14"
    )
    [square] = json.loads(page.body)["features"]["features"]
    assert square["properties"]["title"] == "2"
    [ring] = square["geometry"]["coordinates"]
    longitudes, latitudes = [x for x, _ in ring], [y for _, y in ring]
    assert min(longitudes) <= 140.0766 <= max(longitudes)
    assert min(latitudes) <= 36.0835 <= max(latitudes)


async def test_a_strange_question_is_the_last_year_and_comes_back_nowhere(office: Office) -> None:
    viewer = await office.at_desk(Role.VIEWER, "viewer")
    page = await shown(
        viewer, "/console/report-statistics?first=9999-99&last=x&kind=<b>kind&area='%22>"
    )
    assert "9999" not in page.body and "<b>kind" not in page.body
    [first] = page.tree.xpath('//input[@name="first"]/@value')
    [last] = page.tree.xpath('//input[@name="last"]/@value')
    assert (first, last) == ("2025-07", "2026-06")  # the office's clock stands in June
