"""Map tiles through this service: the city's own file, else those of GSI, fetched and kept.

No browser asks a stranger for a tile, so nobody learns which place somebody looks at. Tiles of the
Geospatial Information Authority of Japan (地理院タイル) may be used if they are
named as the source:
https://maps.gsi.go.jp/development/ichiran.html

Only the city's surroundings are fetched, each tile once at a time, with a limit on all fetches:
nobody can use the service to load another server.
"""

from __future__ import annotations

import asyncio
import os
import struct
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path
from tempfile import NamedTemporaryFile

import aiohttp
import structlog

from city.city import City
from city.shapes import Box, box_of
from city.tile_files import BadTiles, TileFile, media_type, tile_box
from core.settings import GSI_TILES_URL

GSI_CREDIT, GSI_LINK = "地理院タイル", "https://maps.gsi.go.jp/development/ichiran.html"
LEAST_ZOOM, MOST_ZOOM = 5, 18
MARGIN_DEGREES = 0.1
"""How far around the city tiles are fetched: 11 km to the north, 9 km to the east."""
MOST_TILE_BYTES = 300_000
TILE_SIDES = (256, 512)
FRESH_SECONDS = 30 * 86_400.0
MISSING_SECONDS = 86_400.0
"""How long a tile that the server does not have is not asked for again."""
FAILED_SECONDS = 30.0
"""How long nothing is asked for after the server failed."""
PATIENCE_SECONDS = 5.0
MOST_AT_ONCE, MOST_WAITING = 6, 120
BURST, A_SECOND = 300.0, 5.0
"""Fetches at once and for ever: a first look at a map needs about 40."""
MOST_KEPT_BYTES = 500_000_000
MOST_MISSING = 20_000
FOLDER = "tiles"
"""The folder of the kept tiles within ``TODOKE_MEDIA_DIR``; backups leave it out."""

log = structlog.get_logger(__name__)
Key = tuple[int, int, int]


class NoTile(Exception):
    """There is no such tile, and there will be none soon."""


class TileTrouble(Exception):
    """The tile cannot be had now."""


@dataclass(frozen=True)
class TileFacts:
    """What a map must know of the tiles; ``box`` is where there are some."""

    least: int
    most: int
    box: Box | None
    credit: str
    link: str


class Tiles:
    """The tiles of one city.

    Parameters
    ----------
    file
        The city's own tiles; then nothing is ever fetched.
    kept
        The folder for fetched tiles.
    source
        The address of the tiles to fetch, with ``{z}``, ``{x}`` and ``{y}``; empty for none.
    monotonic, wall
        Seconds that pass, and seconds since 1970 for the age of files.
    """

    def __init__(
        self,
        city: City,
        file: TileFile | None,
        http: aiohttp.ClientSession,
        kept: Path,
        *,
        source: str = GSI_TILES_URL,
        patience: float = PATIENCE_SECONDS,
        most_bytes: int = MOST_KEPT_BYTES,
        burst: float = BURST,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._file = file
        self._http = http
        self._kept = kept
        self._source = source
        self._patience = aiohttp.ClientTimeout(total=patience)
        self._most_bytes = most_bytes
        self._size: int | None = None
        self._monotonic = monotonic
        self._wall = wall
        self._allowed, self._most_allowed, self._counted_at = burst, burst, monotonic()
        self._running: dict[Key, asyncio.Task[bytes]] = {}
        self._places = asyncio.Semaphore(MOST_AT_ONCE)
        self._missing: OrderedDict[Key, float] = OrderedDict()
        self._failed_until = 0.0
        self._disk_failed = False
        box = box_of(city)
        self._area: Box | None = None
        if box is not None:
            west, south, east, north = box
            self._area = (
                *(west - MARGIN_DEGREES, south - MARGIN_DEGREES),
                *(east + MARGIN_DEGREES, north + MARGIN_DEGREES),
            )

    @property
    def facts(self) -> TileFacts | None:
        """What a map must know; None if there are no tiles, or none just now."""
        if self._file is not None:
            file = self._file
            return TileFacts(file.least_zoom, file.most_zoom, file.box, file.credit, "")
        if not self._source or self._area is None or self._failed_until > self._monotonic():
            return None
        own = self._source == GSI_TILES_URL
        credit, link = (GSI_CREDIT, GSI_LINK) if own else ("", "")
        return TileFacts(LEAST_ZOOM, MOST_ZOOM, self._area, credit, link)

    async def tile(self, zoom: int, x: int, y: int) -> bytes:
        """Return a tile's picture.

        Raises
        ------
        NoTile
            There is none there.
        TileTrouble
            It cannot be had now.
        """
        if not 0 <= zoom <= 22 or not (0 <= x < 2**zoom and 0 <= y < 2**zoom):
            raise NoTile
        if self._file is not None:
            return await self._from_file(self._file, zoom, x, y)
        if not self._source or not LEAST_ZOOM <= zoom <= MOST_ZOOM or not self._is_near(zoom, x, y):
            raise NoTile
        key = (zoom, x, y)
        task = self._running.get(key)
        if task is None:
            if len(self._running) >= MOST_WAITING:
                raise TileTrouble
            task = self._running[key] = asyncio.create_task(self._kept_or_fetched(key))
            task.add_done_callback(lambda _: self._running.pop(key, None))
        # A reader who goes away does not end it for the others.
        return await asyncio.shield(task)

    async def _from_file(self, file: TileFile, zoom: int, x: int, y: int) -> bytes:
        try:
            tile = await asyncio.to_thread(file.read, zoom, x, y)
        except (BadTiles, OSError) as error:
            log.warning("tile.unreadable", path=str(file.path), reason=str(error))
            raise TileTrouble from error
        if tile is None or media_type(tile) is None:
            raise NoTile
        return tile

    def _is_near(self, zoom: int, x: int, y: int) -> bool:
        if self._area is None:
            return False
        west, south, east, north = tile_box(zoom, x, y)
        area = self._area
        return west <= area[2] and area[0] <= east and south <= area[3] and area[1] <= north

    async def _kept_or_fetched(self, key: Key) -> bytes:
        path = self._path(key)
        kept, age = await asyncio.to_thread(_read, path, self._wall())
        if kept is not None and age < FRESH_SECONDS:
            return kept
        try:
            return await self._fetched(key, kept, path)
        except (TileTrouble, NoTile):
            if kept is not None:  # an old map is better than none
                return kept
            raise

    async def _fetched(self, key: Key, kept: bytes | None, path: Path) -> bytes:
        now = self._monotonic()
        if self._missing.get(key, 0.0) > now:
            raise NoTile
        if self._failed_until > now:
            raise TileTrouble
        if not self._may_fetch(now):
            raise TileTrouble
        async with self._places:
            if self._failed_until > self._monotonic():  # others failed meanwhile
                raise TileTrouble
            since = await asyncio.to_thread(_since, path) if kept is not None else ""
            tile = await self._asked(key, since)
        if tile is None:
            assert kept is not None
            await asyncio.to_thread(self._touch, path)
            return kept
        await asyncio.to_thread(self._keep, path, tile)
        return tile

    def _may_fetch(self, now: float) -> bool:
        passed, self._counted_at = now - self._counted_at, now
        self._allowed = min(self._most_allowed, self._allowed + passed * A_SECOND)
        if self._allowed < 1:
            return False
        self._allowed -= 1
        return True

    async def _asked(self, key: Key, since: str) -> bytes | None:
        """Ask the server for a tile; None if the kept one is still right."""
        zoom, x, y = key
        address = self._source.format(z=zoom, x=x, y=y)
        headers = {"Accept": "image/*", "User-Agent": "Todoke"}
        if since:
            headers["If-Modified-Since"] = since
        try:
            async with self._http.get(
                address, timeout=self._patience, headers=headers, allow_redirects=False
            ) as answer:
                if answer.status == 304 and since:
                    return None
                if answer.status in (404, 410):
                    self._note_missing(key)
                    raise NoTile
                if answer.status != 200:
                    raise self._failed(f"status {answer.status}")
                tile = await _body(answer)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise self._failed(type(error).__name__) from error
        if tile is None or not is_tile(tile):
            raise self._failed("no picture of a tile")
        return tile

    def _failed(self, why: str) -> TileTrouble:
        now = self._monotonic()
        if self._failed_until <= now:
            log.warning("tile.failed", reason=why)
        self._failed_until = now + FAILED_SECONDS
        return TileTrouble(why)

    def _note_missing(self, key: Key) -> None:
        self._missing[key] = self._monotonic() + MISSING_SECONDS
        while len(self._missing) > MOST_MISSING:
            self._missing.popitem(last=False)

    def _path(self, key: Key) -> Path:
        zoom, x, y = key
        return self._kept / str(zoom) / str(x) / str(y)

    def _touch(self, path: Path) -> None:
        with suppress(OSError):
            os.utime(path, (self._wall(), self._wall()))

    def _keep(self, path: Path, tile: bytes) -> None:
        """Keep a tile; without room on the disk it is only sent."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as file:
                try:
                    file.write(tile)
                    file.close()
                    Path(file.name).replace(path)
                except OSError:
                    Path(file.name).unlink(missing_ok=True)
                    raise
            self._touch(path)
        except OSError as error:
            if not self._disk_failed:
                log.warning("tile.not_kept", reason=str(error))
            self._disk_failed = True
            return
        self._disk_failed = False
        if self._size is None:
            self._size = sum(size for _, size, _ in _files(self._kept))
        else:
            self._size += len(tile)
        if self._size > self._most_bytes:
            self._size = _shrunk(self._kept, self._most_bytes * 9 // 10)


async def _body(answer: aiohttp.ClientResponse) -> bytes | None:
    """Return the body, or None if it is larger than a tile can be."""
    body = bytearray()
    async for chunk in answer.content.iter_chunked(65_536):
        body += chunk
        if len(body) > MOST_TILE_BYTES:
            return None
    return bytes(body)


def is_tile(body: bytes) -> bool:
    """Whether this is a whole PNG of a tile's size (PNG, 5.6 and 11.2.1)."""
    if not body.startswith(b"\x89PNG\r\n\x1a\n") or len(body) < 45 or body[12:16] != b"IHDR":
        return False
    sides: tuple[int, int] = struct.unpack(">II", body[16:24])
    return sides[0] == sides[1] and sides[0] in TILE_SIDES and body[-8:-4] == b"IEND"


def _read(path: Path, now: float) -> tuple[bytes | None, float]:
    """Return a kept tile and its age in seconds; a future date counts as old."""
    try:
        age = now - path.stat().st_mtime
        tile = path.read_bytes()
    except OSError:
        return None, 0.0
    if not is_tile(tile):
        return None, 0.0
    return tile, age if age >= -86_400 else FRESH_SECONDS


def _since(path: Path) -> str:
    """Return when a tile was fetched, as HTTP writes dates; "" if it is gone."""
    try:
        return formatdate(path.stat().st_mtime, usegmt=True)
    except OSError:
        return ""


def _files(folder: Path) -> list[tuple[float, int, Path]]:
    found = []
    for path in folder.glob("*/*/*"):
        with suppress(OSError):
            about = path.stat()
            found.append((about.st_mtime, about.st_size, path))
    return found


def _shrunk(folder: Path, most: int) -> int:
    """Remove the oldest tiles until the rest is small enough; return its bytes."""
    files = sorted(_files(folder))
    size = sum(one for _, one, _ in files)
    for _, one, path in files:
        if size <= most:
            break
        with suppress(OSError):
            path.unlink()
            size -= one
    return size
