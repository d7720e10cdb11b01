"""Charts as SVG, drawn here, without a script: bars and lines that say their numbers.

A chart is beside a table with the same numbers, so it needs no colour to be understood. Widths and
heights are in pixels of the drawing, which is as wide as its place on the page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from unicodedata import east_asian_width

from markupsafe import Markup

WIDTH = 360
"""A phone shows so much without making the words smaller."""
ENTRY, TREND, TALL = 36, 30, 110


@dataclass(frozen=True)
class Bar:
    """One bar. ``part`` of its value is drawn darker; ``said`` stands at its end."""

    label: str
    value: float
    part: float = 0
    said: str = ""


def bars(title: str, found: Sequence[Bar]) -> Markup:
    """Return horizontal bars below their labels; ``said`` stands at the right end."""
    most = max((bar.value for bar in found), default=0) or 1
    drawn = []
    for n, bar in enumerate(found):
        top = n * ENTRY
        drawn.append(
            _entry(top, bar.label, bar.said or f"{bar.value:,.0f}")
            + Markup(
                '<rect class="chart-ground" x="0" y="{bar}" width="{width}" height="8"/>'
                '<rect class="chart-bar" x="0" y="{bar}" width="{wide:.1f}" height="8"/>'
                '<rect class="chart-part" x="0" y="{bar}" width="{dark:.1f}" height="8"/>'
            ).format(
                bar=top + 21,
                width=WIDTH,
                wide=bar.value / most * WIDTH,
                dark=bar.part / most * WIDTH,
            )
        )
    return _svg(title, ENTRY * len(found), Markup("").join(drawn))


def spread(title: str, found: Sequence[tuple[str, int, int, int, str]]) -> Markup:
    """Return lines from nothing to the slowest, with marks at the median and at 80 %.

    Each is a label, three numbers of days in that order, and what stands at its end. A line is cut
    off at twice the largest 80 %, so that one old case does not hide the others.
    """
    most = max((eighty for _, _, eighty, _, _ in found), default=0) * 2 or 1
    drawn = []
    for n, (label, half, eighty, slowest, said) in enumerate(found):
        top = n * ENTRY
        drawn.append(
            _entry(top, label, said)
            + Markup(
                '<line class="chart-line" x1="0" x2="{end:.1f}" y1="{y}" y2="{y}"/>'
                '<rect class="chart-bar" x="0" y="{bar}" width="{eighty:.1f}" height="8"/>'
                '<rect class="chart-part" x="0" y="{bar}" width="{half:.1f}" height="8"/>'
            ).format(
                y=top + 25,
                bar=top + 21,
                end=min(slowest, most) / most * WIDTH,
                eighty=eighty / most * WIDTH,
                half=half / most * WIDTH,
            )
        )
    return _svg(title, ENTRY * len(found), Markup("").join(drawn))


def steps(title: str, found: Sequence[Bar], *, below: bool = False) -> Markup:
    """Return upright bars for days or months.

    ``part`` stands in front; with ``below`` it hangs below the line instead. A bar whose label is
    empty has none below it. The highest has its number; ``said`` replaces it.
    """
    high = max((bar.value for bar in found), default=0)
    low = max((bar.part for bar in found), default=0) if below else 0
    scale = TALL / (max(high, 0 if below else high) + low or 1)
    wide = WIDTH / max(len(found), 1)
    line = 16 + high * scale
    drawn, marked = [], False
    for n, bar in enumerate(found):
        left, up, part = n * wide, bar.value * scale, bar.part * scale
        drawn.append(
            Markup(
                '<rect class="chart-bar" x="{x:.1f}" y="{top:.1f}" width="{w:.1f}" '
                'height="{h:.1f}"/><rect class="chart-part" x="{x:.1f}" y="{under:.1f}" '
                'width="{w:.1f}" height="{part:.1f}"/>'
            ).format(
                x=left + wide * 0.12,
                w=wide * 0.76,
                top=line - up,
                h=up,
                under=line if below else line - part,
                part=part,
            )
        )
        if bar.label:
            drawn.append(_below(bar.label, n, len(found), left + wide / 2, line + low * scale))
        if not marked and bar.value == high and high:
            marked = True
            drawn.append(
                _at(bar.said or f"{high:,.0f}", n, len(found), left + wide / 2, line - up - 4)
            )
    drawn.append(
        Markup('<line class="chart-line" x1="0" x2="{w}" y1="{y:.1f}" y2="{y:.1f}"/>').format(
            w=WIDTH, y=line
        )
    )
    return _svg(title, line + low * scale + 20, Markup("").join(drawn))


def trends(title: str, found: Sequence[tuple[str, Sequence[float | None], str]]) -> Markup:
    """Return a small line for each entry: label, its numbers in order (None is a gap), the last.

    Each line has its own scale from nothing to its highest number.
    """
    drawn = []
    for n, (label, numbers, said) in enumerate(found):
        top = n * TREND
        drawn.append(
            Markup(
                '<text x="0" y="{y}">{label}</text>'
                '<text class="chart-number" x="{width}" y="{y}" text-anchor="end">{said}</text>'
                '<path class="chart-trend" d="{path}"/>'
            ).format(
                y=top + 20,
                label=_short(label, 20),
                said=said,
                width=WIDTH,
                path=_path(numbers, 150, 270, top + 6, top + TREND - 6),
            )
        )
    return _svg(title, TREND * len(found), Markup("").join(drawn))


def _entry(top: float, label: str, said: str) -> Markup:
    """Return a label at the left and what is said at the right, above their bar."""
    return Markup(
        '<text x="0" y="{y}">{label}</text>'
        '<text class="chart-number" x="{width}" y="{y}" text-anchor="end">{said}</text>'
    ).format(y=top + 15, label=_short(label, 36), said=said, width=WIDTH)


def _path(
    numbers: Sequence[float | None], left: float, right: float, top: float, bottom: float
) -> str:
    most = max((number for number in numbers if number is not None), default=0) or 1
    step = (right - left) / max(len(numbers) - 1, 1)
    parts, pen = [], "M"
    for n, number in enumerate(numbers):
        if number is None:
            pen = "M"
            continue
        x, y = left + n * step, bottom - number / most * (bottom - top)
        # A point between two gaps is a short stroke.
        parts.append(f"{pen}{x:.1f} {y:.1f}" + ("h2" if pen == "M" else ""))
        pen = "L"
    return "".join(parts)


def _at(words: str, n: int, number: int, x: float, y: float) -> Markup:
    """Return words above or below the n-th of so many bars, which stay within the drawing."""
    anchor = "start" if n * 8 < number else "end" if n * 8 >= number * 7 else "middle"
    x = {"start": 0.0, "end": float(WIDTH)}.get(anchor, x) if number > 8 else x
    anchor = anchor if number > 8 else "middle"
    return Markup(
        '<text class="chart-number" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{words}</text>'
    ).format(x=x, y=y, anchor=anchor, words=words)


def _below(words: str, n: int, number: int, x: float, line: float) -> Markup:
    return Markup('<text x="{x:.1f}" y="{y:.1f}" text-anchor="middle">{words}</text>').format(
        x=min(max(x, 20), WIDTH - 20), y=line + 16, words=words
    )


def _svg(title: str, height: float, drawn: Markup) -> Markup:
    return Markup(
        '<svg class="chart" viewBox="0 0 {width} {height:.0f}" role="img" aria-label="{title}">'
        "{drawn}</svg>"
    ).format(width=WIDTH, height=height, title=title, drawn=drawn)


def _short(text: str, most: int) -> str:
    """Return a label at most so many narrow letters wide; the table has all of it.

    A wide letter counts as two.
    """
    width = 0
    for n, letter in enumerate(text):
        width += 2 if east_asian_width(letter) in "WF" else 1
        if width > most:
            return f"{text[: max(0, n - 1)]}…"
    return text
