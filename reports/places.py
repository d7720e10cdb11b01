"""What a place on the map means: its district, road, owner, and the name nearest to it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from city.city import City
from city.gazetteer import Gazetteer
from core.geo import Position

NEAR_M = 150.0
"""How far a name may be from a place that it stands for."""


@dataclass(frozen=True)
class Located:
    """A place, worked out from the city's folder.

    Parameters
    ----------
    area
        The code of its district; None outside the city.
    road, road_class
        The road that it is on, as far as ``owners.geojson`` draws it; otherwise empty.
    address
        The nearest address or landmark in Japanese; empty if none is near.
    """

    area: str | None
    road: str
    road_class: str
    address: str


def locate(city: City, place: Position, places: Gazetteer | None = None) -> Located:
    """Return what is known of a place (longitude and latitude, degrees, WGS 84)."""
    district = city.district_at(*place)
    road = city.road_at(place)
    return Located(
        district.code if district else None,
        road.road if road else "",
        road.road_class if road else "",
        name_near(places, place) if places is not None else "",
    )


def name_near(places: Gazetteer, place: Position, language: str = "ja") -> str:
    """Return the name of the address or landmark nearest to a place, or ""."""
    return _name_near(places, round(place[0], 5), round(place[1], 5), language)


@lru_cache(maxsize=2048)
def _name_near(places: Gazetteer, longitude: float, latitude: float, language: str) -> str:
    found = places.nearest(longitude, latitude, NEAR_M)
    return found.shown(language) if found is not None else ""
