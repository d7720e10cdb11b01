"""What line-bot-sdk asks of LINE for us is asked with our own guards (decision 4)."""

from __future__ import annotations

import gzip
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from linebot.v3.messaging import RichMenuRequest
from yarl import URL

from bot.richmenu import IMAGES, describe, image_file
from bot.richmenu.places import Kind
from channels.line.client import LineClient, open_session
from channels.line.errors import LineBusy, LineRefused, LineUnavailable, TokenRefused, TooLarge
from channels.line.friends_api import (
    audience_status,
    delete_audience,
    friend_numbers,
    friends,
    narrowcast_progress,
)
from core.clock import SystemClock
from core.languages import LANGUAGES
from tests.support.engine import TOKEN, settings_for, user_id

LINES = {"x-line-request-id": "5b59509c-c57b-11e9-aa8c-2a2ae2dbcce4"}
USER, MENU = user_id(1), "richmenu-0123456789abcdef"
HELLO = b'[{"type":"text","text":"hello"}]'
REQUEST = "f7d95f5a-0d4b-4b32-9c6a-3a2a4a1f5d11"
Call = Callable[[LineClient], Awaitable[Any]]


@dataclass
class Asked:
    """A request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Host:
    """A server in LINE's place that answers everything in one way."""

    line: LineClient
    asked: list[Asked] = field(default_factory=list)
    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=lambda: dict(LINES))
    chunked: bool = False


@asynccontextmanager
async def host(status: int = 200, body: bytes = b"{}", **headers: str) -> AsyncIterator[Host]:
    async def answer(request: web.Request) -> web.StreamResponse:
        made.asked.append(
            Asked(
                request.method,
                request.path_qs,
                {name.lower(): value for name, value in request.headers.items()},
                await request.read(),
            )
        )
        if not made.chunked:
            return web.Response(status=made.status, body=made.body, headers=made.headers)
        stream = web.StreamResponse(headers=made.headers)
        await stream.prepare(request)
        for start in range(0, len(made.body), 10_000):
            await stream.write(made.body[start : start + 10_000])
        return stream

    app = web.Application(client_max_size=10**7)
    app.router.add_route("*", "/{rest:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    async with open_session() as http:
        line = LineClient(http, settings_for(f"http://127.0.0.1:{port}"), SystemClock())
        made = Host(line, status=status, body=body)
        made.headers.update(headers)
        yield made
        await line.limiter.close()
    await runner.cleanup()


CALLS: dict[str, tuple[Call, str, str]] = {
    "profile": (lambda line: line.profile(USER), "GET", f"/v2/bot/profile/{USER}"),
    "content": (lambda line: line.content("123"), "GET", "/v2/bot/message/123/content"),
    "loading": (lambda line: line.show_loading(USER), "POST", "/v2/bot/chat/loading/start"),
    "quota": (lambda line: line.quota(), "GET", "/v2/bot/message/quota"),
    "account": (lambda line: line.check_token(), "GET", "/v2/bot/info"),
    "own id": (lambda line: line.own_user_id(), "GET", "/v2/bot/info"),
    "validation": (
        lambda line: line.validate("multicast", HELLO),
        "POST",
        "/v2/bot/message/validate/multicast",
    ),
    "menus": (lambda line: line.list_rich_menus(), "GET", "/v2/bot/richmenu/list"),
    "picture": (
        lambda line: line.upload_rich_menu_image(MENU, b"\x89PNG", "image/png"),
        "POST",
        f"/v2/bot/richmenu/{MENU}/content",
    ),
    "menu away": (lambda line: line.delete_rich_menu(MENU), "DELETE", f"/v2/bot/richmenu/{MENU}"),
    "menu of all": (
        lambda line: line.set_default_rich_menu(MENU),
        "POST",
        f"/v2/bot/user/all/richmenu/{MENU}",
    ),
    "menu of one": (
        lambda line: line.link_rich_menu(USER, MENU),
        "POST",
        f"/v2/bot/user/{USER}/richmenu/{MENU}",
    ),
    "menu of nobody": (
        lambda line: line.unlink_rich_menu(USER),
        "DELETE",
        f"/v2/bot/user/{USER}/richmenu",
    ),
    "menus moved": (
        lambda line: line.replace_rich_menus({MENU: "richmenu-new"}),
        "POST",
        "/v2/bot/richmenu/batch",
    ),
    "alias": (
        lambda line: line.create_rich_menu_alias("a", MENU),
        "POST",
        "/v2/bot/richmenu/alias",
    ),
    "alias moved": (
        lambda line: line.update_rich_menu_alias("a", MENU),
        "POST",
        "/v2/bot/richmenu/alias/a",
    ),
    "alias away": (
        lambda line: line.delete_rich_menu_alias("a"),
        "DELETE",
        "/v2/bot/richmenu/alias/a",
    ),
    "aliases": (lambda line: line.list_rich_menu_aliases(), "GET", "/v2/bot/richmenu/alias/list"),
    "friends": (
        lambda line: friends(line, "next+page/="),
        "GET",
        "/v2/bot/followers/ids?start=next%2Bpage/%3D&limit=1000",
    ),
    "numbers": (
        lambda line: friend_numbers(line, "20260529"),
        "GET",
        "/v2/bot/insight/followers?date=20260529",
    ),
    "audience": (lambda line: audience_status(line, 17), "GET", "/v2/bot/audienceGroup/17"),
    "audience away": (lambda line: delete_audience(line, 17), "DELETE", "/v2/bot/audienceGroup/17"),
    "progress": (
        lambda line: narrowcast_progress(line, REQUEST),
        "GET",
        f"/v2/bot/message/progress/narrowcast?requestId={REQUEST}",
    ),
}
BINARY = ("content", "picture", "validation", "loading")
"""Calls whose answer is not read as JSON."""


@pytest.mark.parametrize("name", CALLS)
async def test_each_call_asks_what_line_documents(name: str) -> None:
    call, method, path = CALLS[name]
    async with host(body=b'{"userIds":[],"type":"none"}') as made:
        await call(made.line)
        asked = made.asked[0]
        assert (asked.method, URL(asked.path)) == (method, URL(path))
        assert asked.headers["authorization"] == f"Bearer {TOKEN}"
        assert asked.headers["accept-encoding"] == "identity"
        assert asked.headers["user-agent"] == "todoke"
        if asked.body and name != "picture":
            assert asked.headers["content-type"] == "application/json"
            assert json.loads(asked.body)


async def test_bodies_are_what_line_documents() -> None:
    async with host(body=b'{"richMenuId":"richmenu-1"}') as made:
        menu = describe("my", Kind.NEWS, image_file(Kind.NEWS, "my").read_bytes())
        assert await made.line.create_rich_menu(menu) == "richmenu-1"
        await made.line.replace_rich_menus({MENU: "richmenu-new"})
        await made.line.show_loading(USER, 7)
        await made.line.validate("push", HELLO)
        await made.line.upload_rich_menu_image(MENU, b"\x89PNG", "image/png")
        *bodies, picture = made.asked
        assert [json.loads(each.body) for each in bodies] == [
            menu,
            {"operations": [{"type": "link", "from": MENU, "to": "richmenu-new"}]},
            {"chatId": USER, "loadingSeconds": 7},
            {"messages": [{"type": "text", "text": "hello"}]},
        ]
        assert (picture.body, picture.headers["content-type"]) == (b"\x89PNG", "image/png")


def test_the_sdks_models_leave_nothing_of_our_menus_out() -> None:
    images = sorted(IMAGES.glob("*/*.png"))
    assert len(images) == len(LANGUAGES) * len(Kind)
    for image in images:
        menu = describe(image.stem, Kind(image.parent.name), image.read_bytes())
        assert RichMenuRequest.from_dict(menu).to_dict() == menu


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize(
    ("status", "body", "headers"),
    [
        (200, b"<html>sign in</html>", {}),
        (200, b"{}", {}),
        (302, b"", {"Location": "http://login.example/"}),
        (404, b"<html>not here</html>", {}),
        (401, b'{"message": "Unauthorized"}', {}),
        (503, b'{"message": "down"}', LINES),
    ],
)
async def test_an_answer_that_is_not_lines_is_no_answer(
    name: str, status: int, body: bytes, headers: dict[str, str]
) -> None:
    async with host(status, body) as made:
        made.headers = headers
        with pytest.raises(LineUnavailable):
            await CALLS[name][0](made.line)


@pytest.mark.parametrize("name", [each for each in CALLS if each not in BINARY])
@pytest.mark.parametrize("body", [b"[]", b"<html>", b"\xff\xfe", b'{"a":'])
async def test_lines_own_answer_is_a_json_object(name: str, body: bytes) -> None:
    async with host(200, body) as made:
        with pytest.raises(LineUnavailable):
            await CALLS[name][0](made.line)


@pytest.mark.parametrize("name", CALLS)
async def test_answers_are_neither_unpacked_nor_read_without_end(name: str) -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)
    async with host(200, bomb, **{"Content-Encoding": "gzip"}) as made:
        with pytest.raises(LineUnavailable):
            await CALLS[name][0](made.line)
    if name != "content":
        async with host(200, b"{" + b" " * 3_000_000 + b"}") as made:
            with pytest.raises(LineUnavailable, match="more than"):
                await CALLS[name][0](made.line)


@pytest.mark.parametrize("chunked", [False, True])
async def test_content_is_bounded_whether_its_length_is_told_or_not(chunked: bool) -> None:
    async with host(200, b"x" * 100_001) as made:
        made.chunked = chunked
        with pytest.raises(TooLarge):
            await made.line.content("123", most_bytes=100_000)
        assert await made.line.content("123", most_bytes=100_001) == made.body


async def test_content_that_is_not_ready_is_asked_for_again() -> None:
    async with host(202, b"{}") as made:
        with pytest.raises(LineUnavailable) as raised:
            await made.line.content("123")
        assert raised.value.retry_after == 1.0


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, LineRefused), (404, LineRefused), (401, TokenRefused), (429, LineBusy)],
)
@pytest.mark.parametrize("name", ["profile", "content", "menu of one", "numbers", "audience"])
async def test_what_line_says_itself_is_believed(
    name: str, status: int, kind: type[Exception]
) -> None:
    async with host(status, b'{"message": "no"}') as made:
        with pytest.raises(kind):
            await CALLS[name][0](made.line)


async def test_a_value_newer_than_the_sdk_stops_nothing() -> None:
    info = {"displayName": "City", "chatMode": "dream", "markAsReadMode": "never"}
    async with host(200, json.dumps(info).encode()) as made:
        assert await made.line.check_token() == "City"
    async with host(200, b'{"phase": "thinking", "targetCount": 7}') as made:
        assert (await narrowcast_progress(made.line, REQUEST)).target == 7


async def test_the_token_is_in_no_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with host(401, b'{"message": "Authentication failed"}') as made:
        with pytest.raises(TokenRefused):
            await made.line.profile(USER)
    assert TOKEN not in caplog.text


async def test_a_server_that_is_not_there_is_unavailable() -> None:
    async with aiohttp.ClientSession() as http:
        line = LineClient(http, settings_for("http://127.0.0.1:9"), SystemClock())
        with pytest.raises(LineUnavailable):
            await line.profile(USER)
