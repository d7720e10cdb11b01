"""Schemathesis against our own OpenAPI description of Open311: what it allows works, and what it
does not is refused in the specification's form, whatever a program sends.

Judged are status, type, headers and content of each answer, JSON and XML. The requests are the
same at every run (``derandomize``), and no more than :data:`EXAMPLES` an operation. Some are of
what is there, so that each operation answers with content as well.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from lxml import etree
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from sqlmodel import select

from city.folder import CityFolder
from reports import open311, work
from reports.api_keys import add_key
from reports.models import ApiKey, Photo, ReportUpdate
from reports.open311_description import description
from reports.photos import store_photo
from reports.states import ReportState
from reports.work import Change
from tests.support.filed_reports import picture, reported
from tests.support.office import Office
from tests.support.open311 import city_that_asks

EXAMPLES = 6
WORDS = "穴 <b> & ]]>"
NOT_SAID = ("positive_data_acceptance", "negative_data_rejection")
"""What OpenAPI cannot say: that two dates lie at most 90 days apart, that a kind or a number is one
of this city's. And what the specification wants: an unknown parameter is passed over."""
QUESTION = """
[[report_categories.questions]]
code = "side"
names = { ja = "道路のどちら側ですか？", en = "Which side of the road?" }
type = "several-of"
choices = [{ code = "left", names = { ja = "左", en = "Left" } }]
"""
_DESCRIBED: dict[str, Any] = {}
"""The description by which answers in XML are read; see :func:`_read_xml`."""


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> CityFolder:
    """The sample city, whose first kind asks a question of its own."""
    return city_that_asks(tmp_path_factory.mktemp("asking"), QUESTION)


@dataclass
class Program:
    """A program with a key, what is there for it to ask for, and what it was answered."""

    url: str
    there: dict[str, str]
    """Path parameters and form fields that mean something here."""
    described: dict[str, Any] = field(default_factory=dict)
    statuses: dict[str, set[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        load_all_checks()
        self.described = self.described or description(self.url)
        _DESCRIBED.clear()
        _DESCRIBED.update(self.described)

    def operations(self) -> list[Any]:
        schema = schemathesis.openapi.from_dict(self.described)
        return [one.ok() for one in schema.get_all_operations() if isinstance(one, Ok)]

    def try_all(self, mode: GenerationMode) -> None:
        for operation in self.operations():
            if mode is GenerationMode.NEGATIVE and operation.path.startswith("/discovery"):
                continue  # it asks for nothing that could be wrong
            self.try_one(operation, mode)

    def try_one(self, operation: Any, mode: GenerationMode) -> None:
        """Send what an operation allows, or what it does not."""
        left_out: Any = CHECKS.get_by_names(NOT_SAID)
        seen = self.statuses.setdefault(operation.label, set())

        @settings(
            max_examples=EXAMPLES,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(mode), is_there=st.sampled_from([True, False]))
        def send(case: Any, is_there: bool) -> None:
            if mode is GenerationMode.POSITIVE:
                self.mean(case, is_there)
            answer = case.call_and_validate(base_url=self.url, excluded_checks=left_out, timeout=10)
            seen.add(answer.status_code)

        send()

    def mean(self, case: Any, is_there: bool) -> None:
        """Have a request name a key, and, if it is to, what is there."""
        for place in (case.path_parameters, case.body):
            if not isinstance(place, dict):
                continue
            if "api_key" in place:
                place["api_key"] = self.there["api_key"]
            if is_there:
                place.pop("media_url", None)
                place |= {name: self.there[name] for name in self.there.keys() & place.keys()}
                if "jurisdiction_id" in place:
                    place["jurisdiction_id"] = ""
        if is_there and isinstance(case.query, dict):
            case.query = {name: self.there.get(name, "") for name in case.query}
        if is_there and case.method == "POST" and isinstance(case.body, dict):
            case.body |= {name: self.there[name] for name in ("lat", "long")}
            case.body |= {"description": WORDS, "status": "open"}


@schemathesis.deserializer("text/xml")
def _read_xml(ctx: schemathesis.DeserializationContext, response: Any) -> Any:
    """Read an answer in XML by its schema, whose ``xml`` names the elements."""
    said = _DESCRIBED["paths"][ctx.operation.path][ctx.operation.method]["responses"]
    media = said[str(response.status_code)]["content"]["text/xml"]
    name = media["schema"]["$ref"].rpartition("/")[2]
    return _value(
        etree.fromstring(response.content), _DESCRIBED["components"]["schemas"][name], name
    )


def _value(element: etree._Element, schema: dict[str, Any], name: str) -> Any:
    if (wanted := schema.get("xml", {}).get("name", name)) != element.tag:
        raise ValueError(f"The element {element.tag} should be {wanted}.")
    types = schema.get("type", "string")
    if types == "array":
        return [_value(child, schema["items"], str(child.tag)) for child in element]
    if types == "object":
        fields = {str(child.tag): child for child in element}
        assert len(fields) == len(element), "each element once"
        known = schema["properties"]
        return {tag: _value(child, known.get(tag, {}), tag) for tag, child in fields.items()}
    if not element.text:
        return None if "null" in types else ""
    is_plain = {"boolean", "integer", "number"} & set([types] if isinstance(types, str) else types)
    return json.loads(element.text) if is_plain else element.text


@pytest.fixture
async def program(office: Office) -> Program:
    """A program, in a city with a public case that it posted, with an answer and a photo."""
    office.app.include_router(open311.router)
    photo = store_photo(office.context.settings.media_dir, picture())
    async with office.database.writing() as session:
        now, city = office.clock.now(), office.context.city
        key = await add_key(session, "A tester", actor="test", now=now)
    [row] = await office.rows(ApiKey)
    words: dict[str, Any] = {
        "description": WORDS,
        "attributes": ({"code": "side", "values": ["left"]},),
    }
    report = await reported(office, pictures=(photo,), api_key_id=row.id, **words)
    async with office.database.writing() as session:
        accepted = Change(state=ReportState.ACCEPTED)
        await work.change(session, city, report.number, accepted, by="roads", now=now)
        assert report.id is not None
        session.add(
            ReportUpdate(report_id=report.id, by="roads", answer="直します", created_at=now)
        )
        for one in await session.scalars(select(Photo)):
            one.released_at = now
            session.add(one)
    there = {
        "api_key": key,
        "service_request_id": report.number,
        "token": report.number,
        "service_code": report.category,
        "lat": str(report.latitude),
        "long": str(report.longitude),
        "extensions": "true",
    }
    return Program(f"{office.url}/open311/v2", there)


def test_the_description_is_one_of_openapi() -> None:
    described = description("http://127.0.0.1")
    schemathesis.openapi.from_dict(described).validate()
    for schema in described["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


async def test_every_operation_does_what_its_description_allows(program: Program) -> None:
    await asyncio.to_thread(program.try_all, GenerationMode.POSITIVE)
    assert len(program.statuses) == 18
    unanswered = [name for name, seen in program.statuses.items() if 200 not in seen]
    assert not unanswered, "nothing was said of the answer itself"
    refused = {name for name, seen in program.statuses.items() if seen - {200}}
    assert len(refused) >= 10


async def test_every_operation_refuses_what_its_description_does_not_allow(
    program: Program,
) -> None:
    await asyncio.to_thread(program.try_all, GenerationMode.NEGATIVE)
    assert len(program.statuses) == 16


def _of(described: dict[str, Any], path: str, status: str = "200") -> dict[str, Any]:
    found: dict[str, Any] = described["paths"][path]["get"]["responses"][status]
    return found


BROKEN: dict[str, tuple[str, Callable[[dict[str, Any]], object]]] = {
    "status": (
        "/tokens/{token}.json",
        lambda said: said["paths"]["/tokens/{token}.json"]["get"]["responses"].pop("404"),
    ),
    "type": (
        "/discovery.json",
        lambda said: _of(said, "/discovery.json").update(content={"text/html": {}}),
    ),
    "header": (
        "/services.xml",
        lambda said: _of(said, "/services.xml")["headers"]["Access-Control-Allow-Origin"].update(
            schema={"const": "https://city.example"}
        ),
    ),
    "schema": (
        "/requests.json",
        lambda said: said["components"]["schemas"]["requests"]["items"]["properties"].update(
            status={"enum": ["new"]}
        ),
    ),
    "schema of XML": (
        "/requests.xml",
        lambda said: said["components"]["schemas"]["requests"]["items"]["properties"].update(
            service_code={"const": "006"}
        ),
    ),
    "element": (
        "/services.xml",
        lambda said: said["components"]["schemas"]["services"]["items"]["xml"].update(name="kind"),
    ),
}


@pytest.mark.parametrize("broken", BROKEN)
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_a_description_that_is_wrong_is_found(program: Program, broken: str) -> None:
    """The check can fail: of status, type, headers, and of what each format contains."""
    path, breaks = BROKEN[broken]
    breaks(program.described)
    _DESCRIBED.update(program.described)
    [operation] = [one for one in program.operations() if (one.path, one.method) == (path, "get")]
    with pytest.raises((FailureGroup, ExceptionGroup, ValueError)):
        await asyncio.to_thread(program.try_one, operation, GenerationMode.POSITIVE)
