"""The order in which a crew drives."""

from __future__ import annotations

import random
from itertools import pairwise, permutations

import pytest

from core.geo import distance_m
from reports.driving import in_driving_order

DEPOT = (140.10, 36.08)
STEP = 0.01


def length_m(way: list[tuple[float, float]]) -> float:
    """Return how long a way is, in metres of straight lines on the globe."""
    return sum(distance_m(*one, *other) for one, other in pairwise(way))


def test_places_on_one_road_are_driven_one_after_the_other() -> None:
    places = [(140.10 + STEP * number, 36.08) for number in (3, 1, 4, 2)]
    assert in_driving_order(places, DEPOT) == [1, 3, 0, 2]


def test_without_a_depot_the_first_place_is_the_first() -> None:
    places = [(140.10 + STEP * number, 36.08) for number in (4, 1, 3)]
    assert in_driving_order(places) == [0, 2, 1]


def test_what_has_no_place_comes_last_as_it_was() -> None:
    assert in_driving_order([None, (140.11, 36.08), None, (140.10, 36.08)], DEPOT) == [3, 1, 0, 2]
    assert in_driving_order([None, None]) == [0, 1]
    assert in_driving_order([]) == []
    assert in_driving_order([(140.1, 36.0)] * 3, DEPOT) == [0, 1, 2]


@pytest.mark.parametrize("seed", range(12))
def test_the_way_is_hardly_longer_than_the_shortest(seed: int) -> None:
    """Against all orders of seven places: at most a tenth longer."""
    chance = random.Random(seed)
    places = [(140 + chance.random() / 5, 36 + chance.random() / 5) for _ in range(7)]
    found = in_driving_order(places, DEPOT)
    assert sorted(found) == list(range(7))
    way = length_m([DEPOT, *(places[number] for number in found)])
    shortest = min(length_m([DEPOT, *order]) for order in permutations(places))
    assert way <= shortest * 1.1


def test_a_day_of_sixty_places_is_ordered_in_an_instant() -> None:
    chance = random.Random(60)
    places = [(140 + chance.random() / 5, 36 + chance.random() / 5) for _ in range(60)]
    found = in_driving_order(places, DEPOT)
    assert sorted(found) == list(range(60))
    given = length_m([DEPOT, *places])
    assert length_m([DEPOT, *(places[number] for number in found)]) < given / 3
