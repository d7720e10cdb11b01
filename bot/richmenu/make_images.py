"""Draws the rich menus' pictures, one a language, into ``data/``.

Run ``python -m bot.richmenu.make_images`` after changing a label. It needs the Noto Sans
fonts, which fontconfig finds, and a Pillow with Raqm, which shapes Burmese, Khmer, Thai and
Devanagari.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from math import cos, pi, sin

from PIL import Image, ImageDraw, ImageFont, features

from bot.catalogue import WORDS
from bot.dialogues.onboarding import MENU
from bot.richmenu import HEIGHT, IMAGES, WIDTH, tap_areas
from core.errors import BadInput
from core.languages import EASY_JAPANESE, LANGUAGES, script_of

GROUND, CARD, INK = "#DCE9E7", "#FFFFFF", "#1F2A30"
COLOURS = {
    "now": "#B3261E",
    "report": "#9A4A00",
    "shelters": "#1B6B2F",
    "settings": "#3D5560",
    "language": "#1D4E9E",
    "help": "#00635A",
}
MARGIN, RADIUS = 22, 44
ICON_RADIUS = 178
LARGEST, SMALLEST = 96, 50
ICON_TOP = 285
READ_LINE_SPACE = 1.16
"""Distance of lines of easy Japanese, which has readings below."""
MAX_BYTES = 1_000_000
"""LINE takes pictures of at most 1 MB."""
READING_SHARE = 0.72
"""Size of a reading against the words it belongs to."""
_READING = re.compile("（[^）]*）")
_READ_KANJI = re.compile("[\u4e00-\u9fff]+（([^）]*)）")

Draw = ImageDraw.ImageDraw
Point = tuple[float, float]


def font_file(family: str) -> tuple[str, int]:
    """Return file and index of the bold face of a family."""
    program = shutil.which("fc-match")
    if program is None:
        raise BadInput("fontconfig (fc-match) is needed to find the Noto fonts.")
    found = subprocess.run(  # noqa: S603
        [program, "-f", "%{file}|%{index}|%{family}", f"{family}:bold"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    file, index, name = found.split("|")
    if family not in name:
        raise BadInput(f"The font {family} is not installed.")
    return file, int(index)


def wrapped(label: str, language: str, fits: Callable[[str], bool]) -> list[str]:
    """Break a label into lines that fit, between words where the language has spaces."""
    if fits(label):
        return [label]
    parts = label.split(" ")
    joiner = "" if language == EASY_JAPANESE else " "
    if len(parts) == 1 and not script_of(language).spaced:
        return [label]
    lines: list[str] = []
    for part in parts:
        if lines and fits(lines[-1] + joiner + part):
            lines[-1] += joiner + part
        else:
            lines.append(part)
    return lines


def eased(label: str) -> tuple[str, str]:
    """Return the words of an easy Japanese label, and how those with kanji are read."""
    words, readings = [], []
    for word in label.split(" "):
        words.append(_READING.sub("", word))
        if "（" in word:
            readings.append(_READ_KANJI.sub(r"\1", word))
    return " ".join(words), " ".join(readings)


def draw_menu(language: str) -> Image.Image:
    """Return the picture of one language."""
    file, index = font_file(script_of(language).font)
    image = Image.new("RGB", (WIDTH, HEIGHT), GROUND)
    draw = ImageDraw.Draw(image)
    layouts = []
    for (do, name), (left, top, right, bottom) in zip(MENU, tap_areas(), strict=True):
        draw.rounded_rectangle(
            (left + MARGIN, top + MARGIN, right - MARGIN, bottom - MARGIN), RADIUS, fill=CARD
        )
        centre = ((left + right) / 2, top + ICON_TOP)
        x, y = centre
        draw.ellipse(
            (x - ICON_RADIUS, y - ICON_RADIUS, x + ICON_RADIUS, y + ICON_RADIUS), fill=COLOURS[do]
        )
        ICONS[do](draw, centre)
        label, reading = WORDS.text(language, name), ""
        if language == EASY_JAPANESE:
            label, reading = eased(label)
        layouts.append((label, reading, x, right - left - 2 * MARGIN - 60, top, bottom))
    size = min(_size(label, language, file, index, room) for label, _, _, room, _, _ in layouts)
    font = ImageFont.truetype(file, size, index=index)
    easy = language == EASY_JAPANESE
    space = size * (READ_LINE_SPACE if easy else script_of(language).line_space)
    small = ImageFont.truetype(file, round(size * READING_SHARE), index=index)
    for label, reading, x, room, top, bottom in layouts:
        lines = [(line, font) for line in wrapped(label, language, partial(_fits, font, room))]
        lines += [(reading, small)] if reading else []
        height = (top + ICON_TOP + ICON_RADIUS + bottom - MARGIN) / 2
        first = height - (len(lines) - 1) * space / 2
        for number, (line, face) in enumerate(lines):
            draw.text((x, first + number * space), line, INK, font=face, anchor="mm")
    return image.quantize(64, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)


def _size(label: str, language: str, file: str, index: int, room: float) -> int:
    """Return the largest size at which a label fits in two lines."""
    for size in range(LARGEST, SMALLEST, -2):
        font = ImageFont.truetype(file, size, index=index)
        lines = wrapped(label, language, partial(_fits, font, room))
        if len(lines) <= 2 and all(font.getlength(line) <= room for line in lines):
            return size
    raise BadInput(f"{label!r} does not fit into the menu.")


def _fits(font: ImageFont.FreeTypeFont, room: float, text: str) -> bool:
    return font.getlength(text) <= room


def _bell(draw: Draw, centre: Point) -> None:
    """A warning triangle with its exclamation mark."""
    x, y = centre
    draw.polygon([(x, y - 110), (x + 122, y + 96), (x - 122, y + 96)], fill=CARD)
    draw.rounded_rectangle((x - 12, y - 40, x + 12, y + 34), 12, fill=COLOURS["now"])
    draw.ellipse((x - 14, y + 48, x + 14, y + 76), fill=COLOURS["now"])


def _camera(draw: Draw, centre: Point) -> None:
    x, y = centre
    draw.rounded_rectangle((x - 112, y - 62, x + 112, y + 92), 26, fill=CARD)
    draw.rounded_rectangle((x - 44, y - 98, x + 44, y - 30), 16, fill=CARD)
    draw.ellipse((x - 54, y - 40, x + 54, y + 68), fill=COLOURS["report"])
    draw.ellipse((x - 32, y - 18, x + 32, y + 46), fill=CARD)


def _house(draw: Draw, centre: Point) -> None:
    x, y = centre
    draw.polygon([(x, y - 112), (x + 126, y - 4), (x - 126, y - 4)], fill=CARD)
    draw.rectangle((x - 88, y - 12, x + 88, y + 96), fill=CARD)
    draw.rounded_rectangle((x - 28, y + 20, x + 28, y + 97), 8, fill=COLOURS["shelters"])


def _gear(draw: Draw, centre: Point) -> None:
    x, y = centre
    for tooth in range(8):
        angle = tooth * pi / 4
        corners = []
        for along, across in ((62, -26), (116, -20), (116, 20), (62, 26)):
            corners.append(
                (
                    x + along * cos(angle) - across * sin(angle),
                    y + along * sin(angle) + across * cos(angle),
                )
            )
        draw.polygon(corners, fill=CARD)
    draw.ellipse((x - 84, y - 84, x + 84, y + 84), fill=CARD)
    draw.ellipse((x - 36, y - 36, x + 36, y + 36), fill=COLOURS["settings"])


def _globe(draw: Draw, centre: Point) -> None:
    x, y = centre
    draw.ellipse((x - 108, y - 108, x + 108, y + 108), fill=CARD)
    ink, width = COLOURS["language"], 11
    draw.ellipse((x - 46, y - 108, x + 46, y + 108), outline=ink, width=width)
    draw.line((x, y - 106, x, y + 106), fill=ink, width=width)
    for offset, half in ((-50, 96), (0, 106), (50, 96)):
        draw.line((x - half, y + offset, x + half, y + offset), fill=ink, width=width)


def _question(draw: Draw, centre: Point) -> None:
    x, y = centre
    points = [
        (x + 56 * cos(angle), y - 44 + 56 * sin(angle))
        for angle in (pi + step * pi / 20 for step in range(27))
    ]
    points += [(x, y + 24), (x, y + 44)]
    for start, end in pairwise(points):
        draw.line((*start, *end), fill=CARD, width=30)
        draw.ellipse((end[0] - 15, end[1] - 15, end[0] + 15, end[1] + 15), fill=CARD)
    draw.ellipse((points[0][0] - 15, points[0][1] - 15, points[0][0] + 15, points[0][1] + 15), CARD)
    draw.ellipse((x - 19, y + 76, x + 19, y + 114), fill=CARD)


ICONS: dict[str, Callable[[Draw, Point], None]] = {
    "now": _bell,
    "report": _camera,
    "shelters": _house,
    "settings": _gear,
    "language": _globe,
    "help": _question,
}


def main() -> None:
    """Draw all pictures."""
    if not features.check("raqm"):
        raise BadInput("This Pillow has no Raqm and cannot shape all languages.")
    IMAGES.mkdir(exist_ok=True)
    for language in LANGUAGES:
        path = IMAGES / f"{language}.png"
        draw_menu(language).save(path, optimize=True)
        if path.stat().st_size > MAX_BYTES:
            raise BadInput(f"{path.name} has more than {MAX_BYTES} bytes.")


if __name__ == "__main__":
    main()
