"""The fields of a kind of reports: what holds of them, and their faults with file and line."""

from __future__ import annotations

import shutil
from datetime import date, datetime
from pathlib import Path

import pytest

from city.folder import check_city, load_folder
from city.kinds import KindMessage, OpenHours, ReportCategory, Season
from core.clock import JAPAN
from reports.due import is_working_day
from tests.support.project import SAMPLE_CITY

KIND = """
[[report_categories]]
code = "leak"
department = "roads"
names.ja = "漏水"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SAMPLE_CITY, tmp_path / "city"))


def with_kind(folder: Path, more: str) -> int:
    """Add a kind to the city's folder; return the line before its additions."""
    path = folder / "city.toml"
    text = path.read_text(encoding="utf-8") + KIND
    path.write_text(text + more, encoding="utf-8")
    return len(text.splitlines())


@pytest.mark.parametrize(
    ("more", "line", "words"),
    [
        ('owner = "nobody"', 1, "no other office 'nobody'"),
        ("off_from = 2026-05-01\noff_until = 2026-04-01", 2, "is before off_from"),
        ('season = { start = "12-01", end = "02-31" }', 1, "season.end is a day"),
        ("priority = 5", 1, "priority"),
        ('danger_words.danger.jp = ["危"]', 1, "'jp' is not one of our languages"),
        ('danger_words.hurt.en = ["x"]', 1, "a word of danger has 2 to 60"),
        ("due_days = -1", 1, "due_days"),
        ("[[report_categories.areas]]\ndepartment = 'roads'\ndistricts = []", 3, "needs districts"),
        ("[[report_categories.areas]]\ndistricts = ['chuo']", 1, "a department or an owner"),
        (
            "[[report_categories.areas]]\ndepartment = 'roads'\ndistricts = ['chou']",
            3,
            "did you mean 'chuo'",
        ),
        (
            "[[report_categories.questions]]\ncode = 'Side'\nnames.ja = '側'",
            2,
            "a code is 1 to 32",
        ),
        (
            "[[report_categories.questions]]\ncode = 'side'\nnames.en = 'Side'",
            3,
            "must have 'ja'",
        ),
        (
            "[[report_categories.questions]]\ncode = 'side'\nnames.ja = '側'\ntype = 'one-of'",
            1,
            "at least 2",
        ),
        (
            "[[report_categories.questions]]\ncode = 'side'\nnames.ja = '側'\ntype = 'either'",
            4,
            "type",
        ),
        (
            "[[report_categories.questions]]\ncode = 'a'\nnames.ja = '側'\n"
            "[[report_categories.questions]]\ncode = 'a'\nnames.ja = '色'",
            5,
            "more than once",
        ),
        ("[report_categories.message]\nphone = '03-1234'", 1, "texts is missing"),
        (
            "[report_categories.message]\ntexts.ja = '電話を'\nphone = 'call us'",
            3,
            "digits and hyphens",
        ),
        (
            "[report_categories.message]\ntexts.ja = '電話を'\n"
            "hours = [{ days = ['mon'], start = 08:30:00, end = 17:15:00 }]",
            1,
            "needs closed_texts",
        ),
        (
            "[report_categories.message]\ntexts.ja = '電話を'\nclosed_texts.ja = '夜間'\n"
            "hours = [{ days = ['Mon'], start = 08:30:00, end = 17:15:00 }]",
            4,
            "a day is one of",
        ),
        ('published = "no"', 1, "published"),
    ],
)
def test_a_fault_of_a_kind_is_named_with_file_and_line(
    folder: Path, more: str, line: int, words: str
) -> None:
    before = with_kind(folder, more + "\n")
    found = [fault for fault in check_city(folder) if not fault.warning]
    assert [(fault.path.name, fault.line) for fault in found] == [("city.toml", before + line)]
    assert words in str(found[0])
    assert not found[0].stops, "warnings go on"


def test_a_wrong_question_is_left_out_and_its_kind_stays(folder: Path) -> None:
    with_kind(
        folder,
        "[[report_categories.questions]]\ncode = 'side'\nnames.ja = '側'\ntype = 'one-of'\n"
        "[[report_categories.questions]]\ncode = 'lamp'\nnames.ja = '番号'\n",
    )
    kind = load_folder(folder).city.kind("leak")
    assert kind is not None
    assert [one.code for one in kind.questions] == ["lamp"]


def test_a_kind_is_left_out_if_nobody_knows_whether_it_is_published(folder: Path) -> None:
    with_kind(folder, 'published = "no"\n')
    assert load_folder(folder).city.kind("leak") is None


def test_a_season_goes_over_new_year_and_a_pause_has_its_days() -> None:
    snow = ReportCategory(
        code="snow",
        names={"ja": "雪"},
        department="roads",
        season=Season(start="12-01", end="03-31"),
    )
    offered = {
        date(2026, 11, 30): False,
        date(2026, 12, 1): True,
        date(2027, 1, 1): True,
        date(2027, 3, 31): True,
        date(2027, 4, 1): False,
    }
    assert {day: snow.is_offered(day) for day in offered} == offered
    june = snow.model_copy(update={"season": Season(start="06-01", end="06-30")})
    assert june.is_offered(date(2026, 6, 30))
    assert not june.is_offered(date(2026, 7, 1))
    off = snow.model_copy(
        update={"season": None, "off_from": date(2026, 5, 1), "off_until": date(2026, 5, 31)}
    )
    assert off.is_offered(date(2026, 4, 30))
    assert not off.is_offered(date(2026, 5, 1))
    assert not off.is_offered(date(2026, 5, 31))
    assert off.is_offered(date(2026, 6, 1))
    for_good = off.model_copy(update={"off_until": None})
    assert not for_good.is_offered(date(2036, 1, 1))


OFFICE = OpenHours.model_validate_json(
    '{"days": ["mon", "tue", "wed", "thu", "fri"], "start": "08:30", "end": "17:15"}'
)
NIGHT = OpenHours.model_validate_json('{"days": ["sat"], "start": "22:00", "end": "05:00"}')


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ("2026-11-30T08:29", False),
        ("2026-11-30T08:30", True),
        ("2026-11-30T17:14", True),
        ("2026-11-30T17:15", False),
        ("2026-11-23T12:00", False),  # Labour Thanksgiving Day, a Monday
        ("2027-01-01T12:00", False),
        ("2026-12-30T12:00", False),  # offices are closed around New Year
        ("2026-11-28T12:00", False),
        ("2026-11-28T23:00", True),
        ("2026-11-29T04:59", True),
        ("2026-11-29T05:00", False),
    ],
)
def test_hours_know_weekdays_holidays_and_the_night(moment: str, is_open: bool) -> None:
    message = KindMessage(
        texts={"ja": "開いています"},
        phone="0120-000-001",
        hours=(OFFICE, NIGHT),
        closed_texts={"ja": "閉まっています"},
        closed_phone="0120-000-002",
    )
    here = datetime.fromisoformat(moment).replace(tzinfo=JAPAN)
    assert message.is_open(here, is_working_day) is is_open
    assert message.told(here, is_working_day) == (
        ({"ja": "開いています"}, "0120-000-001")
        if is_open
        else ({"ja": "閉まっています"}, "0120-000-002")
    )


def test_a_holiday_has_hours_of_its_own() -> None:
    message = KindMessage(
        texts={"ja": "a"},
        hours=(OFFICE.model_copy(update={"days": ("holiday",)}),),
        closed_texts={"ja": "b"},
    )
    assert message.is_open(datetime(2026, 11, 23, 12, tzinfo=JAPAN), is_working_day)
    assert not message.is_open(datetime(2026, 11, 24, 12, tzinfo=JAPAN), is_working_day)
