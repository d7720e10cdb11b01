"""By when a case should be done: working days of a Japanese office.

Saturdays, Sundays and national holidays are none, with substitute holidays and days between two
holidays (国民の祝日に関する法律, which ``jpholiday`` knows), nor the days around New Year on which
offices are closed, 29 December to 3 January (行政機関の休日に関する法律, and the like of cities).
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache

import jpholiday

from city.city import City
from reports.models import Report

CLOSED_FROM, CLOSED_UNTIL = (12, 29), (1, 3)
LONGEST = 400
"""The most working days that are counted ahead."""


@lru_cache(maxsize=4096)
def is_working_day(day: date) -> bool:
    """Whether the city's office is open on a day."""
    around_new_year = (day.month, day.day) >= CLOSED_FROM or (day.month, day.day) <= CLOSED_UNTIL
    return day.weekday() < 5 and not around_new_year and not jpholiday.is_holiday(day)


def after_working_days(start: date, days: int) -> date:
    """Return the day that is some working days after ``start``; 0 is the next working day from it.

    The day on which a report comes in does not count, whatever day it is.
    """
    day, left = start, min(days, LONGEST)
    while left > 0 or not is_working_day(day):
        day += timedelta(days=1)
        left -= is_working_day(day)
    return day


def working_days_between(start: date, end: date) -> int:
    """Return how many working days lie after ``start`` up to ``end``; negative if it is before.

    Of a time of more than 1,000 days, the first 1,000 are looked at.
    """
    if end < start:
        return -working_days_between(end, start)
    days = (end - start).days
    return sum(is_working_day(start + timedelta(days=n)) for n in range(1, min(days, 1000) + 1))


def due_on(city: City, kind: str, came: date) -> date | None:
    """Return the day by which a case of a kind should be done; None if the kind has no time.

    Parameters
    ----------
    came
        The day in Japan on which it came in, or on which the work began again.
    """
    found = city.kind(kind)
    days = found.due_days if found is not None else None
    return None if days is None else after_working_days(came, days)


def is_overdue(report: Report, today: date) -> bool:
    """Whether a case should have been done before a day in Japan, and is not."""
    return report.state.is_open and report.due_on is not None and report.due_on < today
