"""What a resident chose, shown and changed; what is kept of them, shown and erased."""

from __future__ import annotations

from datetime import time

from bot import messages
from bot.dialogues import onboarding
from bot.dialogues.kinds import (
    Erase,
    Incoming,
    Known,
    Outcome,
    Pressed,
    SetArea,
    SetLanguage,
    SetQuietHours,
    SetTopic,
    State,
)
from bot.dialogues.words import listed
from bot.messages import Message, Part
from core.city import name_in
from core.clock import in_japan
from core.languages import LANGUAGES
from feeds.texts import intensity_name

LEVELLED_TOPIC = "weather"
"""The topic whose notices carry the five levels."""
LEVELS = (0, 2, 3, 4)
QUAKE_TOPIC = "earthquake"
QUAKES = {0: "3", 3: "4", 4: "5-"}
"""Offered intensities by the level they are addressed with (``feeds.jma.levels``)."""
QUIET_HOURS = ((1260, 360), (1320, 420), (1380, 480))
"""Offered quiet hours, in minutes after midnight in Japan."""
MINUTES_A_DAY = 24 * 60


def step(state: State, event: Incoming, known: Known) -> Outcome | None:
    """Answer what belongs to the settings, from wherever it was tapped; None otherwise."""
    if not isinstance(event, Pressed):
        return None
    match event.do, event.values:
        case "settings", _:
            return Outcome(state, (settings_card(known),))
        case "language", _:
            return Outcome(state, (onboarding.language_card(known),))
        case "set-language", {"to": language} if language in known.city.languages:
            return Outcome(
                state, (_saved(known.speaking(language)),), (SetLanguage(language),), matters=True
            )
        case "areas", _:
            return Outcome(state, (areas_card(known),))
        case "area-all", _:
            return Outcome(state, (areas_card(known.having(areas=())),), (SetArea(None),))
        case "area", {"to": code} if code in known.city.district_by_code:
            return _toggle_area(state, known, code, on=event.values.get("on") == "1")
        case "topics", _:
            return Outcome(state, (onboarding.topics_card(known),))
        case "topic", _:
            return onboarding.toggle_topic(state, event, known)
        case "topics-done", _:
            return Outcome(state, (_saved(known),))
        case "levels", _:
            return Outcome(state, (levels_card(known),))
        case "level", {"to": level} if level in {str(n) for n in LEVELS}:
            return Outcome(state, (_saved(known),), (SetTopic(LEVELLED_TOPIC, int(level)),))
        case "quakes", _:
            return Outcome(state, (quakes_card(known),))
        case "quake", {"to": level} if level in {str(n) for n in QUAKES}:
            return Outcome(state, (_saved(known),), (SetTopic(QUAKE_TOPIC, int(level)),))
        case _:
            return _quiet(state, event, known) or _data(state, event, known)


def _saved(known: Known) -> Message:
    return messages.text(known.say("Saved."), messages.press(known.say("Settings"), "settings"))


def _toggle_area(state: State, known: Known, code: str, *, on: bool) -> Outcome:
    chosen = {area for area in known.preferences.areas if area != code} | ({code} if on else set())
    after = known.having(areas=tuple(sorted(chosen)))
    return Outcome(state, (areas_card(after),), (SetArea(code, on),))


def _quiet(state: State, event: Pressed, known: Known) -> Outcome | None:
    match event.do, event.values:
        case "quiet-hours", _:
            return Outcome(state, (quiet_card(known),))
        case "quiet-from", _:
            picker = messages.pick_time(known.say("Choose a time"), "quiet-until", initial="22:00")
            return Outcome(state, (messages.text(known.say("From when?"), picker),))
        case "quiet-until", {"time": start} if (minutes := minutes_of(start)) is not None:
            picker = messages.pick_time(
                known.say("Choose a time"), "quiet", initial="07:00", start=minutes
            )
            return Outcome(state, (messages.text(known.say("Until when?"), picker),))
        case "quiet", {"start": start, **rest}:
            end = minutes_of(rest["time"]) if "time" in rest else _minute(rest.get("end", ""))
            begin = _minute(start)
            if begin is None or end is None:
                return Outcome(state, (quiet_card(known),))
            return Outcome(state, (_saved(known),), (SetQuietHours(begin, end),))
    return None


def _data(state: State, event: Pressed, known: Known) -> Outcome | None:
    match event.do:
        case "data":
            return Outcome(state, (data_card(known),))
        case "erase":
            return Outcome(state, (_erase_card(known),))
        case "erase-yes":
            farewell = messages.text(
                known.say(
                    "Everything about you has been erased. You get no more messages. To start "
                    "again, write anything."
                )
            )
            return Outcome(State(), (farewell,), (Erase(),), matters=True)
        case "erase-no":
            return Outcome(state, (messages.text(known.say("Nothing was erased.")),))
    return None


def settings_card(known: Known) -> Message:
    """The settings with what they are now."""
    choices = known.preferences
    entries = [
        ("language", "Language", LANGUAGES[known.language].name),
        ("areas", "Districts", places(known)),
        ("topics", "Topics", str(len(choices.topics))),
        ("levels", "Warning level", _level_name(known)),
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
        known.say("Warning level"),
        messages.columns(tiles, 1),
        intro=known.say("From which level do you want to hear of the weather?"),
    )


def quakes_card(known: Known) -> Message:
    tiles = [
        messages.tile(
            messages.press(_quake_label(known, level), "quake", to=level),
            strong=_quake_name(known) == _quake_label(known, level),
        )
        for level in QUAKES
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
    """What is kept of the resident (promise 9), in words, with the way to erase it."""
    rows = [
        messages.fact(known.say("Language"), LANGUAGES[known.language].name),
        messages.fact(known.say("Districts"), places(known)),
        messages.fact(known.say("Topics"), topic_names(known)),
        messages.fact(known.say("Warning level"), _level_name(known)),
        messages.fact(known.say("Earthquake intensity"), _quake_name(known)),
        messages.fact(known.say("Quiet hours"), quiet_name(known)),
    ]
    if known.following_since is not None:
        since = in_japan(known.following_since).strftime("%Y-%m-%d")
        rows.append(messages.fact(known.say("Following since"), since))
    rows.append(messages.fact(known.say("Your reports"), str(known.reports)))
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


def places(known: Known) -> str:
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
    return known.say("Level {level} and above", level=level) if level else known.say("All levels")


def _quake_name(known: Known) -> str:
    level = known.preferences.topics.get(QUAKE_TOPIC)
    if level is None:
        return known.say("Off")
    return _quake_label(known, max(offered for offered in QUAKES if offered <= level))


def _quake_label(known: Known, level: int) -> str:
    intensity = intensity_name(QUAKES[level], known.language)
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
    """Return minutes after midnight for ``HH:MM``, as LINE's picker gives it."""
    hours, _, minutes = clock_time.partition(":")
    if not (hours.isdecimal() and minutes.isdecimal() and len(clock_time) == 5):
        return None
    return _minute(str(int(hours) * 60 + int(minutes)))


def _minute(value: str) -> int | None:
    if value.isdecimal() and len(value) <= 4 and int(value) < MINUTES_A_DAY:
        return int(value)
    return None
