"""Where everybody sees a report: a street, and of a home only its road."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import cos, radians

import pytest

from city.city import City, Owner
from city.folder import load_folder
from core.geo import distance_m, distance_to_line
from reports import public_place
from tests.support.project import SAMPLE_CITY

ROAD = ((140.1000, 36.1000), (140.1000, 36.1100), (140.1200, 36.1100))
METRE = 1 / 111_195
"""Of a degree of latitude."""


@dataclass(frozen=True)
class Reported:
    longitude: float | None
    latitude: float | None
    category: str = "pothole"
    is_home: bool = False


@pytest.fixture(scope="module")
def city() -> City:
    sample = load_folder(SAMPLE_CITY).city
    road = Owner(code="road", names={"ja": "県"}, kinds=("pothole",), lines=(ROAD,))
    railway = Owner(
        code="rail", names={"ja": "鉄道"}, lines=(((140.1002, 36.0), (140.1002, 36.2)),)
    )
    return sample.model_copy(update={"owners": (road, railway)})


def test_a_street_is_shown_to_about_ten_metres(city: City) -> None:
    assert public_place.of(Reported(140.123456, 36.123456), city) == (140.1235, 36.1235)
    assert public_place.of(Reported(None, None), city) is None


def test_a_home_is_shown_on_its_road_and_not_before_its_door(city: City) -> None:
    shown = set()
    for number in range(8):
        # Eight houses of one row, ten metres apart and thirty metres beside the road.
        longitude = 140.1000 - 30 * METRE / cos(radians(36.1))
        house = Reported(longitude, 36.1037 + number * 10 * METRE, is_home=True)
        place = public_place.of(house, city)
        assert place is not None
        assert distance_to_line(place, ROAD) < 12
        shown.add(place)
    assert len(shown) <= 2, "neighbours share a point"


def test_a_kind_on_private_ground_needs_no_tick(city: City) -> None:
    kinds = tuple(
        kind.model_copy(update={"at_homes": kind.code == "other"})
        for kind in city.report_categories
    )
    careful = city.model_copy(update={"report_categories": kinds})
    garden = Reported(140.0997, 36.1037, "other")
    assert public_place.of(garden, city) == (140.0997, 36.1037)
    place = public_place.of(garden, careful)
    assert place is not None and distance_to_line(place, ROAD) < 12
    assert public_place.of(replace(garden, category="pothole"), careful) == (140.0997, 36.1037)


@pytest.mark.parametrize(("metres", "on_road"), [(290, True), (310, False)])
def test_the_road_of_a_home_is_within_300_metres(city: City, metres: int, on_road: bool) -> None:
    longitude = 140.1000 - metres * METRE / cos(radians(36.1))
    place = public_place.of(Reported(longitude, 36.1037, is_home=True), city)
    assert place is not None
    assert (distance_to_line(place, ROAD) < 12) is on_road


def test_a_home_far_from_every_road_is_somewhere_in_its_block(city: City) -> None:
    home = Reported(140.1512, 36.1532, is_home=True)
    place = public_place.of(home, city)
    assert place is not None
    assert distance_m(140.1512, 36.1532, *place) <= public_place.GRID_M * 0.75
    # Whoever lives in the same block is shown at the same point.
    all_shown = {
        public_place.of(
            Reported(140.15 + x * 20 * METRE, 36.15 + y * 20 * METRE, is_home=True), city
        )
        for x in range(10)
        for y in range(10)
    }
    assert len(all_shown) <= 4


@pytest.mark.parametrize("latitude", [20.4, 26.2, 36.1, 45.5])
def test_the_grid_is_as_wide_as_high_everywhere_in_japan(city: City, latitude: float) -> None:
    bare = city.model_copy(update={"owners": ()})
    shown = {
        public_place.of(Reported(140 + x * METRE * 10, latitude, is_home=True), bare)
        for x in range(200)
    }
    wide = 2000 * cos(radians(latitude))
    assert wide / 220 - 1 <= len(shown) <= wide / 180 + 2


def test_a_home_is_always_shown_at_the_same_point(city: City) -> None:
    home = Reported(140.0997, 36.1037, is_home=True)
    assert len({public_place.of(home, city) for _ in range(20)}) == 1
    assert public_place.of(home, city) != (140.0997, 36.1037)
