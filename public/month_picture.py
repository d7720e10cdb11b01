"""A month of collection days as a picture: a number and a colour for each kind, named below.

Every script is drawn with its own Noto font, which fontconfig finds, and shaped by Raqm. A machine
without them makes no picture; the conversation then has the days as text alone.
"""

from __future__ import annotations

import calendar
import io
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from itertools import takewhile

from PIL import Image, ImageDraw, ImageFont, features

from city.city import District, name_in
from city.collection import Calendar
from core.languages import LATIN, script_of
from feeds.texts.forms import month_name
from feeds.texts.times import pattern_of
from public.words import CATALOGUE

WIDTH, MARGIN, CELL_HEIGHT = 1040, 40, 116
COLUMN = (WIDTH - 2 * MARGIN) // 7
INK, QUIET, EDGE, PAPER = "#1F2A30", "#5B6770", "#C4CDD2", "#FFFFFF"
SUNDAY, SATURDAY = "#B3261E", "#1D4E9E"
COLOURS = ("#B3261E", "#1D4E9E", "#1B6B2F", "#8A4B00", "#6A1B9A", "#00635A", "#3D5560", "#AD1457")
"""Of the kinds, in their order; white on each has a contrast of at least 4.5 (WCAG 1.4.3)."""
OFF, OFF_SIGN = "#5B6770", "x"
CHIP = 21
"""Radius of the circle with a kind's number."""
LARGE, LETTERS = 40, 30
JAPANESE_DAYS = ("日", "月", "火", "水", "木", "金", "土")
_RUNS = re.compile(r"[ -~]+|[^ -~]+")

Day = tuple[int, tuple[int, ...]]
"""A day of the month and the numbers of its kinds, 0 for a cancelled collection; day 0 is empty."""


@dataclass(frozen=True)
class Month:
    """What a picture says."""

    language: str
    title: str
    weekdays: tuple[str, ...]
    weeks: tuple[tuple[Day, ...], ...]
    legend: tuple[tuple[int, str], ...]


def can_draw(language: str) -> bool:
    """Whether this machine has what a picture in this language needs."""
    families = (LATIN.font, script_of(language).font)
    return bool(features.check("raqm")) and all(_file(family) is not None for family in families)


def month_of(days: Calendar, district: District, month: date, language: str) -> Month:
    """Return what the picture of a district's month (any of its days) says."""
    numbers = {kind.code: at for at, kind in enumerate(days.kinds, start=1)}
    seen: dict[int, str] = {}
    weeks = []
    for week in calendar.Calendar(calendar.SUNDAY).monthdatescalendar(month.year, month.month):
        row: list[Day] = []
        for day in week:
            if day.month != month.month:
                row.append((0, ()))
                continue
            kinds = days.collected(district.code, day)
            seen |= {numbers[kind.code]: name_in(kind.names, language) for kind in kinds}
            marks = tuple(numbers[kind.code] for kind in kinds)
            if not marks and days.called_off(district.code, day):
                marks = (0,)
                seen[0] = CATALOGUE.text(language, "No collection")
            row.append((day.day, marks))
        weeks.append(tuple(row))
    legend = sorted(seen.items(), key=lambda one: (one[0] == 0, one[0]))
    # Not every font has a middle dot.
    title = f"{month_name(month, language)} - {name_in(district.names, language)}"
    return Month(language, title, _weekdays(language), tuple(weeks), tuple(legend))


def _weekdays(language: str) -> tuple[str, ...]:
    if language.startswith("ja"):
        return JAPANESE_DAYS
    *rest, sunday = _without_day(pattern_of(language).weekdays)
    return (sunday, *rest)


def _without_day(names: Sequence[str]) -> list[str]:
    """Return the names without the word for "day" that they begin or end with."""
    before, after = _shared(names), _shared([name[::-1] for name in names])[::-1]
    if len(before) > 1:
        names = [name.removeprefix(before) for name in names]
    if len(after) > 1:
        names = [name.removesuffix(after) for name in names]
    # Portuguese: segunda-feira
    return [name.partition("-")[0] for name in names]


def _shared(names: Sequence[str]) -> str:
    """Return what all names begin with."""
    letters = takewhile(lambda column: len(set(column)) == 1, zip(*names, strict=False))
    return "".join(column[0] for column in letters)


@dataclass(frozen=True)
class _Pen:
    """Draws text of one language; digits and Latin letters with the Latin font."""

    draw: ImageDraw.ImageDraw
    language: str

    def text(self, place: tuple[float, float], words: str, size: int, colour: str = INK) -> None:
        """Draw a line of words from its left end, around a height."""
        x, y = place
        for run in _RUNS.findall(words):
            font = self._font(run, size)
            self.draw.text((x, y), run, fill=colour, font=font, anchor="lm")
            x += font.getlength(run)

    def middle(self, place: tuple[float, float], words: str, size: int, colour: str) -> None:
        """Draw a line of words around a point."""
        self.text((place[0] - self.width(words, size) / 2, place[1]), words, size, colour)

    def width(self, words: str, size: int) -> float:
        return sum(self._font(run, size).getlength(run) for run in _RUNS.findall(words))

    def lines(self, words: str, size: int, width: float) -> list[str]:
        """Return the words in lines that are not wider than ``width``."""
        between = " " if " " in words or script_of(self.language).spaced else ""
        lines = [""]
        for part in words.split(" ") if between else words:
            longer = f"{lines[-1]}{between}{part}" if lines[-1] else part
            if lines[-1] and self.width(longer, size) > width:
                lines.append(part)
            else:
                lines[-1] = longer
        return lines

    def chip(self, place: tuple[float, float], number: int) -> None:
        """Draw the sign of a kind: its number on its colour."""
        x, y = place
        colour = COLOURS[(number - 1) % len(COLOURS)] if number else OFF
        self.draw.ellipse((x - CHIP, y - CHIP, x + CHIP, y + CHIP), fill=colour)
        self.middle(place, str(number) if number else OFF_SIGN, CHIP + 5, PAPER)

    def _font(self, run: str, size: int) -> ImageFont.FreeTypeFont:
        family = LATIN.font if run.isascii() else script_of(self.language).font
        found = _file(family)
        assert found is not None, family
        return _font(*found, size)


def draw_month(month: Month) -> bytes:
    """Return a month as a PNG, 1040 pixels wide.

    Only where :func:`can_draw` says so.
    """
    step = LETTERS * max(1.5, script_of(month.language).line_space * 1.1)
    probe = _Pen(ImageDraw.Draw(Image.new("RGB", (1, 1))), month.language)
    room = WIDTH - 2 * MARGIN - 3 * CHIP
    named = [(number, probe.lines(name, LETTERS, room)) for number, name in month.legend]
    names = MARGIN + 2 * LARGE
    grid = names + 1.8 * LETTERS
    below = grid + CELL_HEIGHT * len(month.weeks) + MARGIN
    height = round(below + step * sum(len(lines) for _, lines in named) + MARGIN)
    image = Image.new("RGB", (WIDTH, height), PAPER)
    pen = _Pen(ImageDraw.Draw(image), month.language)
    pen.text((MARGIN, MARGIN + LARGE / 2), month.title, LARGE)
    widest = max(pen.width(name, LETTERS) for name in month.weekdays)
    size = min(LETTERS, int(LETTERS * (COLUMN - 8) / widest))
    for column, name in enumerate(month.weekdays):
        place = (MARGIN + COLUMN * (column + 0.5), names + LETTERS / 2)
        pen.middle(place, name, size, _colour(column))
    for row, week in enumerate(month.weeks):
        _draw_week(pen, grid + CELL_HEIGHT * row, week)
    y = below + step / 2
    for number, lines in named:
        pen.chip((MARGIN + CHIP, y), number)
        for line in lines:
            pen.text((MARGIN + 3 * CHIP, y), line, LETTERS)
            y += step
    output = io.BytesIO()
    image.quantize(64, dither=Image.Dither.NONE).save(output, "PNG", optimize=True)
    return output.getvalue()


def _draw_week(pen: _Pen, top: float, week: tuple[Day, ...]) -> None:
    pen.draw.line((MARGIN, top, WIDTH - MARGIN, top), fill=EDGE, width=2)
    for column, (day, marks) in enumerate(week):
        if not day:
            continue
        left = MARGIN + COLUMN * column
        pen.text((left + 10, top + 28), str(day), LETTERS, _colour(column))
        for at, number in enumerate(marks[:3]):
            pen.chip((left + 10 + CHIP + at * (2 * CHIP + 2), top + 78), number)


def _colour(column: int) -> str:
    return (SUNDAY, *[INK] * 5, SATURDAY)[column]


@cache
def _file(family: str) -> tuple[str, int] | None:
    """Return file and index of a font family, or None if the machine does not have it."""
    program = shutil.which("fc-match")
    if program is None:
        return None
    found = subprocess.run(  # noqa: S603
        [program, "-f", "%{file}|%{index}|%{family}", f"{family}:bold"],
        check=False,
        capture_output=True,
        text=True,
        timeout=10,
    )
    file, _, rest = found.stdout.partition("|")
    index, _, families = rest.partition("|")
    return (file, int(index)) if found.returncode == 0 and family in families.split(",") else None


@cache
def _font(file: str, index: int, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(file, size, index=index)
