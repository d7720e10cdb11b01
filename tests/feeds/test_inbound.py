"""Other systems of the city are heard when they sign, once, and never as more than they are."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from fastapi import FastAPI
from sqlmodel import col, select

from city.city import Decision, District
from core.clock import ManualClock
from core.database import Database
from feeds import limits
from feeds.api import router
from feeds.inbound import SIGNATURE, TIMESTAMP, sign
from feeds.models import Notice, Status
from feeds.texts import drill_mark
from tests.support.feed_world import FeedWorld, a_city, source
from tests.support.serving import served

SECRET = "between us"
SYSTEMS = source(
    "systems",
    "webhook",
    "",
    hosts=("www.city.example",),
    secret_setting="TODOKE_TEST_SYSTEMS",
    topic="lifeline",
    decision="send",
)


@pytest.fixture
def world(database: Database, clock: ManualClock) -> FeedWorld:
    ring = ((140.0, 36.0), (140.1, 36.0), (140.1, 36.1), (140.0, 36.0))
    district = District(code="oho", names={"ja": "大穂"}, polygons=((ring,),))
    city = a_city(SYSTEMS, districts=(district,))
    topics = tuple(
        topic.model_copy(update={"mandatory": topic.code == "evacuation"}) for topic in city.topics
    )
    return FeedWorld(city.model_copy(update={"topics": topics}), database, clock)


@dataclass(frozen=True)
class Door:
    """The service's door, spoken to over HTTP."""

    url: str
    client: aiohttp.ClientSession

    async def post(self, path: str, body: bytes, **headers: str) -> Answer:
        async with self.client.post(self.url + path, data=body, headers=headers) as response:
            return Answer(response.status, await response.json())


@dataclass(frozen=True)
class Answer:
    status: int
    said: dict[str, Any]


@pytest.fixture
async def door(world: FeedWorld, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Door]:
    monkeypatch.setenv("TODOKE_TEST_SYSTEMS", SECRET)
    app = FastAPI()
    app.state.context = world
    app.state.publish = world.publish
    app.include_router(router)
    async with served(app) as url, aiohttp.ClientSession() as client:
        yield Door(url, client)


def message(**values: object) -> dict[str, object]:
    return {
        "id": "outage-1",
        "drill": False,
        "title": {"ja": "停電のお知らせ", "en": "Power cut"},
        "text": {"ja": "大穂で停電しています。", "en": "There is a power cut in Oho."},
        **values,
    }


async def post(
    door: Door,
    world: FeedWorld,
    said: object,
    *,
    secret: str = SECRET,
    late: int = 0,
    code: str = "systems",
) -> Answer:
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    timestamp = int(world.clock.now().timestamp()) - late
    headers = {TIMESTAMP: str(timestamp), SIGNATURE: sign(secret, timestamp, body)}
    return await door.post(f"/feeds/in/{code}", body, **headers)


async def test_a_signed_message_becomes_a_notice_once(door: Door, world: FeedWorld) -> None:
    first = await post(door, world, message(areas=["oho"], level=3))
    assert (first.status, first.said["decision"]) == (202, "send")
    again = await post(door, world, message(areas=["oho"], level=3))
    assert again.status == 200
    [notice] = world.sent
    assert (notice.topic, notice.areas, notice.level, notice.drill) == (
        "lifeline",
        ["oho"],
        3,
        False,
    )
    assert "There is a power cut" in notice.texts["en"]["text"]


async def test_what_everybody_gets_without_a_level_waits_for_a_person(
    door: Door, world: FeedWorld
) -> None:
    said = await post(door, world, message(id="1", topic="evacuation"))
    assert (said.status, said.said["decision"]) == (202, "hold")
    said = await post(door, world, message(id="2", topic="evacuation", level=3))
    assert said.said["decision"] == "send"
    assert [notice.level for notice in world.sent] == [3]


async def test_a_correction_names_what_it_corrects(door: Door, world: FeedWorld) -> None:
    await post(door, world, message())
    assert (await post(door, world, message(id="2", replaces="nothing"))).status == 422
    assert (await post(door, world, message(id="2", replaces="outage-1"))).status == 202
    assert world.sent[1].status is Status.CORRECTED
    assert world.sent[1].replaces_id == world.sent[0].id


@pytest.mark.parametrize(
    "said",
    [{"drill": True}, {"title": {"ja": "【訓練】停電"}}, {"text": {"ja": "これは訓練です。"}}],
)
async def test_a_drill_is_held_and_marked(
    door: Door, world: FeedWorld, database: Database, said: dict[str, Any]
) -> None:
    """Also one whose system says that it is real, while its words say what it is."""
    answer = await post(door, world, message(level=5, **said))
    assert answer.said["decision"] == "hold"
    assert world.sent == []
    async with database.reading() as session:
        [notice] = await session.scalars(select(Notice).where(col(Notice.drill)))
    assert notice.decision is Decision.HOLD
    assert not notice.emergency
    for language, words in notice.texts.items():
        assert words["title"].startswith(drill_mark(language))


async def test_who_does_not_sign_or_plays_an_old_message_again_is_refused(
    door: Door, world: FeedWorld
) -> None:
    assert (await post(door, world, message(), secret="guessed")).status == 401
    assert (await post(door, world, message(), late=3600)).status == 401
    assert (await post(door, world, message(), late=-3600)).status == 401
    assert (await door.post("/feeds/in/systems", b"{}")).status == 401
    assert (await post(door, world, message(), code="nowhere")).status == 404
    assert world.sent == []


UNACCEPTABLE: list[tuple[object, str]] = [
    (b"not json", "body"),
    (b"[]", "body"),
    (message(topic="nonsense"), "topic"),
    (message(areas=["atlantis"]), "areas"),
    (message(level=9), "level"),
    (message(title={"en": "only English"}), "title.ja"),
    (message(title={"ja": "x", "tlh": "y"}), "tlh"),
    (message(url="javascript:alert(1)"), "url"),
    (message(surprise=1), "surprise"),
    (message(reported_at="2026-06-15T12:00:00"), "reported_at"),
    ({key: value for key, value in message().items() if key != "drill"}, "drill"),
    (message(id="../../x"), "id"),
]


async def test_what_cannot_be_taken_is_refused_by_name(door: Door, world: FeedWorld) -> None:
    for said, names in UNACCEPTABLE:
        answer = await post(door, world, said)
        assert answer.status == 422, said
        assert names in answer.said["message"]
    assert world.sent == []


async def test_a_link_to_a_stranger_is_held_and_a_huge_body_is_not_read(
    door: Door, world: FeedWorld
) -> None:
    assert (await post(door, world, message(url="https://evil.example/"))).said[
        "decision"
    ] == "hold"
    own = await post(door, world, message(id="3", url="https://www.city.example/x"))
    assert own.said["decision"] == "send"
    huge = await post(door, world, b"{" + b" " * limits.MAX_INBOUND_BODY + b"}")
    assert huge.status == 413
