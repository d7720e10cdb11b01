"""Rubbish: on which days it is collected where a resident lives, and how to throw a thing away.

All of it comes from the city's folder (``collection/*.csv``); nothing else is told.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from functools import cache

from bot import messages
from bot.dialogues import month
from bot.dialogues.kinds import DialogueOutcome, DialogueState, Known
from bot.dialogues.onboarding import MAX_LISTED
from bot.dialogues.words import fold
from bot.messages import Action, Message, Part
from city.city import name_in
from city.collection import WasteItem, WasteKind
from core.clock import in_japan
from core.languages import EASY_JAPANESE
from feeds.texts import day_name

MOST_DISTRICTS = 3
MOST_ITEMS = 5
MOST_ADVICE = 600
EVERY_DAY = 7
"""Days for which every collection is listed; for rarer kinds the next one is."""
AHEAD = 63
"""Days looked ahead: a collection in a month's fifth week comes within nine weeks."""
OFF_AHEAD = 14
"""Days ahead for which a cancelled collection is told, as at New Year."""
_ASKING = re.compile(
    r"(の(捨て方|すてかた|出し方|だしかた|分別|ぶんべつ|ごみ)|[はをって]*(どう|どこ|いつ|何|なに)).*$|[はを]$"
)
"""Words that people put after the name of a thing that they want to throw away."""
_KANA, _KANJI, _LATIN = r"\u3041-\u3096ー", r"\u3400-\u9fff々", "a-z0-9"
_SHORT = (
    (re.compile(f"[{_KANA}]{{1,2}}"), _KANA),
    (re.compile(f"[{_KANJI}]"), _KANJI),
    (re.compile(f"[{_LATIN}]{{1,4}}"), _LATIN),
)
"""Short names that occur inside other words, with the letters around them that show this."""


def days(
    state: DialogueState, known: Known, area: str = "", day: date | None = None
) -> DialogueOutcome:
    """The next collections in the resident's districts, or in ``area``; or those of one day."""
    if area:
        return DialogueOutcome(state, (_days_card(known, area),))
    if not known.preferences.areas:
        return DialogueOutcome(state, (_which_district(known),))
    chosen = known.preferences.areas[:MOST_DISTRICTS]
    return DialogueOutcome(state, tuple(_days_card(known, code, day) for code in chosen))


def things(state: DialogueState, known: Known, text: str) -> DialogueOutcome | None:
    """How to throw away the things in ``text``; None if the city's list has none of them."""
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
    title = _name(found[0], known) if sure else known.say("Is this your question?")
    return DialogueOutcome(state, (messages.card(title, parts, quick=quick),))


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
    """A message about rubbish may mean that somebody left it in the street."""
    return messages.press(known.say("Report damage"), "report")


def _days_card(known: Known, area: str, only: date | None = None) -> Message:
    rows: list[Part] = []
    told: set[str] = set()
    for day in [only] if only else _days_ahead(known):
        soon = (day - _today(known)).days < EVERY_DAY
        kinds = known.calendar.collected(area, day)
        here = [kind for kind in kinds if soon or kind.code not in told]
        told |= {kind.code for kind in here}
        if only:
            here = kinds
        contents = [messages.words(_named(here, known), weight="bold")] if here else []
        near = only is not None or (day - _today(known)).days < OFF_AHEAD
        if near and (off := known.calendar.called_off(area, day)):
            none = f"{known.say('No collection')}: {_named(off, known, between=', ')}"
            contents.append(messages.words(none, size="sm", color=messages.WARNING))
        elif only and not here:
            contents.append(messages.words(known.say("No collection"), weight="bold"))
        if contents:
            contents += [
                messages.words(note, size="xs", color=messages.QUIET_INK)
                for kind in here
                for note in known.calendar.notes(area, kind.code)
            ]
            when = messages.words(_day(known, day), size="xs", color=messages.QUIET_INK)
            rows.append(
                {
                    "type": "box",
                    "layout": "vertical",
                    "spacing": "xs",
                    "contents": [when, *contents],
                }
            )
    place = name_in(known.city.district_by_code[area].names, known.language)
    intro = place if rows else f"{place}\n{known.say('No collection day is known here.')}"
    quick = (*month.buttons(known, area), _report(known))
    return messages.card(known.say("Rubbish days"), rows, intro=intro, quick=quick)


def _collections(known: Known, area: str) -> Iterator[tuple[date, list[WasteKind]]]:
    """Collection days in ``area`` from today on, with their kinds."""
    for day in _days_ahead(known):
        if kinds := known.calendar.collected(area, day):
            yield day, kinds


def _days_ahead(known: Known) -> Iterator[date]:
    return (_today(known) + timedelta(days=ahead) for ahead in range(AHEAD))


def _named(kinds: list[WasteKind], known: Known, *, between: str = "\n") -> str:
    return between.join(name_in(kind.names, known.language) for kind in kinds)


def _item(known: Known, item: WasteItem, *, headed: bool) -> list[Part]:
    """A thing with its kind, the city's advice, and when it is collected next.

    ``headed`` if the card's title names it already.
    """
    kind = next(kind for kind in known.calendar.kinds if kind.code == item.kind)
    kind_name = name_in(kind.names, known.language)
    parts = [
        messages.words(kind_name, weight="bold")
        if headed
        else messages.fact(_name(item, known), kind_name)
    ]
    if item.advice:
        parts.append(messages.words(item.advice[:MOST_ADVICE]))
        if known.language != "ja":
            note = known.say("The city writes this in Japanese.")
            parts.append(messages.words(note, size="xs", color=messages.QUIET_INK))
    for area in known.preferences.areas[:MOST_DISTRICTS]:
        following = (day for day, kinds in _collections(known, area) if kind in kinds)
        if day := next(following, None):
            place = name_in(known.city.district_by_code[area].names, known.language)
            parts.append(
                messages.fact(known.say("Next collection"), f"{place}: {_day(known, day)}")
            )
    return parts


def _name(item: WasteItem, known: Known) -> str:
    """A thing's name, in easy Japanese with its reading, in others with their word for it."""
    if known.language == EASY_JAPANESE and item.reading:
        return item.name if item.reading == item.name else f"{item.name}（{item.reading}）"
    theirs = known.understanding.name_in(known.language, item.name)
    return f"{item.name} ({theirs})" if theirs else item.name


def _items_in(known: Known, text: str) -> tuple[list[WasteItem], list[WasteItem]]:
    """The things that ``text`` names, and those it may mean."""
    said = fold(text)
    thing = _ASKING.sub("", said).strip()
    named: list[WasteItem] = []
    meant: list[WasteItem] = []
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
    """Return the names or readings of a thing in the form for comparison; a city has thousands."""
    return frozenset(filter(None, map(fold, names.split("・"))))


def _speaks_of(text: str, name: str) -> bool:
    """Whether a name is in a text; a short one must be a separate word: 本 is not found in 日本."""
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
