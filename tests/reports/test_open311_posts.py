"""Other programs post reports (https://wiki.open311.org/GeoReport_v2, "POST Service Request")."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from lxml import etree
from sqlmodel import select

from core import audit
from core.clock import JAPAN
from core.errors import BadInput
from reports import api_keys, open311
from reports.api_keys import MOST_POSTS, add_key, revoke_key
from reports.models import ApiKey, PhotoAddress, Report, ReportUpdate
from reports.states import ReportState
from tests.support.office import Office, Page
from tests.support.open311 import API

PERSON = {
    "email": "hanako@mail.example",
    "device_id": "tt222111",
    "account_id": "123456-acc",
    "first_name": "花子",
    "last_name": "山田",
    "phone": "111-1111-1111",
}
"""All that the specification lets a post say of somebody."""


@pytest.fixture(autouse=True)
def _served(office: Office) -> None:
    office.app.include_router(open311.router)


@pytest.fixture
async def key(office: Office) -> str:
    async with office.database.writing() as session:
        return await add_key(session, "A city app", actor="test", now=office.clock.now())


def place(office: Office) -> dict[str, str]:
    ring = office.context.city.districts[0].polygons[0][0]
    x = sum(point[0] for point in ring) / len(ring)
    y = sum(point[1] for point in ring) / len(ring)
    return {"lat": str(y), "long": str(x)}


def post_of(office: Office, key: str, **changes: str | None) -> dict[str, str]:
    fields: dict[str, str | None] = {
        "api_key": key,
        "service_code": office.context.city.report_categories[0].code,
        "description": "A large sinkhole is destroying the street",
        **place(office),
        **changes,
    }
    return {name: value for name, value in fields.items() if value is not None}


async def post(office: Office, fields: dict[str, str], form: str = "json") -> Page:
    return await (await office.browser()).post(f"{API}/requests.{form}", fields)


def number_of(page: Page) -> str:
    assert page.status == 200, page.body
    [taken] = json.loads(page.body)
    assert set(taken) == {"service_request_id", "service_notice", "account_id"}
    return str(taken["service_request_id"])


def refusal(page: Page) -> tuple[int, str]:
    [error] = json.loads(page.body)
    assert set(error) == {"code", "description"} and error["code"] == page.status
    return page.status, str(error["description"])


async def test_a_post_becomes_a_report_and_nothing_of_the_person_is_kept(
    office: Office, key: str
) -> None:
    fields = {**post_of(office, key, media_url="https://app.example/hole.jpg"), **PERSON}
    number = number_of(await post(office, fields))
    [report] = await office.rows(Report)
    assert report.number == number and report.state is ReportState.NEW
    assert report.area == office.context.city.districts[0].code
    assert report.description == "A large sinkhole is destroying the street"
    assert report.resident_id is None
    steps = await office.rows(ReportUpdate)
    assert [step.by for step in steps] == ["open311:A city app"]
    [photo] = await office.rows(PhotoAddress)
    assert (photo.url, photo.report_id) == ("https://app.example/hole.jpg", report.id)
    kept = repr([report, steps, await office.rows(audit.AuditEntry)])
    assert not [said for said in PERSON.values() if said in kept]


async def test_a_post_is_the_same_one_around_midnight(office: Office, key: str) -> None:
    midnight = datetime(2027, 1, 1, tzinfo=JAPAN)
    office.clock.ahead += midnight - timedelta(seconds=30) - office.clock.now()
    before = number_of(await post(office, post_of(office, key)))
    office.clock.ahead += timedelta(minutes=1)
    assert number_of(await post(office, post_of(office, key))) == before == "2026-000001"
    # An hour later it is a new one, of the new year; and that one stays the same all day.
    office.clock.ahead += timedelta(hours=1)
    later = number_of(await post(office, post_of(office, key)))
    office.clock.ahead += timedelta(hours=20)
    assert number_of(await post(office, post_of(office, key))) == later == "2027-000001"


async def test_the_answer_in_xml_has_the_elements_of_the_specification(
    office: Office, key: str
) -> None:
    page = await post(office, post_of(office, key), "xml")
    assert page.status == 200 and page.headers["Content-Type"].startswith("text/xml")
    root = etree.fromstring(page.body.encode())
    assert root.tag == "service_requests"
    assert [child.tag for child in root[0]] == [
        "service_request_id",
        "service_notice",
        "account_id",
    ]
    missing = await post(office, post_of(office, key, service_code=None), "xml")
    assert missing.status == 400
    error = etree.fromstring(missing.body.encode())
    assert (error.tag, error[0].tag) == ("errors", "error")
    assert error.findtext("error/code") == "400"
    assert error.findtext("error/description") == "service_code was not provided."


async def test_the_same_post_again_is_the_same_report(office: Office, key: str) -> None:
    """The program did not hear the answer, and tries again."""
    fields = post_of(office, key)
    first, second = await post(office, fields), await post(office, fields)
    assert number_of(first) == number_of(second)
    other = number_of(await post(office, {**fields, "description": "Another one"}))
    office.clock.ahead += timedelta(days=1)
    next_day = number_of(await post(office, fields))
    assert len({number_of(first), other, next_day}) == 3
    assert len(await office.rows(Report)) == 3


@pytest.mark.parametrize(
    ("changes", "status", "said"),
    [
        ({"api_key": None}, 403, "api_key was not provided."),
        ({"api_key": "guessed"}, 403, "api_key is not valid."),
        ({"api_key": "x" * 5000}, 403, "api_key is not valid."),
        ({"service_code": None}, 400, "service_code was not provided."),
        ({"service_code": "no-such"}, 404, "service_code is not one of"),
        # The sample city gives residents a telephone number for it.
        ({"service_code": "water-leak"}, 400, "service_code is not taken as a report"),
        ({"lat": None}, 400, "lat and long belong together."),
        ({"lat": None, "long": None}, 400, "A place is needed"),
        ({"lat": None, "long": None, "address_id": "42"}, 400, "address_id is not known"),
        ({"lat": "nan"}, 400, "lat is a number of degrees"),
        ({"lat": "1e400"}, 400, "lat is a number of degrees"),
        ({"long": "181"}, 400, "long is a number of degrees"),
        ({"lat": "３６"}, 400, "lat is a number of degrees"),
        ({"lat": "35.68", "long": "139.76"}, 400, "The place lies outside the city."),
        ({"description": "x" * 4001}, 400, "description has at most 4000"),
        ({"address_string": "x" * 501}, 400, "address_string has at most 500"),
        ({"media_url": "javascript:alert(1)"}, 400, "media_url is an address of the web"),
        ({"jurisdiction_id": "city.example"}, 404, "jurisdiction_id is not this city's"),
    ],
)
async def test_what_cannot_be_taken_has_its_status_and_its_sentence(
    office: Office, key: str, changes: dict[str, str | None], status: int, said: str
) -> None:
    found, description = refusal(await post(office, post_of(office, key, **changes)))
    assert found == status and said in description
    assert await office.rows(Report) == []


async def test_nonsense_is_refused(office: Office, key: str) -> None:
    browser = await office.browser()
    address = f"{office.url}{API}/requests.json"
    bodies: list[dict[str, Any]] = [
        {"json": {"api_key": key}},
        {"data": b"\x00\xff", "headers": {"Content-Type": "application/x-www-form-urlencoded"}},
        {"data": {"description": "x" * 300_000}},
        {"data": b"a=1&" * 500, "headers": {"Content-Type": "application/x-www-form-urlencoded"}},
    ]
    for body in bodies:
        async with browser.http.post(address, **body) as answer:
            assert answer.status == 400
            assert (await answer.json())[0]["code"] == 400
    assert (await post(office, post_of(office, key), "html")).status == 404
    assert await office.rows(Report) == []


async def test_an_address_is_a_place(office: Office, key: str) -> None:
    fields = post_of(office, key, lat=None, long=None, address_string="中央1丁目1番地 =1+1")
    number_of(await post(office, fields))
    [report] = await office.rows(Report)
    assert (report.latitude, report.address) == (None, "中央1丁目1番地 =1+1")


async def test_a_program_reads_its_own_report_before_anybody_else(office: Office, key: str) -> None:
    number = number_of(await post(office, post_of(office, key)))
    async with office.database.writing() as session:
        other = await add_key(session, "Another app", actor="test", now=office.clock.now())
    browser = await office.browser()
    path = f"{API}/requests/{number}.json"
    assert (await browser.get(path)).status == 404
    assert (await browser.get(f"{path}?api_key={other}")).status == 404
    assert (await browser.get(f"{path}?api_key=guessed")).status == 403
    own = await browser.get(f"{path}?api_key={key}")
    [entry] = json.loads(own.body)
    assert (entry["service_request_id"], entry["status"]) == (number, "open")
    assert own.headers["Cache-Control"] == "private, no-store"


async def test_a_key_that_posts_too_much_waits_for_its_hour_to_end(
    office: Office, key: str
) -> None:
    fields = post_of(office, key)
    first = number_of(await post(office, fields))
    async with office.database.writing() as session:
        row = (await session.scalars(select(ApiKey))).one()
        assert row.posts == 1
        row.posts = MOST_POSTS
    page = await post(office, {**fields, "description": "One more"})
    assert refusal(page)[0] == 429
    assert 3590 <= int(page.headers["Retry-After"]) <= 3600
    assert number_of(await post(office, fields)) == first, "it is known, and so no new one"
    office.clock.ahead += timedelta(hours=1)
    number_of(await post(office, {**fields, "description": "One more"}))


async def test_a_post_that_read_the_clock_before_the_hour_began_counts_in_it(
    office: Office, key: str
) -> None:
    """Posts of one key wait for each other; the first to be stored may have come second."""
    fields = post_of(office, key)
    number_of(await post(office, fields))
    async with office.database.writing() as session:
        row = (await session.scalars(select(ApiKey))).one()
        assert row.hour_began is not None
        row.hour_began += timedelta(seconds=2)
    number_of(await post(office, {**fields, "description": "One more"}))
    assert [row.posts for row in await office.rows(ApiKey)] == [2]
    office.clock.ahead -= timedelta(hours=2)
    number_of(await post(office, {**fields, "description": "After the clock was set back"}))
    assert [row.posts for row in await office.rows(ApiKey)] == [1]


async def test_a_key_that_was_taken_back_opens_nothing(office: Office, key: str) -> None:
    number = number_of(await post(office, post_of(office, key)))
    async with office.database.writing() as session:
        await revoke_key(session, "A city app", actor="test", now=office.clock.now())
    assert refusal(await post(office, post_of(office, key)))[0] == 403
    page = await (await office.browser()).get(f"{API}/requests/{number}.json?api_key={key}")
    assert page.status == 403
    assert [report.number for report in await office.rows(Report)] == [number]
    acts = [entry.action for entry in await office.rows(audit.AuditEntry)]
    assert [act for act in acts if act.startswith("api_key.")] == [
        "api_key.added",
        "api_key.revoked",
    ]


async def test_a_key_is_stored_as_its_hash_alone(office: Office, key: str) -> None:
    [row] = await office.rows(ApiKey)
    assert key not in repr(row) and len(key) >= 32
    async with office.database.writing() as session:
        for name in ("A city app", "", "x" * 61):
            with pytest.raises(BadInput):
                await api_keys.add_key(session, name, actor="test", now=office.clock.now())
        with pytest.raises(BadInput):
            await revoke_key(session, "No such", actor="test", now=office.clock.now())


async def test_each_kind_has_its_definition(office: Office) -> None:
    browser = await office.browser()
    code = office.context.city.report_categories[0].code
    page = await browser.get(f"{API}/services/{code}.json")
    assert json.loads(page.body) == {"service_code": code, "attributes": []}
    root = etree.fromstring((await browser.get(f"{API}/services/{code}.xml")).body.encode())
    assert root.tag == "service_definition" and root.findtext("service_code") == code
    assert (await browser.get(f"{API}/services/nothing.json")).status == 404
    municipality = office.context.city.jma.municipality
    for path in ("services.json", f"services/{code}.json", "requests.json"):
        assert (await browser.get(f"{API}/{path}?jurisdiction_id={municipality}")).status == 200
        assert (await browser.get(f"{API}/{path}?jurisdiction_id=another")).status == 404
    assert (await browser.get(f"{API}/tokens/{code}.xml")).status == 404


async def test_an_invented_key_holds_up_no_writer(office: Office) -> None:
    async with office.database.writing(), asyncio.timeout(10):
        assert (await post(office, post_of(office, "invented"))).status == 403
