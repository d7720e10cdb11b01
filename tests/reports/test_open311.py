"""Reports are available to programs, without anything about the reporters."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from lxml import etree
from sqlmodel import col, select

from public import report_pages as pages
from reports import open311
from reports.models import Report
from reports.photos import store_photo
from reports.states import ReportState
from tests.support.filed_reports import picture, reported
from tests.support.office import Office, Page
from tests.support.open311 import asked, offered


@pytest.fixture(autouse=True)
def _published(office: Office) -> None:
    for router in (open311.router, pages.router):
        office.app.include_router(router)


async def filed(office: Office, state: ReportState, *, days: int = 0, **changes: Any) -> str:
    """Have something reported and brought into a state; returns its number."""
    report = await reported(office, **changes)
    async with office.database.writing() as session:
        row = await session.get(Report, report.id)
        assert row is not None
        row.state = state
        row.created_at -= timedelta(days=days)
        session.add(row)
    return report.number


def numbers(page: Page) -> list[str]:
    assert page.status == 200, page.body
    return [entry["service_request_id"] for entry in json.loads(page.body)]


@pytest.mark.slow
async def test_what_staff_took_up_is_shown_and_nothing_that_says_who_told_of_it(
    office: Office,
) -> None:
    user = await office.resident("pt")
    photo = store_photo(office.context.settings.media_dir, picture())
    secret: dict[str, Any] = {
        "description": "田中です。家の前",
        "address": "中央1-2-3 田中方",
        "pictures": (photo,),
    }
    await filed(office, ReportState.NEW, user=user, **secret)
    await filed(office, ReportState.DECLINED, user=user, **secret)
    shown = await filed(office, ReportState.IN_PROGRESS, user=user, **secret)
    page = await asked(office, "requests.json?lang=en")
    assert numbers(page) == [shown]
    [entry] = json.loads(page.body)
    assert entry["status"] == "open"
    assert entry["service_name"] == "Pothole"
    assert entry["address"] == office.context.city.districts[0].names["en"]
    assert entry["requested_datetime"].endswith("+09:00")
    [report] = [one for one in await office.rows(Report) if one.number == shown]
    assert report.latitude is not None
    assert entry["lat"] == round(report.latitude, 4)
    for answer in (
        page,
        await asked(office, "requests.xml"),
        await asked(office, f"requests/{shown}.xml"),
    ):
        for kept in ("田中", "1-2-3", photo.sha256, user):
            assert kept not in answer.body
    page = await (await office.browser()).get("/reports?lang=en")
    assert shown in page.words
    for kept in ("田中", "1-2-3", photo.sha256, "2026-000001", "2026-000002"):
        assert kept not in page.body
    unseen = "2026-000001"
    assert (await asked(office, f"requests/{unseen}.json")).status == 404
    assert (await asked(office, f"requests.json?service_request_id={unseen}")).status == 404


async def test_a_city_that_does_not_publish_says_so(office: Office) -> None:
    number = await filed(office, ReportState.ACCEPTED)
    city = office.context.city.model_copy(update={"publish_reports": False})
    object.__setattr__(office.context, "city", city)
    for path in ("requests.json", f"requests/{number}.json"):
        page = await asked(office, path)
        assert page.status == 404
        assert json.loads(page.body)[0]["description"] == "This city does not publish its reports."
    assert (await (await office.browser()).get("/reports")).status == 404
    assert "/reports" not in (await (await office.browser()).get("/")).body


async def test_residents_read_what_is_being_mended_in_their_language(office: Office) -> None:
    mended = await filed(office, ReportState.DONE, days=20)
    taken_up = await filed(office, ReportState.ACCEPTED, days=400)
    forgotten = await filed(office, ReportState.DONE)
    async with office.database.writing() as session:
        row = (await session.scalars(select(Report).where(col(Report.number) == forgotten))).one()
        row.updated_at -= timedelta(days=91)
        session.add(row)
    kind = office.context.city.report_categories[0].names
    for language in office.context.city.languages:
        page = await (await office.browser()).get(f"/reports?lang={language}")
        assert page.status == 200
        assert page.words.count(kind[language]) >= 2
        assert mended in page.words
        assert taken_up in page.words
        assert forgotten not in page.words


async def test_requests_are_found_by_state_kind_days_and_number(office: Office) -> None:
    kinds = [kind.code for kind in office.context.city.report_categories]
    old = await filed(office, ReportState.ACCEPTED, days=100)
    done = await filed(office, ReportState.DONE, days=20)
    light = await filed(office, ReportState.ACCEPTED, category=kinds[2])
    hole = await filed(office, ReportState.ACCEPTED)
    day = (office.clock.now() - timedelta(days=101)).strftime("%Y-%m-%dT%H:%M:%S")
    for query, wanted in (
        ("", [hole, light, done]),
        ("status=closed", [done]),
        ("status=open,closed", [hole, light, done]),
        (f"service_code={kinds[2]}", [light]),
        ("service_code=none", []),
        (f"start_date={day}Z", [done, old]),
        (f"start_date={day}%2B09:00", [done, old]),
        (f"start_date={day}+09:00", [done, old]),
        (f"end_date={day}Z", []),
        (f"service_request_id={old},{hole}&status=closed", [hole, old]),
    ):
        page = await asked(office, f"requests.json?{query}")
        assert sorted(numbers(page)) == sorted(wanted), query


async def test_a_long_list_comes_in_pages_with_the_newest_first(office: Office) -> None:
    made = [await filed(office, ReportState.ACCEPTED, days=day) for day in range(5)]
    assert numbers(await asked(office, "requests.json")) == made
    pages = [numbers(await asked(office, f"requests.json?page={n}&page_size=2")) for n in (1, 2, 3)]
    assert pages == [made[:2], made[2:4], made[4:]]
    assert numbers(await asked(office, "requests.json?page=4&page_size=2")) == []
    xml = etree.fromstring((await asked(office, "requests.xml?page_size=1")).body.encode())
    assert [one.text for one in xml.iter("service_request_id")] == made[:1]
    ids = ",".join(made)
    assert numbers(await asked(office, f"requests.json?service_request_id={ids}&page=3")) == []


async def test_what_cannot_be_answered_is_refused_in_the_form_of_the_specification(
    office: Office,
) -> None:
    for path, status in (
        ("requests.json?start_date=yesterday", 400),
        ("requests.json?start_date=0001-01-01T00:00:00%2B14:00", 400),
        ("requests.xml?start_date=2026-01-01T00:00:00Z&end_date=2026-12-01T00:00:00Z", 400),
        ("requests.json?status=lost", 400),
        ("requests.json?page=0", 400),
        ("requests.json?page=one", 400),
        ("requests.json?page=%EF%BC%91", 400),
        ("requests.json?page_size=1001", 400),
        ("requests.xml?page=99999999999999999999", 400),
        ("requests.json?service_request_id=%00", 404),
        ("requests.json?service_code=%00", 404),
        ("requests/%00.json", 404),
        ("requests/2026-000001.exe", 404),
        ("services.html", 404),
    ):
        page = await asked(office, path)
        assert page.status == status, path
        if ".xml" in path:
            assert etree.fromstring(page.body.encode()).findtext("error/code") == str(status)
        else:
            assert json.loads(page.body)[0]["code"] == status


async def test_the_services_are_the_citys_in_both_formats(office: Office) -> None:
    city = office.context.city
    listed = json.loads((await asked(office, "services.json?lang=my")).body)
    assert [one["service_code"] for one in listed] == offered(office)
    assert listed[0]["service_name"] == city.report_categories[0].names["my"]
    page = await asked(office, "services.xml")
    assert page.headers["Content-Type"] == "text/xml; charset=utf-8"
    tree = etree.fromstring(page.body.encode())
    assert tree.findtext("service/service_name") == city.report_categories[0].names["ja"]
    assert tree.findtext("service/metadata") == "false"
    discovered = etree.fromstring((await asked(office, "discovery.xml")).body.encode())
    assert str(discovered.findtext("endpoints/endpoint/url")).endswith("/open311/v2")
    assert json.loads((await asked(office, "discovery.json")).body)["endpoints"]
