"""``collection/*.csv``: the city's own files about rubbish, in the words of the offices.

- ``kinds.csv``: コード and a name in each language.
- ``days.csv``: 地区コード, 分別区分, 曜日, 週; where needed 月, 起点, 日付, 開始日, 終了日,
  休止期間 (``2026-12-31〜2027-01-03``, closures as in 5374's ``center.csv``), 備考.
- ``exceptions.csv``: 開始日, 終了日, 地区コード, 分別区分, 扱い, 振替日.
- ``items.csv``: 品目, よみ, 分別区分, 出し方.

Instead of them a city can put the files of 5374.jp there (``city.collection_5374``).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path

from city.city import District
from city.collection import (
    DAYS_OF_WEEK,
    Calendar,
    CollectionDay,
    DayChange,
    Period,
    WasteItem,
    WasteKind,
)
from city.collection_5374 import FILES, read_5374, read_targets, written_date
from city.faults import FolderFault, Row, leaving_out, read_csv, suggestion
from city.named_rows import check_columns, names_of
from city.reasons import reason
from core.reason import Reason

MAX_BYTES = 5_000_000
EVERY_WEEK = "毎週"
EVERY_SECOND_WEEK = "隔週"
CALLED_OFF, MOVED, EXTRA = "休止", "振替", "収集"
CHANGES = (CALLED_OFF, MOVED, EXTRA)
LONGEST = 60
"""Days that one exception can last: longer, it is more likely a slip of the year."""
KNOWN = ("kinds.csv", "days.csv", "exceptions.csv", "items.csv", *FILES)


def read_collection(
    folder: Path,
    districts: Mapping[str, District],
    faults: list[FolderFault],
    *,
    shifts: bool = True,
) -> Calendar:
    """Return the calendar of a city if it has one; wrong parts are left out, with a fault.

    ``shifts`` says what the closures of 5374's files mean (``CollectionDay.shifts``).
    """
    if not folder.is_dir():
        return Calendar()
    for path in sorted(folder.glob("*.csv")):
        if path.name not in KNOWN:
            message = reason("file.unknown", hint=suggestion(path.name, KNOWN))
            faults.append(FolderFault(path, None, message, left_out=reason("part.file")))
    published = (folder / "area_days.csv").exists()
    named = folder / "kinds.csv"
    kinds = _kinds(named, faults) if named.exists() or not published else {}
    days: tuple[CollectionDay, ...] = ()
    if published:
        kinds, days = read_5374(folder, kinds, districts, faults, shifts=shifts)
    if not published or (folder / "days.csv").exists():
        days += _days(folder / "days.csv", set(kinds), districts, faults, shifts)
    changes, targets = folder / "exceptions.csv", folder / "target.csv"
    items: tuple[WasteItem, ...] = ()
    if targets.exists():
        kinds, items = read_targets(targets, kinds, faults)
    if not targets.exists() or (folder / "items.csv").exists():
        own = _items(folder / "items.csv", set(kinds), faults)
        ours = {item.name for item in own}
        items = (*own, *(item for item in items if item.name not in ours))
    return Calendar(
        tuple(kinds.values()),
        days,
        items,
        _changes(changes, set(kinds), districts, faults) if changes.exists() else (),
    )


def _kinds(path: Path, faults: list[FolderFault]) -> dict[str, WasteKind]:
    kinds: dict[str, WasteKind] = {}
    wrong: list[FolderFault] = []
    rows = read_csv(path, wrong, needed=("コード", "ja"), limit=MAX_BYTES)
    check_columns(path, rows, ("コード",), wrong)
    for row in rows:
        code = row.cells["コード"]
        names = names_of(row)
        if not code or "ja" not in names:
            wrong.append(FolderFault(path, row.line, reason("missing.kind-name")))
        elif code in kinds:
            wrong.append(FolderFault(path, row.line, reason("twice.kind", code=code)))
        else:
            kinds[code] = WasteKind(code, names)
    faults += leaving_out(wrong, reason("part.it"))
    return kinds


def _days(
    path: Path,
    kinds: set[str],
    districts: Mapping[str, District],
    faults: list[FolderFault],
    shifts: bool,
) -> tuple[CollectionDay, ...]:
    days = []
    wrong: list[FolderFault] = []
    for row in read_csv(
        path, wrong, needed=("地区コード", "分別区分", "曜日", "週"), limit=MAX_BYTES
    ):
        problems = [
            *_unknown_kind(row.cells["分別区分"], kinds),
            *_unknown_district(row.cells["地区コード"], districts),
        ]
        rule = _rule(row, problems, shifts)
        wrong += [FolderFault(path, row.line, problem) for problem in problems]
        if not problems:
            days.append(rule)
    faults += leaving_out(wrong, reason("part.row"))
    return tuple(days)


def _rule(row: Row, problems: list[Reason], shifts: bool) -> CollectionDay:
    cells = row.cells
    dates = [_date(part, problems) for part in _parts(cells.get("日付", ""))]
    weekdays = [part.removesuffix("曜日").removesuffix("曜") for part in _parts(cells["曜日"])]
    if any(len(day) != 1 or day not in DAYS_OF_WEEK for day in weekdays) or not (weekdays or dates):
        problems.append(reason("value.weekday", days=DAYS_OF_WEEK, value=cells["曜日"]))
        weekdays = []
    weeks = [part.removeprefix("第") for part in _parts(cells["週"])]
    start = None
    if weeks == [EVERY_SECOND_WEEK]:
        weeks = []
        if start_text := cells.get("起点", ""):
            start = _date(start_text, problems)
        else:
            problems.append(reason("missing.start"))
    elif weeks == [EVERY_WEEK] or (not weeks and dates):
        weeks = []
    elif not weeks or any(week not in {"1", "2", "3", "4", "5"} for week in weeks):
        problems.append(reason("value.week", value=cells["週"]))
        weeks = []
    months = [part.removesuffix("月") for part in _parts(cells.get("月", ""))]
    if any(month not in {str(number) for number in range(1, 13)} for month in months):
        problems.append(reason("value.months", value=cells["月"]))
        months = []
    return CollectionDay(
        district=cells["地区コード"],
        kind=cells["分別区分"],
        weekdays=tuple(DAYS_OF_WEEK.index(day) for day in weekdays),
        weeks=tuple(int(week) for week in weeks),
        months=tuple(int(month) for month in months),
        every_second_from=start,
        dates=frozenset(day for day in dates if day),
        closed=tuple(_closures(cells.get("休止期間", ""), problems)),
        shifts=shifts,
        valid=_period(cells.get("開始日", ""), cells.get("終了日", ""), problems),
        note=cells.get("備考", ""),
    )


def _changes(
    path: Path, kinds: set[str], districts: Mapping[str, District], faults: list[FolderFault]
) -> tuple[DayChange, ...]:
    changes = []
    wrong: list[FolderFault] = []
    for row in read_csv(path, wrong, needed=("開始日", "扱い"), limit=MAX_BYTES):
        cells, problems = row.cells, list[Reason]()
        kind, district = cells.get("分別区分", ""), cells.get("地区コード", "")
        if kind:
            problems += _unknown_kind(kind, kinds)
        if district:
            problems += _unknown_district(district, districts)
        first = _date(cells["開始日"], problems)
        last = _date(cells["終了日"], problems) if cells.get("終了日") else first
        how, moved_to = cells["扱い"], None
        if how not in CHANGES:
            problems.append(reason("value.change", value=how))
        if how == MOVED:
            moved_to = _date(cells.get("振替日", ""), problems)
        elif cells.get("振替日"):
            problems.append(reason("value.moved", value=how))
        if first and last and not 0 <= (last - first).days < LONGEST:
            problems.append(reason("value.long", most=LONGEST, last=last))
        wrong += [FolderFault(path, row.line, problem) for problem in problems]
        if first and last and not problems:
            extra = how == EXTRA
            changes.append(DayChange(Period(first, last), district, kind, moved_to, extra))
    faults += leaving_out(wrong, reason("part.exception"))
    return tuple(changes)


def _items(path: Path, kinds: set[str], faults: list[FolderFault]) -> tuple[WasteItem, ...]:
    items: dict[str, WasteItem] = {}
    wrong: list[FolderFault] = []
    needed = ("品目", "よみ", "分別区分", "出し方")
    for row in read_csv(path, wrong, needed=needed, limit=MAX_BYTES):
        name = row.cells["品目"]
        problems = _unknown_kind(row.cells["分別区分"], kinds)
        if not name:
            problems.append(reason("missing.thing"))
        elif name in items:
            problems.append(reason("twice.thing", name=name))
        wrong += [FolderFault(path, row.line, problem) for problem in problems]
        if not problems:
            items[name] = WasteItem(
                name, row.cells["よみ"], row.cells["分別区分"], row.cells["出し方"]
            )
    faults += leaving_out(wrong, reason("part.thing"))
    return tuple(items.values())


def _unknown_kind(kind: str, kinds: set[str]) -> list[Reason]:
    known = kind in kinds
    return [] if known else [reason("there.no-kind", kind=kind, hint=suggestion(kind, kinds))]


def _unknown_district(code: str, districts: Mapping[str, District]) -> list[Reason]:
    if code in districts:
        return []
    return [reason("there.no-district", district=code, hint=suggestion(code, districts))]


def _closures(value: str, problems: list[Reason]) -> Iterator[Period]:
    for part in _parts(value):
        first, _, last = re.sub("[〜~]", "〜", part).partition("〜")
        begins, ends = written_date(first), written_date(last or first)
        if begins is None or ends is None or ends < begins:
            problems.append(reason("value.closure", value=part))
        else:
            yield Period(begins, ends)


def _period(first: str, last: str, problems: list[Reason]) -> Period | None:
    if not (first or last):
        return None
    begins = _date(first, problems) if first else date.min
    ends = _date(last, problems) if last else date.max
    if begins is None or ends is None:
        return None
    if ends < begins:
        problems.append(reason("value.backwards", last=last, first=first))
    return Period(begins, ends)


def _date(value: str, problems: list[Reason]) -> date | None:
    day = written_date(value)
    if day is None:
        problems.append(reason("value.day", value=value))
    return day


def _parts(value: str) -> list[str]:
    folded = unicodedata.normalize("NFKC", value)
    return [part for part in re.split(r"[・、,\s]+", folded) if part]
