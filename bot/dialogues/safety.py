"""Other functions: current warnings, evacuation sites, help, 119."""

from __future__ import annotations

from dataclasses import replace
from math import inf

from bot import messages
from bot.dialogues.kinds import SHELTERS, DialogueOutcome, DialogueState, Known, Located
from bot.dialogues.onboarding import menu_card
from bot.dialogues.words import listed
from bot.messages import Message, Part
from city.city import name_in
from city.hazards import zones_at
from city.shelters import Hazard, Shelter
from core.geo import Position
from core.languages import EASY_JAPANESE
from feeds.evacuation import safe_sites
from feeds.texts import drill_mark
from public.words import (
    ALL_ON_ONE_PAGE,
    CHANGES_SOON,
    HAZARDS,
    LIFELINES_TITLE,
    hazard_names,
    lifeline_kind,
    lifeline_lines,
    lifeline_state,
    offers_line,
    safe_in_case_of,
    state_name,
)
from public.words import CATALOGUE as PUBLIC_WORDS
from response.lifelines import NearLifeline
from response.lifelines import nearest as near_lifelines
from response.models import LifelineState
from response.shelters import OfferedSite, choose

NEAREST = 5
NEAR_THE_BORDER_M = 3_000
"""The longest distance of a site for somebody outside the city: a walking distance."""
MAX_IN_FORCE = 4
LIFELINES = "lifelines"
"""The step in which a position is awaited for lifelines."""
EACH_LIFELINE = 2
"""Entries of a kind in the chat; the public page has all."""


def emergency(known: Known) -> Message:
    """Emergency numbers for somebody in danger; nobody watches this chat.

    The numbers are in the message itself, because quick replies disappear when another message
    follows.
    """
    calls = [
        messages.uri(known.say("Call 119"), "tel:119"),
        messages.uri(known.say("Call 110"), "tel:110"),
        messages.uri(known.say("Call 118 (at sea)"), "tel:118"),
    ]
    tiles = [messages.tile(call, danger=True) for call in calls]
    words = known.say(
        "Is somebody in danger? Call now: 119 for fire and ambulance, 110 for the police. "
        "Nobody watches this chat."
    )
    return messages.card("119 ・ 110 ・ 118", messages.columns(tiles, 1), intro=words, alt=words)


def where_help_is(known: Known) -> Message:
    """More options for somebody who cried for help; the menu is no help to them."""
    return messages.text(
        known.say("If you need other help, choose below."),
        messages.press(known.say("Warnings now"), "now"),
        messages.press(known.say("Evacuation sites"), "shelters"),
        messages.press(known.say("Report damage"), "report"),
    )


def in_danger(state: DialogueState, known: Known) -> DialogueOutcome:
    """What is in force, what to do, and the suitable sites near home."""
    warnings = warnings_now(state, known)
    home = known.home
    if home is None:
        asked = ask_where(state, known)
        return replace(asked, messages=(*warnings.messages, *asked.messages))
    sites, _ = _safe_near(home, known)
    elsewhere = messages.location(known.say("Send location"))
    sites = tuple(messages.with_more(message, elsewhere) for message in sites)
    return DialogueOutcome(state, (*warnings.messages, *sites))


def person(state: DialogueState, known: Known) -> DialogueOutcome:
    """Contacts: the city's own number, else those of its departments."""
    words = known.say("A machine answers here. To talk to a person, call or visit the city hall.")
    told = call_the_city(state, known, words)
    if known.person_offer is None:
        return told
    return replace(told, messages=(*told.messages, known.person_offer))


def call_the_city(state: DialogueState, known: Known, words: str) -> DialogueOutcome:
    """``words``, and below them the city's numbers."""
    city = known.city
    numbers = [name_in(city.emergency_phone, known.language)] if city.emergency_phone else []
    numbers += [
        f"{name_in(one.names, known.language)} {one.phone}" for one in city.departments if one.phone
    ]
    return DialogueOutcome(state, (messages.text("\n".join((words, *numbers))),))


def lifelines(state: DialogueState, known: Known) -> DialogueOutcome:
    """What the city lists of water, power, shops and roads, the nearest first; where it lists
    nothing, where such news comes from.
    """
    if known.lifelines:
        listed = _lifelines(known.home, known, measured=False)
        asked = messages.with_more(listed, messages.location(known.say("Send location")))
        warned = warnings_now(state, known).messages if known.in_force else ()
        return DialogueOutcome(state.over(SHELTERS, LIFELINES), (*warned, asked))
    words = known.say(
        "If power, water, gas or phones fail, the city tells you here what it knows. Please ask "
        "the company too."
    )
    said = messages.text(words, messages.press(known.say("Topics"), "topics"))
    return DialogueOutcome(
        state, (*warnings_now(state, known).messages, said) if known.in_force else (said,)
    )


def lifelines_near(state: DialogueState, event: Located, known: Known) -> DialogueOutcome:
    """The lifelines nearest to a position, with their distances."""
    listed = _lifelines((event.longitude, event.latitude), known, measured=True)
    return DialogueOutcome(state.ended(), (listed,))


def _lifelines(here: Position | None, known: Known, *, measured: bool) -> Message:
    areas = set(known.preferences.areas)
    if measured and here is not None and (district := known.city.district_at(*here)) is not None:
        areas = {district.code}
    parts: list[Part] = []
    for kind, ones in near_lifelines(known.lifelines, here, areas, each=EACH_LIFELINE).items():
        parts.append(messages.words(lifeline_kind(kind, known.language), weight="bold"))
        parts += [_lifeline(one, known, measured=measured) for one in ones]
    title = PUBLIC_WORDS.text(known.language, LIFELINES_TITLE)
    intro = PUBLIC_WORDS.text(known.language, CHANGES_SOON)
    footer = []
    if known.lifelines_url:
        address = f"{known.lifelines_url}?lang={known.language}"
        every = PUBLIC_WORDS.text(known.language, ALL_ON_ONE_PAGE)
        # The page shows the real ones alone.
        footer = [] if known.in_drill else [messages.tile(messages.uri(every, address))]
    return messages.card(_marked(title, known), parts, intro=intro, footer=footer)


def _lifeline(near: NearLifeline, known: Known, *, measured: bool) -> Part:
    one = near.lifeline
    good = one.state is LifelineState.OPEN
    state = lifeline_state(one.kind, one.state, known.language)
    far = [_far(near.metres)] if measured and near.metres is not None else []
    district = known.city.district_by_code.get(one.area)
    where = [_quiet(name_in(district.names, known.language))] if district and not far else []
    box: Part = {
        "type": "box",
        "layout": "vertical",
        "backgroundColor": messages.TINT,
        "cornerRadius": "8px",
        "paddingAll": "10px",
        "contents": [
            messages.words(
                f"● {state}", weight="bold", color=messages.BRAND if good else messages.WARNING
            ),
            messages.words(one.name, weight="bold"),
            *where,
            *far,
            *(messages.words(line, size="xs") for line in lifeline_lines(one, known.language)),
        ],
    }
    if one.longitude is None or one.latitude is None:
        return box
    box["contents"].append(
        messages.words(known.say("Open map"), color=messages.BRAND, weight="bold")
    )
    return {**box, "action": {"type": "uri", "uri": _map_link(one.longitude, one.latitude)}}


def _map_link(longitude: float, latitude: float) -> str:
    return f"https://www.google.com/maps/search/?api=1&query={latitude:.6f},{longitude:.6f}"


def glad(state: DialogueState, known: Known) -> DialogueOutcome:
    """Acknowledge that somebody is safe."""
    words = known.say(
        "It is good that you are safe. Tell your family too: call 171 and leave a message. If "
        "you need help, call 119."
    )
    return DialogueOutcome(
        state,
        (
            messages.text(
                words,
                messages.press(known.say("Warnings now"), "now"),
                messages.press(known.say("Evacuation sites"), "shelters"),
            ),
        ),
    )


def numbers(state: DialogueState, known: Known) -> DialogueOutcome:
    """Numbers that help in a disaster, to tap."""
    calls = [
        messages.uri(known.say("Call 119"), "tel:119"),
        messages.uri(known.say("Call 110"), "tel:110"),
        messages.uri(known.say("Call 171"), "tel:171"),
        messages.uri("web171", "https://www.web171.jp/"),
    ]
    words = known.say(
        "119: fire and ambulance. 110: police. 171 and web171: leave a message for your family, or "
        "hear theirs."
    )
    if known.city.emergency_phone:
        words += "\n" + name_in(known.city.emergency_phone, known.language)
    parts = messages.columns([messages.tile(call) for call in calls])
    title = known.say("Useful numbers")
    return DialogueOutcome(state, (messages.card(title, parts, intro=words),))


def help_text(known: Known) -> Message:
    return messages.text(
        known.say(
            "This account sends you warnings and city news, and takes reports of damage in "
            "streets and parks. A machine answers here. In an emergency call 119 (fire, "
            "ambulance) or 110 (police)."
        )
    )


def warnings_now(state: DialogueState, known: Known) -> DialogueOutcome:
    """What is in force in the city."""
    if not known.in_force:
        nothing = known.say(
            "No warnings or advisories are in force in {city} now, as far as we know. "
            "If you feel in danger, do not wait: leave.",
            city=name_in(known.city.name, known.language),
        )
        return DialogueOutcome(state, (messages.text(nothing),))
    parts: list[Part] = []
    for warning in known.in_force[:MAX_IN_FORCE]:
        if parts:
            parts.append({"type": "separator"})
        parts.append(messages.words(warning.title, weight="bold"))
        parts.append(messages.words(warning.text[:600], size="sm"))
    return DialogueOutcome(state, (messages.card(known.say("Warnings now"), parts),))


def ask_where(state: DialogueState, known: Known) -> DialogueOutcome:
    """Ask for the place for the nearest evacuation sites."""
    if not known.shelters:
        none = known.say("We cannot show the list of evacuation sites now. Please ask the city.")
        return DialogueOutcome(state, (messages.text(none),))
    where = known.say("Send your location to find the nearest evacuation sites.")
    message = messages.text(where, messages.location(known.say("Send location")))
    return DialogueOutcome(state.over(SHELTERS, "where"), (message,))


def nearest(state: DialogueState, event: Located, known: Known) -> DialogueOutcome:
    """The nearest sites that are safe in the current dangers, with links to a map.

    Somebody outside the city is told whom to ask; near the border the city's own sites are shown
    too.
    """
    if state.name == SHELTERS and state.step == LIFELINES and known.lifelines:
        return lifelines_near(state, event, known)
    after = state.ended() if state.name == SHELTERS else state
    here = (event.longitude, event.latitude)
    if not known.city.is_outside(*here):
        said, _ = _safe_near(here, known, measured=True)
        return DialogueOutcome(after, (*_zones(here, known), *said))
    said, found = _safe_near(here, known, measured=True, within=NEAR_THE_BORDER_M)
    return DialogueOutcome(after, (_outside(known), *said) if found else (_outside(known),))


def _zones(here: Position, known: Known) -> tuple[Message, ...]:
    """Which dangers reach the place by the city's hazard map; nothing where none does."""
    zones = zones_at(known.hazard_zones, *here)
    if not zones:
        return ()
    said = []
    for hazard in (one for one in HAZARDS if one in zones):
        [name], depth = hazard_names([hazard], known.language), zones[hazard]
        if depth is not None:
            name = known.say(
                "{hazard} (water up to {metres} m deep)", hazard=name, metres=f"{depth:g}"
            )
        said.append(name)
    words = known.say(
        "This place is in a danger zone of the city's hazard map: {hazards}.",
        hazards=listed(said, known.language),
    )
    return (messages.text(words),)


def _safe_near(
    here: Position, known: Known, *, measured: bool = False, within: float = inf
) -> tuple[tuple[Message, ...], bool]:
    """Return the message about sites near a place, and whether there are any.

    ``measured`` adds the distances, which are useful only from the resident's position.
    """
    safe, missing = safe_sites(known.shelters, known.hazards)
    offered = choose(safe, known.shelter_states, here, most=NEAREST, within=within)
    said: list[Message] = []
    if missing:
        said.append(_nowhere_for(missing, known))
    if offered:
        where = here if measured else None
        said.append(_sites(offered, known.hazards - missing, known, where))
    elif safe:
        closed = known.say("The sites for this danger are closed now. Follow what the city says.")
        said.append(messages.text(_marked(closed, known)))
    elif not missing:
        said.append(_nowhere_for(known.hazards, known))
    return tuple(said), bool(offered)


def _marked(words: str, known: Known) -> str:
    """The words, which in a drill begin with its mark."""
    return f"{drill_mark(known.language)}{words}" if known.in_drill else words


def _outside(known: Known) -> Message:
    return messages.text(
        known.say(
            "That place is outside {city}. The municipality there knows which evacuation sites "
            "are safe: ask it, and follow what it says.",
            city=name_in(known.city.name, known.language),
        )
    )


def _nowhere_for(hazards: frozenset[Hazard], known: Known) -> Message:
    return messages.text(
        known.say(
            "No evacuation site of {city} is meant for this danger: {hazards}. Follow what the "
            "city says.",
            city=name_in(known.city.name, known.language),
            hazards=listed(hazard_names(hazards, known.language), known.language),
        )
    )


def _sites(
    offered: list[OfferedSite],
    hazards: frozenset[Hazard],
    known: Known,
    here: Position | None,
) -> Message:
    """The sites on a map, each with its state, its distance, its hazards and a link to the way.

    ``here`` is None if the resident's position is not known.
    """
    measured = here is not None
    if hazards:
        names = listed(hazard_names(hazards, known.language), known.language)
        which = known.say("These sites are for the danger now: {hazards}.", hazards=names)
    else:
        which = known.say("Choose a site that is meant for the danger you are in.")
    title = known.say("Nearest evacuation sites") if measured else known.say("Evacuation sites")
    walking = known.say("The city announces which sites are open. Do not walk through flood water.")
    return messages.card(
        _marked(title, known),
        [
            _site(number, one, known, measured=measured)
            for number, one in enumerate(offered, start=1)
        ],
        intro=f"{which}\n{walking}",
        above=known.pictures.of_sites(
            here,
            [
                ((one.site.longitude, one.site.latitude), one.status.state if one.status else "")
                for one in offered
            ],
        ),
    )


def _site(number: int, offered: OfferedSite, known: Known, *, measured: bool) -> Part:
    shelter = offered.site
    link = _map_link(shelter.longitude, shelter.latitude)
    safe = safe_in_case_of(shelter.hazards, known.language)
    return {
        "type": "box",
        "layout": "vertical",
        "backgroundColor": messages.TINT,
        "cornerRadius": "8px",
        "paddingAll": "10px",
        "contents": [
            *_state(offered, known),
            *_names(shelter, known.language, number),
            *([_far(offered.metres)] if measured else []),
            *([_quiet(shelter.address)] if shelter.address else []),
            messages.words(safe, size="xs"),
            *_offers(offered, known.language),
            messages.words(known.say("Open map"), color=messages.BRAND, weight="bold"),
        ],
        "action": {"type": "uri", "uri": link},
    }


def _names(shelter: Shelter, language: str, number: int) -> list[Part]:
    """The number on the map, the name as on the sign, and its reading."""
    reading = shelter.english if not language.startswith("ja") else ""
    if language == EASY_JAPANESE:
        reading = shelter.kana
    name = messages.words(f"{number}. {shelter.name}", weight="bold")
    return [name, messages.words(reading, size="xs")] if reading else [name]


def _state(offered: OfferedSite, known: Known) -> list[Part]:
    """Whether staff say that the site is open; nothing if they say so of no site."""
    if offered.status is not None:
        ink = messages.WARNING if offered.is_full else messages.BRAND
        name = state_name(offered.status.state, known.language)
        return [messages.words(f"● {name}", weight="bold", color=ink)]
    if not known.shelter_states:
        return []
    return [_quiet(known.say("The city has not said yet whether it is open."))]


def _offers(offered: OfferedSite, language: str) -> list[Part]:
    line = offers_line(offered.status.offers, language) if offered.status else ""
    return [messages.words(line, size="xs")] if line else []


def _quiet(said: str) -> Part:
    return messages.words(said, size="xs", color=messages.QUIET_INK)


def _far(metres: float) -> Part:
    return _quiet(_distance(metres))


def _distance(metres: float) -> str:
    return f"{metres / 1000:.1f} km" if metres >= 950 else f"{round(metres / 10) * 10:.0f} m"


def lost(state: DialogueState, known: Known, words: str) -> DialogueOutcome:
    """Say what happened and show the next options: no dead ends."""
    return DialogueOutcome(state, (messages.text(words), menu_card(known)))
