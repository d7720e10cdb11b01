"""Hear of repairs in one's districts, or near a place; or no longer."""

from __future__ import annotations

from bot import messages
from bot.dialogues.kinds import (
    WATCHING,
    DialogueOutcome,
    DialogueState,
    Known,
    Located,
    WatchRepairs,
)
from bot.messages import Message
from city.city import name_in
from reports.repairs import WATCHED_METRES


def begin(state: DialogueState, known: Known) -> DialogueOutcome:
    """Ask where, with what is watched now."""
    tiles = []
    if known.preferences.areas:
        tiles.append(
            messages.tile(messages.press(known.say("In my districts"), "repairs-districts"))
        )
    tiles.append(messages.tile(messages.press(known.say("Near a place"), "repairs-place")))
    if known.watches_repairs:
        tiles.append(
            messages.tile(messages.press(known.say("Tell me no more"), "repairs-off"), danger=True)
        )
    words = known.say(
        "I can tell you when the city takes up or finishes a repair near you: one message a day "
        "at most, in the afternoon."
    )
    card = messages.card(known.say("Repairs near me"), tiles, intro=words)
    return DialogueOutcome(state, (card,))


def pressed(state: DialogueState, do: str, known: Known) -> DialogueOutcome:
    """Do what a button says."""
    match do:
        case "repairs-districts" if known.preferences.areas:
            return _saved(state, WatchRepairs(), known)
        case "repairs-place":
            return DialogueOutcome(state.over(WATCHING, "place"), prompt(known))
        case "repairs-off":
            return _saved(state, WatchRepairs(on=False), known)
    return begin(state, known)


def prompt(known: Known) -> tuple[Message, ...]:
    """Ask for the place."""
    words = known.say(
        "Send the place. I tell you of repairs within {metres} m of it.",
        metres=round(WATCHED_METRES),
    )
    return (
        messages.text(
            words,
            messages.location(known.say("Send location")),
            messages.press(known.say("Cancel"), "cancel"),
        ),
    )


def located(state: DialogueState, event: Located, known: Known) -> DialogueOutcome:
    """Watch the surroundings of a place in the city."""
    if known.city.is_outside(event.longitude, event.latitude):
        words = known.say(
            "That place is outside {city}; another office is in charge there. Please check the "
            "place.",
            city=name_in(known.city.name, known.language),
        )
        return DialogueOutcome(state, (messages.text(words), *prompt(known)))
    place = (event.longitude, event.latitude)
    return _saved(state.ended(), WatchRepairs(place), known)


def _saved(state: DialogueState, effect: WatchRepairs, known: Known) -> DialogueOutcome:
    saved = messages.text(known.say("Saved."), messages.press(known.say("My data"), "data"))
    return DialogueOutcome(state, (saved,), (effect,))
