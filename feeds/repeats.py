"""On which days an event of iCalendar repeats (RFC 5545, 3.3.10), for the rules that cities use.

Days are looked at one by one, so that no rule costs more than another. A rule with parts that are
not known here says nothing, and the event has only its first day.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Container, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
KNOWN = frozenset({"FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY", "BYMONTHDAY", "BYMONTH", "WKST"})
FREQUENCIES = frozenset({"DAILY", "WEEKLY", "MONTHLY", "YEARLY"})
FURTHEST = timedelta(days=400)
"""How far ahead a next day is looked for."""
MOST_COUNTED = 20_000
"""Days that are looked through for a rule that ends after a number of times."""
_DAY = re.compile(r"([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)")


@dataclass(frozen=True)
class Rule:
    """A rule, read.

    Parameters
    ----------
    weekdays
        Which in the month or year (0: each; -1: the last) and which weekday (Monday is 0).
    """

    frequency: str
    interval: int = 1
    count: int | None = None
    until: date | None = None
    weekdays: tuple[tuple[int, int], ...] = ()
    month_days: tuple[int, ...] = ()
    months: tuple[int, ...] = ()

    def has(self, day: date, start: date) -> bool:
        """Whether an event that began on ``start`` is on that day, if it has not ended."""
        if self.months and day.month not in self.months:
            return False
        match self.frequency:
            case "DAILY":
                apart, fits = (day - start).days, self._on_weekday(day) and self._in_month(day)
            case "WEEKLY":
                apart = (_monday(day) - _monday(start)).days // 7
                fits = self._on_weekday(day) if self.weekdays else day.weekday() == start.weekday()
            case "MONTHLY":
                apart = 12 * (day.year - start.year) + day.month - start.month
                fits = self._fits_month(day, start)
            case _:
                apart = day.year - start.year
                fits = (bool(self.months) or day.month == start.month) and self._fits_month(
                    day, start
                )
        return fits and apart % self.interval == 0

    def _fits_month(self, day: date, start: date) -> bool:
        if not self.weekdays and not self.month_days:
            return day.day == start.day
        return self._on_weekday(day) and self._in_month(day)

    def _on_weekday(self, day: date) -> bool:
        if not self.weekdays:
            return True
        last = calendar.monthrange(day.year, day.month)[1]
        places = {0, (day.day + 6) // 7, -((last - day.day) // 7 + 1)}
        return any(day.weekday() == which and place in places for place, which in self.weekdays)

    def _in_month(self, day: date) -> bool:
        last = calendar.monthrange(day.year, day.month)[1]
        return not self.month_days or bool({day.day, day.day - last - 1} & set(self.month_days))


def read_rule(text: str) -> Rule | None:
    """Return a rule; None if it is none, or has parts that are not known here."""
    parts = dict(part.split("=", 1) for part in text.upper().split(";") if "=" in part)
    if not set(parts) <= KNOWN or parts.get("FREQ") not in FREQUENCIES:
        return None
    days = [_DAY.fullmatch(each) for each in parts.get("BYDAY", "").split(",") if each]
    try:
        found = Rule(
            parts["FREQ"],
            int(parts.get("INTERVAL", "1")),
            int(parts["COUNT"]) if "COUNT" in parts else None,
            date.fromisoformat(parts["UNTIL"][:8]) if "UNTIL" in parts else None,
            tuple((int(each[1] or 0), WEEKDAYS.index(each[2])) for each in days if each),
            tuple(int(each) for each in parts.get("BYMONTHDAY", "").split(",") if each),
            tuple(int(each) for each in parts.get("BYMONTH", "").split(",") if each),
        )
    except ValueError:
        return None
    numbered = any(place for place, _ in found.weekdays)
    # "The 20th Monday of the year" is counted in the year.
    in_year = found.frequency == "YEARLY" and numbered and not found.months
    odd = in_year or (numbered and found.frequency in ("DAILY", "WEEKLY"))
    wrong = found.interval < 1 or None in days or parts.get("WKST", "MO") != "MO"
    return None if odd or wrong else found


def next_day(rule: Rule, start: date, first: date, without: Container[date] = ()) -> date | None:
    """Return the first day from ``first`` on; None if there is none within :data:`FURTHEST`."""
    if rule.count is not None:
        for number, day in enumerate(_days(rule, start, start + timedelta(days=MOST_COUNTED))):
            if number >= rule.count:
                return None
            if day >= first and day not in without:
                return day
        return None
    begin = max(first, start)
    days = _days(rule, start, begin + FURTHEST, begin)
    return next((day for day in days if day not in without), None)


def _days(rule: Rule, start: date, last: date, begin: date | None = None) -> Iterator[date]:
    day = begin or start
    end = min(last, rule.until) if rule.until else last
    while day <= end:
        # The first day counts even if the rule does not name it (RFC 5545, 3.8.5.3).
        if day == start or rule.has(day, start):
            yield day
        day += timedelta(days=1)


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())
