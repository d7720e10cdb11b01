"""Distances between points of the earth, and whether areas on it meet."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import asin, cos, radians, sin, sqrt

Position = tuple[float, float]
"""Longitude and latitude in degrees, WGS 84, in GeoJSON's order."""

EARTH_RADIUS_M = 6_371_008.8
PLANE_M = 200_000.0
"""Distance up to which the earth is flat enough here."""


def distance_m(longitude: float, latitude: float, to_longitude: float, to_latitude: float) -> float:
    """Return the distance between two points (degrees, WGS 84) in metres, on a sphere."""
    here, there = radians(latitude), radians(to_latitude)
    half_lat = sin((there - here) / 2) ** 2
    half_lon = sin(radians(to_longitude - longitude) / 2) ** 2
    return 2 * EARTH_RADIUS_M * asin(sqrt(half_lat + cos(here) * cos(there) * half_lon))


Ring = Sequence[Position]
"""Positions (longitude, latitude), the last one as the first."""


def ring_meets(ring: Ring, polygon: Sequence[Ring]) -> bool:
    """Whether a ring's area and a polygon (outer ring, then holes) have a point in common.

    The ring may be on the other side of the date line. So it is also compared shifted by 360
    degrees in both directions.
    """
    return any(
        _meets([(x + turn, y) for x, y in ring], polygon)
        for turn in (-360, 0, 360)
        if _boxes_meet(_box(ring, turn), _box(polygon[0], 0))
    )


def circle_meets(centre: Position, radius_m: float, polygon: Sequence[Ring]) -> bool:
    """Whether a circle and a polygon have a point in common.

    Distances of corners are measured on the sphere. Distances of edges are measured on a plane
    around the centre, which is exact enough for circles that are too small to reach a corner.
    """
    nearest = min(distance_m(*centre, *position) for position in polygon[0])
    if nearest <= radius_m or inside(centre, polygon):
        return True
    return nearest < PLANE_M and any(
        _distance_to_side(centre, a, b) <= radius_m for a, b in pairwise(polygon[0])
    )


def _meets(ring: Ring, polygon: Sequence[Ring]) -> bool:
    outer = polygon[0]
    if inside(ring[0], polygon) or inside(outer[0], [ring]):
        return True
    box = _box(outer, 0)
    sides = [pair for pair in pairwise(ring) if _boxes_meet(_box(pair, 0), box)]
    # A ring that crosses no edge is inside it, inside one of its holes, or outside.
    return any(
        sides_cross(*side, *own) for side in sides for part in polygon for own in pairwise(part)
    )


def inside(point: Position, polygon: Sequence[Ring]) -> bool:
    """Whether a point is inside a polygon (even-odd rule; a hole is outside)."""
    x, y = point
    crossed = sum(
        (y1 > y) != (y2 > y) and x < (x2 - x1) * (y - y1) / (y2 - y1) + x1
        for ring in polygon
        for (x1, y1), (x2, y2) in pairwise(ring)
    )
    return crossed % 2 == 1


def _box(ring: Ring, turn: float) -> tuple[float, float, float, float]:
    xs, ys = [x + turn for x, _ in ring], [y for _, y in ring]
    return min(xs), min(ys), max(xs), max(ys)


def _boxes_meet(
    one: tuple[float, float, float, float], other: tuple[float, float, float, float]
) -> bool:
    return one[0] <= other[2] and other[0] <= one[2] and one[1] <= other[3] and other[1] <= one[3]


def _side_of(a: Position, b: Position, point: Position) -> float:
    return (b[0] - a[0]) * (point[1] - a[1]) - (b[1] - a[1]) * (point[0] - a[0])


def sides_cross(a: Position, b: Position, c: Position, d: Position) -> bool:
    """Whether the sides ab and cd have a point in common."""
    if not _boxes_meet(_box((a, b), 0), _box((c, d), 0)):
        return False
    return _side_of(a, b, c) * _side_of(a, b, d) <= 0 and _side_of(c, d, a) * _side_of(c, d, b) <= 0


def distance_to_line(point: Position, line: Sequence[Position]) -> float:
    """Return metres from a point to the nearest of a line's, on a plane around the point."""
    return min(_distance_to_side(point, a, b) for a, b in pairwise(line))


def _distance_to_side(point: Position, a: Position, b: Position) -> float:
    """Return metres from a point to the nearest of a side's, on a plane around the point."""
    narrow = cos(radians(point[1]))

    def flat(to: Position) -> Position:
        east = (to[0] - point[0] + 180) % 360 - 180
        return radians(east) * narrow * EARTH_RADIUS_M, radians(to[1] - point[1]) * EARTH_RADIUS_M

    (x1, y1), (x2, y2) = flat(a), flat(b)
    length = (x2 - x1) ** 2 + (y2 - y1) ** 2
    along = 0.0 if length == 0 else max(0.0, min(1.0, -(x1 * (x2 - x1) + y1 * (y2 - y1)) / length))
    return sqrt((x1 + along * (x2 - x1)) ** 2 + (y1 + along * (y2 - y1)) ** 2)
