"""What the service sends is taken, refused and remembered as LINE would."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from channels.simulator import Simulator, SimulatorOptions

TEXT = [{"type": "text", "text": "レベル４ 大雨危険警報"}]


class Line:
    """The service's side: posts to the stand-in with the right token."""

    def __init__(self, simulator: Simulator, session: aiohttp.ClientSession) -> None:
        self.simulator = simulator
        self.session = session

    async def post(
        self, path: str, body: Any, *, key: str | None = None, **headers: str
    ) -> tuple[int, dict[str, Any], dict[str, str]]:
        sent = {"Authorization": "Bearer t", "Content-Type": "application/json", **headers}
        if key is not None:
            sent["X-Line-Retry-Key"] = key
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        async with self.session.post(self.simulator.url + path, data=data, headers=sent) as answer:
            content = await answer.json()
            return answer.status, content, {k.lower(): v for k, v in answer.headers.items()}

    async def multicast(self, to: list[str], **more: Any) -> tuple[int, Any, dict[str, str]]:
        key = more.pop("key", None)
        return await self.post(
            "/v2/bot/message/multicast", {"messages": TEXT, "to": to, **more}, key=key
        )


@pytest.fixture
async def line() -> AsyncIterator[Line]:
    options = SimulatorOptions(channel_secret="s", channel_access_token="t")
    async with Simulator(options) as simulator, aiohttp.ClientSession() as session:
        yield Line(simulator, session)


async def test_a_multicast_reaches_friends_and_skips_the_rest_in_silence(line: Line) -> None:
    users = line.simulator.users
    friend = users.add_user("花子", follows=True)
    blocker = users.add_user("太郎", follows=True)
    users.set_standing(blocker, "blocked")
    status, content, headers = await line.multicast([friend, blocker, "U" + "0" * 32])
    assert (status, content) == (200, {})
    assert headers["x-line-request-id"]
    assert line.simulator.ledger.recipients() == {friend: 1}
    [entry] = line.simulator.ledger.deliveries(friend)
    assert entry.messages == TEXT
    assert [item.message for item in users.get(friend).chat] == TEXT


async def test_a_retry_key_is_carried_out_once_for_a_day(line: Line) -> None:
    friend = line.simulator.users.add_user("花子", follows=True)
    key = str(uuid.uuid4())
    first, _, headers = await line.multicast([friend], key=key)
    again, said, repeated = await line.multicast([friend], key=key.upper())
    assert (first, again) == (200, 409)
    assert said["message"] == "The retry key is already accepted"
    assert repeated["x-line-accepted-request-id"] == headers["x-line-request-id"]
    assert line.simulator.ledger.recipients() == {friend: 1}
    line.simulator.time.advance(24 * 3600 + 1)
    assert (await line.multicast([friend], key=key))[0] == 200
    assert line.simulator.ledger.recipients() == {friend: 2}
