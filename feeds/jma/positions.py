"""The position of a city, exact enough to say whether a typhoon's circle reaches it.

``data/positions.csv`` has one point for each primary area (一次細分区域): its main towns, to a
tenth of a degree, written down by us. An area is some tens of kilometres wide; :data:`AROUND`
allows for that in circles of a hundred kilometres and more.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

from city.city import JmaCodes
from feeds.jma.codes import DATA

AROUND = 20.0
"""Kilometres that a city may lie beyond its area's point, towards a circle."""
DEGREE = 111.2
"""Kilometres in a degree of latitude."""


class Point(NamedTuple):
    """Degrees north and east."""

    latitude: float
    longitude: float


def points_of(codes: JmaCodes) -> tuple[Point, ...]:
    """The points of a city's areas; none if its areas are not known."""
    known = _points()
    return tuple(known[area] for area in codes.forecast_areas if area in known)


def distance(first: Point, second: Point) -> float:
    """Kilometres between two points of the region, on a sphere."""
    north = math.radians(second.latitude - first.latitude)
    east = math.radians(second.longitude - first.longitude)
    middle = math.cos(math.radians(first.latitude)) * math.cos(math.radians(second.latitude))
    half = math.sin(north / 2) ** 2 + middle * math.sin(east / 2) ** 2
    return 2 * 6371.0 * math.asin(math.sqrt(half))


def bearing(origin: Point, to: Point) -> float:
    """The direction from one point to another, in degrees clockwise from north."""
    north = to.latitude - origin.latitude
    east = (to.longitude - origin.longitude) * math.cos(math.radians(origin.latitude))
    return math.degrees(math.atan2(east, north)) % 360


@cache
def _points() -> dict[str, Point]:
    with (DATA / "positions.csv").open(encoding="utf-8", newline="") as source:
        return {
            row["forecast_area"]: Point(float(row["latitude"]), float(row["longitude"]))
            for row in csv.DictReader(source)
        }


def reaches(centre: Point, radii: Iterable[tuple[str, float]], points: Iterable[Point]) -> bool:
    """Whether an area around a centre reaches one of the points.

    ``radii`` gives kilometres by side (南東); the empty side is every direction. Of several sides,
    the one towards the point counts.
    """
    by_side = dict(radii)
    return any(
        distance(centre, point) <= _radius(by_side, bearing(centre, point)) + AROUND
        for point in points
    )


COMPASS = {
    name: 22.5 * number
    for number, name in enumerate(
        (
            *("北", "北北東", "北東", "東北東", "東", "東南東", "南東", "南南東"),
            *("南", "南南西", "南西", "西南西", "西", "西北西", "北西", "北北西"),
        )
    )
}
"""The sixteen points in degrees clockwise from north."""


def _radius(by_side: dict[str, float], direction: float) -> float:
    if "" in by_side:
        return by_side[""]
    sides = [side for side in by_side if side in COMPASS]
    if not sides:
        return 0.0
    return by_side[min(sides, key=lambda side: _apart(COMPASS[side], direction))]


def _apart(first: float, second: float) -> float:
    return min((first - second) % 360, (second - first) % 360)
