"""Rubbish: on which days it is collected where a resident lives, and how a thing goes.

All of it is what the city's folder says (``collection/*.csv``); what is not there is not said.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from functools import cache

from bot import messages
from bot.dialogues.kinds import Known, Outcome, State
from bot.dialogues.onboarding import MAX_LISTED
from bot.dialogues.words import fold
from bot.messages import Action, Message, Part
from core.city import name_in
from core.clock import in_japan
from core.collection import Item, Kind
from feeds.texts import day_name

MOST_DISTRICTS = 3
MOST_ITEMS = 5
MOST_ADVICE = 600
EVERY_DAY = 7
"""Days of which each collection is told; of what comes less often, the next one is."""
AHEAD = 63
"""Days looked ahead: what is collected in a month's fifth week comes within nine weeks."""
_ASKING = re.compile(
    r"(の(捨て方|すてかた|出し方|だしかた|分別|ぶんべつ|ごみ)|[はをって]*(どう|どこ|いつ|何|なに)).*$|[はを]$"
)
"""What people put behind the name of a thing they want to be rid of."""
_KANA, _KANJI, _LATIN = r"\u3041-\u3096ー", r"\u3400-\u9fff々", "a-z0-9"
_SHORT = (
    (re.compile(f"[{_KANA}]{{1,2}}"), _KANA),
    (re.compile(f"[{_KANJI}]"), _KANJI),
    (re.compile(f"[{_LATIN}]{{1,4}}"), _LATIN),
)
"""Names so short that they are in other words too, with the letters that would join them."""


def days(state: State, known: Known, area: str = "") -> Outcome:
    """The next collections in the resident's districts, or in ``area``."""
    if area:
        return Outcome(state, (_days_card(known, area),))
    if not known.preferences.areas:
        return Outcome(state, (_which_district(known),))
    chosen = known.preferences.areas[:MOST_DISTRICTS]
    return Outcome(state, tuple(_days_card(known, code) for code in chosen))


def things(state: State, known: Known, text: str) -> Outcome | None:
    """How the things that ``text`` names are thrown away; None when the city names none."""
    named, meant = _items_in(known, text)
    found = (named or meant)[:MOST_ITEMS]
    if not found:
        return None
    sure = len(named) == 1
    parts: list[Part] = []
    for item in found:
        if parts:
            parts.append({"type": "separator"})
        parts += _item(known, item, headed=sure)
    quick = (messages.press(known.say("Rubbish days"), "rubbish"), _report(known))
    title = found[0].name if sure else known.say("Is this what you want to know?")
    return Outcome(state, (messages.card(title, parts, quick=quick),))


def _which_district(known: Known) -> Message:
    tiles = [
        messages.tile(messages.press(name_in(one.names, known.language), "rubbish-in", to=one.code))
        for one in known.city.districts
        if any(day.district == one.code for day in known.calendar.days)
    ]
    return messages.card(
        known.say("Rubbish days"),
        messages.columns(tiles[:MAX_LISTED]),
        intro=known.say("For which district? The days differ."),
        quick=(messages.press(known.say("Districts"), "areas"), _report(known)),
    )


def _report(known: Known) -> Action:
    """Who writes of rubbish may mean that somebody left it in the street."""
    return messages.press(known.say("Report damage"), "report")


def _days_card(known: Known, area: str) -> Message:
    rows: list[Part] = []
    told: set[str] = set()
    for day, kinds in _collections(known, area):
        soon = (day - _today(known)).days < EVERY_DAY
        here = [kind for kind in kinds if soon or kind.code not in told]
        told |= {kind.code for kind in here}
        if here:
            names = "\n".join(name_in(kind.names, known.language) for kind in here)
            when = messages.words(_day(known, day), size="xs", color=messages.QUIET_INK)
            what = messages.words(names, weight="bold")
            rows.append(
                {"type": "box", "layout": "vertical", "spacing": "xs", "contents": [when, what]}
            )
    place = name_in(known.city.district_by_code[area].names, known.language)
    intro = place if rows else f"{place}\n{known.say('No collection day is known here.')}"
    return messages.card(known.say("Rubbish days"), rows, intro=intro, quick=(_report(known),))


def _collections(known: Known, area: str) -> Iterator[tuple[date, list[Kind]]]:
    """Days on which something is collected in ``area``, from today on, with what it is."""
    for ahead in range(AHEAD):
        day = _today(known) + timedelta(days=ahead)
        if kinds := known.calendar.collected(area, day):
            yield day, kinds


def _item(known: Known, item: Item, *, headed: bool) -> list[Part]:
    """A thing with its kind, the city's advice, and when it is collected next.

    ``headed`` where the card's title names it already.
    """
    kind = next(kind for kind in known.calendar.kinds if kind.code == item.kind)
    kind_name = name_in(kind.names, known.language)
    parts = [
        messages.words(kind_name, weight="bold") if headed else messages.fact(item.name, kind_name)
    ]
    if item.advice:
        parts.append(messages.words(item.advice[:MOST_ADVICE]))
    for area in known.preferences.areas[:MOST_DISTRICTS]:
        following = (day for day, kinds in _collections(known, area) if kind in kinds)
        if day := next(following, None):
            place = name_in(known.city.district_by_code[area].names, known.language)
            parts.append(
                messages.fact(known.say("Next collection"), f"{place}: {_day(known, day)}")
            )
    return parts


def _items_in(known: Known, text: str) -> tuple[list[Item], list[Item]]:
    """The things that ``text`` names, and those it may mean."""
    said = fold(text)
    thing = _ASKING.sub("", said).strip()
    named: list[Item] = []
    meant: list[Item] = []
    if not thing:
        return named, meant
    for item in known.calendar.items:
        names, readings = _folded(item.name), _folded(item.reading)
        if thing in names | readings or any(_speaks_of(thing, name) for name in names):
            named.append(item)
        elif len(thing) > 1 and (
            any(thing in name for name in names | readings)
            or any(thing.endswith(name) for name in names)
        ):
            meant.append(item)
    return named, meant


@cache
def _folded(names: str) -> frozenset[str]:
    """Return the names or readings of a thing as they are compared; a city has thousands."""
    return frozenset(filter(None, map(fold, names.split("・"))))


def _speaks_of(text: str, name: str) -> bool:
    """Whether a name is in a text; a short one as a word of its own: 本 is no part of 日本."""
    if name not in text:
        return False
    for short, joined in _SHORT:
        if short.fullmatch(name):
            before, after = rf"(?<![{joined}])|(?<=[のやい])", rf"[はをの]|(?![{joined}])"
            alone = f"(?:{before}){re.escape(name)}(?:{after})"
            return re.search(alone, text) is not None
    return True


def _day(known: Known, day: date) -> str:
    name = day_name(day, known.language)
    near = {0: known.say("Today"), 1: known.say("Tomorrow")}.get((day - _today(known)).days)
    return f"{near} · {name}" if near else name


def _today(known: Known) -> date:
    return in_japan(known.now).date()
