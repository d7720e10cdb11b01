"""Districts for an alert from a drawn area, a danger zone of the city, or a danger in force."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from itertools import pairwise
from math import isfinite
from typing import Any

from city.city import City
from city.hazards import HazardZone
from core.errors import Refusal
from core.geo import Position, Ring, ring_meets, sides_cross
from core.languages import mark

MOST_POINTS = 200
"""Highest number of corners of a drawn area."""
MOST_TEXT = 20_000
"""Highest number of characters of its GeoJSON."""
NOT_AN_AREA = mark("The drawn area is not a polygon in GeoJSON. Draw it again.")


def drawn_area(text: str) -> tuple[Position, ...]:
    """Return the corners of an area that somebody drew, the last one as the first.

    Parameters
    ----------
    text
        A polygon in GeoJSON (RFC 7946), as a geometry or a feature, without holes.

    Raises
    ------
    Refusal
        It is something else, has more than 200 corners, or its lines cross.
    """
    if len(text) > MOST_TEXT:
        raise Refusal(NOT_AN_AREA)
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise Refusal(NOT_AN_AREA) from None
    if isinstance(document, dict) and document.get("type") == "Feature":
        document = document.get("geometry")
    if not isinstance(document, dict) or document.get("type") != "Polygon":
        raise Refusal(NOT_AN_AREA)
    rings = document.get("coordinates")
    if not isinstance(rings, list) or len(rings) != 1 or not isinstance(rings[0], list):
        raise Refusal(NOT_AN_AREA)
    if len(rings[0]) > MOST_POINTS + 1:
        raise Refusal("The drawn area has more than {n} corners.", n=MOST_POINTS)
    ring = tuple(_position(each) for each in rings[0])
    if len(ring) < 4 or ring[0] != ring[-1] or len(set(ring)) < 3 or not _has_area(ring):
        raise Refusal(NOT_AN_AREA)
    if _crosses_itself(ring):
        raise Refusal("The lines of the drawn area cross. Draw it again.")
    return ring


def districts_of_area(ring: Ring, city: City) -> tuple[str, ...]:
    """Return the districts that an area touches.

    Raises
    ------
    Refusal
        It touches none.
    """
    found = _touched([ring], city)
    if not found:
        raise Refusal("The drawn area touches no district of the city.")
    return found


def districts_of_zones(zones: Iterable[HazardZone], city: City) -> tuple[str, ...]:
    """Return the districts that danger zones touch; none if the zones are outside the city."""
    return _touched([polygon[0] for zone in zones for polygon in zone.polygons], city)


def _touched(rings: Sequence[Ring], city: City) -> tuple[str, ...]:
    return tuple(
        district.code
        for district in city.districts
        if any(ring_meets(ring, polygon) for polygon in district.polygons for ring in rings)
    )


def _position(value: Any) -> Position:
    if not isinstance(value, list) or not 2 <= len(value) <= 3:
        raise Refusal(NOT_AN_AREA)
    if not all(type(number) in (int, float) for number in value):
        raise Refusal(NOT_AN_AREA)
    try:
        x, y = float(value[0]), float(value[1])
    except OverflowError:
        raise Refusal(NOT_AN_AREA) from None
    if not (isfinite(x) and isfinite(y) and abs(x) <= 180 and abs(y) <= 90):
        raise Refusal(NOT_AN_AREA)
    return x, y


def _has_area(ring: Ring) -> bool:
    x0, y0 = ring[0]
    doubled = sum(
        (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0) for (x1, y1), (x2, y2) in pairwise(ring)
    )
    return abs(doubled) > 1e-12


def _crosses_itself(ring: Ring) -> bool:
    sides = list(pairwise(ring))
    last = len(sides) - 1
    return any(
        sides_cross(*sides[one], *sides[other])
        for one in range(len(sides))
        for other in range(one + 2, len(sides))
        # The first and the last side meet in the first corner.
        if not (one == 0 and other == last)
    )
