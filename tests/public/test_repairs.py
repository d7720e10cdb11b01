"""The repairs for everybody: list, case, photos, table of months, feeds."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta

import pytest
from lxml import etree

from core.languages import LANGUAGES
from public.report_feeds import local_government_code
from reports.models import Photo, PhotoRole, Report, ReportUpdate
from reports.states import ReportState
from tests.support.filed_reports import reported
from tests.support.office import Office
from tests.support.public_cases import case_in, photographed

ATOM = {"a": "http://www.w3.org/2005/Atom"}
SMALL = 30_000
"""Bytes of a page without its photos."""


async def test_a_hole_that_six_reported_is_one_line(office: Office) -> None:
    leader = await case_in(office, ReportState.ACCEPTED, reporters=6)
    joined = [await case_in(office, ReportState.DUPLICATE, case_id=leader.id) for _ in range(5)]
    browser = await office.browser()
    page = await browser.get("/reports?lang=en")
    assert page.status == 200
    assert page.body.count(f"/reports/{leader.number}?lang=en") == 1
    assert not any(one.number in page.body for one in joined)
    case = await browser.get(f"/reports/{leader.number}?lang=en")
    assert "Reports of it: 6" in case.words


async def test_a_number_leads_to_its_case_however_it_is_typed(office: Office) -> None:
    leader = await case_in(office, ReportState.IN_PROGRESS)
    joined = await case_in(office, ReportState.DUPLICATE, case_id=leader.id)
    browser = await office.browser()
    year, serial = leader.number.split("-")
    for typed in (
        leader.number,
        f" {year} - {int(serial)} ",
        leader.number.translate(str.maketrans("0123456789-", "０１２３４５６７８９－")),
        f"No. {year}ー{serial}",
    ):
        found = await browser.get(f"/reports?lang=en&number={typed}")
        assert found.url.endswith(f"/reports/{leader.number}?lang=en"), typed
        assert "is about the same thing" not in found.words
    found = await browser.get(f"/reports?lang=en&number={joined.number}")
    assert f"/reports/{leader.number}?" in found.url
    assert f"Report {joined.number} is about the same thing." in found.words
    for unknown in ("2026-999999", "hello", "'; drop table reports", "\0", "２０２６"):
        missing = await browser.get(f"/reports?lang=en&number={unknown}")
        assert "No public case has this number" in missing.words, unknown


async def test_the_list_is_narrowed_by_kind_district_and_state(office: Office) -> None:
    city = office.context.city
    kinds, areas = city.report_categories, city.districts
    first = await case_in(office, ReportState.ACCEPTED, category=kinds[0].code)
    second = await case_in(office, ReportState.DONE, category=kinds[1].code, area=areas[1].code)
    browser = await office.browser()

    async def shown(query: str) -> list[str]:
        page = await browser.get(f"/reports?lang=en&{query}")
        listed = page.tree.xpath("//ul[contains(@class,'cases')]//h2/a/@href")
        on_map = json.loads((await browser.get(f"/maps/reports.json?lang=en&{query}")).body)
        numbers = [one["properties"]["lines"][0] for one in on_map["features"]["features"]]
        from_list = [href.split("/")[-1].split("?")[0] for href in listed]
        assert sorted(numbers) == sorted(from_list)
        return from_list

    assert await shown("") == [second.number, first.number]
    assert await shown(f"kind={kinds[0].code}") == [first.number]
    assert await shown(f"district={areas[1].code}") == [second.number]
    assert await shown("state=done") == [second.number]
    assert await shown(f"state=accepted&district={areas[1].code}") == []
    assert await shown("state=new&kind=nonsense") == [second.number, first.number]


async def test_what_was_mended_long_ago_is_found_by_its_number_alone(office: Office) -> None:
    old = await case_in(office, ReportState.DONE)
    async with office.database.writing() as session:
        report = await session.get_one(Report, old.id)
        report.ended_at = office.clock.now() - timedelta(days=91)
    browser = await office.browser()
    assert old.number not in (await browser.get("/reports?lang=en")).body
    assert (await browser.get(f"/reports/{old.number}?lang=en")).status == 200


async def test_the_history_of_a_case_is_its_states_in_days(office: Office) -> None:
    case = await case_in(office, ReportState.ACCEPTED)
    async with office.database.writing() as session:
        report = await session.get_one(Report, case.id)
        report.created_at -= timedelta(days=5)
        for state in (ReportState.IN_PROGRESS, ReportState.DONE):
            session.add(
                ReportUpdate(
                    report_id=case.id or 0, by="me", state=state, created_at=office.clock.now()
                )
            )
        report.state = ReportState.DONE
        report.ended_at = office.clock.now()
    page = await (await office.browser()).get(f"/reports/{case.number}?lang=en")
    steps = page.tree.xpath("//ol[@class='steps']/li/strong/text()")
    assert steps == ["Received", "Accepted", "Being mended", "Mended"]
    assert page.words.count("Days after the report: 5") == 3
    for language, five in (("my", "၅"), ("ne", "५")):
        page = await (await office.browser()).get(f"/reports/{case.number}?lang={language}")
        said = page.tree.xpath("//ol[@class='steps']/li/span/text()")
        assert all(five in one and "5" not in one for one in said), (
            "the digits of the days beside it"
        )


async def test_only_released_photos_are_seen_and_gone_at_once(office: Office) -> None:
    case = await case_in(office, ReportState.DONE)
    private = await photographed(office, case)
    shown = await photographed(office, case, released=True)
    after = await photographed(office, case, released=True, role=PhotoRole.AFTER)
    browser = await office.browser()
    page = await browser.get(f"/reports/{case.number}?lang=en")
    pictures = page.tree.xpath("//main//img[contains(@src,'/photos/')]/@src")
    assert pictures == [f"/reports/{case.number}/photos/{one.id}.jpg" for one in (shown, after)]
    titles = page.tree.xpath("//h2/text()")
    assert titles.index("Before") < titles.index("After")
    address = f"/reports/{case.number}/photos/{shown.id}.jpg"
    async with browser.http.get(browser.url + address) as answer:
        assert answer.status == 200 and answer.content_type == "image/jpeg"
        assert answer.headers["Cache-Control"] == "no-cache"
        assert "sandbox" in answer.headers["Content-Security-Policy"]
        etag = answer.headers["ETag"]
    headers = {"If-None-Match": etag}
    async with browser.http.get(browser.url + address, headers=headers) as answer:
        assert answer.status == 304
    for name in (private.id, 999_999, "1e5", "-1", 2**70):
        gone = await browser.get(f"/reports/{case.number}/photos/{name}.jpg")
        assert gone.status == 404
    async with office.database.writing() as session:
        await session.delete(await session.get_one(Photo, shown.id))
    async with browser.http.get(browser.url + address, headers=headers) as answer:
        assert answer.status == 404


async def test_the_table_counts_each_case_once_in_its_month(office: Office) -> None:
    kind = office.context.city.report_categories[0]
    done = await case_in(office, ReportState.DONE)
    await case_in(office, ReportState.DUPLICATE, case_id=done.id)
    await case_in(office, ReportState.IN_PROGRESS)
    await case_in(office, ReportState.DECLINED)
    await case_in(office, ReportState.REFERRED)
    await case_in(office, ReportState.WITHDRAWN)
    await case_in(office, ReportState.ACCEPTED, hidden=True)
    await reported(office)
    async with office.database.writing() as session:
        report = await session.get_one(Report, done.id)
        assert report.ended_at is not None
        report.ended_at = report.created_at + timedelta(days=4)
    browser = await office.browser()
    answer = await browser.get("/reports/months.csv?year=2026")
    (heading, row) = csv.reader(io.StringIO(answer.body.removeprefix("\ufeff")))
    assert heading == [
        *("年月", "種別コード", "種別"),
        *("受付件数", "完了件数", "対応中件数", "対象外件数", "平均日数"),
    ]
    assert row == ["2026-06", kind.code, kind.names["ja"], "5", "1", "2", "2", "4.0"]
    page = await browser.get("/reports/months?lang=en")
    (month,) = [
        one for one in page.tree.xpath("//table[1]/tbody/tr") if "June" in one.text_content()
    ][:1]
    assert [cell.text_content() for cell in month.xpath("td")] == ["5", "1", "2", "2", "4.0"]
    of_june = await browser.get("/reports/months?year=2026&month=6&lang=en")
    assert kind.names["en"] in of_june.words


async def test_machines_read_the_same_cases(office: Office) -> None:
    city = office.context.city
    case = await case_in(office, ReportState.ACCEPTED)
    other = await case_in(office, ReportState.DONE, area=city.districts[1].code)
    photo = await photographed(office, case, released=True)
    browser = await office.browser()
    url = office.context.settings.public_url
    found = json.loads((await browser.get("/feeds/reports.geojson?lang=en")).body)
    by_number = {one["id"]: one for one in found["features"]}
    assert set(by_number) == {case.number, other.number}
    about = by_number[case.number]["properties"]
    assert about["photos"] == [f"{url}/reports/{case.number}/photos/{photo.id}.jpg"]
    assert (about["state"], about["reports"]) == ("accepted", 1)
    rows = list(
        csv.DictReader(
            io.StringIO((await browser.get("/feeds/reports.csv")).body.removeprefix("\ufeff"))
        )
    )
    assert {row["ID"] for row in rows} == {case.number, other.number}
    assert {row["全国地方公共団体コード"] for row in rows} == {"082201"}, "つくば市"
    district = city.districts[1].code
    answer = await browser.get(f"/feeds/reports.atom?lang=en&district={district}")
    feed = etree.fromstring(answer.body.encode())
    entries = feed.findall("a:entry", ATOM)
    assert [one.findtext("a:id", namespaces=ATOM) for one in entries] == [
        f"tag:127.0.0.1,2026:report/{other.number}"
    ]
    again = await browser.get(
        f"/feeds/reports.atom?lang=en&district={district}",
        **{"If-None-Match": answer.headers["ETag"]},
    )
    assert again.status == 304 and answer.headers["Last-Modified"]


async def test_a_feed_changes_when_a_case_goes(office: Office) -> None:
    case, other = [await case_in(office, ReportState.ACCEPTED) for _ in range(2)]
    browser = await office.browser()
    first = await browser.get("/feeds/reports.atom")
    async with office.database.writing() as session:
        (await session.get_one(Report, other.id)).hidden = True
    since = first.headers["Last-Modified"]
    again = await browser.get("/feeds/reports.atom", **{"If-Modified-Since": since})
    assert again.status == 200 and other.number not in again.body and case.number in again.body


@pytest.mark.parametrize(
    ("agency", "code"), [("0822000", "082201"), ("1310100", "131016"), ("0110000", "011002")]
)
def test_the_code_of_a_city_has_its_check_digit(agency: str, code: str) -> None:
    """つくば市 082201, 千代田区 131016, 札幌市 011002 (総務省, 全国地方公共団体コード)."""
    assert local_government_code(agency) == code


async def test_every_page_is_light_in_every_language(office: Office) -> None:
    cases = [await case_in(office, ReportState.ACCEPTED) for _ in range(22)]
    await photographed(office, cases[0], released=True)
    browser = await office.browser()
    for language in LANGUAGES:
        for address in ("/reports", f"/reports/{cases[0].number}", "/reports/months"):
            page = await browser.get(f"{address}?lang={language}")
            assert page.status == 200
            assert len(page.body.encode()) < SMALL, (language, address)
            assert not page.tree.xpath("//script[not(@src)]") and "style=" not in page.body
