"""The service against the specification's own examples (https://wiki.open311.org/GeoReport_v2).

The fields, their order in XML, the example post and the error statuses are the specification's. An
unchanged public client (``georeport`` of PyPI) reads as well.
"""

from __future__ import annotations

import asyncio
import json
import re
from datetime import datetime, time, timedelta
from functools import partial
from typing import Any

import aiohttp
import georeport
import pytest
from jsonschema import Draft202012Validator
from lxml import etree

from city.folder import CityFolder
from core.clock import JAPAN
from reports import open311, work
from reports.api_keys import MOST_POSTS, add_key
from reports.models import Photo, Report, ReportUpdate
from reports.photos import store_photo
from reports.states import ReportState
from reports.work import Change
from tests.support.filed_reports import picture, reported
from tests.support.office import Office, Page
from tests.support.open311 import API, asked, city_that_asks, offered

SERVICE = (
    *("service_code", "service_name", "description", "metadata", "type", "keywords", "group"),
)
ATTRIBUTE = (
    *("variable", "code", "datatype", "required", "datatype_description", "order"),
    *("description", "values"),
)
REQUEST = (
    *("service_request_id", "status", "status_notes", "service_name", "service_code"),
    *("description", "agency_responsible", "service_notice", "requested_datetime"),
    *("updated_datetime", "expected_datetime", "address", "address_id", "zipcode"),
    *("lat", "long", "media_url"),
)
DATATYPES = {"string", "number", "datetime", "text", "singlevaluelist", "multivaluelist"}
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)")
QUESTIONS = """
[[report_categories.questions]]
code = "lamp"
names = { ja = "街灯の番号は？", en = "What is the number on the lamp post?" }

[[report_categories.questions]]
code = "side"
names = { ja = "道路のどちら側ですか？", en = "Which side of the road?" }
type = "several-of"
needed = true
choices = [
  { code = "left", names = { ja = "左", en = "Left" } },
  { code = "right", names = { ja = "右", en = "Right" } },
]
"""


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> CityFolder:
    """The sample city, whose first kind asks two questions of its own."""
    return city_that_asks(tmp_path_factory.mktemp("asking"), QUESTIONS)


@pytest.fixture(autouse=True)
def _served(office: Office) -> None:
    office.app.include_router(open311.router)


@pytest.fixture
async def key(office: Office) -> str:
    async with office.database.writing() as session:
        return await add_key(session, "A city app", actor="test", now=office.clock.now())


def place(office: Office) -> tuple[float, float]:
    ring = office.context.city.districts[0].polygons[0][0]
    xs, ys = zip(*ring, strict=True)
    return sum(ys) / len(ys), sum(xs) / len(xs)


def example(office: Office, key: str, **changes: str | None) -> dict[str, str]:
    """The specification's example post, in this city."""
    lat, long = place(office)
    fields: dict[str, str | None] = {
        "api_key": key,
        "jurisdiction_id": office.context.city.jma.municipality,
        "service_code": office.context.city.report_categories[0].code,
        "lat": str(lat),
        "long": str(long),
        "address_string": "1234 5th street",
        "email": "smit333@sfgov.edu",
        "device_id": "tt222111",
        "account_id": "123456",
        "first_name": "john",
        "last_name": "smith",
        "phone": "111111111",
        "description": "A large sinkhole is destroying the street",
        "media_url": "http://farm3.static.flickr.example/2002/2212426634_5ed477a060.jpg",
        "attribute[lamp]": "123456",
        "attribute[side][]": "left",
        **changes,
    }
    return {name: value for name, value in fields.items() if value is not None}


async def post(office: Office, fields: dict[str, Any], form: str = "json") -> Page:
    return await (await office.browser()).post(f"{API}/requests.{form}", fields)


def names(element: etree._Element) -> list[str]:
    return [str(child.tag) for child in element]


async def changed(office: Office, number: str, state: ReportState, answer: str = "") -> None:
    async with office.database.writing() as session:
        now = office.clock.now()
        done = await work.change(
            session, office.context.city, number, Change(state=state), by="roads", now=now
        )
        if answer:
            assert done.report.id is not None
            session.add(
                ReportUpdate(report_id=done.report.id, by="roads", answer=answer, created_at=now)
            )


async def test_get_services(office: Office) -> None:
    city = office.context.city
    page = await asked(office, f"services.xml?jurisdiction_id={city.jma.municipality}")
    assert page.headers["Content-Type"] == "text/xml; charset=utf-8"
    assert page.body.lower().startswith("<?xml version='1.0' encoding='utf-8'?>")
    root = etree.fromstring(page.body.encode())
    assert root.tag == "services" and {child.tag for child in root} == {"service"}
    assert all(names(service) == list(SERVICE) for service in root)
    page = await asked(office, "services.json")
    assert page.headers["Content-Type"] == "application/json; charset=utf-8"
    listed = json.loads(page.body)
    assert all(tuple(service) == SERVICE for service in listed)
    assert [service["service_code"] for service in listed] == offered(office)
    questions = {kind.code: bool(kind.questions) for kind in city.report_categories}
    assert {one["service_code"]: one["metadata"] for one in listed} == {
        code: questions[code] for code in offered(office)
    }
    assert {service["type"] for service in listed} <= {"realtime", "batch", "blackbox"}


async def test_get_service_definition(office: Office) -> None:
    code = office.context.city.report_categories[0].code
    said = json.loads((await asked(office, f"services/{code}.json?lang=en")).body)
    assert tuple(said) == ("service_code", "attributes") and said["service_code"] == code
    assert all(tuple(attribute) == ATTRIBUTE for attribute in said["attributes"])
    assert {attribute["datatype"] for attribute in said["attributes"]} <= DATATYPES
    assert [attribute["order"] for attribute in said["attributes"]] == [1, 2]
    lamp, side = said["attributes"]
    assert lamp["description"] == "What is the number on the lamp post?"
    assert (lamp["required"], side["required"]) == (False, True)
    assert side["values"] == [
        {"key": "left", "name": "Left"},
        {"key": "right", "name": "Right"},
    ]
    root = etree.fromstring((await asked(office, f"services/{code}.xml")).body.encode())
    assert root.tag == "service_definition" and names(root) == ["service_code", "attributes"]
    assert [names(one) for one in root.iterfind("attributes/attribute")] == [list(ATTRIBUTE)] * 2
    [key, name] = root.findall("attributes/attribute[2]/values/value")[0]
    assert (key.tag, key.text, name.tag) == ("key", "left", "name")


@pytest.mark.parametrize("form", ["json", "xml"])
async def test_post_service_request_as_in_the_example(office: Office, key: str, form: str) -> None:
    page = await post(office, example(office, key), form)
    assert page.status == 200, page.body
    if form == "json":
        [taken] = json.loads(page.body)
        assert tuple(taken) == ("service_request_id", "service_notice", "account_id")
        number = taken["service_request_id"]
    else:
        root = etree.fromstring(page.body.encode())
        assert root.tag == "service_requests" and names(root) == ["request"]
        assert names(root[0]) == ["service_request_id", "service_notice", "account_id"]
        number = str(root.findtext("request/service_request_id"))
    [report] = await office.rows(Report)
    assert report.number == number
    assert report.attributes == [
        {"code": "lamp", "values": ["123456"]},
        {"code": "side", "values": ["left"]},
    ]
    assert report.came_by.value == "open311"
    everything = repr([report, await office.rows(ReportUpdate)])
    assert "smit333" not in everything and "john" not in everything


@pytest.mark.parametrize("form", ["json", "xml"])
@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        # The specification: 404 for a code or jurisdiction that was not found, 400 for what was
        # not provided and for everything else; 403 for keys, as servers do.
        ({"service_code": None}, 400, "service_code was not provided."),
        ({"service_code": "nothing"}, 404, "service_code is not one of this city's"),
        ({"jurisdiction_id": "city.example"}, 404, "jurisdiction_id is not this city's"),
        ({"api_key": None}, 403, "api_key was not provided."),
        ({"api_key": "wrong"}, 403, "api_key is not valid."),
        ({"attribute[side][]": None}, 400, "attribute[side] was not provided."),
        ({"attribute[side][]": "up"}, 400, "attribute[side]: One or more of the values."),
        ({"attribute[NOTHING]": "1"}, 400, "attribute[NOTHING] is not one of this service's"),
        ({"lat": "north"}, 400, "lat is a number of degrees"),
        ({"media_url": "file:///etc/passwd"}, 400, "media_url is an address of the web"),
    ],
)
async def test_errors_have_their_status_and_sentence_in_both_formats(
    office: Office, key: str, form: str, changes: dict[str, str | None], status: int, words: str
) -> None:
    page = await post(office, example(office, key, **changes), form)
    assert page.status == status
    if form == "json":
        [error] = json.loads(page.body)
        assert tuple(error) == ("code", "description")
        said = (error["code"], error["description"])
    else:
        root = etree.fromstring(page.body.encode())
        assert root.tag == "errors" and names(root[0]) == ["code", "description"]
        said = (
            int(str(root.findtext("error/code"))),
            str(root.findtext("error/description")),
        )
    assert said[0] == status and words in said[1]
    assert await office.rows(Report) == []


async def test_several_things_that_are_wrong_are_all_named(office: Office, key: str) -> None:
    fields = example(office, key, **{"lat": "x", "attribute[side][]": None})
    fields["description"] = "x" * 4001
    [error] = json.loads((await post(office, fields)).body)
    for words in ("lat is", "attribute[side] was not", "description has at most"):
        assert words in error["description"]


async def test_get_service_requests(office: Office, key: str) -> None:
    [taken] = json.loads((await post(office, example(office, key))).body)
    number = taken["service_request_id"]
    await changed(office, number, ReportState.ACCEPTED)
    for path in ("requests", f"requests/{number}"):
        [entry] = json.loads((await asked(office, f"{path}.json")).body)
        assert tuple(entry) == REQUEST
        assert entry["status"] == "open" and entry["description"] is None
        assert MOMENT.fullmatch(entry["requested_datetime"])
        assert MOMENT.fullmatch(entry["updated_datetime"])
        # The kind is due after so many working days; the day ends at midnight in Japan.
        due = next(one for one in await office.rows(Report) if one.number == number).due_on
        assert due is not None
        expected = datetime.fromisoformat(entry["expected_datetime"])
        assert expected == datetime.combine(due + timedelta(days=1), time(), JAPAN)
        root = etree.fromstring((await asked(office, f"{path}.xml")).body.encode())
        assert root.tag == "service_requests" and names(root) == ["request"]
        assert names(root[0]) == list(REQUEST)
        assert root.findtext("request/service_request_id") == number


async def test_nothing_is_expected_of_what_has_ended(office: Office, key: str) -> None:
    [taken] = json.loads((await post(office, example(office, key))).body)
    for state in (ReportState.ACCEPTED, ReportState.DONE):
        await changed(office, taken["service_request_id"], state)
    [entry] = json.loads((await asked(office, "requests.json")).body)
    assert entry["status"] == "closed" and entry["expected_datetime"] is None


async def test_a_token_is_the_number_and_only_of_what_a_program_posted(
    office: Office, key: str
) -> None:
    [taken] = json.loads((await post(office, example(office, key))).body)
    number = taken["service_request_id"]
    [said] = json.loads((await asked(office, f"tokens/{number}.json")).body)
    assert said == {"service_request_id": number, "token": number}
    root = etree.fromstring((await asked(office, f"tokens/{number}.xml")).body.encode())
    assert names(root[0]) == ["service_request_id", "token"]
    other = await reported(office)
    for token in (other.number, "123456", "%00", "x" * 500):
        assert (await asked(office, f"tokens/{token}.json")).status == 404


async def test_an_unchanged_public_client_understands_all_that_it_can_ask(
    office: Office, key: str
) -> None:
    """``georeport`` of PyPI, which only reads, in both formats."""
    jurisdiction = office.context.city.jma.municipality
    codes = offered(office)
    [taken] = json.loads((await post(office, example(office, key))).body)
    number = taken["service_request_id"]
    await changed(office, number, ReportState.ACCEPTED)
    for form in ("json", "xml"):
        client = georeport.GeoReport(
            f"{office.url}{API}", jurisdiction=jurisdiction, output_format=form
        )
        listed = await asyncio.to_thread(client.get_service_list)
        assert [one["service_code"] for one in listed] == codes
        said = await asyncio.to_thread(client.get_service_definition, codes[0])
        assert "lamp" in json.dumps(said)
        for ask in (
            partial(client.get_service_request, number),
            client.get_service_requests,
            partial(client.get_service_requests, service_code=codes[0], status="open"),
            partial(client.get_service_requests, service_request_id=number),
        ):
            assert number in json.dumps(await asyncio.to_thread(ask))


async def test_a_joined_request_has_the_state_of_its_case_and_says_so(
    office: Office, key: str
) -> None:
    [first] = json.loads((await post(office, example(office, key))).body)
    [second] = json.loads((await post(office, example(office, key, description="The hole"))).body)
    leader, joined = first["service_request_id"], second["service_request_id"]
    async with office.database.writing() as session:
        rows = {number: await work.leading(session, number) for number in (leader, joined)}
        rows[joined].case_id, rows[joined].state = rows[leader].id, ReportState.DUPLICATE
        session.add(rows[joined])
    await changed(office, leader, ReportState.ACCEPTED)
    for query in ("", f"?api_key={key}"):
        [entry] = json.loads((await asked(office, f"requests/{joined}.json{query}")).body)
        assert entry["status"] == "open"
        assert entry["status_notes"] == f"Duplicate of {leader}: accepted"
    await changed(office, leader, ReportState.DONE, "穴をふさぎました")
    [entry] = json.loads((await asked(office, f"requests/{joined}.json?api_key={key}")).body)
    assert entry["status"] == "closed" and "穴をふさぎました" in entry["status_notes"]
    [entry] = json.loads((await asked(office, f"requests/{joined}.json")).body)
    assert "穴をふさぎました" not in entry["status_notes"], "an answer is the reporter's"
    listed = json.loads((await asked(office, "requests.json")).body)
    assert [one["service_request_id"] for one in listed] == [leader], "one line for one hole"


async def test_what_was_answered_to_somebody_else_is_not_told_to_the_program_that_joined(
    office: Office, key: str
) -> None:
    """The leading report is a resident's; its answers have their number and place."""
    theirs = await reported(office)
    await changed(office, theirs.number, ReportState.ACCEPTED, "山田様のご連絡のとおりです")
    [taken] = json.loads((await post(office, example(office, key))).body)
    number = taken["service_request_id"]
    async with office.database.writing() as session:
        row = await work.leading(session, number)
        row.case_id, row.state = theirs.id, ReportState.DUPLICATE
        session.add(row)
    await changed(office, theirs.number, ReportState.DONE, "山田様、直しました")
    async with office.database.writing() as session:
        session.add(
            ReportUpdate(
                report_id=row.id or 0,
                by="road@city.example",
                answer="直しました",
                created_at=office.clock.now(),
            )
        )
    for address in (f"requests/{number}.json?", "servicerequestupdates.json?"):
        body = (await asked(office, f"{address}api_key={key}")).body
        assert "山田様" not in body and "直しました" in body, address
    listed = json.loads((await asked(office, f"servicerequestupdates.json?api_key={key}")).body)
    assert {one["service_request_id"] for one in listed} == {number}
    assert [one["description"] for one in listed] == ["new", "accepted", "done", "直しました"]


async def test_what_is_no_character_breaks_no_answer_in_xml(office: Office, key: str) -> None:
    said = example(office, key, description="Hole\uffff\ufffe \U0001f573\u202e")
    [taken] = json.loads((await post(office, said)).body)
    number = taken["service_request_id"]
    page = await asked(office, f"requests/{number}.xml?api_key={key}")
    assert page.status == 200
    root = etree.fromstring(page.body.encode())
    assert root.findtext("request/description") == "Hole \U0001f573"


async def test_hidden_ones_and_kinds_that_are_not_published_are_not_there(
    office: Office, key: str
) -> None:
    [taken] = json.loads((await post(office, example(office, key))).body)
    number = taken["service_request_id"]
    await changed(office, number, ReportState.ACCEPTED)
    async with office.database.writing() as session:
        row = await work.leading(session, number)
        row.hidden = True
        session.add(row)
    assert json.loads((await asked(office, "requests.json")).body) == []
    assert (await asked(office, f"requests/{number}.json")).status == 404
    assert (await asked(office, f"requests/{number}.json?api_key={key}")).status == 200


async def test_extensions_have_what_the_specification_has_no_field_for(
    office: Office, key: str
) -> None:
    photo = store_photo(office.context.settings.media_dir, picture())
    [taken] = json.loads((await post(office, example(office, key))).body)
    number = taken["service_request_id"]
    await changed(office, number, ReportState.IN_PROGRESS)
    async with office.database.writing() as session:
        row = await work.leading(session, number)
        assert row.id is not None
        session.add(
            Photo(
                report_id=row.id,
                sha256=photo.sha256,
                content_type="image/jpeg",
                width=1,
                height=1,
                size=1,
                released_at=office.clock.now(),
                created_at=office.clock.now(),
            )
        )
    path = f"requests/{number}.json?extensions=true"
    [entry] = json.loads((await asked(office, path)).body)
    assert entry["extended_attributes"]["state"] == "in-progress"
    assert entry["extended_attributes"]["attributes"] == [], "answers are the program's own"
    assert entry["media_url"] == entry["extended_attributes"]["media_urls"][0]
    assert number in entry["media_url"]
    [entry] = json.loads((await asked(office, f"{path}&api_key={key}")).body)
    assert [one["code"] for one in entry["extended_attributes"]["attributes"]] == ["lamp", "side"]
    root = etree.fromstring(
        (await asked(office, path.replace(".json", ".xml") + f"&api_key={key}")).body.encode()
    )
    value = root.findtext("request/extended_attributes/attributes/attribute[2]/values/value")
    assert value == "left"


async def test_requests_that_changed_after_a_moment(office: Office, key: str) -> None:
    numbers = []
    for words in ("one", "two"):
        [taken] = json.loads((await post(office, example(office, key, description=words))).body)
        numbers.append(taken["service_request_id"])
        await changed(office, numbers[-1], ReportState.ACCEPTED)
    office.clock.ahead += timedelta(days=200)
    since = office.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
    office.clock.ahead += timedelta(minutes=1)
    await changed(office, numbers[0], ReportState.DONE)
    listed = json.loads((await asked(office, f"requests.json?updated_after={since}")).body)
    assert [one["service_request_id"] for one in listed] == numbers[:1]
    listed = json.loads(
        (await asked(office, f"requests.json?updated_after=2020-01-01&updated_before={since}")).body
    )
    assert [one["service_request_id"] for one in listed] == numbers[1:]


async def test_a_program_hears_what_became_of_its_requests_with_the_answers(
    office: Office, key: str
) -> None:
    [taken] = json.loads((await post(office, example(office, key))).body)
    number = taken["service_request_id"]
    other = await reported(office)
    await changed(office, number, ReportState.ACCEPTED)
    await changed(office, number, ReportState.DONE, "直しました")
    await changed(office, other.number, ReportState.ACCEPTED)
    listed = json.loads((await asked(office, f"servicerequestupdates.json?api_key={key}")).body)
    assert {one["service_request_id"] for one in listed} == {number}
    assert [(one["status"], one["description"]) for one in listed] == [
        ("open", "new"),
        ("open", "accepted"),
        ("closed", "done"),
        ("closed", "直しました"),
    ]
    assert len({one["update_id"] for one in listed}) == 4
    public = (await asked(office, "servicerequestupdates.json")).body
    assert "直しました" not in public
    assert {one["service_request_id"] for one in json.loads(public)} == {number, other.number}
    root = etree.fromstring(
        (await asked(office, f"servicerequestupdates.xml?api_key={key}")).body.encode()
    )
    assert root.tag == "service_request_updates" and {one.tag for one in root} == {"request_update"}
    for query, status in (("start_date=x", 400), ("start_date=2020-01-01", 400), ("page=0", 400)):
        assert (await asked(office, f"servicerequestupdates.json?{query}")).status == status


@pytest.mark.slow
async def test_5000_posts_in_an_hour_are_taken_or_told_when_to_come_again(
    office: Office, key: str
) -> None:
    statuses: dict[int, int] = {}
    waits: set[int] = set()

    async def send(http: aiohttp.ClientSession, some: range) -> None:
        for place_ in some:
            fields = example(office, key, description=f"Hole {place_}", media_url=None)
            async with http.post(f"{office.url}{API}/requests.json", data=fields) as answer:
                await answer.read()
                statuses[answer.status] = statuses.get(answer.status, 0) + 1
                if answer.status == 429:
                    waits.add(int(answer.headers["Retry-After"]))

    async with aiohttp.ClientSession() as http:
        await asyncio.gather(*(send(http, range(start, 5000, 10)) for start in range(10)))
    assert statuses == {200: MOST_POSTS, 429: 5000 - MOST_POSTS}
    assert waits and all(0 < wait <= 3600 for wait in waits)
    assert len(await office.rows(Report)) == MOST_POSTS, "what was answered 200 is there"
    office.clock.ahead += timedelta(hours=1, minutes=5)
    page = await post(office, example(office, key, description="Hole 4999", media_url=None))
    assert page.status == 200, "what was refused is taken when it comes again"


async def test_the_description_says_what_the_service_answers(office: Office, key: str) -> None:
    """Each JSON answer is checked against ``openapi.json``."""
    described = json.loads((await asked(office, "openapi.json")).body)
    schemas = described["components"]["schemas"]
    [taken] = json.loads((await post(office, example(office, key))).body)
    number = taken["service_request_id"]
    await changed(office, number, ReportState.ACCEPTED)
    code = office.context.city.report_categories[0].code
    for path, schema in (
        ("discovery", "discovery"),
        ("services", "services"),
        (f"services/{code}", "service_definition"),
        ("requests", "requests"),
        (f"requests/{number}", "requests"),
        ("servicerequestupdates", "updates"),
        (f"tokens/{number}", "token"),
        ("requests/2020-000001", "errors"),
    ):
        for query in ("", "?extensions=true"):
            said = json.loads((await asked(office, f"{path}.json{query}")).body)
            Draft202012Validator(schemas[schema]).validate(said)
    Draft202012Validator(schemas["taken"]).validate([taken])
    addresses = {path.partition("{")[0] for path in described["paths"]}
    assert {"/discovery.json", "/services.xml", "/requests.json", "/tokens/"} <= addresses
