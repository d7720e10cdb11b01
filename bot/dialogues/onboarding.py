"""First-time setup: language, district, topics. Every step can be skipped and done later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bot import messages
from bot.catalogue import WORDS
from bot.dialogues.kinds import (
    ONBOARDING,
    ConfirmTopics,
    DialogueOutcome,
    DialogueState,
    Followed,
    Incoming,
    Known,
    Located,
    Pressed,
    Said,
    SetArea,
    SetLanguage,
    SetTopic,
)
from bot.dialogues.places import find_districts
from bot.messages import Action, Message, Part
from city.city import City, District, Topic, name_in
from core.languages import LANGUAGES

LANGUAGE_STEP, AREA_STEP, TOPICS_STEP = "language", "area", "topics"
MAX_LISTED = 40
"""The most tiles of one message."""
PAGE = 20
"""Districts shown at once; the others are on the next pages, or found by their name."""
DEFAULT_LEVEL = 0


def begin(event: Followed, known: Known) -> DialogueOutcome:
    """Greet somebody who follows; tell somebody who comes back that their choices are unchanged."""
    chosen = known.preferences.language_chosen
    if event.returning and chosen:
        greeting = messages.text(known.say("Welcome back. Your settings are as you left them."))
        return DialogueOutcome(DialogueState(), (greeting, menu_card(known)), matters=True)
    state = DialogueState(ONBOARDING, LANGUAGE_STEP)
    return DialogueOutcome(state, (greeting_text(known), *prompt(state, known)), matters=True)


def greeting_text(known: Known) -> Message:
    """Say who speaks, and what is kept and why (LINE's guideline for public bodies)."""
    hello = known.say(
        "Hello! This is the LINE account of {city}. It brings you warnings and city news in "
        "your language, and lets you report damage in the streets.",
        city=name_in(known.city.name, known.language),
    )
    kept = known.say(
        "To send you what concerns you, we keep your LINE user ID and your choices, and for "
        "{days} days what you write. You can see and erase it at any time under “My data”.",
        days=known.city.retention.webhook_events,
    )
    page = (known.city.privacy_url,) if known.city.privacy_url else ()
    return messages.text("\n\n".join((hello, "\n".join((kept, *page)))))


def step(state: DialogueState, event: Incoming, known: Known) -> DialogueOutcome | None:
    """Answer within the onboarding; None if the event means something else."""
    match event:
        case Pressed("set-language", values) if values.get("to") in known.city.languages:
            language = values["to"]
            following = _go(state, AREA_STEP)
            return DialogueOutcome(
                following,
                prompt(following, known.speaking(language)),
                (SetLanguage(language),),
                matters=True,
            )
        case Pressed("skip"):
            return _skip(state, known)
        case Pressed("area", {"to": code, **rest}) if (
            code in known.city.district_by_code and rest.get("on") != "0"
        ):
            return _area_chosen(state, known, known.city.district_by_code[code])
        case Pressed("area-all"):
            return _area_chosen(state, known, None)
        case Pressed("area-page") if state.step == AREA_STEP:
            return DialogueOutcome(state, (_area_card(known, page_of(event)),))
        case Pressed("topics-done"):
            return _done(state, known)
        case Pressed("topic"):
            return toggle_topic(state, event, known)
        case Said(said) if state.step == AREA_STEP:
            return _typed_area(state, said, known)
        case Located() if state.step == AREA_STEP:
            return _located_area(state, event, known)
    return None


def prompt(state: DialogueState, known: Known) -> tuple[Message, ...]:
    """Ask the step's question (again)."""
    if state.step == LANGUAGE_STEP:
        return (language_card(known, skippable=True),)
    if state.step == AREA_STEP:
        return (_area_card(known),)
    return (topics_card(known),)


def _go(state: DialogueState, step: str) -> DialogueState:
    return replace(state, name=ONBOARDING, step=step)


def _skip(state: DialogueState, known: Known) -> DialogueOutcome:
    if state.step == TOPICS_STEP:
        return _done(state, known)
    following = _go(state, AREA_STEP if state.step == LANGUAGE_STEP else TOPICS_STEP)
    return DialogueOutcome(following, prompt(following, known), matters=True)


def _area_chosen(state: DialogueState, known: Known, district: District | None) -> DialogueOutcome:
    following = _go(state, TOPICS_STEP)
    name = known.say("Whole city") if district is None else name_in(district.names, known.language)
    answer = messages.text(known.say("You will hear about: {places}.", places=name))
    effect = SetArea(None) if district is None else SetArea(district.code)
    return DialogueOutcome(following, (answer, *prompt(following, known)), (effect,), matters=True)


def _typed_area(state: DialogueState, said: str, known: Known) -> DialogueOutcome | None:
    """Accept a typed district; None if it is not one, so that commands can be tried first."""
    found = find_districts(known.city, said)
    if len(found) == 1:
        return _area_chosen(state, known, found[0])
    if found:
        return DialogueOutcome(state, (which_district(known, found),))
    return None


def not_a_district(known: Known, said: str) -> Message:
    """Say that there is no district of this name, and show the list."""
    message = known.say(
        "I could not find a district called “{text}”. Please write it differently, or pick one "
        "from the list.",
        text=said[:60],
    )
    return messages.text(message)


def which_district(known: Known, found: Sequence[District]) -> Message:
    """Offer the districts a text may mean."""
    tiles = [messages.tile(_area_action(known, district)) for district in found]
    return messages.card(known.say("Which of these do you mean?"), messages.columns(tiles))


def _located_area(state: DialogueState, event: Located, known: Known) -> DialogueOutcome:
    district = known.city.district_at(event.longitude, event.latitude)
    if district is not None:
        return _area_chosen(state, known, district)
    return DialogueOutcome(state, (outside(known), *prompt(state, known)))


def outside(known: Known) -> Message:
    return messages.text(
        known.say(
            "That place is outside {city}. Please choose a district.",
            city=name_in(known.city.name, known.language),
        )
    )


def _done(state: DialogueState, known: Known) -> DialogueOutcome:
    answer = messages.text(known.say("All set. You can change everything under “Settings”."))
    return DialogueOutcome(
        state.ended(), (answer, menu_card(known)), (ConfirmTopics(),), matters=True
    )


def toggle_topic(state: DialogueState, event: Pressed, known: Known) -> DialogueOutcome:
    """Switch one topic on or off as tapped, and show the new list."""
    topic = known.city.topic_by_code.get(event.values.get("code", ""))
    if topic is None or topic.mandatory:
        return DialogueOutcome(state, (topics_card(known),))
    level = DEFAULT_LEVEL if event.values.get("on") == "1" else None
    topics = {code: least for code, least in known.preferences.topics.items() if code != topic.code}
    if level is not None:
        topics[topic.code] = level
    after = known.having(topics=topics)
    return DialogueOutcome(state, (topics_card(after),), (SetTopic(topic.code, level),))


def language_card(known: Known, *, skippable: bool = False) -> Message:
    """All languages, each in its own script, two a row."""
    chosen = known.language if known.preferences.language_chosen else None
    quick = (messages.press(known.say("Skip"), "skip"),) if skippable else ()
    return _languages(known.city, known.language, chosen, quick)


def language_question(city: City, language: str) -> Message:
    """The same for somebody who has not written yet, below a message that they get anyway."""
    return _languages(city, language, None, ())


def _languages(city: City, language: str, chosen: str | None, quick: Sequence[Action]) -> Message:
    tiles = [
        messages.tile(
            messages.press(LANGUAGES[code].name, "set-language", to=code), strong=code == chosen
        )
        for code in city.languages
    ]
    return messages.card(
        "Language ・ 言語 ・ 语言",
        messages.columns(tiles),
        intro=WORDS.text(language, "Choose your language. You can change it at any time."),
        quick=quick,
    )


def page_of(event: Pressed) -> int:
    """Return the page that a button asks for."""
    page = event.values.get("page", "")
    return int(page) if page.isdecimal() and len(page) < 4 else 0


def page_tiles(known: Known, do: str, page: int) -> list[Part]:
    """Buttons for the page of districts before and after ``page``."""
    last = max(0, len(known.city.districts) - 1) // PAGE
    turns = ((page - 1, known.say("Previous page")), (page + 1, known.say("Next page")))
    tiles = [
        messages.tile(messages.press(name, do, page=to)) for to, name in turns if 0 <= to <= last
    ]
    return messages.columns(tiles)


def _area_card(known: Known, page: int = 0) -> Message:
    quick = [
        messages.location(known.say("Send location")),
        messages.press(known.say("Whole city"), "area-all"),
        messages.press(known.say("Skip"), "skip"),
    ]
    listed = known.city.districts[page * PAGE : (page + 1) * PAGE]
    tiles = [messages.tile(_area_action(known, district)) for district in listed]
    return messages.card(
        known.say("Your district"),
        messages.columns(tiles),
        intro=known.say(
            "Which district do you want to hear about? Pick it, type its name, or send your "
            "location."
        ),
        footer=page_tiles(known, "area-page", page),
        quick=quick,
    )


def _area_action(known: Known, district: District) -> Action:
    return messages.press(name_in(district.names, known.language), "area", to=district.code, on=1)


def topics_card(known: Known) -> Message:
    """All topics with their state; a tap on a line switches it."""
    rows: list[Part] = [_topic_row(known, topic) for topic in known.city.topics]
    done = messages.press(known.say("Done"), "topics-done")
    return messages.card(
        known.say("Topics"),
        rows,
        intro=known.say("What do you want to hear about? Tap a line to switch it on or off."),
        footer=[
            messages.tile(done, strong=True),
        ],
        quick=[done],
    )


def _topic_row(known: Known, topic: Topic) -> Part:
    name = name_in(topic.names, known.language)
    if topic.mandatory:
        return messages.switch(name, True, None, note=known.say("Always on"))
    on = topic.code in known.preferences.topics
    action = messages.press(name, "topic", shown=False, code=topic.code, on=0 if on else 1)
    return messages.switch(name, on, action)


MENU = (
    ("now", "Warnings now"),
    ("report", "Report damage"),
    ("shelters", "Evacuation sites"),
    ("settings", "Settings"),
    ("language", "Language"),
    ("help", "How to use"),
)
"""The functions of the service, in the order of the rich menu."""


def menu_card(known: Known) -> Message:
    """The functions of the service, as tiles to tap."""
    offered = [(do, known.say(name)) for do, name in MENU]
    if known.calendar.days:
        offered.append(("rubbish", known.say("Rubbish days")))
    if known.answers:
        offered.append(("questions", known.say("Questions")))
    tiles = [messages.tile(messages.press(name, do)) for do, name in offered]
    return messages.card(known.say("What can I do for you?"), messages.columns(tiles))
