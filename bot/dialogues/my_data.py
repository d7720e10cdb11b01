"""What is kept of a resident: shown, as text, as a file; and erased (promise 9)."""

from __future__ import annotations

from bot import messages
from bot.dialogues import children, districts, household
from bot.dialogues.kinds import DialogueOutcome, DialogueState, Erase, Known, Pressed
from bot.dialogues.words import listed
from bot.messages import Message
from core.clock import in_japan
from core.languages import LANGUAGES
from public.choices import REMINDED_TOPIC, clock_time, quiet_name, reminder_name, topic_in_words


def step(state: DialogueState, event: Pressed, known: Known) -> DialogueOutcome | None:
    """Answer the buttons about a resident's data."""
    match event.do:
        case "data":
            return DialogueOutcome(state, (card(known),))
        case "data-text":
            return DialogueOutcome(state, (as_text(known),))
        case "erase":
            return DialogueOutcome(state, (_erase_card(known),))
        case "erase-yes":
            farewell = messages.text(
                known.say(
                    "Everything about you has been erased. You get no more messages. To start "
                    "again, write anything."
                )
            )
            return DialogueOutcome(DialogueState(), (farewell,), (Erase(),), matters=True)
        case "erase-no":
            return DialogueOutcome(state, (messages.text(known.say("Nothing was erased.")),))
    return None


def card(known: Known) -> Message:
    """The stored data in words, with buttons for text and file, and one to erase it."""
    tiles = [messages.tile(messages.press(known.say("As text"), "data-text"))]
    if known.page_url:
        file = messages.uri(known.say("As a file"), f"{known.page_url}/data.json")
        tiles.append(messages.tile(file))
    erase = messages.press(known.say("Erase everything"), "erase")
    return messages.card(
        known.say("My data"),
        [messages.fact(name, value) for name, value in _facts(known)],
        intro=_kept(known),
        footer=[*messages.columns(tiles), messages.tile(erase, danger=True)],
    )


def as_text(known: Known) -> Message:
    """The same as plain text, to be copied."""
    lines = [f"{name}: {value}" for name, value in _facts(known)]
    return messages.text("\n".join((known.say("My data"), "", *lines, "", _kept(known)))[:5000])


def _kept(known: Known) -> str:
    return known.say(
        "Your LINE user ID is kept, not your name. What you write here is kept for {days} days.",
        days=known.city.retention.webhook_events,
    )


def _facts(known: Known) -> list[tuple[str, str]]:
    city, choices, language = known.city, known.preferences, known.language
    facts = [
        (known.say("Language"), LANGUAGES[language].name),
        (known.say("Districts"), districts.chosen_names(known)),
        (known.say("Topics"), _topics(known)),
        (
            known.say("Quiet hours"),
            quiet_name(city, choices.quiet_start, choices.quiet_end, language),
        ),
        (known.say("Daily summary"), digest_time(known)),
    ]
    if city.collection_reminders:
        facts.append((known.say("Reminder of rubbish days"), reminder_time(known)))
    if choices.children:
        facts.append((known.say("Children"), children.names(known)))
    if known.following_since is not None:
        since = in_japan(known.following_since).strftime("%Y-%m-%d")
        facts.append((known.say("Following since"), since))
    facts.append((known.say("Your reports"), str(known.reports)))
    if known.joined_reports:
        facts.append((known.say("Reports of others that you follow"), str(known.joined_reports)))
    if known.watches_repairs:
        facts.append((known.say("Repairs near me"), "✓"))
    if known.household is not None:
        facts.append((known.say("I am safe"), household.in_short(known.household, known)))
        if known.household.photos:
            facts.append((known.say("Photos"), str(known.household.photos)))
    if known.check_ins:
        names = [household.site_name(code, known) for code in known.check_ins]
        facts.append((known.say("Check-ins at evacuation sites"), listed(names, known.language)))
    return facts


def reminder_time(known: Known) -> str:
    """When the resident is reminded of collections, if at all."""
    if REMINDED_TOPIC not in known.preferences.topics:
        return known.say("Off")
    return reminder_name(known.language, in_morning=known.preferences.remind_in_morning)


def digest_time(known: Known) -> str:
    """The hour of the resident's daily summary."""
    hour = known.preferences.digest_hour
    return clock_time((known.city.digest_hour if hour is None else hour) * 60)


def _topics(known: Known) -> str:
    chosen = known.preferences.topics
    names = [
        topic_in_words(known.city, topic, chosen[topic.code], known.language)
        for topic in known.city.topics
        if topic.code in chosen
    ]
    return listed(names, known.language)


def _erase_card(known: Known) -> Message:
    return messages.card(
        known.say("Erase everything"),
        messages.columns(
            [
                messages.tile(messages.press(known.say("Keep"), "erase-no")),
                messages.tile(messages.press(known.say("Erase"), "erase-yes"), danger=True),
            ]
        ),
        intro=known.say(
            "Erase all your data? You will get no more messages, not even evacuation orders. "
            "Your reports stay with the city without your name."
        ),
    )
