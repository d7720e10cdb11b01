"""The conversation: pure functions from where it stands and what came to what is answered.

:func:`respond` is the whole of it; nothing in here reads, writes or sends.
"""

from __future__ import annotations

from dataclasses import replace

from bot import messages
from bot.dialogues import onboarding, questions, report, rubbish, service, settings
from bot.dialogues.kinds import (
    IDLE,
    ONBOARDING,
    REPORT,
    SHELTERS,
    Followed,
    Incoming,
    Known,
    Located,
    Outcome,
    Photographed,
    Pressed,
    Said,
    State,
)
from bot.dialogues.words import asks_for_rubbish_days, clean, command_in, is_cry_for_help
from bot.messages import Message

MAX_MESSAGES = 5
"""LINE's limit for one reply."""


def respond(state: State, event: Incoming, known: Known, *, late: bool = False) -> Outcome:
    """Answer one event.

    Parameters
    ----------
    state, event, known
        Where the conversation stands, what came, and what may be looked at.
    late
        Whether a newer event was answered already. A late button still sets what it sets,
        but does not move the conversation back.
    """
    outcome = _respond(state, event, known)
    if late and isinstance(event, Pressed) and outcome.filed is None:
        outcome = replace(outcome, state=state, messages=_where_we_are(state, known))
    if isinstance(event, Said) and is_cry_for_help(event.text):
        outcome = replace(
            outcome, messages=(*outcome.messages, service.emergency(known)), matters=True
        )
        if state.name == IDLE:
            outcome = replace(outcome, messages=(service.emergency(known),), state=state)
    return replace(outcome, messages=outcome.messages[-MAX_MESSAGES:])


def _respond(state: State, event: Incoming, known: Known) -> Outcome:
    if isinstance(event, Followed):
        return onboarding.begin(event, known)
    if isinstance(event, Said):
        event = Said(clean(event.text))
    inside = None
    if state.name == ONBOARDING:
        inside = onboarding.step(state, event, known)
    elif state.name == REPORT:
        inside = report.step(state, event, known)
    elif state.name == SHELTERS and isinstance(event, Located):
        inside = service.nearest(state, event, known)
    return inside or _anywhere(state, event, known)


def _anywhere(state: State, event: Incoming, known: Known) -> Outcome:
    """Answer what can be asked for at any time."""
    match event:
        case Pressed(do):
            return _command(do, state, known) or _button(state, event, known)
        case Said(text):
            command = command_in(text)
            if command == "cancel":
                return _cancel(state, known)
            answer = _command(command, state, known) if command else None
            if answer is None and command:
                answer = settings.step(state, Pressed(command), known)
            return answer or _not_understood(state, text, known)
        case Photographed():
            return report.photo_first(state, event, known)
        case Located() if known.shelters:
            return service.nearest(state, event, known)
        case Located():
            return service.lost(state, known, known.say("Here is what I can do."))
        case _:
            return _unreadable(state, event, known)


def _command(do: str, state: State, known: Known) -> Outcome | None:
    match do:
        case "report":
            return report.begin(state, known)
        case "shelters":
            return service.ask_where(state, known)
        case "now":
            return service.warnings_now(state, known)
        case "rubbish" if known.calendar.days:
            return rubbish.days(state, known)
        case "questions" if known.answers:
            return questions.every(state, known)
        case "menu":
            return Outcome(state, (onboarding.menu_card(known),))
        case "help":
            return Outcome(state, (service.help_text(known), onboarding.menu_card(known)))
    return None


def _button(state: State, event: Pressed, known: Known) -> Outcome:
    if event.do.startswith("r-"):
        return report.old_button(state, known)
    answer = _asked_for(state, event, known) or settings.step(state, event, known)
    if answer is not None:
        return answer
    if event.do == "skip":
        return Outcome(state, (onboarding.menu_card(known),))
    return service.lost(
        state, known, known.say("That button no longer works. Here is what I can do.")
    )


def _asked_for(state: State, event: Pressed, known: Known) -> Outcome | None:
    match event.do, event.values:
        case "rubbish-in", {"to": code} if code in known.city.district_by_code:
            return rubbish.days(state, known, code)
        case "question", {"name": name}:
            return questions.answered(state, known, name)
    return None


def _cancel(state: State, known: Known) -> Outcome:
    ended = state.ended() if state.name == SHELTERS else state
    return Outcome(ended, (onboarding.menu_card(known),))


def _not_understood(state: State, text: str, known: Known) -> Outcome:
    again = _where_we_are(state, known)
    if state.name == ONBOARDING and state.step == onboarding.AREA_STEP and text:
        return Outcome(state, (onboarding.not_a_district(known, text), *again))
    if state.name in (ONBOARDING, REPORT):
        return Outcome(state, (messages.text(known.say("Let us go on where we stopped.")), *again))
    answer = rubbish.things(state, known, text) or questions.near(state, known, text)
    if answer is None and known.calendar.days and asks_for_rubbish_days(text):
        answer = rubbish.days(state, known)
    if answer is not None:
        return answer
    words = known.say("I did not understand that. Here is what I can do.")
    return service.lost(state, known, words)


def _unreadable(state: State, event: Incoming, known: Known) -> Outcome:
    kind = getattr(event, "kind", "")
    if kind == "sticker":
        words = known.say("Thank you! Here is what I can do.")
    else:
        words = known.say("I cannot read this kind of message. Please write, or send a photo.")
    again = _where_we_are(state, known)
    return Outcome(state, (messages.text(words), *(again or (onboarding.menu_card(known),))))


def _where_we_are(state: State, known: Known) -> tuple[Message, ...]:
    """The open question again, or nothing when none is open."""
    if state.name == ONBOARDING:
        return onboarding.prompt(state, known)
    if state.name == REPORT:
        return report.prompt(state, known)
    return ()


__all__ = ["respond"]
