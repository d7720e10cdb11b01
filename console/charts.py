"""Charts as SVG, drawn here, without a script: bars and lines that say their numbers.

A chart is beside a table with the same numbers, so it needs no colour to be understood. Widths and
heights are in pixels of the drawing, which is as wide as its place on the page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

WIDTH = 640
ROW = 26
LABEL = 180
PLOT = 150
NARROW = 360
"""The width of charts that a phone shows without making their words smaller."""
ENTRY, TREND, TALL = 36, 30, 110


@dataclass(frozen=True)
class Bar:
    """One bar. ``part`` of its value is drawn darker; ``said`` stands at its end."""

    label: str
    value: float
    part: float = 0
    said: str = ""


def bars(title: str, found: Sequence[Bar]) -> Markup:
    """Return horizontal bars, one below the other, each with its label and number."""
    most = max((bar.value for bar in found), default=0) or 1
    room = WIDTH - LABEL - 70
    height = ROW * len(found) + 4
    drawn = []
    for n, bar in enumerate(found):
        top = n * ROW + 2
        wide, dark = bar.value / most * room, bar.part / most * room
        drawn.append(
            Markup(
                '<text x="{x}" y="{y}" text-anchor="end">{label}</text>'
                '<rect class="chart-bar" x="{left}" y="{top}" width="{wide:.1f}" height="{high}"/>'
                '<rect class="chart-part" x="{left}" y="{top}" width="{dark:.1f}" height="{high}"/>'
                '<text class="chart-number" x="{end:.1f}" y="{y}">{said}</text>'
            ).format(
                x=LABEL - 8,
                y=top + ROW - 9,
                label=_short(bar.label, 14),
                left=LABEL,
                top=top + 2,
                wide=wide,
                dark=dark,
                high=ROW - 8,
                end=LABEL + wide + 6,
                said=bar.said or f"{bar.value:g}",
            )
        )
    return _svg(title, height, Markup("").join(drawn))


def columns(title: str, found: Sequence[Bar]) -> Markup:
    """Return upright bars side by side, such as months; ``part`` stands in front."""
    most = max((bar.value for bar in found), default=0) or 1
    wide = WIDTH / max(len(found), 1)
    every = max(1, -(-len(found) * 44 // WIDTH))
    drawn = []
    for n, bar in enumerate(found):
        high, dark = bar.value / most * PLOT, bar.part / most * PLOT
        left = n * wide + wide * 0.15
        drawn.append(
            Markup(
                '<rect class="chart-bar" x="{left:.1f}" y="{top:.1f}" width="{wide:.1f}" '
                'height="{high:.1f}"/><rect class="chart-part" x="{left:.1f}" y="{under:.1f}" '
                'width="{wide:.1f}" height="{dark:.1f}"/>'
            ).format(
                left=left,
                top=PLOT - high + 18,
                wide=wide * 0.7,
                high=high,
                under=PLOT - dark + 18,
                dark=dark,
            )
        )
        if n % every == 0:
            drawn.append(
                Markup(
                    '<text class="chart-number" x="{x:.1f}" y="{y:.1f}" text-anchor="middle">'
                    '{said}</text><text x="{x:.1f}" y="{foot}" text-anchor="middle">{label}</text>'
                ).format(
                    x=n * wide + wide / 2,
                    y=PLOT - high + 13,
                    said=bar.said or f"{bar.value:g}",
                    foot=PLOT + 36,
                    label=bar.label,
                )
            )
    return _svg(title, PLOT + 44, Markup("").join(drawn))


def spread(title: str, found: Sequence[tuple[str, int, int, int, str]]) -> Markup:
    """Return lines from nothing to the slowest, with marks at the median and at 80 %.

    Each is a label, three numbers of days in that order, and what stands at its end. A line is cut
    off at twice the largest 80 %, so that one old case does not hide the others.
    """
    most = max((eighty for _, _, eighty, _, _ in found), default=0) * 2 or 1
    room = WIDTH - LABEL - 90
    drawn = []
    for n, (label, half, eighty, slowest, said) in enumerate(found):
        y = n * ROW + ROW / 2 + 2
        end = min(slowest, most) / most * room
        drawn.append(
            Markup(
                '<text x="{x}" y="{text}" text-anchor="end">{label}</text>'
                '<line class="chart-line" x1="{left}" x2="{end:.1f}" y1="{y}" y2="{y}"/>'
                '<rect class="chart-bar" x="{left}" y="{top}" width="{eighty:.1f}" height="12"/>'
                '<rect class="chart-part" x="{left}" y="{top}" width="{half:.1f}" height="12"/>'
                '<text class="chart-number" x="{after:.1f}" y="{text}">{said}</text>'
            ).format(
                x=LABEL - 8,
                text=y + 5,
                label=_short(label, 14),
                left=LABEL,
                end=LABEL + end,
                y=y,
                top=y - 6,
                eighty=eighty / most * room,
                half=half / most * room,
                after=LABEL + end + 6,
                said=said,
            )
        )
    return _svg(title, ROW * len(found) + 6, Markup("").join(drawn))


def listed(title: str, found: Sequence[Bar]) -> Markup:
    """Return bars below their labels, for a phone's width; ``said`` stands at the right end."""
    most = max((bar.value for bar in found), default=0) or 1
    drawn = []
    for n, bar in enumerate(found):
        top = n * ENTRY
        drawn.append(
            Markup(
                '<text x="0" y="{y}">{label}</text>'
                '<text class="chart-number" x="{width}" y="{y}" text-anchor="end">{said}</text>'
                '<rect class="chart-ground" x="0" y="{bar}" width="{width}" height="8"/>'
                '<rect class="chart-bar" x="0" y="{bar}" width="{wide:.1f}" height="8"/>'
                '<rect class="chart-part" x="0" y="{bar}" width="{dark:.1f}" height="8"/>'
            ).format(
                y=top + 15,
                bar=top + 21,
                label=_short(bar.label, 18),
                said=bar.said or f"{bar.value:,.0f}",
                width=NARROW,
                wide=bar.value / most * NARROW,
                dark=bar.part / most * NARROW,
            )
        )
    return _svg(title, ENTRY * len(found), Markup("").join(drawn), width=NARROW)


def steps(title: str, found: Sequence[Bar], *, below: bool = False) -> Markup:
    """Return upright bars for days or months, for a phone's width.

    ``part`` stands in front; with ``below`` it hangs below the line instead. A bar whose label is
    empty has none below it. The highest has its number; ``said`` replaces it.
    """
    high = max((bar.value for bar in found), default=0)
    low = max((bar.part for bar in found), default=0) if below else 0
    scale = TALL / (max(high, 0 if below else high) + low or 1)
    wide = NARROW / max(len(found), 1)
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
            w=NARROW, y=line
        )
    )
    return _svg(title, line + low * scale + 20, Markup("").join(drawn), width=NARROW)


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
                label=_short(label, 9),
                said=said,
                width=NARROW,
                path=_path(numbers, 150, 270, top + 6, top + TREND - 6),
            )
        )
    return _svg(title, TREND * len(found), Markup("").join(drawn), width=NARROW)


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
    x = {"start": 0.0, "end": float(NARROW)}.get(anchor, x) if number > 8 else x
    anchor = anchor if number > 8 else "middle"
    return Markup(
        '<text class="chart-number" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{words}</text>'
    ).format(x=x, y=y, anchor=anchor, words=words)


def _below(words: str, n: int, number: int, x: float, line: float) -> Markup:
    return Markup('<text x="{x:.1f}" y="{y:.1f}" text-anchor="middle">{words}</text>').format(
        x=min(max(x, 10), NARROW - 10), y=line + 16, words=words
    )


def _svg(title: str, height: float, drawn: Markup, *, width: int = WIDTH) -> Markup:
    return Markup(
        '<svg class="chart" viewBox="0 0 {width} {height:.0f}" role="img" aria-label="{title}">'
        "{drawn}</svg>"
    ).format(width=width, height=height, title=title, drawn=drawn)


def _short(text: str, most: int) -> str:
    """Return a label that fits; the table beside the chart has all of it."""
    return text if len(text) <= most else f"{text[: most - 1]}…"
