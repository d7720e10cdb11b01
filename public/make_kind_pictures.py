"""Draws the pictures of what can be reported, into ``static/kinds``.

Run ``python -m public.make_kind_pictures`` after changing one. They have no words: the name of the
kind stands below them in the resident's language.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import cos, pi, sin

from PIL import Image, ImageDraw

from public.pictures import KINDS

WIDTH, HEIGHT = 360, 240
FINER = 3
"""Drawn this many times larger, and made smaller, for smooth edges."""
SKY, GROUND, ROAD, DARK, LINE = "#E6F2F0", "#CFE3D6", "#8A959B", "#2B3439", "#FFFFFF"
METAL, BRAND, AMBER, RED, WOOD, BLUE = (
    *("#B9C4C9", "#00635A", "#E8A200", "#B3261E", "#8B5E3C", "#1D4E9E"),
)


class Pen:
    """Draws in the small picture's pixels."""

    def __init__(self) -> None:
        self.image = Image.new("RGB", (WIDTH * FINER, HEIGHT * FINER), SKY)
        self._draw = ImageDraw.Draw(self.image)

    def polygon(self, points: Sequence[tuple[float, float]], fill: str) -> None:
        self._draw.polygon([(x * FINER, y * FINER) for x, y in points], fill=fill)

    def box(self, x1: float, y1: float, x2: float, y2: float, fill: str, round_: float = 0) -> None:
        corners = (x1 * FINER, y1 * FINER, x2 * FINER, y2 * FINER)
        self._draw.rounded_rectangle(corners, round_ * FINER, fill=fill)

    def oval(self, x: float, y: float, wide: float, high: float, fill: str) -> None:
        corners = ((x - wide) * FINER, (y - high) * FINER, (x + wide) * FINER, (y + high) * FINER)
        self._draw.ellipse(corners, fill=fill)

    def line(self, points: Sequence[tuple[float, float]], fill: str, width: float) -> None:
        scaled = [(x * FINER, y * FINER) for x, y in points]
        self._draw.line(scaled, fill=fill, width=round(width * FINER), joint="curve")

    def picture(self) -> Image.Image:
        return self.image.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)


def _road(pen: Pen) -> None:
    """A road that runs away from who looks at it."""
    pen.box(0, 90, WIDTH, HEIGHT, GROUND)
    pen.polygon([(130, 90), (230, 90), (350, HEIGHT), (10, HEIGHT)], ROAD)
    for top, bottom, wide in ((96, 116, 3), (132, 160, 5)):
        pen.box(180 - wide, top, 180 + wide, bottom, LINE)


def _pothole(pen: Pen) -> None:
    _road(pen)
    pen.oval(180, 192, 74, 30, "#5E696F")
    pen.oval(182, 196, 60, 22, DARK)
    pen.line([(106, 190), (84, 180), (72, 186)], DARK, 3)
    pen.line([(252, 198), (276, 206), (284, 200)], DARK, 3)


def _cave_in(pen: Pen) -> None:
    _road(pen)
    edge = [(78, 150), (120, 128), (190, 134), (262, 126), (290, 160), (300, 240), (60, 240)]
    pen.polygon(edge, "#6B4A32")
    pen.polygon([(x, y + 22) for x, y in edge], DARK)
    for x, y in ((96, 140), (172, 128), (246, 124)):
        pen.polygon([(x, y), (x + 34, y + 4), (x + 22, y + 22), (x - 6, y + 16)], ROAD)


def _street_light(pen: Pen) -> None:
    pen.box(0, 0, WIDTH, HEIGHT, "#31455C")
    pen.box(0, 208, WIDTH, HEIGHT, "#26333F")
    pen.box(120, 40, 132, 212, METAL, 4)
    pen.line([(126, 46), (180, 36), (214, 42)], METAL, 10)
    pen.box(192, 40, 262, 60, DARK, 8)
    pen.oval(227, 62, 26, 10, "#5B6770")
    pen.line([(204, 92), (250, 138)], RED, 10)
    pen.line([(250, 92), (204, 138)], RED, 10)


def _guard_rail(pen: Pen) -> None:
    pen.box(0, 120, WIDTH, HEIGHT, ROAD)
    for x in (40, 120, 240, 320):
        pen.box(x - 7, 110, x + 7, 206, METAL, 3)
    for top in (112, 142):
        pen.polygon([(0, top), (150, top), (172, top + 44), (150, top + 20), (0, top + 20)], LINE)
        pen.polygon(
            [(WIDTH, top), (222, top), (196, top + 52), (222, top + 20), (WIDTH, top + 20)], LINE
        )
    pen.line([(168, 108), (186, 138), (176, 150), (196, 186)], RED, 5)


def _sign(pen: Pen) -> None:
    pen.box(0, 200, WIDTH, HEIGHT, GROUND)
    pen.line([(112, 214), (148, 66)], METAL, 11)
    pen.polygon([(100, 40), (206, 66), (128, 142)], RED)
    pen.polygon([(112, 52), (186, 70), (132, 124)], LINE)
    pen.box(258, 70, 269, 212, AMBER, 4)
    pen.oval(264, 74, 50, 50, AMBER)
    pen.oval(264, 74, 40, 40, "#BFD9E8")
    pen.line([(250, 42), (268, 74), (256, 84), (278, 108)], DARK, 4)


def _park(pen: Pen) -> None:
    pen.box(0, 196, WIDTH, HEIGHT, GROUND)
    for start, end in (((70, 212), (104, 44)), ((138, 212), (104, 44))):
        pen.line([start, end], BRAND, 10)
    for start, end in (((222, 212), (256, 44)), ((290, 212), (256, 44))):
        pen.line([start, end], BRAND, 10)
    pen.line([(96, 46), (264, 46)], BRAND, 10)
    pen.line([(140, 48), (140, 150)], DARK, 4)
    pen.line([(184, 48), (184, 150)], DARK, 4)
    pen.box(130, 148, 194, 160, WOOD, 4)
    pen.line([(222, 48), (222, 104)], DARK, 4)
    pen.line([(214, 118), (240, 176)], WOOD, 12)


def _pole(pen: Pen) -> None:
    pen.box(0, 206, WIDTH, HEIGHT, GROUND)
    pen.line([(150, 216), (188, 30)], "#9AA3A8", 15)
    pen.line([(132, 58), (246, 82)], WOOD, 10)
    for x, y in ((146, 52), (184, 60), (226, 68)):
        pen.oval(x, y, 7, 9, LINE)
    pen.line([(0, 40), (80, 66), (146, 50)], DARK, 4)
    pen.line([(226, 66), (252, 140), (286, 196), (330, 208)], DARK, 4)
    pen.polygon([(300, 150), (276, 186), (292, 186), (282, 212), (312, 172), (296, 172)], AMBER)


def _tree(pen: Pen) -> None:
    _road(pen)
    pen.line([(66, 196), (250, 168)], WOOD, 22)
    for x, y, size in ((252, 150, 44), (296, 168, 38), (250, 192, 36)):
        pen.oval(x, y, size, size * 0.8, "#2E7D4F")


def _drain(pen: Pen) -> None:
    _road(pen)
    pen.oval(180, 190, 78, 32, "#4E5A60")
    pen.oval(180, 188, 66, 26, METAL)
    for number in range(8):
        angle = number * pi / 4
        x, y = 180 + 44 * cos(angle), 188 + 17 * sin(angle)
        pen.oval(x, y, 7, 4, DARK)
    for x in (120, 180, 240):
        pen.polygon([(x, 120), (x + 13, 146), (x - 13, 146)], BLUE)
        pen.oval(x, 148, 13, 12, BLUE)


def _water_leak(pen: Pen) -> None:
    """Water that comes up out of the road and runs off."""
    _road(pen)
    pen.polygon([(172, 196), (188, 196), (264, 240), (150, 240)], "#7FB2DC")
    pen.oval(180, 190, 66, 22, "#7FB2DC")
    pen.oval(180, 188, 44, 13, BLUE)
    for side in (-1, 0, 1):
        steps = [step / 12 for step in range(13)]
        rising = [(180 + side * 78 * at, 186 - 300 * at * (1 - at * 0.86)) for at in steps]
        pen.line([(180, 186), (180, 84)] if side == 0 else rising, "#2E6FB7", 12)
        x, y = (180, 70) if side == 0 else (rising[-1][0] + side * 5, rising[-1][1] + 16)
        pen.oval(x, y, 9, 11, "#2E6FB7")


def _snow(pen: Pen) -> None:
    """Snow that lies as high as a car's wheels, with one track through it."""
    _road(pen)
    pen.box(0, 0, WIDTH, 90, "#8FA9BC")
    pen.polygon([(0, 108), (148, 100), (120, 150), (64, HEIGHT), (0, HEIGHT)], LINE)
    pen.polygon([(WIDTH, 108), (212, 100), (240, 150), (296, HEIGHT), (WIDTH, HEIGHT)], LINE)
    for x, y, wide in ((60, 130, 64), (22, 180, 70), (300, 130, 64), (338, 180, 70)):
        pen.oval(x, y, wide, wide * 0.55, LINE)
    for x, y in ((70, 40), (150, 62), (216, 28), (290, 56), (118, 20), (254, 84)):
        for turn in range(3):
            angle = turn * pi / 3
            dx, dy = 13 * cos(angle), 13 * sin(angle)
            pen.line([(x - dx, y - dy), (x + dx, y + dy)], LINE, 4)


def _rubbish(pen: Pen) -> None:
    pen.box(0, 196, WIDTH, HEIGHT, GROUND)
    pen.box(196, 96, 300, 206, METAL, 6)
    pen.box(208, 108, 288, 150, LINE, 4)
    for x, wide in ((96, 46), (166, 40)):
        pen.oval(x, 172, wide, 38, DARK)
        pen.polygon([(x - 12, 142), (x + 12, 142), (x + 20, 120), (x - 20, 120)], DARK)


def _marking(pen: Pen) -> None:
    pen.box(0, 0, WIDTH, HEIGHT, ROAD)
    for number in range(5):
        x = 26 + number * 66
        pen.box(x, 40, x + 40, 200, LINE if number < 2 else "#A9B3B8")
    pen.polygon([(170, 40), (220, 40), (190, 120), (214, 200), (158, 200)], ROAD)


def _other(pen: Pen) -> None:
    _road(pen)
    pen.polygon([(180, 54), (262, 200), (98, 200)], AMBER)
    pen.polygon([(180, 78), (244, 190), (116, 190)], LINE)
    pen.box(172, 108, 188, 156, DARK, 8)
    pen.oval(180, 172, 10, 10, DARK)


PICTURES: dict[str, Callable[[Pen], None]] = {
    "pothole": _pothole,
    "cave-in": _cave_in,
    "street-light": _street_light,
    "guard-rail": _guard_rail,
    "sign": _sign,
    "park": _park,
    "pole": _pole,
    "tree": _tree,
    "drain": _drain,
    "water-leak": _water_leak,
    "snow": _snow,
    "rubbish": _rubbish,
    "marking": _marking,
    "other": _other,
}


def main() -> None:
    """Draw all pictures."""
    KINDS.mkdir(parents=True, exist_ok=True)
    for name, draw in PICTURES.items():
        pen = Pen()
        draw(pen)
        small = pen.picture().quantize(64, dither=Image.Dither.NONE)
        small.save(KINDS / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
