"""Insight as LINE describes it: ready the next day, hidden below 20, by unit and request."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from core.clock import ManualClock
from simulator.line import Simulator, SimulatorOptions
from simulator.line.insight_api import InsightApi
from simulator.line.routes import Route, Router
from tests.support.line_account import TEXT, Line, official

INSIGHT = "/v2/bot/insight"
UNIT = f"{INSIGHT}/message/event/aggregation"
LINKED = [
    {
        "type": "template",
        "altText": "祭り",
        "template": {
            "type": "buttons",
            "text": "祭り",
            "actions": [{"type": "uri", "label": "見る", "uri": "https://city.example/"}],
        },
    }
]
DAY = 86_400.0


@pytest.fixture
async def crowd(clock: ManualClock):  # type: ignore[no-untyped-def]
    """A stand-in with 150 friends on the 15th of June 2026, and a clock that is moved."""
    options = SimulatorOptions(channel_access_token="t", friends=150, clock=clock)
    async with Simulator(options) as simulator, aiohttp.ClientSession() as session:
        yield Line(simulator, session)


@pytest.fixture(scope="module")
def described(shared_data: Path) -> dict[str, Any]:
    return official(shared_data / "line-openapi" / "insight.yml")


def faults(value: Any, schema: dict[str, Any], schemas: dict[str, Any], at: str) -> Iterator[str]:
    """Say where an answer is not what the description says."""
    if "$ref" in schema:
        schema = schemas[schema["$ref"].rsplit("/", 1)[1]]
    if value is None:
        if not schema.get("nullable"):
            yield f"{at} is null"
        return
    kind = schema.get("type", "object")
    types: dict[str, Any] = {
        "object": dict,
        "array": list,
        "string": str,
        "integer": int,
        "boolean": bool,
    }
    if not isinstance(value, types.get(kind, (int, float))):
        yield f"{at} is no {kind}"
    elif kind == "object":
        for name in schema.get("required", ()):
            if name not in value:
                yield f"{at}.{name} is missing"
        for name, one in value.items():
            if name not in schema["properties"]:
                yield f"{at}.{name} is not LINE's"
            else:
                yield from faults(one, schema["properties"][name], schemas, f"{at}.{name}")
    elif kind == "array":
        for one in value:
            yield from faults(one, schema["items"], schemas, f"{at}[]")
    elif "enum" in schema and value not in schema["enum"]:
        yield f"{at} is {value}"


async def asked(line: Line, path: str, described: dict[str, Any]) -> Any:
    """Ask, and hold the answer to the description."""
    said = await line.get(path)
    assert said.status == 200, said.content
    of_path = described["paths"][path.partition("?")[0]]["get"]
    schema = of_path["responses"]["200"]["content"]["application/json"]["schema"]
    assert list(faults(said.content, schema, described["components"]["schemas"], "it")) == []
    return said.content


async def test_a_unit_says_the_next_day_how_many_saw_and_tapped(
    crowd: Line, clock: ManualClock, described: dict[str, Any]
) -> None:
    friends = crowd.simulator.users.followers()
    for group in (friends[:60], friends[60:100], friends[:10]):  # 100 people, ten of them twice
        body = {"to": group, "messages": LINKED, "customAggregationUnits": ["festival"]}
        assert (await crowd.post("/v2/bot/message/multicast", body)).status == 200
    query = f"{UNIT}?customAggregationUnit=festival&from=20260615&to=20260615"
    early = await asked(crowd, query, described)
    assert early["overview"]["uniqueImpression"] is None
    await clock.advance(DAY)
    found = await asked(crowd, query, described)
    assert (found["overview"]["uniqueImpression"], found["overview"]["uniqueClick"]) == (70, 20)
    [link] = found["clicks"]
    assert (link["url"], link["uniqueClick"]) == ("https://city.example/", 20)
    # Of another name, or of other days, it knows nothing; names are case-sensitive.
    for other in (query.replace("festival", "Festival"), query.replace("0615", "0614")):
        assert (await asked(crowd, other, described))["overview"]["uniqueImpression"] is None


async def test_fewer_than_twenty_are_null(
    crowd: Line, clock: ManualClock, described: dict[str, Any]
) -> None:
    body = {
        "to": crowd.simulator.users.followers()[:99],
        "messages": TEXT,
        "customAggregationUnits": ["a"],
    }
    await crowd.post("/v2/bot/message/multicast", body)
    await clock.advance(DAY)
    query = f"{UNIT}?customAggregationUnit=a&from=20260601&to=20260630"
    overview = (await asked(crowd, query, described))["overview"]
    assert (overview["uniqueImpression"], overview["uniqueClick"]) == (69, None)


async def test_a_broadcast_is_asked_for_by_its_request(
    crowd: Line, clock: ManualClock, described: dict[str, Any]
) -> None:
    sent = await crowd.post("/v2/bot/message/broadcast", {"messages": LINKED})
    number = sent.headers["x-line-request-id"]
    await clock.advance(DAY)
    found = await asked(crowd, f"{INSIGHT}/message/event?requestId={number}", described)
    assert found["overview"]["delivered"] == 150
    assert found["overview"]["uniqueImpression"] == 105
    day = await asked(crowd, f"{INSIGHT}/message/delivery?date=20260615", described)
    assert (day["status"], day["apiBroadcast"]) == ("ready", 150)
    assert (await crowd.get(f"{INSIGHT}/message/event?requestId=other")).status == 404


async def test_who_the_friends_are_is_said_of_twenty_and_more(
    crowd: Line, described: dict[str, Any]
) -> None:
    assert (await asked(crowd, f"{INSIGHT}/demographic", described))["available"] is True
    for friend in crowd.simulator.users.followers()[19:]:
        crowd.simulator.users.set_standing(friend, "blocked")
    assert (await asked(crowd, f"{INSIGHT}/demographic", described)) == {"available": False}


@pytest.mark.parametrize(
    "query",
    [
        f"{UNIT}?customAggregationUnit=n%C3%B6&from=20260601&to=20260602",
        f"{UNIT}?customAggregationUnit={'a' * 31}&from=20260601&to=20260602",
        f"{UNIT}?customAggregationUnit=a&from=20260601&to=20260702",
        f"{UNIT}?customAggregationUnit=a&from=20260602&to=20260601",
        f"{UNIT}?customAggregationUnit=a&from=2026-6-1&to=20260601",
        f"{INSIGHT}/message/delivery?date=yesterday",
        f"{INSIGHT}/message/event",
    ],
)
async def test_what_line_does_not_take_is_refused(crowd: Line, query: str) -> None:
    assert (await crowd.get(query)).status == 400


async def test_sixty_questions_an_hour(crowd: Line) -> None:
    query = f"{UNIT}?customAggregationUnit=a&from=20260601&to=20260602"
    for _ in range(60):
        assert (await crowd.get(query)).status == 200
    assert (await crowd.get(query)).status == 429


def test_every_path_is_an_official_one(described: dict[str, Any]) -> None:
    used: set[str] = set()

    class Listing(Router):
        def add(self, method: str, path: str, route: Route) -> None:
            assert method == "GET"
            used.add(path)

    InsightApi.add_to(object.__new__(InsightApi), Listing())
    assert len(used) == 5
    assert used <= set(described["paths"])
