"""The city's outlines, danger areas and rivers as GeoJSON (RFC 7946), for maps."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from city.city import City, name_in
from city.hazards import HazardZone
from city.rivers import River

Box = tuple[float, float, float, float]
"""West, south, east, north, in degrees."""


def district_geojson(city: City, language: str) -> dict[str, Any]:
    """Return the districts with their code and their name in a language."""
    return _collection(
        _feature("MultiPolygon", d.polygons, {"code": d.code, "name": name_in(d.names, language)})
        for d in city.districts
    )


def zones_geojson(zones: Iterable[HazardZone]) -> dict[str, Any]:
    """Return danger areas, with their greatest depth in metres where it is known."""
    return _collection(
        _feature("MultiPolygon", zone.polygons, {"depth_m": zone.depth_m}) for zone in zones
    )


def rivers_geojson(rivers: Iterable[River], language: str) -> dict[str, Any]:
    """Return rivers with their name in a language."""
    return _collection(
        _feature("MultiLineString", river.lines, {"name": name_in(river.names, language)})
        for river in rivers
    )


def box_of(city: City) -> Box | None:
    """Return the box around the city's districts; None if no outline is known."""
    points = [point for d in city.districts for rings in d.polygons for point in rings[0]]
    if not points:
        return None
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return min(xs), min(ys), max(xs), max(ys)


def _feature(kind: str, coordinates: Any, properties: dict[str, Any]) -> dict[str, Any]:
    geometry = {"type": kind, "coordinates": coordinates}
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def _collection(features: Iterable[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "FeatureCollection", "features": list(features)}
