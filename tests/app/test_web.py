"""All pages together: headers, hosts, and errors."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
from fastapi import FastAPI, Request
from lxml import etree, html
from structlog.testing import capture_logs
from yarl import URL

from app.processes import web_config
from app.web import create_app
from channels.line.client import LineClient
from city.context import Context
from city.folder import CityFolder
from core.clock import SystemClock
from core.database import Database
from core.settings import Settings
from core.work import LocalQueue
from tests.support.serving import served


@pytest.fixture
async def app(settings: Settings, sample: CityFolder) -> AsyncIterator[FastAPI]:
    """The whole application, on a database that nobody made: what asks it, fails."""
    database = Database(settings.database_url)
    async with aiohttp.ClientSession() as http:
        context = Context(
            settings=settings,
            city=sample.city,
            database=database,
            clock=SystemClock(),
            queue=LocalQueue(SystemClock()),
            http=http,
        )
        line = LineClient(http, settings, context.clock)
        yield create_app(context, line, folder=sample)
        await database.close()


async def _asked(app: FastAPI, path: str, language: str = "") -> tuple[int, str, str, str]:
    """Return status, media type, security policy and body of an answer."""
    async with (
        served(app) as url,
        aiohttp.ClientSession(headers={"Accept-Language": language}) as http,
        http.get(url + path) as answer,
    ):
        policy = answer.headers.get("content-security-policy", "")
        return answer.status, answer.content_type, policy, await answer.text()


@pytest.mark.parametrize(
    ("path", "status", "japanese"),
    [
        ("/no-such-page", 404, "このページはありません。"),
        ("/shelter/%00%E2%80%AE<b>", 404, "このページはありません。"),
        ("/", 500, "うまく表示できませんでした。"),
    ],
)
async def test_people_are_told_in_their_language_and_in_japanese_and_english(
    app: FastAPI, path: str, status: int, japanese: str
) -> None:
    answered, media_type, policy, body = await _asked(app, path, "my")
    page: html.HtmlElement = html.fromstring(body)
    assert (answered, media_type) == (status, "text/html")
    assert "default-src 'none'" in policy
    assert page.get("lang") == "my"
    said = {p.get("lang"): p.text_content() for p in page.xpath("//main//p")}
    assert japanese in said["ja"]
    assert said["en"]
    assert page.xpath("//h1")[0].text_content() not in said.values()
    assert {a.get("href") for a in page.xpath("//main//a")} == {"/?lang=my", "/shelters?lang=my"}


@pytest.mark.parametrize(("path", "status"), [("/open311/v2/x", 404), ("/feeds/notices.json", 500)])
async def test_programs_are_told_in_json(app: FastAPI, path: str, status: int) -> None:
    answered, media_type, _, _ = await _asked(app, path)
    assert (answered, media_type) == (status, "application/json")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/open311/v2/services", 404),
        ("GET", "/open311/v2/nothing.json", 404),
        ("GET", "/open311/v2/nothing/at/all.xml", 404),
        ("PUT", "/open311/v2/requests.json", 405),
        ("DELETE", "/open311/v2/requests/2026-000001.xml", 405),
        ("GET", "/open311/v2/requests.json", 500),
        ("GET", "/open311/v2/requests.xml", 500),
    ],
)
async def test_programs_of_open311_are_told_in_the_form_of_its_specification(
    app: FastAPI, method: str, path: str, status: int
) -> None:
    async with (
        served(app) as url,
        aiohttp.ClientSession() as http,
        http.request(method, url + path) as answer,
    ):
        body = await answer.text()
    assert answer.status == status
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert ("GET" in answer.headers.get("Allow", "")) is (status == 405)
    if path.endswith(".xml"):
        root = etree.fromstring(body.encode())
        assert answer.content_type == "text/xml" and root.tag == "errors"
        said = [(one.findtext("code"), one.findtext("description")) for one in root]
    else:
        assert answer.content_type == "application/json"
        said = [(str(one["code"]), one["description"]) for one in json.loads(body)]
    assert [code for code, _ in said] == [str(status)] and said[0][1]


@pytest.mark.parametrize(("path", "status"), [("/healthz", 200), ("/no-such-page", 404)])
async def test_who_asks_only_for_the_head_gets_it(app: FastAPI, path: str, status: int) -> None:
    async with served(app) as url, aiohttp.ClientSession() as http, http.head(url + path) as answer:
        assert answer.status == status
        assert int(answer.headers["Content-Length"]) > 0
        assert await answer.read() == b""


@pytest.mark.parametrize(
    ("trusted", "seen"),
    [
        (("127.0.0.1",), "203.0.113.9"),
        (("127.0.0.0/8", "10.1.0.0/16"), "203.0.113.9"),
        (("10.1.0.0/16",), "127.0.0.1"),
    ],
)
async def test_only_the_citys_own_proxies_say_who_asks(
    settings: Settings, trusted: tuple[str, ...], seen: str
) -> None:
    app = FastAPI()

    @app.get("/")
    async def who(request: Request) -> str:
        return request.client.host if request.client else ""

    config = web_config(app, replace(settings, trusted_proxies=trusted))
    async with (
        served(app, config) as url,
        aiohttp.ClientSession(headers={"X-Forwarded-For": "203.0.113.9"}) as http,
        http.get(url) as answer,
    ):
        assert await answer.json() == seen


@pytest.mark.parametrize(
    ("path", "to"),
    [
        ("/shelters/?lang=en", "/shelters?lang=en"),
        ("/healthz/", "/healthz"),
        ("//evil.example/", None),
        ("/no-such-page/", None),
    ],
)
async def test_a_slash_too_many_leads_to_this_host_whatever_the_request_calls_it(
    app: FastAPI, path: str, to: str | None
) -> None:
    async with served(app) as url, aiohttp.ClientSession() as http:
        asked = URL(url + path, encoded=True)
        async with http.get(
            asked, headers={"Host": "evil.example"}, allow_redirects=False
        ) as answer:
            assert answer.headers.get("location") == to
            assert answer.status == (307 if to else 404)


async def test_what_is_secret_in_an_address_is_not_logged_when_a_line_breaks(app: FastAPI) -> None:
    """The line of a phone at an evacuation site is bad; its address lets anybody speak for it."""
    parts: list[dict[str, Any]] = [
        {"type": "http.request", "body": b"{", "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> dict[str, Any]:
        return parts.pop(0)

    async def send(_message: object) -> None:
        pass

    path = "/site/a-secret/acts"
    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [],
        "scheme": "http",
        "server": ("127.0.0.1", 80),
        "client": ("127.0.0.1", 1),
    }
    with capture_logs() as logs:
        await app(scope, receive, send)
    [line] = [one for one in logs if one["event"] == "request.interrupted"]
    assert line["path"] == "/site/{token}/acts"
    assert "a-secret" not in str(logs)
