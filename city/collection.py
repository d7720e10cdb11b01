"""When which rubbish is collected where, and how a thing is sorted: one answer for every page.

``city.collection_files`` and ``city.collection_5374`` read it from the city's folder. Days are
days of Japan's calendar.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from city.city import Names

REMINDER_RULE = "rule:collection-day"
"""The rule of the notices with which earlier versions reminded; they are no news for everybody."""
WEEK = timedelta(days=7)
DAYS_OF_WEEK = "月火水木金土日"
"""Monday first, as ``date.weekday`` counts."""


@dataclass(frozen=True)
class WasteKind:
    """A kind of rubbish (分別区分)."""

    code: str
    names: Names


@dataclass(frozen=True)
class Period:
    """From one day to another, both included."""

    first: date
    last: date

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last


@dataclass(frozen=True)
class CollectionDay:
    """When a kind is collected in a district.

    Parameters
    ----------
    weekdays, weeks
        Weekdays (0: Monday) and weeks of the month; no week means every week, 1 is the month's
        first such weekday.
    months
        The months in which it is collected; none means all.
    every_second_from
        A day of collection from which it comes every second week.
    dates
        Single days, in addition to the weekdays or instead of them. They count in a closure too.
    closed
        Closures (休止期間) of the centre that collects.
    shifts
        Whether a closure moves the weekdays after it in the same month by a week, as 5374 does
        (``WeekShift``); otherwise closed days are only left out.
    valid
        The period of the rule; None for no limit.
    note
        What the city adds, in Japanese.
    """

    district: str
    kind: str
    weekdays: tuple[int, ...] = ()
    weeks: tuple[int, ...] = ()
    months: tuple[int, ...] = ()
    every_second_from: date | None = None
    dates: frozenset[date] = frozenset()
    closed: tuple[Period, ...] = ()
    shifts: bool = False
    valid: Period | None = None
    note: str = ""

    def falls_on(self, day: date) -> bool:
        """Whether the kind is collected on ``day`` by this rule."""
        if self.valid is not None and day not in self.valid:
            return False
        if day in self.dates:
            return True
        if not self._is_regular(day) or self._is_closed(day):
            return False
        if not (self.shifts and self.closed):
            return self._in_weeks(day)
        return self._is_shifted_to(day)

    def would_fall_on(self, day: date) -> bool:
        """Whether ``day`` is a collection day, closures not considered."""
        if self.valid is not None and day not in self.valid:
            return False
        return day in self.dates or (self._is_regular(day) and self._in_weeks(day))

    def _is_regular(self, day: date) -> bool:
        if day.weekday() not in self.weekdays or (self.months and day.month not in self.months):
            return False
        if self.every_second_from is None:
            return True
        # The weeks count, from Monday on: the rule may have a weekday before the day given.
        weeks = (_monday(day) - _monday(self.every_second_from)) // WEEK
        return weeks % 2 == 0

    def _in_weeks(self, day: date) -> bool:
        return not self.weeks or _week(day) in self.weeks

    def _is_closed(self, day: date) -> bool:
        return any(day in period for period in self.closed)

    def _is_shifted_to(self, day: date) -> bool:
        """Whether ``day`` is one of collection after the closures of its month moved it."""
        first = day.replace(day=(day.day - 1) % 7 + 1)
        shifted = False
        while first.month == day.month:
            shifted = shifted or self._is_closed(first)
            if self._in_weeks(first) and (first + WEEK if shifted else first) == day:
                return True
            first += WEEK
        return False


@dataclass(frozen=True)
class DayChange:
    """An exception: a day, or days, on which the rules do not hold.

    ``district`` and ``kind`` are empty for all of them. Without ``moved_to`` and ``extra``
    nothing is collected; with ``moved_to`` what falls on the days is collected on that one.
    """

    period: Period
    district: str = ""
    kind: str = ""
    moved_to: date | None = None
    extra: bool = False

    def concerns(self, district: str, kind: str) -> bool:
        return self.district in ("", district) and self.kind in ("", kind)


@dataclass(frozen=True)
class WasteItem:
    """A thing somebody throws away, and how."""

    name: str
    reading: str
    kind: str
    advice: str


@dataclass(frozen=True)
class Calendar:
    """The content of all files together."""

    kinds: tuple[WasteKind, ...] = ()
    days: tuple[CollectionDay, ...] = ()
    items: tuple[WasteItem, ...] = ()
    changes: tuple[DayChange, ...] = ()

    def collected(self, district: str, day: date) -> list[WasteKind]:
        """Return the kinds that are collected in a district on a day, exceptions and all."""
        here = [rule for rule in self.days if rule.district == district]
        codes = {rule.kind for rule in here if rule.falls_on(day)}
        changes = [change for change in self.changes if change.district in ("", district)]
        for change in changes:
            if day in change.period and not change.extra:
                codes -= {code for code in codes if change.concerns(district, code)}
        # This collection happens even if there is otherwise no collection on that day.
        for change in changes:
            if change.extra and day in change.period:
                codes |= {kind.code for kind in self.kinds if change.concerns(district, kind.code)}
            elif change.moved_to == day:
                codes |= {
                    rule.kind
                    for rule in here
                    if change.concerns(district, rule.kind) and _falls_in(rule, change.period)
                }
        return [kind for kind in self.kinds if kind.code in codes]

    def called_off(self, district: str, day: date) -> list[WasteKind]:
        """Return the kinds that usually are collected on a day and this time are not."""
        usual = {
            rule.kind for rule in self.days if rule.district == district and rule.would_fall_on(day)
        }
        collected = self.collected(district, day)
        return [kind for kind in self.kinds if kind.code in usual and kind not in collected]

    def notes(self, district: str, kind: str) -> list[str]:
        """Return what the city adds to the days of a kind, in Japanese."""
        found = (r.note for r in self.days if (r.district, r.kind) == (district, kind) and r.note)
        return list(dict.fromkeys(found))


def _falls_in(rule: CollectionDay, period: Period) -> bool:
    days = (period.last - period.first).days + 1
    return any(rule.falls_on(period.first + timedelta(days=ahead)) for ahead in range(days))


def _week(day: date) -> int:
    return (day.day - 1) // 7 + 1


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())
