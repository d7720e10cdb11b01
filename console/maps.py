"""The city's districts as shapes: for the small map of the composer and the map of reports."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, radians
from typing import Any

from city.city import City, name_in

WIDTH = 400.0


@dataclass(frozen=True)
class Shape:
    """A district as an SVG path; ``x`` and ``y`` are the position of its name."""

    code: str
    name: str
    path: str
    x: float
    y: float


@dataclass(frozen=True)
class Shapes:
    """All districts in one picture of ``width`` by ``height`` units."""

    width: float
    height: float
    shapes: tuple[Shape, ...]


def district_shapes(city: City, language: str) -> Shapes:
    """Return the city's districts drawn to one scale, north up."""
    districts = city.districts
    points = [point for d in districts for rings in d.polygons for ring in rings for point in ring]
    if not points:
        return Shapes(WIDTH, 1, ())
    west, east = min(x for x, _ in points), max(x for x, _ in points)
    south, north = min(y for _, y in points), max(y for _, y in points)
    # At a city's size a degree of longitude is a fixed share of a degree of latitude.
    squeeze = cos(radians((south + north) / 2))
    scale = WIDTH / max((east - west) * squeeze, 1e-9)

    def place(longitude: float, latitude: float) -> tuple[float, float]:
        return (longitude - west) * squeeze * scale, (north - latitude) * scale

    shapes = []
    for district in districts:
        parts, outer = [], []
        for rings in district.polygons:
            for number, ring in enumerate(rings):
                placed = [place(*point) for point in ring]
                outer += placed if number == 0 else []
                parts.append("M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in placed) + "Z")
        x = sum(point[0] for point in outer) / len(outer)
        y = sum(point[1] for point in outer) / len(outer)
        name = name_in(district.names, language)
        shapes.append(Shape(district.code, name, "".join(parts), round(x, 1), round(y, 1)))
    return Shapes(WIDTH, round((north - south) * scale, 1), tuple(shapes))


def district_geojson(city: City, language: str) -> dict[str, Any]:
    """Return the districts as a GeoJSON FeatureCollection (RFC 7946)."""
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "properties": {"code": d.code, "name": name_in(d.names, language)},
                "geometry": {"type": "MultiPolygon", "coordinates": d.polygons},
            }
            for d in city.districts
        ],
    }
