"""What people do reaches the service as LINE would tell it."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from aiohttp import web

from core.errors import BadInput
from simulator.line import FaultPlan, Simulator, SimulatorOptions
from simulator.line.phones import Content
from tests.support.line_account import Line, Service, official


@pytest.fixture
async def simulator(service: Service) -> AsyncIterator[Simulator]:
    options = SimulatorOptions(
        channel_secret="s",
        channel_access_token="t",
        webhook_url=service.url,
        redelivery_delays=(0.01, 0.02),
    )
    async with Simulator(options) as started:
        yield started


async def test_every_request_is_signed_over_its_raw_body(
    simulator: Simulator, service: Service
) -> None:
    user = simulator.users.add_user("花子")
    simulator.phones.follow(user)
    simulator.phones.send_text(user, "こんにちは 🌊")
    await simulator.webhooks.idle()
    assert len(service.bodies) == 2
    for body, signature in zip(service.bodies, service.signatures, strict=True):
        wanted = base64.b64encode(hmac.new(b"s", body, hashlib.sha256).digest()).decode()
        assert signature == wanted
        assert re.fullmatch("U[0-9a-f]{32}", json.loads(body)["destination"])


async def test_every_kind_of_event_fits_the_official_description(
    simulator: Simulator, service: Service, shared_data: Path
) -> None:
    phones = simulator.phones
    user = simulator.users.add_user("花子")
    phones.follow(user)
    said = phones.send_text(user, "穴があります")
    phones.send_sticker(user, "446", "1988")
    photo = Content(b"\xff\xd8", "image/jpeg", "a.jpg")
    for kind in ("image", "video", "audio", "file"):
        phones.send_media(user, kind, photo)
    phones.send_media(user, "image", photo, image_set=("s1", 1, 2))
    phones.send_location(user, 36.08, 140.08, title="市役所", address="つくば市")
    phones.postback(user, "kind=hole", params={"date": "2026-05-29"})
    phones.tap(user, {"type": "richmenuswitch", "richMenuAliasId": "later", "data": "d"})
    phones.unsend(user, said["message"]["id"])
    source = {"type": "user", "userId": user}
    phones.raw_event(
        {
            "type": "beacon",
            "source": source,
            "replyToken": "r",
            "beacon": {"hwid": "d41d8cd98f", "type": "enter"},
        }
    )
    phones.raw_event(
        {
            "type": "accountLink",
            "source": source,
            "replyToken": "r",
            "link": {"result": "ok", "nonce": "n"},
        }
    )
    phones.block(user)
    await simulator.webhooks.idle()

    described = official(shared_data / "line-openapi" / "webhook.yml")
    schemas = described["components"]["schemas"]
    assert len(service.events) == 15
    for body in service.bodies:
        check(described, "CallbackRequest", json.loads(body))
    for event in service.events:
        check(described, schemas["Event"]["discriminator"]["mapping"][event["type"]], event)
        if "message" in event:
            kinds = schemas["MessageContent"]["discriminator"]["mapping"]
            check(described, kinds[event["message"]["type"]], event["message"])
        assert re.fullmatch("[0-9A-HJKMNP-TV-Z]{26}", event["webhookEventId"])


def check(described: dict[str, Any], schema: str, value: Any) -> None:
    target = schema if schema.startswith("#") else f"#/components/schemas/{schema}"
    jsonschema.Draft202012Validator({**described, "$ref": target}).validate(value)


async def test_blocking_and_coming_back_is_told(simulator: Simulator, service: Service) -> None:
    user = simulator.users.add_user("花子")
    simulator.phones.follow(user)
    simulator.phones.block(user)
    simulator.phones.send_text(user, "ブロック中の独り言")
    simulator.phones.follow(user)
    await simulator.webhooks.idle()
    assert [event["type"] for event in service.events] == ["follow", "unfollow", "follow"]
    assert [
        event["follow"]["isUnblocked"] for event in service.events if event["type"] == "follow"
    ] == [False, True]
    assert "replyToken" not in service.events[1]


async def test_events_of_one_user_come_in_order(simulator: Simulator, service: Service) -> None:
    user = simulator.users.add_user("花子", follows=True)
    for number in range(20):
        simulator.phones.send_text(user, str(number))
    await simulator.webhooks.idle()
    assert [event["message"]["text"] for event in service.events] == [str(n) for n in range(20)]


async def test_what_is_not_answered_200_comes_again_and_says_so(
    simulator: Simulator, service: Service
) -> None:
    service.statuses = [500, 503]
    user = simulator.users.add_user("花子", follows=True)
    simulator.phones.send_text(user, "届け")
    await simulator.webhooks.idle()
    first, *again = service.events
    assert [event["deliveryContext"]["isRedelivery"] for event in service.events] == [
        False,
        True,
        True,
    ]
    assert {event["webhookEventId"] for event in again} == {first["webhookEventId"]}
    assert {event["timestamp"] for event in again} == {first["timestamp"]}
    assert [attempt.status for attempt in simulator.webhooks.attempts] == [500, 503, 200]


async def test_a_service_that_says_nothing_in_time_hears_it_again() -> None:
    asked = 0
    answered = asyncio.Event()

    async def slow_then_quick(_request: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        if asked == 1:
            await answered.wait()
        answered.set()
        return web.Response()

    application = web.Application()
    application.router.add_post("/", slow_then_quick)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    options = SimulatorOptions(
        webhook_url=f"http://127.0.0.1:{runner.addresses[0][1]}/",
        webhook_timeout=0.1,
        redelivery_delays=(0.01,),
    )
    async with Simulator(options) as simulator:
        simulator.phones.follow(simulator.users.add_user("花子"))
        await simulator.webhooks.idle()
        told = [(each.status, each.detail) for each in simulator.webhooks.attempts]
    await runner.cleanup()
    assert told == [(0, "REQUEST_TIMEOUT"), (200, "OK")]


async def test_redelivery_ends_and_can_be_switched_off(
    simulator: Simulator, service: Service
) -> None:
    service.statuses = [500] * 3
    user = simulator.users.add_user("花子", follows=True)
    lost = simulator.phones.send_text(user, "a")
    await simulator.webhooks.idle()
    assert list(simulator.webhooks.given_up) == [lost["webhookEventId"]]
    simulator.webhooks.redelivery = False
    service.statuses = [500]
    simulator.phones.send_text(user, "b")
    await simulator.webhooks.idle()
    assert len(service.bodies) == 4


async def test_events_can_be_held_shuffled_and_sent_together(
    simulator: Simulator, service: Service
) -> None:
    users = [simulator.users.add_user(str(number), follows=True) for number in range(6)]
    simulator.webhooks.hold()
    for user in users:
        simulator.phones.send_text(user, user)
    assert not service.bodies
    assert simulator.webhooks.release(shuffle=True, per_request=4, seed=5) == 6
    await simulator.webhooks.idle()
    assert sorted(len(json.loads(body)["events"]) for body in service.bodies) == [2, 4]
    told = [event["source"]["userId"] for event in service.events]
    assert sorted(told) == sorted(users)
    assert told != users


async def test_an_event_may_come_twice_although_it_was_answered(
    simulator: Simulator, service: Service
) -> None:
    simulator.faults = FaultPlan(webhook_twice=1)
    user = simulator.users.add_user("花子", follows=True)
    simulator.phones.send_text(user, "二度")
    await simulator.webhooks.idle()
    assert [event["deliveryContext"]["isRedelivery"] for event in service.events] == [False, True]


async def test_without_an_address_events_wait_for_one(line: Line, service: Service) -> None:
    simulator = line.simulator
    user = simulator.users.add_user("花子")
    simulator.phones.follow(user)
    assert len(simulator.webhooks.held) == 1
    assert (await line.get("/v2/bot/channel/webhook/endpoint")).status == 404
    path = "/v2/bot/channel/webhook/endpoint"
    assert (await line.call("PUT", path, {"endpoint": "ftp://a"})).status == 400
    assert (await line.call("PUT", path, {"endpoint": service.url})).status == 200
    assert (await line.get(path)).content == {"endpoint": service.url, "active": True}
    simulator.webhooks.release()
    await simulator.webhooks.idle()
    assert [event["type"] for event in service.events] == ["follow"]


async def test_the_connection_test_sends_no_events(line: Line, service: Service) -> None:
    said = await line.post("/v2/bot/channel/webhook/test", {"endpoint": service.url})
    assert said.content["success"] is True
    assert said.content["statusCode"] == 200
    assert service.events == []
    assert len(service.bodies) == 1
    service.statuses = [404]
    line.simulator.webhooks.url = service.url
    said = await line.call("POST", "/v2/bot/channel/webhook/test")
    assert (said.content["success"], said.content["statusCode"]) == (False, 404)
    nobody = await line.post("/v2/bot/channel/webhook/test", {"endpoint": "http://127.0.0.1:9/"})
    assert (nobody.content["success"], nobody.content["statusCode"]) == (False, 0)
    assert nobody.content["reason"] == "COULD_NOT_CONNECT"


async def test_what_no_phone_can_do_is_refused(simulator: Simulator) -> None:
    user = simulator.users.add_user("花子", follows=True)
    impossible: Callable[[], object]
    for impossible in (
        lambda: simulator.phones.send_text(user, ""),
        lambda: simulator.phones.send_location(user, 91, 0),
        lambda: simulator.phones.tap(user, {"type": "fly"}),
        lambda: simulator.phones.tap(user, {"type": "datetimepicker", "data": "d"}),
        lambda: simulator.phones.unsend(user, "1"),
    ):
        with pytest.raises(BadInput):
            impossible()
    assert simulator.phones.tap(user, {"type": "uri", "uri": "https://example.com"}) is None
