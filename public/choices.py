"""What a resident can choose, and its names: the same in the chat and on the settings page."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, time

from city.city import City, Topic, name_in
from core.languages import mark
from feeds.jma.levels import is_weaker
from feeds.texts import intensity_name
from feeds.texts.forms import month_name
from public.words import CATALOGUE

LEVELLED_TOPIC = "weather"
"""The topic with notices of five levels."""
LEVELS = {
    0: mark("Early notices too"),
    2: mark("Advisories and above: get ready"),
    3: mark("Warnings and above: older people leave"),
    4: mark("Only when everybody must leave"),
}
"""The levels of weather that a resident can choose, in plain words."""
QUAKE_TOPIC = "earthquake"
QUAKES = {1: "1", 2: "3", 3: "4", 4: "5-", 5: "6-"}
"""The least intensity of each level that a resident can choose (``feeds.jma.levels``)."""
QUAKES_OFFERED = (1, 2, 3, 4)
EVERYTHING, URGENT = mark("Everything"), mark("Only what is urgent")
EVENING, MORNING = mark("The evening before"), mark("On the morning itself")
REMINDED_TOPIC = "collection"
CHILDREN_TOPIC = "childcare"
DIGEST_HOURS = tuple(range(6, 22))
"""Offered hours of the daily summary: nobody wants it at night."""
MINUTES_A_DAY = 24 * 60


def levels_of(city: City, topic: str) -> tuple[int, ...]:
    """Return the levels that can be chosen for a topic, the lowest first; 0 is everything."""
    if topic == LEVELLED_TOPIC:
        return tuple(LEVELS)
    if topic == QUAKE_TOPIC:
        return tuple(quakes(city))
    return (0, city.topic_by_code[topic].emergency_level)


def quakes(city: City) -> dict[int, str]:
    """The offered intensities by level, weakest first; level 0 is the city's own threshold."""
    own = city.jma.quake_threshold
    offered = {level: QUAKES[level] for level in QUAKES_OFFERED}
    weaker = {level: felt for level, felt in offered.items() if is_weaker(felt, own)}
    stronger = {level: felt for level, felt in offered.items() if is_weaker(own, felt)}
    return weaker | {0: own} | stronger


def level_name(city: City, topic: str, level: int, language: str) -> str:
    """Return a level's name."""
    if topic == QUAKE_TOPIC:
        felt = QUAKES[min(level, max(QUAKES))] if level else city.jma.quake_threshold
        intensity = intensity_name(felt, language)
        return CATALOGUE.text(language, "Intensity {intensity} and above", intensity=intensity)
    if topic != LEVELLED_TOPIC:
        return CATALOGUE.text(language, URGENT if level else EVERYTHING)
    if not level:
        return CATALOGUE.text(language, "All levels")
    return CATALOGUE.text(language, "Alert level {level} and above", level=level)


def topic_in_words(city: City, topic: Topic, level: int, language: str) -> str:
    """Return a topic with its level, where one was chosen."""
    name = name_in(topic.names, language)
    if topic.mandatory or (not level and topic.code != QUAKE_TOPIC):
        return name
    return f"{name} ({level_name(city, topic.code, level, language)})"


def level_note(topic: str, level: int, language: str) -> str:
    """Return what a level of weather means in plain words; "" for other topics."""
    if topic != LEVELLED_TOPIC or level not in LEVELS:
        return ""
    return CATALOGUE.text(language, LEVELS[level])


def only_urgent(city: City, topics: Mapping[str, int]) -> dict[str, int]:
    """Return the topics with levels at which nothing but emergencies comes."""
    return {
        code: max(level, city.topic_by_code[code].emergency_level)
        for code, level in topics.items()
        if not city.topic_by_code[code].mandatory
    }


def quiet_hours(city: City, start: int | None, end: int | None) -> tuple[int, int]:
    """Return a resident's own quiet hours, else the city's, in minutes after midnight in Japan."""
    if start is None or end is None:
        return _minutes(city.quiet_hours.start), _minutes(city.quiet_hours.end)
    return start, end


def quiet_name(city: City, start: int | None, end: int | None, language: str) -> str:
    """Return the quiet hours in words."""
    first, last = quiet_hours(city, start, end)
    if first == last:
        return CATALOGUE.text(language, "No quiet hours")
    return f"{clock_time(first)}–{clock_time(last)}"


def reminder_name(language: str, *, in_morning: bool) -> str:
    """Return when a resident is reminded of collections."""
    return CATALOGUE.text(language, MORNING if in_morning else EVENING)


def reminded_topic(city: City, language: str) -> str:
    """Return the name of the topic with the reminders of collections; "" if there is none."""
    topic = city.topic_by_code.get(REMINDED_TOPIC)
    return name_in(topic.names, language) if topic else ""


def birth_month(born: str, language: str) -> str:
    """Return a month of birth (``YYYY-MM``) in words."""
    return month_name(date.fromisoformat(f"{born}-01"), language)


def clock_time(minute: int) -> str:
    """Return a minute of the day as ``HH:MM``."""
    return f"{minute // 60:02}:{minute % 60:02}"


def minutes_of(written: str) -> int | None:
    """Return minutes after midnight for ``HH:MM``, or None."""
    hours, _, minutes = written.partition(":")
    if not (written.isascii() and hours.isdecimal() and minutes.isdecimal() and len(written) == 5):
        return None
    minute = int(hours) * 60 + int(minutes)
    return minute if minute < MINUTES_A_DAY and int(minutes) < 60 else None


def _minutes(moment: time) -> int:
    return moment.hour * 60 + moment.minute
