"""Tiles go through the service: kept, few, checked, and never a way to other servers.

They talk HTTP to a tile server in the test.
"""

from __future__ import annotations

import asyncio
import io
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from fastapi import FastAPI
from PIL import Image

from city.folder import load_folder
from city.tile_files import open_tiles
from core.errors import BadInput
from core.settings import SAMPLE_CITY, tiles_url
from public import tile_pages
from public.tiles import NoTile, Tiles, TileTrouble
from tests.support.tile_files import PLACE as NEAR
from tests.support.tile_files import make_mbtiles

NEXT, FAR = (12, 3641, 1607), (12, 100, 100)


def png(side: int = 256) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (side, side), "#cde").save(file, "PNG")
    return file.getvalue()


TILE = png()


@dataclass
class TileServer:
    """A tile server that answers as it is told."""

    status: int = 200
    body: bytes = TILE
    wait: asyncio.Event | None = None
    asked: list[str] = field(default_factory=list)
    since: list[str] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    url: str = ""

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        if "If-Modified-Since" in request.headers:
            self.since.append(request.headers["If-Modified-Since"])
        if self.wait is not None:
            await self.wait.wait()
        return web.Response(status=self.status, body=self.body, headers=self.headers)


class Moving:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.at = 1_800_000_000.0

    def __call__(self) -> float:
        return self.at


@dataclass
class World:
    server: TileServer
    tiles: Tiles
    time: Moving
    kept: Path


@asynccontextmanager
async def world(folder: Path, **options: Any) -> AsyncIterator[World]:
    server = TileServer()
    app = web.Application()
    app.router.add_get("/{path:.*}", server.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    server.url = f"http://{host}:{port}/{{z}}/{{x}}/{{y}}.png"
    time = Moving()
    city = load_folder(SAMPLE_CITY).city
    options = {"source": server.url, "monotonic": time, "wall": time, **options}
    try:
        async with aiohttp.ClientSession() as http:
            yield World(server, Tiles(city, None, http, folder / "tiles", **options), time, folder)
    finally:
        if server.wait is not None:
            server.wait.set()
        await runner.cleanup()


async def test_a_tile_is_fetched_once_by_however_many_and_then_kept(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        here.server.wait = asyncio.Event()
        asking = [asyncio.create_task(here.tiles.tile(*NEAR)) for _ in range(20)]
        while not here.server.asked:
            await asyncio.sleep(0)
        asking[0].cancel()  # a reader who goes away does not end it for the others
        here.server.wait.set()
        found = await asyncio.gather(*asking[1:])
        assert set(found) == {TILE}
        assert await here.tiles.tile(*NEAR) == TILE
        assert here.server.asked == ["/12/3641/1606.png"]


async def test_an_old_tile_is_asked_for_again_and_used_while_the_server_fails(
    tmp_path: Path,
) -> None:
    async with world(tmp_path) as here:
        await here.tiles.tile(*NEAR)
        here.time.at += 31 * 86_400
        here.server.status = 304
        assert await here.tiles.tile(*NEAR) == TILE
        assert here.server.since == ["Fri, 15 Jan 2027 08:00:00 GMT"]
        assert await here.tiles.tile(*NEAR) == TILE
        assert len(here.server.asked) == 2  # renewed
        here.time.at += 31 * 86_400
        here.server.status = 500
        assert await here.tiles.tile(*NEAR) == TILE


async def test_only_the_citys_surroundings_are_fetched(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        wrong = [FAR, (4, 14, 6), (19, 466_000, 205_600), (12, -1, 5), (12, 4096, 0), (99, 0, 0)]
        for place in wrong:
            with pytest.raises(NoTile):
                await here.tiles.tile(*place)
        assert here.server.asked == []
        assert await here.tiles.tile(5, 28, 12) == TILE


@pytest.mark.parametrize(
    ("status", "body", "headers"),
    [
        (200, b"<html>Sign in</html>", {"Content-Type": "image/png"}),
        (200, TILE[:-20], {}),
        (200, png(4096), {}),
        (200, b"\x89PNG\r\n\x1a\n" + bytes(400_000), {}),
        (500, TILE, {}),
        (302, b"", {"Location": "http://169.254.169.254/latest/meta-data"}),
        (304, b"", {}),
    ],
)
async def test_a_lying_or_failing_server_is_left_alone_for_a_while(
    tmp_path: Path, status: int, body: bytes, headers: dict[str, str]
) -> None:
    async with world(tmp_path) as here:
        here.server.status, here.server.body, here.server.headers = status, body, headers
        for place in (NEAR, NEXT):
            with pytest.raises(TileTrouble):
                await here.tiles.tile(*place)
        assert len(here.server.asked) == 1
        assert here.tiles.facts is None  # no map asks for them meanwhile
        here.server.status, here.server.body, here.server.headers = 200, TILE, {}
        here.time.at += 31
        assert await here.tiles.tile(*NEAR) == TILE


async def test_a_server_that_does_not_answer_costs_its_patience_once(tmp_path: Path) -> None:
    async with world(tmp_path, patience=0.05) as here:
        here.server.wait = asyncio.Event()
        for place in (NEAR, NEXT):
            with pytest.raises(TileTrouble):
                await here.tiles.tile(*place)
        assert len(here.server.asked) == 1


async def test_a_tile_that_is_not_there_is_not_asked_for_again_that_day(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        here.server.status = 404
        for _ in range(3):
            with pytest.raises(NoTile):
                await here.tiles.tile(*NEAR)
        assert len(here.server.asked) == 1
        here.server.status = 200
        assert await here.tiles.tile(*NEXT) == TILE  # the others are not concerned
        here.time.at += 86_401
        assert await here.tiles.tile(*NEAR) == TILE


async def test_strangers_cannot_make_it_fetch_without_end(tmp_path: Path) -> None:
    async with world(tmp_path, burst=3) as here:
        for y in (1604, 1605, 1606):
            await here.tiles.tile(12, 3641, y)
        with pytest.raises(TileTrouble):
            await here.tiles.tile(12, 3641, 1607)
        assert len(here.server.asked) == 3
        here.time.at += 1
        assert await here.tiles.tile(12, 3641, 1607) == TILE


async def test_the_oldest_tiles_go_when_there_are_too_many(tmp_path: Path) -> None:
    async with world(tmp_path, most_bytes=len(TILE) * 3 + 10) as here:
        for y in (1604, 1605, 1606, 1607):
            here.time.at += 1
            await here.tiles.tile(12, 3641, y)
        kept = sorted(path.name for path in tmp_path.glob("tiles/12/3641/*"))
        assert kept == ["1606", "1607"]  # to nine tenths


async def test_a_full_disk_stops_no_map(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with world(tmp_path) as here:

        def full(*_: Any, **__: Any) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(Path, "replace", full)
        assert await here.tiles.tile(*NEAR) == TILE
        assert list(tmp_path.glob("tiles/*/*/*")) == []  # nothing half is left
        monkeypatch.undo()
        assert await here.tiles.tile(*NEAR) == TILE
        assert len(here.server.asked) == 2


async def test_a_kept_file_that_was_damaged_is_fetched_again(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        await here.tiles.tile(*NEAR)
        (path,) = tmp_path.glob("tiles/*/*/*")
        path.write_bytes(TILE[: len(TILE) // 2])
        os.utime(path, (here.time.at, here.time.at))
        assert await here.tiles.tile(*NEAR) == TILE
        assert len(here.server.asked) == 2


@dataclass(frozen=True)
class _Settings:
    public_url: str = "https://city.example.jp"


@dataclass(frozen=True)
class _Context:
    settings: _Settings = _Settings()


class _Given:
    def __init__(self, answer: bytes | Exception) -> None:
        self.answer = answer

    async def tile(self, *_: int) -> bytes:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


async def got(answer: bytes | Exception, path: str, seen: str = "") -> tuple[int, dict[str, str]]:
    """Return the status and the headers of a tile's address."""
    app = FastAPI()
    app.include_router(tile_pages.router)
    app.state.context, app.state.tiles = _Context(), _Given(answer)
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(b"if-none-match", seen.encode())] if seen else [],
    }
    await app(scope, receive, send)
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], headers


async def test_the_address_gives_pictures_with_a_validator_and_nothing_else() -> None:
    status, headers = await got(TILE, "/tiles/12/3641/1606.png")
    assert (status, headers["content-type"]) == (200, "image/png")
    assert "max-age=604800" in headers["cache-control"]
    assert (await got(TILE, "/tiles/12/3641/1606.png", headers["etag"]))[0] == 304
    for path in ("12/3641/../../etc/passwd", "12/3641/１", "-1/0/0", "12/3/99999999", "a/b/c"):
        assert (await got(TILE, f"/tiles/{path}.png"))[0] == 404
    assert (await got(NoTile(), "/tiles/12/1/1.png"))[0] == 404
    assert (await got(TileTrouble(), "/tiles/12/1/1.png"))[0] == 503


def test_the_setting_is_an_address_of_tiles_or_none() -> None:
    assert tiles_url({"TODOKE_TILES_URL": "none"}) == ""
    assert "cyberjapandata" in tiles_url({})
    own = "https://tiles.example.jp/{z}/{x}/{y}.png"
    assert tiles_url({"TODOKE_TILES_URL": own}) == own
    for wrong in ("ftp://a/{z}/{x}/{y}", "https://{z}/{x}/{y}", "https://a/{z}/{x}.png", "x"):
        with pytest.raises(BadInput):
            tiles_url({"TODOKE_TILES_URL": wrong})


async def test_a_city_with_its_own_file_fetches_nothing(tmp_path: Path) -> None:
    make_mbtiles(tmp_path / "tiles.mbtiles", TILE)
    file = open_tiles(tmp_path / "tiles.mbtiles")
    async with world(tmp_path) as here, aiohttp.ClientSession() as http:
        city = load_folder(SAMPLE_CITY).city
        tiles = Tiles(city, file, http, tmp_path / "tiles", source=here.server.url)
        assert tiles.facts is not None
        assert tiles.facts.credit == "© City 2026"
        assert await tiles.tile(*NEAR) == TILE
        with pytest.raises(NoTile):
            await tiles.tile(*NEXT)
        assert here.server.asked == []
