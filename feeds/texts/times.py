"""Moments as a resident reads them: Japan's clock, the language's own form."""

from __future__ import annotations

from datetime import date, datetime, time

from babel.dates import format_skeleton

from core.clock import in_japan
from core.languages import EASY_JAPANESE, LANGUAGES
from feeds.texts.terms import number

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


def moment(at: datetime, language: str) -> str:
    """Return day, weekday, hour and minute of ``at`` in Japan, as ``language`` writes them."""
    local = in_japan(at)
    if language == "ja":
        return f"{day_name(local, language)}{local.hour}時{local.minute:02}分"
    if language == EASY_JAPANESE:
        return _easy(local)
    locale = LANGUAGES[language].locale
    day = format_skeleton("MMMMEd", local, locale=locale)
    return number(f"{day} {local.hour}:{local.minute:02}", language)


def day_name(on: date, language: str) -> str:
    """Return a day with its weekday, as ``language`` writes it."""
    if language == "ja":
        return f"{on.month}月{on.day}日（{_WEEKDAYS[on.weekday()][0]}）"
    if language == EASY_JAPANESE:
        return _easy_day(on)
    noon = datetime.combine(on, time(12))
    return number(format_skeleton("MMMMEd", noon, locale=LANGUAGES[language].locale), language)


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
