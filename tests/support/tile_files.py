"""Files of map tiles, made as their specifications say."""

from __future__ import annotations

import io
import sqlite3
from pathlib import Path

from PIL import Image
from pmtiles.tile import Compression, TileType, zxy_to_tileid
from pmtiles.writer import Writer

PLACE = (12, 3641, 1606)
"""Zoom, column and row of a tile in Tsukuba."""


def picture(kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (256, 256), "#cde").save(file, kind)
    return file.getvalue()


def make_mbtiles(path: Path, tile: bytes, *, bounds: str = "139.9,35.9,140.3,36.3") -> None:
    zoom, x, y = PLACE
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE metadata (name text, value text)")
        database.execute(
            "CREATE TABLE tiles (zoom_level integer, tile_column integer, tile_row integer, "
            "tile_data blob)"
        )
        rows = [("bounds", bounds), ("attribution", '<a href="x">© City</a> <b>2026</b>')]
        database.executemany("INSERT INTO metadata VALUES (?, ?)", rows)
        # The specification counts rows from the south.
        database.execute("INSERT INTO tiles VALUES (?, ?, ?, ?)", (zoom, x, 4095 - y, tile))
    database.close()


def make_pmtiles(path: Path, tile: bytes, kind: TileType = TileType.PNG) -> None:
    zoom = PLACE[0]
    with path.open("wb") as file:
        writer = Writer(file)
        writer.write_tile(zxy_to_tileid(*PLACE), tile)
        writer.finalize(
            {
                "tile_type": kind,
                "tile_compression": Compression.NONE,
                "min_zoom": zoom,
                "max_zoom": zoom,
                "min_lon_e7": 1_399_000_000,
                "min_lat_e7": 359_000_000,
                "max_lon_e7": 1_403_000_000,
                "max_lat_e7": 363_000_000,
                "center_zoom": zoom,
                "center_lon_e7": 1_400_000_000,
                "center_lat_e7": 361_000_000,
            },
            {"attribution": '<a href="x">© City</a> <b>2026</b>'},
        )
