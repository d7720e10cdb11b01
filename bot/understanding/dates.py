"""The day that a sentence speaks of: a weekday of this or next week, tomorrow, the 29th, 12/31."""

from __future__ import annotations

import re
from datetime import date, timedelta

from bot.understanding.date_forms import DateForms, plain
from bot.understanding.lexicon import DAYS, NEXT_WEEK
from bot.understanding.patterns import Found

_MONTH_AND_DAY = re.compile(r"(?<!\d)(1[0-2]|0?[1-9])\s*(?:月|월|/)\s*([12]\d|3[01]|0?[1-9])(?!\d)")
_DAY = re.compile(r"(?<!\d)([12]\d|3[01]|0?[1-9])\s*(?:日|号|號|일)(?!\d|間|前|後)")


def date_in(text: str, found: Found, forms: DateForms, today: date) -> date | None:
    """Return the day that a message names, today or later; None when it names none."""
    written = plain(text)
    if number := _MONTH_AND_DAY.search(written):
        return _on(int(number[2]), today, int(number[1]))
    if number := _DAY.search(written):
        return _on(int(number[1]), today)
    if (pair := forms.month_and_day(written)) is not None:
        return _on(pair[1], today, pair[0])
    named = [(size, day) for day in DAYS if (size := found.lists.get(f"date-{day}"))]
    next_week = f"date-{NEXT_WEEK}" in found.lists
    if next_week and len(named) > 1:
        # In Indonesian, Filipino and Khmer the word for week is also Sunday.
        named = [pair for pair in named if pair[1] != "sun"]
    if not named:
        return None
    ahead = DAYS.index(max(named, key=lambda pair: pair[0])[1])
    if ahead < 3:
        return today + timedelta(days=ahead)
    if next_week:
        # Weeks begin on Monday.
        return today + timedelta(days=7 - today.weekday() + ahead - 3)
    return today + timedelta(days=(ahead - 3 - today.weekday()) % 7)


def _on(day: int, today: date, month: int = 0) -> date | None:
    """Return the next such day from ``today`` on; None if no month has it."""
    year, at = today.year, month or today.month
    for _ in range(13):
        try:
            found = date(year, at, day)
        except ValueError:
            found = None
        if found is not None and found >= today:
            return found
        if month:
            year += 1
        else:
            year, at = (year, at + 1) if at < 12 else (year + 1, 1)
    return None
