"""The files of 5374.jp (Code for Kanazawa), as cities publish them.

LOCALIZE.md of codeforkanazawa-org/5374 describes the format:

- ``area_days.csv``: 地名, センター, a column for each kind with its days: ``月 木`` (each week),
  ``火2 火4`` (second and fourth of the month), ``水1:4 6 8`` (in these months only),
  ``20261230 20270106`` (days of their own), ``*1`` (a remark).
- ``center.csv``: 名称, 休止開始日, 休止終了日, between which nothing is collected.
- ``remarks.csv``: ID, 注意事項.
- ``description.csv``: label, the names of the kinds in their order; its other columns are looks.
- ``target.csv``: type, name, notice, furigana: how things are sorted. A type that is no other kind,
  such as 粗大ごみ, becomes one. A furigana of one letter is the heading of a list, not a reading.

``area_names.csv`` (地名, 地区コード) is ours: it says which of our districts a 地名 is, if the
names differ.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from city.city import District
from city.collection import DAYS_OF_WEEK, CollectionDay, Period, WasteItem, WasteKind
from city.faults import FolderFault, leaving_out, read_csv, read_records, suggestion
from city.reasons import reason
from core.reason import Reason

MAX_BYTES = 5_000_000
FILES = (
    *("area_days.csv", "center.csv", "remarks.csv", "description.csv", "target.csv"),
    "area_names.csv",
)
_WEEKLY = re.compile(rf"([{DAYS_OF_WEEK}])曜?日?([1-5])?|第?([1-5])([{DAYS_OF_WEEK}])曜?日?")
_REMARK = re.compile(r"\*(\w+)")


def written_date(value: str) -> date | None:
    """Return the day of such as 2026-12-31, 2026/12/31, 20261231 or ２０２６年１２月３１日."""
    folded = unicodedata.normalize("NFKC", value).strip()
    found = re.fullmatch(
        r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})|(\d{4})(\d{2})(\d{2})|(\d{4})年(\d{1,2})月(\d{1,2})日",
        folded,
        re.ASCII,
    )
    if found is None:
        return None
    try:
        return date(*(int(part) for part in found.groups() if part))
    except ValueError:
        return None


def read_5374(
    folder: Path,
    kinds: Mapping[str, WasteKind],
    districts: Mapping[str, District],
    faults: list[FolderFault],
    *,
    shifts: bool,
) -> tuple[dict[str, WasteKind], tuple[CollectionDay, ...]]:
    """Return the kinds, including those that only these files name, and the days.

    A 地名 that is not a district of ours is left out. If two of them are one district and differ in
    their days, both are left out: a wrong day is worse than none.
    """
    path = folder / "area_days.csv"
    wrong: list[FolderFault] = []
    records = read_records(path, wrong, limit=MAX_BYTES)
    _, header = next(records, (1, []))
    known = dict(kinds)
    for label in _labels(folder / "description.csv", wrong):
        _kind_called(label, known)
    columns = [_kind_called(label, known) for label in header[2:]]
    cells = _Cells(
        closures=_centres(folder / "center.csv", wrong),
        remarks=_remarks(folder / "remarks.csv", wrong),
        shifts=shifts,
    )
    named = _area_names(folder / "area_names.csv", wrong)
    found: dict[str, tuple[str, list[CollectionDay]]] = {}
    unclear: set[str] = set()
    for line, row in records:
        if not any(cell.strip() for cell in row):
            continue
        area, centre = row[0].strip(), row[1].strip() if len(row) > 1 else ""
        code = named.get(area) or _district_called(area, districts)
        if code not in districts:
            hint = suggestion(area, _names(districts))
            why = reason("there.no-district-named", area=area, hint=hint)
            wrong.append(FolderFault(path, line, why))
            continue
        problems: list[Reason] = []
        if centre and centre not in cells.closures:
            hint = suggestion(centre, cells.closures)
            problems.append(reason("there.no-centre", centre=centre, hint=hint))
        rules = [
            rule
            for kind, cell in zip(columns, row[2:], strict=False)
            if kind
            for rule in cells.rules(code, kind, cell, centre, problems)
        ]
        wrong += [
            FolderFault(path, line, problem, left_out=reason("part.that")) for problem in problems
        ]
        if code in found and found[code][1] != rules:
            other = found[code][0]
            message = reason("twice.district-days", one=area, other=other, code=code)
            wrong.append(FolderFault(path, line, message, left_out=reason("part.both-days")))
            unclear.add(code)
        found.setdefault(code, (area, rules))
    faults += leaving_out(wrong, reason("part.row"))
    days = [rule for code, (_, rules) in found.items() if code not in unclear for rule in rules]
    return known, tuple(days)


def read_targets(
    path: Path, kinds: Mapping[str, WasteKind], faults: list[FolderFault]
) -> tuple[dict[str, WasteKind], tuple[WasteItem, ...]]:
    """Return the kinds, including those that only this file names, and the things."""
    known, items = dict(kinds), dict[str, WasteItem]()
    wrong: list[FolderFault] = []
    for row in read_csv(path, wrong, needed=("type", "name", "notice"), limit=MAX_BYTES):
        name, kind = row.cells["name"], row.cells["type"]
        if not name or not kind:
            wrong.append(FolderFault(path, row.line, reason("missing.target")))
        elif name in items:
            wrong.append(FolderFault(path, row.line, reason("twice.thing", name=name)))
        else:
            reading = row.cells.get("furigana", "")
            items[name] = WasteItem(
                name,
                reading if len(reading) > 1 else "",
                _kind_called(kind, known),
                row.cells["notice"],
            )
    faults += leaving_out(wrong, reason("part.thing"))
    return known, tuple(items.values())


def _labels(path: Path, faults: list[FolderFault]) -> list[str]:
    if not path.exists():
        return []
    rows = read_csv(path, faults, needed=("label",), limit=MAX_BYTES)
    return [row.cells["label"] for row in rows if row.cells["label"]]


@dataclass(frozen=True)
class _Cells:
    """Reads the cells of a row, using the other files."""

    closures: Mapping[str, tuple[Period, ...]]
    remarks: Mapping[str, str]
    shifts: bool

    def rules(
        self, district: str, kind: str, cell: str, centre: str, problems: list[Reason]
    ) -> list[CollectionDay]:
        """Return the rules of one cell; none for a kind that is not collected there."""
        pattern, _, after = unicodedata.normalize("NFKC", cell).partition(":")
        weeks: dict[str, set[int]] = {}
        dates: set[date] = set()
        notes: list[str] = []
        for part in re.split(r"[\s・、]+", pattern.strip()):
            if found := _WEEKLY.fullmatch(part):
                weeks.setdefault(found[1] or found[4], set()).add(int(found[2] or found[3] or 0))
            elif on := written_date(part):
                dates.add(on)
            elif part and not self._noted(part, notes):
                problems.append(reason("value.collection-day", value=part))
        months = []
        for part in after.split():
            if part.isdecimal() and 1 <= int(part) <= 12:
                months.append(int(part))
            elif not self._noted(part, notes):
                problems.append(reason("value.month", value=part))
        same: dict[tuple[int, ...], list[int]] = {}
        for day, of_month in weeks.items():
            every = () if 0 in of_month else tuple(sorted(of_month))
            same.setdefault(every, []).append(DAYS_OF_WEEK.index(day))
        plain = CollectionDay(district, kind, note=" ".join(notes))
        rules = [
            replace(
                plain,
                weekdays=tuple(sorted(days)),
                weeks=of_month,
                months=tuple(months),
                closed=self.closures.get(centre, ()),
                shifts=self.shifts,
            )
            for of_month, days in same.items()
        ]
        return [*rules, replace(plain, dates=frozenset(dates))] if dates else rules

    def _noted(self, part: str, notes: list[str]) -> bool:
        """Whether a part of a cell is a remark; if so, it is noted."""
        found = _REMARK.fullmatch(part)
        if found is None or found[1] not in self.remarks:
            return False
        notes.append(self.remarks[found[1]])
        return True


def _centres(path: Path, faults: list[FolderFault]) -> dict[str, tuple[Period, ...]]:
    """Return the closures of each centre; a city without any leaves the file empty or away."""
    centres: dict[str, tuple[Period, ...]] = {}
    if not path.exists() or not path.stat().st_size:
        return centres
    for row in read_csv(path, faults, needed=("名称", "休止開始日", "休止終了日"), limit=MAX_BYTES):
        name, *between = (row.cells[column] for column in ("名称", "休止開始日", "休止終了日"))
        first, last = (written_date(day) for day in between)
        if first is None or last is None or last < first:
            message = reason("value.closure", value=" – ".join(between))
            faults.append(FolderFault(path, row.line, message, left_out=reason("part.closure")))
            centres.setdefault(name, ())
        else:
            centres[name] = (*centres.get(name, ()), Period(first, last))
    return centres


def _remarks(path: Path, faults: list[FolderFault]) -> dict[str, str]:
    if not path.exists():
        return {}
    rows = read_csv(path, faults, needed=("ID", "注意事項"), limit=MAX_BYTES)
    return {row.cells["ID"]: row.cells["注意事項"] for row in rows}


def _area_names(path: Path, faults: list[FolderFault]) -> dict[str, str]:
    if not path.exists():
        return {}
    rows = read_csv(path, faults, needed=("地名", "地区コード"), limit=MAX_BYTES)
    return {row.cells["地名"]: row.cells["地区コード"] for row in rows}


def _district_called(name: str, districts: Mapping[str, District]) -> str:
    """Return the code of the district of that Japanese name, with or without 地区."""
    wanted = name.removesuffix("地区")
    return next(
        (code for code, d in districts.items() if d.names["ja"].removesuffix("地区") == wanted), ""
    )


def _names(districts: Mapping[str, District]) -> list[str]:
    return [district.names["ja"] for district in districts.values()]


def _kind_called(label: str, known: dict[str, WasteKind]) -> str:
    """Return the code of the kind a column is headed with; a new one, in Japanese, if need be."""
    label = label.strip()
    for code, kind in known.items():
        if label in (code, kind.names["ja"]):
            return code
    if label:
        known[label] = WasteKind(label, {"ja": label})
    return label
