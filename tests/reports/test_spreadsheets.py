"""Lists of telephone reports come in as the office keeps them, each row once, or say why not."""

from __future__ import annotations

import asyncio
import io
import zipfile
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlmodel import col, select

from city.city import City
from city.folder import load_city
from core.database import Database
from core.errors import BadInput
from core.geo import Position
from core.sheets import spreadsheet_workshop
from reports.models import CameBy, Report, ReportUpdate
from reports.spreadsheets import Read, TakenIn, read_file, take_in, with_kinds
from tests.support.project import SAMPLE_CITY
from tests.support.sheets import workbook

NOW = datetime(2026, 11, 30, 1, 0, tzinfo=UTC)
PLACE = (140.0766, 36.0835)


@pytest.fixture(scope="module")
def city() -> City:
    return load_city(SAMPLE_CITY)


def find(text: str) -> Position | None:
    return PLACE if "中央公園" in text else None


async def read(data: bytes, city: City) -> Read:
    return await read_file(spreadsheet_workshop(), data, city, NOW, find)


HEADINGS: list[object] = ["受付番号", "受付日", "時刻", "種別", "場所", "内容", "氏名", "担当課"]


def office_list() -> bytes:
    return workbook(
        [
            ["道路等要望受付簿（令和８年度）"],
            [],
            HEADINGS,
            [
                1,
                date(2026, 11, 3),
                "午後2時5分",
                "道路の穴・段差",
                "中央公園の前",
                "穴がある",
                "山田",
            ],
            [2, None, "１５：００", "道路の穴・段差", "どこかの角", "+1+1", "佐藤", "公園・施設課"],
            [3, "R8.11.4", None, "ねこ", "中央公園", "困っている", "鈴木", "無い課"],
            [4, "そのうち", None, "街灯の不点灯", "中央公園", "暗い"],
            [5, "R8.12.24", None, "街灯の不点灯", "中央公園", "暗い"],
        ],
        merged=("B4:B5",),
    )


async def test_an_offices_list_is_read_as_it_is(city: City) -> None:
    found = await read(office_list(), city)
    first, second, cat, no_day, later = found.rows
    assert (first.number, first.kind, first.position) == (4, "pothole", PLACE)
    assert first.at == datetime(2026, 11, 3, 5, 5, tzinfo=UTC)  # 14:05 in Japan
    # The merged day holds for the row below; full-width digits are digits.
    assert second.at == datetime(2026, 11, 3, 6, 0, tzinfo=UTC)
    assert second.department == "parks" and second.position is None
    assert [why.code for why in second.hints] == ["sheet.not-found"]
    assert (cat.kind, cat.called) == ("", "ねこ")
    assert [why.code for why in cat.hints] == ["sheet.no-department"]
    assert [why.code for why in no_day.wrong] == ["sheet.date"]
    assert [why.code for why in later.wrong] == ["sheet.later"]
    assert found.unknown_kinds == ("ねこ",)
    assert found.left_out == ("氏名",)  # people's names stay out


async def test_rows_come_in_once_however_often_their_file_does(
    database: Database, city: City
) -> None:
    found = with_kinds(await read(office_list(), city), {"ねこ": "other"})
    for new, there in ((3, 0), (0, 3)):
        async with database.writing() as session:
            taken = await take_in(session, city, found, by="doro@city.example", now=NOW)
        assert (len(taken.numbers), taken.there, taken.wrong) == (new, there, 2)
    async with database.reading() as session:
        reports = list(await session.scalars(select(Report).order_by(col(Report.id))))
        notes = list(await session.scalars(select(ReportUpdate.note)))
    assert [one.category for one in reports] == ["pothole", "pothole", "other"]
    assert [one.department for one in reports] == ["roads", "parks", "roads"]
    assert reports[1].description == "+1+1"
    assert {one.came_by for one in reports} == {CameBy.IMPORT}
    assert reports[0].created_at == datetime(2026, 11, 3, 5, 5, tzinfo=UTC)
    assert "No. 1" in notes
    assert all("山田" not in one.description + one.contact for one in reports)


async def test_ditto_marks_and_days_above_hold_for_the_rows_below(city: City) -> None:
    rows: list[list[object]] = [
        ["受付日", "種別", "場所", "内容", "担当課", "受付方法"],
        ["令和８年１１月３日", None, None, None, None, None],
        [None, "街灯の不点灯", "中央公園", "暗い", "公園・施設課", "電話"],
        ["〃", "〃", "〃", "消えている", "〃", "同上"],
        ["R8.11.4(水)", None, None, None, None, None],
        [None, "道路の穴・段差", "どこかの角", "〃", None, None],
    ]
    first, second, third = (await read(workbook(rows), city)).rows
    assert first.at == datetime(2026, 11, 2, 15, 0, tzinfo=UTC)  # midnight in Japan
    assert second.at == first.at and second.kind == "street-light"
    assert (second.place, second.position, second.words) == ("中央公園", PLACE, "消えている")
    assert (second.department, second.came_by) == ("parks", CameBy.TELEPHONE)
    assert third.at == datetime(2026, 11, 3, 15, 0, tzinfo=UTC)
    # What stands above is of another day's table; an empty cell says nothing.
    assert (third.words, third.department, third.came_by) == ("", "", CameBy.IMPORT)


async def test_rows_without_a_day_come_in_once_too(database: Database, city: City) -> None:
    data = "種別,場所,内容\n街灯の不点灯,角,暗い\n".encode()
    for minutes, new in ((0, 1), (90, 0)):
        now = NOW + timedelta(minutes=minutes)
        found = await read_file(spreadsheet_workshop(), data, city, now, find)
        async with database.writing() as session:
            taken = await take_in(session, city, found, by="doro@city.example", now=now)
        assert len(taken.numbers) == new


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp932"])
async def test_csv_is_read_in_both_of_its_encodings(city: City, encoding: str) -> None:
    text = (
        "種別,場所,内容,緯度,経度,受付方法\r\n街灯の不点灯,角,暗い,36.0835,140.0766,窓口\r\n"
        "街灯の不点灯,角,暗い,北,東,電話\r\n街灯の不点灯,角,暗い,35.0,135.0,メール\r\n"
    )
    rows = (await read(text.encode(encoding), city)).rows
    assert (rows[0].kind, rows[0].came_by) == ("street-light", CameBy.COUNTER)
    assert rows[0].position == (140.0766, 36.0835)
    assert [why.code for why in rows[1].wrong] == ["sheet.position"]
    assert [why.code for why in rows[2].wrong] == ["sheet.outside"]


def bomb() -> bytes:
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as parts:
        parts.writestr("xl/workbook.xml", b" " * 210_000_000)
    return output.getvalue()


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "sheet.no-headings"),
        (b"PK\x03\x04 no zip at all", "sheet.unreadable"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 an old workbook", "sheet.old"),
        (b"\xff\xfe\x00 neither text nor workbook", "sheet.unreadable"),
        ("種別,場所,内容\n".encode() + b"x" * 5_300_000, "sheet.too-large"),
        ("名前,年齢\n山田,3\n".encode(), "sheet.no-headings"),
        ("種別,場所,内容\n".encode() + "街灯の不点灯,角,暗い\n".encode() * 2_001, "sheet.too-long"),
        (workbook([["種別", "場所", "内容"]])[:-600], "sheet.unreadable"),
    ],
    ids=["empty", "zip", "xls", "bytes", "large", "headings", "long", "cut-off"],
)
async def test_what_is_no_list_says_what_it_is(city: City, data: bytes, code: str) -> None:
    with pytest.raises(BadInput) as refused:
        await read(data, city)
    assert refused.value.reason is not None and refused.value.reason.code == code


@pytest.mark.slow
async def test_a_workbook_that_unpacks_to_hundreds_of_megabytes_is_refused(city: City) -> None:
    with pytest.raises(BadInput) as refused:
        await read(bomb(), city)
    assert refused.value.reason is not None and refused.value.reason.code == "sheet.too-large"


@pytest.mark.parametrize("day", ["0001/1/1", "0206/11/3", "1/1/1", "昭和1.1.1", "9999-12-31"])
async def test_a_day_that_cannot_be_is_said_and_its_row_left_out(
    database: Database, city: City, day: str
) -> None:
    data = f"受付日,種別,場所,内容\n{day},pothole,中央公園,穴\n2026/11/3,pothole,中央公園,穴\n"
    found = await read(data.encode(), city)
    async with database.writing() as session:
        done = await take_in(session, city, found, by="a@city.example", now=NOW)
    assert (len(done.numbers), done.wrong) == (1, 1)


async def test_two_who_take_in_one_file_at_once_take_in_each_row_once(
    database: Database, city: City
) -> None:
    found = await read(office_list(), city)

    async def take() -> TakenIn:
        async with database.writing() as session:
            return await take_in(session, city, found, by="a@city.example", now=NOW)

    one, two = await asyncio.gather(take(), take())
    assert sorted((len(one.numbers), len(two.numbers))) == [0, 2]
    async with database.reading() as session:
        notes = [step.note for step in await session.scalars(select(ReportUpdate)) if step.note]
    assert sorted(notes) == ["No. 1", "No. 2"]
