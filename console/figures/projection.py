"""Where LINE's messages of this month will end, by what each weekday used lately."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

LOOKED_BACK = 28
"""Days before today: four of each weekday."""
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Reading:
    """The month's messages at the end of a day, or now: the most (None: no limit), and the used."""

    most: int | None
    used: int


@dataclass(frozen=True)
class Projection:
    """``end`` is what the month will have used; ``runs_out`` the day when it is too much."""

    most: int | None
    used: int
    end: int
    runs_out: date | None


def project(readings: Mapping[date, Reading], today: date) -> Projection | None:
    """Return where the month ends; None if LINE said nothing this month.

    A weekday uses the mean of its last four; one without a number, and a service without any, the
    mean of all days there are. What today has used already is not counted twice.
    """
    days = [day for day in readings if _same_month(day, today) and day <= today]
    if not days:
        return None
    now = readings[max(days)]
    spent = _spent(readings, today)
    everyday = _mean(list(spent.values()))
    if everyday is None:
        everyday = now.used / max(days).day
    expected = {
        weekday: _or(_mean([n for day, n in spent.items() if day.weekday() == weekday]), everyday)
        for weekday in range(7)
    }
    before = readings.get(today - ONE_DAY)
    begun = 0
    if max(days) == today:
        begun = now.used if today.day == 1 else now.used - before.used if before else 0
    total = now.used + max(0.0, expected[today.weekday()] - max(0, begun))
    runs_out = today if now.most is not None and total > now.most else None
    day = today + ONE_DAY
    while _same_month(day, today):
        total += expected[day.weekday()]
        if runs_out is None and now.most is not None and total > now.most:
            runs_out = day
        day += ONE_DAY
    return Projection(now.most, now.used, round(total), runs_out)


def _spent(readings: Mapping[date, Reading], today: date) -> dict[date, int]:
    """Return what each of the last whole days used, as far as two readings say it."""
    found = {}
    for back in range(1, LOOKED_BACK + 1):
        day = today - back * ONE_DAY
        end = readings.get(day)
        begin = Reading(None, 0) if day.day == 1 else readings.get(day - ONE_DAY)
        if end is not None and begin is not None:
            found[day] = max(0, end.used - begin.used)
    return found


def _same_month(one: date, other: date) -> bool:
    return (one.year, one.month) == (other.year, other.month)


def _mean(numbers: list[int]) -> float | None:
    return sum(numbers) / len(numbers) if numbers else None


def _or(number: float | None, otherwise: float) -> float:
    return otherwise if number is None else number
