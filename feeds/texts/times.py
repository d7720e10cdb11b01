"""Moments as a resident reads them: Japan's clock, the language's own form.

A time says which half of the day it is, or has 24 hours and two digits: 6:05 of a tsunami's
arrival must not be taken for the evening. The patterns are ours (``data/times``), as those
of a library are reworded from one version to the next.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from functools import cache

from core.clock import in_japan
from core.languages import EASY_JAPANESE, read_table
from feeds.texts.forms import PATTERNS
from feeds.texts.terms import in_digits

_WEEKDAYS = ["月げつ", "火か", "水すい", "木もく", "金きん", "土ど", "日にち"]
_DAYS = {
    1: "ついたち",
    2: "ふつか",
    3: "みっか",
    4: "よっか",
    5: "いつか",
    6: "むいか",
    7: "なのか",
    8: "ようか",
    9: "ここのか",
    10: "とおか",
    14: "じゅうよっか",
    20: "はつか",
    24: "にじゅうよっか",
}
"""Days of the month that are not read as a number and にち; the digits are read with it."""
_FUN_ENDINGS = (2, 5, 7, 9)
"""Last digits of a minute after which 分 is read ふん and not ぷん."""


@dataclass(frozen=True, kw_only=True)
class TimePattern:
    """How a language writes days and times, as ``data/times/<language>.toml`` says.

    They are ours and do not change with a library's tables: a time in a warning must be read
    alike today and tomorrow. Japanese is written by the functions below.

    Parameters
    ----------
    weekdays
        From Monday.
    months
        From January; numbers where the file has none.
    day
        Of ``{weekday}``, ``{month}`` and ``{day}``.
    moment
        Of ``{day}`` and ``{time}``.
    time
        Of ``{hour}``, ``{minute}`` and, where the clock has twelve hours, ``{part}`` of the day.
        A clock of 24 hours writes two digits for the hour: 06:05 cannot be the evening.
    parts
        First hour, name, and whether 0 o'clock is 12 in it; needed for twelve hours.
    """

    weekdays: tuple[str, ...]
    months: tuple[str, ...]
    day: str
    moment: str
    time: str
    parts: tuple[tuple[int, str, bool], ...]

    def clock(self, hour: int, minute: int) -> str:
        """Return a time of the day, on twelve hours where the language has parts of the day."""
        if not self.parts:
            return self.time.format(hour=f"{hour:02}", minute=f"{minute:02}")
        _, part, twelve = max(part for part in self.parts if part[0] <= hour)
        shown = hour % 12 or (12 if twelve else 0)
        return self.time.format(part=part, hour=shown, minute=f"{minute:02}")


@cache
def pattern_of(language: str) -> TimePattern:
    """Return the pattern of a language that is not Japanese."""
    table = read_table(PATTERNS, language)
    return TimePattern(
        weekdays=tuple(table["weekdays"]),
        months=tuple(table.get("months", map(str, range(1, 13)))),
        day=table["day"],
        moment=table["moment"],
        time=table["time"],
        parts=tuple((first, name, twelve) for first, name, twelve in table.get("parts", ())),
    )


def moment(at: datetime, language: str) -> str:
    """Return day, weekday, hour and minute of ``at`` in Japan, as ``language`` writes them."""
    local = in_japan(at)
    if language == "ja":
        half = "午前" if local.hour < 12 else "午後"
        return f"{day_name(local, language)}{half}{local.hour % 12}時{local.minute:02}分"
    if language == EASY_JAPANESE:
        return _easy(local)
    pattern = pattern_of(language)
    clock = in_digits(pattern.clock(local.hour, local.minute), language)
    return pattern.moment.format(day=day_name(local, language), time=clock)


def day_name(on: date, language: str) -> str:
    """Return a day with its weekday, as ``language`` writes it."""
    if language == "ja":
        return f"{on.month}月{on.day}日（{_WEEKDAYS[on.weekday()][0]}）"
    if language == EASY_JAPANESE:
        return _easy_day(on)
    pattern = pattern_of(language)
    day = pattern.day.format(
        weekday=pattern.weekdays[on.weekday()], month=pattern.months[on.month - 1], day=on.day
    )
    return in_digits(day, language)


def _easy_day(on: date) -> str:
    kanji, reading = _WEEKDAYS[on.weekday()][0], _WEEKDAYS[on.weekday()][1:]
    day = f"{on.day}日（{_DAYS.get(on.day, 'にち')}）"
    return f"{on.month}月（がつ）{day} {kanji}曜日（{reading}ようび）"


def _easy(local: datetime) -> str:
    """Return a moment in easy Japanese: 12 hours, a reading for every character."""
    half = "午前（ごぜん）" if local.hour < 12 else "午後（ごご）"
    minutes = ""
    if local.minute:
        fun = "ふん" if local.minute % 10 in _FUN_ENDINGS else "ぷん"
        minutes = f"{local.minute}分（{fun}）"
    return f"{_easy_day(local)} {half}{local.hour % 12}時（じ）{minutes}"
