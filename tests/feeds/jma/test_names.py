"""The name that is said: the new one with its level, and no name found inside a longer one."""

from __future__ import annotations

from pathlib import Path

import pytest

from city.city import JmaCodes
from feeds.jma import HazardBoard, codes_for, facts, read_telegram
from feeds.jma.codes import names_region_of
from feeds.jma.naming import names_in
from simulator.agency.writing import TSUKUBA, Kind, flood, warning
from tests.support.telegrams import KOKAI, City, envelope, landslide_alert, raw, statuses

LEVEL_4 = "レベル４土砂災害危険警報"


def slope(minutes: float, code: str, status: str = "発表") -> bytes:
    return warning("VPWW56", TSUKUBA, [Kind(code, status)], envelope(minutes))


@pytest.mark.parametrize("new_first", [False, True])
def test_the_old_landslide_form_is_told_by_the_name_and_level_in_its_title(
    new_first: bool,
) -> None:
    city = City()
    telegrams = [landslide_alert(0, title=LEVEL_4), slope(0, "49")]
    city.read(*(reversed(telegrams) if new_first else telegrams))
    assert [(f.status.value, f.kind, f.kind_code, f.shown_level) for f in city.heard] == [
        ("issued", LEVEL_4, "49", 4)
    ]
    city.read(slope(20, "49", "解除"), landslide_alert(20, "解除", "1", title=LEVEL_4))
    assert [(f.status.value, f.kind) for f in city.heard[1:]] == [("lifted", LEVEL_4)]


def test_an_old_title_keeps_the_old_name() -> None:
    [told] = City().read(landslide_alert(0))
    assert (told.kind, told.kind_code, told.shown_level) == ("土砂災害警戒情報", "3", 4)


def test_the_official_landslide_alert_of_2026_says_its_level(shared_data: Path) -> None:
    data = (shared_data / "cases/telegrams/17_04_01_250630_VXWW50.xml").read_bytes()
    [told] = facts(read_telegram(data), codes_for("1420600"), HazardBoard())
    assert (told.kind, told.shown_level, told.place) == (LEVEL_4, 4, "小田原市")


def test_an_old_name_of_a_river_forecast_gives_way_to_the_one_in_its_title() -> None:
    data = flood(KOKAI, "40", TSUKUBA, envelope(0, event_id=KOKAI[0]))
    inside = data.replace("<Name>レベル４氾濫危険警報".encode(), "<Name>氾濫危険情報".encode())
    [told] = City().read(inside)
    assert told.kind == "レベル４氾濫危険警報"
    another = inside.replace(
        "レベル４氾濫危険警報</Title>".encode(), "レベル３氾濫警報</Title>".encode()
    )
    [told] = City().read(another)
    assert told.kind == "氾濫危険情報"


def test_the_old_record_rain_has_the_new_name_where_its_title_does() -> None:
    body = (
        '<Warning type="記録的短時間大雨情報"><Item><Kind><Name>記録的短時間大雨情報</Name>'
        "<Code>1</Code></Kind><Area><Name>茨城県</Name><Code>080000</Code></Area></Item></Warning>"
    )
    titled = "茨城県気象防災速報（記録的短時間大雨）"
    [told] = City().read(raw("記録的短時間大雨情報", body, head_title=titled))
    assert told.kind == "気象防災速報（記録的短時間大雨）"
    [told] = City().read(raw("記録的短時間大雨情報", body))
    assert told.kind == "記録的短時間大雨情報"


@pytest.mark.parametrize(
    ("named", "meant", "not_meant"),
    [
        ("東大阪市付近で約１１０ミリ", "2722700", "2710000"),
        ("北名古屋市付近で約１１０ミリ", "2323400", "2310000"),
        ("南相馬市付近で約１１０ミリ", "0721200", "0720900"),
        ("北中城村付近で約１１０ミリ", "4732700", "4732800"),
        ("広島市付近で約１１０ミリ", "3410000", "3421200"),
    ],
)
def test_record_rain_in_a_municipality_is_not_in_the_one_its_name_ends_with(
    named: str, meant: str, not_meant: str
) -> None:
    for code, heard in ((meant, ["issued"]), (not_meant, [])):
        codes = codes_for(code)
        area = next(each for each in codes.forecast_areas if each.endswith("000"))
        body = (
            '<Warning type="記録的短時間大雨情報"><Item><Kind><Code>1</Code></Kind>'
            f"<Area><Name>県</Name><Code>{area}</Code></Area></Item></Warning>"
        )
        data = raw("記録的短時間大雨情報", body, headline=f"<Text>{named}</Text>")
        assert statuses(City(codes).read(data)) == heard


def test_names_stand_for_themselves() -> None:
    assert names_in("チェジュ島の東北東約８０キロ", ["東北"]) == set()
    assert names_in("東北地方では大雨", ["東北"]) == {"東北"}
    assert names_in("大津波警報", ["大津"]) == set()
    assert names_in("大津市、泉大津市", ["大津市"], ["泉大津市"]) == {"大津市"}
    assert names_in("東京都", ["京都"], ["東京都"]) == set()
    assert names_in("", ["東北", ""]) == set()


def test_a_title_names_its_own_prefecture_alone() -> None:
    kyoto, tokyo = JmaCodes(municipality="2610000"), JmaCodes(municipality="1310100")
    assert not names_region_of("東京都気象警報・注意報", kyoto)
    assert names_region_of("京都府気象警報・注意報", kyoto)
    assert names_region_of("東京都気象警報・注意報", tokyo)
