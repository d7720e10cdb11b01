"""Rivers, coasts, volcanoes and earthquakes, their telegrams shuffled, lost and doubled.

The same promise as for a day of rain: after each telegram residents know the newest one received so
far, each step is told once, and one earthquake is one alarm.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from city.city import JmaCodes
from feeds.models import Status
from simulator.agency.writing import (
    TSUKUBA,
    Coast,
    Shaking,
    cancellation,
    flood,
    intensity_detail,
    intensity_flash,
    tsunami_warning,
)
from tests.support.stories import believed, check_story
from tests.support.telegrams import CODE, CODES, KOKAI, City, at, envelope, volcano

RIVER = {"10": 0, "20": 2, "30": 3, "40": 4, "51": 5}
RIVER_GOES_ON = {"20": "21", "30": "31", "40": "41"}
TSUNAMI = {"00": 0, "71": 1, "62": 3, "51": 4, "53": 5}
VOLCANO = {"11": 1, "12": 2}
COAST = ("300", "茨城県")
QUAKE = Shaking(origin_at=at(0), hypocentre=("301", "茨城県南部"), magnitude="5.9")

Write = Callable[[int, str, str], bytes]
"""Minutes, code and the code before -> telegram."""


def a_river(minutes: int, code: str, last: str) -> bytes:
    code = RIVER_GOES_ON.get(code, code) if code == last else code
    serial = str(minutes // 10)
    return flood(KOKAI, code, TSUKUBA, envelope(minutes, event_id=KOKAI[0], serial=serial))


def a_coast(minutes: int, code: str, last: str) -> bytes:
    coast = Coast(COAST, code, last=last or "00")
    return tsunami_warning([coast], QUAKE, envelope(minutes, event_id="T", serial=str(minutes)))


def a_volcano(minutes: int, code: str, last: str) -> bytes:
    word = "継続" if code == last else "引上げ"
    return volcano(minutes, code, last or code, word)


def live_through(
    city: City,
    write: Write,
    levels: dict[str, int],
    codes: Sequence[str],
    order: Sequence[int],
    *,
    calm: str,
) -> None:
    """Read the telegrams of a day in some order and hold what is believed against the newest."""
    day = [
        (levels[code], write(10 * number, code, before))
        for number, (before, code) in enumerate(zip([calm, *codes], codes, strict=False), start=1)
    ]
    city.read(write(0, calm, calm))
    city.heard.clear()
    newest = -1
    for number in order:
        if number >= len(day):
            continue
        before = len(city.heard)
        city.read(day[number][1])
        assert number > newest or len(city.heard) == before
        newest = max(newest, number)
        told = city.heard[-1].level if city.heard else levels[calm]
        assert told == day[newest][0]


orders = st.lists(st.integers(0, 6), min_size=1, max_size=12)


@given(st.lists(st.sampled_from(sorted(RIVER)), min_size=1, max_size=7), orders)
def test_a_river(codes: list[str], order: list[int]) -> None:
    city = City(CODES.model_copy(update={"rivers": (KOKAI[0],)}))
    live_through(city, a_river, RIVER, codes, order, calm="10")
    check_story(city.heard)


@given(st.lists(st.sampled_from(sorted(TSUNAMI)), min_size=1, max_size=7), orders)
def test_a_coast(codes: list[str], order: list[int]) -> None:
    city = City(JmaCodes(municipality="0820500", tsunami_regions=(COAST[0],)))
    live_through(city, a_coast, TSUNAMI, codes, order, calm="00")
    check_story(city.heard)
    assert believed(city.heard) in TSUNAMI.values()


@given(st.lists(st.sampled_from(sorted(VOLCANO)), min_size=1, max_size=7), orders)
def test_a_volcano(codes: list[str], order: list[int]) -> None:
    nikko = City(JmaCodes(municipality="0920600"))
    live_through(nikko, a_volcano, VOLCANO, codes, order, calm="11")


@pytest.mark.slow
@settings(max_examples=200)
@given(
    st.lists(st.sampled_from(["flash", "detail", "more", "cancel", "other"]), max_size=12),
    st.sampled_from(["3", "5-", "6+"]),
)
def test_an_earthquake(names: list[str], stronger: str) -> None:
    """Never two alarms for one shaking, unless one was taken back in between."""
    detail = intensity_detail(TSUKUBA, "4", QUAKE, envelope(5, event_id="E", serial="1"))
    telegrams = {
        "flash": intensity_flash(TSUKUBA, "4", QUAKE, envelope(2, event_id="E")),
        "detail": detail,
        "more": intensity_detail(TSUKUBA, stronger, QUAKE, envelope(9, event_id="E", serial="2")),
        "cancel": cancellation(detail, at(7), "取り消します。"),
        "other": intensity_detail(TSUKUBA, "5+", QUAKE, envelope(6, event_id="F", serial="1")),
    }
    city = City()
    city.read(*(telegrams[name] for name in names))
    alarms = {"E": 0, "F": 0}
    for fact in city.heard:
        if fact.status is Status.ISSUED and not fact.update:
            alarms[fact.event_id] += 1
        elif fact.status is Status.CANCELLED:
            alarms[fact.event_id] = 0
        assert alarms[fact.event_id] <= 1, names
        assert fact.areas in ((CODE,), (TSUKUBA.quake_region[0],))
    assert alarms["F"] == ("other" in names)
