"""An office changes the city's own words: looked at, checked, saved, undone, from a day on."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlmodel import col, select

from app.own_words import WordsNow
from console.models import Role
from core.audit import AuditEntry
from core.clock import in_japan
from core.own_words import WordVersion
from tests.support.office import Browser, Office, Page
from tests.support.project import SAMPLE_CITY
from tests.support.sheets import workbook
from tests.support.translator import translator
from tests.support.word_files import take, upload

ITEMS, EXCEPTIONS = "/console/words/items", "/console/words/exceptions"
ITEM = f"{ITEMS}/row?key=%E7%94%9F%E3%81%94%E3%81%BF"  # 生ごみ
SCRIPT = '<script>alert(1)</script>"><img src=x>'


def today(office: Office) -> date:
    return in_japan(office.clock.now()).date()


async def saved(desk: Browser, page: Page, part: str) -> Page:
    """Press "Save" on the page that shows the difference."""
    assert page.status == 200, page.words
    return await desk.submit(page, f"/console/words/{part}/row", do="save")


def advice(office: Office, name: str) -> str:
    folder = office.app.state.folder
    return next((one.advice for one in folder.calendar.items if one.name == name), "")


async def test_a_word_is_changed_looked_at_saved_and_undone(office: Office) -> None:
    desk = await office.at_desk(Role.EDITOR, "waste")
    before = advice(office, "生ごみ")
    page = await desk.get(ITEM)
    fields = {"c:出し方": "新聞紙に包んで出してください。", "note": "要望"}
    page = await desk.submit(page, f"{ITEMS}/row", do="look", **fields)
    assert "新聞紙に包んで" in page.words and before in page.words
    assert "新聞紙に包んで" in page.tree.get_element_by_id("main").text_content()
    assert page.tree.find_class("phone"), "as the phone shows it"
    assert advice(office, "生ごみ") == before, "only looked at"
    page = await saved(desk, page, "items")
    assert page.status == 200, page.words
    assert advice(office, "生ごみ") == "新聞紙に包んで出してください。"
    [entry] = [one for one in await office.rows(AuditEntry) if one.subject == "words:items/生ごみ"]
    assert entry.actor == "waste@city.example"
    [change] = entry.detail["changes"]
    assert (change["before"]["出し方"], change["after"]["出し方"]) == (
        before,
        "新聞紙に包んで出してください。",
    )
    page = await desk.get(ITEM)
    page = await desk.submit(page, f"{ITEMS}/undo")
    assert page.status == 200, page.words
    assert advice(office, "生ごみ") == before
    assert [one.action for one in await office.rows(AuditEntry)][-1] == "words.undone"


async def test_a_row_is_added_searched_and_taken_away(office: Office) -> None:
    desk = await office.at_desk(Role.EDITOR, "waste")
    page = await desk.get(f"{ITEMS}/row")
    fields = {"c:品目": "モバイルバッテリー", "c:分別区分": "有害ごみ", "c:出し方": "窓口へ"}
    refused = await desk.submit(page, f"{ITEMS}/row", do="look", **fields)
    assert refused.status == 400 and "有害ごみ" in refused.words, "there is no such kind"
    page = await desk.submit(refused, f"{ITEMS}/row", do="look", **{"c:分別区分": "unburnable"})
    await saved(desk, page, "items")
    assert advice(office, "モバイルバッテリー") == "窓口へ"
    listed = await desk.get(f"{ITEMS}?q=%E3%83%A2%E3%83%90%E3%82%A4%E3%83%AB")
    assert "モバイルバッテリー" in listed.words and "生ごみ" not in listed.words
    again = await desk.get(f"{ITEMS}/row")
    again = await desk.submit(again, f"{ITEMS}/row", do="look", **{**fields, "c:分別区分": "cans"})
    assert again.status == 400, "it is there already"
    page = await desk.get(f"{ITEMS}/row?key=%E7%94%9F%E3%81%94%E3%81%BF")
    page = await desk.submit(page, f"{ITEMS}/row", do="look", change="gone")
    await saved(desk, page, "items")
    assert advice(office, "生ごみ") == ""


async def test_it_holds_from_its_day_on(office: Office) -> None:
    desk = await office.at_desk(Role.EDITOR, "waste")
    day = today(office) + timedelta(days=10)
    before = advice(office, "生ごみ")
    page = await desk.get(ITEM)
    fields = {"c:出し方": "来月から", "holds_from": day.isoformat()}
    page = await desk.submit(page, f"{ITEMS}/row", do="look", **fields)
    await saved(desk, page, "items")
    assert advice(office, "生ごみ") == before
    assert day.isoformat() in (await desk.get(f"{ITEMS}?only=later")).words
    office.clock.ahead += timedelta(days=10)
    await office.app.state.own_words.refresh()
    assert advice(office, "生ごみ") == "来月から"


@pytest.mark.parametrize("day", ["2020-01-01", "2999-01-01", "soon"])
async def test_a_day_that_cannot_be_is_refused_and_nothing_typed_is_lost(
    office: Office, day: str
) -> None:
    desk = await office.at_desk(Role.EDITOR, "waste")
    page = await desk.get(ITEM)
    fields = {"c:出し方": SCRIPT, "holds_from": day}
    page = await desk.submit(page, f"{ITEMS}/row", do="save", **fields)
    assert page.status == 400
    assert page.form(f"{ITEMS}/row")["c:出し方"] == SCRIPT
    assert SCRIPT not in page.body
    assert await office.rows(WordVersion) == []


async def test_two_people_edit_one_word_and_the_second_sees_what_the_first_did(
    office: Office,
) -> None:
    one = await office.at_desk(Role.EDITOR, "one")
    two = await office.at_desk(Role.EDITOR, "two")
    page, other = await one.get(ITEM), await two.get(ITEM)
    page = await one.submit(page, f"{ITEMS}/row", do="save", **{"c:出し方": "一人目"})
    assert page.status == 200, page.words
    mine = await two.submit(other, f"{ITEMS}/row", do="save", **{"c:出し方": "二人目"})
    assert mine.status == 409
    assert "one@city.example" in mine.words and "一人目" in mine.words
    assert mine.form(f"{ITEMS}/row")["c:出し方"] == "二人目"
    assert advice(office, "生ごみ") == "一人目"
    mine = await two.submit(mine, f"{ITEMS}/row", do="save")
    assert mine.status == 200, mine.words
    assert advice(office, "生ごみ") == "二人目"


async def test_the_same_form_saves_once(office: Office) -> None:
    desk = await office.at_desk(Role.EDITOR, "waste")
    page = await desk.get(ITEM)
    for _ in range(2):
        again = await desk.submit(page, f"{ITEMS}/row", do="save", **{"c:出し方": "一度"})
        assert again.status == 200, again.words
    assert len(await office.rows(WordVersion)) == 1


async def test_languages_that_are_missing_or_older_are_shown(office: Office) -> None:
    desk = await office.at_desk(Role.EDITOR, "relations")
    address = "/console/words/questions"
    listed = await desk.get(f"{address}?only=missing")
    assert "bulky" in listed.words, "it is not in all 16 languages"
    page = await desk.get(f"{address}/row?key=bulky")
    page = await desk.submit(page, f"{address}/row", do="save", **{"c:質問": "粗大ごみは？"})
    assert page.status == 200, page.words
    page = await desk.get(f"{address}/row?key=bulky")
    assert page.words.count("日本語より古い") >= 2, "English and easy Japanese"
    page = await desk.submit(page, f"{address}/row", do="save", **{"c:質問_en": "Large rubbish?"})
    answers = office.app.state.folder.answers
    assert {one.question for one in answers if one.name == "bulky"} >= {
        "粗大ごみは？",
        "Large rubbish?",
    }


async def test_a_spreadsheet_as_it_comes_shows_its_difference_first(office: Office) -> None:
    """Title above, merged cells, an era's year, full-width digits, names for codes."""
    desk = await office.at_desk(Role.EDITOR, "waste")
    sheet = workbook(
        [
            ["令和８年度　年末年始の収集"],
            [],
            ["日付", "まで", "地区", "区分", "変更", "振替先", "担当者"],
            ["令和8年12月31日", "R9.1.3", "全市", "", "休止", "", "田中"],
            ["２０２７年１月１日", "", "中央地区", "燃やせるごみ", "振替", date(2027, 1, 4), ""],
            ["2027/1/2", "", "中央地区", "金塊", "休み", "", ""],
        ],
        merged=["A1:F1"],
    )
    page = await upload(desk, "exceptions", ("nenmatsu.xlsx", sheet))
    assert page.status == 200, page.words
    assert "担当者" in page.words, "a column that is left out is named"
    assert "金塊" in page.words and "除外" in page.words, "a row with a mistake is left out"
    assert await office.rows(WordVersion) == [], "nothing changes by looking"
    page = await take(desk, page, "exceptions")
    assert page.status == 200, page.words
    calendar = office.app.state.folder.calendar
    monday = {kind.code for kind in calendar.collected("chuo", date(2027, 1, 4))}
    assert "burnable" in monday
    [moved] = await office.rows(WordVersion)
    assert moved.key.startswith("2027-01-01") and moved.batch
    kept = {one.key for one in await office.rows(WordVersion) if one.cells is None}
    assert kept == set(), "rows that the file does not have stay"


async def test_a_file_is_undone_as_a_whole(office: Office) -> None:
    desk = await office.at_desk(Role.EDITOR, "waste")
    rows = "品目,よみ,分別区分,出し方\nあ,あ,burnable,x\nい,い,びん・かん,y\n生ごみ,,burnable,z\n"
    page = await upload(desk, "items", ("items.csv", rows.encode("cp932")))
    page = await take(desk, page, "items")
    assert [advice(office, name) for name in ("あ", "い", "生ごみ")] == ["x", "y", "z"]
    page = await desk.get(ITEM)
    page = await desk.submit(page, f"{ITEMS}/undo")
    assert page.status == 200, page.words
    assert [advice(office, name) for name in ("あ", "い")] == ["", ""]
    assert advice(office, "生ごみ") != "z"


async def test_rows_that_the_file_does_not_have_go_only_if_asked(office: Office) -> None:
    desk = await office.at_desk(Role.EDITOR, "waste")
    rows = "type,name,notice,furigana\nburnable,生ごみ,水気を切る,なまごみ\n"
    page = await upload(desk, "items", ("target.csv", rows.encode()))
    page = await take(desk, page, "items", gone="yes")
    assert [one.name for one in office.app.state.folder.calendar.items] == ["生ごみ"]


async def test_a_difference_that_is_old_is_shown_again(office: Office) -> None:
    desk = await office.at_desk(Role.EDITOR, "waste")
    rows = "品目,分別区分,出し方\n生ごみ,burnable,表から\n"
    look = await upload(desk, "items", ("items.csv", rows.encode()))
    page = await desk.get(ITEM)
    await desk.submit(page, f"{ITEMS}/row", do="save", **{"c:出し方": "同僚"})
    again = await take(desk, look, "items")
    assert again.status == 400 and "同僚" in again.words
    assert advice(office, "生ごみ") == "同僚"
    done = await take(desk, again, "items")
    assert done.status == 200 and advice(office, "生ごみ") == "表から"


FORMULAS = workbook([["品目", "分別区分", "出し方"], *([["=A1", "=B1", "=C1"]] * 5)])
MANY = "品目,分別区分,出し方\n" + "".join(f"物{n},burnable,x\n" for n in range(100_000))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "ファイルを選んでください"),
        (b"PK\x03\x04 no zip at all", "読めません"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 old", "xls"),
        ("なまえ,とし\n山田,3\n".encode(), "品目"),
        (MANY.encode(), "10,000"),
        (FORMULAS, "数式"),
        (b"x" * 5_300_000, "大きすぎ"),
    ],
)
async def test_each_bad_file_has_its_sentence(office: Office, content: bytes, said: str) -> None:
    desk = await office.at_desk(Role.EDITOR, "waste")
    page = await upload(desk, "items", ("file.xlsx", content))
    assert page.status == 400
    [refusal] = page.tree.xpath("//*[@data-testid='refusal']")
    assert said in refusal.text_content()
    assert await office.rows(WordVersion) == []


async def test_lines_drawn_far_below_the_last_row_are_no_rows(office: Office) -> None:
    desk = await office.at_desk(Role.EDITOR, "waste")
    book = workbook([["品目", "分別区分"], ["石油ストーブ", "burnable"]], lines_to=10_100)
    page = await upload(desk, "items", ("items.xlsx", book))
    assert page.status == 200, page.words
    [said] = page.tree.xpath("//*[@data-testid='difference']")
    assert "新規: 1" in said.text_content()


async def test_an_address_puts_no_words_into_a_page(office: Office) -> None:
    desk = await office.at_desk(Role.EDITOR, "waste")
    page = await desk.get(f"{ITEMS}?done=Call+0120-000-000&page={'9' * 5000}")
    assert (page.status, "0120" in page.words) == (200, False)


async def test_a_formula_in_a_csv_is_no_word_of_the_city(office: Office) -> None:
    desk = await office.at_desk(Role.EDITOR, "waste")
    rows = '品目,分別区分,出し方\n悪,burnable,"=HYPERLINK(""http://x"")"\n'
    page = await upload(desk, "items", ("items.csv", rows.encode()))
    assert page.status == 200
    page = await take(desk, page, "items")
    assert page.status == 400 and await office.rows(WordVersion) == []


async def test_what_is_taken_out_comes_in_again_unchanged(office: Office) -> None:
    desk = await office.at_desk(Role.EDITOR, "waste")
    parts = (*("exceptions", "days", "items", "waste-kinds", "questions", "shelters", "children"),)
    for part in parts:
        taken = await desk.get(f"/console/words/{part}/rows.csv")
        assert taken.headers["Content-Type"].startswith("text/csv")
        page = await upload(desk, part, ("again.csv", taken.body.encode()))
        assert page.status == 200, (part, page.words)
        [said] = page.tree.xpath("//*[@data-testid='difference']")
        assert "新規: 0" in said.text_content() and "変更: 0" in said.text_content(), part


async def test_files_of_5374_are_taken_in_with_their_days(office: Office) -> None:
    desk = await office.at_desk(Role.EDITOR, "waste")
    days = "地名,センター,燃やせるごみ,びん・かん\n中央地区,,月 木,水1 水3\nどこか,,月,火\n"
    page = await upload(desk, "days", ("area_days.csv", days.encode()))
    assert page.status == 200, page.words
    assert "どこか" in page.words, "a place that is no district is named"
    await take(desk, page, "days")
    calendar = office.app.state.folder.calendar
    now_on = [one for one in calendar.days if one.valid is None or one.valid.last == date.max]
    rules = {one.kind: one for one in now_on if one.district == "chuo"}
    assert rules["burnable"].weekdays == (0, 3)
    assert (rules["cans"].weekdays, rules["cans"].weeks) == ((2,), (1, 3))
    assert rules["plastic"].weekdays == (3,), "what the file does not name stays"


async def test_another_process_takes_it_in(office: Office) -> None:
    """Two processes with one database: the second looks and has it."""
    other = WordsNow(office.context, office.folder, SAMPLE_CITY)
    assert (await other.refresh()) is office.folder
    desk = await office.at_desk(Role.EDITOR, "waste")
    page = await desk.get(ITEM)
    await desk.submit(page, f"{ITEMS}/row", do="save", **{"c:出し方": "別の過程"})
    after = await other.refresh()
    assert "別の過程" in {one.advice for one in after.calendar.items}


async def test_who_may_only_look_changes_nothing(office: Office) -> None:
    desk = await office.at_desk(Role.VIEWER, "viewer")
    page = await desk.get(ITEM)
    assert page.status == 200
    csrf = page.form(f"{ITEMS}/row")["csrf"]
    refused = await desk.post(f"{ITEMS}/row", {"csrf": csrf, "key": "生ごみ", "do": "save"})
    assert refused.status == 403
    async with office.database.reading() as session:
        assert await session.scalar(select(col(WordVersion.id))) is None


async def test_a_department_changes_its_own_words_alone(office: Office) -> None:
    desk = await office.at_desk(Role.DEPARTMENT, "officer", "waste")
    page = await desk.get(ITEM)
    page = await desk.submit(page, f"{ITEMS}/row", do="save", **{"c:出し方": "課から"})
    assert page.status == 200 and advice(office, "生ごみ") == "課から"
    address = "/console/words/questions"
    page = await desk.get(f"{address}/row?key=bulky")
    refused = await desk.submit(page, f"{address}/row", do="save", **{"c:質問": "ほかの課"})
    assert refused.status == 400 and "別の課" in refused.words
    assert (await desk.get(f"{address}/spreadsheet")).status == 400
    assert len(await office.rows(WordVersion)) == 1


async def test_telephone_numbers_change_for_the_conversation_at_once(office: Office) -> None:
    desk = await office.at_desk(Role.ADMIN, "admin")
    address = "/console/words/offices"
    page = await desk.get(f"{address}/row?key=roads")
    page = await desk.submit(page, f"{address}/row", do="save", **{"c:電話番号": "029-111-2222"})
    assert page.status == 200, page.words
    [roads] = [one for one in office.context.city.departments if one.code == "roads"]
    assert roads.phone == "029-111-2222"
    rows = "コード,ja\nnew,新しい課\n"
    page = await upload(desk, "offices", ("offices.csv", rows.encode()))
    assert "追加・削除" in page.words, "a department is not made here"


async def test_a_machine_s_draft_is_to_begin_from_and_keeps_numbers(office: Office) -> None:
    """English keeps the number and is put in; Thai loses it; Nepali the machine does not have."""
    desk = await office.at_desk(Role.EDITOR, "relations")
    address = "/console/words/questions"
    page = await desk.get(f"{address}/row?key=bulky")
    assert "機械翻訳" not in page.words, "without a translator there is no button"
    async with translator(office, {"en": "Call 5 days before.", "th": "โทรก่อน"}):
        page = await desk.get(f"{address}/row?key=bulky")
        fields = {"c:質問": "5日前に電話", "c:回答": "5日前に電話"}
        page = await desk.submit(page, f"{address}/row", do="draft", **fields)
        assert page.status == 200, page.words
        form = page.form(f"{address}/row")
        assert form["c:質問_en"] == form["c:回答_en"] == "Call 5 days before."
        assert not form["c:質問_th"]
        said = page.tree.xpath("string(//*[@data-testid='drafted'])")
        assert "英語" in said and "タイ語" in said and "数字" in said and "ネパール語" in said
        assert await office.rows(WordVersion) == [], "nothing is saved by drafting"
        page = await desk.submit(page, f"{address}/row", do="save")
    assert page.status == 200, page.words
    [saved] = await office.rows(WordVersion)
    assert saved.cells["質問_en"] == "Call 5 days before."
