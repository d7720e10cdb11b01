"""Tsunami: each coast separately, the most serious warning first."""

from __future__ import annotations

from pathlib import Path

import pytest

from city.city import JmaCodes
from feeds.errors import Unreadable
from feeds.jma.codes import codes_for
from feeds.texts import messages as m
from feeds.texts.compose import CATALOGUE, compose
from feeds.texts.terms import number
from simulator.agency.writing import Coast, Shaking, cancellation, tsunami_warning
from tests.support.telegrams import City, at, envelope, raw, statuses
from tests.support.worked_facts import CITY

IBARAKI, BOSO = ("300", "茨城県"), ("310", "千葉県九十九里・外房")
EVENT = "20260701120000"
SHAKING = Shaking(origin_at=at(0), hypocentre=("288", "三陸沖"), magnitude="8.1")
COAST = JmaCodes(municipality="0822200", tsunami_regions=("300",))


def telegram(minutes: float, *coasts: Coast) -> bytes:
    return tsunami_warning(coasts, SHAKING, envelope(minutes, event_id=EVENT))


def test_a_tsunami_rises_falls_and_ends_and_each_step_is_told_once() -> None:
    city = City(COAST)
    first = telegram(3, Coast(IBARAKI, "62", height="1", arrival_at=at(30)), Coast(BOSO, "51"))
    city.read(
        first,
        first,
        telegram(10, Coast(IBARAKI, "51", "62", "3", at(30))),
        telegram(20, Coast(IBARAKI, "53", "51", "10", at(30))),
        telegram(300, Coast(IBARAKI, "62", "52", "1")),
        telegram(600, Coast(IBARAKI, "60", "62")),
    )
    assert [(f.status.value, f.level, f.kind) for f in city.heard] == [
        ("issued", 3, "津波注意報"),
        ("raised", 4, "津波警報"),
        ("raised", 5, "大津波警報"),
        ("lowered", 3, "津波注意報"),
        ("lifted", 0, "津波注意報"),
    ]
    warned = city.heard[1].tsunami
    assert warned is not None
    assert (warned.coast, warned.height, warned.arrival_at) == ("茨城県", "３ｍ", at(30))
    assert city.heard[1].topic == "tsunami"


def test_a_city_without_a_coast_hears_nothing() -> None:
    inland = City(JmaCodes(municipality="0820300"))
    assert inland.read(telegram(3, Coast(IBARAKI, "53"))) == []
    assert inland.read(cancellation(telegram(3, Coast(IBARAKI, "53")), at(4), "取消")) == []


def test_a_cancelled_warning_is_taken_back() -> None:
    city = City(COAST)
    wrong = telegram(3, Coast(IBARAKI, "51"))
    city.read(wrong)
    (taken,) = city.read(cancellation(wrong, at(5), "津波警報を取り消します。"))
    assert (taken.status.value, taken.kind, taken.level, taken.is_news) == (
        "cancelled",
        "津波警報",
        0,
        True,
    )


def test_heights_and_times_repeat_the_warning_without_a_second_alarm() -> None:
    city = City(COAST)
    warned = telegram(3, Coast(IBARAKI, "51"))
    city.read(warned)
    observed = raw(
        "津波情報a",
        "<Tsunami><Observation><Item><Area><Name>茨城県</Name><Code>300</Code></Area><Station>"
        "<MaxHeight><jmx_eb:TsunamiHeight description='１．２ｍ'>1.2</jmx_eb:TsunamiHeight>"
        "</MaxHeight></Station><Station><MaxHeight><jmx_eb:TsunamiHeight description='０．４ｍ'>"
        "0.4</jmx_eb:TsunamiHeight></MaxHeight></Station></Item></Observation>"
        "<Forecast><Item><Area><Name>茨城県</Name><Code>300</Code></Area><Category><Kind>"
        "<Name>津波警報</Name><Code>51</Code></Kind><LastKind><Name>津波警報</Name>"
        "<Code>51</Code></LastKind></Category></Item></Forecast></Tsunami>",
        minutes=40,
        event_id=EVENT,
    )
    (found,) = city.read(observed)
    assert statuses([found]) == ["continued"]
    assert found.tsunami is not None
    assert found.tsunami.observed_height == "１．２ｍ"
    (taken,) = city.read(cancellation(warned, at(60), "取り消します。"))
    assert (taken.status.value, taken.previous_level, taken.is_news) == ("cancelled", 4, True)


def test_a_grade_that_is_not_known_is_set_aside() -> None:
    broken = telegram(3, Coast(IBARAKI, "51")).replace(b"<Code>51</Code>", b"<Code>59</Code>")
    with pytest.raises(Unreadable, match="grade"):
        City(COAST).read(broken)


def test_a_giant_earthquake_behind_a_tsunami_is_said_to_be_one(shared_data: Path) -> None:
    """The sample after 2011-03-11: <Magnitude description="Ｍ８を超える巨大地震">NaN."""
    path = shared_data / "jma" / "samples" / "32-39_11_02_250206_VTSE41.xml"
    told = City(codes_for("0320200")).read(path.read_bytes())[0]
    assert told.quake is not None
    assert told.quake.magnitude == "Ｍ８を超える巨大地震"
    for language, said in compose(told, CITY).items():
        giant = CATALOGUE.text(language, m.MAGNITUDE_OVER, magnitude=number("8", language))
        assert giant in said["text"].splitlines()
        remark = CATALOGUE.text(language, m.LIKE_2011)
        assert said["text"].index(remark) < said["text"].index(giant)
