"""Distances between points of the earth."""

from __future__ import annotations

from math import asin, cos, radians, sin, sqrt

EARTH_RADIUS_M = 6_371_008.8


def distance_m(longitude: float, latitude: float, to_longitude: float, to_latitude: float) -> float:
    """Return the distance between two points (degrees, WGS 84) in metres, on a sphere."""
    here, there = radians(latitude), radians(to_latitude)
    half_lat = sin((there - here) / 2) ** 2
    half_lon = sin(radians(to_longitude - longitude) / 2) ** 2
    return 2 * EARTH_RADIUS_M * asin(sqrt(half_lat + cos(here) * cos(there) * half_lon))
