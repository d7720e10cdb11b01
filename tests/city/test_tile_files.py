"""The city's own map tiles are read, and a file that is none is named by ``todoke check``."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from pmtiles.tile import TileType

from city.faults import FolderFault
from city.tile_files import BadTiles, media_type, open_tiles, read_tiles, tile_box
from tests.support.tile_files import PLACE, make_mbtiles, make_pmtiles, picture


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("form", ["mbtiles", "pmtiles"])
def test_a_tile_comes_from_the_citys_file(tmp_path: Path, form: str, kind: str) -> None:
    tile, path = picture(kind), tmp_path / f"tiles.{form}"
    if form == "mbtiles":
        make_mbtiles(path, tile)
    else:
        make_pmtiles(path, tile, TileType[kind])
    faults: list[FolderFault] = []
    found = read_tiles(tmp_path, faults)
    assert found is not None
    assert faults == []
    assert found.read(*PLACE) == tile
    assert found.read(12, 3641, 1607) is None
    assert (found.least_zoom, found.most_zoom) == (12, 12)
    assert found.box == (139.9, 35.9, 140.3, 36.3)
    assert found.credit == "© City 2026"
    assert media_type(tile) == f"image/{kind.lower()}"


def test_vector_tiles_and_broken_files_are_named_and_left_out(tmp_path: Path) -> None:
    path = tmp_path / "tiles.pmtiles"
    make_pmtiles(path, gzip.compress(b"\x1a\x02vector"), TileType.MVT)
    faults: list[FolderFault] = []
    assert read_tiles(tmp_path, faults) is None
    assert "PNG, JPEG or WebP" in str(faults[0])
    assert not faults[0].stops
    for content in (b"", b"PMTiles\x03", b"SQLite format 3\0", bytes(4_000)):
        path.write_bytes(content)
        with pytest.raises(BadTiles):
            open_tiles(path)
        other = tmp_path / "other.mbtiles"
        other.write_bytes(content)
        with pytest.raises(BadTiles):
            open_tiles(other)


def test_a_file_that_lies_about_its_box_covers_the_world(tmp_path: Path) -> None:
    path = tmp_path / "tiles.mbtiles"
    make_mbtiles(path, picture(), bounds="nan,nan,1e9,0")
    assert open_tiles(path).box == (-180.0, -85.0, 180.0, 85.0)


def test_a_tile_lies_where_the_city_is() -> None:
    """The tile of zoom 5 that holds Tsukuba is 28/12 (slippy map tilenames, OpenStreetMap wiki)."""
    west, south, east, north = tile_box(5, 28, 12)
    assert west < 140.1 < east
    assert south < 36.1 < north
    assert tile_box(0, 0, 0) == pytest.approx((-180, -85.0511, 180, 85.0511), abs=1e-4)


@pytest.mark.parametrize("form", ["mbtiles", "pmtiles"])
def test_a_file_that_is_copied_over_while_it_is_read_does_not_end_the_process(
    tmp_path: Path, form: str
) -> None:
    path = tmp_path / f"tiles.{form}"
    (make_mbtiles if form == "mbtiles" else make_pmtiles)(path, picture())
    tiles = open_tiles(path)
    path.write_bytes(b"")  # what "cp" does first
    with pytest.raises(BadTiles):
        tiles.read(*PLACE)
