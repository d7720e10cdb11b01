"""Promise 6 under the worst of the wire: late, lost, doubled, contradictory, half written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from time import perf_counter

import pytest

from city.city import JmaCodes
from core.errors import Permanent
from feeds.errors import Unreadable
from feeds.jma import HazardBoard, facts, read_telegram, reading_order
from feeds.jma.levels import INTENSITY_LEVELS
from simulator.agency.form import Envelope, InfoType
from simulator.agency.writing import (
    TSUKUBA,
    Coast,
    Kind,
    Shaking,
    cancellation,
    flood,
    intensity_detail,
    intensity_flash,
    tsunami_warning,
    warning,
)
from tests.support.telegrams import (
    CODE,
    CODES,
    KOKAI,
    City,
    at,
    envelope,
    landslide_alert,
    old_warning,
    rain,
    raw,
    statuses,
)

WITHDRAWN = "取り消します。"
QUAKE = Shaking(origin_at=at(0), hypocentre=("301", "茨城県南部"), magnitude="5.9")


def test_the_newest_report_wins_over_a_higher_serial() -> None:
    city = City(CODES.model_copy(update={"rivers": (KOKAI[0],)}))
    city.read(
        flood(KOKAI, "40", TSUKUBA, envelope(20, event_id=KOKAI[0], serial="2")),
        flood(KOKAI, "20", TSUKUBA, envelope(10, event_id=KOKAI[0], serial="9")),
    )
    assert city.news() == [("issued", "flood", 4)]


def test_what_was_taken_back_before_it_came_is_never_heard() -> None:
    """The 取消 overtakes the telegram it takes back: no alarm, for no kind."""
    coast = City(JmaCodes(municipality="0820500", tsunami_regions=("300",)))
    false_tsunami = tsunami_warning(
        [Coast(("300", "茨城県"), "51")], QUAKE, envelope(0, event_id="T", serial="1")
    )
    river = City(CODES.model_copy(update={"rivers": (KOKAI[0],)}))
    false_flood = flood(KOKAI, "51", TSUKUBA, envelope(0, event_id=KOKAI[0], serial="1"))
    false_quake = intensity_detail(TSUKUBA, "6+", QUAKE, envelope(0, event_id="Q", serial="1"))
    for city, wrong in (
        (City(), rain(0, "33")),
        (coast, false_tsunami),
        (river, false_flood),
        (City(), false_quake),
    ):
        (taken,) = city.read(cancellation(wrong, at(3), WITHDRAWN))
        assert taken.untold
        assert city.read(wrong) == []
        assert city.heard == []
    later = City()
    later.read(cancellation(rain(0, "33"), at(3), WITHDRAWN), rain(0, "33"), rain(10, "43"))
    assert later.news() == [("issued", "heavy-rain", 4)]


def test_another_offices_cancellation_takes_nothing_back_here() -> None:
    """Hokkaido has many offices; a 取消 without an EventID is the sender's own."""
    kushiro = JmaCodes(municipality="0120600")

    def local(minutes: float, title: str, info_type: str = "発表") -> bytes:
        item = (
            '<Warning type="気象警報・注意報（市町村等）"><Item><Kind>'
            "<Name>レベル４大雨危険警報</Name><Code>43</Code><Status>発表</Status></Kind>"
            "<Area><Name>釧路市</Name><Code>0120601</Code></Area></Item></Warning>"
        )
        return raw(
            "気象警報・注意報（Ｒ０６）（大雨）",
            item if info_type == "発表" else "",
            minutes=minutes,
            head_title=title,
            info_type=info_type,
        )

    city = City(kushiro)
    city.read(local(0, "釧路・根室地方大雨警報・注意報"))
    assert city.read(local(5, "宗谷地方大雨警報・注意報", "取消")) == []
    assert statuses(city.read(local(6, "釧路・根室地方大雨警報・注意報", "取消"))) == ["cancelled"]


def test_a_correction_after_a_cancellation_is_heard_as_what_it_now_is() -> None:
    city = City()
    wrong = rain(10, "33")
    right = warning("VPWW55", TSUKUBA, [Kind("10")], envelope(20, info_type=InfoType.CORRECTED))
    city.read(rain(0), wrong, cancellation(wrong, at(12), WITHDRAWN), right)
    assert city.news() == [
        ("issued", "heavy-rain", 5),
        ("cancelled", "heavy-rain", 0),
        ("issued", "heavy-rain", 2),
    ]


def test_a_cancellation_that_comes_twice_is_told_once() -> None:
    city = City()
    wrong = rain(10, "33")
    taken_back = cancellation(wrong, at(12), WITHDRAWN)
    city.read(rain(0), wrong, taken_back, taken_back)
    assert [status for status, _, _ in city.news()] == ["issued", "cancelled"]


def test_a_raise_here_and_an_end_elsewhere_in_one_telegram_do_not_mix() -> None:
    items = "".join(
        f"<Item><Kind><Name>{name}</Name><Code>{code}</Code><Status>{status}</Status></Kind>"
        f"<Area><Name>x</Name><Code>{area}</Code></Area></Item>"
        for area, name, code, status in (
            ("2920701", "レベル４土砂災害危険警報", "49", "発表"),
            ("2920702", "レベル３土砂災害警報", "09", "解除"),
            ("2920100", "レベル５土砂災害特別警報", "39", "発表"),
        )
    )
    data = raw(
        "気象警報・注意報（Ｒ０６）（土砂）",
        f'<Warning type="気象警報・注意報（市町村等）">{items}</Warning>',
    )
    found = City(JmaCodes(municipality="2920700")).read(data)
    assert [(f.status.value, f.level, f.areas) for f in found] == [
        ("issued", 4, ("2920701",)),
        ("lifted", 0, ("2920702",)),
    ]


def test_new_forms_are_read_before_the_old_ones_of_the_same_minute() -> None:
    old = read_telegram(old_warning(10, ("03", "大雨警報", "発表", "浸水害"), sent=10.1))
    new = read_telegram(warning("VPWW55", TSUKUBA, [Kind("43")], envelope(10, sent=10.9)))
    earlier = read_telegram(old_warning(9))
    assert sorted((old, new, earlier), key=reading_order) == [earlier, new, old]


def test_an_emergency_in_the_old_form_and_level_5_in_the_new_are_one() -> None:
    old = old_warning(10, ("33", "大雨特別警報", "発表", "浸水害"), sent=10.2)
    for order in ((rain(10, "33"), old), (old, rain(10, "33"))):
        city = City()
        city.read(rain(0), old_warning(0), *order)
        assert [level for _, _, level in city.news()] == [5]
    slope = warning("VPWW56", TSUKUBA, [Kind("49")], envelope(10))
    city = City()
    city.read(slope, landslide_alert(10), landslide_alert(20, "継続"))
    assert city.news() == [("issued", "landslide", 4)]


def test_the_turn_of_the_year_is_a_night_like_any_other() -> None:
    def midnight(hours: float, code: str, status: str = "発表", last: str = "") -> bytes:
        moment = datetime(2026, 12, 31, 15, tzinfo=UTC) + timedelta(hours=hours)
        changes = [Kind(code, status, last)] if code else []
        return warning("VPWW58", TSUKUBA, changes, Envelope(at=moment))

    city = City()
    city.read(midnight(-3, ""), midnight(-0.1, "15"), midnight(0.1, "05", "発表", "15"))
    city.read(midnight(-0.05, "15", "継続", "15"), midnight(5, ""))
    assert [status for status, _, _ in city.news()] == ["issued", "raised", "lifted"]


def test_one_earthquake_is_one_alarm_through_all_its_telegrams() -> None:
    """The flash comes twice and once more after the detail; the detail comes twice."""
    flash = intensity_flash(TSUKUBA, "5-", QUAKE, envelope(2, event_id="E"))
    detail = intensity_detail(TSUKUBA, "5-", QUAKE, envelope(5, event_id="E", serial="1"))
    city = City()
    city.read(flash, flash, detail, flash, detail)
    assert [(fact.status.value, fact.update) for fact in city.heard] == [
        ("issued", False),
        ("issued", True),
    ]
    other = intensity_detail(TSUKUBA, "4", QUAKE, envelope(5, event_id="F", serial="1"))
    city.read(other)
    assert (city.heard[-1].update, city.heard[-1].event_id) == (False, "F")


@pytest.mark.parametrize(
    ("minute", "flash", "heard", "stands"),
    [(5, "6-", 1, "4"), (6, "4", 1, "4"), (6, "3", 1, "4"), (6, "6-", 2, "6-")],
)
def test_a_regions_intensity_does_not_replace_the_citys_own(
    minute: int, flash: str, heard: int, stands: str
) -> None:
    """A late flash says more than the detail only if it is both later and stronger."""
    city = City()
    city.read(
        intensity_detail(TSUKUBA, "4", QUAKE, envelope(5, event_id="E", serial="1")),
        intensity_flash(TSUKUBA, flash, QUAKE, envelope(minute, event_id="E")),
    )
    assert len(city.heard) == heard
    assert city.heard[-1].level == INTENSITY_LEVELS[stands]


@pytest.mark.parametrize(
    "title",
    ["土砂災害警戒情報", "竜巻注意情報", "震度速報", "震源・震度に関する情報", "噴火警報・予報"],
)
def test_a_telegram_that_lost_its_body_is_set_aside_and_not_taken_for_calm(title: str) -> None:
    with pytest.raises(Unreadable, match="no Body"):
        City().read(raw(title))


@pytest.mark.parametrize("status", ["", "通常 ", "本番", "通常通常"])
def test_what_does_not_say_that_it_is_meant_is_never_taken_for_real(status: str) -> None:
    data = rain(0, "33").replace(
        "<Status>通常</Status>".encode(), f"<Status>{status}</Status>".encode()
    )
    if status.strip() == "通常":
        assert not read_telegram(data).drill
        return
    with pytest.raises(Unreadable, match="Control/Status"):
        read_telegram(data)


def test_a_telegram_without_any_status_is_never_taken_for_real() -> None:
    data = rain(0, "33").replace("<Status>通常</Status>".encode(), b"")
    with pytest.raises(Unreadable, match="Control/Status"):
        read_telegram(data)


def test_other_prefixes_for_the_same_names_are_the_same_telegram() -> None:
    data = rain(0, "43", last="03")
    prefixed = (
        data.replace(b'<Report xmlns="', b'<q:Report xmlns:q="')
        .replace(b"</Report>", b"</q:Report>")
        .replace(b"<Control>", b'<q:Control xmlns="http://xml.kishou.go.jp/jmaxml1/">')
        .replace(b"</Control>", b"</q:Control>")
    )
    assert prefixed != data
    assert City().read(prefixed) == City().read(data) != []


def test_a_time_without_its_zone_or_far_ahead_is_refused() -> None:
    data = rain(0, "43")
    with pytest.raises(Unreadable, match="without its zone"):
        read_telegram(data.replace(b"+09:00</ReportDateTime>", b"</ReportDateTime>"))
    ahead = read_telegram(rain(60, "43"))
    board = HazardBoard()
    with pytest.raises(Unreadable, match="dated"):
        facts(ahead, CODES, board, now=at(0))
    assert len(board) == 0
    assert facts(ahead, CODES, board, now=at(50)) != []


@pytest.mark.timed
def test_550_kilobytes_are_read_in_a_tenth_of_a_second() -> None:
    item = (
        "<Item><Kind><Name>レベル２大雨注意報</Name><Code>10</Code><Status>継続</Status>"
        "<LastKind><Name>レベル２大雨注意報</Name><Code>10</Code></LastKind></Kind>"
        "<Area><Name>{0}</Name><Code>{0}</Code></Area></Item>"
    )
    many = "".join(item.format(f"{1_000_000 + number:07}") for number in range(2_800))
    here = item.format(CODE).replace("10</Code>", "43</Code>")
    data = raw(
        "気象警報・注意報（Ｒ０６）（大雨）",
        f'<Warning type="気象警報・注意報（市町村等）">{many}{here}</Warning>',
    )
    assert len(data) > 550_000
    took = []
    for _ in range(5):
        start = perf_counter()
        assert len(City().read(data)) == 1
        took.append(perf_counter() - start)
    assert min(took) < 0.1


@pytest.mark.parametrize("title", ["震度速報", "津波警報・注意報・予報ａ", "噴火速報"])
def test_a_body_of_another_kind_is_refused_or_says_nothing(title: str) -> None:
    body = '<Warning type="気象警報・注意報（市町村等）"><Item/></Warning>'
    city = City()
    try:
        city.read(raw(title, body, event_id="E"))
    except Permanent:
        return
    assert city.heard == []
