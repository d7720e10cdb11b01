"""Maps of the console: the small one of the composer, and the words of the large one."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, radians

from city.city import City, name_in
from city.shapes import district_geojson as district_geojson
from console import words
from core.languages import mark
from public.map_words import map_words

WIDTH = 400.0
DRAWING = {
    "draw": mark("Draw an area"),
    "undo": mark("Undo the last corner"),
    "finish": mark("Finish"),
    "remove": mark("Remove the area"),
    "how": mark(
        "Click the corners, or move the map with the arrow keys and press Enter for a corner at "
        "the cross. Backspace takes the last corner back, Esc ends."
    ),
    "crossed": mark("The lines of the area cross. Move a corner or take it back."),
}


def staff_map_words(language: str) -> str:
    """Return the words of a map of the console, as JSON for the page's head."""
    drawing = {name: words.CATALOGUE.text(language, said) for name, said in DRAWING.items()}
    return map_words(language, drawing)


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
