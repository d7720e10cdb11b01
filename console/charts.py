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


def _svg(title: str, height: float, drawn: Markup) -> Markup:
    return Markup(
        '<svg class="chart" viewBox="0 0 {width} {height}" role="img" aria-label="{title}">'
        "{drawn}</svg>"
    ).format(width=WIDTH, height=height, title=title, drawn=drawn)


def _short(text: str, most: int) -> str:
    """Return a label that fits; the table beside the chart has all of it."""
    return text if len(text) <= most else f"{text[: most - 1]}…"
