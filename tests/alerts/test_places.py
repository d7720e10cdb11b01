"""Districts for an alert from a drawn area; hostile areas are refused."""

from __future__ import annotations

import json
import time

import pytest

from alerts.places import MOST_POINTS, districts_of_area, districts_of_zones, drawn_area
from city.city import City, District
from city.folder import load_folder
from core.errors import Refusal
from tests.support.project import SAMPLE_CITY


def square(west: float, south: float, size: float = 1.0) -> tuple[tuple[float, float], ...]:
    east, north = west + size, south + size
    return ((west, south), (east, south), (east, north), (west, north), (west, south))


def two_districts(city: City) -> City:
    made = (
        District(code="a", names={"ja": "あ"}, polygons=((square(140, 36),),)),
        # With a hole in its middle.
        District(
            code="b", names={"ja": "い"}, polygons=((square(141, 36), square(141.4, 36.4, 0.2)),)
        ),
    )
    return city.model_copy(update={"districts": made})


def drawn(*corners: tuple[float, float]) -> str:
    ring = [*corners, corners[0]]
    return json.dumps({"type": "Polygon", "coordinates": [ring]})


@pytest.mark.parametrize(
    ("corners", "found"),
    [
        (((140.2, 36.2), (140.4, 36.2), (140.4, 36.4)), ("a",)),
        (((140.9, 36.2), (141.1, 36.2), (141.1, 36.4)), ("a", "b")),
        # Around both; across one without a corner in it.
        (((139, 35), (143, 35), (143, 38), (139, 38)), ("a", "b")),
        (((139, 36.5), (140.5, 36.51), (139, 36.6)), ("a",)),
        # It touches an edge.
        (((139, 36.5), (140, 36.5), (139, 36.6)), ("a",)),
    ],
)
def test_the_districts_that_an_area_touches(
    city: City, corners: tuple[tuple[float, float], ...], found: tuple[str, ...]
) -> None:
    assert districts_of_area(drawn_area(drawn(*corners)), two_districts(city)) == found


@pytest.mark.parametrize(
    "corners",
    [
        ((10.0, 50.0), (11.0, 50.0), (11.0, 51.0)),
        # In the hole of a district.
        ((141.45, 36.45), (141.5, 36.45), (141.5, 36.5)),
    ],
)
def test_an_area_outside_the_city_is_refused(
    city: City, corners: tuple[tuple[float, float], ...]
) -> None:
    ring = drawn_area(drawn(*corners))
    with pytest.raises(Refusal, match="touches no district"):
        districts_of_area(ring, two_districts(city))


def circle(corners: int) -> list[tuple[float, float]]:
    from math import cos, pi, sin

    return [
        (140.5 + cos(2 * pi * at / corners) / 4, 36.5 + sin(2 * pi * at / corners) / 4)
        for at in range(corners)
    ]


def test_an_area_has_at_most_200_corners(city: City) -> None:
    assert MOST_POINTS == 200
    assert districts_of_area(drawn_area(drawn(*circle(200))), two_districts(city)) == ("a",)
    with pytest.raises(Refusal, match="more than 200"):
        drawn_area(drawn(*circle(201)))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "{",
        '{"type": "Polygon"}',
        '{"type": "Polygon", "coordinates": []}',
        '{"type": "Polygon", "coordinates": [[]]}',
        '{"type": "Polygon", "coordinates": [[1, 2, 3, 1]]}',
        '{"type": "Polygon", "coordinates": [[[140, 36], [141, 36], [140, 36]]]}',
        '{"type": "MultiPolygon", "coordinates": [[[[140, 36], [141, 36], [141, 37], [140, 36]]]]}',
        '{"type": "Polygon", "coordinates": [[["140", 36], [141, 36], [141, 37], ["140", 36]]]}',
        '{"type": "Polygon", "coordinates": [[[NaN, 36], [141, 36], [141, 37], [NaN, 36]]]}',
        '{"type": "Polygon", "coordinates": [[[140, 36], [1e999, 36], [141, 37], [140, 36]]]}',
        '{"type": "Polygon", "coordinates": [[[140, 36], [true, 36], [141, 37], [140, 36]]]}',
        # Not closed, a line, twice the same corner, a hole.
        '{"type": "Polygon", "coordinates": [[[140, 36], [141, 36], [141, 37], [140, 37]]]}',
        '{"type": "Polygon", "coordinates": [[[140, 36], [141, 36], [142, 36], [140, 36]]]}',
        '{"type": "Polygon", "coordinates": [[[140, 36], [140, 36], [140, 36], [140, 36]]]}',
        '{"type": "Polygon", "coordinates": [[[140, 36], [141, 36], [141, 37], [140, 36]], []]}',
        "[" * 100_000,
        '{"type": "Feature", "geometry": ' * 500 + "null" + "}" * 500,
        '{"type": "Polygon", "coordinates": ' + "[" * 9_000,
        '{"type": "Polygon", "coordinates": [[[' + "9" * 5_000 + ", 36], [1, 2], [3, 4], [5, 6]]]}",
    ],
)
def test_what_is_no_area_is_refused_at_once(text: str) -> None:
    began = time.perf_counter()
    with pytest.raises(Refusal):
        drawn_area(text)
    assert time.perf_counter() - began < 0.5


def test_lines_that_cross_are_refused() -> None:
    with pytest.raises(Refusal, match="cross"):
        drawn_area(drawn((140, 36), (141, 37), (141, 36), (140, 37), (139, 36.5)))


def test_a_danger_zone_of_the_sample_city_has_its_districts() -> None:
    """Each district that a zone's own corner lies in is found, by the city's own look-up."""
    folder = load_folder(SAMPLE_CITY)
    assert folder.hazard_zones
    found = set(districts_of_zones(folder.hazard_zones, folder.city))
    corners = [
        folder.city.district_at(*corner)
        for zone in folder.hazard_zones
        for polygon in zone.polygons
        for corner in polygon[0]
    ]
    assert {each.code for each in corners if each is not None} <= found
    assert found and found < set(folder.city.district_by_code)
