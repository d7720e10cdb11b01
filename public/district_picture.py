"""The city's districts as a small picture in a page: where something is in force, without script.

Colours are not all that tells the levels apart: each district has its level's number in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import cos, radians

from markupsafe import Markup

from city.city import City
from city.shapes import Box, box_of
from core.geo import Position
from feeds.models import Notice

WIDTH = 300
"""Units of the picture from side to side; points are rounded to whole units."""
MOST_HEIGHT = 400
MOST_POINTS = 1_200
"""Points of all outlines together; a finer map is thinned until it has no more."""
NO_LEVEL = 0
"""Something is in force that has no evacuation level."""

Ring = list[tuple[int, int]]


def levels_by_district(notices: Iterable[Notice], city: City) -> dict[str, int]:
    """Return the highest level in force by district; :data:`NO_LEVEL` for what has none.

    A notice without districts is for the whole city. Drills do not count.
    """
    levels: dict[str, int] = {}
    for notice in notices:
        if notice.drill:
            continue
        for district in city.districts:
            if not notice.areas or district.code in notice.areas:
                code = district.code
                levels[code] = max(levels.get(code, NO_LEVEL), notice.shown_level)
    return levels


def district_picture(
    city: City, levels: Mapping[str, int], most_points: int = MOST_POINTS
) -> Markup | None:
    """Return the districts as an SVG element; None if the city has no outlines."""
    box = box_of(city)
    if box is None:
        return None
    step = 1
    while True:
        shapes = {d.code: _rings(d.polygons, box, step) for d in city.districts}
        points = sum(len(ring) for rings in shapes.values() for ring in rings)
        if points <= most_points or step > WIDTH // 4:
            break
        step *= 2
    height = _height(box)
    parts = [f'<svg viewBox="-4 -4 {WIDTH + 8} {height + 8}" class="districts" focusable="false">']
    for code, rings in shapes.items():
        level = levels.get(code)
        state = "calm" if level is None else f"in-force-{level}"
        line = "".join("M" + "L".join(f"{x} {y}" for x, y in ring) + "Z" for ring in rings)
        parts.append(f'<path class="{state}" d="{line}"/>')
    for code, rings in shapes.items():
        level = levels.get(code)
        if level is not None and rings:
            x, y = _middle(max(rings, key=_size))
            sign = level if level else "!"
            parts.append(f'<text class="in-force-{level}" x="{x}" y="{y}">{sign}</text>')
    parts.append("</svg>")
    return Markup("".join(parts))  # noqa: S704 - numbers and words of this file only


def _height(box: Box) -> int:
    west, south, east, north = box
    across = max((east - west) * cos(radians((south + north) / 2)), 1e-9)
    return max(1, min(MOST_HEIGHT, round(WIDTH * (north - south) / across)))


def _rings(polygons: Iterable[tuple[tuple[Position, ...], ...]], box: Box, step: int) -> list[Ring]:
    """Return outlines in the picture's units, rounded to multiples of ``step``."""
    west, south, east, north = box
    height = _height(box)
    found = []
    for rings in polygons:
        for ring in rings:
            line: Ring = []
            for x, y in ring:
                across = (x - west) / max(east - west, 1e-9) * WIDTH
                down = (north - y) / max(north - south, 1e-9) * height
                point = (round(across / step) * step, round(down / step) * step)
                if not line or line[-1] != point:
                    line.append(point)
            if len(line) > 2:
                found.append(line[:-1] if line[0] == line[-1] else line)
    return found


def _size(ring: Ring) -> int:
    xs, ys = [x for x, _ in ring], [y for _, y in ring]
    return (max(xs) - min(xs)) * (max(ys) - min(ys))


def _middle(ring: Ring) -> tuple[int, int]:
    xs, ys = [x for x, _ in ring], [y for _, y in ring]
    return (max(xs) + min(xs)) // 2, (max(ys) + min(ys)) // 2
