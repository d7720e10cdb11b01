"""A map as a picture: outlines, names, one pin, a scale bar; drawn without tiles or network."""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import cache
from math import cos, radians
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from city.city import City
from city.gazetteer import Gazetteer, Place
from core.fonts import JAPANESE
from core.geo import EARTH_RADIUS_M, Position

WIDTH, HEIGHT = 1040, 676
"""Pixels; 20:13, the usual form of a picture on LINE's cards."""
ACROSS_M = 1_100.0
"""Metres from side to side."""
BARS_M = (200, 500, 1_000, 2_000, 5_000, 10_000, 20_000)
"""Lengths of the scale's bar."""
SITE_INKS = {"": "#3C5A78", "open": "#17703C", "full": "#8A6400", "closed": "#5B6770"}
"""Colours of sites by state; each state has a form too."""
MOST_NAMES = 8
MOST_NUMBERS = 80
LARGE, MIDDLE, SMALL = 44, 38, 34
"""Sizes of letters: a phone shows the picture at a quarter of its width."""
LAND, OUTSIDE, BORDER, ROAD = "#F4F1EA", "#DDE3E6", "#8C9BA3", "#F2C14E"
INK, QUIET, PIN, CARD = "#1F2A30", "#5B6770", "#B3261E", "#FFFFFF"
_FONTS = (
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Bold.ttc",
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/google-noto-cjk/NotoSansCJK-Bold.ttc",
    "/usr/share/fonts/truetype/fonts-japanese-gothic.ttf",
    "/usr/share/fonts/opentype/ipafont-gothic/ipag.ttf",
    str(JAPANESE),
)
"""Fonts with Japanese letters, the heavier first; the last one is part of the service."""

Font = ImageFont.FreeTypeFont
Pixel = tuple[float, float]
Line = Sequence[Position]


def draw_map(city: City, places: Gazetteer, pin: Position, roads: Sequence[Line] = ()) -> bytes:
    """Return the surroundings of ``pin`` as a PNG.

    Parameters
    ----------
    places
        Landmarks are drawn with their names, blocks with their numbers.
    roads
        Lines to draw, such as those of the owners' file.
    """
    sheet = _Sheet(pin)
    for district in city.districts:
        for rings in district.polygons:
            sheet.area([[sheet.at(point) for point in ring] for ring in rings])
    for road in roads:
        sheet.line([sheet.at(point) for point in road])
    near = places.blocks_near(*sheet.box)
    landmarks = set(places.landmarks)
    middle = sheet.at(pin)
    sheet.keep_free(middle)
    towns: dict[str, list[Place]] = {}
    for block in [one for one in near if one not in landmarks][:MOST_NUMBERS]:
        sheet.dot(block)
        towns.setdefault(block.name.rpartition(" ")[0], []).append(block)
    named = [one for one in near if one in landmarks]
    named.sort(key=lambda one: _apart(sheet.at((one.longitude, one.latitude)), middle))
    for landmark in named[:MOST_NAMES]:
        sheet.landmark(landmark)
    for town, blocks in towns.items():
        sheet.town(town, blocks)
    for blocks in towns.values():
        for block in blocks:
            sheet.number(block)
    sheet.pin(middle)
    sheet.overview(city, pin)
    sheet.scale()
    return sheet.png()


def draw_sites(
    city: City,
    places: Gazetteer,
    here: Position | None,
    sites: Sequence[tuple[Position, str]],
    roads: Sequence[Line] = (),
    numbers: Sequence[int] | None = None,
) -> bytes:
    """Return a map of numbered sites as a PNG, in the order of the list that it belongs to.

    Parameters
    ----------
    here
        Where the resident is, drawn as a pin; None if it is not known.
    sites
        Positions, each with a state: open, full, closed, or "" where nothing was said.
    numbers
        What is written on each; their places in the list, if it is not said.
    """
    points = [position for position, _ in sites] + ([here] if here is not None else [])
    west, east = min(x for x, _ in points), max(x for x, _ in points)
    south, north = min(y for _, y in points), max(y for _, y in points)
    centre = (west + east) / 2, (south + north) / 2
    metres = radians(1) * EARTH_RADIUS_M
    wide = (east - west) * metres * max(cos(radians(centre[1])), 0.1)
    across = max(wide * 1.5, (north - south) * metres * 1.8 * WIDTH / HEIGHT, ACROSS_M)
    sheet = _Sheet(centre, across)
    for district in city.districts:
        for rings in district.polygons:
            sheet.area([[sheet.at(point) for point in ring] for ring in rings])
    for road in roads:
        sheet.line([sheet.at(point) for point in road])
    sheet.taken.append((0, HEIGHT - 110, 250, HEIGHT))
    marks = [sheet.at(position) for position, _ in sites]
    sheet.taken += [(x - 40, y - 40, x + 40, y + 40) for x, y in marks]
    landmarks = set(places.landmarks)
    named = [one for one in places.blocks_near(*sheet.box) if one in landmarks]
    middle = (WIDTH / 2, HEIGHT / 2)
    named.sort(key=lambda one: _apart(sheet.at((one.longitude, one.latitude)), middle))
    for landmark in named[: MOST_NAMES // 2]:
        sheet.landmark(landmark)
    said = numbers if numbers is not None else range(1, len(sites) + 1)
    for number, at, (_, state) in reversed(list(zip(said, marks, sites, strict=True))):
        sheet.site(at, number, state)
    if here is not None:
        sheet.pin(sheet.at(here))
    sheet.scale()
    return sheet.png()


class _Sheet:
    """The drawing, with the pin in its middle; ``across`` is metres from side to side."""

    def __init__(self, centre: Position, across: float = ACROSS_M) -> None:
        self.image = Image.new("RGB", (WIDTH, HEIGHT), OUTSIDE)
        self.draw = ImageDraw.Draw(self.image)
        self.centre = centre
        self.metre = WIDTH / across
        self.degree = radians(1) * EARTH_RADIUS_M * self.metre
        """Pixels of a degree of latitude."""
        self.squeeze = max(cos(radians(centre[1])), 0.1)
        self.taken: list[tuple[float, float, float, float]] = []
        high = HEIGHT / 2 / self.degree
        wide = WIDTH / 2 / self.degree / self.squeeze
        x, y = centre
        self.box = (x - wide, y - high, x + wide, y + high)

    def at(self, point: Position) -> Pixel:
        """Return the pixel of a position."""
        return (
            WIDTH / 2 + (point[0] - self.centre[0]) * self.degree * self.squeeze,
            HEIGHT / 2 - (point[1] - self.centre[1]) * self.degree,
        )

    def keep_free(self, pin: Pixel) -> None:
        """Write nothing where the pin, the scale and the overview will be."""
        x, y = pin
        self.taken += [
            (x - 30, y - 86, x + 30, y),
            (0, HEIGHT - 110, 250, HEIGHT),
            (WIDTH - 220, HEIGHT - 250, WIDTH, HEIGHT),
        ]

    def area(self, rings: Sequence[Sequence[Pixel]]) -> None:
        self.draw.polygon(list(rings[0]), fill=LAND)
        for ring in rings[1:]:
            self.draw.polygon(list(ring), fill=OUTSIDE)
        for ring in rings:
            self.draw.line(list(ring), fill=BORDER, width=3, joint="curve")

    def line(self, points: Sequence[Pixel]) -> None:
        self.draw.line(list(points), fill=BORDER, width=16, joint="curve")
        self.draw.line(list(points), fill=ROAD, width=11, joint="curve")

    def town(self, name: str, blocks: Sequence[Place]) -> None:
        """The name of a town, in the middle of its blocks that are to be seen."""
        points = [self.at((block.longitude, block.latitude)) for block in blocks]
        x = sum(point[0] for point in points) / len(points)
        y = sum(point[1] for point in points) / len(points)
        self._write((x - len(name) * MIDDLE / 2, y - MIDDLE), name, MIDDLE, QUIET)

    def dot(self, block: Place) -> None:
        """A block."""
        x, y = self.at((block.longitude, block.latitude))
        self.draw.ellipse((x - 5, y - 5, x + 5, y + 5), fill=BORDER)

    def number(self, block: Place) -> None:
        """The number of a block, beside its dot."""
        x, y = self.at((block.longitude, block.latitude))
        self._write((x + 10, y), block.name.rpartition(" ")[2], SMALL, QUIET)

    def landmark(self, place: Place) -> None:
        x, y = self.at((place.longitude, place.latitude))
        self.draw.rectangle((x - 10, y - 10, x + 10, y + 10), fill="#00635A")
        words = place.name
        wide = self.draw.textlength(words, font=_font(LARGE))
        above, below = y - 12 - LARGE / 2, y + 12 + LARGE / 2
        beside = ((x + 18, y), (x - 18 - wide, y))
        for left, high in (*beside, (x - wide / 2, above), (x - wide / 2, below)):
            if self._write((left, high), words, LARGE, INK, over=True):
                return

    def pin(self, at: Pixel) -> None:
        x, y = at
        self.draw.polygon([(x - 24, y - 48), (x + 24, y - 48), (x, y)], fill=PIN)
        self.draw.ellipse((x - 28, y - 84, x + 28, y - 28), fill=PIN)
        self.draw.ellipse((x - 11, y - 67, x + 11, y - 45), fill=CARD)

    def site(self, at: Pixel, number: int, state: str) -> None:
        """A site with its number; its colour and form say its state."""
        x, y = at
        ink = SITE_INKS.get(state, SITE_INKS[""])
        box = (x - 36, y - 36, x + 36, y + 36)
        if state == "full":
            corners = [(x, y - 46), (x + 46, y), (x, y + 46), (x - 46, y)]
            self.draw.polygon(corners, fill=ink, outline=CARD, width=4)
        elif state == "closed":
            self.draw.rectangle(box, fill=ink, outline=CARD, width=4)
        else:
            self.draw.ellipse(box, fill=ink, outline=CARD, width=4)
        self.draw.text(at, str(number), CARD, font=_font(LARGE), anchor="mm")

    def overview(self, city: City, pin: Position) -> None:
        """The whole city in a corner, and where in it this is."""
        rings = [rings[0] for district in city.districts for rings in district.polygons]
        points = [point for ring in rings for point in ring]
        if not points:
            return
        west, east = min(x for x, _ in points), max(x for x, _ in points)
        south, north = min(y for _, y in points), max(y for _, y in points)
        size, edge = 190.0, 14.0
        scale = size / max((east - west) * self.squeeze, north - south, 1e-9)
        wide, high = (east - west) * self.squeeze * scale, (north - south) * scale
        left, top = WIDTH - wide - 2 * edge, HEIGHT - high - 2 * edge
        self.draw.rectangle((left - edge, top - edge, WIDTH, HEIGHT), fill=CARD, outline=BORDER)

        def small(point: Position) -> Pixel:
            x = left + (point[0] - west) * self.squeeze * scale
            return x, top + (north - point[1]) * scale

        for ring in rings:
            self.draw.polygon([small(point) for point in ring], fill=LAND, outline=BORDER)
        x, y = small(pin)
        self.draw.ellipse((x - 9, y - 9, x + 9, y + 9), fill=PIN, outline=CARD, width=2)

    def scale(self) -> None:
        """A bar of some metres, and north."""
        metres = next((one for one in BARS_M if one * self.metre >= 120), BARS_M[-1])
        length, x, y = metres * self.metre, 26.0, HEIGHT - 28.0
        self.draw.rectangle((x - 12, y - 62, x + length + 12, y + 14), fill=CARD, outline=BORDER)
        self.draw.line((x, y, x + length, y), fill=INK, width=5)
        for end in (x, x + length):
            self.draw.line((end, y - 8, end, y + 8), fill=INK, width=5)
        self.draw.text((x + length / 2, y - 10), _bar(metres), INK, font=_font(MIDDLE), anchor="mb")
        self.draw.polygon([(40, 26), (54, 62), (40, 54), (26, 62)], fill=INK)
        self.draw.text((40, 66), "N", INK, font=_font(MIDDLE), anchor="mt")

    def _write(self, at: Pixel, words: str, size: int, ink: str, *, over: bool = False) -> bool:
        """Write words where nothing is written yet, and return whether that was so.

        ``over`` gives them a light edge.
        """
        if not words:
            return False
        edge = 3 if over else 0
        box = self.draw.textbbox(at, words, font=_font(size), anchor="lm", stroke_width=edge)
        outside = box[0] < 0 or box[1] < 0 or box[2] > WIDTH or box[3] > HEIGHT
        if outside or any(_meet(box, other) for other in self.taken):
            return False
        self.taken.append(box)
        self.draw.text(
            at, words, ink, font=_font(size), anchor="lm", stroke_width=edge, stroke_fill=LAND
        )
        return True

    def png(self) -> bytes:
        output = io.BytesIO()
        self.image.quantize(64, dither=Image.Dither.NONE).save(output, "PNG", optimize=True)
        return output.getvalue()


def _bar(metres: int) -> str:
    return f"{metres} m" if metres < 1000 else f"{metres // 1000} km"


def _apart(one: Pixel, other: Pixel) -> float:
    return abs(one[0] - other[0]) + abs(one[1] - other[1])


def _meet(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


@cache
def _font(size: int) -> Font:
    path = next(path for path in _FONTS if Path(path).is_file())
    return ImageFont.truetype(path, size)
