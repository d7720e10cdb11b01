"""Everything a test or a demo does from another process, through the client."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from yarl import URL

from core.errors import BadInput, Permanent
from simulator.line import Simulator, SimulatorOptions
from simulator.line.client import SimulatorClient
from tests.support.line_account import TEXT, Line, Service


@pytest.fixture
async def client(line: Line, service: Service) -> AsyncIterator[SimulatorClient]:
    line.simulator.webhooks.url = service.url
    async with SimulatorClient(line.simulator.url) as made:
        yield made


async def test_a_resident_lives_on_the_other_side_of_http(
    client: SimulatorClient, line: Line, service: Service
) -> None:
    user = await client.add_user("Trần Lan", "vi")
    await client.follow(user)
    await client.send_text(user, "Xin chào")
    await client.send_sticker(user)
    await client.send_location(user, 36.08, 140.08, address="つくば市")
    await client.send_ready_photo(user, "pothole-far")
    await client.send_media(user, b"\xff\xd8", name="a.jpg")
    await client.postback(user, "a=1", display_text="はい")
    await client.tap(user, {"type": "message", "label": "x", "text": "いいえ"})
    await client.raw_event({"type": "leave", "source": {"type": "group", "groupId": "C1"}})
    await client.block(user)
    await client.idle()
    kinds = [event["type"] for event in service.events]
    assert sorted(kinds) == sorted(["follow", *["message"] * 6, "postback", "leave", "unfollow"])
    await client.follow(user)
    await line.push(user)
    chat = await client.chat(user)
    assert chat[-1]["message"] == TEXT[0]
    assert [item["message"].get("text") for item in chat if item["side"] == "user"].count(
        "はい"
    ) == 1
    assert (await client.ledger(user))[0]["messages"] == TEXT
    state = await client.state()
    assert state["users"][0]["standing"] == "friend"
    assert "pothole-far" in state["photos"]


async def test_counts_faults_limits_and_time_can_be_set(
    client: SimulatorClient, line: Line, service: Service
) -> None:
    user = await client.add_user("a", follows=True)
    await client.set_faults("5xx-before=100%")
    assert (await line.push(user)).status == 500
    await client.set_faults("none")
    for _ in range(3):
        await line.push(user)
    summary = await client.ledger_summary()
    assert (summary["requests"], summary["usersByTimes"]) == (3, {"3": 1})
    stats = await client.stats()
    assert stats["push"]["requests"] == 4
    assert stats["push"]["maxInWindow"] == 4
    await client.set_limits(enabled=False)
    assert line.simulator.limiter.enabled is False
    await client.set_quota(3)
    assert (await line.push(user)).status == 429
    before = line.simulator.time.seconds()
    await client.advance(3600)
    assert line.simulator.time.seconds() - before >= 3600
    await client.hold_events()
    await client.send_text(user, "a")
    assert await client.release_events(shuffle=True, per_request=2) == 1
    await client.idle()
    webhook = await client.webhook()
    assert [attempt["status"] for attempt in webhook["attempts"]] == [200]
    await client.set_webhook(None, redelivery=False)
    assert line.simulator.webhooks.url is None
    await client.reset()
    assert (await client.ledger_summary())["deliveries"] == 0


async def test_wrong_wishes_are_one_sentence(client: SimulatorClient) -> None:
    user = await client.add_user("a", follows=True)
    for wrong, said in (
        (client.set_faults("fire=1%"), "there is no fault"),
        (client.send_text("U" + "0" * 32, "a"), "there is no"),
        (client.send_ready_photo(user, "../secret"), "there is no"),
        (client.send_text(user, ""), "text must be"),
        (client.add_user(""), "name must be"),
        (client.add_user("a", user_id="taro"), "userId must be"),
        (client.send_location(user, 91, 0), "a place lies"),
        (client.advance(-1), "time does not go back"),
    ):
        with pytest.raises(Permanent, match=said):
            await wrong


async def test_pages_are_told_of_changes_as_they_happen(
    client: SimulatorClient, line: Line
) -> None:
    user = await client.add_user("a", follows=True)
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{line.simulator.url}/_simulator/stream", params={"user": user}) as stream,
    ):
        assert stream.headers["Content-Type"] == "text/event-stream"
        assert (await stream.content.readuntil(b"\n\n")).startswith(b"event: ready")
        await line.push(user)
        async with asyncio.timeout(5):
            told = await stream.content.readuntil(b"\n\n")
    assert told.startswith(b"event: item")
    assert "大雨".encode() in told


@pytest.mark.parametrize(
    "path", ["/../server.py", "/..%2fserver.py", "/photos/../../server.py", "/nothing.js"]
)
async def test_the_page_serves_its_own_files_alone(line: Line, path: str) -> None:
    url = URL(line.simulator.url + path, encoded=True)
    async with line.session.get(url) as answer:
        assert answer.status == 404
    async with line.session.get(line.simulator.url + "/") as answer:
        assert answer.status == 200
        assert "default-src 'self'" in answer.headers["Content-Security-Policy"]


@pytest.mark.slow
async def test_it_runs_as_its_own_process_and_ends_when_told() -> None:
    program = (
        "from simulator.line import SimulatorOptions, run\n"
        "from core.logs import configure_logs\n"
        "configure_logs()\n"
        "run(SimulatorOptions(), on_ready=lambda url: print(url, flush=True))\n"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        program,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdout is not None
    url = (await process.stdout.readline()).decode().strip()
    async with SimulatorClient(url) as client:
        assert (await client.state())["users"] == []
    process.terminate()
    async with asyncio.timeout(10):
        assert await process.wait() == 0


async def test_what_it_cannot_start_with_is_one_sentence(tmp_path: Path) -> None:
    async with Simulator(SimulatorOptions()) as first:
        with pytest.raises(BadInput, match=f"{first.port} cannot be used"):
            await Simulator(SimulatorOptions(port=first.port)).start()
    empty, wrong = tmp_path / "none.geojson", tmp_path / "wrong.geojson"
    wrong.write_text("[]")
    for file in (empty, wrong):
        with pytest.raises(BadInput, match="The map"):
            await Simulator(SimulatorOptions(map_file=file)).start()


async def test_several_photos_of_one_place_come_as_a_set(
    client: SimulatorClient, line: Line, service: Service
) -> None:
    user = await client.add_user("a", follows=True)
    url = f"{line.simulator.url}/_simulator/users/{user}/media"
    for index in (1, 2):
        query = {"kind": "image", "set": "s1", "index": str(index), "total": "2"}
        async with line.session.post(url, params=query, data=b"\xff\xd8") as answer:
            assert answer.status == 200
    await client.idle()
    assert [event["message"]["imageSet"] for event in service.events] == [
        {"id": "s1", "index": 1, "total": 2},
        {"id": "s1", "index": 2, "total": 2},
    ]


async def test_two_stand_ins_do_not_know_each_other() -> None:
    async with Simulator(SimulatorOptions()) as one, Simulator(SimulatorOptions()) as two:
        one.users.add_user("a")
        assert one.port != two.port
        assert not two.users.people
