"""Another office's endpoint may be slow, lie, or answer in its own way: nothing wrong is believed.

(https://wiki.open311.org/GeoReport_v2)
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from aiohttp import web

from city.city import Endpoint
from reports import open311_client
from reports.open311_client import (
    Named,
    OfficeBusy,
    OfficeRefused,
    OfficeUnclear,
    Open311Client,
)
from reports.outside import NoAnswer, ask, outside_session

SINCE = datetime(2026, 11, 30, tzinfo=UTC)
Handler = Callable[[web.Request], Any]


@dataclass
class Stranger:
    """An endpoint that answers as a test says; it remembers what it was asked."""

    answers: Handler = field(default=lambda _request: web.json_response([]))
    asked: list[web.Request] = field(default_factory=list)
    port: int = 0

    def says(self, content: Any, status: int = 200, **headers: str) -> None:
        """Answer with JSON, or with text as it is."""
        text = content if isinstance(content, str) else json.dumps(content)
        self.answers = lambda _request: web.Response(
            text=text, status=status, headers=headers, content_type="text/plain"
        )

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request)
        await request.read()
        found = self.answers(request)
        made: web.StreamResponse = await found if asyncio.iscoroutine(found) else found
        return made


@pytest.fixture
async def stranger() -> AsyncIterator[Stranger]:
    stranger = Stranger()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", stranger.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    stranger.port = int(runner.addresses[0][1])
    yield stranger
    await runner.cleanup()


@pytest.fixture
async def client(stranger: Stranger) -> AsyncIterator[Open311Client]:
    endpoint = Endpoint(url=f"http://127.0.0.1:{stranger.port}/v2", key_setting="TODOKE_KEY")
    async with outside_session() as http:
        yield Open311Client(http, endpoint, environment={"TODOKE_KEY": "secret"})


def xml(root: str, *entries: str) -> str:
    return f"<?xml version='1.0' encoding='utf-8'?><{root}>{''.join(entries)}</{root}>"


async def test_what_they_say_of_another_case_is_not_believed_of_this_one(
    stranger: Stranger, client: Open311Client
) -> None:
    """Some servers pass over the number, and answer with a list of all."""
    others: list[dict[str, Any]] = [{"service_request_id": "P-1", "status": "closed"}]
    stranger.says([*others, {"service_request_id": "P-2", "status": "open"}])
    assert (await client.look("P-2")).status == "open"
    stranger.says(others)
    with pytest.raises(OfficeUnclear):
        await client.look("P-2")
    stranger.says([{"status": "closed"}])
    assert (await client.look("P-2")).status == "closed", "it need not repeat the number"
    stranger.says([{"service_request_id": 77, "status": "open"}])
    assert (await client.look("77")).status == "open", "numbers come as numbers, too"
    stranger.says([{"token": "other", "service_request_id": "P-1"}])
    assert await client.number_of("mine") == ""
    stranger.says([{"token": "mine", "service_request_id": "P-2"}])
    assert await client.number_of("mine") == "P-2"


async def test_xml_is_read_though_json_was_asked_for(
    stranger: Stranger, client: Open311Client
) -> None:
    taken = "<request><service_request_id>293944</service_request_id><account_id/></request>"
    stranger.says(xml("service_requests", taken))
    assert await client.post({"service_code": "001"}) == Named("293944")
    stranger.says(xml("service_requests", "<request><token>12345</token></request>"))
    assert await client.post({"service_code": "001"}) == Named(token="12345")
    stranger.says({"service_requests": [{"service_request_id": "9", "token": ""}]})
    assert await client.post({"service_code": "001"}) == Named("9"), "a list may be wrapped"


@pytest.mark.parametrize(
    "words",
    [
        json.dumps([{"code": 400, "description": "No such street."}]),
        xml("errors", "<error><code>400</code><description>No such street.</description></error>"),
    ],
    ids=["json", "xml"],
)
async def test_their_own_words_say_why_they_refuse(
    stranger: Stranger, client: Open311Client, words: str
) -> None:
    for status, error in (
        (400, OfficeRefused),
        (403, OfficeBusy),
        (503, OfficeUnclear),
        (200, OfficeUnclear),
    ):
        stranger.says(words, status)
        with pytest.raises(error, match="No such street"):
            await client.post({"service_code": "001"})
    for nonsense in (
        "",
        "<html>",
        "{",
        "null",
        "[[]]",
        '[{"description": {"a": 1}}]',
        "<!DOCTYPE>",
    ):
        stranger.says(nonsense, 400)
        with pytest.raises(OfficeRefused, match="400"):
            await client.post({"service_code": "001"})


async def test_a_redirect_is_followed_nowhere_and_says_where_it_leads(
    stranger: Stranger, client: Open311Client
) -> None:
    stranger.says("", 301, Location="https://new.pref.example/v2/requests.json")
    with pytest.raises(OfficeRefused, match=r"moved to https://new\.pref\.example"):
        await client.post({"service_code": "001"})
    assert len(stranger.asked) == 1


async def test_an_answer_that_ends_half_way_or_never_is_none(
    stranger: Stranger, client: Open311Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def half(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Length": "1000"})
        await answer.prepare(request)
        await answer.write(b'[{"service_request_id": "1"}')
        assert request.transport is not None
        request.transport.abort()
        return answer

    async def drops(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Length": "1000"})
        await answer.prepare(request)
        for _ in range(1000):
            await answer.write(b" ")
            await asyncio.sleep(0.05)
        return answer

    stranger.answers = half
    with pytest.raises(NoAnswer):
        await client.post({"service_code": "001"})
    monkeypatch.setattr(open311_client, "ask", partial(ask, seconds=0.3))
    stranger.answers = drops
    with pytest.raises(NoAnswer):
        await client.post({"service_code": "001"})


async def test_a_lost_case_is_looked_for_on_all_pages(
    stranger: Stranger, client: Open311Client
) -> None:
    cases = [
        {"service_request_id": f"P-{n}", "description": f"つくば市 2026-{n:06}"} for n in range(250)
    ]

    def pages(request: web.Request) -> web.Response:
        page, size = int(request.query["page"]), int(request.query["page_size"])
        return web.json_response(cases[(page - 1) * size : page * size])

    stranger.answers = pages
    assert await client.find("001", SINCE, "つくば市 2026-000240") == Named("P-240")
    assert await client.find("001", SINCE, "つくば市 2026-000999") is None
    stranger.asked.clear()
    stranger.answers = lambda _request: web.json_response(cases)  # it knows no pages
    assert await client.find("001", SINCE, "つくば市 2026-000249") == Named("P-249")
    assert await client.find("001", SINCE, "つくば市 2026-000999") is None
    assert len(stranger.asked) == 3


async def test_they_are_asked_with_the_citys_key(stranger: Stranger, client: Open311Client) -> None:
    stranger.says([{"status": "open"}])
    await client.look("P-2")
    assert stranger.asked[0].query["api_key"] == "secret"
