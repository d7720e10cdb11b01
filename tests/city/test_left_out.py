"""A fault in the city's folder outside of what warnings need stops no warning: the part is left
out, and reported.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from city.folder import BadCity, CityFolder, check_city, load_folder
from city.reasons import reason
from city.shelters import Hazard

SAMPLE = Path(__file__).parents[2] / "deploy" / "city"
CASE = Path(__file__).parents[3] / "shared/data/cases/shelters/one_row_without_coordinates.csv"
ROW = "36.183999,140.052211,32,,,,,,,,つくば市,1,1,,1,,1,1,,1,660,"
"""Position, designations and capacity of the first site, on line 2."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SAMPLE, tmp_path / "city"))


@pytest.fixture
def spoilt(folder: Path) -> Callable[..., tuple[CityFolder, list[str]]]:
    """Spoil a file, start on the folder, and return it with what ``check`` says."""

    def spoil(name: str, *changes: tuple[str, str]) -> tuple[CityFolder, list[str]]:
        path = folder / name
        text = path.read_text("utf-8-sig")
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new, 1)
        path.write_text(text, "utf-8")
        said = [str(fault).removeprefix(f"{folder}/") for fault in check_city(folder)]
        return load_folder(folder), said

    return spoil


def test_a_row_without_coordinates_is_left_out_and_all_others_stay(folder: Path) -> None:
    if not CASE.exists():
        pytest.skip("the cases that went wrong are not beside this folder")
    shutil.copy(CASE, folder / "shelters.csv")
    content = load_folder(folder)
    assert len(content.shelters) == 30
    assert "座標なし" not in {shelter.name for shelter in content.shelters}
    assert [(fault.path.name, fault.line) for fault in content.left_out] == [
        ("shelters.csv", 32),
        ("shelters.csv", 32),
    ]
    assert all("Left out: the site" in str(fault) for fault in check_city(folder))


@pytest.mark.parametrize(
    ("changed", "hazards", "capacity"),
    [
        (
            "３６．１８３９９９,１４０．０５２２１１,32,,,,,,,,つくば市,１,○,×,有,無,TRUE,1.0,,1,約300人,",
            5,
            300,
        ),
        (
            "36.183999,140.052211,32,,,,,,,,つくば市,◯,〇,－,はい,FALSE,あり,true,×,○,１，２００名程度,",
            5,
            1200,
        ),
        (" 36.183999 , 140.052211 ,32,,,,,,,,つくば市,1,1,,1,,1,1,,1,300.0,", 5, 300),
    ],
)
def test_what_cities_write_is_read_as_what_they_mean(
    spoilt: Callable[..., tuple[CityFolder, list[str]]], changed: str, hazards: int, capacity: int
) -> None:
    content, said = spoilt("shelters.csv", (ROW, changed))
    assert said == []
    first = content.shelters[0]
    assert (first.longitude, first.latitude) == (140.052211, 36.183999)
    expected = {Hazard.FLOOD, Hazard.LANDSLIDE, Hazard.EARTHQUAKE, Hazard.FIRE, Hazard.INLAND_FLOOD}
    assert first.hazards == expected and len(first.hazards) == hazards
    assert first.capacity == capacity
    assert first.also_shelter


@pytest.mark.parametrize(
    ("old", "new", "line", "gone", "sites"),
    [
        (ROW, ROW.replace("36.183999,140.052211", ","), 2, "the site", 29),
        (ROW, ROW.replace("36.183999,140.052211", "140.052211,36.183999"), 2, "the site", 29),
        (",660,", ",300～500,", 2, "想定収容人数", 30),
        (",1,1,,1,,1,1,,1,660", ",△,1,,1,,1,1,,1,660", 2, "災害種別_洪水", 30),
        ("山の辺小学校,", '"山の辺小学校,', 2, "the row", 29),
        ("082201,0002,", "082201,0001,", 3, "its ID", 30),
        (",災害種別_内水氾濫,", ",内水,", 1, "every site's 災害種別_内水氾濫", 30),
        ("架空の施設（見本）", "架空の施設（見本）,余分", 2, "the row", 29),
        ("架空の施設（見本）", "架空の施設（見本）,,,", None, "", 30),
        (",災害種別_洪水,", ",追加の列,災害種別_洪水,", None, "", None),
    ],
)
def test_a_mistake_costs_a_value_or_a_site_and_never_the_file(
    spoilt: Callable[..., tuple[CityFolder, list[str]]],
    old: str,
    new: str,
    line: int | None,
    gone: str,
    sites: int | None,
) -> None:
    content, said = spoilt("shelters.csv", (old, new))
    if sites is not None:
        assert len(content.shelters) == sites
    if line is not None:
        assert any(
            s.startswith(f"shelters.csv:{line}: ") and f"Left out: {gone}." in s for s in said
        )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932"])
def test_windows_line_ends_marks_and_shift_jis_are_taken(folder: Path, encoding: str) -> None:
    path = folder / "shelters.csv"
    lines = path.read_text("utf-8-sig").splitlines()
    path.write_bytes("\r\n\r\n".join(lines).replace("〜", "～").encode(encoding))
    assert load_folder(folder).shelters == load_folder(SAMPLE).shelters


@pytest.mark.parametrize("name", ["shelters.csv", "collection/kinds.csv", "collection/days.csv"])
@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00\x81", b"a,b\n1,2\n", b"\x00" * 100, None])
def test_no_file_of_rubbish_or_shelters_stops_the_service(
    folder: Path, name: str, content: bytes | None
) -> None:
    if content is None:
        (folder / name).unlink()
    else:
        (folder / name).write_bytes(content)
    loaded = load_folder(folder)
    assert loaded.city.topics
    assert {fault.path.name for fault in loaded.left_out} >= {Path(name).name}


@pytest.mark.parametrize(
    ("name", "old", "new", "gone"),
    [
        ("city.toml", 'names.ja = "火災"', 'names.ja = "火災"\nnames.jp = "火災"', "'jp'"),
        ("city.toml", "digest_hour = 18", "digest_hour = 25", "'digest_hour'"),
        ("city.toml", "digest_hour = 18", "digset_hour = 18", "'digset_hour'"),
        ("city.toml", "dialogues = 30", "dialogues = 0", "'dialogues'"),
        ("city.toml", "start = 22:00:00", 'start = "ten"', "'start'"),
        ("city.toml", "kikikanri@city.example", "kikikanri", "'email'"),
        ("city.toml", 'department = "parks"', 'department = "park"', "the kind of report"),
        ("city.toml", '"es", "id"', '"es", "xx", "id"', "the language 'xx'"),
        ("city.toml", 'kind = "rss"', 'kind = "rdf"', "the source"),
        ("city.toml", "https://www.city.example/rss", "ftp://www.city.example/rss", "the source"),
        ("faq/rubbish.en.md", "# When", "When", "the question"),
        ("collection/days.csv", "月・木", "月曜・八", "the row"),
        ("collection/items.csv", "burnable", "burnabel", "the thing"),
    ],
)
def test_what_warnings_do_not_need_is_left_out(
    spoilt: Callable[..., tuple[CityFolder, list[str]]], name: str, old: str, new: str, gone: str
) -> None:
    content, said = spoilt(name, (old, new))
    assert any(s.startswith(f"{name}:") and f"Left out: {gone}" in s for s in said), said
    assert content.city.topics == load_folder(SAMPLE).city.topics
    assert any(source.kind == "jma" for source in content.city.sources)
    assert content.left_out


def test_only_the_bad_source_is_left_out_and_what_follows_is_named_with_its_own_line(
    folder: Path, spoilt: Callable[..., tuple[CityFolder, list[str]]]
) -> None:
    more = (
        '\n[[sources]]\ncode = "bad"\nkind = "rss"\nnames.ja = "だめ"\nurl = "ftp://x.example/"\n'
        '\n[[sources]]\ncode = "good"\nkind = "rss"\nnames.ja = "よい"\nnames.xx = "?"\n'
        'url = "https://x.example/feed"\n'
        '\n[[sources]]\ncode = "unsigned"\nkind = "cap"\nnames.ja = "無"\n'
        'url = "https://x.example/cap"\ncertificates = ["none.pem"]\n'
    )
    path = folder / "city.toml"
    path.write_text(path.read_text("utf-8") + more, "utf-8")
    content, said = spoilt("city.toml")
    codes = [source.code for source in content.city.sources]
    assert "good" in codes and "bad" not in codes and "unsigned" not in codes
    lines = path.read_text("utf-8").splitlines()
    for text in ('url = "ftp://x.example/"', 'names.xx = "?"', 'certificates = ["none.pem"]'):
        line = lines.index(text) + 1
        assert any(s.startswith(f"city.toml:{line}: ") for s in said), (text, said)
    assert len(said) == 3


def test_a_department_that_is_left_out_takes_its_kinds_of_report_along(
    spoilt: Callable[..., tuple[CityFolder, list[str]]],
) -> None:
    content, said = spoilt("city.toml", ('code = "parks"', 'code = "Pa rks"'))
    assert "parks" not in {one.code for one in content.city.departments}
    assert "parks" not in {one.department for one in content.city.report_categories}
    assert content.city.report_categories
    assert len(said) >= 2


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('municipality = "0822000"', 'municipality = "082201"'),
        ("emergency_level = 4", "emergency_levle = 4"),
        ('code = "tsunami"', 'code = "tidal-wave"'),
        ('"830303015200"', '"83030301520"'),
        ('"ja", "ja-x-easy"', '"ja-x-easy"'),
        ('line_name = "つくば市とどけ（見本）"', ""),
    ],
)
def test_what_warnings_need_stops_the_service(folder: Path, old: str, new: str) -> None:
    path = folder / "city.toml"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(BadCity):
        load_folder(folder)


def test_a_district_with_a_broken_outline_is_still_addressed_by_its_code(folder: Path) -> None:
    path = folder / "areas.geojson"
    document = json.loads(path.read_text("utf-8"))
    first, second, *_ = document["features"]
    first["geometry"] = None
    second["properties"]["names"]["xx"] = "?"
    path.write_text(json.dumps(document, ensure_ascii=False, indent=1), "utf-8")
    content = load_folder(folder)
    before = load_folder(SAMPLE).city.districts
    assert [d.code for d in content.city.districts] == [d.code for d in before]
    assert content.city.districts[0].names == before[0].names
    assert content.city.districts[0].polygons == ()
    assert {fault.left_out for fault in content.left_out} == {
        reason("part.outline"),
        reason("part.name-in", language="xx"),
    }
    # People inside it must not be told that they are outside the city.
    assert not content.city.is_outside(139.7, 35.7)
    assert load_folder(SAMPLE).city.is_outside(139.7, 35.7)


def test_a_topic_of_no_department_stays_a_topic(
    spoilt: Callable[..., tuple[CityFolder, list[str]]],
) -> None:
    content, said = spoilt("city.toml", ("[[topics]]\n", '[[topics]]\ndepartment = "nobody"\n'))
    topic = content.city.topics[0]
    assert (topic.code, topic.department) == ("evacuation", "")
    assert any("nobody" in line for line in said)
