"""Draws the pictures of notifications and of the installed page, into ``static/push``.

Run ``python -m public.make_push_icons`` after changing one. A picture has the colour of its level
(避難情報等に使用する配色, Cabinet Office 2021) and its number, and no words. A drill has none of
these colours.
"""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

SIZE, FINER = 192, 4
BRAND, WHITE, FLAP = "#0b5cad", "#FFFFFF", "#cfe3f7"
INK, DRILL, CALM, WARNING = "#1A1A1A", "#14507f", "#1b6e3c", "#FF2800"
LEVELS = {
    5: ("#0C000C", WHITE),
    4: ("#AA00AA", WHITE),
    3: ("#FF2800", INK),
    2: ("#F2E700", INK),
    1: (WHITE, INK),
}
"""Ground and ink of each level."""
FOLDER = Path(__file__).parent / "static" / "push"


def _blank(ground: str | None) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    image = Image.new("RGBA", (SIZE * FINER, SIZE * FINER), (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    if ground:
        _box(draw, 0, 0, SIZE, SIZE, ground, 40)
    return image, draw


def _box(
    draw: ImageDraw.ImageDraw, x1: float, y1: float, x2: float, y2: float, fill: str, round_: float
) -> None:
    draw.rounded_rectangle(
        (x1 * FINER, y1 * FINER, x2 * FINER - 1, y2 * FINER - 1), round_ * FINER, fill=fill
    )


def _letter(draw: ImageDraw.ImageDraw, body: str, flap: str, scale: float = 1.0) -> None:
    """The envelope of the site's icon (32 units wide), about the middle."""

    def at(x: float, y: float) -> tuple[float, float]:
        unit = SIZE * FINER / 32
        return ((x - 16) * scale + 16) * unit, ((y - 16) * scale + 16) * unit

    draw.polygon([at(7, 11), at(16, 18), at(25, 11), at(25, 23), at(7, 23)], fill=body)
    draw.polygon([at(7, 9), at(25, 9), at(16, 16)], fill=flap)


def _mark(draw: ImageDraw.ImageDraw, text: str, ink: str, size: float) -> None:
    font = ImageFont.load_default(size * FINER)
    middle = SIZE * FINER / 2
    draw.text((middle, middle), text, ink, font, anchor="mm", stroke_width=FINER * 3)


def _level(level: int) -> Image.Image:
    ground, ink = LEVELS[level]
    image, draw = _blank(ground)
    if ground == WHITE:
        _box(draw, 0, 0, SIZE, SIZE, "#8793a3", 40)
        _box(draw, 8, 8, SIZE - 8, SIZE - 8, WHITE, 34)
    _mark(draw, str(level), ink, 130)
    return image


def _drill() -> Image.Image:
    """A dashed frame on white, as the pages and cards of a drill have."""
    image, draw = _blank(DRILL)
    _box(draw, 12, 12, SIZE - 12, SIZE - 12, WHITE, 30)
    for place in range(4):
        gap = 24 + place * 40
        for x1, y1, x2, y2 in (
            (gap, 0, gap + 14, 12),
            (gap, SIZE - 12, gap + 14, SIZE),
            (0, gap, 12, gap + 14),
            (SIZE - 12, gap, SIZE, gap + 14),
        ):
            _box(draw, x1, y1, x2, y2, WHITE, 0)
    _letter(draw, DRILL, DRILL)
    return image


def _over() -> Image.Image:
    image, draw = _blank(CALM)
    points = [(52, 98), (84, 130), (142, 66)]
    draw.line(
        [(x * FINER, y * FINER) for x, y in points], fill=WHITE, width=22 * FINER, joint="curve"
    )
    return image


def _warning() -> Image.Image:
    image, draw = _blank(WARNING)
    _mark(draw, "!", INK, 140)
    return image


def _news() -> Image.Image:
    image, draw = _blank(BRAND)
    _letter(draw, WHITE, FLAP)
    return image


def _badge() -> Image.Image:
    """What Android shows in the status bar: only its shape is used."""
    image, draw = _blank(None)
    _letter(draw, WHITE, WHITE, 1.35)
    return image


def _maskable() -> Image.Image:
    """Fills the square; what matters is within the middle circle (W3C manifest, "maskable")."""
    image, draw = _blank(None)
    draw.rectangle((0, 0, SIZE * FINER, SIZE * FINER), fill=BRAND)
    _letter(draw, WHITE, FLAP, 0.85)
    return image


def main() -> None:
    """Draw all of them."""
    FOLDER.mkdir(exist_ok=True)
    pictures = {f"level-{level}": (_level(level), SIZE) for level in LEVELS}
    pictures |= {
        "drill": (_drill(), SIZE),
        "over": (_over(), SIZE),
        "warning": (_warning(), SIZE),
        "news": (_news(), SIZE),
        "badge": (_badge(), 96),
        "app-192": (_news(), 192),
        "app-512": (_news(), 512),
        "app-maskable-512": (_maskable(), 512),
    }
    for name, (image, size) in pictures.items():
        smaller = image.resize((size, size), Image.Resampling.LANCZOS)
        smaller.quantize(64, method=Image.Quantize.FASTOCTREE).save(
            FOLDER / f"{name}.png", optimize=True
        )


if __name__ == "__main__":
    main()
