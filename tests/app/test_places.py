"""Those who ask for pages have their own places, and the webhook needs none."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import aiohttp
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from app.places import Places
from console.sessions import COOKIE, DEVICE_COOKIE, Device, Sessions
from public.drawing import MOST_AT_ONCE, MOST_WAITING
from tests.support.serving import served

SESSIONS = Sessions("k" * 40, secure=False)
NOW = datetime(2026, 6, 15, 3, 0, tzinfo=UTC)


class Site:
    """Pages that are made for as long as a test wants."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()
        self.being_made: dict[str, int] = {}
        self.began = asyncio.Condition()

    async def slow(self, request: Request) -> Response:
        path = request.url.path
        async with self.began:
            self.being_made[path] = self.being_made.get(path, 0) + 1
            self.began.notify_all()
        await self.go_on.wait()
        return Response("made")

    async def quick(self, _request: Request) -> Response:
        return Response("made")

    async def long(self, _request: Request) -> Response:
        async def lines() -> AsyncIterator[bytes]:
            yield b"first"
            await self.go_on.wait()
            yield b"last"

        return StreamingResponse(lines())

    async def until(self, path: str, number: int) -> None:
        async with self.began:
            await self.began.wait_for(lambda: self.being_made.get(path, 0) >= number)


@asynccontextmanager
async def site() -> AsyncIterator[tuple[Site, aiohttp.ClientSession]]:
    pages = Site()
    app = Starlette(
        routes=[
            Route("/console/sign-in", pages.slow),
            Route("/console/alerts", pages.quick),
            Route("/console/reports/export.csv", pages.long),
            Route("/calendar/chuo-2026-07.png", pages.slow),
            Route("/line/webhook", pages.quick, methods=["POST"]),
            Route("/", pages.quick),
        ]
    )
    app.add_middleware(Places, sessions=SESSIONS)
    async with (
        served(app) as url,
        aiohttp.ClientSession(url, connector=aiohttp.TCPConnector(limit=0)) as http,
    ):
        yield pages, http
        pages.go_on.set()


def cookies(**given: str) -> dict[str, str]:
    return {"Cookie": "; ".join(f"{name}={value}" for name, value in given.items())}


def signed_in() -> dict[str, str]:
    answer = Response()
    SESSIONS.write(answer, SESSIONS.start(1, 1, NOW), NOW)
    return cookies(**{COOKIE: answer.headers["set-cookie"].split("=", 1)[1].split(";")[0]})


def known_browser() -> dict[str, str]:
    answer = Response()
    SESSIONS.write_device(answer, Device("a" * 22, (1,)))
    return cookies(**{DEVICE_COOKIE: answer.headers["set-cookie"].split("=", 1)[1].split(";")[0]})


async def test_strangers_who_fill_their_places_are_in_nobodys_way() -> None:
    async with site() as (pages, http):
        crowd = [asyncio.create_task(http.get("/console/sign-in")) for _ in range(20)]
        await pages.until("/console/sign-in", 2)
        assert (await http.post("/line/webhook")).status == 200
        assert (await http.get("/")).status == 200
        for staff in (signed_in(), known_browser()):
            assert (await http.get("/console/alerts", headers=staff)).status == 200
        assert pages.being_made == {"/console/sign-in": 2}
        pages.go_on.set()
        assert {(await answer).status for answer in crowd} == {200}


async def test_pictures_are_in_the_way_of_no_page() -> None:
    async with site() as (pages, http):
        picture = "/calendar/chuo-2026-07.png"
        crowd = [asyncio.create_task(http.get(picture)) for _ in range(30)]
        await pages.until(picture, MOST_AT_ONCE + MOST_WAITING)
        assert (await http.get("/")).status == 200
        pages.go_on.set()
        assert {(await answer).status for answer in crowd} == {200}


async def test_a_made_up_cookie_is_no_way_to_the_places_of_staff() -> None:
    async with site() as (pages, http):
        forged = cookies(**{COOKIE: "eyJzdGFmZl9pZCI6MX0.c2lnbmF0dXJl", DEVICE_COOKIE: "x.y"})
        crowd = [
            asyncio.create_task(http.get("/console/sign-in", headers=forged)) for _ in range(6)
        ]
        await pages.until("/console/sign-in", 2)
        assert (await http.get("/console/alerts", headers=signed_in())).status == 200
        assert pages.being_made == {"/console/sign-in": 2}
        pages.go_on.set()
        await asyncio.gather(*crowd)


async def test_who_comes_to_a_full_house_is_told_to_come_again() -> None:
    async with site() as (pages, http):
        crowd = [asyncio.create_task(http.get("/console/sign-in")) for _ in range(70)]
        done, _ = await asyncio.wait(crowd, return_when=asyncio.FIRST_COMPLETED)
        answer = done.pop().result()
        assert answer.status == 503
        assert int(answer.headers["Retry-After"]) > 0
        assert "数秒後" in await answer.text()
        pages.go_on.set()
        statuses = sorted([(await answer).status for answer in crowd])
        assert statuses == [200] * 66 + [503] * 4


async def test_who_reads_slowly_keeps_no_place() -> None:
    async with site() as (pages, http):
        reading = [
            await http.get("/console/reports/export.csv", headers=signed_in()) for _ in range(6)
        ]
        assert (await http.get("/console/alerts", headers=signed_in())).status == 200
        pages.go_on.set()
        assert [await answer.read() for answer in reading] == [b"firstlast"] * 6


@pytest.mark.parametrize("path", ["/console/nothing", "/nothing"])
async def test_a_place_is_given_back_whatever_becomes_of_the_request(path: str) -> None:
    async with site() as (_pages, http):
        statuses = {(await http.get(path)).status for _ in range(10)}
        assert statuses == {404}
