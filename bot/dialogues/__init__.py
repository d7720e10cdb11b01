"""The conversation: pure functions from state and event to an answer.

:func:`respond` is the entry point; nothing in this package reads, writes or sends.
"""

from __future__ import annotations

from dataclasses import replace

from bot import messages
from bot.dialogues import (
    answers,
    check_in,
    districts,
    household,
    onboarding,
    own_reports,
    questions,
    repairs,
    report,
    rubbish,
    safety,
    settings,
)
from bot.dialogues.buttons import pressed_by_typing, typed_button
from bot.dialogues.kind_questions import ASK
from bot.dialogues.kinds import (
    ADDING,
    DISTRICTS,
    ONBOARDING,
    REPORT,
    SHELTERS,
    WATCHING,
    DialogueOutcome,
    DialogueState,
    Followed,
    Incoming,
    Known,
    Located,
    Photographed,
    Pressed,
    Said,
)
from bot.dialogues.words import kept_text
from bot.messages import Message
from bot.understanding import NOT_UNDERSTOOD, UNKNOWN, Meaning
from core.languages import mark
from public import following
from response.models import Condition

MAX_MESSAGES = 5
"""LINE's limit for one reply."""


def respond(
    state: DialogueState, event: Incoming, known: Known, *, late: bool = False
) -> DialogueOutcome:
    """Answer one event.

    Parameters
    ----------
    state, event, known
        The state of the conversation, the event, and the data that may be used.
    late
        Whether a newer event was answered already. A late button still changes its setting, but
        does not move the conversation back.
    """
    if isinstance(event, Said):
        event = replace(event, text=kept_text(event.text))
        site = check_in.asked_for(event.text)
        # A short word such as "no" is a cry in some language; to a question it is its answer.
        answer = _answers(state, event, known)
        if site is None and answer is None and (meaning := known.meaning(event.text)).is_cry:
            return _trimmed(_cry(state, event, meaning, known))
        if site is not None:
            event = Pressed("check-in", {"at": site})
        elif found := answer or pressed_by_typing(event.text, where_we_are(state, known)):
            event = Pressed(found[0], {**found[1], "said_in": event.message_id})
        elif do := typed_button(event.text):
            event = Pressed(do)
    outcome = _respond(state, event, known)
    if late and isinstance(event, Pressed) and outcome.filed is None:
        outcome = replace(outcome, state=state, messages=where_we_are(state, known))
    return _trimmed(outcome)


def _answers(state: DialogueState, event: Said, known: Known) -> tuple[str, dict[str, str]] | None:
    """Return the button of the open question of a report whose label was typed."""
    if state.name != REPORT or state.step != ASK:
        return None
    found = pressed_by_typing(event.text, report.prompt(state, known))
    return found if found is not None and found[0] in ("r-answer", "r-tick") else None


def _trimmed(outcome: DialogueOutcome) -> DialogueOutcome:
    return replace(outcome, messages=outcome.messages[:MAX_MESSAGES])


def _cry(state: DialogueState, event: Said, meaning: Meaning, known: Known) -> DialogueOutcome:
    """Answer somebody in danger, in any state of the conversation; then repeat the open question.

    If the message also names damage, it stays in the report: "the road fell in, somebody is hurt".
    So does every answer to the question for a note: "a tyre fell into it" only sounds like a cry.
    """
    describes = state.step == report.NOTE or (state.step in report.DESCRIBED and meaning.kind)
    if state.name == REPORT and describes:
        taken = report.step(state, event, known)
        state = taken.state if taken is not None else state
    again = where_we_are(state, known)
    if meaning.language in known.city.languages:
        known = known.speaking(meaning.language)
    tells = household.words_in_danger(state, event, known)
    more = own_reports.words_in_danger(state, event, known)
    answer = answers.cry(state, known, again)
    call, *rest = answer.messages
    thanks = own_reports.has_words(state, known) if more and len(rest) < MAX_MESSAGES - 1 else ()
    return replace(
        answer,
        state=answer.state.needing(known.now),
        messages=(call, *thanks, *rest),
        effects=(*answer.effects, *tells, *more),
    )


def _respond(state: DialogueState, event: Incoming, known: Known) -> DialogueOutcome:
    if isinstance(event, Followed):
        return onboarding.begin(event, known)
    if state.name == DISTRICTS:
        if (listed := districts.step(state, event, known)) is not None:
            return listed
        state = state.ended()
    inside = None
    if state.name == WATCHING:
        if isinstance(event, Located):
            return repairs.located(state, event, known)
        state = state.ended()
    if isinstance(event, Said) and _asks_of_a_case(event, known):
        return _said(state.ended() if state.name == ADDING else state, event, known)
    if isinstance(event, Said) and own_reports.tells_more(state, event, known):
        return own_reports.wrote(state, event, known)
    if isinstance(event, Said) and own_reports.says_worse(state, event, known):
        return own_reports.about_which(state, event, known)
    if state.name == ADDING and isinstance(event, Pressed):
        if event.do == "my-worse":
            return own_reports.pressed(state, event.do, event.values, known)
        if event.do == "my-other" and (said := own_reports.other_words(state)) is not None:
            return _said(state.ended(), said, known)
    if state.name == ADDING and isinstance(event, Photographed) and _takes_photo(state):
        return own_reports.photographed(state, event, known)
    if state.name == ADDING and isinstance(event, Said) and _is_cancel(event, known):
        # What is below goes on: it was not asked about.
        below = state.ended()
        return DialogueOutcome(below, where_we_are(below, known) or (onboarding.menu_card(known),))
    if state.name == ADDING:
        # A photo that comes after something else is a new report.
        state = state.ended()
    if state.name == ONBOARDING:
        inside = onboarding.step(state, event, known)
    elif state.name == REPORT:
        inside = report.step(state, event, known)
    elif state.name == SHELTERS and isinstance(event, Located):
        found = safety.nearest(state, event, known)
        inside = replace(found, messages=(*found.messages, *where_we_are(found.state, known)))
    inside = inside or check_in.step(state, event, known) or household.step(state, event, known)
    return inside or _anywhere(state, event, known)


def _asks_of_a_case(event: Said, known: Known) -> bool:
    """Whether a message is from the page of a case: no answer to the question that is open."""
    return known.case_asked is not None and following.asks_of_a_case(event.text)


def _is_cancel(event: Said, known: Known) -> bool:
    meaning = known.meaning(event.text)
    return meaning.whole and meaning.intent == "cancel"


def _takes_photo(state: DialogueState) -> bool:
    return bool(state.data.get("own", True)) and state.step != own_reports.WHICH_STEP


def _anywhere(state: DialogueState, event: Incoming, known: Known) -> DialogueOutcome:
    """Answer requests that are possible at any time."""
    match event:
        case Pressed("safe", {"how": Condition.CANNOT_MOVE | Condition.IN_NEED}):
            # The disaster ended between the card and this tap: nobody waits for answers any more.
            return answers.cry(state, known, where_we_are(state, known))
        case Pressed("report", {"danger": "1"}):
            return report.begin(state, known, danger=True)
        case Pressed(do):
            return _command(do, state, known) or _button(state, event, known)
        case Said():
            return _said(state, event, known)
        case Photographed():
            return report.photo_first(state, event, known)
        case Located() if known.shelters:
            return safety.nearest(state, event, known)
        case Located():
            return answers.lost(state, known, mark("Here is what I can do."))
        case _:
            return _unreadable(state, event, known)


def _command(do: str, state: DialogueState, known: Known) -> DialogueOutcome | None:
    match do:
        case "report":
            return report.begin(state, known)
        case "shelters":
            return safety.ask_where(state, known)
        case "numbers":
            return safety.numbers(state, known)
        case "tab":
            return DialogueOutcome(state)
        case "safe":
            return safety.glad(state, known)
        case "now":
            return safety.warnings_now(state, known)
        case "rubbish" if known.calendar.days:
            return rubbish.days(state, known)
        case "questions" if known.answers:
            return questions.every(state, known)
        case "repairs" if known.city.publish_reports:
            return repairs.begin(state, known)
        case "reports":
            return own_reports.every(state, known)
        case "cancel":
            return _cancel(state, known)
        case "menu":
            return DialogueOutcome(state, (onboarding.menu_card(known),))
        case "help":
            return DialogueOutcome(state, (safety.help_text(known), onboarding.menu_card(known)))
    return None


def _button(state: DialogueState, event: Pressed, known: Known) -> DialogueOutcome:
    if event.do.startswith("r-"):
        return report.old_button(state, known)
    if event.do.startswith("repairs-") and known.city.publish_reports:
        return repairs.pressed(state, event.do, known)
    if event.do == "follow-case" and known.case_asked is not None:
        return own_reports.asked(state, known.case_asked, known)
    if event.do.startswith("my-"):
        return own_reports.pressed(state, event.do, event.values, known)
    answer = _asked_for(state, event, known) or settings.step(state, event, known)
    if answer is not None:
        return answer
    if event.do == "skip":
        return DialogueOutcome(state, (onboarding.menu_card(known),))
    return answers.lost(
        state,
        known,
        mark("That button no longer works. Here is what I can do."),
        mark("That button no longer works."),
    )


def _asked_for(state: DialogueState, event: Pressed, known: Known) -> DialogueOutcome | None:
    match event.do, event.values:
        case "rubbish-in", {"to": code} if code in known.city.district_by_code:
            return rubbish.days(state, known, code)
        case "question", {"name": name}:
            return questions.answered(state, known, name)
        case "ask", {"what": intent} if intent in answers.NAMES:
            return answers.by_intent(state, Said(""), Meaning(intent, known.language), known)
    return None


def _cancel(state: DialogueState, known: Known) -> DialogueOutcome:
    ended = state.ended() if state.name == SHELTERS else state
    return DialogueOutcome(ended, (onboarding.menu_card(known),))


def _said(state: DialogueState, event: Said, known: Known) -> DialogueOutcome:
    if known.case_asked is not None:
        answer = own_reports.asked(state, known.case_asked, known)
        return replace(answer, messages=(*answer.messages, *where_we_are(state, known)))
    meaning = known.meaning(event.text)
    if meaning.intent == UNKNOWN:
        NOT_UNDERSTOOD.labels(language=known.language).inc()
    if meaning.intent in ("cancel", "stop-messages") and state.name == SHELTERS and meaning.whole:
        return _cancel(state, known)
    again = where_we_are(state, known)
    if again and meaning.intent == UNKNOWN and not known.endangered:
        if state.name == ONBOARDING and state.step == onboarding.AREA_STEP and event.text:
            return DialogueOutcome(state, (onboarding.not_a_district(known, event.text), *again))
        going_on = messages.text(known.say("Let's continue where we stopped."))
        return DialogueOutcome(state, (going_on, *again))
    answer = answers.answered(state, event, meaning, known)
    if again and answer.state == state:
        answer = replace(answer, messages=(*answer.messages, *again))
    return answer


def _unreadable(state: DialogueState, event: Incoming, known: Known) -> DialogueOutcome:
    sticker = getattr(event, "kind", "") == "sticker"
    again = where_we_are(state, known)
    if sticker and again:
        return DialogueOutcome(state, again)
    thanks = mark("Thank you! Here is what I can do.")
    unread = mark("I cannot read this kind of message. Please write, or send a photo.")
    if again:
        return DialogueOutcome(state, (messages.text(known.say(unread)), *again))
    if sticker:
        return answers.lost(state, known, thanks)
    return answers.lost(state, known, unread, unread)


def where_we_are(state: DialogueState, known: Known) -> tuple[Message, ...]:
    """The open question again, or nothing if none is open."""
    if state.name == ONBOARDING:
        return onboarding.prompt(state, known)
    if state.name == REPORT:
        return report.prompt(state, known)
    return ()


__all__ = ["respond", "where_we_are"]
