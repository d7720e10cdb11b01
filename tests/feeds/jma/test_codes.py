"""Any municipality of Japan, not the sample alone."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from lxml import etree

from city.city import JmaCodes
from core.errors import BadInput
from feeds.jma import codes_for
from feeds.jma.codes import DATA, is_part_of, municipalities, names_region_of
from feeds.jma.tables import build


def test_every_municipality_of_the_agencys_list_has_its_areas(shared_data: Path) -> None:
    with (shared_data / "jma" / "codes" / "municipalities.csv").open(encoding="utf-8") as source:
        listed = {row["コード"]: row["短い名称"] for row in csv.DictReader(source)}
    renamed = {"0442300", "4030500"}
    missing = {
        code for code, name in listed.items() if name != "0" and code not in municipalities()
    } - renamed
    assert missing == set()
    assert all(codes_for(code).municipality == code for code in listed)
    for place in municipalities().values():
        assert place.quake_regions
        assert place.forecast_areas


def test_the_table_is_what_its_sources_make() -> None:
    with (DATA / "municipalities.csv").open(encoding="utf-8", newline="") as source:
        stored = list(csv.DictReader(source))
    names = [(row["code"], row["name"], row["reading"]) for row in stored]
    assert build(names) == stored
    with pytest.raises(BadInput, match="no name"):
        build(names[1:])


def test_quake_regions_and_coasts_are_those_the_agency_knows(shared_data: Path) -> None:
    for name, column in (("quake_regions", 4), ("tsunami_regions", 5)):
        path = shared_data / "jma" / "codes" / f"{name}.csv"
        known = {line.split(",")[0] for line in path.read_text(encoding="utf-8").splitlines()}
        used = {code for place in municipalities().values() for code in getattr(place, name)}
        assert used <= known, column


def test_cities_lie_in_the_quake_regions_that_telegrams_put_them_in(shared_data: Path) -> None:
    checked = 0
    for sample in (shared_data / "jma" / "samples").glob("*VXSE53.xml"):
        for region in etree.parse(str(sample)).getroot().iter("{*}Area"):
            for city in region.iterchildren("{*}City"):
                code = city.findtext("{*}Code") or ""
                for municipality in municipalities():
                    if is_part_of(code, municipality):
                        own = municipalities()[municipality].quake_regions
                        assert region.findtext("{*}Code") in own, city.findtext("{*}Name")
                        checked += 1
    assert checked > 700


@pytest.mark.parametrize(
    ("municipality", "areas", "quake", "tsunami"),
    [
        ("0822000", ("080000", "080020", "080022"), ("301",), ()),
        ("0121400", ("011000", "011011"), ("135",), ("110", "120")),
        ("0110000", ("016000", "016010", "016012"), ("101",), ()),
        ("1410000", ("140000", "140010", "140011"), ("360",), ("312",)),
        ("4720700", ("474000", "474010", "474011"), ("805",), ("802",)),
        ("4622200", ("460040", "460041"), ("778",), ("772",)),
        ("2020200", ("200000", "200020", "200023", "200024"), ("421",), ()),
        ("1342100", ("130000", "130040"), ("359",), ("321",)),
        ("1411000", ("140000", "140010", "140011"), ("360",), ("312",)),
        ("1340000", ("130000", "130030", "130031"), ("358",), ("320",)),
        ("0442300", ("040000", "040010", "040011"), ("222",), ()),
        ("0169500", (), (), ()),
        ("3443100", ("340000", "340010", "340013"), ("592",), ("570",)),
        ("0120800", ("013000", "013010", "013011", "013020"), ("141",), ("120",)),
        ("4621500", ("460010", "460013", "460014", "460100"), ("770", "775"), ("773",)),
    ],
)
def test_the_codes_of_a_municipality_are_found(
    municipality: str, areas: tuple[str, ...], quake: tuple[str, ...], tsunami: tuple[str, ...]
) -> None:
    codes = codes_for(municipality)
    assert (codes.forecast_areas, codes.quake_regions, codes.tsunami_regions) == (
        areas,
        quake,
        tsunami,
    )


def test_what_the_city_says_goes_before_the_table() -> None:
    own = JmaCodes(municipality="0822000", quake_regions=("300",), rivers=("1",))
    codes = codes_for("0822000", own)
    assert (codes.quake_regions, codes.rivers) == (("300",), ("1",))
    assert codes.forecast_areas == ("080000", "080020", "080022")
    assert codes_for("0820300", own).rivers == ("830303002800", "830303004600")
    for wrong in ("9999999", "0822099", "1419900", "082200", "つくば市です", "０８２２０００"):
        with pytest.raises(BadInput, match="no municipality"):
            codes_for(wrong)


def test_every_river_of_the_table_runs_through_municipalities_that_are() -> None:
    with (DATA / "rivers.csv").open(encoding="utf-8", newline="") as source:
        rows = list(csv.DictReader(source))
    known = {code[:5] for code in municipalities()}
    assert len({row["code"] for row in rows}) == len(rows) == 338
    for row in rows:
        assert row["name"] and row["code"].isdecimal() and len(row["code"]) == 12
        assert set(row["municipalities"].split()) <= known


def test_the_rivers_are_those_of_the_agencys_gauging_stations(shared_data: Path) -> None:
    """Its list of gauging stations names the sections; three have been renamed or split since."""
    with (DATA / "rivers.csv").open(encoding="utf-8", newline="") as source:
        ours = {(row["name"], row["code"][:10]) for row in csv.DictReader(source)}
    stations = shared_data / "jma" / "codes" / "water_level_stations.csv"
    with stations.open(encoding="utf-8", newline="") as source:
        theirs = {(row["予報区域名"], row["コード"][:10]) for row in csv.DictReader(source)}
    assert {name for name, _ in theirs - ours} == {"入間川流域", "矢部川", "番匠川"}


def test_wards_and_parts_belong_to_their_city() -> None:
    assert is_part_of("1411000", "1410000")
    assert is_part_of("2920701", "2920700")
    assert is_part_of("2610100", "2610000")
    assert is_part_of("1410000", "1411000")
    assert is_part_of("2920700", "2920701")
    assert is_part_of("0442300", "0421600")
    assert is_part_of("0421600", "0442300")
    assert is_part_of("1340200", "1340000")
    assert is_part_of("1340000", "1340200")
    assert not is_part_of("1340100", "1340200")
    assert not is_part_of("1411100", "1411000")
    assert not is_part_of("1413000", "1411000")
    assert not is_part_of("2920702", "2920701")
    assert not is_part_of("1413000", "1410000")
    assert not is_part_of("1410000", "1413000")
    assert not is_part_of("080022", "0822000")
    assert not is_part_of("082200x", "0822000")


def test_a_title_names_whose_telegram_it_is() -> None:
    nara, soya, naze = (codes_for(code) for code in ("2920100", "0121400", "4622200"))
    assert names_region_of("奈良県気象警報・注意報", nara)
    assert not names_region_of("奈良県気象警報・注意報", soya)
    assert names_region_of("宗谷地方大雨警報・注意報", soya)
    assert names_region_of("奄美地方大雨警報・注意報", naze)
    assert not names_region_of("x", JmaCodes(municipality="9999999"))
