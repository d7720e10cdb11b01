"""What the service offers beside settings and reports: warnings now, shelters, help, 119."""

from __future__ import annotations

from bot import messages
from bot.dialogues.kinds import SHELTERS, Known, Located, Outcome, State
from bot.dialogues.onboarding import menu_card
from bot.messages import Message, Part
from core.city import name_in
from core.languages import EASY_JAPANESE
from core.shelters import Shelter

NEAREST = 5
MAX_IN_FORCE = 4


def emergency(known: Known) -> Message:
    """Whom to call when somebody is in danger; this chat is not watched."""
    return messages.text(
        known.say(
            "Is somebody in danger? Call now: 119 for fire and ambulance, 110 for the police. "
            "Nobody watches this chat."
        ),
        messages.uri(known.say("Call 119"), "tel:119"),
        messages.uri(known.say("Call 110"), "tel:110"),
    )


def help_text(known: Known) -> Message:
    return messages.text(
        known.say(
            "This account sends you warnings and city news, and takes reports of damage in "
            "streets and parks. A machine answers here. In an emergency call 119 (fire, "
            "ambulance) or 110 (police)."
        )
    )


def warnings_now(state: State, known: Known) -> Outcome:
    """What is in force in the city."""
    if not known.in_force:
        nothing = known.say(
            "No warnings are in force in {city} now.",
            city=name_in(known.city.name, known.language),
        )
        return Outcome(state, (messages.text(nothing),))
    parts: list[Part] = []
    for warning in known.in_force[:MAX_IN_FORCE]:
        if parts:
            parts.append({"type": "separator"})
        parts.append(messages.words(warning.title, weight="bold"))
        parts.append(messages.words(warning.text[:600], size="sm"))
    return Outcome(state, (messages.card(known.say("Warnings now"), parts),))


def ask_where(state: State, known: Known) -> Outcome:
    """Ask for the place from which the nearest shelters are looked for."""
    if not known.shelters:
        none = known.say("The list of shelters is not at hand. Please ask the city.")
        return Outcome(state, (messages.text(none),))
    where = known.say("Send your location to find the nearest shelters.")
    message = messages.text(where, messages.location(known.say("Send location")))
    return Outcome(state.over(SHELTERS, "where"), (message,))


def nearest(state: State, event: Located, known: Known) -> Outcome:
    """The nearest shelters, with the way to a map."""
    by_distance = sorted(
        known.shelters, key=lambda site: site.distance_m(event.longitude, event.latitude)
    )
    parts: list[Part] = []
    for shelter in by_distance[:NEAREST]:
        metres = shelter.distance_m(event.longitude, event.latitude)
        link = (
            "https://www.google.com/maps/search/?api=1&query="
            f"{shelter.latitude:.6f},{shelter.longitude:.6f}"
        )
        parts.append(
            {
                "type": "box",
                "layout": "vertical",
                "backgroundColor": messages.TINT,
                "cornerRadius": "8px",
                "paddingAll": "10px",
                "contents": [
                    *_names(shelter, known.language),
                    messages.words(_distance(metres), size="xs", color=messages.QUIET_INK),
                    messages.words(known.say("Open map"), color=messages.BRAND, weight="bold"),
                ],
                "action": {"type": "uri", "uri": link},
            }
        )
    card = messages.card(
        known.say("Nearest shelters"),
        parts,
        intro=known.say(
            "The city announces which shelters are open. Do not walk through flood water."
        ),
    )
    return Outcome(state.ended() if state.name == SHELTERS else state, (card,))


def _names(shelter: Shelter, language: str) -> list[Part]:
    """The name as the sign says it, and how it is read."""
    reading = shelter.english if not language.startswith("ja") else ""
    if language == EASY_JAPANESE:
        reading = shelter.kana
    name = messages.words(shelter.name, weight="bold")
    return [name, messages.words(reading, size="xs")] if reading else [name]


def _distance(metres: float) -> str:
    return f"{metres / 1000:.1f} km" if metres >= 950 else f"{round(metres / 10) * 10:.0f} m"


def lost(state: State, known: Known, words: str) -> Outcome:
    """Say what happened and show what can be done: no dead ends."""
    return Outcome(state, (messages.text(words), menu_card(known)))
