"""What the specification says beside its examples: lists, dates, letters, errors of every kind.

(https://wiki.open311.org/GeoReport_v2)
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from lxml import etree
from sqlalchemy import insert

from reports import open311, work
from reports.api_keys import add_key
from reports.models import Report
from reports.states import ReportState
from reports.work import Change
from tests.support.filed_reports import reported
from tests.support.office import Office, Page
from tests.support.open311 import API, asked

FORM = "application/x-www-form-urlencoded"


@pytest.fixture(autouse=True)
def _served(office: Office) -> None:
    office.app.include_router(open311.router)


@pytest.fixture
async def key(office: Office) -> str:
    async with office.database.writing() as session:
        return await add_key(session, "A city app", actor="test", now=office.clock.now())


def numbers(page: Page) -> list[str]:
    assert page.status == 200, page.body
    return [entry["service_request_id"] for entry in json.loads(page.body)]


def place(office: Office) -> dict[str, str]:
    ring = office.context.city.districts[0].polygons[0][0]
    xs, ys = zip(*ring, strict=True)
    return {"lat": str(sum(ys) / len(ys)), "long": str(sum(xs) / len(xs))}


def example(office: Office, key: str, **changes: str) -> dict[str, str]:
    code = office.context.city.report_categories[0].code
    return {"api_key": key, "service_code": code, **place(office), **changes}


async def taken(office: Office, body: str, kind: str = FORM, form: str = "json") -> Page:
    """Post a body as it is."""
    browser = await office.browser()
    address = f"{office.url}{API}/requests.{form}"
    async with browser.http.post(
        address, data=body.encode(), headers={"Content-Type": kind}
    ) as answer:
        return Page(answer.status, str(answer.url), answer.headers, await answer.text())


async def test_what_residents_get_a_message_for_is_no_service(office: Office) -> None:
    kinds = office.context.city.report_categories
    services = {
        one["service_code"] for one in json.loads((await asked(office, "services.json")).body)
    }
    told = {kind.code for kind in kinds if kind.message is not None}
    assert told == {"water-leak"}
    assert not told & services


async def changed(office: Office, number: str, state: ReportState) -> None:
    async with office.database.writing() as session:
        now = office.clock.now()
        wanted = Change(state=state)
        await work.change(session, office.context.city, number, wanted, by="roads", now=now)


async def copied(office: Office, report: Report, times: int) -> None:
    """Have as many public cases like this one, each a minute older."""
    columns = [column.name for column in Report.__table__.columns if column.name != "id"]  # type: ignore[attr-defined]
    like = {name: getattr(report, name) for name in columns}
    rows: list[dict[str, Any]] = [
        {
            **like,
            "number": f"2026-{500_000 + n}",
            "origin": f"copy:{n}",
            "state": ReportState.ACCEPTED,
            "created_at": report.created_at - timedelta(minutes=n + 1),
        }
        for n in range(times)
    ]
    async with office.database.writing() as session:
        await session.execute(insert(Report), rows)


async def test_a_list_is_the_first_thousand_of_the_last_90_days(office: Office) -> None:
    """The specification has no pages: a client that knows none must not miss what is there."""
    first = await reported(office)
    await copied(office, first, 1_003)
    found = numbers(await asked(office, "requests.json"))
    assert len(found) == 1000
    assert found[0] == "2026-500000"
    assert numbers(await asked(office, "requests.json?page=2")) == [
        "2026-501000",
        "2026-501001",
        "2026-501002",
    ]
    ids = ",".join(f"2026-{500_000 + n}" for n in range(120))
    assert len(numbers(await asked(office, f"requests.json?service_request_id={ids}"))) == 120
    office.clock.ahead += timedelta(days=90, minutes=-1)
    assert numbers(await asked(office, "requests.json")) == []


async def test_several_values_stand_with_commas_or_are_given_several_times(office: Office) -> None:
    kinds = [kind.code for kind in office.context.city.report_categories[:3]]
    made = [(await reported(office, category=kind)).number for kind in kinds]
    for number in made:
        await changed(office, number, ReportState.ACCEPTED)
    await changed(office, made[2], ReportState.DONE)
    for query, wanted in (
        (f"service_code={kinds[0]}&service_code={kinds[1]}", made[:2]),
        (f"service_code={kinds[0]},%20{kinds[1]}", made[:2]),
        ("status=open&status=closed", made),
        ("status=open,%20closed,", made),
        ("status=closed&status=", made[2:]),
        (f"service_request_id={made[0]}&service_request_id={made[2]}", [made[0], made[2]]),
        # An argument that is there and empty is as none; ids override all others.
        ("service_code=&status=&start_date=&end_date=&service_request_id=&jurisdiction_id=", made),
        (f"service_request_id={made[0]}&start_date=nonsense&status=lost", made[:1]),
        ("nobody_knows=this", made),
    ):
        found = await asked(office, f"requests.json?{query}")
        assert sorted(numbers(found)) == sorted(wanted), query
    assert (await asked(office, "requests.json?status=open&status=lost")).status == 400


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("start_date=2026-03-01T00:00:00Z&end_date=2026-05-30T00:00:00Z", 200),  # 90 days
        ("start_date=2026-03-01T00:00:00Z&end_date=2026-05-30T00:00:01Z", 400),
        ("start_date=2026-03-01T00:00:00%2B09:00&end_date=2026-05-30T00:00:00Z", 400),
        ("start_date=2020-01-01T00:00:00Z", 200),  # the 90 days after it
        ("end_date=2020-01-01T00:00:00Z", 200),  # the 90 days before it
        ("start_date=2026-02-30T00:00:00Z", 400),
    ],
)
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_a_range_is_of_90_days_at_most(office: Office, query: str, status: int) -> None:
    for form in ("json", "xml"):
        page = await asked(office, f"requests.{form}?{query}")
        assert page.status == status, page.body
    if status == 400:
        assert etree.fromstring(page.body.encode()).findtext("error/code") == "400"


async def test_what_is_closed_was_updated_when_it_was_closed(office: Office) -> None:
    number = (await reported(office)).number
    for state in (ReportState.ACCEPTED, ReportState.DONE):
        office.clock.ahead += timedelta(hours=1)
        await changed(office, number, state)
    closed_at = office.clock.now()
    office.clock.ahead += timedelta(days=1)
    async with office.database.writing() as session:
        note = Change(note="Looked at again")
        city, now = office.context.city, office.clock.now()
        await work.change(session, city, number, note, by="roads", now=now)
    [entry] = json.loads((await asked(office, "requests.json")).body)
    said = datetime.fromisoformat(entry["updated_datetime"])
    assert entry["status"] == "closed" and abs(said - closed_at) < timedelta(minutes=1)


async def test_letters_come_back_as_they_were_sent_in_both_formats(
    office: Office, key: str
) -> None:
    """Whether a program writes other letters as %E7… or leaves them as they are (curl -d)."""
    words = "穴 <b>&amp;</b> ]]> \"'\n二行目 😀"
    fields = example(office, key, description=words)
    written = [
        urlencode(fields),
        f"{urlencode({**fields, 'description': 'x'}).replace('=x', '=')}穴が二つ",
    ]
    found = []
    for body in written:
        page = await taken(office, body, f"{FORM}; charset=utf-8")
        assert page.status == 200, page.body
        number = json.loads(page.body)[0]["service_request_id"]
        ask = f"requests/{number}.json?api_key={key}"
        [entry] = json.loads((await asked(office, ask)).body)
        page = await asked(office, ask.replace(".json", ".xml"))
        root = etree.fromstring(page.body.encode())
        assert root.findtext("request/description") == entry["description"]
        found.append(entry["description"])
    assert found == [words, "穴が二つ"]


async def test_letters_that_are_not_utf_8_are_refused_and_not_guessed_at(
    office: Office, key: str
) -> None:
    body = urlencode(example(office, key, description="道路に穴"), encoding="cp932")
    for form in ("json", "xml"):
        page = await taken(office, body, f"{FORM}; charset=Shift_JIS", form)
        assert page.status == 400
        assert "UTF-8" in page.body
    assert await office.rows(Report) == []
    plain = urlencode(example(office, key, description="a hole"))
    assert (await taken(office, plain, f"{FORM}; charset=Shift_JIS")).status == 200


async def test_a_place_may_have_its_address_too_and_one_half_of_a_pair_is_none(
    office: Office, key: str
) -> None:
    both = example(office, key, address_string="中央1丁目")
    assert (await taken(office, urlencode(both))).status == 200
    [report] = await office.rows(Report)
    assert (report.address, report.latitude is not None) == ("中央1丁目", True)
    half = {name: value for name, value in both.items() if name != "long"}
    page = await taken(office, urlencode(half), form="xml")
    assert (page.status, "lat and long belong together" in page.body) == (400, True)
