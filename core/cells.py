"""Cells of the map: a number for a place, so that near places have near numbers.

A cell is a tile of Web Mercator at zoom 20 (38 m at the equator, 31 m at 36 degrees north). Its
number takes the bits of column and row by turns (Morton order, as the quadkeys of map tiles do). So
the cells of any larger tile are one range of numbers, which an index finds.
Source: https://learn.microsoft.com/en-us/bingmaps/articles/bing-maps-tile-system
"""

from __future__ import annotations

from math import asinh, atan, degrees, pi, radians, sinh, tan

ZOOM = 20
SIDE = 1 << ZOOM
MOST_LATITUDE = 85.05


def cell_of(longitude: float, latitude: float) -> int:
    """Return the cell of a place (degrees, WGS 84)."""
    return morton(*column_and_row(longitude, latitude, ZOOM))


def column_and_row(longitude: float, latitude: float, zoom: int) -> tuple[int, int]:
    """Return the tile of a place at a zoom; a place beyond the map is at its edge."""
    side = 1 << zoom
    latitude = max(-MOST_LATITUDE, min(MOST_LATITUDE, latitude))
    x = (longitude + 180) / 360 * side
    y = (1 - asinh(tan(radians(latitude))) / pi) / 2 * side
    return max(0, min(side - 1, int(x))), max(0, min(side - 1, int(y)))


def morton(x: int, y: int) -> int:
    """Return the number of a column and a row."""
    return _spread(x) | _spread(y) << 1


def cells_of_tile(x: int, y: int, zoom: int) -> tuple[int, int]:
    """Return the first and the last cell of a tile of a zoom up to 20."""
    bits = 2 * (ZOOM - zoom)
    first = morton(x, y) << bits
    return first, first + (1 << bits) - 1


def corner(x: int, y: int, zoom: int) -> tuple[float, float]:
    """Return longitude and latitude of a tile's north-western corner."""
    side = 1 << zoom
    return x / side * 360 - 180, degrees(atan(sinh(pi * (1 - 2 * y / side))))


def _spread(number: int) -> int:
    """Put a zero before each bit of a number of 20 bits."""
    for shift, mask in ((16, 0x0000FFFF0000FFFF), (8, 0x00FF00FF00FF00FF), (4, 0x0F0F0F0F0F0F0F0F)):
        number = (number | number << shift) & mask
    number = (number | number << 2) & 0x3333333333333333
    return (number | number << 1) & 0x5555555555555555
