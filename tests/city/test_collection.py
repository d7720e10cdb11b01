"""On which days rubbish is collected: as the city's files say, at New Year too."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest

from city.collection import Calendar
from city.collection_files import read_collection
from city.faults import FolderFault
from city.folder import CityFolder, check_city, load_folder

SAMPLE = Path(__file__).parents[2] / "deploy" / "city"
KINDS = "コード,ja,en\nburnable,可燃ごみ,Burnable\ncans,資源,Recycling\n"
NEW_YEAR = (date(2026, 12, 24), date(2027, 1, 16))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The sample city without its collection days."""
    folder = Path(shutil.copytree(SAMPLE, tmp_path / "city"))
    for path in (folder / "collection").iterdir():
        path.unlink()
    (folder / "collection" / "items.csv").write_text("品目,よみ,分別区分,出し方\n", "utf-8")
    (folder / "collection" / "kinds.csv").write_text(KINDS, "utf-8")
    return folder


@pytest.fixture
def city_with(folder: Path) -> Callable[..., tuple[CityFolder, list[str]]]:
    """Write files of collection days; return the city and what ``check`` says of them."""

    def write(**files: str) -> tuple[CityFolder, list[str]]:
        for name, text in files.items():
            (folder / "collection" / f"{name}.csv").write_text(text, "utf-8")
        said = [str(fault).removeprefix(f"{folder}/collection/") for fault in check_city(folder)]
        return load_folder(folder), said

    return write


def days(
    calendar: Calendar, kind: str, first: date, last: date, district: str = "chuo"
) -> list[str]:
    every = (first + timedelta(days=n) for n in range((last - first).days + 1))
    collected = (
        day for day in every if kind in {k.code for k in calendar.collected(district, day)}
    )
    return [day.isoformat() for day in collected]


def test_nothing_is_collected_in_the_sample_city_at_new_year() -> None:
    calendar = load_folder(SAMPLE).calendar
    for district in {rule.district for rule in calendar.days}:
        for day in (date(2026, 12, 31), date(2027, 1, 1), date(2027, 1, 2), date(2027, 1, 3)):
            assert calendar.collected(district, day) == []
    usual = [rule for rule in calendar.days if rule.would_fall_on(date(2026, 12, 31))]
    assert usual, "31 December 2026 is a Thursday, on which some districts have a collection"
    off = calendar.called_off(usual[0].district, date(2026, 12, 31))
    assert usual[0].kind in {kind.code for kind in off}
    assert any(calendar.collected(d, date(2027, 1, 4)) for d in {r.district for r in calendar.days})


HEAD = "地区コード,分別区分,曜日,週,月,起点,日付,開始日,終了日,備考\n"


@pytest.mark.parametrize(
    ("rule", "first", "last", "expected"),
    [
        # every second week goes on over the year's end, counted from a day of collection
        (
            "chuo,cans,水,隔週,,2026-12-02,,,,",
            date(2026, 12, 1),
            date(2027, 1, 31),
            ["2026-12-02", "2026-12-16", "2026-12-30", "2027-01-13", "2027-01-27"],
        ),
        # 2027-01-29 is January's fifth Friday; February has none, April's is the 30th
        (
            "chuo,cans,金,5,,,,,,",
            date(2027, 1, 1),
            date(2027, 5, 1),
            ["2027-01-29", "2027-04-30"],
        ),
        # a leap year's 29 February is a fifth Tuesday
        ("chuo,cans,火曜,第5,,,,,,", date(2028, 2, 1), date(2028, 3, 1), ["2028-02-29"]),
        (
            "chuo,cans,金,1・3,2,,,,,",
            date(2027, 1, 1),
            date(2027, 3, 31),
            ["2027-02-05", "2027-02-19"],
        ),
        (
            "chuo,cans,,,,,2026/12/30・20270106・２０２７年１月７日,,,",
            *NEW_YEAR,
            ["2026-12-30", "2027-01-06", "2027-01-07"],
        ),
        (
            "chuo,cans,水,毎週,,,,2026-12-25,2027-01-10,",
            *NEW_YEAR,
            ["2026-12-30", "2027-01-06"],
        ),
    ],
)
def test_a_rule_falls_on_the_days_of_the_calendar(
    city_with: Callable[..., tuple[CityFolder, list[str]]],
    rule: str,
    first: date,
    last: date,
    expected: list[str],
) -> None:
    content, said = city_with(days=HEAD + rule + "\n")
    assert said == []
    assert days(content.calendar, "cans", first, last) == expected


EXCEPTIONS = "開始日,終了日,地区コード,分別区分,扱い,振替日\n"


@pytest.mark.parametrize(
    ("exceptions", "expected"),
    [
        ("2026-12-31,2027-01-03,,,休止,\n", ["2026-12-24", "2026-12-28", "2027-01-04"]),
        # Thursday 31 December is brought forward to Wednesday; the first Thursday stays off
        (
            "2026-12-29,2027-01-03,,,休止,\n2026-12-31,,chuo,burnable,振替,2026-12-30\n",
            ["2026-12-24", "2026-12-28", "2026-12-30", "2027-01-04"],
        ),
        # moved over the year's end
        (
            "2026-12-31,,,,振替,2027-01-01\n",
            ["2026-12-24", "2026-12-28", "2027-01-01", "2027-01-04"],
        ),
        (
            "2026-12-30,,,burnable,収集,\n",
            ["2026-12-24", "2026-12-28", "2026-12-30", "2026-12-31", "2027-01-04"],
        ),
        # of another district, or another kind
        ("2026-12-31,,umesato,,休止,\n", ["2026-12-24", "2026-12-28", "2026-12-31", "2027-01-04"]),
        ("2026-12-31,,,cans,休止,\n", ["2026-12-24", "2026-12-28", "2026-12-31", "2027-01-04"]),
        # nothing falls on a Friday, so nothing is moved
        (
            "2027-01-01,,,,振替,2027-01-02\n",
            ["2026-12-24", "2026-12-28", "2026-12-31", "2027-01-04"],
        ),
    ],
)
def test_exceptions_take_days_away_and_bring_others(
    city_with: Callable[..., tuple[CityFolder, list[str]]], exceptions: str, expected: list[str]
) -> None:
    content, said = city_with(
        days="地区コード,分別区分,曜日,週\nchuo,burnable,月・木,毎週\n",
        exceptions=EXCEPTIONS + exceptions,
    )
    assert said == []
    assert days(content.calendar, "burnable", date(2026, 12, 24), date(2027, 1, 4)) == expected


PUBLISHED = "地名,センター,可燃ごみ,資源,粗大ごみ\n"
CENTRE = "名称,休止開始日,休止終了日\n東部,2026/12/29,2027/1/3\n東部,2027/8/13,2027/8/15\n"


def test_the_files_of_5374_are_read_as_published(
    city_with: Callable[..., tuple[CityFolder, list[str]]],
) -> None:
    content, said = city_with(
        area_days=PUBLISHED
        + "中央地区,東部,月 木,金1 金3,20261230 20270120\n"
        + "\n"
        + "梅里,,月 火2,水4:12 2 *1,\n",
        center=CENTRE,
        remarks="ID,注意事項\n1,一部の地区を除きます。\n",
    )
    assert said == []
    calendar = content.calendar
    between = (date(2026, 12, 21), date(2027, 1, 31))
    assert days(calendar, "burnable", *between)[:5] == [
        *("2026-12-21", "2026-12-24", "2026-12-28", "2027-01-04", "2027-01-07"),
    ]
    # 1 January is the first Friday and closed: January's Fridays move by a week (WeekShift)
    assert days(calendar, "cans", *between) == ["2027-01-08", "2027-01-22"]
    assert days(calendar, "粗大ごみ", *between) == ["2026-12-30", "2027-01-20"]
    assert days(calendar, "burnable", *between, "umesato") == [
        *("2026-12-21", "2026-12-28", "2027-01-04", "2027-01-11", "2027-01-12"),
        *("2027-01-18", "2027-01-25"),
    ]
    assert days(calendar, "cans", date(2026, 11, 1), date(2027, 3, 31), "umesato") == [
        *("2026-12-23", "2027-02-24"),
    ]
    assert calendar.notes("umesato", "cans") == ["一部の地区を除きます。"]
    assert {kind.code: kind.names for kind in calendar.kinds}["粗大ごみ"] == {"ja": "粗大ごみ"}


def test_a_city_whose_closures_shift_no_weeks_says_so(
    folder: Path, city_with: Callable[..., tuple[CityFolder, list[str]]]
) -> None:
    toml = folder / "city.toml"
    toml.write_text("collection_week_shift = false\n" + toml.read_text("utf-8"), "utf-8")
    content, said = city_with(area_days=PUBLISHED + "中央,東部,月,金1 金3,\n", center=CENTRE)
    assert said == []
    assert days(content.calendar, "cans", *NEW_YEAR) == ["2027-01-15"]


def test_places_of_5374_that_are_no_district_of_ours_are_named(
    city_with: Callable[..., tuple[CityFolder, list[str]]],
) -> None:
    content, said = city_with(
        area_days=PUBLISHED
        + "研究学園一丁目,,月,,\n研究学園二丁目,,月,,\n"
        + "梅里1丁目,,火,,\n梅里,,水,,\nどこか,,月,管路,\n",
        area_names="地名,地区コード\n研究学園一丁目,chuo\n研究学園二丁目,chuo\n梅里1丁目,umesato\n",
    )
    assert days(content.calendar, "burnable", date(2026, 12, 21), date(2026, 12, 21)) == [
        "2026-12-21"
    ]
    # two places of one district that differ: nobody is told a wrong day
    assert not any(rule.district == "umesato" for rule in content.calendar.days)
    assert any(s.startswith("area_days.csv:5: ") and "differ" in s for s in said)
    assert any(s.startswith("area_days.csv:6: 'どこか' is not a district") for s in said)


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("area_days", PUBLISHED + "中央,,管路 月,,\n", "area_days.csv:2: '管路' says no day"),
        ("area_days", PUBLISHED + "中央,西部,月,,\n", "area_days.csv:2: the centre '西部'"),
        ("area_days", PUBLISHED + "中央,,月:13,,\n", "area_days.csv:2: '13' is no month"),
        ("area_days", PUBLISHED + "中央,,月 *9,,\n", "area_days.csv:2: '*9' says no day"),
        ("days", HEAD + "chuo,cans,水,隔週,,,,,,\n", "days.csv:2: 隔週 needs 起点"),
        ("days", HEAD + "chuo,cans,水,毎週,13,,,,,\n", "days.csv:2: 月 is months"),
        ("days", HEAD + "chuo,cans,,,,,2027-02-29,,,\n", "days.csv:2: '2027-02-29' is not a day"),
        ("days", HEAD + "chuo,cans,水,毎週,,,,2027-02-01,2027-01-01,\n", "days.csv:2: 終了日"),
        ("exceptions", EXCEPTIONS + "2026-12-31,,,,休み,\n", "exceptions.csv:2: 扱い is"),
        ("exceptions", EXCEPTIONS + "2026-12-31,2026-01-03,,,休止,\n", "exceptions.csv:2: 終了日"),
        ("exceptions", EXCEPTIONS + "2026-12-31,,nowhere,,休止,\n", "exceptions.csv:2: 'nowhere'"),
        ("exceptions", EXCEPTIONS + "2026-12-31,,,,振替,\n", "exceptions.csv:2: '' is not a day"),
        (
            "center",
            "名称,休止開始日,休止終了日\n東部,2027/1/3,2026/12/29\n",
            "center.csv:2: a closure",
        ),
    ],
)
def test_each_mistake_is_named_with_its_file_and_line(
    city_with: Callable[..., tuple[CityFolder, list[str]]], name: str, text: str, says: str
) -> None:
    files = {"days": HEAD + "chuo,burnable,月,毎週,,,,,,\n", "area_days": PUBLISHED}
    _, said = city_with(**{**files, name: text})
    assert any(s.startswith(says) and "Left out: " in s for s in said), said


DESCRIPTION = (
    "label,sublabel,description,styles,bgcolor\n"
    "燃やすごみ,,,img/a.svg,#ea3b13\nびん,,,img/b.svg,#2dc7aa\n"
)
TARGET = (
    "type,name,notice,furigana\n"
    "燃やすごみ,アンテナ,アンテナの支柱は粗大ごみ,あ　\n"
    "粗大ごみ,自転車,,し\n"
    "びん,ジャムの瓶,中を洗ってふたを取る,じゃむのびん\n"
    ",名なし,,\n"
    "びん,自転車,,\n"
)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932"])
def test_how_things_are_sorted_is_read_from_5374_as_published(
    tmp_path: Path, encoding: str
) -> None:
    (tmp_path / "area_days.csv").write_bytes(
        "地名,センター,燃やすごみ,びん\n中央,,月 木,水1 水3\n".encode(encoding)
    )
    (tmp_path / "description.csv").write_bytes(DESCRIPTION.encode(encoding))
    (tmp_path / "target.csv").write_bytes(TARGET.encode(encoding))
    faults: list[FolderFault] = []
    districts = load_folder(SAMPLE).city.district_by_code
    calendar = read_collection(tmp_path, districts, faults)
    assert [kind.code for kind in calendar.kinds] == ["燃やすごみ", "びん", "粗大ごみ"]
    assert [(item.name, item.reading, item.kind) for item in calendar.items] == [
        ("アンテナ", "", "燃やすごみ"),
        ("自転車", "", "粗大ごみ"),
        ("ジャムの瓶", "じゃむのびん", "びん"),
    ]
    assert calendar.items[0].advice == "アンテナの支柱は粗大ごみ"
    wrong = [(f.path.name, f.line, f.message.code) for f in faults if not f.warning]
    assert wrong == [
        ("target.csv", 5, "missing.target"),
        ("target.csv", 6, "twice.thing"),
    ]
