"""What stands where on the rich menus: four tabs for ordinary days, one menu for a disaster.

A picture has a bar at the top and six places below it, in two rows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from core.languages import mark

WIDTH, HEIGHT = 2500, 1686
BAR = 236
"""Height of the bar with the tabs, in pixels."""
COLUMNS, ROWS = 3, 2


class Kind(StrEnum):
    """A menu; the first four are tabs of one another."""

    NEWS = "news"
    DAILY = "daily"
    TELL = "tell"
    MINE = "mine"
    DISASTER = "disaster"
    DRILL = "drill"


TABS = (Kind.NEWS, Kind.DAILY, Kind.TELL, Kind.MINE)
AT_ONCE = (*TABS, Kind.DISASTER)
"""The menus that are made before anybody needs them; LINE makes at most 100 an hour."""
TITLES = {
    Kind.NEWS: mark("News and safety"),
    Kind.DAILY: mark("Daily life"),
    Kind.TELL: mark("Tell the city"),
    Kind.MINE: mark("My settings"),
    Kind.DISASTER: mark("In a disaster"),
    Kind.DRILL: mark("In a disaster"),
}


@dataclass(frozen=True)
class Place:
    """A place to tap: what it does, its label (English), and the values of its postback."""

    do: str
    label: str
    values: dict[str, str] = field(default_factory=dict)

    @property
    def icon(self) -> str:
        return self.values.get("what", self.do)


def _ask(intent: str, label: str) -> Place:
    return Place("ask", label, {"what": intent})


NOW = Place("now", mark("Warnings now"))
SHELTERS = Place("shelters", mark("Evacuation sites"))
SAFE = Place("safe", mark("I am safe"))
LIFELINES = _ask("lifelines", mark("Power, water, gas"))
NUMBERS = Place("numbers", mark("Useful numbers"))
REPORT = Place("report", mark("Report damage"))
LANGUAGE = Place("language", mark("Language"))
HELP = Place("help", mark("How to use"))
QUESTIONS = _ask("faq", mark("Questions"))
PERSON = _ask("person", mark("Talk to a person"))
DANGER = Place("report", mark("Report damage"), {"danger": "1"})
"""In a disaster staff look at once at what is reported."""
_IN_A_DISASTER = (NOW, SHELTERS, SAFE, DANGER, LIFELINES, NUMBERS)
PLACES: dict[Kind, tuple[Place, ...]] = {
    Kind.NEWS: (NOW, SHELTERS, SAFE, LIFELINES, NUMBERS, HELP),
    Kind.DAILY: (
        Place("rubbish", mark("Rubbish days")),
        _ask("sorting", mark("Sorting rubbish")),
        _ask("bulky", mark("Large rubbish")),
        _ask("childcare", mark("Children")),
        QUESTIONS,
        PERSON,
    ),
    Kind.TELL: (
        REPORT,
        Place("reports", mark("Your reports")),
        SAFE,
        QUESTIONS,
        PERSON,
        NUMBERS,
    ),
    Kind.MINE: (
        Place("settings", mark("Settings")),
        Place("areas", mark("Districts")),
        Place("topics", mark("Topics")),
        Place("quiet-hours", mark("Quiet hours")),
        LANGUAGE,
        Place("data", mark("My data")),
    ),
    Kind.DISASTER: _IN_A_DISASTER,
    Kind.DRILL: _IN_A_DISASTER,
}

Box = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels."""


def tap_areas() -> list[Box]:
    """Return the six places below the bar, row by row."""
    xs = [round(WIDTH * column / COLUMNS) for column in range(COLUMNS + 1)]
    ys = [BAR + round((HEIGHT - BAR) * row / ROWS) for row in range(ROWS + 1)]
    return [
        (xs[column], ys[row], xs[column + 1], ys[row + 1])
        for row in range(ROWS)
        for column in range(COLUMNS)
    ]


def tab_areas() -> list[Box]:
    """Return the four tabs of the bar."""
    xs = [round(WIDTH * column / len(TABS)) for column in range(len(TABS) + 1)]
    return [(xs[column], 0, xs[column + 1], BAR) for column in range(len(TABS))]
