"""What is due for a child on which day, and the faults of a city's table."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from city.children import ChildReminder, ChildTable, read_children
from city.faults import FolderFault
from city.folder import load_folder
from tests.support.project import SAMPLE_CITY

HEADER = "コード,年齢・月齢,何日前,ja,en\n"


def read(folder: Path, text: str | bytes) -> tuple[ChildTable, list[FolderFault]]:
    path = folder / "children.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    faults: list[FolderFault] = []
    return read_children(path, faults), faults


@pytest.mark.parametrize(
    ("age", "born", "reached"),
    [
        ("2か月", "2026-10", date(2026, 12, 1)),
        ("生後２ヶ月", "2026-12", date(2027, 2, 1)),
        ("1歳6か月", "2024-08", date(2026, 2, 1)),
        ("１歳６ヵ月児", "2024-02", date(2025, 8, 1)),
        ("3歳", "2024-02", date(2027, 2, 1)),
        ("0か月", "2026-01", date(2026, 1, 1)),
        # Who is born from April to March begins school together, at six (学校教育法 17条).
        ("年長", "2020-04", date(2026, 4, 1)),
        ("年長", "2021-03", date(2026, 4, 1)),
        ("小1", "2020-04", date(2027, 4, 1)),
        ("小学6年生", "2015-03", date(2026, 4, 1)),
        ("中学1年", "2014-03", date(2026, 4, 1)),
        ("高1", "2010-04", date(2026, 4, 1)),
    ],
)
def test_an_age_is_reached_on_the_first_of_its_month(
    tmp_path: Path, age: str, born: str, reached: date
) -> None:
    table, faults = read(tmp_path, f"{HEADER}one,{age},0,健診,Check-up\n")
    assert faults == []
    (reminder,) = table.reminders
    assert reminder.age_reached(born) == reached
    assert born in reminder.born_for(reached)


def test_each_child_is_told_of_each_thing_on_one_day_and_no_other() -> None:
    """Month ends and leap days are days like others: 20 years, each child born in 15 of them."""
    table = load_folder(SAMPLE_CITY).children
    told: dict[tuple[str, str], list[date]] = {}
    day = date(2020, 1, 1)
    while day < date(2045, 1, 1):
        for born, reminders in table.due_on(day).items():
            for one in reminders:
                told.setdefault((born, one.code), []).append(day)
        day += timedelta(days=1)
    for year in range(2020, 2032):
        for month in range(1, 13):
            born = f"{year}-{month:02}"
            for one in table.reminders:
                assert told[born, one.code] == [one.due(born)], (born, one.code)


def test_thirty_days_before_the_first_of_march_is_told_right_in_leap_years(tmp_path: Path) -> None:
    one = ChildReminder("one", {"ja": "健診"}, days_before=1, months=1)
    assert one.due("2028-02") == date(2028, 2, 29)
    assert one.due("2027-02") == date(2027, 2, 28)


def test_a_child_who_outgrew_the_table_is_known() -> None:
    table, today = load_folder(SAMPLE_CITY).children, date(2026, 11, 30)
    first = table.first_needed(today)
    assert table.upcoming(first, today)
    earlier = f"{int(first[:4]) - 1}{first[4:]}"
    assert not table.upcoming(earlier, today)
    assert ChildTable().first_needed(today) == "2008-11", "no table erases nobody's children"


def test_each_fault_is_named_with_its_line(tmp_path: Path) -> None:
    table, faults = read(
        tmp_path,
        f"{HEADER}one,3歳,30,健診,Check-up\n"
        ",1歳,0,健診,\n"
        "two,三歳ごろ,0,健診,\n"
        "one,4歳,0,健診,\n"
        "three,4歳,九日,健診,\n"
        "four,小7,0,健診,\n",
    )
    assert [one.code for one in table.reminders] == ["one"]
    assert [(fault.line, fault.message.code) for fault in faults] == [
        (3, "missing.kind-name"),
        (4, "value.age"),
        (5, "twice.thing"),
        (6, "value.days-before"),
        (7, "value.age"),
    ]
    assert all(fault.left_out and not fault.stops for fault in faults)


def test_a_column_of_no_language_is_named(tmp_path: Path) -> None:
    _, faults = read(tmp_path, "コード,年齢・月齢,何日前,ja,eng\none,3歳,0,健診,x\n")
    assert [(fault.line, fault.message.code) for fault in faults] == [(1, "language.unknown")]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp932"])
def test_a_table_saved_by_a_spreadsheet_is_read(tmp_path: Path, encoding: str) -> None:
    table, faults = read(tmp_path, f"{HEADER}one,1歳6か月,30日前,健診,Check-up\n".encode(encoding))
    assert [one.months for one in table.reminders] == [18]
    assert all(fault.warning for fault in faults)
