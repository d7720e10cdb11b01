"""The zones of the city's hazard map."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from city.folder import check_city, load_folder
from city.hazards import zones_at
from city.shelters import Hazard
from tests.support.project import SAMPLE_CITY

RING = [[140.0, 36.0], [140.1, 36.0], [140.1, 36.1], [140.0, 36.1], [140.0, 36.0]]
HOLE = [[140.04, 36.04], [140.06, 36.04], [140.06, 36.06], [140.04, 36.06], [140.04, 36.04]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    copied = tmp_path / "city"
    shutil.copytree(SAMPLE_CITY, copied)
    shutil.rmtree(copied / "hazards")
    (copied / "hazards").mkdir()
    return copied


def zone(*rings: list[list[float]], **properties: Any) -> dict[str, Any]:
    geometry = {"type": "Polygon", "coordinates": list(rings)}
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def write(folder: Path, name: str, *features: Any) -> None:
    content = {"type": "FeatureCollection", "features": list(features)}
    (folder / "hazards" / name).write_text(json.dumps(content), "utf-8")


def test_a_point_is_in_the_zones_that_contain_it_with_the_greatest_depth(folder: Path) -> None:
    write(folder, "flood.geojson", zone(RING, depth_m=0.5), zone(RING, HOLE, depth_m=3))
    write(folder, "landslide.geojson", zone(HOLE))
    assert check_city(folder) == []
    zones = load_folder(folder).hazard_zones
    assert zones_at(zones, 140.02, 36.02) == {Hazard.FLOOD: 3.0}
    assert zones_at(zones, 140.05, 36.05) == {Hazard.FLOOD: 0.5, Hazard.LANDSLIDE: None}
    assert zones_at(zones, 140.2, 36.05) == {}


def test_a_wrong_zone_is_named_and_left_out_and_the_others_stay(folder: Path) -> None:
    write(folder, "flood.geojson", zone(RING), zone(RING[:-1]), zone(RING, depth_m=-1), "x")
    write(folder, "floood.geojson", zone(RING))
    (folder / "hazards" / "tsunami.geojson").write_text("{", "utf-8")
    said = [str(fault) for fault in check_city(folder)]
    assert any("a ring must end where it begins" in one for one in said)
    assert any("depth_m is a number of metres up to" in one for one in said)
    assert any("every entry of features must be a Feature" in one for one in said)
    assert any("'floood' is no hazard (did you mean 'flood'?)" in one for one in said)
    assert any("tsunami.geojson" in one and "is not JSON" in one for one in said)
    assert all("Left out:" in one for one in said)
    assert len(load_folder(folder).hazard_zones) == 1


def test_a_city_without_zones_has_none(folder: Path) -> None:
    shutil.rmtree(folder / "hazards")
    assert check_city(folder) == []
    assert load_folder(folder).hazard_zones == ()
