"""The city's own map tiles: ``tiles.pmtiles`` or ``tiles.mbtiles`` in its folder.

Both are one file with pictures (PNG, JPEG or WebP) in Web Mercator, by zoom, column and row.
Sources: https://github.com/protomaps/PMTiles/blob/main/spec/v3/spec.md,
https://github.com/mapbox/mbtiles-spec/blob/master/1.3/spec.md
"""

from __future__ import annotations

import os
import re
import sqlite3
import weakref
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from math import atan, degrees, pi, sinh
from pathlib import Path
from typing import Any

from pmtiles.reader import Reader
from pmtiles.tile import TileType

from city.faults import FolderFault
from city.reasons import reason
from city.shapes import Box

NAMES = ("tiles.pmtiles", "tiles.mbtiles")
LEAST_ZOOM, MOST_ZOOM = 0, 22
MOST_CREDIT = 200
WORLD: Box = (-180.0, -85.0, 180.0, 85.0)
PICTURES = {TileType.PNG, TileType.JPEG, TileType.WEBP}


class BadTiles(Exception):
    """The file is no such file, or has no pictures; the message says what is wrong."""


@dataclass(frozen=True)
class TileFile:
    """A file of tiles: its zooms, the box that it covers, and whom to name for it.

    ``read`` returns a tile of a zoom, a column and a row (from the north), or None. It reads the
    disk, and any thread may call it.
    """

    path: Path
    least_zoom: int
    most_zoom: int
    box: Box
    credit: str
    read: Callable[[int, int, int], bytes | None]


def read_tiles(folder: Path, faults: list[FolderFault]) -> TileFile | None:
    """Return the tiles of a city's folder, and add a fault if they cannot be used."""
    path = next((folder / name for name in NAMES if (folder / name).is_file()), None)
    if path is None:
        return None
    try:
        return open_tiles(path)
    except BadTiles as error:
        faults.append(
            FolderFault(
                path, None, reason("tiles.wrong", error=str(error)), left_out=reason("part.file")
            )
        )
        return None


def open_tiles(path: Path) -> TileFile:
    """Return a file's tiles.

    Raises
    ------
    BadTiles
        The file cannot be read, or has other tiles than pictures.
    """
    return _pmtiles(path) if path.suffix == ".pmtiles" else _mbtiles(path)


def media_type(tile: bytes) -> str | None:
    """Return what kind of picture a tile is, by its first bytes; None if it is none of ours."""
    if tile.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if tile.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if tile.startswith(b"RIFF") and tile[8:12] == b"WEBP":
        return "image/webp"
    return None


def tile_box(zoom: int, x: int, y: int) -> Box:
    """Return west, south, east and north of a tile, in degrees (Web Mercator)."""

    def north(row: int) -> float:
        return degrees(atan(sinh(pi * (1 - 2 * row / 2**zoom))))

    side = 360 / 2**zoom
    return x * side - 180, north(y + 1), (x + 1) * side - 180, north(y)


def _parts_of(path: Path) -> Callable[[int, int], bytes]:
    """Return what reads some bytes of a file from a position; any thread may call it.

    It is not mapped into memory: if somebody then copies another file over it, the system ends the
    whole process.
    """
    file = os.open(path, os.O_RDONLY)

    def part(offset: int, length: int) -> bytes:
        return os.pread(file, length, offset)

    weakref.finalize(part, os.close, file)
    return part


def _pmtiles(path: Path) -> TileFile:
    try:
        reader = Reader(_parts_of(path))
        header, about = reader.header(), reader.metadata()
    except Exception as error:  # the library raises what it meets: short files, wrong numbers
        raise BadTiles(f"it is no PMTiles file of version 3 ({type(error).__name__})") from error
    if header["tile_type"] not in PICTURES:
        raise BadTiles("its tiles are no PNG, JPEG or WebP pictures")
    west, south, east, north = (
        header[name] / 1e7 for name in ("min_lon_e7", "min_lat_e7", "max_lon_e7", "max_lat_e7")
    )
    said = about if isinstance(about, dict) else {}

    def read(zoom: int, x: int, y: int) -> bytes | None:
        try:
            found = reader.get(zoom, x, y)
        except Exception as error:  # as above: a damaged directory
            raise BadTiles("a part of it is damaged") from error
        return found or None

    return TileFile(
        path,
        *_zooms(header["min_zoom"], header["max_zoom"]),
        _box((west, south, east, north)),
        _credit(said.get("attribution")),
        read,
    )


def _mbtiles(path: Path) -> TileFile:
    address = f"{path.resolve().as_uri()}?mode=ro&immutable=1"

    def connected() -> closing[sqlite3.Connection]:
        return closing(sqlite3.connect(address, uri=True))

    try:
        with connected() as database:
            rows = database.execute("SELECT name, value FROM metadata").fetchall()
            zooms = database.execute(
                "SELECT min(zoom_level), max(zoom_level) FROM tiles"
            ).fetchone()
            sample = database.execute("SELECT tile_data FROM tiles LIMIT 1").fetchone()
    except sqlite3.Error as error:
        raise BadTiles(f"it is no MBTiles file ({error})") from error
    if sample is None or not isinstance(sample[0], bytes) or media_type(sample[0]) is None:
        raise BadTiles("its tiles are no PNG, JPEG or WebP pictures")
    said: Mapping[str, Any] = dict(rows)

    def read(zoom: int, x: int, y: int) -> bytes | None:
        # Rows are counted from the south (TMS).
        place = (zoom, x, 2**zoom - 1 - y)
        query = (
            "SELECT tile_data FROM tiles WHERE zoom_level = ? AND tile_column = ? AND tile_row = ?"
        )
        try:
            with connected() as database:
                row = database.execute(query, place).fetchone()
        except sqlite3.Error as error:
            raise BadTiles("a part of it is damaged") from error
        return row[0] if row and isinstance(row[0], bytes) else None

    return TileFile(path, *_zooms(*zooms), _bounds(said), _credit(said.get("attribution")), read)


def _zooms(least: Any, most: Any) -> tuple[int, int]:
    if type(least) is not int or type(most) is not int:
        raise BadTiles("its zooms are no numbers")
    if not LEAST_ZOOM <= least <= most <= MOST_ZOOM:
        raise BadTiles(f"its zooms are {least} to {most}")
    return least, most


def _bounds(said: Mapping[str, Any]) -> Box:
    try:
        west, south, east, north = map(float, str(said.get("bounds", "")).split(","))
    except ValueError:
        return WORLD
    return _box((west, south, east, north))


def _box(box: Box) -> Box:
    west, south, east, north = box
    return box if -180 <= west < east <= 180 and -90 <= south < north <= 90 else WORLD


def _credit(said: Any) -> str:
    """The words of an attribution, which may be HTML."""
    plain = re.sub(r"<[^>]*>", "", said) if isinstance(said, str) else ""
    return " ".join(plain.split())[:MOST_CREDIT]
