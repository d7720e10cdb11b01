"""Decide where a CAP alert's areas are: in which districts of the city, elsewhere, or unclear.

CAP 1.2, 3.2.4: an area is the union of its polygons and circles; a geocode says the same to
those who know its system. Positions are WGS 84, latitude first; a circle's radius is in
kilometres, altitudes are in feet above the sea.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass

from lxml import etree

from city.city import City, District
from core.geo import Position, circle_meets, ring_meets
from feeds.wording import fold, plain_text

MAX_POINTS = 5_000
"""Most positions of one polygon; a person must look at a longer one."""
MAX_SHAPES = 200
HIGHEST_FEET = 12_400
"""Alerts above the top of Mount Fuji (in feet) are for nobody."""
_PAIR = re.compile(r"(?P<lat>[+-]?\d{1,3}(?:\.\d+)?),(?P<lon>[+-]?\d{1,3}(?:\.\d+)?)")
_OURS = re.compile(r"jis|jma|x0401|x0402|地方公共団体|市区?町村|municipality|気象庁|全国")
"""In a geocode's folded ``valueName``: systems of Japanese codes."""
_COUNTRIES = re.compile(r"iso_?3166")


@dataclass(frozen=True, kw_only=True)
class Circle:
    centre: Position
    radius_m: float


@dataclass(frozen=True, kw_only=True)
class CapArea:
    """One ``area`` of an alert. ``broken`` when a shape or height in it cannot be read."""

    name: str = ""
    polygons: tuple[tuple[Position, ...], ...] = ()
    circles: tuple[Circle, ...] = ()
    geocodes: tuple[tuple[str, str], ...] = ()
    lowest_feet: float | None = None
    broken: bool = False


@dataclass(frozen=True)
class Whereabouts:
    """The position of some areas relative to the city.

    ``districts`` are those they touch; with ``whole_city`` all of them. ``unclear`` when one
    of the areas could be anywhere.
    """

    districts: frozenset[str] = frozenset()
    whole_city: bool = False
    unclear: bool = False

    @property
    def elsewhere(self) -> bool:
        """Whether certainly none of it is in the city."""
        return not (self.districts or self.whole_city or self.unclear)

    def __or__(self, other: Whereabouts) -> Whereabouts:
        return Whereabouts(
            self.districts | other.districts,
            self.whole_city or other.whole_city,
            self.unclear or other.unclear,
        )


UNCLEAR = Whereabouts(unclear=True)
WHOLE_CITY = Whereabouts(whole_city=True)
ELSEWHERE = Whereabouts()


def read_area(element: etree._Element, prefix: str) -> CapArea:
    """Return an ``area`` element; ``prefix`` is its namespace in braces."""

    def texts(name: str) -> list[str]:
        return [(found.text or "").strip() for found in element.findall(f"{prefix}{name}")]

    outlines, rounds, heights = texts("polygon"), texts("circle"), texts("altitude")
    polygons = [_polygon(text) for text in outlines[:MAX_SHAPES]]
    circles = [_circle(text) for text in rounds[:MAX_SHAPES]]
    lowest = _number(heights[0]) if heights else None
    geocodes = [
        (
            plain_text(code.findtext(f"{prefix}valueName") or "", 100),
            plain_text(code.findtext(f"{prefix}value") or "", 100),
        )
        for code in element.findall(f"{prefix}geocode")[:1000]
    ]
    return CapArea(
        name=plain_text(element.findtext(f"{prefix}areaDesc") or "", 200),
        polygons=tuple(polygon for polygon in polygons if polygon is not None),
        circles=tuple(circle for circle in circles if circle is not None),
        geocodes=tuple(geocodes),
        lowest_feet=lowest,
        broken=None in polygons
        or None in circles
        or max(len(outlines), len(rounds)) > MAX_SHAPES
        or (bool(heights) and lowest is None),
    )


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _position(text: str) -> Position | None:
    """Return longitude and latitude of ``latitude,longitude``."""
    found = _PAIR.fullmatch(text)
    if found is None:
        return None
    latitude, longitude = float(found["lat"]), float(found["lon"])
    # Over 180 degrees is how some write a shape across the date line.
    return (longitude, latitude) if abs(latitude) <= 90 and abs(longitude) <= 360 else None


def _polygon(text: str) -> tuple[Position, ...] | None:
    """Return a ring with longitudes that continue over the date line instead of jumping."""
    pairs = text.split()
    if not 4 <= len(pairs) <= MAX_POINTS or pairs[0] != pairs[-1]:
        return None
    ring: list[Position] = []
    for pair in pairs:
        position = _position(pair)
        if position is None:
            return None
        longitude, latitude = position
        if ring:
            longitude += 360 * round((ring[-1][0] - longitude) / 360)
        ring.append((longitude, latitude))
    # A ring around a pole does not return to its start. A ring without width or height is no area,
    # or runs from 180 degrees west to 180 east, which is one line.
    wide = all(min(side) < max(side) for side in zip(*ring, strict=True))
    return tuple(ring) if wide and ring[0] == ring[-1] else None


def _circle(text: str) -> Circle | None:
    parts = text.split()
    centre = _position(parts[0]) if len(parts) == 2 else None
    radius = _number(parts[1]) if len(parts) == 2 else None
    if centre is None or radius is None or not 0 <= radius <= 20_100:
        return None
    return Circle(centre=centre, radius_m=radius * 1000)


def whereabouts(areas: Iterable[CapArea], city: City) -> Whereabouts:
    """Return the position of all areas together; without any area it is unclear."""
    found = [_where(area, city) for area in areas]
    if not found:
        return UNCLEAR
    together = ELSEWHERE
    for one in found:
        together |= one
    everything = frozenset(city.district_by_code)
    if together.districts and together.districts == everything:
        return Whereabouts(everything, whole_city=True, unclear=together.unclear)
    return together


def _where(area: CapArea, city: City) -> Whereabouts:
    if area.lowest_feet is not None and area.lowest_feet > HIGHEST_FEET:
        return ELSEWHERE
    if (named := _own(area, city)) is not None:
        return named
    if area.polygons or area.circles:
        if not city.districts:
            return UNCLEAR
        touched = frozenset(d.code for d in city.districts if _touches(area, d))
        return Whereabouts(touched, unclear=area.broken)
    if area.broken:
        return UNCLEAR
    if area.geocodes:
        found = ELSEWHERE
        for system, value in area.geocodes:
            found |= _coded(fold(system), value.strip().upper(), city)
        # A known system decides, whatever an unknown one means.
        return WHOLE_CITY if found.whole_city else found
    return _named(area.name, city)


def own_districts(city: City) -> str:
    """Return the ``valueName`` of geocodes that are codes of this city's own districts."""
    return f"TODOKE-DISTRICT-{city.jma.municipality}"


def _own(area: CapArea, city: City) -> Whereabouts | None:
    """Return the districts whose own codes an area has; None if it has not only these.

    A code says exactly which district is meant; the outline next to it also touches its
    neighbours.
    """
    system = fold(own_districts(city))
    codes = [value.strip() for name, value in area.geocodes if fold(name) == system]
    if not codes or len(codes) < len(area.geocodes) or area.broken:
        return None
    known = frozenset(codes) & frozenset(city.district_by_code)
    return Whereabouts(known) if len(known) == len(frozenset(codes)) else None


def _touches(area: CapArea, district: District) -> bool:
    return any(
        any(ring_meets(ring, polygon) for ring in area.polygons)
        or any(circle_meets(circle.centre, circle.radius_m, polygon) for circle in area.circles)
        for polygon in district.polygons
    )


def _coded(system: str, value: str, city: City) -> Whereabouts:
    """Judge a geocode; only codes of countries and of Japan's own systems are known."""
    municipality = city.jma.municipality
    if _COUNTRIES.search(system.replace("ー", "")):
        country, _, part = value.partition("-")
        if not re.fullmatch(r"[A-Z]{2,3}", country):
            return UNCLEAR
        here = country in {"JP", "JPN"} and part in {"", municipality[:2]}
        return WHOLE_CITY if here else ELSEWHERE
    if not _OURS.search(system) or not (value.isascii() and value.isdecimal()):
        return UNCLEAR
    if value in {municipality[:2], municipality[:2] + "0000", *city.jma.forecast_areas}:
        return WHOLE_CITY
    if value in {municipality, municipality[:5], municipality_with_check_digit(municipality[:5])}:
        return WHOLE_CITY
    # Codes of seven and of five digits name municipalities. Six digits may be a forecast area,
    # which the city does not list.
    return ELSEWHERE if len(value) in {2, 5, 7} else UNCLEAR


def municipality_with_check_digit(code: str) -> str:
    """Return a municipality's six digits (全国地方公共団体コード) for its first five."""
    total = sum(int(digit) * weight for digit, weight in zip(code, (6, 5, 4, 3, 2), strict=True))
    return f"{code}{(11 - total % 11) % 10}"


def _named(name: str, city: City) -> Whereabouts:
    """Judge an area that has only a name: one of the city's own is clear, any other is not."""
    said = {fold(part) for part in re.split(r"[、,;/／・\n]", name)} - {""}
    if not said:
        return UNCLEAR
    if not city.districts:
        # There is nothing to compare a name with; the city's decision on the source applies.
        return WHOLE_CITY
    whole = {fold(known) for known in city.name.values()}
    found: set[str] = set()
    everywhere = False
    for part in said:
        own = {
            district.code
            for district in city.districts
            if any(part in {fold(n), fold(f"{n}地区")} for n in district.names.values())
        }
        everywhere = everywhere or part in whole
        if not own and part not in whole:
            return UNCLEAR
        found |= own
    return Whereabouts(frozenset(found), whole_city=everywhere)
