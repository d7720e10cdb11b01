"""The demo's feed server: days play in order, at their pace, when somebody starts them."""

from __future__ import annotations

from itertools import pairwise

import aiohttp
import pytest

from app.demo import GAPS, POLL_SECONDS
from city.city import JmaCodes
from core.clock import ManualClock
from core.database import Database
from feeds import jma
from feeds.models import Status
from feeds.rss import read_feed
from simulator.agency import DAYS, RecordedDays
from simulator.agency.dangers import ASAMA, COAST, KOKAI
from simulator.agency.events import TelegramEvent
from tests.support.feed_world import FeedWorld, a_city, sample_sources


async def test_a_day_happens_by_the_clock(
    recorded: RecordedDays, clock: ManualClock, http: aiohttp.ClientSession
) -> None:
    async def state() -> dict[str, object]:
        async with http.get(f"{recorded.url}/_state") as response:
            found: dict[str, object] = await response.json()
            return found

    async with http.post(f"{recorded.url}/_play", json={"day": "rainstorm"}) as response:
        assert response.status == 200
    storm = DAYS["rainstorm"]
    length = storm.events[-1].at.total_seconds() / storm.speed
    assert 120 <= length <= 240
    await clock.advance(length / 2)
    left = (await state())["left"]
    assert isinstance(left, list)
    assert 0 < len(left) < len(storm.events)
    await clock.advance(length)
    assert (await state())["playing"] is None
    assert (await state())["telegrams"] == {"regular": 0, "extra": 16, "eqvol": 0, "other": 0}


def followed() -> JmaCodes:
    """The sample city's codes, and the coast and the volcano it follows on recorded days."""
    return a_city().jma.model_copy(
        update={
            "tsunami_regions": (COAST[0],),
            "volcanoes": (ASAMA[0],),
            "rivers": (KOKAI[0],),
        }
    )


async def told(day: str, clock: ManualClock) -> list[tuple[str, str, str]]:
    """What a resident hears on a day: status, name and place of each notice, in order."""
    board, heard = jma.HazardBoard(), []
    for event in DAYS[day].events:
        if isinstance(event.what, TelegramEvent):
            await clock.advance(600)
            telegram = jma.read_telegram(event.what.write(clock.now()), kind=event.what.kind)
            heard += [fact for fact in jma.facts(telegram, followed(), board) if fact.is_news]
    return [
        ("update" if fact.update else fact.status.value, fact.kind, fact.place) for fact in heard
    ]


async def test_the_tsunami_day_as_a_resident_hears_it(clock: ManualClock) -> None:
    assert await told("tsunami", clock) == [
        ("issued", "震度５弱", "茨城県南部"),
        ("issued", "津波警報", "茨城県"),
        ("update", "震度５弱", "つくば市"),
        ("raised", "大津波警報", "茨城県"),
        ("lowered", "津波警報", "茨城県"),
        ("lowered", "津波注意報", "茨城県"),
        ("lowered", "津波予報（若干の海面変動）", "茨城県"),
    ]


async def test_the_typhoon_day_as_a_resident_hears_it(clock: ManualClock) -> None:
    assert await told("typhoon", clock) == [
        ("issued", "台風情報", ""),
        ("issued", "強風注意報", "つくば市"),
        ("issued", "レベル２大雨注意報", "つくば市"),
        ("raised", "暴風警報", "つくば市"),
        ("issued", "竜巻注意情報", "つくば市"),
        ("issued", "レベル２氾濫注意報", "小貝川"),
        ("raised", "レベル３氾濫警報", "小貝川"),
        ("raised", "レベル４氾濫危険警報", "小貝川"),
        ("raised", "レベル５氾濫特別警報", "小貝川"),
        ("issued", "レベル５氾濫特別警報", "小貝川"),
        ("lowered", "強風注意報", "つくば市"),
        ("lowered", "レベル３氾濫警報", "小貝川"),
        ("lowered", "レベル２氾濫注意報", "小貝川"),
        ("lifted", "レベル２大雨注意報", "つくば市"),
        ("lifted", "強風注意報", "つくば市"),
        ("lifted", "レベル２氾濫注意報", "小貝川"),
    ]


async def test_the_volcano_day_as_a_resident_hears_it(clock: ManualClock) -> None:
    assert await told("volcano", clock) == [
        ("raised", "レベル２（火口周辺規制）", "浅間山"),
        ("raised", "レベル３（入山規制）", "浅間山"),
        ("issued", "噴火速報", "浅間山"),
        ("issued", "少量の降灰", "つくば市"),
        ("update", "やや多量の降灰", "つくば市"),
        ("lowered", "レベル２（火口周辺規制）", "浅間山"),
    ]


@pytest.mark.parametrize("day", DAYS)
def test_every_alarm_of_a_day_can_be_watched_by_itself(day: str) -> None:
    """The demo asks its feeds every 3 seconds; what comes faster is told as one."""
    played = DAYS[day]
    sent = [event for event in played.events if isinstance(event.what, TelegramEvent)]
    for before, after in pairwise(sent):
        if before.what.name != "eruption":
            assert (after.at - before.at).total_seconds() / played.speed >= 3
    assert played.events[-1].at.total_seconds() / played.speed <= 240


async def test_every_recorded_telegram_is_a_true_telegram(clock: ManualClock) -> None:
    board = jma.HazardBoard()
    codes = followed()
    for day in DAYS.values():
        for event in day.events:
            if isinstance(event.what, TelegramEvent):
                await clock.advance(60)
                telegram = jma.read_telegram(event.what.write(clock.now()), kind=event.what.kind)
                assert telegram.title == event.what.title
                assert jma.facts(telegram, codes, board), event.what.name


async def test_the_feeds_have_the_forms_of_city_web_sites(
    recorded: RecordedDays, http: aiohttp.ClientSession
) -> None:
    found = {}
    for path in ("/rss/news.rdf", "/events/feed.xml", "/safety/atom.xml"):
        async with http.get(recorded.url + path) as response:
            body = await response.read()
            feed = read_feed(body, url=recorded.url + path)
            found[feed.form] = feed.articles
        async with http.get(
            recorded.url + path, headers={"If-None-Match": response.headers["ETag"]}
        ) as again:
            assert again.status == 304
        async with http.get(feed.articles[0].link) as page:
            assert feed.articles[0].title in (await page.read()).decode()
    assert set(found) == {"rss10", "rss20", "atom10"}


async def test_it_stands_in_for_the_city_s_sources(recorded: RecordedDays) -> None:
    city = a_city(*sample_sources("https://www.city.example"))
    addresses = recorded.addresses(city)
    assert set(addresses) == {source.code for source in city.sources}
    assert addresses["jma-extra"] == f"{recorded.url}/developer/xml/feed/extra.xml"


async def test_control_refuses_what_is_no_wish(
    recorded: RecordedDays, http: aiohttp.ClientSession
) -> None:
    for path, wish, status in (
        ("/_play", {"day": "nonsense"}, 400),
        ("/_play", {"day": "quiet", "speed": -1}, 400),
        ("/_play", ["quiet"], 400),
        ("/_fail", {"path": "/rss/news.rdf", "fault": "nonsense"}, 400),
        ("/_step", {}, 409),
    ):
        async with http.post(recorded.url + path, json=wish) as response:
            assert response.status == status
    async with http.post(f"{recorded.url}/_play", data={"day": "quiet"}) as response:
        assert response.status == 415
    async with http.get(recorded.url + "/") as response:
        assert "大雨の日" in (await response.read()).decode()


@pytest.mark.slow
@pytest.mark.parametrize("speed", [3, 20, 200, 3000, 100_000])
async def test_at_every_speed_each_alarm_of_the_storm_is_told(
    database: Database, clock: ManualClock, http: aiohttp.ClientSession, speed: float
) -> None:
    """Played faster than the sources are polled, the storm was over before anybody heard of it;
    played slowly, nothing came for minutes."""
    async with RecordedDays(clock, gaps=GAPS) as recorded:
        world = FeedWorld(a_city(*sample_sources(recorded.url)), database, clock)
        poller = world.poller(http)
        await poller.poll("jma-extra")
        await recorded.play("rainstorm", speed)
        began, first = clock.now(), None
        while recorded.playing:
            await clock.advance(POLL_SECONDS)
            await poller.poll("jma-extra")
            if world.sent and first is None:
                first = (clock.now() - began).total_seconds()
        await poller.poll("jma-extra")
    assert first is not None
    assert first <= 25
    told = [(notice.status, notice.level) for notice in world.sent if notice.hazard == "landslide"]
    assert told == [
        *((Status.ISSUED, 2), (Status.RAISED, 3), (Status.RAISED, 4)),
        *((Status.LOWERED, 3), (Status.LOWERED, 2), (Status.LIFTED, 0)),
    ]


@pytest.mark.slow
async def test_a_storm_begun_again_in_the_middle_is_told_again(
    database: Database, clock: ManualClock, http: aiohttp.ClientSession
) -> None:
    async with RecordedDays(clock, gaps=GAPS) as recorded:
        world = FeedWorld(a_city(*sample_sources(recorded.url)), database, clock)
        poller = world.poller(http)
        await poller.poll("jma-extra")
        for _ in range(2):
            world.sent.clear()
            await recorded.play("rainstorm", 3000)
            for _ in range(8):
                await clock.advance(POLL_SECONDS)
                await poller.poll("jma-extra")
            told = [n.kind for n in world.sent if n.status is Status.ISSUED]
            assert told[:3] == ["雷注意報", "レベル２大雨注意報", "レベル２土砂災害注意報"]
