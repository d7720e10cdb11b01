"""What residents type becomes a place, in every way of writing; the ministry's file is read."""

from __future__ import annotations

import shutil
from pathlib import Path
from time import thread_time

import pytest

from city.faults import FolderFault
from city.folder import CityFolder, check_city, load_folder
from city.gazetteer import place_key, read_gazetteer
from tests.support.project import SAMPLE_CITY

# The header and the first row of the ministry's description, with another town.
PUBLISHED = (
    '"都道府県名","市区町村名","大字・丁目名","小字・通称名","街区符号・地番","座標系番号",'
    '"Ｘ座標","Ｙ座標","緯度","経度","住居表示フラグ","代表フラグ","更新前履歴フラグ",'
    '"更新後履歴フラグ"\r\n'
    '"茨城県","つくば市","大字岩根","下桶","126","9","164065.1","43616.6","36.082000",'
    '"140.110000","0","1","0","0"\r\n'
    '"茨城県","つくば市","大字岩根","下桶","126","9","164065.1","43616.6","36.182000",'
    '"140.110000","0","0","0","0"\r\n'
    '"茨城県","つくば市","大字岩根","下桶","127","9","164065.1","43616.6","36.182000",'
    '"140.110000","0","1","0","3"\r\n'
)


@pytest.fixture(scope="module")
def sample() -> CityFolder:
    return load_folder(SAMPLE_CITY)


@pytest.mark.parametrize(
    "written",
    [
        *("中央一丁目2番3号", "中央１丁目２番地の３", "中央１－２－３", "中央一の二の三"),
        *("茨城県つくば市中央1丁目2-3", "つくば市 中央 1 ー 2", "大字中央一丁目2番", "中央1‐2"),
        *("ちゅうおう1ちょうめ2ばん", "ﾁｭｳｵｳ１－２", "中央1-2-3", "Chuo 1-2-3", "chuo 1-chome 2"),
        *("1-2-3 Chuo", "1-2 Chūō, Tsukuba", "CHUO 1-2", "Chuo 1-chome 2-ban 3-go, Tsukuba City"),
    ],
)
def test_an_address_is_found_in_every_writing(sample: CityFolder, written: str) -> None:
    (place,) = sample.places.find(written).places
    assert place.name == "中央一丁目2番"


@pytest.mark.parametrize(
    ("written", "name"),
    [
        *(("中央駅", "中央駅"), ("ちゅうおうえき", "中央駅"), ("chuo station", "中央駅")),
        *(("Chūō Station", "中央駅"), ("市役所", "つくば市役所"), ("三国交差点", "三国交差点")),
        *(("研究の森駅の前の道", "研究の森駅"), ("hoshino post ofice", "星野郵便局")),
        *(("Tsukuba City Hall", "つくば市役所"), ("山の辺小学校", "山の辺小学校")),
        *(
            ("朝日1丁目の交差点", "朝日一丁目"),
            ("中央５丁目", "中央五丁目"),
            ("中央１丁目１１９番地", "中央一丁目"),
        ),
    ],
)
def test_a_landmark_is_found_by_what_people_call_it(
    sample: CityFolder, written: str, name: str
) -> None:
    assert [place.name for place in sample.places.find(written).places] == [name]


def test_several_towns_of_a_name_are_all_found(sample: CityFolder) -> None:
    found = sample.places.find("中央").places
    assert [place.name for place in found] == [f"中央{n}丁目" for n in "一二三四五"]


@pytest.mark.parametrize("written", ["土浦市大町1-1", "茨城県土浦市大町", "東京都千代田区1-1"])
def test_another_city_is_known_as_one(sample: CityFolder, written: str) -> None:
    assert sample.places.find(written).elsewhere


@pytest.mark.parametrize("written", ["", "?", "zzzz", "市民会館", "道路の穴", "中", "1", "-" * 500])
def test_what_is_no_place_is_none(sample: CityFolder, written: str) -> None:
    found = sample.places.find(written)
    assert (found.places, found.elsewhere) == ((), False)


def test_numerals_in_kanji_are_numbers() -> None:
    # 二十三 is 23; 一〇二 is 102 (the numerals of addresses, by position or with units).
    assert place_key("中央二十三番地") == "中央23"
    assert place_key("中央一〇二") == "中央102"
    assert place_key("中央十丁目") == place_key("中央10丁目") == "中央10"


@pytest.mark.parametrize("encoding", ["cp932", "utf-8", "utf-8-sig"])
def test_the_ministrys_file_is_read_as_it_is_published(tmp_path: Path, encoding: str) -> None:
    folder = Path(shutil.copytree(SAMPLE_CITY, tmp_path / "city"))
    (folder / "addresses" / "sample.csv").write_bytes(PUBLISHED.encode(encoding))
    assert check_city(folder) == []
    (place,) = load_folder(folder).places.find("岩根下桶126").places
    assert (place.name, place.latitude) == ("大字岩根下桶126番地", 36.082), (
        "the one that stands for it"
    )
    (town,) = load_folder(folder).places.find("岩根下桶127").places
    assert town.name == "大字岩根下桶", "127 was removed (更新後履歴フラグ 3)"


def test_faults_are_named_by_file_and_line(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(SAMPLE_CITY, tmp_path / "city"))
    marks = folder / "landmarks.csv"
    marks.write_text(marks.read_text("utf-8").replace("36.083400", "99.9"), "utf-8")
    rows = folder / "addresses" / "sample.csv"
    lines = rows.read_text("utf-8").splitlines()
    lines[2] = lines[2].replace("140.0", "14.0")
    lines[3] = "茨城県"
    rows.write_text("\n".join(lines), "utf-8")
    (folder / "addresses" / "odd.csv").write_text("大字・丁目名,緯度\n中央,36\n", "utf-8")
    found = [str(fault).removeprefix(f"{folder}/") for fault in check_city(folder)]
    assert [one.partition(" ")[0] for one in found] == [
        *("addresses/odd.csv:1:", "addresses/sample.csv:3:", "addresses/sample.csv:4:"),
        "landmarks.csv:2:",
    ]
    assert "経度" in found[0] and "緯度 and 経度" in found[1] and "Left out: the row" in found[3]
    assert load_folder(folder).places.find("中央駅").places, "the others are there"


def test_a_city_without_these_files_has_its_evacuation_sites(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(SAMPLE_CITY, tmp_path / "city"))
    (folder / "landmarks.csv").unlink()
    shutil.rmtree(folder / "addresses")
    assert check_city(folder) == []
    places = load_folder(folder).places
    assert places.find("山の辺小学校").places and not places.find("中央駅").places


def test_a_citys_file_of_addresses_is_read_at_the_start_in_a_moment(tmp_path: Path) -> None:
    """A city has 200,000 rows; most towns and numbers repeat."""
    header = "大字・丁目名,街区符号・地番,緯度,経度,住居表示フラグ\n"
    rows = [f"東山{n % 100}丁目,{n // 100},36.{n:06d},140.{n:06d},1\n" for n in range(50_000)]
    (tmp_path / "addresses").mkdir()
    (tmp_path / "addresses" / "08.csv").write_text(header + "".join(rows), encoding="utf-8")
    faults: list[FolderFault] = []
    begun = thread_time()
    places = read_gazetteer(tmp_path, [], [], None, faults)
    assert thread_time() - begun < 1, "0.3 s where it was measured"
    assert not faults
    (found,) = places.find("東山7丁目3").places
    assert (found.name, found.latitude) == ("東山7丁目3番", 36.000307)
