"""``todoke check``: the IT person is told every mistake, with its file and line."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from city.collection import CollectionDay
from city.faults import FolderFault
from city.folder import BadCity, check_city, load_city, load_folder, redirect_sources
from city.reasons import reason
from city.shelters import Hazard
from core.errors import BadInput
from core.languages import LANGUAGES

SAMPLE = Path(__file__).parents[2] / "deploy" / "city"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the sample city, to be spoilt."""
    return Path(shutil.copytree(SAMPLE, tmp_path / "a city"))


@pytest.fixture
def spoilt(folder: Path) -> Callable[..., list[str]]:
    """Replace text in a file once and say what ``check_city`` finds, without the folder."""

    def spoil(name: str, *changes: tuple[str, str]) -> list[str]:
        path = folder / name
        text = path.read_text("utf-8")
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new, 1)
        path.write_text(text, "utf-8")
        return [str(fault).removeprefix(f"{folder}/") for fault in check_city(folder)]

    return spoil


def line_in(name: str, text: str) -> int:
    lines = (SAMPLE / name).read_text("utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


def test_the_sample_city_has_no_fault_and_all_that_the_design_lists() -> None:
    assert check_city(SAMPLE) == []
    content = load_folder(SAMPLE)
    city = content.city
    assert city.jma.municipality == "0822000"
    assert " ".join(topic.code for topic in city.topics) == (
        "evacuation weather earthquake tsunami fire lifeline crime child-watch traffic transit "
        "roadworks collection childcare health events business consultation city-news"
    )
    assert [t.code for t in city.topics if t.mandatory] == ["evacuation"]
    assert [t.code for t in city.topics if t.default] == [
        "evacuation",
        "weather",
        "earthquake",
        "tsunami",
        "lifeline",
    ]
    assert set(city.languages) == set(LANGUAGES)
    assert {source.kind for source in city.sources} == {"jma", "rss"}
    for names in [
        city.name,
        *(topic.names for topic in city.topics),
        *(district.names for district in city.districts),
        *(category.names for category in city.report_categories),
        *(kind.names for kind in content.calendar.kinds),
    ]:
        assert set(names) == set(LANGUAGES), names
    assert len(content.shelters) == 30
    assert content.calendar.items
    assert content.calendar.days
    assert content.answers


@pytest.mark.timed
def test_the_sample_city_is_loaded_within_100_ms() -> None:
    load_city(SAMPLE)
    began = time.perf_counter()
    load_city(SAMPLE)
    assert time.perf_counter() - began < 0.1


def test_every_point_of_the_sample_city_lies_in_one_district_only() -> None:
    city = load_city(SAMPLE)
    for x in range(60):
        for y in range(60):
            point = (140.035 + x * 0.0025, 36.01 + y * 0.0034)
            inside = [d.code for d in city.districts if d.contains(*point)]
            assert len(inside) == 1, point
    for shelter in load_folder(SAMPLE).shelters:
        home = city.district_at(shelter.longitude, shelter.latitude)
        assert home is not None
        assert shelter.name.startswith(home.names["ja"])


def test_areas_geojson_is_what_its_script_makes(folder: Path) -> None:
    import subprocess

    before = (folder / "areas.geojson").read_bytes()
    (folder / "areas.geojson").unlink()
    subprocess.run([sys.executable, folder / "make_areas.py"], check=True)
    assert (folder / "areas.geojson").read_bytes() == before


TOML_MISTAKES: list[tuple[str, str, str, str]] = [
    ('code = "tsunami"', 'code = "tidal-wave"', 'kind = "jma"', "on the topic 'tsunami', which"),
    ("digest_hour = 18", "digset_hour = 18", "digset_hour", "did you mean 'digest_hour'"),
    ("digest_hour = 18", "digest_hour = 25", "digest_hour", "less than or equal to 23"),
    ("digest_hour = 18", 'digest_hour = "18"', "digest_hour", "valid integer"),
    ("https://www.example.jp/privacy", "www.example.jp", "privacy_url", "begins with https://"),
    ("digest_hour = 18", 'liff_id = "my app"', "liff_id", "a LIFF id is such as 1234567890-"),
    ("digest_hour = 18", "[reminder_hours]\nmorning = 9", "morning = 9", "less than or equal to 7"),
    ('"es", "id"', '"es", "xx"', '"xx"', "'xx' is not one of our languages"),
    ('"es", "id"', '"es", "es"', '"es"', "more than once"),
    ("start = 22:00:00", 'start = "ten"', 'start = "ten"', "quiet_hours.start"),
    ('municipality = "0822000"', 'municipality = "082201"', "municipality", "jma.municipality"),
    ('"830303015200"', '"83030301520"', "rivers", "12 digits"),
    ('quake_threshold = "3"', 'quake_threshold = "5"', "quake_threshold", "5-"),
    ('code = "weather"', 'code = "evacuation"', "", "'evacuation' is there more than once"),
    ('code = "weather"', 'code = "We ather"', "We ather", "a-z"),
    ("emergency_level = 4", "emergency_levle = 4", "emergency_levle", "did you mean"),
    ("emergency_level = 4", "emergency_level = true", "level = true", "topics[2].emergency_level"),
    ('names.ja = "火災"', 'names.jp = "火災"', "names.jp", "'jp' is not one of our languages"),
    ('department = "parks"', 'department = "park"', 'ment = "park"', "did you mean 'parks'"),
    ('intensity = "5-"', 'intensity = "5"', 'intensity = "5"', "5-"),
    ('intensity = "6-"\n', "", "", "a call-up rule needs an intensity or a level"),
    ('["crisis", "roads"]', '["crisis", "road"]', '"road"', "did you mean 'roads'"),
    ('code = "level-4"', 'code = "quake-5-lower"', "", "more than once"),
    ("kikikanri@city.example", "kikikanri", '"kikikanri"', "not a mail address"),
    ('topic = "lifeline"', 'topic = "lifelines"', "lifelines", "did you mean 'lifeline'"),
    ('decision = "publish"', 'decision = "pubish"', "pubish", "decision"),
    ('kind = "rss"', 'kind = "rdf"', '"rdf"', "kind"),
    ('kind = "rss"', 'kind = "mail"', '"mail"', "a mail source needs hosts"),
    ('kind = "rss"', 'kind = "mail"', '"mail"', "a mail source needs senders"),
    ("https://www.city.example/rss", "ftp://www.city.example/rss", "ftp:", "https://"),
    ("https://www.city.example/rss", "https://a:b@c.example/rss", "a:b@", "password"),
    ("https://www.city.example/rss", "https:///rss", "https:///", "must be an address"),
    ("interval_seconds = 900", "interval_seconds = 1", "interval_seconds = 1", "interval"),
    ('words = ["中止", "延期"]', 'words = [" "]', 'words = [" "]', "fit everything"),
    ('words = ["中止", "延期"]', 'areas = ["chuou"]', "chuou", "did you mean 'chuo'"),
    ("dialogues = 30", "dialogues = 0", "dialogues", "at least 1 day"),
    (
        "[quiet_hours]",
        '[danger_words]\ndanger.ja = ["油漏れ"]\nharmless.ja = [ "油漏れ" ]\n[quiet_hours]',
        "harmless.ja",
        "stands under danger and under harmless",
    ),
    (
        "[quiet_hours]",
        '[danger_words]\nhurt.jaa = ["搬送"]\n[quiet_hours]',
        "hurt.jaa",
        "did you mean 'ja'",
    ),
    (
        "[quiet_hours]",
        '[danger_words]\ndanger.ja = [" "]\n[quiet_hours]',
        "danger.ja",
        "a word of danger has 2 to 60 characters",
    ),
    (
        "[quiet_hours]",
        '[danger_words]\nhurts.ja = ["搬送"]\n[quiet_hours]',
        "hurts.ja",
        "hurts",
    ),
    ('line_name = "つくば市とどけ（見本）"', "", "", "line_name is missing"),
]


@pytest.mark.parametrize(("old", "new", "at", "says"), TOML_MISTAKES)
def test_a_mistake_in_city_toml_is_named_with_its_line(
    folder: Path, spoilt: Callable[..., list[str]], old: str, new: str, at: str, says: str
) -> None:
    faults = spoilt("city.toml", (old, new))
    assert any(says in fault for fault in faults), faults
    if at:
        lines = (folder / "city.toml").read_text("utf-8").splitlines()
        line = next(number for number, text in enumerate(lines, 1) if at in text)
        assert any(fault.startswith(f"city.toml:{line}: ") for fault in faults), faults


def test_a_city_without_a_page_about_personal_data_is_reminded(folder: Path) -> None:
    toml = folder / "city.toml"
    lines = toml.read_text("utf-8").splitlines(keepends=True)
    toml.write_text("".join(one for one in lines if not one.startswith("privacy_url")), "utf-8")
    (fault,) = check_city(folder)
    assert fault.warning and fault.message.code == "missing.privacy"


def test_broken_toml_is_named_with_its_line(spoilt: Callable[..., list[str]]) -> None:
    faults = spoilt("city.toml", ("digest_hour = 18", "digest_hour = "))
    assert faults[0].startswith(f"city.toml:{line_in('city.toml', 'digest_hour')}: is not TOML")
    assert len(faults) == 1


def test_every_fault_of_every_file_is_said_at_once(
    folder: Path, spoilt: Callable[..., list[str]]
) -> None:
    spoilt("areas.geojson", ('"code": "chuo"', '"code": "CHUO"'))
    spoilt("shelters.csv", ("36.183999", "136.183999"), ("山の辺交流センター", ""))
    spoilt("collection/days.csv", ("月・木", "月曜・八"))
    spoilt("faq/rubbish.en.md", ("# When", "When"))
    faults = spoilt("city.toml", ("digest_hour = 18", "digest_hour = 99"), ('"lifeline"', '"x y"'))
    for expected in (
        "areas.geojson:9: a district's code",
        "shelters.csv:2: 緯度",
        "shelters.csv:3: 名称",
        "collection/days.csv:2: 曜日",
        "faq/rubbish.en.md:1: must begin with the question",
        "city.toml:",
        # the district that fell away is missed where it is used
        "'chuo' is not a district",
    ):
        assert any(expected in fault for fault in faults), (expected, faults)
    with pytest.raises(BadCity) as refused:
        load_city(folder)
    assert len(refused.value.faults) == len(faults)


def _feature(folder: Path, change: Callable[[dict[str, object]], None]) -> list[str]:
    path = folder / "areas.geojson"
    document = json.loads(path.read_text("utf-8"))
    change(document["features"][0])
    path.write_text(json.dumps(document, ensure_ascii=False, indent=1), "utf-8")
    return [str(fault.message) for fault in check_city(folder) if fault.path == path]


RING = [[140.0, 36.0], [140.1, 36.0], [140.1, 36.1], [140.0, 36.0]]


@pytest.mark.parametrize(
    ("geometry", "says"),
    [
        ({"type": "Point", "coordinates": [140.0, 36.0]}, "Polygon or MultiPolygon"),
        (None, "Polygon or MultiPolygon"),
        ({"type": "Polygon", "coordinates": []}, "no ring"),
        ({"type": "MultiPolygon", "coordinates": None}, "no coordinates"),
        ({"type": "Polygon", "coordinates": [RING[:3]]}, "at least 4"),
        ({"type": "Polygon", "coordinates": [[*RING[:3], [140.0, 36.01]]]}, "end where it begins"),
        ({"type": "Polygon", "coordinates": [[[y, x] for x, y in RING]]}, "longitude comes first"),
        ({"type": "Polygon", "coordinates": [[[2.0, 48.0]] * 4]}, "not in Japan"),
        ({"type": "Polygon", "coordinates": [[["140", 36]] * 4]}, "[longitude, latitude]"),
        ({"type": "Polygon", "coordinates": [[[140.0, 36.0]] * 4]}, "encloses nothing"),
        ({"type": "MultiPolygon", "coordinates": [[]]}, "no ring"),
    ],
)
def test_a_district_without_a_sound_outline_is_named(
    folder: Path, geometry: object, says: str
) -> None:
    messages = _feature(folder, lambda feature: feature.update(geometry=geometry))
    assert any(says in message for message in messages), messages


def test_a_multipolygon_with_a_hole_is_taken(folder: Path) -> None:
    hole = [[140.06, 36.02], [140.08, 36.02], [140.08, 36.04], [140.06, 36.02]]
    shape = {"type": "MultiPolygon", "coordinates": [[RING, hole], [RING]]}
    assert _feature(folder, lambda feature: feature.update(geometry=shape)) == []


def test_areas_that_are_not_geojson_at_all(folder: Path) -> None:
    path = folder / "areas.geojson"
    for text, line, says in (
        ('{"type": "FeatureCollection",\n "features": [}', 2, "is not JSON"),
        ("[]", 1, "FeatureCollection"),
        ('{"type": "FeatureCollection", "features": []}', 1, "no district"),
        ("[" * 100_000, None, "nested too deeply"),
    ):
        path.write_text(text, "utf-8")
        assert any(
            fault.line == line and says in str(fault.message)
            for fault in check_city(folder)
            if fault.path == path
        ), text[:40]
    path.unlink()
    assert any("cannot be read" in str(fault.message) for fault in check_city(folder))


def test_shelters_in_shift_jis_are_taken_and_said(folder: Path) -> None:
    path = folder / "shelters.csv"
    text = path.read_text("utf-8-sig")
    path.write_bytes(text.encode("cp932"))
    faults = check_city(folder)
    assert [(fault.path.name, fault.warning) for fault in faults] == [("shelters.csv", True)]
    assert "Shift_JIS" in str(faults[0].message)
    assert load_folder(folder).shelters == load_folder(SAMPLE).shelters
    path.write_bytes(text.encode("utf-8"))
    assert check_city(folder) == []
    path.write_bytes(b"\xff\xfe\x00\x81")
    assert any("neither UTF-8 nor Shift_JIS" in str(fault.message) for fault in check_city(folder))


def test_shelters_in_the_older_columns_are_taken(folder: Path) -> None:
    hazards = ",".join(f'"災害種別_{hazard}"' for hazard in Hazard)
    (folder / "shelters.csv").write_text(
        f"NO,名称,住所,緯度,経度,想定収容人数,{hazards}\n"
        '7,"体育館, 東",本町1,36.1,140.1,"1,200",1,,,1,,,,\n',
        "utf-8",
    )
    assert check_city(folder) == []
    (shelter,) = load_folder(folder).shelters
    assert (shelter.code, shelter.name, shelter.capacity) == ("7", "体育館, 東", 1200)
    assert shelter.hazards == {Hazard.FLOOD, Hazard.EARTHQUAKE}
    assert shelter.distance_m(140.1, 36.1) == 0
    assert shelter.distance_m(140.1, 36.2) == pytest.approx(11_119, rel=0.001)


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("災害種別_洪水", "災害種別_洪氷", 1, "'災害種別_洪水' is missing (did you mean"),
        ("名称_カナ", "名称", 1, "more than once"),
        (",1,1,,1,,1,1,", ",？,1,,1,,1,1,", 2, "1 or empty"),
        ("0002", "0001", 3, "more than once"),
        (",660,", ",many,", 2, "number of persons"),
        ("36.183999", "nan", 2, "degrees"),
        ("山の辺地区,", '山の辺地区,"javascript:alert(1)"', 2, "http"),
        ("架空の施設（見本）", '"架空の施設', 2, "is not CSV"),
    ],
)
def test_a_mistake_in_the_shelters_is_named_with_its_line(
    spoilt: Callable[..., list[str]], old: str, new: str, line: int, says: str
) -> None:
    faults = [fault for fault in spoilt("shelters.csv", (old, new)) if says in fault]
    assert faults
    if "not CSV" not in says:
        assert faults[0].startswith(f"shelters.csv:{line}: ")


def test_a_huge_file_is_refused_unread(folder: Path) -> None:
    (folder / "faq" / "rubbish.en.md").write_bytes(b"# q\n" + b"x" * 30_000)
    assert any("larger than" in str(fault) for fault in check_city(folder))


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("rubbish.en.md", f"# {'q' * 101}\nanswer", "the question is longer than 100"),
        ("rubbish.en.md", f"# q\n{'a' * 4501}", "the answer is longer than 4500"),
        ("ごみ.ja.md", "# q\nanswer", "must be named with at most 60 of A-Z"),
        (f"{'a' * 61}.ja.md", "# q\nanswer", "must be named with at most 60 of A-Z"),
    ],
)
def test_a_question_and_its_answer_fit_into_what_line_takes(
    folder: Path, name: str, text: str, says: str
) -> None:
    (folder / "faq" / name).write_text(text, "utf-8")
    assert [fault for fault in check_city(folder) if says in str(fault)]


def test_a_folder_that_is_none() -> None:
    nowhere = Path("no such folder")
    assert check_city(nowhere) == [FolderFault(nowhere, None, reason("missing.folder"))]
    with pytest.raises(BadCity):
        load_city(nowhere)


def test_collection_days_fall_on_the_weeks_of_the_month() -> None:
    first_and_third_friday = CollectionDay("chuo", "unburnable", (4,), (1, 3))
    june = [day for day in range(1, 31) if first_and_third_friday.falls_on(date(2026, 6, day))]
    assert june == [5, 19]


def test_the_demo_leads_sources_to_its_own_server() -> None:
    city = load_city(SAMPLE)
    other = redirect_sources(city, {"jma-extra": "http://127.0.0.1:9/extra.xml"})
    urls = {source.code: source.url for source in other.sources}
    assert urls["jma-extra"] == "http://127.0.0.1:9/extra.xml"
    assert urls["jma-eqvol"].startswith("https://www.data.jma.go.jp/")
    assert other.districts == city.districts
    with pytest.raises(BadInput, match="nothing-like-it"):
        redirect_sources(city, {"nothing-like-it": "http://127.0.0.1/"})
