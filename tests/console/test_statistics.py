"""The figures of the road department, as somebody who may look sees and takes them along."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta

from sqlmodel import col, select

from console.models import Role
from reports.models import Report
from reports.register import Draft, create_report
from reports.states import ReportState
from tests.support.office import Office, Page


async def shown(browser: object, address: str) -> Page:
    """Ask until the numbers are counted, as the page itself does."""
    while True:
        page: Page = await browser.get(address)  # type: ignore[attr-defined]
        assert page.status == 200
        if not page.tree.xpath("//*[@data-counting]"):
            return page


async def change(office: Office, number: str, **fields: object) -> None:
    async with office.database.writing() as session:
        row = await session.scalar(select(Report).where(col(Report.number) == number))
        for name, value in fields.items():
            setattr(row, name, value)


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


async def test_what_was_taken_back_is_in_no_square_of_the_map(office: Office) -> None:
    await report(office, "1")
    await change(office, await report(office, "2"), state=ReportState.WITHDRAWN)
    viewer = await office.at_desk(Role.VIEWER, "viewer")
    page = await viewer.get(
        "/console/report-statistics/map.json?bbox=140.0,36.0,140.2,36.2&zoom=14"
    )
    [square] = json.loads(page.body)["features"]["features"]
    assert square["properties"]["title"] == "1"


async def test_the_head_reads_where_a_spot_came_back_and_who_waits_longest(office: Office) -> None:
    spot = [await report(office, f"{n}") for n in range(3)]
    for number in spot:
        ended = {"state": ReportState.DONE, "ended_at": office.clock.now()}
        await change(office, number, address="中央一丁目5", **ended)
    waits = await report(office, "waits", "street-light")
    old = office.clock.now() - timedelta(days=40)
    await change(office, waits, created_at=old, address="学園の森2", due_on=old.date())
    viewer = await office.at_desk(Role.VIEWER, "viewer")
    page = await shown(viewer, "/console/report-statistics?kind=street-light")
    rows = page.tree.xpath(f"//tr[.//a[@href='/console/reports/{waits}']]")
    assert "学園の森2" in rows[0].text_content()
    assert rows[0].xpath("./td[@data-label='待ち日数']")[0].text_content() == "40"
    [all_of_them] = page.tree.xpath("//a[contains(@href, 'sort=-age')]/@href")
    listed = await viewer.get(all_of_them)
    assert listed.tree.xpath("//tr/@data-number") == [waits]
    page = await shown(viewer, "/console/report-statistics")
    [row] = page.tree.xpath(f"//tr[.//a[@href='/console/reports/{spot[0]}']]")
    assert "中央一丁目5" in row.text_content()
    assert row.xpath("./td[@class='number']")[0].text_content() == "3"
    # The file has all of it, too.
    file = (await viewer.get("/console/report-statistics/numbers.csv")).body
    lines = list(csv.reader(io.StringIO(file.lstrip("\ufeff"))))
    assert [line[1] for line in lines if line[0] == "長く待っている案件"].count(waits) == 4
    [times] = [line for line in lines if line[0] == "繰り返し直した場所" and line[2] == "回数"]
    assert "中央一丁目5" in times[1] and times[3] == "3"


async def test_months_that_cannot_be_shown_are_not_passed_over_in_silence(office: Office) -> None:
    viewer = await office.at_desk(Role.VIEWER, "viewer")
    address = "/console/report-statistics"
    for query, said in (
        ("first=2026-05&last=2026-04", True),
        ("first=2021-01&last=2026-04", True),
        ("first=2026-01&last=2026-04", False),
        ("", False),
    ):
        page = await shown(viewer, f"{address}?{query}")
        assert bool(page.tree.xpath("//p[@role='status' and contains(@class, 'note')]")) is said
