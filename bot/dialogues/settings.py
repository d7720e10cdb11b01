"""Show and change a resident's choices."""

from __future__ import annotations

from bot import messages
from bot.dialogues import children, districts, month, my_data, onboarding
from bot.dialogues.kinds import (
    DialogueOutcome,
    DialogueState,
    Incoming,
    Known,
    Pressed,
    SetDigestHour,
    SetLanguage,
    SetQuietHours,
    SetReminder,
    SetTopic,
)
from bot.messages import Message, Part
from city.city import Topic, name_in
from core.languages import LANGUAGES
from public import choices
from public.choices import LEVELLED_TOPIC, QUAKE_TOPIC, clock_time, level_name, minutes_of
from public.words import CATALOGUE

QUIET_HOURS = ((1260, 360), (1320, 420), (1380, 480))
"""Offered quiet hours, in minutes after midnight in Japan."""


def step(state: DialogueState, event: Incoming, known: Known) -> DialogueOutcome | None:
    """Answer settings, wherever they were tapped; None otherwise."""
    if not isinstance(event, Pressed):
        return None
    match event.do, event.values:
        case "settings", _:
            return DialogueOutcome(state, (settings_card(known),))
        case "language", _:
            return DialogueOutcome(state, (onboarding.language_card(known),))
        case "set-language", {"to": language} if language in known.city.languages:
            return DialogueOutcome(
                state, (_saved(known.speaking(language)),), (SetLanguage(language),), matters=True
            )
        case "topics", _:
            return DialogueOutcome(state, (onboarding.topics_card(known),))
        case "topic", _:
            return onboarding.toggle_topic(state, event, known)
        case "topics-done", _:
            return DialogueOutcome(state, (_saved(known),))
    for answer in (
        districts.pressed,
        _levels,
        _quiet,
        _daily,
        children.step,
        my_data.step,
        month.step,
    ):
        if (found := answer(state, event, known)) is not None:
            return found
    return None


def _saved(known: Known) -> Message:
    return messages.text(known.say("Saved."), messages.press(known.say("Settings"), "settings"))


def _levels(state: DialogueState, event: Pressed, known: Known) -> DialogueOutcome | None:
    match event.do, event.values:
        case "levels", _:
            return DialogueOutcome(state, (levels_card(known),))
        case "level", {"to": level} if _is_level(known, LEVELLED_TOPIC, level):
            return DialogueOutcome(state, (_saved(known),), (SetTopic(LEVELLED_TOPIC, int(level)),))
        case "quakes", _:
            return DialogueOutcome(state, (quakes_card(known),))
        case "quake", {"to": level} if _is_level(known, QUAKE_TOPIC, level):
            return DialogueOutcome(state, (_saved(known),), (SetTopic(QUAKE_TOPIC, int(level)),))
        case "amounts", _:
            return DialogueOutcome(state, (amounts_card(known),))
        case "amount", {"code": code} if code in known.city.topic_by_code:
            return _amount(state, event, known, known.city.topic_by_code[code])
        case "urgent-only", _:
            urgent = choices.only_urgent(known.city, known.preferences.topics)
            effects = tuple(SetTopic(code, level) for code, level in urgent.items())
            return DialogueOutcome(state, (_saved(known),), effects)
    return None


def _amount(
    state: DialogueState, event: Pressed, known: Known, topic: Topic
) -> DialogueOutcome | None:
    level = event.values.get("to", "")
    if topic.mandatory:
        return DialogueOutcome(state, (amounts_card(known),))
    if level == "off":
        return DialogueOutcome(state, (_saved(known),), (SetTopic(topic.code, None),))
    if _is_level(known, topic.code, level):
        return DialogueOutcome(state, (_saved(known),), (SetTopic(topic.code, int(level)),))
    return DialogueOutcome(state, (_amount_card(known, topic),))


def _is_level(known: Known, topic: str, level: str) -> bool:
    there = topic in known.city.topic_by_code
    return there and level in {str(n) for n in choices.levels_of(known.city, topic)}


def _quiet(state: DialogueState, event: Pressed, known: Known) -> DialogueOutcome | None:
    match event.do, event.values:
        case "quiet-hours", _:
            return DialogueOutcome(state, (quiet_card(known),))
        case "quiet-from", _:
            picker = messages.pick_time(known.say("Choose a time"), "quiet-until", initial="22:00")
            return DialogueOutcome(state, (messages.text(known.say("From when?"), picker),))
        case "quiet-until", {"time": start} if (minutes := minutes_of(start)) is not None:
            picker = messages.pick_time(
                known.say("Choose a time"), "quiet", initial="07:00", start=minutes
            )
            return DialogueOutcome(state, (messages.text(known.say("Until when?"), picker),))
        case "quiet", {"start": start, **rest}:
            end = minutes_of(rest["time"]) if "time" in rest else _minute(rest.get("end", ""))
            begin = _minute(start)
            if begin is None or end is None:
                return DialogueOutcome(state, (quiet_card(known),))
            return DialogueOutcome(state, (_saved(known),), (SetQuietHours(begin, end),))
    return None


def _daily(state: DialogueState, event: Pressed, known: Known) -> DialogueOutcome | None:
    match event.do, event.values:
        case "digest", _:
            return DialogueOutcome(state, (digest_card(known),))
        case "digest-at", {"hour": hour} if hour in {str(h) for h in choices.DIGEST_HOURS}:
            return DialogueOutcome(state, (_saved(known),), (SetDigestHour(int(hour)),))
        case "reminder", {"in": "morning" | "evening" as part} if known.city.collection_reminders:
            effect = SetReminder(part == "morning")
            asked = choices.REMINDED_TOPIC in known.preferences.topics
            also = () if asked else (SetTopic(choices.REMINDED_TOPIC, 0),)
            return DialogueOutcome(state, (_saved(known),), (effect, *also))
        case "reminder", _ if known.city.collection_reminders:
            return DialogueOutcome(state, (reminder_card(known),))
    return None


def stopping(state: DialogueState, known: Known) -> DialogueOutcome:
    """How to stop all messages, and the alternatives to leaving."""
    words = known.say(
        "To stop all messages, block this account in LINE. Then no evacuation order reaches you "
        "here either. You can also choose fewer messages."
    )
    return DialogueOutcome(state, (_quieter(known, known.say("Stop messages"), words),))


def fewer(state: DialogueState, known: Known) -> DialogueOutcome:
    """Options for fewer messages."""
    words = known.say(
        "You can get only what is urgent, get news once a day, choose fewer topics, or set quiet "
        "hours. Emergencies always reach you."
    )
    return DialogueOutcome(state, (_quieter(known, known.say("Fewer messages"), words),))


def _quieter(known: Known, title: str, words: str) -> Message:
    quiet = known.preferences
    urgent = CATALOGUE.text(known.language, choices.URGENT)
    tiles = [
        messages.tile(messages.press(urgent, "urgent-only")),
        messages.tile(
            messages.press(known.say("Quiet hours"), "quiet-hours"),
            note=choices.quiet_name(known.city, quiet.quiet_start, quiet.quiet_end, known.language),
        ),
        messages.tile(
            messages.press(known.say("Daily summary"), "digest"), note=my_data.digest_time(known)
        ),
        messages.tile(messages.press(known.say("Topics"), "topics")),
        messages.tile(messages.press(known.say("How much of each topic"), "amounts")),
    ]
    erase = messages.tile(messages.press(known.say("Erase everything"), "erase"), danger=True)
    return messages.card(title, messages.columns(tiles, 1), intro=words, footer=[erase])


def settings_card(known: Known) -> Message:
    """The settings with their current values."""
    chosen, city, language = known.preferences, known.city, known.language
    entries = [
        ("language", known.say("Language"), LANGUAGES[language].name),
        ("areas", known.say("Districts"), districts.chosen_names(known)),
        ("topics", known.say("Topics"), str(len(chosen.topics))),
        ("amounts", known.say("How much of each topic"), ""),
        ("levels", known.say("Alert level"), _level(known, LEVELLED_TOPIC)),
        ("quakes", known.say("Earthquake intensity"), _level(known, QUAKE_TOPIC)),
        (
            "quiet-hours",
            known.say("Quiet hours"),
            choices.quiet_name(city, chosen.quiet_start, chosen.quiet_end, language),
        ),
        ("digest", known.say("Daily summary"), my_data.digest_time(known)),
    ]
    if city.collection_reminders:
        when = my_data.reminder_time(known)
        entries.append(("reminder", known.say("Reminder of rubbish days"), when))
    if known.children.reminders:
        entries.append(("children", known.say("Children"), children.names(known)))
    entries.append(("data", known.say("My data"), ""))
    tiles = [
        messages.tile(messages.press(name, do), note=value[:MOST_NOTE])
        for do, name, value in entries
    ]
    page = messages.uri(known.say("All on one page"), known.page_url)
    footer = [messages.tile(page, strong=True)] if known.page_url else []
    return messages.card(known.say("Settings"), messages.columns(tiles), footer=footer)


MOST_NOTE = 80


def levels_card(known: Known) -> Message:
    """The levels of weather warnings, each with what it means in plain words."""
    return messages.card(
        known.say("Alert level"),
        messages.columns(_level_tiles(known, LEVELLED_TOPIC, "level"), 1),
        intro=known.say("Which weather warnings do you want? Choose the lowest level."),
    )


def quakes_card(known: Known) -> Message:
    return messages.card(
        known.say("Earthquake intensity"),
        messages.columns(_level_tiles(known, QUAKE_TOPIC, "quake"), 1),
        intro=known.say(
            "From which intensity in this city do you want to hear of earthquakes? "
            "The scale goes up to 7."
        ),
    )


def _level_tiles(known: Known, topic: str, do: str, **values: str) -> list[Part]:
    current = _level(known, topic)
    tiles = []
    for level in choices.levels_of(known.city, topic):
        name = level_name(known.city, topic, level, known.language)
        tiles.append(
            messages.tile(
                messages.press(name, do, shown=True, **values, to=level),
                note=choices.level_note(topic, level, known.language),
                strong=current == name,
            )
        )
    return tiles


def amounts_card(known: Known) -> Message:
    """The topics that the resident has, each with its level; a tap leads to the choice."""
    tiles = []
    for topic in known.city.topics:
        if topic.mandatory or topic.code not in known.preferences.topics:
            continue
        press = messages.press(name_in(topic.names, known.language), "amount", code=topic.code)
        tiles.append(messages.tile(press, note=_level(known, topic.code)))
    return messages.card(
        known.say("How much of each topic"),
        messages.columns(tiles),
        intro=known.say("Tap a topic to choose how much you hear about it."),
        quick=(messages.press(known.say("Topics"), "topics"),),
    )


def _amount_card(known: Known, topic: Topic) -> Message:
    tiles = _level_tiles(known, topic.code, "amount", code=topic.code)
    off = messages.press(known.say("Off"), "amount", code=topic.code, to="off")
    is_off = topic.code not in known.preferences.topics
    return messages.card(
        name_in(topic.names, known.language),
        messages.columns([*tiles, messages.tile(off, strong=is_off)], 1),
        intro=known.say("How much do you want to hear?"),
        quick=(messages.press(known.say("Settings"), "settings"),),
    )


def quiet_card(known: Known) -> Message:
    current = choices.quiet_hours(
        known.city, known.preferences.quiet_start, known.preferences.quiet_end
    )
    tiles = [
        messages.tile(
            messages.press(_hours(start, end), "quiet", start=start, end=end),
            strong=current == (start, end),
        )
        for start, end in QUIET_HOURS
    ]
    none = messages.press(known.say("No quiet hours"), "quiet", start=0, end=0)
    other = messages.press(known.say("Other hours"), "quiet-from")
    own = current[0] != current[1] and current not in QUIET_HOURS
    tiles += [
        messages.tile(none, strong=current[0] == current[1]),
        messages.tile(other, note=_hours(*current) if own else "", strong=own),
    ]
    return messages.card(
        known.say("Quiet hours"),
        messages.columns(tiles, 1),
        intro=known.say("In your quiet hours only emergencies reach you."),
    )


def digest_card(known: Known) -> Message:
    """The hours of the daily summary."""
    now = my_data.digest_time(known)
    tiles = [
        messages.tile(
            messages.press(clock_time(hour * 60), "digest-at", hour=hour),
            strong=clock_time(hour * 60) == now,
        )
        for hour in choices.DIGEST_HOURS
    ]
    return messages.card(
        known.say("Daily summary"),
        messages.columns(tiles, 4),
        intro=known.say("News that can wait comes once a day, in one message. At what time?"),
    )


def reminder_card(known: Known) -> Message:
    """When a resident is reminded of collections."""
    hours = known.city.reminder_hours
    tiles = [
        messages.tile(
            messages.press(
                choices.reminder_name(known.language, in_morning=part == "morning"),
                "reminder",
                shown=True,
                **{"in": part},
            ),
            note=clock_time(hour * 60),
            strong=known.preferences.remind_in_morning == (part == "morning"),
        )
        for part, hour in (("evening", hours.evening), ("morning", hours.morning))
    ]
    return messages.card(
        known.say("Reminder of rubbish days"),
        messages.columns(tiles),
        intro=known.say(
            "When do you want to be reminded? If the morning is in your quiet hours, you are "
            "reminded the evening before."
        ),
    )


def _level(known: Known, topic: str) -> str:
    level = known.preferences.topics.get(topic)
    if level is None or topic not in known.city.topic_by_code:
        return known.say("Off")
    return level_name(known.city, topic, level, known.language)


def _hours(start: int, end: int) -> str:
    return f"{clock_time(start)}–{clock_time(end)}"


def _minute(value: str) -> int | None:
    if value.isdecimal() and len(value) <= 4 and int(value) < choices.MINUTES_A_DAY:
        return int(value)
    return None
