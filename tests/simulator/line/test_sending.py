"""Messages of the service are accepted, refused and remembered as at LINE."""

from __future__ import annotations

import json
import secrets
import uuid

import aiohttp
import pytest

from simulator.line import Simulator, SimulatorOptions
from simulator.line.limits import RateLimit
from tests.support.line_account import TEXT, Line

STRANGER = "U" + "0" * 32


async def test_a_multicast_reaches_friends_and_skips_the_rest_in_silence(line: Line) -> None:
    users = line.simulator.users
    friend = users.add_user("花子", follows=True)
    blocker = users.add_user("太郎", follows=True)
    users.set_standing(blocker, "blocked")
    said = await line.multicast([friend, blocker, STRANGER])
    assert (said.status, said.content) == (200, {})
    assert said.headers["x-line-request-id"]
    assert line.simulator.ledger.recipients() == {friend: 1}
    [entry] = line.simulator.ledger.deliveries(friend)
    assert entry.messages == TEXT
    assert entry.request_id == said.headers["x-line-request-id"]
    assert [item.message for item in users.get(friend).chat] == TEXT


async def test_a_retry_key_is_carried_out_once_for_a_day(line: Line) -> None:
    friend = line.simulator.users.add_user("花子", follows=True)
    key = str(uuid.uuid4())
    first = await line.multicast([friend], key=key)
    again = await line.multicast([friend], key=key.upper())
    assert (first.status, again.status) == (200, 409)
    assert again.content["message"] == "The retry key is already accepted"
    assert again.headers["x-line-accepted-request-id"] == first.headers["x-line-request-id"]
    assert line.simulator.ledger.recipients() == {friend: 1}
    line.simulator.time.advance(24 * 3600 + 1)
    assert (await line.multicast([friend], key=key)).status == 200
    assert line.simulator.ledger.recipients() == {friend: 2}


async def test_a_refused_request_does_not_use_up_its_retry_key(line: Line) -> None:
    friend = line.simulator.users.add_user("花子", follows=True)
    key = str(uuid.uuid4())
    assert (await line.push(friend, [{"type": "text", "text": ""}], key=key)).status == 400
    assert (await line.push(friend, key=key)).status == 200


async def test_a_retry_key_is_a_uuid_and_only_for_sending(line: Line) -> None:
    friend = line.simulator.users.add_user("花子", follows=True)
    assert (await line.push(friend, key="once-only")).status == 400
    token = line.simulator.phones.send_text(friend, "こんにちは")["replyToken"]
    assert (await line.reply(token, key=str(uuid.uuid4()))).status == 400
    assert (await line.get("/v2/bot/info", key=str(uuid.uuid4()))).status == 400
    assert not line.simulator.ledger.entries


async def test_a_push_that_was_repeated_names_the_messages_sent(line: Line) -> None:
    friend = line.simulator.users.add_user("花子", follows=True)
    key = str(uuid.uuid4())
    first = await line.push(friend, key=key)
    again = await line.push(friend, key=key)
    assert again.content["sentMessages"] == first.content["sentMessages"]


async def test_a_push_to_nobody_fails_and_to_one_who_blocked_does_not(line: Line) -> None:
    users = line.simulator.users
    blocker = users.add_user("太郎", follows=True)
    users.set_standing(blocker, "blocked")
    assert (await line.push(blocker)).status == 200
    unknown = await line.push(STRANGER)
    assert (unknown.status, unknown.content) == (400, {"message": "Failed to send messages"})
    malformed = await line.push("taro")
    assert malformed.content["message"].startswith("The property, 'to', in the request body")
    assert not line.simulator.ledger.recipients()


@pytest.mark.parametrize("order", ["to first", "messages first", "spaced"])
async def test_one_bad_id_refuses_the_whole_multicast(line: Line, order: str) -> None:
    friend = line.simulator.users.add_user("花子", follows=True)
    ids = [friend, friend[:-1] + "G"]
    body = {"to": ids, "messages": TEXT} if order == "to first" else {"messages": TEXT, "to": ids}
    spaces = (", ", ": ") if order == "spaced" else (",", ":")
    said = await line.post(
        "/v2/bot/message/multicast", json.dumps(body, separators=spaces).encode()
    )
    assert said.status == 400
    assert said.content["message"].startswith("The property, 'to', in the request body")
    assert not line.simulator.ledger.entries


async def test_an_offender_can_be_named_so_that_a_sender_has_to_find_it(line: Line) -> None:
    users = line.simulator.users
    friend, offender = users.add_user("a", follows=True), users.add_user("b", follows=True)
    users.reject(offender)
    assert (await line.multicast([friend, offender])).status == 400
    assert (await line.push(offender)).status == 400
    assert (await line.multicast([friend])).status == 200


async def test_a_reply_token_works_once_and_for_a_minute(line: Line) -> None:
    friend = line.simulator.users.add_user("花子", follows=True)
    phones = line.simulator.phones
    token = phones.send_text(friend, "一")["replyToken"]
    assert (await line.reply(token)).status == 200
    assert line.simulator.ledger.entries[-1].reply_token == token
    again = await line.reply(token)
    assert (again.status, again.content) == (400, {"message": "Invalid reply token"})
    late = phones.send_text(friend, "二")["replyToken"]
    line.simulator.time.advance(61)
    assert (await line.reply(late)).status == 400
    assert (await line.reply("x" * 32)).status == 400


async def test_500_ids_are_taken_and_501_are_not(line: Line) -> None:
    ids = ["U" + secrets.token_hex(16) for _ in range(501)]
    line.simulator.users.any_user = True
    assert (await line.multicast(ids[:500])).status == 200
    over = await line.multicast(ids)
    assert over.status == 400
    assert over.properties == ["to"]
    assert line.simulator.ledger.deliveries_total == 500
    assert (await line.multicast([])).properties == ["to"]


async def test_who_may_ask_and_how(line: Line) -> None:
    friend = line.simulator.users.add_user("花子", follows=True)
    wrong = await line.push(friend, headers={"Authorization": "Bearer other"})
    assert wrong.status == 401
    assert (await line.push(friend, headers={"Authorization": ""})).status == 401
    plain = await line.push(friend, headers={"Content-Type": "text/plain"})
    assert plain.status == 415
    with_charset = {"Content-Type": "application/json; charset=UTF-8"}
    assert (await line.push(friend, headers=with_charset)).status == 200
    broken = await line.post("/v2/bot/message/push", b'{"to": ')
    assert broken.status == 400
    assert broken.content["message"].startswith("The request body could not be parsed as JSON")
    deep = await line.post("/v2/bot/message/push", b"[" * 100_000)
    assert deep.status == 400
    large = await line.post("/v2/bot/message/push", b" " * (2 * 1024 * 1024 + 1))
    assert large.status == 413
    assert (await line.get("/v2/bot/message/push")).status == 405
    missing = await line.get("/v2/bot/nothing")
    assert missing.status == 404
    assert missing.headers["x-line-request-id"]


async def test_validate_endpoints_check_and_send_nothing(line: Line) -> None:
    for kind in ("reply", "push", "multicast"):
        path = f"/v2/bot/message/validate/{kind}"
        assert (await line.post(path, {"messages": TEXT})).status == 200
        wrong = await line.post(path, {"messages": [{"type": "text", "text": ""}]})
        assert (wrong.status, wrong.properties) == (400, ["messages[0].text"])
    assert not line.simulator.ledger.entries


async def test_quota_counts_recipients_and_not_replies(line: Line) -> None:
    users = line.simulator.users
    friends = [users.add_user(str(number), follows=True) for number in range(3)]
    line.simulator.platform.account.quota = 4
    quota = await line.get("/v2/bot/message/quota")
    assert quota.content == {"type": "limited", "value": 4}
    await line.multicast([*friends, STRANGER])
    token = line.simulator.phones.send_text(friends[0], "ありがとう")["replyToken"]
    await line.reply(token)
    used = await line.get("/v2/bot/message/quota/consumption")
    assert used.content == {"totalUsage": 3}
    assert (await line.push(friends[0])).status == 200
    over = await line.push(friends[0])
    assert over.status == 429
    assert over.content["message"] == "You have reached your monthly limit."


async def test_options_of_a_message_are_in_the_ledger(line: Line) -> None:
    friend = line.simulator.users.add_user("花子", follows=True)
    body = {
        "to": [friend],
        "messages": TEXT,
        "notificationDisabled": True,
        "customAggregationUnits": ["notice_17"],
    }
    assert (await line.post("/v2/bot/message/multicast", body)).status == 200
    [entry] = line.simulator.ledger.entries
    assert (entry.silent, entry.aggregation_unit) == (True, "notice_17")
    body["customAggregationUnits"] = ["nötice"]
    assert (await line.post("/v2/bot/message/multicast", body)).status == 400


async def test_above_the_limit_requests_are_refused_and_counted() -> None:
    options = SimulatorOptions(
        channel_access_token="t", any_user=True, limits={"multicast": RateLimit(5, 3600)}
    )
    async with Simulator(options) as simulator, aiohttp.ClientSession() as session:
        line = Line(simulator, session)
        statuses = [(await line.multicast([STRANGER])).status for _ in range(7)]
        assert statuses == [200] * 5 + [429] * 2
        assert simulator.max_in_window("multicast", 3600) == 7
        assert (await line.push(STRANGER)).status == 200
        simulator.time.advance(3601)
        assert (await line.multicast([STRANGER])).status == 200
        simulator.limiter.enabled = False
        assert {(await line.multicast([STRANGER])).status for _ in range(9)} == {200}
