"""Channel access tokens as LINE's own library asks for them."""

from __future__ import annotations

import asyncio
import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from linebot.v3 import oauth
from linebot.v3.messaging import (
    ApiClient,
    ApiException,
    BroadcastRequest,
    Configuration,
    MessagingApi,
    TextMessage,
    ValidateMessageRequest,
)

from tests.support.line_account import TEXT, Line

CHANNEL = "1234567890"
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def assertion(line: Line, **other: Any) -> str:
    """What a service signs with its own key to prove who it is."""
    claims = {
        "iss": CHANNEL,
        "sub": CHANNEL,
        "aud": "https://api.line.me/",
        "exp": int(line.simulator.time.seconds()) + 600,
        "token_exp": 3600,
        **other,
    }
    parts = ({"alg": "RS256", "typ": "JWT", "kid": "k"}, claims)
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in parts]
    return b".".join([*encoded, b"c2ln"]).decode()


async def ask(line: Line, method: str, path: str, **form: str) -> tuple[int, Any]:
    url = line.simulator.url + path
    more = {"params": form} if method == "GET" else {"data": form}
    async with line.session.request(method, url, **more) as answer:  # type: ignore[arg-type]
        raw = await answer.read()
        return answer.status, json.loads(raw) if raw else None


async def may_ask(line: Line, token: str) -> bool:
    said = await line.get("/v2/bot/info", headers={"Authorization": f"Bearer {token}"})
    assert said.status in (200, 401)
    return said.status == 200


async def test_the_official_library_gets_verifies_and_returns_tokens(line: Line) -> None:
    def talk() -> list[str]:
        with oauth.ApiClient(oauth.Configuration(host=line.simulator.url)) as client:
            api = oauth.ChannelAccessToken(client)
            secret = {"client_id": CHANNEL, "client_secret": "s"}
            short = api.issue_channel_token("client_credentials", CHANNEL, "s")
            assert short.expires_in == 30 * 24 * 3600
            assert api.verify_channel_token(short.access_token).client_id == CHANNEL
            own = api.issue_channel_token_by_jwt("client_credentials", JWT_BEARER, assertion(line))
            assert own.expires_in == 3600
            kids = api.gets_all_valid_channel_access_token_key_ids(JWT_BEARER, assertion(line))
            assert kids.kids == [own.key_id]
            assert api.verify_channel_token_by_jwt(own.access_token).expires_in <= 3600
            with pytest.raises(oauth.ApiException) as refused:
                api.issue_channel_token("client_credentials", CHANNEL, "wrong")
            assert refused.value.status == 400
            assert json.loads(refused.value.body)["error"] == "invalid_client"
            api.revoke_channel_token_by_jwt(access_token=own.access_token, **secret)
            return [short.access_token, own.access_token]

    short, own = await asyncio.to_thread(talk)
    assert await may_ask(line, short)
    assert not await may_ask(line, own)


async def test_a_stateless_token_is_good_for_fifteen_minutes(line: Line) -> None:
    form = {"grant_type": "client_credentials", "client_id": CHANNEL, "client_secret": "s"}
    status, said = await ask(line, "POST", "/oauth2/v3/token", **form)
    assert (status, said["token_type"], said["expires_in"]) == (200, "Bearer", 900)
    assert await may_ask(line, said["access_token"])
    line.simulator.time.advance(901)
    assert not await may_ask(line, said["access_token"])
    status, gone = await ask(line, "GET", "/oauth2/v2.1/verify", access_token=said["access_token"])
    assert (status, gone["error"]) == (400, "invalid_request")
    assert await may_ask(line, "t")


@pytest.mark.parametrize(
    "other",
    [
        {"iss": "somebody"},
        {"sub": "somebody"},
        {"aud": "https://example.com/"},
        {"exp": 1},
        {"exp": 9_999_999_999},
        {"exp": "soon"},
        {"token_exp": 40 * 24 * 3600},
    ],
)
async def test_an_assertion_that_says_something_wrong_gets_no_token(
    line: Line, other: dict[str, Any]
) -> None:
    form = {"grant_type": "client_credentials", "client_assertion_type": JWT_BEARER}
    wrong = assertion(line, **other)
    status, said = await ask(line, "POST", "/oauth2/v2.1/token", client_assertion=wrong, **form)
    assert (status, said["error"]) == (400, "invalid_client")
    for nonsense in ("a", "a.b.c", "bnVsbA.bnVsbA.c", "[[[[.e30.x"):
        status, said = await ask(
            line, "POST", "/oauth2/v2.1/token", client_assertion=nonsense, **form
        )
        assert (status, said["error"]) == (400, "invalid_client")


async def test_forms_that_are_none_are_refused(line: Line) -> None:
    said = await line.post("/oauth2/v3/token", {"grant_type": "client_credentials"})
    assert (said.status, said.content["error"]) == (400, "invalid_request")
    status, refused = await ask(line, "POST", "/oauth2/v3/token", grant_type="password")
    assert (status, refused["error"]) == (400, "invalid_request")


async def test_a_broadcast_reaches_every_friend_once_and_is_counted(line: Line) -> None:
    simulator = line.simulator
    friends = [simulator.users.add_user(name, follows=True) for name in ("花子", "Anna")]
    simulator.users.add_user("Nobody")
    simulator.users.set_standing(simulator.users.add_user("Blocked", follows=True), "blocked")

    def talk() -> None:
        with ApiClient(Configuration(host=simulator.url, access_token="t")) as client:
            api, messages = MessagingApi(client), [TextMessage(text="こんにちは")]
            api.validate_broadcast(ValidateMessageRequest(messages=messages))
            api.validate_narrowcast(ValidateMessageRequest(messages=messages))
            key = "123e4567-e89b-12d3-a456-426614174000"
            for _ in range(2):
                try:
                    api.broadcast(BroadcastRequest(messages=messages), x_line_retry_key=key)
                except ApiException as again:
                    assert again.status == 409
            assert api.get_message_quota_consumption().total_usage == 2

    await asyncio.to_thread(talk)
    assert simulator.ledger.recipients() == dict.fromkeys(friends, 1)
    assert [len(simulator.users.get(friend).chat) for friend in friends] == [1, 1]
    refused = await line.post("/v2/bot/message/broadcast", {"to": friends, "messages": TEXT})
    assert (refused.status, refused.properties) == (400, ["to"])


async def test_sixty_broadcasts_an_hour_and_no_more(line: Line) -> None:
    body = {"messages": TEXT}
    taken = [(await line.post("/v2/bot/message/broadcast", body)).status for _ in range(61)]
    assert taken == [200] * 60 + [429]


async def test_what_was_sent_on_a_day_is_known_the_day_after(line: Line) -> None:
    simulator = line.simulator
    friend = simulator.users.add_user("花子", follows=True)
    await line.multicast([friend, "U" + "0" * 32])
    await line.push(friend)
    today = simulator.ledger.entries[0].at
    await line.post(
        "/v2/bot/message/push",
        {"to": friend, "messages": TEXT, "customAggregationUnits": ["storm_1"]},
    )
    date = _date(today)
    path = "/v2/bot/message/delivery"
    assert (await line.get(f"{path}/push?date={date}")).content == {"status": "unready"}
    simulator.time.advance(24 * 3600)
    assert (await line.get(f"{path}/push?date={date}")).content == {"status": "ready", "success": 2}
    said = await line.get(f"{path}/multicast?date={date}")
    assert said.content == {"status": "ready", "success": 1}
    old = await line.get(f"{path}/reply?date=20180101")
    assert old.content == {"status": "out_of_service"}
    for wrong in ("", "tomorrow", "20260231", "2026-5-1"):
        assert (await line.get(f"{path}/push?date={wrong}")).status == 400
    units = await line.get("/v2/bot/message/aggregation/info")
    assert units.content == {"numOfCustomAggregationUnits": 1}
    names = await line.get("/v2/bot/message/aggregation/list?limit=1")
    assert names.content == {"customAggregationUnits": ["storm_1"]}


def _date(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC) + timedelta(hours=9):%Y%m%d}"
