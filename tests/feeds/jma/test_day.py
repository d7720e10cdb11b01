"""A day of telegrams shuffled, dropped and repeated: what residents were told stays true.

Whatever the order, whatever is lost and however often a telegram comes: after each one,
residents know the level that the newest telegram received so far gives, and hear of nothing
that has not changed.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds.jma.levels import WARNINGS
from simulator.agency.writing import TSUKUBA, Kind, warning
from tests.support.stories import believed, check_story
from tests.support.telegrams import City, envelope, old_warning, rain

LEVELS = {"": 0, "10": 2, "03": 3, "43": 4, "33": 5}
OLD = {
    "": (),
    "10": (("10", "大雨注意報", "発表", ""),),
    "03": (("03", "大雨警報", "発表", "浸水害"),),
    "43": (("03", "大雨警報", "発表", "浸水害"),),
    "33": (("33", "大雨特別警報", "発表", "浸水害"),),
}
"""What the old form says at the same moment: it knows no level 4."""


@dataclass(frozen=True)
class Written:
    """A telegram of the day: when it was issued, the level it gives, and its bytes."""

    minutes: int
    level: int
    data: bytes
    old: bool = False


def a_day(codes: list[str], *, with_old: bool = False) -> list[Written]:
    """The telegrams that a day of levels makes, with the words the agency would use."""
    day = []
    last = ""
    for number, code in enumerate(codes, start=1):
        minutes = number * 10
        if code and code == last:
            data = rain(minutes, code, "継続", last)
        elif code:
            data = rain(minutes, code, "発表", last)
        elif last:
            data = rain(minutes, last, "解除")
        else:
            data = rain(minutes)
        day.append(Written(minutes, LEVELS[code], data))
        if with_old:
            old_level = WARNINGS[OLD[code][0][0]].level if OLD[code] else 0
            day.append(Written(minutes, old_level, old_warning(minutes, *OLD[code]), old=True))
        last = code
    return day


days = st.lists(st.sampled_from(sorted(LEVELS)), min_size=1, max_size=8)


@given(days)
def test_a_whole_day_in_order_tells_each_change_once(codes: list[str]) -> None:
    city = City()
    city.read(rain(0), *(written.data for written in a_day(codes)))
    changes = [
        LEVELS[now]
        for before, now in zip(["", *codes], codes, strict=False)
        if LEVELS[now] != LEVELS[before]
    ]
    assert [fact.level for fact in city.heard] == changes
    check_story(city.heard)


@given(days, st.data())
def test_shuffled_dropped_and_repeated_residents_know_the_newest(
    codes: list[str], data: st.DataObject
) -> None:
    day = a_day(codes)
    order = data.draw(st.lists(st.integers(0, len(day) - 1), min_size=1, max_size=2 * len(day)))
    city = City()
    city.read(rain(0))
    newest = -1
    for number in order:
        before = len(city.heard)
        city.read(day[number].data)
        if number < newest or number == newest:
            assert len(city.heard) == before
        newest = max(newest, number)
        assert believed(city.heard) == day[newest].level
    check_story(city.heard)


@pytest.mark.slow
@given(days, st.data())
def test_with_the_old_forms_among_them_nothing_is_said_twice(
    codes: list[str], data: st.DataObject
) -> None:
    day = a_day(codes, with_old=True)
    order = data.draw(st.permutations(day))
    city = City()
    city.read(rain(0))
    for written in order:
        city.read(written.data)
    check_story(city.heard)
    newest = max(order, key=lambda written: written.minutes)
    truth = next(w for w in day if w.minutes == newest.minutes and not w.old)
    assert believed(city.heard) == truth.level


@given(st.lists(st.sampled_from(["", "15", "05", "35"]), min_size=1, max_size=6), st.data())
def test_the_first_day_of_a_service_that_knows_nothing_yet(
    codes: list[str], data: st.DataObject
) -> None:
    telegrams = [
        warning("VPWW58", TSUKUBA, [Kind(code)] if code else [], envelope(10 * n))
        for n, code in enumerate(codes)
    ]
    order = data.draw(st.lists(st.sampled_from(telegrams), min_size=1, max_size=12))
    city = City()
    city.read(*order)
    check_story(city.heard)
