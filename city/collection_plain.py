"""Write collection days as the city's own files, whatever files they came from."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path

from city.collection import DAYS_OF_WEEK, Calendar, CollectionDay, WasteItem, WasteKind
from city.collection_5374 import FILES
from city.collection_files import EVERY_SECOND_WEEK, EVERY_WEEK

NAMED = ("area_days.csv", "target.csv")


def has_5374(folder: Path) -> bool:
    """Whether a folder has files of 5374.jp that say days or things."""
    return any((folder / name).exists() for name in NAMED)


def write_plain(folder: Path, calendar: Calendar) -> None:
    """Write ``kinds.csv``, ``days.csv`` and ``items.csv`` in the place of 5374's files."""
    for name in FILES:
        (folder / name).unlink(missing_ok=True)
    _write(folder / "kinds.csv", [kind_row(kind) for kind in calendar.kinds])
    _write(folder / "days.csv", [day_row(rule) for rule in calendar.days])
    _write(folder / "items.csv", [item_row(item) for item in calendar.items])


def kind_row(kind: WasteKind) -> dict[str, str]:
    return {"コード": kind.code, **kind.names}


def item_row(item: WasteItem) -> dict[str, str]:
    return {
        "品目": item.name,
        "よみ": item.reading,
        "分別区分": item.kind,
        "出し方": item.advice,
    }


def day_row(rule: CollectionDay) -> dict[str, str]:
    """Return a rule as a row of ``days.csv``."""
    second = rule.every_second_from
    weeks = "・".join(map(str, rule.weeks)) if rule.weekdays else ""
    return {
        "地区コード": rule.district,
        "分別区分": rule.kind,
        "曜日": "・".join(DAYS_OF_WEEK[day] for day in rule.weekdays),
        "週": EVERY_SECOND_WEEK if second else weeks or (EVERY_WEEK if rule.weekdays else ""),
        "月": "・".join(map(str, rule.months)),
        "起点": second.isoformat() if second else "",
        "日付": "・".join(day.isoformat() for day in sorted(rule.dates)),
        "開始日": _day(rule.valid.first if rule.valid else None),
        "終了日": _day(rule.valid.last if rule.valid else None),
        "休止期間": "・".join(f"{one.first}〜{one.last}" for one in rule.closed),
        "備考": rule.note,
    }


def _day(day: date | None) -> str:
    return "" if day in (None, date.min, date.max) else str(day)


def _write(path: Path, rows: Sequence[Mapping[str, str]]) -> None:
    header: Iterable[str] = dict.fromkeys(name for row in rows for name in row)
    if not rows:
        return
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, list(header), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
