"""Where everybody sees a report: never more exact than a street, and never somebody's home.

The page, the map, the feeds and Open311 all show the position that :func:`of` returns, so that no
two of them together say more than one.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import ceil, cos, floor, hypot, radians
from typing import Protocol

from city.city import City
from core.geo import EARTH_RADIUS_M, Position

DECIMALS = 4
"""Of a degree: about ten metres, enough for a street and not for a doorstep."""
ROAD_WITHIN_M = 300.0
"""A home further than this from every road that the city's folder draws is put on the grid."""
STEP_M = 100.0
"""A home is put onto one of these points along the road, not in front of its own door."""
GRID_M = 200.0
_DEGREE_M = radians(1) * EARTH_RADIUS_M


class Placed(Protocol):
    """What a report says of its place."""

    @property
    def longitude(self) -> float | None: ...
    @property
    def latitude(self) -> float | None: ...
    @property
    def category(self) -> str: ...
    @property
    def is_home(self) -> bool: ...


def of(report: Placed, city: City) -> Position | None:
    """Return where everybody sees a report (degrees, WGS 84); None if it has no position.

    The same report is always shown at the same point, however often somebody asks.
    """
    if report.longitude is None or report.latitude is None:
        return None
    place = (report.longitude, report.latitude)
    if is_home(report, city):
        place = _on_road(place, city) or _on_grid(place)
    return round(place[0], DECIMALS), round(place[1], DECIMALS)


def is_home(report: Placed, city: City) -> bool:
    """Whether the place is treated as somebody's home: staff say so, or the kind does."""
    return report.is_home or city.is_at_homes(report.category)


def _on_road(place: Position, city: City) -> Position | None:
    """Return a point of the nearest road; None if no road is near."""
    nearest: tuple[float, Position] | None = None
    for line in city.road_lines:
        if not _is_near(place, line):
            continue
        metres, along = _nearest_of(place, line)
        if metres <= ROAD_WITHIN_M and (nearest is None or metres < nearest[0]):
            nearest = metres, _stepped(line, along)
    return nearest[1] if nearest else None


def _is_near(place: Position, line: Sequence[Position]) -> bool:
    """Whether a line's box, and the distance that counts around it, holds a point."""
    high = ROAD_WITHIN_M / _DEGREE_M
    wide = high / cos(radians(place[1]))
    xs, ys = [x for x, _ in line], [y for _, y in line]
    return (
        min(xs) - wide <= place[0] <= max(xs) + wide
        and min(ys) - high <= place[1] <= max(ys) + high
    )


def _nearest_of(place: Position, line: tuple[Position, ...]) -> tuple[float, float]:
    """Return the metres to a line's nearest point, and how many metres along the line it is."""
    narrow = cos(radians(place[1]))

    def flat(to: Position) -> Position:
        return (to[0] - place[0]) * narrow * _DEGREE_M, (to[1] - place[1]) * _DEGREE_M

    best, passed = (float("inf"), 0.0), 0.0
    for a, b in pairwise(line):
        (x1, y1), (x2, y2) = flat(a), flat(b)
        length = hypot(x2 - x1, y2 - y1)
        share = 0.0
        if length:
            share = -(x1 * (x2 - x1) + y1 * (y2 - y1)) / length**2
            share = max(0.0, min(1.0, share))
        away = hypot(x1 + share * (x2 - x1), y1 + share * (y2 - y1))
        best = min(best, (away, passed + share * length))
        passed += length
    return best


def _stepped(line: tuple[Position, ...], along: float) -> Position:
    """Return the point of a line at the nearest whole number of steps from its beginning."""
    lengths = [_metres(a, b) for a, b in pairwise(line)]
    wanted = min(round(along / STEP_M) * STEP_M, sum(lengths))
    for (a, b), length in zip(pairwise(line), lengths, strict=True):
        if wanted <= length:
            share = wanted / length if length else 0.0
            return a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1])
        wanted -= length
    return line[-1]


def _metres(a: Position, b: Position) -> float:
    narrow = cos(radians((a[1] + b[1]) / 2))
    return hypot((b[0] - a[0]) * narrow * _DEGREE_M, (b[1] - a[1]) * _DEGREE_M)


def _on_grid(place: Position) -> Position:
    """Return the middle of the place's square in a grid that covers the earth."""
    high = GRID_M / _DEGREE_M
    row = floor(place[1] / high)
    latitude = (row + 0.5) * high
    # The squares of a row are equally wide, and nearly as wide as high.
    wide = 360 / ceil(360 * cos(radians(latitude)) * _DEGREE_M / GRID_M)
    return (floor(place[0] / wide) + 0.5) * wide, latitude
