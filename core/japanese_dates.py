"""Dates and times as Japanese offices write them: 令和8年11月3日, R8.11.3, 11/3, 午後2時5分, 25:30.

A two-digit year is an era's only with the era in front. A date without a year is the last such
day.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime, time, timedelta

ERAS = {
    **dict.fromkeys(("令和", "令", "R"), 2018),
    **dict.fromkeys(("平成", "平", "H"), 1988),
    **dict.fromkeys(("昭和", "昭", "S"), 1925),
}
"""The year before the first of each era."""
_ERA = "|".join(ERAS)
_DATE = re.compile(
    rf"(?:(?P<era>{_ERA})\.?\s*(?P<of>元|\d{{1,2}})|(?P<year>\d{{4}}))?"
    r"\s*(?:年|[./-])?\s*(?P<month>\d{1,2})\s*(?:月|[./-])\s*(?P<day>\d{1,2})\s*日?"
    r"(?:\s*[(（][日月火水木金土祝・]{1,3}[)）])?",
    re.IGNORECASE,
)
_DIGITS = re.compile(r"(?P<era>)(?P<of>)(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})(?!\d)")
LONGEST_CLOCK = timedelta(hours=30)
"""Offices write the night after a day as hours of that day: 25:30 is half past one."""
_TIME = re.compile(
    r"(?P<half>午前|午後|AM|PM)?\s*(?P<hour>\d{1,2})\s*"
    r"(?::\s*(?P<minute>\d{2})(?::\d{2}(?:\.\d+)?)?|時\s*(?:(?P<later>\d{1,2})\s*分|(?P<thirty>半))?)"
    r"\s*(?P<behind>AM|PM)?\s*(?:ごろ|ころ|頃)?",
    re.IGNORECASE,
)


def read_date(text: str, today: date) -> tuple[date, str] | None:
    """Return the day with which a text begins, and the rest of the text; None if there is none.

    Parameters
    ----------
    today
        The day in Japan; a day without a year is the last one up to it.
    """
    plain = unicodedata.normalize("NFKC", text).strip()
    found = _DATE.match(plain) or _DIGITS.match(plain)
    if found is None:
        return None
    month, day = int(found["month"]), int(found["day"])
    if found["era"]:
        of = 1 if found["of"] == "元" else int(found["of"])
        years = [ERAS[found["era"].upper()] + of] if of else []
    else:
        years = [int(found["year"])] if found["year"] else [today.year, today.year - 1]
    for year in years:
        try:
            made = date(year, month, day)
        except ValueError:
            continue
        if len(years) == 1 or made <= today:
            return made, plain[found.end() :].strip(" T")
    return None


def read_clock(text: str) -> timedelta | None:
    """Return the time since midnight that a text is, up to 30:00; None if it is none."""
    plain = unicodedata.normalize("NFKC", text).strip()
    if plain == "正午":
        return timedelta(hours=12)
    found = _TIME.fullmatch(plain)
    if found is None:
        return None
    hour = int(found["hour"])
    minute = 30 if found["thirty"] else int(found["minute"] or found["later"] or 0)
    half = (found["half"] or found["behind"] or "").upper()
    if half and hour > 12:
        return None
    if half in ("午後", "PM") and hour < 12:
        hour += 12
    if half in ("午前", "AM") and hour == 12:
        hour = 0
    passed = timedelta(hours=hour, minutes=minute)
    return passed if minute < 60 and passed <= LONGEST_CLOCK else None


def read_moment(text: str, today: date) -> datetime | None:
    """Return a day with a time, such as ``R8.11.3 14:05``, without a zone; midnight without a time.

    None if there is no day, or something else follows it.
    """
    found = read_date(text, today)
    if found is None:
        return None
    day, rest = found
    if not rest:
        return datetime.combine(day, time())
    passed = read_clock(rest)
    return datetime.combine(day, time()) + passed if passed is not None else None
