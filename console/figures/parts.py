"""One part of the figures: a chart, its sentence, its table. The same for page, paper and CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from markupsafe import Markup

from city.city import City, name_in
from console import words
from console.charts import Bar, bars, steps, trends
from console.figures.hiding import Shown, together
from console.figures.kept import Figures
from core.languages import mark
from core.text import spreadsheet_cell

Say = Callable[..., str]
Cell = int | str | None
"""None is a small number that is hidden."""
UNDER = mark("under 10")
NOTHING_YET = mark("There is nothing yet.")
ALL_HIDDEN = mark("All numbers are under 10, or would tell one that is.")
MOST_BARS = 15


@dataclass(frozen=True)
class Part:
    """``rows`` begin with their label. ``columns`` name the cells after it."""

    code: str
    title: str
    sentence: str
    chart: Markup
    columns: tuple[str, ...]
    rows: Sequence[tuple[Cell, ...]]
    warns: bool = False
    more: str = ""
    """A sentence on what the numbers are not."""


@dataclass(frozen=True)
class Desk:
    """What the parts are made with: the figures, the city, the reader's language."""

    figures: Figures
    city: City
    language: str
    say: Say

    def cell(self, value: Cell) -> str:
        """Return a cell as people read it."""
        if value is None:
            return self.say(UNDER)
        return f"{value:,}" if isinstance(value, int) else value

    def step(self, day: date) -> str:
        """Return the name of a day or month of the table."""
        if self.figures.period.by_month:
            return words.month_of(day, self.language)
        return words.day_of(day, self.language)

    def tick(self, n: int, day: date) -> str:
        """Return what stands below the n-th bar: each month, every fifth day."""
        if self.figures.period.by_month:
            return f"{day.month}"
        return f"{day.day}" if n % 5 == 0 else ""

    def topic(self, code: str) -> str:
        found = next((one for one in self.city.topics if one.code == code), None)
        return name_in(found.names, self.language) if found else code

    def area(self, code: str) -> str:
        if not code:
            return self.say("The whole city")
        found = self.city.district_by_code.get(code)
        return name_in(found.names, self.language) if found else code

    def medium(self, code: str) -> str:
        return words.medium_name(code, self.language)

    def reader(self, code: str) -> str:
        return words.language_name(code, self.language)


def bar(label: str, value: Cell, part: int = 0, said: str = "") -> Bar:
    """Return a bar; a hidden number has none and says so by ``said``."""
    return Bar(label, value if isinstance(value, int) else 0, part, said)


def ordered(desk: Desk, shown: Mapping[str, Shown], name: Callable[[str], str]) -> list[str]:
    """Return the keys, the largest first; hidden ones last, by name, so that the order tells
    nothing.
    """
    return sorted(shown, key=lambda key: (-(shown[key] or -1), name(key)))


def ranking(
    desk: Desk,
    code: str,
    title: str,
    counts: Mapping[str, int],
    name: Callable[[str], str],
    head: str,
    *,
    hides: bool,
    more: str = "",
) -> Part:
    """Return a part with one number a thing, the largest first."""
    say = desk.say
    shown: dict[str, Shown] = together(counts) if hides else dict(counts)
    keys = [key for key in ordered(desk, shown, name) if shown[key] != 0]
    first = next((key for key in keys if shown[key] is not None), None)
    sentence = say(ALL_HIDDEN if keys else NOTHING_YET)
    if first is not None:
        sentence = say(
            "Most of all: “{what}” with {n}.", what=name(first), n=desk.cell(shown[first])
        )
    chart = bars(
        title, [bar(name(key), shown[key], said=desk.cell(shown[key])) for key in keys[:MOST_BARS]]
    )
    rows = [(name(key), shown[key]) for key in keys]
    return Part(code, title, sentence, chart, (head,), rows, more=more)


def over_time(
    desk: Desk,
    code: str,
    title: str,
    name: str,
    called: Callable[[str], str],
    *,
    hide: Callable[[Mapping[str, int]], dict[str, Shown]] = together,
    more: str = "",
) -> Part:
    """Return a part with who follows at the end of each step, by one of their choices.

    A day that was missed has no number.
    """
    at_end = {day: hide(counts) for day, counts in desk.figures.at_end(name).items()}
    days = desk.figures.period.steps
    known = [day for day in days if day in at_end]
    if not known:
        return Part(code, title, desk.say(NOTHING_YET), Markup(""), (), [], more=more)
    last = at_end[known[-1]]
    every = {key for counts in at_end.values() for key in counts}
    keys = ordered(desk, {key: last.get(key, 0) for key in every}, called)
    drawn = [
        (called(key), [_drawn(at_end, day, key) for day in days], desk.cell(last.get(key, 0)))
        for key in keys[:MOST_BARS]
    ]
    shown = known if desk.figures.period.by_month else thinned(known)
    rows: list[tuple[Cell, ...]] = [
        (called(key), *(at_end[day].get(key, 0) for day in shown)) for key in keys
    ]
    first = next((key for key in keys if last.get(key)), None)
    sentence = desk.say(ALL_HIDDEN if keys else NOTHING_YET)
    if first is not None:
        sentence = desk.say(
            "At the end of {when}, most of all: “{what}” with {n}.",
            when=desk.step(known[-1]),
            what=called(first),
            n=desk.cell(last[first]),
        )
    columns = tuple(desk.step(day) for day in shown)
    return Part(code, title, sentence, trends(title, drawn), columns, rows, more=more)


def thinned(days: Sequence[date]) -> list[date]:
    """Return the first and the last of some days and every seventh, so that a table can be read."""
    return [day for n, day in enumerate(days) if n in (0, len(days) - 1) or n % 7 == 0]


def _drawn(at_end: Mapping[date, Mapping[str, Shown]], day: date, key: str) -> float | None:
    return at_end[day].get(key, 0) if day in at_end else None


def timeline(
    desk: Desk,
    code: str,
    title: str,
    sentence: str,
    columns: tuple[str, ...],
    found: Mapping[date, tuple[Cell, ...]],
    *,
    below: bool = False,
    part: bool = True,
    more: str = "",
    warns: bool = False,
) -> Part:
    """Return a part with some numbers for each step: the first is the bar, the second its part."""
    days = desk.figures.period.steps
    drawn = [
        bar(
            desk.tick(n, day),
            found[day][0] if day in found else 0,
            _number(found[day][1]) if part and day in found and len(found[day]) > 1 else 0,
        )
        for n, day in enumerate(days)
    ]
    rows: list[tuple[Cell, ...]] = [(desk.step(day), *found[day]) for day in days if day in found]
    chart = steps(title, drawn, below=below)
    if not any(isinstance(cell, int) and cell for row in rows for cell in row[1:]):
        sentence, rows = desk.say(NOTHING_YET), []
    return Part(code, title, sentence, chart, columns, rows, warns, more)


def _number(cell: Cell) -> int:
    return cell if isinstance(cell, int) else 0


def sheet(desk: Desk, parts: Iterable[Part]) -> str:
    """Return all numbers as CSV for Excel in Japan; nothing in it is taken for a formula."""
    say, period = desk.say, desk.figures.period
    output = io.StringIO()
    output.write("\ufeff")
    writer = csv.writer(output, lineterminator="\r\n")
    writer.writerow(
        [say("From"), say("To"), *(say(head) for head in ("What", "Of", "Part", "Figure"))]
    )
    for part in parts:
        for row in part.rows:
            for column, cell in zip(part.columns, row[1:], strict=True):
                value = say(UNDER) if cell is None else str(cell)
                labels = (part.title, str(row[0]), column, value)
                writer.writerow(
                    [
                        f"{period.first}",
                        f"{period.last}",
                        *(spreadsheet_cell(one) for one in labels),
                    ]
                )
    return output.getvalue()
