"""The order in which a crew drives to its places.

Distances are straight lines: the service has no roads. On a city's roads the order is still good,
except where a river or a railway lies between; so the page says it, and people may change it.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, radians

from core.geo import EARTH_RADIUS_M, Position

MOST_ROUNDS = 50
"""Rounds of improvement; a day's list needs two or three."""
LEAST_GAIN_M = 0.5


def in_driving_order(places: Sequence[Position | None], start: Position | None = None) -> list[int]:
    """Return the places' indexes in the order of a short way.

    The nearest place is next, then crossings are taken out (2-opt). The way does not return. What
    has no place comes last, as it was.

    Parameters
    ----------
    places
        Longitude and latitude in degrees.
    start
        Where the crew sets out. Without it the way begins at the first place.
    """
    known = [number for number, place in enumerate(places) if place is not None]
    unknown = [number for number, place in enumerate(places) if place is None]
    if not known:
        return unknown
    points = [place for place in places if place is not None]
    flat = _flat([start, *points] if start is not None else points)
    way = _nearest(flat)
    _improve(flat, way)
    first = 1 if start is not None else 0
    return [known[number - first] for number in way[first:]] + unknown


def _flat(points: Sequence[Position]) -> list[tuple[float, float]]:
    """Return positions as metres on a plane, which a city is."""
    if not points:
        return []
    squeeze = cos(radians(points[0][1]))
    metres = radians(1) * EARTH_RADIUS_M
    return [(x * metres * squeeze, y * metres) for x, y in points]


def _apart(one: tuple[float, float], other: tuple[float, float]) -> float:
    return float(((one[0] - other[0]) ** 2 + (one[1] - other[1]) ** 2) ** 0.5)


def _nearest(points: Sequence[tuple[float, float]]) -> list[int]:
    way, left = [0], set(range(1, len(points)))
    while left:
        here = points[way[-1]]
        following = min(left, key=lambda number: (_apart(here, points[number]), number))
        way.append(following)
        left.remove(following)
    return way


def _improve(points: Sequence[tuple[float, float]], way: list[int]) -> None:
    """Turn parts of the way round while that makes it shorter; the first place stays."""

    def apart(one: int, other: int) -> float:
        return _apart(points[way[one]], points[way[other]])

    for _ in range(MOST_ROUNDS):
        better = False
        for first in range(1, len(way) - 1):
            for last in range(first + 1, len(way)):
                gain = apart(first - 1, first) - apart(first - 1, last)
                if last + 1 < len(way):
                    gain += apart(last, last + 1) - apart(first, last + 1)
                if gain > LEAST_GAIN_M:
                    way[first : last + 1] = way[first : last + 1][::-1]
                    better = True
        if not better:
            return
