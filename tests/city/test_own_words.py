"""What offices lay over the folder: read and checked like files, and written out as files again."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import pytest

from city.chat import ChatRules
from city.city import WordGroup
from city.folder import CityFolder, check_city, load_folder
from city.own_words import FolderWords, Overlay
from city.word_parts import Cells
from city.word_tables import PARTS
from core.errors import BadInput
from tests.support.project import SAMPLE_CITY

TODAY = date(2026, 11, 30)
DAYS = "yamanobe / burnable"


@dataclass(frozen=True)
class Version:
    cells: Cells | None
    holds_from: date = TODAY
    of_folder: bool = False


@pytest.fixture(scope="module")
def base() -> CityFolder:
    return load_folder(SAMPLE_CITY)


@pytest.fixture(scope="module")
def words(base: CityFolder) -> FolderWords:
    return FolderWords(SAMPLE_CITY, base)


def test_rows_written_as_they_are_change_nothing(words: FolderWords, base: CityFolder) -> None:
    """Reading what was written gives the same city, for every part."""
    overlay: Overlay = {
        code: {key: [Version(cells)] for key, cells in words.own(part).items()}
        for code, part in PARTS.items()
        if not part.dated
    }
    assert all(words.own(part) for part in PARTS.values())
    after = words.laid_over(overlay, TODAY)
    assert after.calendar == base.calendar
    assert after.answers == base.answers
    assert after.shelters == base.shelters
    assert after.children == base.children
    assert after.city == base.city
    assert after.left_out == base.left_out


def test_collection_days_that_begin_later_are_seen_by_who_looks_ahead(words: FolderWords) -> None:
    """Mondays and Thursdays until March, Tuesdays from April on."""
    later = {**words.own(PARTS["days"])[DAYS], "曜日": "火"}
    overlay = {"days": {DAYS: [Version(later, date(2027, 4, 1))]}}
    calendar = words.laid_over(overlay, TODAY).calendar

    def collected(day: date) -> bool:
        return "burnable" in {kind.code for kind in calendar.collected("yamanobe", day)}

    assert collected(date(2027, 3, 29))  # Monday
    assert not collected(date(2027, 3, 30))
    assert not collected(date(2027, 4, 1))  # Thursday
    assert collected(date(2027, 4, 6))  # Tuesday


def test_other_words_wait_for_their_day(words: FolderWords) -> None:
    overlay = {"items": {"生ごみ": [Version(None, date(2027, 1, 1))]}}
    assert "生ごみ" in {one.name for one in words.laid_over(overlay, TODAY).calendar.items}
    later = words.laid_over(overlay, date(2027, 1, 1)).calendar.items
    assert "生ごみ" not in {one.name for one in later}


def test_the_folder_s_own_row_can_hold_again(words: FolderWords) -> None:
    own = words.own(PARTS["items"])["生ごみ"]
    versions = [Version({**own, "出し方": "別の言葉"}), Version(None, TODAY, of_folder=True)]
    items = words.laid_over({"items": {"生ごみ": versions}}, TODAY).calendar.items
    [item] = [one for one in items if one.name == "生ごみ"]
    assert item.advice == own["出し方"]


def test_rows_are_judged_as_the_folder_is(words: FolderWords) -> None:
    own = words.own(PARTS["exceptions"])
    bad = {"開始日": "31-12", "扱い": "やすみ", "分別区分": "gold"}
    found = words.faults(PARTS["exceptions"], {**own, "bad": bad}, {}, TODAY)
    assert {key: {why.code for why in reasons} for key, reasons in found.items()} == {
        "bad": {"value.day", "value.change", "there.no-kind"}
    }


def test_a_wrong_row_is_left_out_and_the_others_hold(words: FolderWords) -> None:
    """As when a kind of rubbish was taken away that a row names."""
    wrong = {"品目": "石", "分別区分": "gold", "出し方": "-"}
    right = {"品目": "本", "分別区分": "burnable", "出し方": "束ねる"}
    overlay = {"items": {"石": [Version(wrong)], "本": [Version(right)]}}
    after = words.laid_over(overlay, TODAY)
    assert {"本", "生ごみ"} <= {one.name for one in after.calendar.items}
    assert "石" not in {one.name for one in after.calendar.items}
    [fault] = after.left_out
    assert (fault.path, fault.message.code) == (
        SAMPLE_CITY / "collection/items.csv",
        "there.no-kind",
    )


def test_it_is_written_out_as_files_that_check(words: FolderWords, tmp_path: Path) -> None:
    days = {**words.own(PARTS["days"])[DAYS], "曜日": "火"}
    overlay: Overlay = {
        "days": {DAYS: [Version(days, date(2027, 4, 1))]},
        "questions": {"bulky": [Version(None)]},
        "exceptions": {"new": [Version({"開始日": "2027-01-04", "扱い": "収集"})]},
    }
    out = tmp_path / "out"
    changed = words.write_out(out, overlay, TODAY)
    assert {"collection/days.csv", "collection/exceptions.csv", "faq/bulky.ja.md"} <= set(changed)
    assert check_city(out) == check_city(SAMPLE_CITY) == []
    assert load_folder(out).calendar == words.laid_over(overlay, TODAY).calendar
    assert "bulky" not in {one.name for one in load_folder(out).answers}
    untouched = (out / "shelters.csv").read_bytes()
    assert untouched == (SAMPLE_CITY / "shelters.csv").read_bytes()


def test_files_of_5374_become_our_own_with_the_same_days(tmp_path: Path) -> None:
    """Weeks of the month, closures that move a week, days of their own and remarks."""
    folder = tmp_path / "city"
    shutil.copytree(SAMPLE_CITY, folder)
    (folder / "collection/days.csv").unlink()
    (folder / "collection/area_days.csv").write_text(
        "地名,センター,燃やせるごみ,びん・かん,プラスチック製容器包装\n"
        "山の辺地区,北,月 木,水2 水4 *1,20261229 20270106\n"
    )
    (folder / "collection/center.csv").write_text(
        "名称,休止開始日,休止終了日\n北,2026/12/29,2027/01/11\n"
    )
    (folder / "collection/remarks.csv").write_text("ID,注意事項\n1,朝8時まで\n")
    (folder / "collection/target.csv").write_text(
        "type,name,notice,furigana\n粗大ごみ,たんす,申し込む,たんす\n"
    )
    base = load_folder(folder)
    assert len(base.calendar.days) == 3 and any(rule.closed for rule in base.calendar.days)
    words = FolderWords(folder, base)
    changed = {"品目": "本", "分別区分": "burnable", "出し方": "束ねる"}
    after = words.laid_over({"items": {"本": [Version(changed)]}}, TODAY)
    # Without closures it does not matter what they would move.
    same = [replace(rule, shifts=rule.shifts and bool(rule.closed)) for rule in base.calendar.days]
    found = [
        replace(rule, shifts=rule.shifts and bool(rule.closed)) for rule in after.calendar.days
    ]
    assert found == same
    assert after.calendar.kinds == base.calendar.kinds
    assert [one.name for one in after.calendar.items] == [
        *(one.name for one in base.calendar.items),
        "本",
    ]


def test_names_and_numbers_of_city_toml_change_in_their_place(
    words: FolderWords, base: CityFolder, tmp_path: Path
) -> None:
    """Comments and order of the file stay; a text that is missing is added, one can go."""
    roads = words.own(PARTS["offices"])["roads"]
    topic = words.own(PARTS["topics"])["collection"]
    overlay: Overlay = {
        "offices": {"roads": [Version({**roads, "電話番号": "029-000-1111", "vi": "Phòng đường"})]},
        "topics": {
            "collection": [
                Version({k: v for k, v in topic.items() if k != "mn"} | {"ja": '"ごみ" # \\n'})
            ]
        },
    }
    city = words.laid_over(overlay, TODAY).city
    [office] = [one for one in city.departments if one.code == "roads"]
    assert (office.phone, office.names["vi"]) == ("029-000-1111", "Phòng đường")
    names = city.topic_by_code["collection"].names
    assert names["ja"] == '"ごみ" # \\n' and "mn" not in names
    assert city.sources == base.city.sources
    words.write_out(tmp_path / "out", overlay, TODAY)
    before = (SAMPLE_CITY / "city.toml").read_text().splitlines()
    after = (tmp_path / "out/city.toml").read_text().splitlines()
    assert len(after) == len(before) + 2 - 1
    assert len(set(before) - set(after)) == 2
    assert check_city(tmp_path / "out") == []


def test_what_is_written_in_another_way_is_left_to_a_person(tmp_path: Path) -> None:
    shutil.copytree(SAMPLE_CITY, tmp_path / "city")
    file = tmp_path / "city/city.toml"
    text = file.read_text()
    file.write_text(text.replace('email = "doro@city.example"', "email = 'doro@city.example'"))
    words = FolderWords(tmp_path / "city", load_folder(tmp_path / "city"))
    roads = {**words.own(PARTS["offices"])["roads"], "メール": "a@city.example"}
    with pytest.raises(BadInput, match="only a person"):
        words.laid_over({"offices": {"roads": [Version(roads)]}}, TODAY)


def test_every_group_is_read_and_named(words: FolderWords) -> None:
    assert {part.group for part in PARTS.values()} == set(WordGroup)


def test_an_evacuation_site_is_found_by_its_name_and_no_longer_by_the_old_one(
    words: FolderWords, base: CityFolder
) -> None:
    key, cells = next(iter(words.own(PARTS["shelters"]).items()))
    old, new = cells["名称"], "月見の新しい体育館"
    assert [one.name for one in base.places.find(old).places] == [old]
    overlay = {"shelters": {key: [Version({**cells, "名称": new})]}}
    places = words.laid_over(overlay, TODAY).places
    [found] = places.find(new).places
    assert (found.longitude, found.latitude) == (float(cells["経度"]), float(cells["緯度"]))
    assert old not in [one.name for one in places.find(old).places]
    # Addresses and the city's landmarks are found as before.
    landmark = base.places.landmarks[0]
    assert landmark in places.find(landmark.name).places
    assert [one.name for one in base.places.find(old).places] == [old], "the folder's own stay"


def test_ready_answers_of_the_chat_are_those_of_now(words: FolderWords, base: CityFolder) -> None:
    with_desk = replace(base, city=base.city.model_copy(update={"chat": ChatRules()}))
    desk = FolderWords(SAMPLE_CITY, with_desk)
    key, cells = next(iter(words.own(PARTS["ready-answers"]).items()))
    told = {**cells, "担当": "roads", "en": "One moment, please."}
    overlay = {"ready-answers": {key: [Version(told)], "bye": [Version({**told, "コード": "bye"})]}}
    chat = desk.laid_over(overlay, TODAY).city.chat
    assert chat is not None
    answers = {one.code: one for one in chat.ready}
    assert (answers[key].department, answers[key].texts["en"]) == ("roads", "One moment, please.")
    assert answers["bye"].texts["ja"] == cells["ja"]
    # Of a department that the city does not have: it is left out, and said.
    wrong = {"ready-answers": {key: [Version({**cells, "担当": "nobody"})]}}
    made = desk.laid_over(wrong, TODAY)
    assert made.city.chat is not None and key not in {one.code for one in made.city.chat.ready}
    assert [fault.message.code for fault in made.left_out][-1:] == ["there.no-department"]


def test_ready_answers_do_not_stand_in_the_citys_toml() -> None:
    with pytest.raises(ValueError, match=r"ready-answers\.csv"):
        ChatRules.model_validate({"ready": [{"code": "a", "texts": {"ja": "はい。"}}]})
