"""Files of other products are taken into the city's own words: the difference first, nothing lost.

The fixtures are made by hand in the forms that LINE SMART CITY's manual and 5374.jp's describe.
"""

from __future__ import annotations

import pytest

from city.foreign_sheets import FacilityState, adapted, facilities
from city.shelters import Hazard
from console.models import Role
from core.own_words import WordVersion
from tests.support.office import Office
from tests.support.sheets import workbook
from tests.support.word_files import take, upload

HEADINGS = (
    "避難先名称,かな,住所,緯度,経度,電話番号,避難所種別,災害種別,入力者メール,ID1,ID2,情報公開可否,"
    "最終更新日時,屋外面積,屋内面積,想定収容人数,コロナ想定収容人数,ネットワーク,携帯電波,"
    "隔離可能場所,COVID備蓄,ステータス,備考"
)
OPEN = (
    "北小学校,きたしょう,北１−２,36.15,140.08,029-000-0001,指定避難所,168,a@b.example,S-1,77,可,"
    ",,,３００,,,,0,,開設,"
)
FULL = "南公民館,みなみ,南3,36.03,140.10,,その他,１２,,S-2,78,1,,,,,,,,,,2,坂の上"
HIDDEN = "倉庫,そうこ,南4,36.03,140.11,,,1,,S-3,79,不可,,,,,,,,,,0,"
WRONG = "謎の施設,なぞ,南5,36.03,140.12,,,19,,S-4,80,可,,,,,,,,,,0,"
FACILITIES = "\r\n".join((HEADINGS, OPEN, FULL, HIDDEN, WRONG)) + "\r\n"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp932"])
async def test_facilities_become_sites_with_their_hazards(office: Office, encoding: str) -> None:
    desk = await office.at_desk(Role.EDITOR, "safety")
    before = len(office.app.state.folder.shelters)
    # cp932 has no such minus, and writes another.
    text = FACILITIES.replace("−", "－") if encoding == "cp932" else FACILITIES
    page = await upload(desk, "shelters", ("避難先.csv", text.encode(encoding)))
    assert page.status == 200, page.words
    assert "確認できているのは1（洪水）・6（火事）・8（火山）だけ" in page.words
    assert "公開しない施設1行" in page.words
    assert "開設1か所、満員1か所" in page.words
    assert len(office.app.state.folder.shelters) == before, "only looked at"
    await take(desk, page, "shelters")
    sites = {site.code: site for site in office.app.state.folder.shelters}
    assert sites["S-1"].hazards == {Hazard.FLOOD, Hazard.FIRE, Hazard.VOLCANO}
    assert sites["S-1"].also_shelter and sites["S-1"].capacity == 300
    assert sites["S-1"].kana == "きたしょう"
    assert sites["S-2"].hazards == {Hazard.FLOOD, Hazard.LANDSLIDE}
    assert sites["S-2"].note == "坂の上" and not sites["S-2"].also_shelter
    assert not {"S-3", "S-4"} & set(sites), "not for the public; a digit that nobody knows"
    kept = {one.key: one.cells for one in await office.rows(WordVersion)}
    assert kept["S-1"] is not None and kept["S-1"]["ID2"] == "77"
    assert len(sites) == before + 2, "rows of the folder stay"
    page = await upload(desk, "shelters", ("避難先.csv", text.encode(encoding)))
    [said] = page.tree.xpath("//*[@data-testid='difference']")
    assert "新規: 0" in said.text_content() and "変更: 0" in said.text_content(), "no doubles"


def test_digits_that_excel_made_numbers_of_are_read() -> None:
    sheet = [["避難先名称", "災害種別"], ["甲", "168.0"], ["乙", "1,3"], ["丙", ""], ["丁", "9"]]
    made = adapted("shelters", sheet, {}).sheet
    columns = {name: place for place, name in enumerate(made[0])}
    flood, surge = columns["災害種別_洪水"], columns["災害種別_高潮"]
    assert [row[flood] for row in made[1:]] == ["1", "1", "", "9"]
    assert [row[surge] for row in made[1:]] == ["", "1", "", ""]


def test_states_are_read_as_words_and_as_digits() -> None:
    rows = [line.split(",") for line in FACILITIES.strip().splitlines()]
    found = {one.id: one.state for one in facilities(rows)}
    assert found == {
        "S-1": FacilityState.OPEN,
        "S-2": FacilityState.FULL,
        "S-3": FacilityState.NOT_OPEN,
        "S-4": FacilityState.NOT_OPEN,
    }
    rows[1][-2] = "混雑"
    assert facilities(rows)[0].state is None


async def test_questions_without_names_get_one_and_are_not_doubled(office: Office) -> None:
    desk = await office.at_desk(Role.EDITOR, "relations")
    [held] = [
        one
        for one in office.app.state.folder.answers
        if (one.name, one.language) == ("bulky", "ja")
    ]
    rows: list[list[object]] = [
        ["よくある質問", "", "", ""],
        ["番号", "分類", "質問内容", "回答内容"],
        [1, "窓口", "住民票はどこで取れますか", "市民課の窓口です。"],
        [2, "〃", "犬の登録は？", "環境課へ。"],
        [3, "ごみ", held.question, "新しい答え"],
    ]
    page = await upload(desk, "questions", ("faq.xlsx", workbook(rows, ["A1:D1"])))
    assert page.status == 200, page.words
    [said] = page.tree.xpath("//*[@data-testid='difference']")
    assert "新規: 2" in said.text_content() and "変更: 1" in said.text_content()
    assert "分類" in page.words, "the column that is left out is named"
    await take(desk, page, "questions")
    answers = [one for one in office.app.state.folder.answers if one.language == "ja"]
    assert {one.text for one in answers if one.name == "bulky"} == {"新しい答え"}
    [dog] = [one for one in answers if one.question == "犬の登録は？"]
    assert dog.name.startswith("faq-")
    # Another order, other numbers, another width: the same questions.
    again: list[list[object]] = [
        rows[1],
        [7, "", "犬の登録は？", "環境課へ。"],
        [9, "", "住民票はどこで取れますか", "支所でも。"],
    ]
    page = await upload(desk, "questions", ("faq2.xlsx", workbook(again)))
    [said] = page.tree.xpath("//*[@data-testid='difference']")
    assert "新規: 0" in said.text_content() and "変更: 1" in said.text_content()


async def test_names_of_questions_that_are_names_stay(office: Office) -> None:
    desk = await office.at_desk(Role.EDITOR, "relations")
    rows = "ID,質問,回答\ndogs,犬の登録は？,環境課へ。\n"
    page = await upload(desk, "questions", ("faq.csv", rows.encode()))
    await take(desk, page, "questions")
    assert [
        one.name for one in office.app.state.folder.answers if one.question == "犬の登録は？"
    ] == ["dogs"]


async def test_kinds_of_5374_are_taken_in(office: Office) -> None:
    desk = await office.at_desk(Role.EDITOR, "waste")
    looks = (
        "label,sublabel,description,styles,bgcolor\n"
        "燃やせるごみ,,生ごみなど,x,#fff\n小型家電,,,x,#000\n"
    )
    page = await upload(desk, "waste-kinds", ("description.csv", looks.encode()))
    assert page.status == 200, page.words
    await take(desk, page, "waste-kinds")
    names = [one.names["ja"] for one in office.app.state.folder.calendar.kinds]
    assert names.count("小型家電") == 1
    assert names.count("燃やせるごみ") == 1, "known before"


async def test_a_hundred_thousand_rows_are_refused_with_a_sentence(office: Office) -> None:
    desk = await office.at_desk(Role.EDITOR, "relations")
    rows = "質問,回答\n" + "問い,答え\n" * 100_000
    page = await upload(desk, "questions", ("faq.csv", rows.encode()))
    assert page.status == 400 and "10,000" in page.words
    assert await office.rows(WordVersion) == []


async def test_a_formula_leaves_its_row_out(office: Office) -> None:
    desk = await office.at_desk(Role.EDITOR, "relations")
    rows = '質問,回答\n=HYPERLINK("http://evil.example"),答え\n犬は？,環境課\n'
    page = await upload(desk, "questions", ("faq.csv", rows.encode()))
    [said] = page.tree.xpath("//*[@data-testid='difference']")
    assert "新規: 1" in said.text_content()
