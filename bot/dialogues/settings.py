"""Show and change a resident's choices; show and erase their stored data."""

from __future__ import annotations

from datetime import time

from bot import messages
from bot.dialogues import household, onboarding
from bot.dialogues.kinds import (
    DialogueOutcome,
    DialogueState,
    Erase,
    Incoming,
    Known,
    Pressed,
    SetArea,
    SetLanguage,
    SetQuietHours,
    SetTopic,
)
from bot.dialogues.words import listed
from bot.messages import Message, Part
from city.city import name_in
from core.clock import in_japan
from core.languages import LANGUAGES
from feeds.jma.levels import is_weaker
from feeds.texts import intensity_name

LEVELLED_TOPIC = "weather"
"""The topic with notices of five levels."""
LEVELS = (0, 2, 3, 4)
QUAKE_TOPIC = "earthquake"
QUAKES = {1: "1", 2: "3", 3: "4", 4: "5-", 5: "6-"}
"""The least intensity of each level that a resident can choose (``feeds.jma.levels``)."""
QUAKES_OFFERED = (1, 2, 3, 4)
QUIET_HOURS = ((1260, 360), (1320, 420), (1380, 480))
"""Offered quiet hours, in minutes after midnight in Japan."""
MINUTES_A_DAY = 24 * 60


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
        case "areas", _:
            return DialogueOutcome(state, (areas_card(known),))
        case "area-all", _:
            return DialogueOutcome(state, (areas_card(known.having(areas=())),), (SetArea(None),))
        case "area", {"to": code} if code in known.city.district_by_code:
            return _toggle_area(state, known, code, on=event.values.get("on") == "1")
        case "topics", _:
            return DialogueOutcome(state, (onboarding.topics_card(known),))
        case "topic", _:
            return onboarding.toggle_topic(state, event, known)
        case "topics-done", _:
            return DialogueOutcome(state, (_saved(known),))
        case "levels", _:
            return DialogueOutcome(state, (levels_card(known),))
        case "level", {"to": level} if level in {str(n) for n in LEVELS}:
            return DialogueOutcome(state, (_saved(known),), (SetTopic(LEVELLED_TOPIC, int(level)),))
        case "quakes", _:
            return DialogueOutcome(state, (quakes_card(known),))
        case "quake", {"to": level} if level in {str(n) for n in quakes(known)}:
            return DialogueOutcome(state, (_saved(known),), (SetTopic(QUAKE_TOPIC, int(level)),))
        case _:
            return _quiet(state, event, known) or _data(state, event, known)


def _saved(known: Known) -> Message:
    return messages.text(known.say("Saved."), messages.press(known.say("Settings"), "settings"))


def _toggle_area(state: DialogueState, known: Known, code: str, *, on: bool) -> DialogueOutcome:
    chosen = {area for area in known.preferences.areas if area != code} | ({code} if on else set())
    after = known.having(areas=tuple(sorted(chosen)))
    return DialogueOutcome(state, (areas_card(after),), (SetArea(code, on),))


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


def _data(state: DialogueState, event: Pressed, known: Known) -> DialogueOutcome | None:
    match event.do:
        case "data":
            return DialogueOutcome(state, (data_card(known),))
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
        "You can choose fewer topics, a higher alert level, or quiet hours. Emergencies always "
        "reach you."
    )
    return DialogueOutcome(state, (_quieter(known, known.say("Fewer messages"), words),))


def _quieter(known: Known, title: str, words: str) -> Message:
    names = (("quiet-hours", "Quiet hours"), ("topics", "Topics"), ("levels", "Alert level"))
    tiles = [messages.tile(messages.press(known.say(name), do)) for do, name in names]
    erase = messages.tile(messages.press(known.say("Erase everything"), "erase"), danger=True)
    return messages.card(title, messages.columns(tiles, 1), intro=words, footer=[erase])


def settings_card(known: Known) -> Message:
    """The settings with their current values."""
    choices = known.preferences
    entries = [
        ("language", "Language", LANGUAGES[known.language].name),
        ("areas", "Districts", district_names(known)),
        ("topics", "Topics", str(len(choices.topics))),
        ("levels", "Alert level", _level_name(known)),
        ("quakes", "Earthquake intensity", _quake_name(known)),
        ("quiet-hours", "Quiet hours", quiet_name(known)),
        ("data", "My data", ""),
    ]
    tiles = [
        messages.tile(messages.press(known.say(name), do), note=value)
        for do, name, value in entries
    ]
    return messages.card(known.say("Settings"), messages.columns(tiles))


def areas_card(known: Known) -> Message:
    """The districts with their state; a tap on a line switches it."""
    chosen = known.preferences.areas
    rows: list[Part] = [
        messages.switch(
            name,
            district.code in chosen,
            messages.press(
                name,
                "area",
                shown=False,
                to=district.code,
                on=0 if district.code in chosen else 1,
            ),
        )
        for district in known.city.districts[: onboarding.MAX_LISTED]
        for name in [name_in(district.names, known.language)]
    ]
    everything = messages.press(known.say("Whole city"), "area-all", shown=False)
    return messages.card(
        known.say("Districts"),
        [messages.switch(known.say("Whole city"), not chosen, everything), *rows],
        intro=known.say("Tap the districts you want to hear about."),
        quick=[messages.press(known.say("Settings"), "settings")],
    )


def levels_card(known: Known) -> Message:
    tiles = [
        messages.tile(
            messages.press(_level_label(known, level), "level", to=level),
            strong=known.preferences.topics.get(LEVELLED_TOPIC) == level,
        )
        for level in LEVELS
    ]
    return messages.card(
        known.say("Alert level"),
        messages.columns(tiles, 1),
        intro=known.say("Which weather warnings do you want? Choose the lowest level."),
    )


def quakes(known: Known) -> dict[int, str]:
    """The offered intensities by level, weakest first; level 0 is the city's own threshold."""
    own = known.city.jma.quake_threshold
    offered = {level: QUAKES[level] for level in QUAKES_OFFERED}
    weaker = {level: felt for level, felt in offered.items() if is_weaker(felt, own)}
    stronger = {level: felt for level, felt in offered.items() if is_weaker(own, felt)}
    return weaker | {0: own} | stronger


def quakes_card(known: Known) -> Message:
    tiles = [
        messages.tile(
            messages.press(_quake_label(known, level), "quake", to=level),
            strong=_quake_name(known) == _quake_label(known, level),
        )
        for level in quakes(known)
    ]
    return messages.card(
        known.say("Earthquake intensity"),
        messages.columns(tiles, 1),
        intro=known.say(
            "From which intensity in this city do you want to hear of earthquakes? "
            "The scale goes up to 7."
        ),
    )


def quiet_card(known: Known) -> Message:
    current = _quiet_hours(known)
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


def data_card(known: Known) -> Message:
    """The resident's stored data (promise 9), in words, with a button to erase it."""
    rows = [
        messages.fact(known.say("Language"), LANGUAGES[known.language].name),
        messages.fact(known.say("Districts"), district_names(known)),
        messages.fact(known.say("Topics"), topic_names(known)),
        messages.fact(known.say("Alert level"), _level_name(known)),
        messages.fact(known.say("Earthquake intensity"), _quake_name(known)),
        messages.fact(known.say("Quiet hours"), quiet_name(known)),
    ]
    if known.following_since is not None:
        since = in_japan(known.following_since).strftime("%Y-%m-%d")
        rows.append(messages.fact(known.say("Following since"), since))
    rows.append(messages.fact(known.say("Your reports"), str(known.reports)))
    if known.household is not None:
        said = household.in_short(known.household, known)
        rows.append(messages.fact(known.say("I am safe"), said))
    kept = known.say(
        "Your LINE user ID is kept, not your name. What you write here is kept for {days} days.",
        days=known.city.retention.webhook_events,
    )
    erase = messages.press(known.say("Erase everything"), "erase")
    return messages.card(
        known.say("My data"), rows, intro=kept, footer=[messages.tile(erase, danger=True)]
    )


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


def district_names(known: Known) -> str:
    """The resident's districts in their language."""
    names = [
        name_in(known.city.district_by_code[code].names, known.language)
        for code in known.preferences.areas
    ]
    return listed(names, known.language) or known.say("Whole city")


def topic_names(known: Known) -> str:
    names = [
        name_in(topic.names, known.language)
        for topic in known.city.topics
        if topic.code in known.preferences.topics
    ]
    return listed(names, known.language)


def _level_name(known: Known) -> str:
    level = known.preferences.topics.get(LEVELLED_TOPIC)
    return known.say("Off") if level is None else _level_label(known, level)


def _level_label(known: Known, level: int) -> str:
    if not level:
        return known.say("All levels")
    return known.say("Alert level {level} and above", level=level)


def _quake_name(known: Known) -> str:
    level = known.preferences.topics.get(QUAKE_TOPIC)
    if level is None:
        return known.say("Off")
    return _quake_label(known, level)


def _quake_label(known: Known, level: int) -> str:
    felt = QUAKES[min(level, max(QUAKES))] if level else known.city.jma.quake_threshold
    intensity = intensity_name(felt, known.language)
    return known.say("Intensity {intensity} and above", intensity=intensity)


def quiet_name(known: Known) -> str:
    """The quiet hours in force for the resident."""
    start, end = _quiet_hours(known)
    return known.say("No quiet hours") if start == end else _hours(start, end)


def _quiet_hours(known: Known) -> tuple[int, int]:
    """The resident's own quiet hours, else the city's, in minutes after midnight in Japan."""
    start, end = known.preferences.quiet_start, known.preferences.quiet_end
    if start is None or end is None:
        hours = known.city.quiet_hours
        return _minutes(hours.start), _minutes(hours.end)
    return start, end


def _minutes(clock_time: time) -> int:
    return clock_time.hour * 60 + clock_time.minute


def _hours(start: int, end: int) -> str:
    return f"{start // 60:02}:{start % 60:02}–{end // 60:02}:{end % 60:02}"


def minutes_of(clock_time: str) -> int | None:
    """Return minutes after midnight for ``HH:MM`` from LINE's picker."""
    hours, _, minutes = clock_time.partition(":")
    if not (hours.isdecimal() and minutes.isdecimal() and len(clock_time) == 5):
        return None
    return _minute(str(int(hours) * 60 + int(minutes)))


def _minute(value: str) -> int | None:
    if value.isdecimal() and len(value) <= 4 and int(value) < MINUTES_A_DAY:
        return int(value)
    return None
