"""Friends who never spoke, audiences, and narrowcasts to everybody outside one."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import aiohttp
import pytest

from core.clock import ManualClock
from simulator.line import FaultPlan, Simulator, SimulatorOptions
from tests.support.line_account import TEXT, Line, Said

UPLOAD = "/v2/bot/audienceGroup/upload"


def outside(audience: int) -> dict[str, Any]:
    """A narrowcast to everybody outside an audience."""
    return {
        "messages": TEXT,
        "recipient": {"type": "operator", "not": {"type": "audience", "audienceGroupId": audience}},
    }


@pytest.fixture
async def crowd(clock: ManualClock):  # type: ignore[no-untyped-def]
    """A stand-in with 1,200 friends who never spoke, and a clock that is moved."""
    options = SimulatorOptions(channel_access_token="t", friends=1_200, clock=clock)
    async with Simulator(options) as simulator, aiohttp.ClientSession() as session:
        yield Line(simulator, session)


async def made_audience(line: Line, users: list[str]) -> int:
    said = await line.post(
        UPLOAD, {"description": "known", "audiences": [{"id": each} for each in users]}
    )
    assert said.status == 202, said.content
    return int(said.content["audienceGroupId"])


async def narrowcast(line: Line, body: Any, **more: Any) -> Said:
    return await line.post("/v2/bot/message/narrowcast", body, **more)


async def test_friends_are_listed_in_pages_and_have_profiles(crowd: Line) -> None:
    first = (await crowd.get("/v2/bot/followers/ids?limit=1000")).content
    rest = (await crowd.get(f"/v2/bot/followers/ids?limit=1000&start={first['next']}")).content
    assert "next" not in rest
    users = first["userIds"] + rest["userIds"]
    assert len(users) == len(set(users)) == 1_200
    languages = {
        (await crowd.get(f"/v2/bot/profile/{user}")).content.get("language") for user in users[:60]
    }
    assert {"ja", None} < languages


async def test_a_narrowcast_reaches_everybody_outside_an_audience_once(
    crowd: Line, clock: ManualClock
) -> None:
    friends = crowd.simulator.users.followers()
    audience = await made_audience(crowd, friends[:100])
    more = {"audienceGroupId": audience, "audiences": [{"id": each} for each in friends[100:200]]}
    assert (await crowd.call("PUT", UPLOAD, more)).status == 202
    assert (await narrowcast(crowd, outside(audience))).status == 400  # not ready yet
    await clock.advance(1)
    key = str(uuid4())
    said = await narrowcast(crowd, outside(audience), key=key)
    assert said.status == 202
    again = await narrowcast(crowd, outside(audience), key=key)
    assert again.status == 409
    request_id = said.headers["x-line-request-id"]
    assert again.headers["x-line-accepted-request-id"] == request_id
    reached = crowd.simulator.ledger.recipients()
    assert set(reached) == set(friends[200:])
    assert set(reached.values()) == {1}
    path = f"/v2/bot/message/progress/narrowcast?requestId={request_id}"
    assert (await crowd.get(path)).content["phase"] == "waiting"
    await clock.advance(2)
    assert (await crowd.get(path)).content["successCount"] == 1_000


async def test_an_audience_of_fewer_than_fifty_fails_later(crowd: Line, clock: ManualClock) -> None:
    audience = await made_audience(crowd, crowd.simulator.users.followers()[:49])
    await clock.advance(2)
    said = await narrowcast(crowd, outside(audience))
    assert said.status == 202
    await clock.advance(2)
    path = "/v2/bot/message/progress/narrowcast?requestId=" + said.headers["x-line-request-id"]
    assert (await crowd.get(path)).content["errorCode"] == 4
    assert not crowd.simulator.ledger.recipients()


async def test_an_account_that_is_not_verified_may_not(crowd: Line) -> None:
    crowd.simulator.faults = FaultPlan.parse("unverified=on")
    assert str(crowd.simulator.faults) == "unverified=on"
    assert (await crowd.get("/v2/bot/followers/ids")).status == 403
    assert (await narrowcast(crowd, {"messages": TEXT})).status == 403
    assert (await crowd.post(UPLOAD, {"description": "known"})).status == 403
    assert (await crowd.get("/v2/bot/insight/followers?date=20260614")).status == 200
    assert (await crowd.post("/v2/bot/message/broadcast", {"messages": TEXT})).status == 200


async def test_friends_are_counted_for_days_that_are_over(crowd: Line) -> None:
    crowd.simulator.users.set_standing(crowd.simulator.users.followers()[0], "blocked")
    counted = (await crowd.get("/v2/bot/insight/followers?date=20260614")).content
    assert counted == {
        "status": "ready",
        "followers": 1_200,
        "targetedReaches": 1_079,
        "blocks": 1,
    }
    today = (await crowd.get("/v2/bot/insight/followers?date=20260615")).content
    assert today == {"status": "unready"}


async def test_sixty_narrowcasts_an_hour_and_no_more(crowd: Line) -> None:
    for _ in range(60):
        assert (await narrowcast(crowd, {"messages": TEXT})).status == 202
    assert (await narrowcast(crowd, {"messages": TEXT})).status == 429


@pytest.mark.parametrize(
    "recipient",
    [
        {"type": "operator"},
        {"type": "operator", "not": {"type": "audience"}},
        {"type": "operator", "and": [], "or": []},
        {"type": "everybody"},
    ],
)
async def test_a_recipient_that_says_nothing_clear_is_refused(
    crowd: Line, recipient: dict[str, Any]
) -> None:
    said = await narrowcast(crowd, {"messages": TEXT, "recipient": recipient})
    assert said.status == 400
