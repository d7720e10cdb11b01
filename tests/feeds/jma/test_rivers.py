"""Designated rivers: levels, overflows, and whom a river concerns."""

from __future__ import annotations

import pytest

from city.city import JmaCodes
from feeds.texts.compose import compose
from feeds.texts.messages import OVERFLOW
from simulator.agency.writing import TSUKUBA, cancellation, flood
from tests.support.feed_world import a_city
from tests.support.telegrams import (
    BROKEN,
    CODE,
    CODES,
    ELSEWHERE,
    FEARED,
    KOKAI,
    City,
    at,
    envelope,
    overflowing,
    river,
    statuses,
)


def test_a_river_rises_to_level_5_and_falls() -> None:
    city = City()
    city.read(*(river(10 * n, code) for n, code in enumerate(("20", "30", "31", "40", "51"))))
    city.read(river(60, "22"), river(70, "10"), river(80, "10"))
    assert [(f.status.value, f.level, f.kind) for f in city.heard] == [
        ("issued", 2, "レベル２氾濫注意報"),
        ("raised", 3, "レベル３氾濫警報"),
        ("raised", 4, "レベル４氾濫危険警報"),
        ("raised", 5, "レベル５氾濫特別警報"),
        ("lowered", 2, "レベル２氾濫注意報"),
        ("lifted", 0, "レベル２氾濫注意報"),
    ]
    assert {(f.river, f.place, f.hazard, f.areas) for f in city.heard} == {
        ("小貝川", "小貝川", "flood", (KOKAI[0],))
    }


def test_the_first_overflow_and_each_new_place_are_news_at_level_5() -> None:
    city = City()
    city.read(
        river(0, "40"),
        overflowing(10, "51", FEARED),
        overflowing(20, "51", FEARED),
        overflowing(30, "51", BROKEN),
        overflowing(40, "51", "〔継続〕" + BROKEN),
        overflowing(50, "51", ELSEWHERE),
        overflowing(60, "53", ELSEWHERE),
        overflowing(70, "51", BROKEN),
        river(80, "31"),
    )
    assert [(f.status.value, f.level, f.overflow) for f in city.heard] == [
        ("issued", 4, False),
        ("raised", 5, False),
        ("issued", 5, True),
        ("issued", 5, True),
        ("lowered", 3, False),
    ]


@pytest.mark.parametrize(
    ("words", "sure"),
    [
        (BROKEN, True),
        ("氾濫が発生しており、堤防の決壊に警戒してください。", True),
        ("堤防から越水しています。", True),
        (FEARED, False),
        ("氾濫がすでに発生している可能性があります。", False),
        ("氾濫が発生又は切迫しています。", False),
        ("堤防の決壊や越水に厳重に警戒してください。", False),
        ("越水は確認されていません。", False),
        ("現在、氾濫が発生していない区間でも避難してください。", False),
        ("堤防の決壊に備え、避難してください。", False),
    ],
)
def test_only_what_has_overflowed_is_told_as_an_overflow(words: str, sure: bool) -> None:
    (fact,) = City().read(overflowing(0, "51", words))
    assert fact.overflow is sure
    assert (OVERFLOW in compose(fact, a_city(), languages=["en"])["en"]["text"]) is sure


def test_a_place_where_an_overflow_is_feared_is_none_that_has_overflowed() -> None:
    words = "小貝川では、つくば市上郷地先で氾濫が発生し、常総市豊岡町地先でも氾濫のおそれがあります"
    (fact,) = City().read(overflowing(0, "51", words))
    assert fact.overflow_at == ("つくば市上郷地先",)


def test_an_overflow_that_was_none_is_taken_back_though_level_5_stays() -> None:
    city = City()
    wrong = overflowing(20, "51", BROKEN)
    city.read(overflowing(10, "51", FEARED), wrong)
    (taken,) = city.read(cancellation(wrong, at(25), "取り消します。"))
    assert (taken.status.value, taken.level, taken.previous_level) == ("cancelled", 5, 5)
    assert statuses(city.read(overflowing(30, "51", BROKEN))) == ["issued"]
    (mended,) = city.read(overflowing(35, "51", ELSEWHERE, "訂正"))
    assert (mended.status.value, mended.overflow) == ("corrected", True)
    (none,) = city.read(overflowing(40, "51", FEARED, "訂正"))
    assert (none.status.value, none.overflow) == ("corrected", False)
    assert statuses(city.read(overflowing(45, "51", ELSEWHERE))) == ["issued"]


def test_a_rivers_telegram_finds_the_cities_along_it_without_their_doing() -> None:
    """The agency's own table: 目黒川 for Meguro and Shinagawa, where no city lists its rivers."""
    meguro_river = ("130005000100", "目黒川")
    data = flood(meguro_river, "40", TSUKUBA, envelope(0, event_id=meguro_river[0]))
    for municipality, told in (("1311000", True), ("1310900", True), ("1311200", False)):
        assert bool(City(JmaCodes(municipality=municipality)).read(data)) is told


def test_a_river_of_another_city_is_not_heard_unless_the_city_is_named() -> None:
    elsewhere = City(CODES.model_copy(update={"rivers": ()}))
    assert elsewhere.read(river(0, "40")) == []
    named = river(0, "40").replace(
        b"</Report>", b""
    )  # the municipality stands among the places that will be flooded
    area = (
        '<Warning type="指定河川洪水予報"><Item><Areas><Area><City>つくば市</City>'
        f"<CityCode>{CODE}</CityCode></Area></Areas></Item></Warning>"
    )
    body = '<Body xmlns="http://xml.kishou.go.jp/jmaxml1/body/meteorology1/"'
    assert f"{body}/>".encode() in named
    named = named.replace(f"{body}/>".encode(), f"{body}>{area}</Body></Report>".encode())
    assert statuses(elsewhere.read(named)) == ["issued"]


def test_a_river_with_told_water_levels_names_its_stretch_and_is_read_alike() -> None:
    """VXSU calls what it warns for 発表区間, under a code of ten digits."""
    stretch = ("8201813100", "善川")
    data = flood(stretch, "20", TSUKUBA, envelope(0, event_id=stretch[0]))
    data = data.replace("指定河川洪水予報".encode(), "水位周知河川に関する情報".encode())
    data = data.replace("（予報区域）".encode(), "（発表区間）".encode())
    city = City(CODES.model_copy(update={"rivers": (stretch[0],)}))
    (fact,) = city.read(data)
    assert (fact.status.value, fact.telegram, fact.river) == ("issued", "VXSU", "善川")
    assert City().read(data) == []


def test_a_flood_that_only_goes_on_is_no_news_to_a_service_that_starts_now() -> None:
    """After 2026-05-29 no code and no condition says 継続, only the headline's mark."""
    going_on = river(0, "51").replace(
        "見出しです。".encode(), "【警戒レベル５相当情報［洪水］】〔継続〕小貝川では".encode()
    )
    assert statuses(City().read(going_on)) == ["continued"]
    lost = City()
    lost.read(river(-60, "20"))
    assert statuses(lost.read(going_on)) == ["raised"]


def test_a_cancelled_flood_forecast_is_taken_back_for_its_river_alone() -> None:
    other = ("830302009900", "桜川")
    city = City(CODES.model_copy(update={"rivers": (KOKAI[0], other[0])}))
    wrong = river(10, "40")
    city.read(flood(other, "30", TSUKUBA, envelope(5, event_id=other[0])), wrong)
    (taken,) = city.read(cancellation(wrong, at(12), "取り消します。"))
    assert (taken.status.value, taken.river) == ("cancelled", "小貝川")
