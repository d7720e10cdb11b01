"""Where the damage is: a location, a photo's position, or what somebody types, made a pin.

What is typed is looked up in the city's gazetteer. One hit is shown on a map to confirm, several
are offered, and a place that nobody knows can be kept in its own words. ``data`` of the report has
the question that is open: ``pin``, ``hits`` or ``typed``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bot import messages
from bot.dialogues.kinds import DialogueState, Known, Located
from bot.dialogues.words import kept_text
from bot.messages import Action, Message
from city.city import name_in
from city.gazetteer import Place, place_key

PLACE = "place"
MAX_ADDRESS = 120
OPEN_QUESTIONS = ("pin", "hits", "typed")
NO_QUESTION: dict[str, None] = dict.fromkeys(OPEN_QUESTIONS)

Press = Callable[..., Action]
"""Makes a button of the report: label, action, values."""


def located(state: DialogueState, event: Located, known: Known) -> DialogueState | None:
    """Return the report with a position as its place; None if it is outside the city."""
    if known.city.is_outside(event.longitude, event.latitude):
        return None
    place = {
        "longitude": event.longitude,
        "latitude": event.latitude,
        "address": kept_text(event.address, MAX_ADDRESS),
        "message": event.message_id,
    }
    return state.at(state.step, place=place, exif=None, **NO_QUESTION)


def typed(state: DialogueState, said: str, message_id: str, known: Known) -> DialogueState | None:
    """Return the report with what a text may mean; None if the place is in another city."""
    words = {"address": kept_text(said, MAX_ADDRESS), "message": message_id}
    if not known.places:
        return state.at(PLACE, place=words, exif=None, **NO_QUESTION)
    found = known.places.find(said)
    inside = [one for one in found.places if not known.city.is_outside(one.longitude, one.latitude)]
    if found.elsewhere or (found.places and not inside):
        return None
    questions: dict[str, Any] = {"typed": words, "pin": None, "hits": None}
    if len(inside) == 1:
        questions["pin"] = _pin(inside[0], known)
    elif inside:
        questions["hits"] = [_pin(one, known) for one in inside]
    return state.at(PLACE, exif=None, **questions)


def pressed(state: DialogueState, do: str, values: Mapping[str, str]) -> DialogueState:
    """Return the report after a button of this question; an old one changes nothing."""
    data = state.data
    words = data.get("typed") or {}
    match do:
        case "r-hit":
            hits, number = data.get("hits") or [], values.get("n", "")
            if number.isdecimal() and len(number) < 3 and int(number) < len(hits):
                return state.at(PLACE, pin=hits[int(number)], hits=None)
        case "r-pin" if data.get("pin") and values.get("use") == "1":
            return state.at(PLACE, place=_place(data["pin"], words), **NO_QUESTION)
        case "r-pin" | "r-other":
            return state.at(PLACE, **NO_QUESTION)
        case "r-keep" if words:
            return state.at(PLACE, place=words, **NO_QUESTION)
    return state


def without(data: Mapping[str, Any], message_id: str) -> dict[str, Any]:
    """Return the data of a report without what a message said of the place."""
    kept = dict(data)
    if (kept.get("typed") or {}).get("message") == message_id:
        kept |= NO_QUESTION
    if kept.get("place", {}).get("message") == message_id:
        del kept["place"]
    return kept


def prompt(state: DialogueState, known: Known, press: Press, cancel: Action) -> Message:
    """Ask (again) for the place, or about the place that was found."""
    data = state.data
    if data.get("pin"):
        return _confirm(data["pin"], known, press, cancel)
    if data.get("hits"):
        return _which(data["hits"], known, press, cancel)
    where = messages.location(known.say("Send location"))
    if data.get("typed"):
        keep = press(known.say("Keep my words"), "r-keep")
        words = known.say(
            "I cannot find this place on the map. Send the location, write another name or "
            "address near it, or keep your words."
        )
        return messages.text(words, where, keep, cancel)
    if data.get("exif"):
        return _from_the_photo(data["exif"], known, press, cancel)
    words = known.say("Where is it? Send the location, or write an address or a place nearby.")
    return messages.text(words, where, cancel)


def map_of(place: Mapping[str, Any], known: Known) -> str:
    """Return the address of the map of a place, or nothing without a position."""
    longitude, latitude = place.get("longitude"), place.get("latitude")
    if longitude is None or latitude is None:
        return ""
    return known.pictures.of_map(longitude, latitude)


def _pin(place: Place, known: Known) -> dict[str, Any]:
    return {
        "name": place.name,
        "shown": place.shown(known.language)[:MAX_ADDRESS],
        "longitude": place.longitude,
        "latitude": place.latitude,
    }


def _place(pin: Mapping[str, Any], words: Mapping[str, Any]) -> dict[str, Any]:
    """The place of a confirmed pin: its name, and behind it what the resident wrote."""
    said = str(words.get("address", ""))
    name = str(pin["name"])
    more = f"{name}（{said}）" if place_key(said) != place_key(name) else name
    return {
        "longitude": pin["longitude"],
        "latitude": pin["latitude"],
        "address": more[:MAX_ADDRESS],
        "message": words.get("message", ""),
    }


def _confirm(pin: Mapping[str, Any], known: Known, press: Press, cancel: Action) -> Message:
    yes = press(known.say("Yes, it is here"), "r-pin", use=1)
    no = press(known.say("Another place"), "r-pin", use=0)
    return _map_card(pin, str(pin["shown"]), known.say("Is it here?"), yes, no, cancel, known)


def _from_the_photo(taken: list[float], known: Known, press: Press, cancel: Action) -> Message:
    yes = press(known.say("Yes, use it"), "r-exif", use=1)
    no = press(known.say("No"), "r-exif", use=0)
    words = known.say("The photo says where it was taken. Shall I use that place?")
    place = {"longitude": taken[0], "latitude": taken[1]}
    if known.city.is_outside(taken[0], taken[1]):
        return messages.text(words, yes, no, cancel)
    district = known.city.district_at(taken[0], taken[1])
    name = name_in(district.names, known.language) if district else known.say("Place")
    return _map_card(place, name, words, yes, no, cancel, known)


def _map_card(
    place: Mapping[str, Any],
    name: str,
    question: str,
    yes: Action,
    no: Action,
    cancel: Action,
    known: Known,
) -> Message:
    return messages.card(
        name,
        [],
        intro=question,
        footer=[messages.tile(yes, strong=True), messages.tile(no)],
        quick=[yes, no, cancel],
        alt=known.say("Map: {place}. {question}", place=name, question=question),
        above=map_of(place, known),
    )


def _which(hits: list[dict[str, Any]], known: Known, press: Press, cancel: Action) -> Message:
    tiles = [
        messages.tile(press(str(hit["shown"]), "r-hit", n=number))
        for number, hit in enumerate(hits)
    ]
    other = press(known.say("None of these"), "r-other")
    title = known.say("Which place do you mean?")
    return messages.card(title, [*tiles, messages.tile(other)], quick=[cancel])
