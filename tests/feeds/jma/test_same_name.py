"""No end is told while a warning of that name stands; what changed is told in its own words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from core.clock import ManualClock
from core.database import Database
from core.languages import LANGUAGES
from feeds.facts import Fact
from feeds.in_force import in_force
from feeds.jma import HazardBoard, codes_for, facts, read_telegram
from feeds.models import Item, Notice, Source, Status
from feeds.telegrams import take_telegrams
from feeds.texts import compose
from simulator.agency.writing import TSUKUBA, Kind, cancellation, warning
from tests.support.feed_world import FeedWorld, a_city, sample_sources
from tests.support.telegrams import CODES, City, at, envelope, landslide_alert, old_warning, raw

EMERGENCY = "大雨特別警報"
BOTH, SLOPES, FLOODS = "土砂災害、浸水害", "土砂災害", "浸水害"


def old(minutes: float, condition: str = "", status: str = "継続", code: str = "33") -> bytes:
    """VPWW53 with one 大雨 warning; without a condition nothing is in force."""
    name = {"33": EMERGENCY, "03": "大雨警報"}[code]
    kinds = [(code, name, status, condition)] if condition else []
    titled = "<Title>茨城県気象警報・注意報</Title><ReportDateTime>".encode()
    return re.sub(rb"<Title>[^<]*</Title><ReportDateTime>", titled, old_warning(minutes, *kinds))


def news(city: City) -> list[tuple[str, str, str, str]]:
    return [(f.status.value, f.hazard, f.kind, f.ended_for or f.newly_for) for f in city.heard]


def test_the_official_emergency_whose_condition_narrows_is_not_lifted(shared_data: Path) -> None:
    folder, board = shared_data / "cases" / "telegrams", HazardBoard()
    found: list[Fact] = []
    for name in ("15_08_02_130412_VPWW53", "15_08_03_160628_VPWW53"):
        telegram = read_telegram((folder / f"{name}.xml").read_bytes())
        found = [f for f in facts(telegram, codes_for("2920700"), board) if f.kind == EMERGENCY]
    [told] = found
    assert (told.status, told.level, told.dangers) == (Status.LOWERED, 5, ("landslide",))
    assert told.ended_for == "heavy-rain"
    texts = compose(told, a_city())
    assert texts["en"]["title"].startswith("Still in force: Heavy Rain Emergency Warning")
    assert "stays in force because of landslides" in texts["en"]["text"]
    assert "no longer in force for flooding" in texts["en"]["text"]
    assert "may stay dangerous for a while" not in texts["en"]["text"]
    assert "土砂災害について続いています" in texts["ja"]["text"]
    assert texts["ja"]["title"] == "【一部解除・継続中】大雨特別警報（五條市北部、五條市南部）"


def test_an_emergency_narrows_and_ends() -> None:
    city = City()
    city.read(old(0, BOTH, "発表"), old(10, SLOPES), old(20, SLOPES), old(30))
    assert news(city) == [
        ("issued", "heavy-rain", EMERGENCY, ""),
        ("lowered", "landslide", EMERGENCY, "heavy-rain"),
        ("lifted", "landslide", EMERGENCY, ""),
    ]
    assert city.heard[0].dangers == ("heavy-rain", "landslide")


def test_it_narrows_to_floods_as_well_and_widens_again() -> None:
    city = City()
    city.read(old(0, BOTH, "発表"), old(10, FLOODS), old(20, BOTH), old(30))
    assert news(city) == [
        ("issued", "heavy-rain", EMERGENCY, ""),
        ("lowered", "heavy-rain", EMERGENCY, "landslide"),
        ("issued", "landslide", EMERGENCY, "landslide"),
        ("lifted", "heavy-rain", EMERGENCY, ""),
    ]
    widened = compose(city.heard[2], a_city(), languages=["en"])["en"]
    assert "Now it is for landslides too" in widened["text"].split("\n\n")[0]


def test_a_step_down_for_one_danger_and_an_end_for_the_other_are_one_notice() -> None:
    city = City()
    city.read(old(0, BOTH, "発表"), old(10, SLOPES, "特別警報から警報", "03"))
    assert news(city)[1:] == [("lowered", "landslide", "大雨警報", "heavy-rain")]
    words = compose(city.heard[1], a_city(), languages=["en"])["en"]
    assert words["title"].startswith("Lowered: Heavy Rain Warning")
    assert words["text"].startswith(
        "The danger has become smaller. Before: Heavy Rain Emergency Warning. Now: Heavy Rain"
        " Warning\nHeavy Rain Warning: it stays in force because of landslides."
    )


def test_a_step_down_to_an_advisory_does_not_say_which_danger_it_is_for() -> None:
    city = City()
    advisory = old_warning(10, ("10", "大雨注意報", "特別警報から注意報", ""))
    city.read(old(0, BOTH, "発表"), advisory)
    assert news(city)[1:] == [("lowered", "heavy-rain", "大雨注意報", "")]


def test_a_step_up_for_one_danger_ends_nothing() -> None:
    city = City()
    city.read(old(0, BOTH, "発表", "03"), old(10, SLOPES, "警報から特別警報"))
    assert [(f.status.value, f.kind) for f in city.heard] == [
        ("issued", "大雨警報"),
        ("raised", EMERGENCY),
    ]


@pytest.mark.parametrize("info_type", ["訂正", "取消"])
def test_a_wrong_danger_taken_back_corrects_the_name_that_stands(info_type: str) -> None:
    city = City()
    city.read(old(0, SLOPES, "発表"), old(10, BOTH))
    if info_type == "取消":
        city.read(cancellation(old(10, BOTH), at(12), "取り消します。"))
    else:
        mended = old(10, SLOPES).replace(
            "発表</InfoType>".encode(), "訂正</InfoType><!-- -->".encode()
        )
        city.read(mended)
    assert news(city)[1:] == [
        ("issued", "heavy-rain", EMERGENCY, "heavy-rain"),
        ("corrected", "landslide", EMERGENCY, "heavy-rain"),
    ]


def taken_back(telegram: bytes) -> bytes:
    return telegram.replace(
        "<InfoType>発表</InfoType>".encode(), "<InfoType>取消</InfoType>".encode()
    )


@pytest.mark.parametrize(
    ("wrong", "newly_for"), [(old(10, SLOPES), "heavy-rain"), (old(10, FLOODS), "landslide")]
)
def test_a_narrowing_taken_back_puts_the_name_in_force_for_both_again(
    wrong: bytes, newly_for: str
) -> None:
    city = City()
    city.read(old(0, BOTH, "発表"), wrong)
    [told] = city.read(taken_back(old(12)))
    assert (told.status, told.kind, told.level) == (Status.CORRECTED, EMERGENCY, 5)
    assert (told.newly_for, set(told.dangers)) == (newly_for, {"heavy-rain", "landslide"})
    words = compose(told, a_city(), languages=["en"])["en"]
    assert words["title"].startswith("Corrected: Heavy Rain Emergency Warning")
    assert "disregard" not in words["text"]


@pytest.mark.parametrize("wrong", [old(10), old(10, BOTH, "発表", "03")])
def test_an_end_or_a_step_down_taken_back_says_what_is_in_force(wrong: bytes) -> None:
    city = City()
    city.read(old(0, BOTH, "発表"), wrong)
    [told] = city.read(taken_back(old(12)))
    assert (told.status, told.kind, told.level) == (Status.CORRECTED, EMERGENCY, 5)
    assert set(told.dangers) == {"heavy-rain", "landslide"}
    assert (told.newly_for, told.standing_kind) == ("", "")


def test_what_a_withdrawal_restores_in_two_parts_is_one_notice() -> None:
    city = City(codes_for("2920700"))
    city.read(parts(0, "05", "05"), parts(10, "", ""))
    [told] = city.read(parts(12, "", "", "取消"))
    assert (told.status, told.kind) == (Status.CORRECTED, "暴風警報")
    assert (told.areas, told.place) == (("2920701", "2920702"), "五條市北部、五條市南部")


def test_a_withdrawal_of_both_dangers_is_told_once() -> None:
    city = City()
    first = old(0, BOTH, "発表")
    city.read(first, cancellation(first, at(5), "取り消します。"))
    assert [f.status.value for f in city.heard] == ["issued", "cancelled"]


def test_the_level_4_alert_for_landslides_ends_by_its_own_name() -> None:
    city = City()
    city.read(old(0, FLOODS, "発表", "03"), landslide_alert(10), landslide_alert(20, "解除", "1"))
    assert [(f.status.value, f.kind) for f in city.heard] == [
        ("issued", "大雨警報"),
        ("issued", "土砂災害警戒情報"),
        ("lifted", "土砂災害警戒情報"),
    ]


def parts(minutes: float, north: str, south: str, info_type: str = "発表") -> bytes:
    """VPWW58 for the two parts of a split city; a code each, nothing in force without one."""
    names = {"05": "暴風警報", "15": "強風注意報", "35": "暴風特別警報"}
    items = "".join(
        "<Item>"
        + (
            f"<Kind><Name>{names[code]}</Name><Code>{code}</Code><Status>発表</Status></Kind>"
            if code
            else "<Kind><Status>発表警報・注意報はなし</Status></Kind>"
        )
        + f"<Area><Name>{name}</Name><Code>{area}</Code></Area></Item>"
        for code, name, area in ((north, "五條市北部", "2920701"), (south, "五條市南部", "2920702"))
    )
    return raw(
        "気象警報・注意報（Ｒ０６）（暴風）",
        f'<Warning type="気象警報・注意報（市町村等）">{items}</Warning>',
        minutes=minutes,
        head_title="奈良県気象警報・注意報",
        info_type=info_type,
    )


def test_an_end_in_one_part_of_a_city_is_not_the_end() -> None:
    city = City(codes_for("2920700"))
    city.read(parts(0, "05", "05"), parts(10, "", "05"), parts(20, "", ""))
    assert [(f.status.value, f.kind, f.place, f.ended_at) for f in city.heard] == [
        ("issued", "暴風警報", "五條市北部、五條市南部", ""),
        ("lowered", "暴風警報", "五條市南部", "五條市北部"),
        ("lifted", "暴風警報", "五條市南部", ""),
    ]
    words = compose(city.heard[1], a_city(), languages=["en", "ja"])
    assert words["ja"]["title"] == "【一部解除・継続中】暴風警報（五條市南部）"
    first = words["en"]["text"].partition("\n")[0]
    assert first == (
        "Storm Warning: it stays in force in Southern Gojo City. It is no longer in force in"
        " Northern Gojo City."
    )


def test_a_step_down_in_one_part_says_what_stands_in_the_other() -> None:
    city = City(codes_for("2920700"))
    city.read(parts(0, "05", "05"), parts(10, "15", "05"))
    told = city.heard[1]
    assert (told.status, told.kind, told.place) == (Status.LOWERED, "暴風警報", "五條市南部")
    assert (told.ended_at, told.ended_as) == ("五條市北部", "強風注意報")
    assert "Now in Northern Gojo City: Gale Advisory" in compose(told, a_city())["en"]["text"]


def test_what_changed_is_said_in_every_language() -> None:
    city = City()
    city.read(old(0, BOTH, "発表"), old(10, SLOPES))
    split = City(codes_for("2920700"))
    split.read(parts(0, "05", "05"), parts(10, "15", "05"))
    for told in (city.heard[1], split.heard[1]):
        texts = compose(told, a_city(), languages=tuple(LANGUAGES))
        assert len({words["title"] for words in texts.values()}) >= 15
        english = texts["en"]["text"].partition("\n\n")[0]
        assert not any(
            english in words["text"] for language, words in texts.items() if language != "en"
        )


async def told_by_a_service(database: Database, *polls: list[bytes]) -> list[Notice]:
    """What is sent to residents when each poll brings some telegrams."""
    clock = ManualClock(at(0))
    [agency, *_] = sample_sources("https://www.data.jma.example")
    city = a_city(agency).model_copy(update={"jma": CODES})
    world = FeedWorld(city, database, clock)
    async with database.writing() as session:
        session.add(Source(code=agency.code, kind=agency.kind))
    for number, poll in enumerate(polls):
        async with database.writing() as session:
            items = [
                Item(
                    source=agency.code,
                    identity=f"{number}-{place}",
                    kind="",
                    fetched_at=clock.now(),
                    payload=telegram,
                )
                for place, telegram in enumerate(poll)
            ]
            session.add_all(items)
            await session.flush()
            await take_telegrams(
                session, items, agency, city, clock.now(), world.publish, first_poll=False
            )
        await clock.advance(600)
    return world.sent


async def test_the_end_after_a_change_reaches_those_who_heard_of_it(database: Database) -> None:
    sent = await told_by_a_service(database, [old(0, BOTH, "発表")], [old(10, SLOPES)], [old(20)])
    assert [n.status.value for n in sent] == ["issued", "lowered", "lifted"]
    assert [n.replaces_id for n in sent[1:]] == [n.id for n in sent[:2]]


async def test_an_end_taken_back_reaches_those_who_heard_it(database: Database) -> None:
    sent = await told_by_a_service(
        database, [old(0, BOTH, "発表")], [old(10)], [taken_back(old(12))], [old(30)]
    )
    assert [n.status.value for n in sent] == ["issued", "lifted", "corrected", "lifted"]
    assert [n.replaces_id for n in sent[1:]] == [n.id for n in sent[:3]]
    assert (sent[2].level, sent[2].emergency) == (5, True)


async def test_an_end_taken_back_is_in_force_again(database: Database) -> None:
    [_, _, corrected] = await told_by_a_service(
        database, [old(0, BOTH, "発表")], [old(10)], [taken_back(old(12))]
    )
    async with database.reading() as session:
        [one] = await in_force(session, CODES.municipality, at(30))
    assert one.notice is not None
    assert (one.kind, one.level, one.notice.id) == (EMERGENCY, 5, corrected.id)


async def test_what_is_only_said_again_in_the_same_poll_silences_nothing(
    database: Database,
) -> None:
    first = warning("VPWW55", TSUKUBA, [Kind("43")], envelope(0))
    again = warning("VPWW55", TSUKUBA, [Kind("43", "継続", "43")], envelope(5))
    sent = await told_by_a_service(database, [first, again])
    assert [(n.status.value, n.level) for n in sent] == [("issued", 4)]
