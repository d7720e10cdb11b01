"""Which districts a resident hears about: from a list in pages, by name, or by position.

While the list is open, typed words and positions mean districts; any other button closes it.
"""

from __future__ import annotations

from collections.abc import Sequence

from bot import messages
from bot.dialogues import onboarding
from bot.dialogues.kinds import (
    DISTRICTS,
    DialogueOutcome,
    DialogueState,
    Incoming,
    Known,
    Located,
    Pressed,
    Said,
    SetArea,
)
from bot.dialogues.places import find_districts, is_name
from bot.dialogues.words import listed
from bot.messages import Message, Part
from bot.understanding import UNKNOWN
from city.city import District, name_in

PAGE = onboarding.PAGE


def step(state: DialogueState, event: Incoming, known: Known) -> DialogueOutcome | None:
    """Answer while the list is open; None if the event means something else."""
    match event:
        case Pressed():
            return pressed(state, event, known)
        case Said(text):
            return _typed(state, text, known)
        case Located(longitude, latitude):
            district = known.city.district_at(longitude, latitude)
            if district is None:
                return DialogueOutcome(state, (onboarding.outside(known), card(known)))
            return _switched(state, known, district.code, on=True)
    return None


def pressed(state: DialogueState, event: Pressed, known: Known) -> DialogueOutcome | None:
    """Answer the buttons of the list, also those of an old one."""
    page = onboarding.page_of(event)
    match event.do, event.values:
        case "areas", _:
            is_open = state.name == DISTRICTS
            opened = state if is_open else state.over(DISTRICTS, "list")
            return DialogueOutcome(opened, (card(known, page),))
        case "area-all", _:
            return DialogueOutcome(state, (card(known.having(areas=())),), (SetArea(None),))
        case "area", {"to": code} if code in known.city.district_by_code:
            return _switched(state, known, code, on=event.values.get("on") == "1", page=page)
    return None


def _typed(state: DialogueState, text: str, known: Known) -> DialogueOutcome | None:
    if known.meaning(text).intent != UNKNOWN and not is_name(known.city, text):
        return None
    found = find_districts(known.city, text)
    if len(found) == 1:
        return _switched(state, known, found[0].code, on=True)
    if found:
        rows = [_row(known, district, 0) for district in found]
        title = known.say("Which of these do you mean?")
        return DialogueOutcome(state, (messages.card(title, rows, quick=_quick(known)),))
    return DialogueOutcome(state, (onboarding.not_a_district(known, text), card(known)))


def _switched(
    state: DialogueState, known: Known, code: str, *, on: bool, page: int | None = None
) -> DialogueOutcome:
    chosen = {area for area in known.preferences.areas if area != code} | ({code} if on else set())
    if page is None:
        codes = [district.code for district in known.city.districts]
        page = codes.index(code) // PAGE
    after = known.having(areas=tuple(sorted(chosen)))
    return DialogueOutcome(state, (card(after, page),), (SetArea(code, on),))


def card(known: Known, page: int | None = None) -> Message:
    """A page of the districts with their state; a tap on a line switches it."""
    every = known.city.districts
    at = min(page or 0, max(0, len(every) - 1) // PAGE)
    rows = [_row(known, district, at) for district in every[at * PAGE : (at + 1) * PAGE]]
    everything = messages.press(known.say("Whole city"), "area-all", shown=False)
    intro = known.say("Tap the districts you want to hear about.")
    if len(every) > PAGE:
        how = known.say("You can also write a name, or send a location.")
        intro = f"{intro} {how}"
    return messages.card(
        known.say("Districts"),
        [
            messages.words(chosen_names(known), weight="bold"),
            *(
                [messages.switch(known.say("Whole city"), not known.preferences.areas, everything)]
                if at == 0
                else []
            ),
            *rows,
        ],
        intro=intro,
        footer=onboarding.page_tiles(known, "areas", at),
        quick=_quick(known),
    )


def chosen_names(known: Known) -> str:
    """The resident's districts in their language."""
    names = [
        name_in(known.city.district_by_code[code].names, known.language)
        for code in known.preferences.areas
    ]
    return listed(names, known.language) or known.say("Whole city")


def _row(known: Known, district: District, page: int) -> Part:
    name, chosen = name_in(district.names, known.language), known.preferences.areas
    on = district.code in chosen
    values = {"to": district.code, "on": 0 if on else 1, **({"page": page} if page else {})}
    return messages.switch(name, on, messages.press(name, "area", shown=False, **values))


def _quick(known: Known) -> Sequence[messages.Action]:
    return (
        messages.location(known.say("Send location")),
        messages.press(known.say("Settings"), "settings"),
    )
