"""Draws the photos that lie ready on every phone (``static/photos``), the same every time.

Run ``python -m simulator.line.make_photos``. They are drawings, so they show no real
street, car or face. Grain and soft focus make them look like phone photos.
"""

from __future__ import annotations

import itertools
import math
import random
from pathlib import Path

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from simulator.line.photos import FOLDER

WIDTH, HEIGHT = 1280, 960
Color = tuple[int, int, int]
Point = tuple[float, float]


def _grain(picture: Image.Image, strength: float, seed: int) -> Image.Image:
    """Add grey noise of ``strength`` (standard deviation, of 255)."""
    draw = random.Random(seed)  # noqa: S311
    width, height = picture.size
    noise = Image.frombytes("L", (width, height), draw.randbytes(width * height))
    noise = noise.point(lambda value: int(128 + (value - 128) * strength / 74))
    return ImageChops.add(picture, Image.merge("RGB", (noise,) * 3), 1, -128)


def _gradient(top: Color, bottom: Color, size: tuple[int, int]) -> Image.Image:
    mask = Image.linear_gradient("L").resize(size)
    return Image.composite(Image.new("RGB", size, bottom), Image.new("RGB", size, top), mask)


def _blob(center: Point, radius: Point, points: int, rough: float, seed: int) -> list[Point]:
    draw = random.Random(seed)  # noqa: S311
    shape = []
    for step in range(points):
        angle = 2 * math.pi * step / points
        far = 1 + draw.uniform(-rough, rough)
        shape.append(
            (
                center[0] + math.cos(angle) * radius[0] * far,
                center[1] + math.sin(angle) * radius[1] * far,
            )
        )
    return shape


def _street(sky: tuple[Color, Color], light: float, seed: int) -> Image.Image:
    """A street with houses, seen by somebody standing on it; ``light`` from 0 to 1."""
    draw_random = random.Random(seed)  # noqa: S311
    horizon = 400
    picture = Image.new("RGB", (WIDTH, HEIGHT))
    picture.paste(_gradient(*sky, (WIDTH, horizon + 10)), (0, 0))

    def shade(color: Color) -> Color:
        return tuple(int(part * light) for part in color)  # type: ignore[return-value]

    pen = ImageDraw.Draw(picture)
    left = 0.0
    while left < WIDTH:
        wide = draw_random.uniform(130, 230)
        high = draw_random.uniform(90, 230)
        middle = abs(left + wide / 2 - WIDTH / 2) / (WIDTH / 2)
        top = horizon - high * (0.35 + middle)
        grey = int(draw_random.uniform(130, 205))
        pen.rectangle((left, top, left + wide, horizon), fill=shade((grey, grey - 6, grey - 16)))
        pen.polygon(
            [(left - 12, top), (left + wide / 2, top - 46), (left + wide + 12, top)],
            fill=shade((92, 78, 74)),
        )
        for window in range(2):
            x = left + wide * (0.2 + 0.4 * window)
            pen.rectangle((x, top + 22, x + 34, top + 58), fill=shade((88, 108, 128)))
        left += wide + draw_random.uniform(-10, 60)
    pen.rectangle((0, horizon, WIDTH, HEIGHT), fill=shade((124, 136, 104)))
    pen.polygon(
        [(WIDTH * 0.45, horizon), (WIDTH * 0.55, horizon), (WIDTH * 1.12, HEIGHT), (-160, HEIGHT)],
        fill=shade((118, 118, 120)),
    )
    for edge, foot in ((0.456, -100), (0.544, WIDTH * 1.07)):
        pen.line([(WIDTH * edge, horizon), (foot, HEIGHT)], fill=shade((222, 222, 216)), width=12)
    for step in range(7):
        near = (step / 7) ** 2
        far = ((step + 0.45) / 7) ** 2
        y1, y2 = horizon + near * 600, horizon + far * 600
        w1, w2 = 2 + near * 16, 2 + far * 16
        middle_x = WIDTH * 0.5
        pen.polygon(
            [(middle_x - w1, y1), (middle_x + w1, y1), (middle_x + w2, y2), (middle_x - w2, y2)],
            fill=shade((226, 226, 220)),
        )
    return picture


def _asphalt(seed: int) -> Image.Image:
    ground = Image.new("RGB", (WIDTH, HEIGHT), (112, 113, 116))
    coarse = _grain(Image.new("RGB", (WIDTH // 3, HEIGHT // 3), (112, 113, 116)), 30, seed)
    ground = Image.blend(ground, coarse.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC), 0.8)
    return _grain(ground, 18, seed + 1)


def _hole(picture: Image.Image, center: Point, radius: Point, seed: int) -> None:
    rim = _blob(center, radius, 42, 0.13, seed)
    inner = _blob(
        (center[0], center[1] + radius[1] * 0.07),
        (radius[0] * 0.84, radius[1] * 0.78),
        38,
        0.15,
        seed + 1,
    )
    floor = _blob(
        (center[0] + radius[0] * 0.05, center[1] + radius[1] * 0.2),
        (radius[0] * 0.6, radius[1] * 0.46),
        30,
        0.2,
        seed + 2,
    )
    layer = picture.copy()
    pen = ImageDraw.Draw(layer)
    pen.polygon(rim, fill=(86, 84, 82))
    pen.polygon(inner, fill=(52, 49, 46))
    pen.polygon(floor, fill=(97, 84, 70))
    draw = random.Random(seed)  # noqa: S311
    for _ in range(int(radius[0] * 0.7)):
        angle, far = draw.uniform(0, 2 * math.pi), draw.uniform(0.2, 1.45)
        x = center[0] + math.cos(angle) * radius[0] * far
        y = center[1] + math.sin(angle) * radius[1] * far
        size = draw.uniform(0.008, 0.03) * radius[0]
        grey = int(draw.uniform(70, 150))
        pen.ellipse((x - size, y - size * 0.7, x + size, y + size * 0.7), fill=(grey,) * 3)
    for crack in range(7):
        angle = crack * 0.9 + draw.uniform(-0.3, 0.3)
        x = center[0] + math.cos(angle) * radius[0]
        y = center[1] + math.sin(angle) * radius[1]
        for _ in range(6):
            nx = x + math.cos(angle) * radius[0] * 0.12 + draw.uniform(-8, 8)
            ny = y + math.sin(angle) * radius[1] * 0.12 + draw.uniform(-8, 8)
            pen.line([(x, y), (nx, ny)], fill=(58, 57, 56), width=max(1, int(radius[0] / 110)))
            x, y = nx, ny
    picture.paste(layer.filter(ImageFilter.GaussianBlur(1.4)))


def pothole_near() -> Image.Image:
    """A hole in the road, from above, with a shoe's tip for scale."""
    picture = _asphalt(11)
    pen = ImageDraw.Draw(picture)
    pen.polygon([(0, 90), (WIDTH, 20), (WIDTH, 92), (0, 166)], fill=(205, 204, 198))
    _hole(picture, (640, 540), (370, 235), 12)
    pen = ImageDraw.Draw(picture)
    pen.ellipse((70, 830, 230, 1080), fill=(38, 44, 62))
    pen.arc((84, 842, 216, 1040), 190, 350, fill=(230, 230, 226), width=8)
    return _grain(picture, 9, 13)


def pothole_far() -> Image.Image:
    """The same hole with the street around it."""
    picture = _street(((168, 196, 222), (226, 232, 236)), 1.0, 21)
    _hole(picture, (480, 770), (128, 40), 22)
    return _grain(picture.filter(ImageFilter.GaussianBlur(0.8)), 9, 23)


def _lamp(pen: ImageDraw.ImageDraw, x: float, foot: float, high: float, lit: bool) -> None:
    wide = high / 60
    pen.rectangle((x - wide, foot - high, x + wide, foot), fill=(64, 68, 74))
    pen.line(
        [(x, foot - high), (x + high * 0.22, foot - high * 1.04)],
        fill=(64, 68, 74),
        width=int(wide * 1.6),
    )
    head = (x + high * 0.16, foot - high * 1.065, x + high * 0.36, foot - high * 1.02)
    pen.rectangle(head, fill=(255, 244, 196) if lit else (74, 76, 80))


def street_light_far() -> Image.Image:
    """A street at dusk: all lamps are lit except the nearest."""
    picture = _street(((24, 32, 66), (86, 82, 108)), 0.34, 31)
    glow = Image.new("RGB", picture.size)
    light = ImageDraw.Draw(glow)
    pen = ImageDraw.Draw(picture)
    for x, foot, high in ((486, 470, 130), (395, 540, 230)):
        _lamp(pen, x, foot, high, lit=True)
        cx, cy = x + high * 0.26, foot - high * 1.03
        for size in range(6, 0, -1):
            reach = high * 0.16 * size
            light.ellipse(
                (cx - reach, cy - reach, cx + reach, cy + reach),
                fill=(int(130 / size), int(118 / size), int(72 / size)),
            )
        light.ellipse(
            (x - high * 0.3, foot - 10, x + high * 0.9, foot + high * 0.2), fill=(66, 60, 38)
        )
    picture = ImageChops.add(picture, glow.filter(ImageFilter.GaussianBlur(26)))
    _lamp(ImageDraw.Draw(picture), 220, 800, 560, lit=False)
    return _grain(picture.filter(ImageFilter.GaussianBlur(1)), 20, 33)


def street_light_near() -> Image.Image:
    """The head of the dark lamp, its cover broken."""
    picture = _gradient((38, 46, 84), (104, 98, 124), (WIDTH, HEIGHT))
    pen = ImageDraw.Draw(picture)
    pen.polygon([(150, HEIGHT), (230, HEIGHT), (262, 300), (226, 300)], fill=(70, 74, 80))
    pen.line([(244, 320), (620, 236)], fill=(70, 74, 80), width=34)
    pen.polygon([(560, 190), (1080, 150), (1120, 240), (1040, 300), (570, 300)], fill=(92, 95, 100))
    pen.polygon([(600, 300), (1030, 300), (990, 384), (650, 384)], fill=(128, 132, 130))
    pen.polygon(_blob((850, 340), (120, 44), 17, 0.42, 41), fill=(30, 32, 36))
    for end in ((700, 372), (760, 306), (980, 366), (930, 304)):
        pen.line([(850, 340), end], fill=(196, 200, 198), width=4)
    pen.ellipse((810, 318, 872, 368), fill=(150, 150, 142))
    return _grain(picture.filter(ImageFilter.GaussianBlur(1.6)), 20, 43)


def _rail(pen: ImageDraw.ImageDraw, left: Point, right: Point, high: float) -> None:
    (x1, y1), (x2, y2) = left, right
    for band, color in ((0.0, (214, 216, 214)), (0.34, (176, 180, 180)), (0.62, (226, 228, 226))):
        t1, t2 = band * high, (band + 0.34) * high
        pen.polygon([(x1, y1 + t1), (x2, y2 + t1), (x2, y2 + t2), (x1, y1 + t2)], fill=color)


def guard_rail_near() -> Image.Image:
    """A bent guard rail with its post pulled out of the ground."""
    picture = _gradient((176, 200, 220), (216, 224, 226), (WIDTH, 430))
    scene = Image.new("RGB", (WIDTH, HEIGHT), (96, 122, 78))
    scene.paste(picture, (0, 0))
    pen = ImageDraw.Draw(scene)
    for bush in range(14):
        pen.polygon(
            _blob((bush * 100 - 20, 430), (92, 76), 22, 0.22, 50 + bush),
            fill=(70 + bush % 3 * 10, 108 + bush % 4 * 8, 66),
        )
    scene.paste(_asphalt(51).crop((0, 0, WIDTH, 270)), (0, 690))
    pen = ImageDraw.Draw(scene)
    for x in (130, 1130):
        pen.rectangle((x - 20, 430, x + 20, 720), fill=(150, 154, 156))
    pen.polygon([(640, 560), (690, 540), (800, 742), (740, 760)], fill=(142, 146, 148))
    pen.polygon(_blob((770, 752), (110, 30), 20, 0.25, 52), fill=(84, 70, 54))
    _rail(pen, (-20, 470), (430, 478), 120)
    _rail(pen, (430, 478), (650, 590), 124)
    _rail(pen, (650, 590), (850, 500), 116)
    _rail(pen, (850, 500), (1300, 470), 120)
    for x, y in ((560, 590), (610, 640), (700, 620), (745, 600)):
        pen.polygon(_blob((x, y), (34, 12), 12, 0.4, int(x)), fill=(150, 92, 58))
    return _grain(scene.filter(ImageFilter.GaussianBlur(1.2)), 10, 53)


def guard_rail_far() -> Image.Image:
    """The rail along the street, its bend a few steps away."""
    picture = _street(((186, 204, 220), (228, 232, 234)), 0.95, 61)
    pen = ImageDraw.Draw(picture)
    stretch = [
        ((1280, 640), 92),
        ((1096, 560), 66),
        ((1010, 560), 56),
        ((950, 486), 48),
        ((800, 436), 26),
        ((720, 412), 12),
    ]
    for (start, high), (end, low) in itertools.pairwise(stretch):
        pen.rectangle(
            (start[0] - 7, start[1], start[0] + 7, start[1] + high * 1.9), fill=(146, 150, 152)
        )
        _rail(pen, start, end, (high + low) / 2)
    return _grain(picture.filter(ImageFilter.GaussianBlur(0.9)), 10, 63)


def swing_near() -> Image.Image:
    """A swing in a park with one chain broken."""
    picture = _gradient((170, 204, 232), (226, 236, 238), (WIDTH, 520))
    scene = Image.new("RGB", (WIDTH, HEIGHT), (186, 168, 132))
    scene.paste(picture, (0, 0))
    pen = ImageDraw.Draw(scene)
    for tree in range(9):
        pen.polygon(_blob((tree * 160, 470), (130, 120), 26, 0.2, 70 + tree), fill=(84, 128, 80))
    blue = (52, 96, 160)
    for foot in ((110, 880), (330, 880)):
        pen.line([(220, 130), foot], fill=blue, width=26)
    for foot in ((950, 880), (1170, 880)):
        pen.line([(1060, 130), foot], fill=blue, width=26)
    pen.line([(220, 138), (1060, 138)], fill=blue, width=30)
    pen.line([(430, 150), (430, 640)], fill=(120, 124, 128), width=9)
    pen.line([(560, 150), (572, 300)], fill=(120, 124, 128), width=9)
    pen.polygon([(418, 640), (448, 632), (470, 790), (440, 800)], fill=(120, 78, 48))
    for x in (740, 880):
        pen.line([(x, 150), (x, 660)], fill=(120, 124, 128), width=9)
    pen.rectangle((720, 656, 900, 684), fill=(120, 78, 48))
    return _grain(scene.filter(ImageFilter.GaussianBlur(1.2)), 10, 73)


PHOTOS = {
    "guard-rail-far": guard_rail_far,
    "guard-rail-near": guard_rail_near,
    "pothole-far": pothole_far,
    "pothole-near": pothole_near,
    "street-light-far": street_light_far,
    "street-light-near": street_light_near,
    "swing-near": swing_near,
}


def make(folder: Path = FOLDER) -> None:
    """Draw all photos into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, draw in PHOTOS.items():
        draw().save(folder / f"{name}.jpg", "JPEG", quality=62)


if __name__ == "__main__":
    make()
