"""Lists of telephone reports in every form that offices give them: nothing is lost unseen."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from datetime import date, datetime, time, timedelta

import openpyxl
import pytest
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from city.city import City
from city.folder import load_city
from core.clock import JAPAN
from core.database import Database
from core.errors import BadInput
from core.sheets import spreadsheet_workshop
from reports.spreadsheets import Read, Row, read_file, take_in
from tests.support.project import SAMPLE_CITY
from tests.support.sheets import saved, workbook

NOW = datetime(2027, 1, 4, 10, 0, tzinfo=JAPAN)
HEADINGS: list[object] = ["受付日", "時刻", "種別", "場所", "内容"]
KIND = "道路の穴・段差"


@pytest.fixture(scope="module")
def city() -> City:
    return load_city(SAMPLE_CITY)


async def read(data: bytes, city: City) -> Read:
    return await read_file(spreadsheet_workshop(), data, city, NOW, lambda _text: None)


def codes(row: Row) -> list[str]:
    return [why.code for why in (*row.wrong, *row.hints) if why.code != "sheet.not-found"]


def line(day: object = "R8.12.3", at: object = "9:00", place: str = "角") -> list[object]:
    return [day, at, KIND, place, "穴がある"]


@pytest.mark.parametrize(
    ("at", "when"),
    [
        ("24:00", "2026-12-04 00:00"),
        ("２５：３０", "2026-12-04 01:30"),
        (timedelta(hours=25, minutes=30), "2026-12-04 01:30"),  # Excel's [h]:mm
        (time(14, 5), "2026-12-03 14:05"),
        (0.5, "2026-12-03 12:00"),  # a time that has no form of one
        ("正午", "2026-12-03 12:00"),
        ("午後2時半頃", "2026-12-03 14:30"),
    ],
)
async def test_times_of_a_day_and_of_the_night_after_it(city: City, at: object, when: str) -> None:
    [row] = (await read(workbook([HEADINGS, line(at=at)]), city)).rows
    assert (f"{row.at:%Y-%m-%d %H:%M}", codes(row)) == (when, [])


@pytest.mark.parametrize(
    ("day", "when"),
    [
        ("令和元年12月1日", "2019-12-01"),
        ("R元.12.1", "2019-12-01"),
        ("令8.12.28", "2026-12-28"),
        ("12/28", "2026-12-28"),
        ("1/4", "2027-01-04"),
        ("20261228", "2026-12-28"),
        (46384, "2026-12-28"),  # Excel's number of a day, in a cell without a form
        ("46384.375", "2026-12-28"),
        (date(2026, 12, 28), "2026-12-28"),
    ],
)
async def test_days_around_new_year_and_as_excel_counts_them(
    city: City, day: object, when: str
) -> None:
    [row] = (await read(workbook([HEADINGS, line(day)]), city)).rows
    assert (f"{row.at:%Y-%m-%d %H:%M}", codes(row)) == (f"{when} 09:00", [])


async def test_a_day_without_a_year_that_is_long_ago_is_shown_with_its_year(city: City) -> None:
    """On 4 January somebody typed the next day: it is no day of last year unseen."""
    rows = (await read(workbook([HEADINGS, line("1月5日"), line("R8.1.5", "8:00")]), city)).rows
    assert [codes(row) for row in rows] == [["sheet.year"], []]
    assert str(rows[0].hints[0]) == "'1月5日' is taken for 2026-01-05."


async def test_a_file_that_counts_days_from_1904_has_its_own_days(city: City) -> None:
    book = openpyxl.Workbook()
    book.epoch = CALENDAR_MAC_1904
    assert book.active is not None
    for row in (HEADINGS, line(date(2026, 12, 28)), line(44922, place="別の角")):
        book.active.append(row)
    rows = (await read(saved(book), city)).rows
    assert [f"{row.at:%Y-%m-%d}" for row in rows] == ["2026-12-28", "2026-12-28"]


async def test_kinds_in_half_width_letters_are_the_same_kinds(city: City) -> None:
    data = workbook([HEADINGS, ["R8.12.3", None, "道路の穴･段差", "ｶﾄﾞ", "x"]])
    [row] = (await read(data, city)).rows
    assert row.kind == "pothole"


async def test_every_sheet_with_headings_is_read_and_the_others_are_named(
    database: Database, city: City
) -> None:
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active.title = "表紙"
    book.active.append(["要望一覧"])
    for month in range(1, 13):
        sheet = book.create_sheet(f"{month}月")
        for row in (HEADINGS, line(f"R8.{month}.3")):
            sheet.append(row)
    hidden = book.create_sheet("没")
    for row in (HEADINGS, line("R8.11.9")):
        hidden.append(row)
    hidden.sheet_state = "hidden"
    found = await read(saved(book), city)
    assert [row.sheet for row in found.rows] == [f"{month}月" for month in range(1, 13)]
    assert found.other_sheets == ("表紙",)
    async with database.writing() as session:
        taken = await take_in(session, city, found, by="doro@city.example", now=NOW)
    assert len(taken.numbers) == 12


async def test_rows_that_the_sheet_hides_say_so(city: City) -> None:
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in (HEADINGS, line(), line(place="隠れた角")):
        book.active.append(row)
    book.active.row_dimensions[3].hidden = True
    rows = (await read(saved(book), city)).rows
    assert [codes(row) for row in rows] == [[], ["sheet.hidden"]]


async def test_headings_in_two_rows_in_brackets_and_again_on_each_page(city: City) -> None:
    merged = workbook(
        [
            ["受付", None, "種　別", "場所\n（住所）", "内容"],
            ["受付日", "時刻", None, None, None],
            line(),
            ["受付日", "時刻", "種　別", "場所（住所）", "内容"],
            line(place="別の角"),
        ],
        merged=("A1:B1", "C1:C2", "D1:D2", "E1:E2"),
    )
    found = await read(merged, city)
    assert [(row.place, f"{row.at:%m-%d %H:%M}") for row in found.rows] == [
        ("角", "12-03 09:00"),
        ("別の角", "12-03 09:00"),
    ]
    assert found.left_out == () and found.unknown_kinds == ()


async def test_the_same_row_twice_in_one_file_comes_in_once_and_says_so(
    database: Database, city: City
) -> None:
    found = await read(workbook([HEADINGS, line(), line(), line(at="昼"), line(at="昼")]), city)
    assert [codes(row) for row in found.rows] == [
        [],
        ["sheet.same"],
        ["sheet.time"],
        ["sheet.time"],
    ]
    assert found.takes(set()) == 1
    async with database.writing() as session:
        taken = await take_in(session, city, found, by="doro@city.example", now=NOW)
    assert (len(taken.numbers), taken.there, taken.wrong) == (1, 1, 2)


def with_formula(cell: str) -> bytes:
    """Return a list whose place is a formula; ``cell`` is how its program stored it."""
    output = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(workbook([HEADINGS, line(place="FORMULA")]))) as parts,
        zipfile.ZipFile(output, "w") as made,
    ):
        for name in parts.namelist():
            part = parts.read(name)
            if name == "xl/worksheets/sheet1.xml":
                part = re.sub(rb'<c r="D2".*?</c>', cell.encode(), part)
            made.writestr(name, part)
    return output.getvalue()


@pytest.mark.parametrize(
    ("cell", "place"),
    [
        ('<c r="D2" t="str"><f>B2&amp;C2</f><v>中央公園</v></c>', "中央公園"),
        # Excel stores an empty text as well: IF(…,"",…) is in every office's list.
        ('<c r="D2" t="str"><f>IF(A1="","","")</f><v></v></c>', ""),
        ('<c r="D2"><f>B2&amp;C2</f></c>', None),
        ('<c r="D2"><f>B2&amp;C2</f><v/></c>', None),
    ],
    ids=["value", "empty text", "no value", "empty value"],
)
async def test_formulas_have_the_value_of_their_file_or_the_file_is_refused(
    city: City, cell: str, place: str | None
) -> None:
    if place is None:
        with pytest.raises(BadInput, match="such as D2"):
            await read(with_formula(cell), city)
        return
    [row] = (await read(with_formula(cell), city)).rows
    assert row.place == place


TABLE = f"種別,場所,内容\r\n{KIND},①髙﨑の角,暗い\r\n"


@pytest.mark.parametrize(
    "written",
    [
        lambda text: text.encode("utf-8-sig"),
        lambda text: text.replace(",", "\t").encode("utf-16"),  # Excel's "Unicode text"
        lambda text: b"\xfe\xff" + text.encode("utf-16-be"),
        lambda text: text.replace(",", ";").encode(),
        lambda text: text.replace(",", "\t").encode("cp932"),
        lambda text: f"道路要望一覧\r\n\r\n{text.replace(',', ';')}".encode(),
        lambda text: f"道路要望一覧、令和8年度\r\n{text.replace(',', chr(9))}".encode("cp932"),
    ],
    ids=["bom", "utf-16", "utf-16-be", "semicolon", "tab", "title", "title and tabs"],
)
async def test_csv_is_read_as_other_programs_write_it(
    city: City, written: Callable[[str], bytes]
) -> None:
    [row] = (await read(written(TABLE), city)).rows
    assert (row.kind, row.place, row.words) == ("pothole", "①髙﨑の角", "暗い")


def open_document() -> bytes:
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w") as parts:
        parts.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        parts.writestr("content.xml", "<x/>")
    return output.getvalue()


OLD = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (OLD, "an old Excel (xls). Save it as xlsx or CSV."),
        (open_document(), "LibreOffice (ods). Save it as xlsx or CSV."),
        # [MS-OFFCRYPTO]: an encrypted xlsx is an OLE file with this stream.
        (OLD + "EncryptedPackage".encode("utf-16-le"), "with a password. Save it without one"),
        (b"%PDF-1.7\n", "cannot be read. Save it as xlsx or CSV."),
        ("<html><table><tr><td>種別</td></tr></table>".encode(), "cannot be read. Save it as"),
        (TABLE.replace("①髙﨑", "").encode("euc_jp"), "cannot be read. Save it as xlsx or CSV."),
    ],
    ids=["xls", "ods", "encrypted", "pdf", "html", "euc-jp"],
)
async def test_what_is_no_such_file_says_what_to_do(city: City, data: bytes, says: str) -> None:
    with pytest.raises(BadInput, match=re.escape(says)):
        await read(data, city)


async def test_2000_reports_are_taken_and_one_more_is_not_whichever_sheet_it_is_on(
    city: City,
) -> None:
    book = openpyxl.Workbook()
    first, second = book.active, book.create_sheet("続き")
    assert first is not None
    for sheet in (first, second):
        sheet.append(HEADINGS)
    for n in range(2_000):
        (first if n < 1_500 else second).append(line(place=f"角{n}"))
    found = await read(saved(book), city)
    assert found.takes(set()) == 2_000
    second.append(line(place="もう一つ"))
    with pytest.raises(BadInput) as refused:
        await read(saved(book), city)
    assert refused.value.reason is not None and refused.value.reason.code == "sheet.too-long"
