"""Draws the rich menus' pictures, one a menu and language, into ``data/``.

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
from bot.richmenu import READING, image_file
from bot.richmenu.places import (
    BAR,
    HEIGHT,
    PLACES,
    TABS,
    TITLES,
    WIDTH,
    Box,
    Kind,
    tab_areas,
    tap_areas,
)
from core.errors import BadInput
from core.languages import EASY_JAPANESE, LANGUAGES, script_of
from feeds.texts import drill_mark

GROUND, CARD, INK = "#DCE9E7", "#FFFFFF", "#1F2A30"
RED, BROWN, GREEN, SLATE, BLUE, TEAL, PURPLE = (
    *("#B3261E", "#9A4A00", "#1B6B2F", "#3D5560", "#1D4E9E", "#00635A", "#6A3D8F"),
)
COLOURS = {
    "now": RED,
    "report": BROWN,
    "shelters": GREEN,
    "settings": SLATE,
    "language": BLUE,
    "help": TEAL,
    "safe": BLUE,
    "lifelines": TEAL,
    "numbers": SLATE,
    "rubbish": GREEN,
    "sorting": TEAL,
    "bulky": BROWN,
    "childcare": PURPLE,
    "faq": BLUE,
    "person": SLATE,
    "reports": TEAL,
    "areas": GREEN,
    "topics": RED,
    "quiet-hours": PURPLE,
    "data": TEAL,
}
BAND = {Kind.DISASTER: RED, Kind.DRILL: "#1D4E9E"}
"""The bar of the menus without tabs."""
TAB, TAB_INK = "#B9CFCB", "#21413D"
TAB_LARGEST, TAB_SMALLEST = 62, 30
MARGIN, RADIUS = 22, 44
ICON_RADIUS = 140
LARGEST, SMALLEST = 92, 46
ICON_TOP = 190
READ_LINE_SPACE = 1.16
"""Distance of lines of easy Japanese, which has readings below."""
MAX_BYTES = 1_000_000
"""LINE takes pictures of at most 1 MB."""
READING_SHARE = 0.72
"""Size of a reading against the words it belongs to."""
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
        words.append(READING.sub("", word))
        if "（" in word:
            readings.append(_READ_KANJI.sub(r"\1", word))
    return " ".join(words), " ".join(readings)


def draw_menu(kind: Kind, language: str) -> Image.Image:
    """Return the picture of one menu in one language."""
    file, index = font_file(script_of(language).font)
    image = Image.new("RGB", (WIDTH, HEIGHT), GROUND)
    draw = ImageDraw.Draw(image)
    if kind in TABS:
        _draw_tabs(draw, kind, language, file, index)
    else:
        _draw_band(draw, kind, language, file, index)
    _draw_places(draw, kind, language, file, index)
    return image.quantize(64, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)


def _draw_tabs(draw: Draw, kind: Kind, language: str, file: str, index: int) -> None:
    """The bar: the tab that is open has the colour of the ground below it."""
    draw.rectangle((0, 0, WIDTH, BAR), fill=TEAL)
    titles = [READING.sub("", WORDS.text(language, TITLES[tab])) for tab in TABS]
    room = WIDTH / len(TABS) - 70
    size = min(
        _size(title, language, file, index, room, TAB_LARGEST, TAB_SMALLEST) for title in titles
    )
    font = ImageFont.truetype(file, size, index=index)
    for tab, title, (left, _, right, bottom) in zip(TABS, titles, tab_areas(), strict=True):
        box = (left + 10, 26, right - 10, bottom + 40)
        draw.rounded_rectangle(box, 36, fill=GROUND if tab is kind else TAB)
        lines = wrapped(title, language, partial(_fits, font, room))
        space = size * script_of(language).line_space
        first = (26 + bottom) / 2 - (len(lines) - 1) * space / 2
        for number, line in enumerate(lines):
            ink = INK if tab is kind else TAB_INK
            at = ((left + right) / 2, first + number * space)
            draw.text(at, line, ink, font=font, anchor="mm")
    draw.rectangle((0, BAR, WIDTH, BAR + 41), fill=GROUND)


def _draw_band(draw: Draw, kind: Kind, language: str, file: str, index: int) -> None:
    """The bar of a disaster, or of a drill, which is striped."""
    draw.rectangle((0, 0, WIDTH, BAR - 20), fill=BAND[kind])
    title = READING.sub("", WORDS.text(language, TITLES[kind]))
    if kind is Kind.DRILL:
        for left in range(-BAR, WIDTH, 160):
            draw.line((left, BAR - 20, left + BAR, 0), fill="#4A7CCB", width=40)
        draw.rectangle((0, BAR - 20, WIDTH, BAR + 20), fill=GROUND)
        # Not every font has the brackets.
        title = f"{READING.sub('', drill_mark(language)).strip('【】[]')}   {title}"
    size = _size(title, language, file, index, WIDTH - 200, 110, 60)
    font = ImageFont.truetype(file, size, index=index)
    if kind is Kind.DRILL:
        wide = font.getlength(title) / 2 + 60
        box = (WIDTH / 2 - wide, 18, WIDTH / 2 + wide, BAR - 38)
        draw.rounded_rectangle(box, 30, fill=BAND[kind])
    draw.text((WIDTH / 2, (BAR - 20) / 2), title, CARD, font=font, anchor="mm")


def _draw_places(draw: Draw, kind: Kind, language: str, file: str, index: int) -> None:
    layouts: list[tuple[str, str, float, float, Box]] = []
    for place, box in zip(PLACES[kind], tap_areas(), strict=True):
        left, top, right, bottom = box
        draw.rounded_rectangle(
            (left + MARGIN, top + MARGIN, right - MARGIN, bottom - MARGIN), RADIUS, fill=CARD
        )
        x, y = (left + right) / 2, top + ICON_TOP
        draw.ellipse(
            (x - ICON_RADIUS, y - ICON_RADIUS, x + ICON_RADIUS, y + ICON_RADIUS),
            fill=COLOURS[place.icon],
        )
        ICONS[place.icon](draw, (x, y))
        label, reading = WORDS.text(language, place.label), ""
        if language == EASY_JAPANESE:
            label, reading = eased(label)
        layouts.append((label, reading, x, right - left - 2 * MARGIN - 60, box))
    size = min(_size(label, language, file, index, room) for label, _, _, room, _ in layouts)
    font = ImageFont.truetype(file, size, index=index)
    easy = language == EASY_JAPANESE
    space = size * (READ_LINE_SPACE if easy else script_of(language).line_space)
    for label, reading, x, room, (_, top, _, bottom) in layouts:
        lines = [(line, font) for line in wrapped(label, language, partial(_fits, font, room))]
        if reading:
            lines.append((reading, _small_enough(reading, file, index, size, room)))
        height = (top + ICON_TOP + ICON_RADIUS + bottom - MARGIN) / 2
        first = height - (len(lines) - 1) * space / 2
        for number, (line, face) in enumerate(lines):
            draw.text((x, first + number * space), line, INK, font=face, anchor="mm")


def _small_enough(
    reading: str, file: str, index: int, size: int, room: float
) -> ImageFont.FreeTypeFont:
    """The font of a reading, which is in one line."""
    for smaller in range(round(size * READING_SHARE), 20, -2):
        font = ImageFont.truetype(file, smaller, index=index)
        if font.getlength(reading) <= room:
            return font
    raise BadInput(f"{reading!r} does not fit into the menu.")


def _size(
    label: str,
    language: str,
    file: str,
    index: int,
    room: float,
    largest: int = LARGEST,
    smallest: int = SMALLEST,
) -> int:
    """Return the largest size at which a label fits in two lines."""
    for size in range(largest, smallest, -2):
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


def _check(draw: Draw, centre: Point) -> None:
    x, y = centre
    draw.line((x - 84, y + 6, x - 22, y + 68, x + 92, y - 62), fill=CARD, width=40, joint="curve")
    for dx, dy in ((-84, 6), (92, -62)):
        draw.ellipse((x + dx - 20, y + dy - 20, x + dx + 20, y + dy + 20), fill=CARD)


def _drop(draw: Draw, centre: Point) -> None:
    x, y = centre
    draw.polygon([(x, y - 112), (x + 62, y + 10), (x - 62, y + 10)], fill=CARD)
    draw.ellipse((x - 70, y - 46, x + 70, y + 94), fill=CARD)


def _phone(draw: Draw, centre: Point) -> None:
    x, y = centre
    draw.rounded_rectangle((x - 62, y - 110, x + 62, y + 110), 22, fill=CARD)
    draw.rectangle((x - 46, y - 82, x + 46, y + 64), fill=COLOURS["numbers"])
    draw.ellipse((x - 12, y + 76, x + 12, y + 100), fill=COLOURS["numbers"])


def _bin(draw: Draw, centre: Point) -> None:
    x, y = centre
    draw.polygon([(x - 78, y - 52), (x + 78, y - 52), (x + 60, y + 104), (x - 60, y + 104)], CARD)
    draw.rounded_rectangle((x - 94, y - 84, x + 94, y - 60), 10, fill=CARD)
    draw.rounded_rectangle((x - 30, y - 108, x + 30, y - 80), 10, fill=CARD)
    for dx in (-30, 0, 30):
        draw.line((x + dx, y - 26, x + dx, y + 80), fill=COLOURS["rubbish"], width=10)


def _sorting(draw: Draw, centre: Point) -> None:
    """Three boxes side by side."""
    x, y = centre
    for number, dx in enumerate((-88, 0, 88)):
        height = (70, 100, 50)[number]
        draw.rounded_rectangle((x + dx - 36, y + 84 - height, x + dx + 36, y + 84), 8, fill=CARD)
    draw.line((x - 122, y + 96, x + 122, y + 96), fill=CARD, width=14)
    draw.polygon([(x - 30, y - 78), (x + 30, y - 78), (x, y - 36)], fill=CARD)


def _sofa(draw: Draw, centre: Point) -> None:
    x, y = centre
    draw.rounded_rectangle((x - 84, y - 70, x + 84, y + 20), 24, fill=CARD)
    draw.rounded_rectangle((x - 118, y - 18, x - 66, y + 76), 20, fill=CARD)
    draw.rounded_rectangle((x + 66, y - 18, x + 118, y + 76), 20, fill=CARD)
    draw.rectangle((x - 84, y + 26, x + 84, y + 76), fill=CARD)
    for dx in (-90, 78):
        draw.rectangle((x + dx, y + 76, x + dx + 14, y + 98), fill=CARD)


def _children(draw: Draw, centre: Point) -> None:
    x, y = centre
    for dx, radius, top in ((-46, 40, -84), (58, 30, -34)):
        draw.ellipse((x + dx - radius, y + top, x + dx + radius, y + top + 2 * radius), fill=CARD)
        low = y + top + 2 * radius + 12
        draw.pieslice((x + dx - 1.5 * radius, low, x + dx + 1.5 * radius, 2 * (y + 98) - low),
                      180, 360, fill=CARD)  # fmt: skip


def _bubble(draw: Draw, centre: Point) -> None:
    x, y = centre
    draw.rounded_rectangle((x - 108, y - 88, x + 108, y + 52), 44, fill=CARD)
    draw.polygon([(x - 58, y + 40), (x - 2, y + 40), (x - 62, y + 102)], fill=CARD)
    for dx in (-52, 0, 52):
        draw.ellipse((x + dx - 16, y - 34, x + dx + 16, y - 2), fill=COLOURS["faq"])


def _person(draw: Draw, centre: Point) -> None:
    x, y = centre
    draw.ellipse((x - 46, y - 104, x + 46, y - 12), fill=CARD)
    draw.pieslice((x - 92, y + 6, x + 92, y + 190), 180, 360, fill=CARD)


def _list(draw: Draw, centre: Point) -> None:
    x, y = centre
    draw.rounded_rectangle((x - 82, y - 104, x + 82, y + 104), 16, fill=CARD)
    for dy in (-62, -14, 34):
        draw.ellipse((x - 60, y + dy - 9, x - 42, y + dy + 9), fill=COLOURS["reports"])
        draw.line((x - 24, y + dy, x + 58, y + dy), fill=COLOURS["reports"], width=14)


def _pin(draw: Draw, centre: Point) -> None:
    x, y = centre
    draw.polygon([(x - 66, y - 16), (x + 66, y - 16), (x, y + 112)], fill=CARD)
    draw.ellipse((x - 76, y - 112, x + 76, y + 40), fill=CARD)
    draw.ellipse((x - 32, y - 68, x + 32, y - 4), fill=COLOURS["areas"])


def _ring(draw: Draw, centre: Point) -> None:
    """The bell of notices."""
    x, y = centre
    draw.pieslice((x - 72, y - 92, x + 72, y + 52), 180, 360, fill=CARD)
    draw.rectangle((x - 72, y - 22, x + 72, y + 44), fill=CARD)
    draw.rounded_rectangle((x - 98, y + 40, x + 98, y + 66), 12, fill=CARD)
    draw.ellipse((x - 22, y + 62, x + 22, y + 106), fill=CARD)


def _moon(draw: Draw, centre: Point) -> None:
    x, y = centre
    draw.ellipse((x - 96, y - 96, x + 96, y + 96), fill=CARD)
    draw.ellipse((x - 40, y - 118, x + 124, y + 46), fill=COLOURS["quiet-hours"])


def _card(draw: Draw, centre: Point) -> None:
    x, y = centre
    draw.rounded_rectangle((x - 114, y - 76, x + 114, y + 76), 18, fill=CARD)
    draw.ellipse((x - 86, y - 44, x - 30, y + 12), fill=COLOURS["data"])
    draw.pieslice((x - 96, y + 18, x - 20, y + 94), 180, 360, fill=COLOURS["data"])
    for dy in (-26, 8, 42):
        draw.line((x, y + dy, x + 88, y + dy), fill=COLOURS["data"], width=13)


ICONS: dict[str, Callable[[Draw, Point], None]] = {
    "now": _bell,
    "report": _camera,
    "shelters": _house,
    "settings": _gear,
    "language": _globe,
    "help": _question,
    "safe": _check,
    "lifelines": _drop,
    "numbers": _phone,
    "rubbish": _bin,
    "sorting": _sorting,
    "bulky": _sofa,
    "childcare": _children,
    "faq": _bubble,
    "person": _person,
    "reports": _list,
    "areas": _pin,
    "topics": _ring,
    "quiet-hours": _moon,
    "data": _card,
}


def main() -> None:
    """Draw all pictures."""
    if not features.check("raqm"):
        raise BadInput("This Pillow has no Raqm and cannot shape all languages.")
    for kind, language in ((kind, language) for kind in Kind for language in LANGUAGES):
        path = image_file(kind, language)
        path.parent.mkdir(parents=True, exist_ok=True)
        draw_menu(kind, language).save(path, optimize=True)
        if path.stat().st_size > MAX_BYTES:
            raise BadInput(f"{path.name} has more than {MAX_BYTES} bytes.")


if __name__ == "__main__":
    main()
