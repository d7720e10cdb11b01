"""``collection/*.csv``: which rubbish goes when, by district, and how to sort a thing.

Three files, in the words of the offices that keep them: ``kinds.csv`` (コード and a name in
each language), ``days.csv`` (地区コード, 分別区分, 曜日, 週) and ``items.csv`` (品目, よみ,
分別区分, 出し方).
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from core.city import Names
from core.faults import Fault, Row, read_csv, suggestion
from core.languages import LANGUAGES

MAX_BYTES = 5_000_000
WEEKDAYS = "月火水木金土日"
EVERY_WEEK = "毎週"
REMINDER_RULE = "rule:collection-day"
"""Decides on reminders: what is told of every day is no news for the public page."""


@dataclass(frozen=True)
class Kind:
    """A kind of rubbish (分別区分)."""

    code: str
    names: Names


@dataclass(frozen=True)
class CollectionDay:
    """When a kind is collected in a district: weekdays (0: Monday), weeks of the month.

    ``weeks`` of nothing means every week; 1 is the month's first such weekday.
    """

    district: str
    kind: str
    weekdays: tuple[int, ...]
    weeks: tuple[int, ...]

    def falls_on(self, day: date) -> bool:
        week = (day.day - 1) // 7 + 1
        return day.weekday() in self.weekdays and (not self.weeks or week in self.weeks)


@dataclass(frozen=True)
class Item:
    """A thing somebody throws away, and how."""

    name: str
    reading: str
    kind: str
    advice: str


@dataclass(frozen=True)
class Calendar:
    """What the three files say together."""

    kinds: tuple[Kind, ...] = ()
    days: tuple[CollectionDay, ...] = ()
    items: tuple[Item, ...] = ()

    def collected(self, district: str, day: date) -> list[Kind]:
        """Return the kinds that are collected in a district on a day."""
        codes = {
            rule.kind for rule in self.days if rule.district == district and rule.falls_on(day)
        }
        return [kind for kind in self.kinds if kind.code in codes]


def read_collection(folder: Path, districts: Collection[str], faults: list[Fault]) -> Calendar:
    """Return the calendar of a city that has one; each mistake becomes a fault."""
    if not folder.is_dir():
        return Calendar()
    known = ("kinds.csv", "days.csv", "items.csv")
    for path in sorted(folder.glob("*.csv")):
        if path.name not in known:
            hint = suggestion(path.name, known)
            faults.append(Fault(path, None, f"is not a file we know{hint}."))
    kinds = _kinds(folder / "kinds.csv", faults)
    codes = {kind.code for kind in kinds}
    return Calendar(
        kinds,
        _days(folder / "days.csv", codes, districts, faults),
        _items(folder / "items.csv", codes, faults),
    )


def _kinds(path: Path, faults: list[Fault]) -> tuple[Kind, ...]:
    kinds: dict[str, Kind] = {}
    rows = read_csv(path, faults, needed=("コード", "ja"), limit=MAX_BYTES)
    for column in rows[0].cells if rows else ():
        if column != "コード" and column not in LANGUAGES:
            hint = suggestion(column, LANGUAGES)
            faults.append(Fault(path, 1, f"{column!r} is not one of our languages{hint}."))
    for row in rows:
        code = row.cells["コード"]
        names = {language: row.cells[language] for language in LANGUAGES if row.cells.get(language)}
        if not code or "ja" not in names:
            faults.append(Fault(path, row.line, "needs a コード and a name in ja."))
        elif code in kinds:
            faults.append(Fault(path, row.line, f"the kind {code!r} is there more than once."))
        else:
            kinds[code] = Kind(code, names)
    return tuple(kinds.values())


def _days(
    path: Path, kinds: set[str], districts: Collection[str], faults: list[Fault]
) -> tuple[CollectionDay, ...]:
    days = []
    needed = ("地区コード", "分別区分", "曜日", "週")
    for row in read_csv(path, faults, needed=needed, limit=MAX_BYTES):
        problems = _unknown_kind(row, kinds)
        district = row.cells["地区コード"]
        if district not in districts:
            hint = suggestion(district, districts)
            problems.append(f"{district!r} is not a district{hint}.")
        weekdays = [part.removesuffix("曜日") for part in _parts(row.cells["曜日"])]
        if not weekdays or any(len(day) != 1 or day not in WEEKDAYS for day in weekdays):
            problems.append(f"曜日 is one or more of {WEEKDAYS}, not {row.cells['曜日']!r}.")
        weeks = _parts(row.cells["週"])
        if weeks == [EVERY_WEEK]:
            weeks = []
        elif not weeks or any(week not in {"1", "2", "3", "4", "5"} for week in weeks):
            problems.append(f"週 is 毎週 or weeks such as 1・3, not {row.cells['週']!r}.")
        faults += [Fault(path, row.line, problem) for problem in problems]
        if not problems:
            days.append(
                CollectionDay(
                    district,
                    row.cells["分別区分"],
                    tuple(WEEKDAYS.index(day) for day in weekdays),
                    tuple(int(week) for week in weeks),
                )
            )
    return tuple(days)


def _items(path: Path, kinds: set[str], faults: list[Fault]) -> tuple[Item, ...]:
    items: dict[str, Item] = {}
    needed = ("品目", "よみ", "分別区分", "出し方")
    for row in read_csv(path, faults, needed=needed, limit=MAX_BYTES):
        name = row.cells["品目"]
        problems = _unknown_kind(row, kinds)
        if not name:
            problems.append("品目 is empty.")
        elif name in items:
            problems.append(f"{name!r} is there more than once.")
        faults += [Fault(path, row.line, problem) for problem in problems]
        if not problems:
            items[name] = Item(name, row.cells["よみ"], row.cells["分別区分"], row.cells["出し方"])
    return tuple(items.values())


def _unknown_kind(row: Row, kinds: set[str]) -> list[str]:
    kind = row.cells["分別区分"]
    return [] if kind in kinds else [f"{kind!r} is not a 分別区分{suggestion(kind, kinds)}."]


def _parts(value: str) -> list[str]:
    return [part for part in re.split(r"[・、,\s]+", value) if part]
