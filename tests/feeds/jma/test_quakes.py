"""An earthquake: the flash, then the detail as an update, never a second alarm."""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from city.city import JmaCodes
from feeds.errors import Unreadable
from feeds.texts.advice import advice
from simulator.agency.form import InfoType, Operation
from simulator.agency.writing import (
    cancellation,
)
from tests.support.telegrams import (
    CODE,
    CODES,
    EVENT,
    City,
    at,
    detail,
    flash,
    raw,
    revision,
    statuses,
)


def test_the_flash_is_the_alarm_and_the_detail_its_update() -> None:
    city = City()
    (first,) = city.read(flash("4"))
    assert (first.status.value, first.update) == ("issued", False)
    assert (first.place, first.areas) == ("茨城県南部", ("301",))
    assert first.quake is not None
    assert (first.quake.intensity, first.quake.origin_at) == ("4", at(0))
    assert first.quake.hypocentre == ""

    (second,) = city.read(detail("5-"))
    assert (second.status.value, second.update) == ("issued", True)
    assert (second.place, second.areas, second.level) == ("つくば市", (CODE,), 4)
    assert second.quake is not None
    assert (second.quake.intensity, second.quake.magnitude) == ("5-", "5.9")
    assert (second.quake.hypocentre, second.quake.depth_km) == ("茨城県南部", 50)
    assert second.quake.comment_codes == "0215"

    assert statuses(city.read(detail("5-", 8, "2"))) == ["continued"]


def test_a_flash_that_comes_after_the_detail_is_not_heard() -> None:
    city = City()
    city.read(detail("4"), flash("4"))
    assert [fact.update for fact in city.heard] == [False]


def test_what_is_below_the_citys_threshold_is_known_and_for_those_who_asked() -> None:
    (weak,) = City().read(detail("2"))
    assert (weak.status.value, weak.level, weak.below_threshold) == ("issued", 1, True)
    low = City(CODES.model_copy(update={"quake_threshold": "1"}))
    assert [f.below_threshold for f in low.read(detail("2"))] == [False]


def test_an_earthquake_that_turns_out_stronger_is_an_alarm_for_those_who_heard_nothing() -> None:
    city = City()
    city.read(flash("2"), detail("4"))
    assert [(f.below_threshold, f.update) for f in city.heard] == [(True, False), (False, False)]


def test_a_revision_of_the_numbers_is_published_and_pushed_to_nobody() -> None:
    city = City()
    city.read(flash("4"), detail("4"))
    (revised,) = city.read(revision("6.1", 240))
    assert (revised.status.value, revised.update, revised.quiet) == ("issued", True, True)
    assert advice(revised) == ()
    assert revised.quake is not None
    assert revised.quake.magnitude == "6.1"
    (taken,) = city.read(cancellation(revision("6.1", 240), at(260), "取り消します。"))
    assert (taken.status.value, taken.quiet, taken.is_news) == ("corrected", True, True)
    assert taken.quake is not None
    assert (taken.quake.magnitude, taken.quake.intensity) == ("5.9", "4")
    (again,) = city.read(cancellation(revision("6.1", 240), at(270), "取り消します。"))
    assert not again.is_news


def test_a_later_detail_is_quiet_unless_it_changes_what_people_should_do() -> None:
    city = City()
    city.read(flash("4"))
    (first,) = city.read(detail("4"))
    assert not first.quiet
    deeper = detail("4", 8, "2").replace(b"-50000/", b"-60000/")
    assert [(f.is_news, f.quiet) for f in city.read(deeper)] == [(True, True)]
    stronger = detail("5-", 9, "3")
    assert [(f.is_news, f.quiet) for f in city.read(stronger)] == [(True, False)]
    tsunami = detail("5-", 10, "4").replace(
        "この地震による津波の心配はありません。</Text><Code>0215".encode(),
        "津波警報等を発表中です。</Text><Code>0211".encode(),
    )
    assert [(f.is_news, f.quiet) for f in city.read(tsunami)] == [(True, False)]


def test_who_heard_the_flash_hears_that_it_was_less() -> None:
    city = City()
    city.read(flash("3"), detail("2"))
    assert [(f.quake.intensity, f.update) for f in city.heard if f.quake] == [
        ("3", False),
        ("2", True),
    ]


def test_the_city_hears_its_own_intensity_and_not_its_regions() -> None:
    elsewhere = City(JmaCodes(municipality="0820300", quake_regions=("301",)))
    assert elsewhere.read(detail("5-")) == []
    assert elsewhere.read(flash("5-", 6)) != []


def test_a_cancelled_flash_is_taken_back_and_an_unheard_one_is_not() -> None:
    city = City()
    first = flash("4")
    city.read(first)
    (taken,) = city.read(cancellation(first, at(3), "震度速報を取り消します。"))
    assert (taken.status.value, taken.is_news, taken.level) == ("cancelled", True, 0)
    assert taken.previous_kind == "震度４"
    assert city.read(first) == []
    (unheard,) = City().read(cancellation(first, at(3), "震度速報を取り消します。"))
    assert not unheard.is_news


def test_a_cancelled_detail_leaves_the_flash_standing() -> None:
    city = City()
    wrong = detail("5-")
    city.read(flash("4"), wrong)
    (taken,) = city.read(cancellation(wrong, at(7), "取り消します。"))
    assert (taken.status.value, taken.level, taken.previous_level) == ("cancelled", 3, 4)


def test_a_flash_cancelled_after_the_detail_leaves_the_detail_standing() -> None:
    city = City()
    first = flash("4")
    city.read(first, detail("5-"))
    assert city.read(cancellation(first, at(6), "震度速報を取り消します。")) == []
    assert statuses(city.read(detail("5-", 8, "2"))) == ["continued"]


def test_a_city_of_wards_is_called_by_its_own_name() -> None:
    ward = (
        detail("4")
        .replace(b"0822000", b"1411000")
        .replace("つくば市".encode(), "横浜戸塚区".encode())
    )
    (fact,) = City(JmaCodes(municipality="1410000")).read(ward)
    assert (fact.place, fact.areas) == ("横浜市", ("1411000",))


def test_a_corrected_detail_says_that_it_corrects() -> None:
    city = City()
    city.read(detail("5-"), detail("4", 7, "2", InfoType.CORRECTED))
    assert city.news() == [("issued", "earthquake", 4), ("corrected", "earthquake", 3)]


def test_a_revised_hypocentre_updates_what_was_told_and_nothing_else() -> None:
    def revised(kind: str, magnitude: str, minutes: float) -> bytes:
        return raw(
            kind,
            "<Earthquake><OriginTime>2026-07-01T12:00:00+09:00</OriginTime><Hypocenter><Area>"
            "<Name>茨城県南部</Name><Code>301</Code></Area></Hypocenter>"
            f"<jmx_eb:Magnitude type='Mj'>{magnitude}</jmx_eb:Magnitude></Earthquake>",
            minutes=minutes,
            event_id=EVENT,
        )

    notice = "顕著な地震の震源要素更新のお知らせ"
    city = City()
    assert city.read(revised("震源に関する情報", "5.8", 3)) == []
    city.read(detail("5-"))
    (updated,) = city.read(revised(notice, "6.1", 60))
    assert (updated.update, updated.is_news) == (True, True)
    assert updated.quake is not None
    assert (updated.quake.magnitude, updated.quake.intensity) == ("6.1", "5-")
    assert statuses(city.read(revised(notice, "6.1", 70))) == ["continued"]
    (taken,) = city.read(cancellation(detail("5-"), at(80), "取り消します。"))
    assert (taken.status.value, taken.previous_kind) == ("cancelled", "震度５弱")
    assert City().read(revised(notice, "6.1", 60)) == []


def test_a_drill_is_another_earthquake_than_the_real_one() -> None:
    city = City()
    (drill,) = city.read(flash("6-", operation=Operation.TRAINING))
    assert drill.drill
    (real,) = city.read(flash("4"))
    assert (real.drill, real.update) == (False, False)


def test_an_intensity_that_does_not_exist_is_never_guessed_at() -> None:
    with pytest.raises(Unreadable, match="intensity"):
        City().read(detail("4").replace(b"<MaxInt>4</MaxInt>", b"<MaxInt>9</MaxInt>"))


def test_long_period_motion_is_told_by_class_where_it_was_felt() -> None:
    def felt(value: str, minutes: float) -> bytes:
        return raw(
            "長周期地震動に関する観測情報",
            "<Intensity><Observation><Pref><Area><Name>茨城県南部</Name><Code>301</Code>"
            f"<MaxLgInt>{value}</MaxLgInt></Area></Pref></Observation></Intensity>",
            minutes=minutes,
            event_id=EVENT,
        )

    city = City()
    city.read(felt("2", 10), felt("2", 12), felt("3", 14))
    assert [(f.kind, f.level, f.update) for f in city.heard] == [
        ("長周期地震動階級２", 2, False),
        ("長周期地震動階級３", 3, True),
    ]


DAY = [flash("4"), detail("4"), detail("5-", 8, "2"), detail("3", 9, "3", InfoType.CORRECTED)]


@pytest.mark.slow
@given(st.lists(st.integers(0, len(DAY) - 1), min_size=1, max_size=12))
def test_in_any_order_one_earthquake_rings_one_alarm(order: list[int]) -> None:
    city = City()
    city.read(*(DAY[number] for number in order))
    assert len([fact for fact in city.heard if not fact.update]) == 1
    newest = max(order)
    last = city.heard[-1]
    assert last.quake is not None
    expected = {0: "4", 1: "4", 2: "5-", 3: "3"}[newest]
    assert last.quake.intensity == expected


def test_shuffled_by_a_seed_it_stays_one_alarm() -> None:
    for seed in range(50):
        order = DAY * 2
        random.Random(seed).shuffle(order)
        city = City()
        city.read(*order)
        assert len([fact for fact in city.heard if not fact.update]) == 1, f"seed {seed}"


@pytest.mark.parametrize(
    ("coordinate", "magnitude", "expected"),
    [
        (
            "<C description='深さ　７００ｋｍ以上'>+36.1+139.9-700000/</C>",
            "7.0",
            (700, "以上", "7.0"),
        ),
        ("<C description='深さ不明'>+36.1+139.9/</C>", "7.0", (None, "不明", "7.0")),
        ("<C description='ごく浅い'>+36.1+139.9+0/</C>", "2.1", (0, "", "2.1")),
    ],
)
def test_what_qualifies_a_depth_is_read(
    coordinate: str, magnitude: str, expected: tuple[int | None, str, str]
) -> None:
    (told,) = City().read(unusual(coordinate, f"<M description='x'>{magnitude}</M>"))
    assert told.quake is not None
    assert (told.quake.depth_km, told.quake.depth_note, told.quake.magnitude) == expected


@pytest.mark.parametrize("words", ["Ｍ８を超える巨大地震", "Ｍ不明"])
def test_a_magnitude_that_is_no_number_is_kept_in_the_agencys_words(words: str) -> None:
    coordinate = "<C description='深さ　１０ｋｍ'>+36.1+139.9-10000/</C>"
    told = unusual(coordinate, f"<M condition='不明' description='{words}'>NaN</M>")
    (fact,) = City().read(told)
    assert fact.quake is not None
    assert fact.quake.magnitude == words
    known = City()
    known.read(detail("4"))
    later = unusual(coordinate, f"<M description='{words}'>NaN</M>", 8)
    quakes = [fact.quake for fact in known.read(later)]
    kept = "5.9" if "不明" in words else words
    assert [quake.magnitude for quake in quakes if quake is not None] == [kept]


def unusual(coordinate: str, magnitude: str, minutes: float = 5) -> bytes:
    """The detail with a hypocentre or a magnitude that the agency does not know well."""
    written = detail("4", minutes, str(minutes)).decode()
    for name, value in (("Coordinate", coordinate), ("Magnitude", magnitude)):
        named = re.sub(r"<(/?)[CM]\b", rf"<\1jmx_eb:{name}", value)
        written = re.sub(rf"<(\w+:)?{name}\b.*?</(\w+:)?{name}>", named, written)
    return written.encode()
