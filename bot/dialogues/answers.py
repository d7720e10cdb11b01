"""The answers to sentences, by what they ask for (:mod:`bot.understanding`)."""

from __future__ import annotations

from dataclasses import replace

from bot import messages
from bot.dialogues import (
    household,
    my_data,
    onboarding,
    own_reports,
    questions,
    report,
    rubbish,
    safety,
    settings,
)
from bot.dialogues.kinds import (
    ONBOARDING,
    REPORT,
    SAFETY,
    DialogueOutcome,
    DialogueState,
    Known,
    Said,
    Unanswered,
)
from bot.messages import Action, Message
from bot.understanding import UNKNOWN, Meaning
from core.languages import LANGUAGES, mark
from response.models import Condition

ANXIOUS = frozenset({UNKNOWN, "in-force", "shelter"})
"""Intents whose answer begins with the danger in force, if there is one."""
RUBBISH = frozenset({"collection-day", "sorting", "bulky"})
APPLYING = "bulky"
"""The name of the question (``faq/bulky.ja.md``) how to have large rubbish collected."""
NAMES = {
    "in-force": mark("Warnings now"),
    "shelter": mark("Evacuation sites"),
    "lifelines": mark("Power, water, gas"),
    "safe": mark("I am safe"),
    "collection-day": mark("Rubbish days"),
    "sorting": mark("Sorting rubbish"),
    "bulky": mark("Large rubbish"),
    "report": mark("Report damage"),
    "report-status": mark("Your reports"),
    "stop-messages": mark("Stop messages"),
    "fewer-messages": mark("Fewer messages"),
    "language": mark("Language"),
    "settings": mark("Settings"),
    "my-data": mark("My data"),
    "childcare": mark("Children"),
    "person": mark("Talk to a person"),
    "faq": mark("Questions"),
    "help": mark("How to use"),
}
"""The label of a meaning on a button."""


def answered(state: DialogueState, event: Said, meaning: Meaning, known: Known) -> DialogueOutcome:
    """Answer a message outside a report and outside the questions of onboarding.

    A message in another language than the resident's is answered in that language, with an offer to
    continue in it.
    """
    foreign = meaning.intent != UNKNOWN and meaning.language != known.language
    foreign = foreign and meaning.language in known.city.languages
    if foreign:
        known = known.speaking(meaning.language)
    outcome = _answered(state, event, meaning, known)
    if foreign and outcome.messages:
        offer = messages.press(
            f"🌐 {LANGUAGES[meaning.language].name}"[: messages.MAX_LABEL],
            "set-language",
            to=meaning.language,
        )
        *before, last = outcome.messages
        outcome = replace(outcome, messages=(*before, messages.with_more(last, offer)))
    return outcome


def _answered(state: DialogueState, event: Said, meaning: Meaning, known: Known) -> DialogueOutcome:
    if known.endangered and meaning.intent in ANXIOUS:
        return safety.in_danger(state, known)
    if told := questions.exactly(state, known, event.text):
        return told
    if meaning.intent == UNKNOWN:
        return _not_understood(state, event.text, known)
    # "Paper" and "take" are also words of a question about a certificate.
    if meaning.intent in RUBBISH and (found := questions.about(state, known, event.text)):
        return found
    if meaning.alternatives:
        return _did_you_mean(state, meaning, known)
    return by_intent(state, event, meaning, known)


def by_intent(state: DialogueState, event: Said, meaning: Meaning, known: Known) -> DialogueOutcome:
    """Answer a message with this meaning."""
    text = event.text
    match meaning.intent:
        case "in-force":
            return safety.warnings_now(state, known)
        case "shelter":
            return safety.ask_where(state, known)
        case "collection-day":
            return _collection(state, text, meaning, known)
        case "sorting" | "bulky":
            return _throwing_away(state, text, meaning, known)
        case "report":
            return _reporting(state, event, meaning, known)
        case "report-status":
            return own_reports.every(state, known)
        case "stop-messages" | "cancel":
            return settings.stopping(state, known)
        case "fewer-messages":
            return settings.fewer(state, known)
        case "language":
            return DialogueOutcome(state, (onboarding.language_card(known),))
        case "settings":
            return DialogueOutcome(state, (settings.settings_card(known),))
        case "my-data":
            return DialogueOutcome(state, (my_data.card(known),))
        case "faq" if known.answers:
            return questions.near(state, known, text) or questions.every(state, known)
        case "safe" if known.asks_safety:
            return household.begin(Condition.SAFE, state, known)
        case "safe":
            return safety.glad(state, known)
        case "thanks":
            return DialogueOutcome(state, (messages.text(known.say("You are welcome.")),))
        case "greeting":
            hello = messages.text(known.say("Hello."))
            # The open question follows, or help was called: neither is a time for the menu.
            busy = state.name in (ONBOARDING, REPORT) or is_in_need(state, known)
            return DialogueOutcome(
                state, (hello,) if busy else (hello, onboarding.menu_card(known))
            )
        case "help":
            return DialogueOutcome(state, (safety.help_text(known), onboarding.menu_card(known)))
        case "menu":
            return DialogueOutcome(state, (onboarding.menu_card(known),))
        case "lifelines":
            return questions.near(state, known, text) or safety.lifelines(state, known)
    return questions.near(state, known, text) or safety.person(state, known)


def _collection(state: DialogueState, text: str, meaning: Meaning, known: Known) -> DialogueOutcome:
    if meaning.date is None and meaning.item and (found := _thing(state, text, meaning, known)):
        return found
    if not known.calendar.days:
        return safety.person(state, known)
    return rubbish.days(state, known, day=meaning.date)


def _thing(
    state: DialogueState, text: str, meaning: Meaning, known: Known
) -> DialogueOutcome | None:
    """How to throw away the thing in a message, in whatever language it is named."""
    for words in (text, *known.understanding.japanese_for(meaning.item)):
        if found := rubbish.things(state, known, words):
            return found
    return None


def _throwing_away(
    state: DialogueState, text: str, meaning: Meaning, known: Known
) -> DialogueOutcome:
    found = _thing(state, text, meaning, known)
    if meaning.intent == "bulky" and (applying := questions.answered(state, known, APPLYING)):
        before = found.messages if found is not None else ()
        return replace(applying, messages=(*before, *applying.messages))
    found = found or questions.near(state, known, text)
    if found is not None:
        return found
    if meaning.item and known.calendar.items:
        words = known.say(
            "The city's list does not say how to throw this away. Please ask the city hall."
        )
        return safety.call_the_city(state, known, words)
    if meaning.intent == "sorting" and known.calendar.items:
        words = known.say("What do you want to throw away? Write the name of one thing.")
        return DialogueOutcome(state, (messages.text(words),))
    return safety.person(state, known)


def _reporting(
    state: DialogueState, event: Said, meaning: Meaning, known: Known
) -> DialogueOutcome:
    """Open a report; a sentence about the damage becomes its description."""
    begun = report.begin(state, known, meaning.kind)
    if meaning.whole or state.name == REPORT:
        return begun
    note = event.text[: report.MAX_NOTE]
    noted = begun.state.at(begun.state.step, note=note, note_message=event.message_id)
    return replace(begun, state=noted)


def _did_you_mean(state: DialogueState, meaning: Meaning, known: Known) -> DialogueOutcome:
    tiles = [
        messages.tile(meaning_button(intent, known))
        for intent in (meaning.intent, *meaning.alternatives)
        if intent in NAMES
    ]
    title = known.say("Is this your question?")
    return DialogueOutcome(state, (messages.card(title, messages.columns(tiles, 1)),))


def meaning_button(intent: str, known: Known) -> Action:
    return messages.press(known.say(NAMES[intent]), "ask", what=intent)


def _not_understood(state: DialogueState, text: str, known: Known) -> DialogueOutcome:
    answer = rubbish.things(state, known, text) or questions.near(state, known, text)
    if answer is not None:
        return answer
    said = lost(
        state,
        known,
        mark("I did not understand that. Here is what I can do."),
        mark("I did not understand that."),
    )
    return replace(said, effects=(*said.effects, Unanswered(text, known.language)))


def cry(state: DialogueState, known: Known, after: tuple[Message, ...]) -> DialogueOutcome:
    """The emergency numbers come first and alone; then what is in force, or the open question."""
    call = safety.emergency(known)
    tells = (household.offer(known),) if known.asks_safety else ()
    if after:
        warned = safety.warnings_now(state, known).messages if known.endangered else ()
        return DialogueOutcome(state, (call, *tells, *warned, *after), matters=True)
    if known.endangered:
        rest = safety.in_danger(state, known)
        return replace(rest, messages=(call, *tells, *rest.messages), matters=True)
    return DialogueOutcome(state, (call, *tells, safety.where_help_is(known)), matters=True)


def is_in_need(state: DialogueState, known: Known) -> bool:
    """Whether somebody is in a disaster, or cried for help or told of danger just now."""
    if state.name == SAFETY or state.is_in_need(known.now):
        return True
    return known.asks_safety and not known.in_drill


def lost(state: DialogueState, known: Known, sentence: str, alone: str = "") -> DialogueOutcome:
    """Say what happened and what is possible: the menu, or to somebody in need where help is.

    Parameters
    ----------
    sentence, alone
        What happened, with the menu that follows and without it, as the catalogues have it.
    """
    if not is_in_need(state, known):
        return safety.lost(state, known, known.say(sentence))
    said = (messages.text(known.say(alone)),) if alone else ()
    helped = cry(state, known, ())
    return replace(helped, messages=(*said, *helped.messages))
