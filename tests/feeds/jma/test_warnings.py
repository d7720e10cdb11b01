"""Transitions, not telegrams, make news."""

from __future__ import annotations

from itertools import permutations

import pytest

from city.city import JmaCodes
from feeds.jma.levels import ALL_GROUPS
from feeds.models import Status
from simulator.agency.form import InfoType, Operation
from simulator.agency.writing import TSUKUBA, Kind, cancellation, warning
from tests.support.telegrams import (
    CODE,
    CODES,
    City,
    at,
    envelope,
    landslide_alert,
    old_warning,
    rain,
    raw,
    statuses,
)

RAIN_3 = ("03", "大雨警報", "発表", "浸水害")


def test_a_rainstorm_is_told_step_by_step_and_its_repeats_are_not() -> None:
    city = City()
    city.read(
        rain(0),
        rain(10, "10"),
        rain(20, "10", "継続", "10"),
        rain(30, "03", "発表", "10"),
        rain(40, "43", "発表", "03"),
        rain(50, "43", "継続", "43"),
        rain(60, "10", "危険警報から注意報", "43"),
        rain(70, "10", "解除"),
        rain(80),
    )
    assert city.news() == [
        ("issued", "heavy-rain", 2),
        ("raised", "heavy-rain", 3),
        ("raised", "heavy-rain", 4),
        ("lowered", "heavy-rain", 2),
        ("lifted", "heavy-rain", 0),
    ]
    raised = city.heard[2]
    assert (raised.kind, raised.kind_code) == ("レベル４大雨危険警報", "43")
    assert (raised.previous_kind, raised.previous_level) == ("レベル３大雨警報", 3)
    assert (raised.areas, raised.place) == ((CODE,), "つくば市")
    assert (raised.shown_level, raised.topic) == (4, "weather")
    lifted = city.heard[-1]
    assert (lifted.kind, lifted.previous_level, lifted.heard_level) == ("レベル２大雨注意報", 2, 2)


def test_a_lost_telegram_is_made_good_by_the_next() -> None:
    city = City()
    city.read(rain(0), rain(30, "43", "継続", "43"))
    assert city.news() == [("issued", "heavy-rain", 4)]
    city.read(rain(40))
    assert city.news()[-1] == ("lifted", "heavy-rain", 0)


def test_the_first_telegram_ever_is_no_news_when_it_only_continues() -> None:
    city = City()
    assert statuses(city.read(rain(0, "43", "継続", "43"))) == ["continued"]
    assert statuses(city.read(rain(10, "33", "発表", "43"))) == ["raised"]


def test_the_first_telegram_ever_may_say_itself_where_it_comes_from() -> None:
    (fact,) = City().read(old_warning(0, ("15", "強風注意報", "警報から注意報", "")))
    assert (fact.status.value, fact.level, fact.previous_level) == ("lowered", 2, 3)
    (fact,) = City().read(rain(0, "43", "特別警報から危険警報", "33"))
    assert (fact.status.value, fact.previous_kind) == ("lowered", "レベル５大雨特別警報")


def test_an_older_telegram_that_comes_late_changes_nothing() -> None:
    city = City()
    city.read(rain(0), rain(30, "43"), rain(20, "10"))
    assert city.news() == [("issued", "heavy-rain", 4)]
    assert statuses(city.read(rain(40, "43", "継続", "43"))) == ["continued"]


def test_two_telegrams_of_one_minute_are_ordered_by_when_they_were_sent() -> None:
    city = City()
    late = warning("VPWW55", TSUKUBA, [Kind("43")], envelope(10, sent=10.8))
    early = warning("VPWW55", TSUKUBA, [Kind("10")], envelope(10, sent=10.2))
    city.read(rain(0), late, early)
    assert city.news() == [("issued", "heavy-rain", 4)]


def test_a_cancellation_takes_back_the_last_telegram_and_what_stood_before_stands() -> None:
    city = City()
    wrong = rain(20, "43", "発表", "10")
    city.read(rain(0), rain(10, "10"), wrong)
    found = city.read(cancellation(wrong, at(25), "取り消します。"))
    assert statuses(found) == ["cancelled"]
    assert (found[0].kind, found[0].previous_level, found[0].level) == (
        "レベル４大雨危険警報",
        4,
        2,
    )
    assert statuses(city.read(wrong)) == []
    assert statuses(city.read(rain(30, "10", "継続", "10"))) == ["continued"]


def test_a_cancellation_of_what_was_never_told_is_for_staff_alone() -> None:
    found = City().read(cancellation(rain(0, "43"), at(5), "取り消します。"))
    assert statuses(found) == ["cancelled"]
    assert not found[0].is_news
    elsewhere = City(JmaCodes(municipality="0121400"))
    assert elsewhere.read(cancellation(rain(0, "43"), at(5), "取り消します。")) == []


def test_a_correction_says_so_to_those_who_heard_the_wrong_level() -> None:
    city = City()
    right = warning(
        "VPWW55",
        TSUKUBA,
        [Kind("03")],
        envelope(20, sent=21, info_type=InfoType.CORRECTED),
    )
    city.read(rain(0), rain(20, "43"), right)
    assert city.news() == [("issued", "heavy-rain", 4), ("corrected", "heavy-rain", 3)]
    none = warning("VPWW55", TSUKUBA, [], envelope(20, sent=22, info_type=InfoType.CORRECTED))
    assert statuses(city.read(none)) == ["cancelled"]


def test_a_correction_that_changes_nothing_here_is_no_news() -> None:
    city = City()
    same = warning(
        "VPWW55", TSUKUBA, [Kind("43")], envelope(20, sent=21, info_type=InfoType.CORRECTED)
    )
    city.read(rain(0), rain(20, "43"))
    assert statuses(city.read(same)) == ["continued"]


def test_a_gale_that_becomes_a_storm_is_raised_on_one_scale() -> None:
    city = City()
    for minutes, code in ((0, "15"), (10, "05"), (20, "35"), (30, "15")):
        city.read(warning("VPWW58", TSUKUBA, [Kind(code)], envelope(minutes)))
    city.read(warning("VPWW58", TSUKUBA, [], envelope(40)))
    assert [(f.status.value, f.hazard, f.level, f.shown_level) for f in city.heard] == [
        ("issued", "gale", 2, 0),
        ("raised", "storm", 3, 0),
        ("raised", "storm", 5, 0),
        ("lowered", "gale", 2, 0),
        ("lifted", "gale", 0, 0),
    ]


def test_advisories_of_one_telegram_come_and_go_each_for_itself() -> None:
    city = City()
    first = warning("VPWW61", TSUKUBA, [Kind("14"), Kind("20")], envelope(0))
    second = warning("VPWW61", TSUKUBA, [Kind("14", "継続", "14"), Kind("21")], envelope(10))
    city.read(first, second)
    assert sorted(city.news()) == [
        ("issued", "dense-fog", 2),
        ("issued", "dry-air", 2),
        ("issued", "thunder", 2),
        ("lifted", "dense-fog", 0),
    ]


def test_an_end_without_a_name_ends_what_the_telegram_covers() -> None:
    city = City()
    city.read(rain(0), rain(10, "43"))
    found = city.read(
        raw(
            "気象警報・注意報（Ｒ０６）（大雨）",
            '<Warning type="気象警報・注意報（市町村等）"><Item><Kind><Name>解除</Name>'
            "<Code>00</Code><Status>解除</Status></Kind>"
            f"<Area><Name>つくば市</Name><Code>{CODE}</Code></Area></Item></Warning>",
            minutes=20,
        )
    )
    assert [(f.status.value, f.kind) for f in found] == [("lifted", "レベル４大雨危険警報")]


def test_a_drill_neither_raises_nor_lifts_anything_real() -> None:
    city = City()
    drill = warning("VPWW55", TSUKUBA, [Kind("33")], envelope(15, operation=Operation.TRAINING))
    over = warning("VPWW55", TSUKUBA, [], envelope(25, operation=Operation.TEST))
    city.read(rain(0), rain(10, "10"))
    found = city.read(drill)
    assert [(f.status.value, f.level, f.drill) for f in found] == [("issued", 5, True)]
    found = city.read(over)
    assert [(f.status.value, f.drill) for f in found] == [("lifted", True)]
    city.read(rain(30, "03", "発表", "10"))
    assert city.news() == [("issued", "heavy-rain", 2), ("raised", "heavy-rain", 3)]


def test_the_old_form_never_repeats_what_the_new_one_said() -> None:
    city = City()
    city.read(rain(0), rain(10, "03"), old_warning(10, RAIN_3, sent=11))
    assert city.news() == [("issued", "heavy-rain", 3)]
    city.read(rain(20, "43", "発表", "03"), old_warning(20, ("03", "大雨警報", "継続", "浸水害")))
    city.read(old_warning(25))
    assert city.news()[1:] == [("raised", "heavy-rain", 4)]


def test_the_new_form_never_repeats_what_the_old_one_said() -> None:
    city = City()
    city.read(old_warning(0), old_warning(10, RAIN_3, sent=11), rain(10, "03"))
    assert city.news() == [("issued", "heavy-rain", 3)]
    city.read(rain(20))
    assert city.news()[-1] == ("lifted", "heavy-rain", 0)


def test_the_new_form_is_heard_though_the_old_one_was_sent_a_second_later() -> None:
    city = City()
    city.read(rain(0), old_warning(10, RAIN_3, sent=10.5))
    city.read(warning("VPWW55", TSUKUBA, [Kind("43")], envelope(10, sent=10.2)))
    assert city.news() == [("issued", "heavy-rain", 3), ("raised", "heavy-rain", 4)]


def test_the_old_form_stands_in_for_a_new_one_that_was_lost() -> None:
    city = City()
    city.read(rain(0), rain(10, "10"), old_warning(30, RAIN_3))
    assert city.news()[-1] == ("raised", "heavy-rain", 3)


def test_both_old_forms_say_one_emergency_once() -> None:
    slope = ("33", "大雨特別警報", "発表", "土砂災害")
    city = City()
    city.read(
        old_warning(0),
        old_warning(10, slope, form="VPWW53"),
        old_warning(10, slope, sent=10.1),
        landslide_alert(12),
    )
    assert city.news() == [("issued", "landslide", 5)]


def notification(minutes: float) -> bytes:
    """VPNO50 for Tsukuba, which names 大雨特別警報 and not the danger it is for."""
    return raw(
        "気象特別警報報知",
        headline='<Text>報知</Text><Information type="気象特別警報報知（市町村等）"><Item>'
        "<Kind><Name>大雨特別警報</Name><Code>33</Code></Kind>"
        '<Areas codeType="気象・地震・火山情報／市町村等"><Area><Name>つくば市</Name>'
        f"<Code>{CODE}</Code></Area></Areas></Item></Information>",
        minutes=minutes,
    )


def test_the_notification_of_an_emergency_and_the_warning_are_one() -> None:
    notice = notification(10)
    slope = old_warning(10, ("33", "大雨特別警報", "発表", "土砂災害"))
    for order in ((notice, slope), (slope, notice)):
        city = City()
        city.read(old_warning(0), *order)
        assert [level for _, _, level in city.news()] == [5]


@pytest.mark.parametrize(
    ("rain_code", "slope_code", "worst"),
    [("43", "39", ["landslide"]), ("33", "49", ["heavy-rain"])],
)
def test_an_emergency_is_one_alarm_whichever_of_the_new_forms_it_is_meant_for(
    rain_code: str, slope_code: str, worst: list[str]
) -> None:
    """VPNO50 calls both 大雨特別警報; VPWW55 and 56 of the same minute say which it is."""
    notice = notification(10)
    water = warning("VPWW55", TSUKUBA, [Kind(rain_code)], envelope(10))
    slope = warning("VPWW56", TSUKUBA, [Kind(slope_code)], envelope(10))
    for order in permutations((notice, water, slope)):
        city = City()
        city.read(rain(0), warning("VPWW56", TSUKUBA, [], envelope(0)), *order)
        assert sum(fact.level == 5 for fact in city.heard) == 1
        assert all(fact.status is not Status.LOWERED for fact in city.heard)
        stands = city.board.side(drill=False)
        levels = {key.hazard: standing.level for key, standing in stands.about(ALL_GROUPS)}
        assert [hazard for hazard, level in levels.items() if level == 5] == worst


def test_a_late_warning_from_before_an_emergency_does_not_say_which_danger_it_is_for() -> None:
    city = City()
    city.read(rain(0), notification(10), rain(5, "43"), rain(10, "33", last="43"))
    assert city.news() == [("issued", "heavy-rain", 5)]


def test_a_landslide_alert_is_level_4_and_the_weaker_old_warning_does_not_undo_it() -> None:
    city = City()
    three = ("03", "大雨警報", "発表", "土砂災害")
    city.read(old_warning(0), old_warning(10, three), landslide_alert(20), old_warning(30, three))
    assert city.news() == [("issued", "landslide", 3), ("raised", "landslide", 4)]
    city.read(landslide_alert(35, "継続"), landslide_alert(40, "解除", "1"))
    lowered = city.heard[-1]
    assert (lowered.status, lowered.kind, lowered.level) == (Status.LOWERED, "大雨警報", 3)
    goes_on = ("03", "大雨警報", "継続", "土砂災害")
    assert statuses(city.read(old_warning(50, goes_on))) == ["continued"]
    assert statuses(city.read(old_warning(60))) == ["lifted"]


def test_a_landslide_alert_ends_when_the_weaker_old_warning_has_ended_below_it() -> None:
    city = City()
    three = ("03", "大雨警報", "発表", "土砂災害")
    city.read(old_warning(0, three), landslide_alert(10), old_warning(20))
    assert statuses(city.read(landslide_alert(30, "解除", "1"))) == ["lifted"]


def test_old_flood_warnings_are_silent_once_the_new_heavy_rain_warning_speaks() -> None:
    flood = ("04", "洪水警報", "発表", "")
    city = City()
    city.read(old_warning(0, flood))
    assert city.news() == [("issued", "flood", 3)]
    new = City()
    new.read(rain(0), old_warning(10, flood))
    assert new.news() == []


def test_the_parts_of_a_split_city_are_named_together_when_they_share_a_change() -> None:
    kinds = "<Kind><Name>レベル４大雨危険警報</Name><Code>43</Code><Status>発表</Status></Kind>"
    data = raw(
        "気象警報・注意報（Ｒ０６）（大雨）",
        '<Warning type="気象警報・注意報（市町村等）">'
        + "".join(
            f"<Item>{kinds}<Area><Name>五條市{half}</Name><Code>{code}</Code></Area></Item>"
            for half, code in (("北部", "2920701"), ("南部", "2920702"))
        )
        + "</Warning>",
    )
    found = City(JmaCodes(municipality="2920700")).read(data)
    assert [(f.areas, f.place) for f in found] == [
        (("2920701", "2920702"), "五條市北部、五條市南部")
    ]


def test_coarser_areas_beside_a_municipality_are_not_the_city() -> None:
    def coarse(system: str, name: str, code: str) -> bytes:
        return raw(
            "気象特別警報・警報・注意報",
            f'<Warning type="気象警報・注意報（{system}）"><Item><Kind><Name>大雨警報</Name>'
            "<Code>03</Code><Status>発表</Status></Kind>"
            f"<Area><Name>{name}</Name><Code>{code}</Code></Area></Item></Warning>",
        )

    assert City().read(coarse("市町村等をまとめた地域等", "県南地域", "080022")) == []
    assert City().read(coarse("府県予報区等", "茨城県", "080000")) == []
    assert City().read(coarse("市町村等", "つくば市", CODE)) != []


def test_a_designated_coast_of_the_city_is_heard() -> None:
    data = raw(
        "気象警報・注意報（Ｒ０６）（高潮）",
        '<Warning type="気象警報・注意報（高潮予報区間）"><Item><Kind>'
        "<Name>レベル４高潮危険警報</Name><Code>48</Code><Status>発表</Status></Kind>"
        "<Area><Name>鹿島海岸</Name><Code>08000101</Code></Area></Item></Warning>",
    )
    codes = CODES.model_copy(update={"forecast_areas": ("08000101",)})
    found = City(codes).read(data)
    assert [(f.hazard, f.level, f.place) for f in found] == [("storm-surge", 4, "鹿島海岸")]
    assert City().read(data) == []
    station = data.replace(b"<Area>", b"<Station>").replace(b"</Area>", b"</Station>")
    assert City(codes).read(station) == found
