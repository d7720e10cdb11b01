"""News is read automatically: once, in time, and whatever state a source is in."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from city.city import Decision
from core.clock import ManualClock
from core.database import Database
from core.errors import BadInput
from feeds.articles import Translations
from feeds.models import HazardState, Item, ItemState, Notice, Source, Status
from feeds.poller import Poller
from feeds.rss import Article
from simulator.agency import RecordedDays
from tests.support.feed_world import FeedWorld, a_city, source

pytestmark = pytest.mark.usefixtures("unpacked_here")


async def notices(world: FeedWorld) -> list[Notice]:
    async with world.database.reading() as session:
        return list(await session.scalars(select(Notice).order_by(col(Notice.id))))


async def items(world: FeedWorld, source: str) -> list[Item]:
    async with world.database.reading() as session:
        query = select(Item).where(col(Item.source) == source).order_by(col(Item.id))
        return list(await session.scalars(query))


async def play_through(world: FeedWorld, poller: Poller, recorded: RecordedDays, day: str) -> None:
    """Poll after each thing that happens, two minutes apart."""
    recorded.prepare(day)
    while True:
        await world.clock.advance(120)
        if recorded.step() is None:
            return
        for code in poller.polled():
            result = await poller.poll(code)
            assert result.outcome in {"new", "unchanged"}, result


async def test_the_first_poll_tells_residents_nothing(
    world: FeedWorld, http: aiohttp.ClientSession, recorded: RecordedDays
) -> None:
    results = await world.poller(http).poll_due()
    assert {result.source: result.outcome for result in results} == dict.fromkeys(
        ("jma-extra", "jma-eqvol", "city-news", "city-events", "city-safety"), "first"
    )
    assert world.sent == []
    assert await notices(world) == []
    assert [item.title for item in await items(world, "city-safety")] == [
        "市役所をかたる還付金詐欺の電話に注意してください"
    ]


async def test_a_quiet_day_sends_what_its_rules_send(
    world: FeedWorld, http: aiohttp.ClientSession, recorded: RecordedDays
) -> None:
    poller = world.poller(http)
    await poller.poll_due()
    await play_through(world, poller, recorded, "quiet")
    made = {notice.texts["ja"]["title"]: notice for notice in await notices(world)}
    by_topic = {notice.topic: notice for notice in made.values()}
    assert {topic: notice.decision for topic, notice in by_topic.items()} == {
        "collection": Decision.DIGEST,
        "childcare": Decision.DIGEST,
        "roadworks": Decision.SEND,
    }
    assert by_topic["roadworks"].decided_by == "rule:city-news#2"
    assert [notice.topic for notice in world.sent] == ["roadworks"]
    assert "通行止め" in by_topic["roadworks"].texts["my"]["text"]
    assert by_topic["roadworks"].url == f"{recorded.url}/news/1002.html"


async def test_a_rainstorm_is_told_by_what_changes(
    world: FeedWorld, http: aiohttp.ClientSession, recorded: RecordedDays
) -> None:
    poller = world.poller(http)
    await poller.poll_due()
    await play_through(world, poller, recorded, "rainstorm")
    rain = [
        (notice.status, notice.level, notice.emergency)
        for notice in world.sent
        if notice.hazard == "heavy-rain"
    ]
    assert rain == [
        (Status.ISSUED, 2, False),
        (Status.RAISED, 3, False),
        (Status.RAISED, 4, True),
        (Status.LOWERED, 3, False),
        (Status.LOWERED, 2, False),
        (Status.LIFTED, 0, False),
    ]
    landslide = [notice for notice in world.sent if notice.hazard == "landslide"]
    assert [notice.replaces_id for notice in landslide[1:]] == [n.id for n in landslide[:-1]]
    # Whoever heard the alarm hears its end.
    assert landslide[-1].reach == 2
    top = next(notice for notice in landslide if notice.level == 4)
    assert top.kind == "レベル４土砂災害危険警報"
    assert "レベル４土砂災害危険警報" in top.texts["ja"]["title"]
    assert not any(notice.drill for notice in world.sent)
    async with world.database.reading() as session:
        told = await session.scalars(
            select(HazardState.notice_id).where(col(HazardState.hazard) == "landslide")
        )
    assert list(told) == [landslide[-1].id]


async def test_the_detail_of_an_earthquake_updates_the_flash(
    world: FeedWorld, http: aiohttp.ClientSession, recorded: RecordedDays
) -> None:
    poller = world.poller(http)
    await poller.poll_due()
    await play_through(world, poller, recorded, "earthquake")
    flash, detail = (notice for notice in world.sent if notice.topic == "earthquake")
    assert (flash.intensity, flash.emergency) == ("5-", True)
    assert detail.replaces_id == flash.id
    # The detail is an update, not a second alarm.
    assert (flash.silent, detail.silent) == (False, True)
    broken, mended = (notice for notice in world.sent if notice.topic == "lifeline")
    assert mended.status is Status.CORRECTED
    assert mended.replaces_id == broken.id


async def test_a_telegram_is_fetched_once_for_ever(
    world: FeedWorld, http: aiohttp.ClientSession, recorded: RecordedDays
) -> None:
    poller = world.poller(http)
    await poller.poll_due()
    recorded.prepare("rainstorm")
    recorded.step()
    for _ in range(5):
        await poller.poll("jma-extra")
        await world.clock.advance(60)
    await world.poller(http).poll("jma-extra")
    telegrams = [path for path, _ in recorded.requests if "/data/" in path]
    assert len(telegrams) == 1
    feeds = [status for path, status in recorded.requests if path.endswith("/extra.xml")]
    assert feeds == [200, 200, 304, 304, 304, 304, 304]


async def test_after_a_gap_residents_hear_what_is_in_force_and_not_the_whole_night(
    world: FeedWorld, http: aiohttp.ClientSession, recorded: RecordedDays
) -> None:
    poller = world.poller(http)
    await poller.poll_due()
    recorded.prepare("rainstorm")
    while (event := recorded.step()) and event.what.name != "heavy rain level 4":
        await world.clock.advance(600)
    await world.clock.advance(60)
    await poller.poll("jma-extra")
    assert sorted((n.hazard, n.level) for n in world.sent if n.level) == [
        ("heavy-rain", 4),
        ("landslide", 4),
    ]
    overtaken = [n for n in await notices(world) if n.decided_by == "rule:overtaken"]
    assert {(n.hazard, n.level) for n in overtaken} >= {("heavy-rain", 2), ("heavy-rain", 3)}


async def test_one_bad_source_never_delays_the_others(
    world: FeedWorld, http: aiohttp.ClientSession, recorded: RecordedDays
) -> None:
    poller = world.poller(http)
    await poller.poll_due()
    recorded.prepare("quiet")
    while recorded.step():
        pass
    await world.clock.advance(3600)
    recorded.fail("/rss/news.rdf", "error")
    recorded.fail("/safety/atom.xml", "error-page")
    outcomes = {result.source: result.outcome for result in await poller.poll_due()}
    assert outcomes["city-news"] == outcomes["city-safety"] == "failed"
    assert outcomes["city-events"] == "new"
    recorded.fail("/rss/news.rdf", None)
    await world.clock.advance(3600)
    outcomes = {result.source: result.outcome for result in await poller.poll_due()}
    assert outcomes["city-news"] == "new"


async def test_a_source_that_never_finishes_answering_holds_up_nobody(
    world: FeedWorld, http: aiohttp.ClientSession, recorded: RecordedDays
) -> None:
    poller = world.poller(http)
    await poller.poll_due()
    recorded.prepare("rainstorm")
    recorded.step()
    recorded.fail("/rss/news.rdf", "slow")
    await world.clock.advance(3600)
    polling = asyncio.create_task(poller.poll_due())
    try:
        async with asyncio.timeout(20):
            while not world.sent:
                await asyncio.sleep(0.01)
        assert not polling.done()
    finally:
        recorded.release()
        outcomes = {result.source: result.outcome for result in await polling}
    assert outcomes["city-news"] == "failed"
    assert outcomes["jma-extra"] == "new"


@pytest.mark.parametrize("fault", ["error", "error-page", "endless-redirect", "bomb", "broken-off"])
async def test_a_failing_source_is_asked_less_and_less_often(
    world: FeedWorld, http: aiohttp.ClientSession, recorded: RecordedDays, fault: str
) -> None:
    poller = world.poller(http)
    await poller.poll("city-news")
    recorded.fail("/rss/news.rdf", fault)
    waits = []
    for _ in range(6):
        result = await poller.poll("city-news")
        assert result.outcome == "failed"
        assert result.error
        async with world.database.reading() as session:
            row = (
                await session.scalars(select(Source).where(col(Source.code) == "city-news"))
            ).one()
        assert row.next_poll_at is not None
        waits.append((row.next_poll_at - world.clock.now()).total_seconds())
    assert row.failures == 6
    assert waits[-1] > waits[0]
    assert max(waits) <= 1800
    # It is not asked again before its time, and nothing of it was lost or invented.
    assert await poller.poll_if_due("city-news") is None
    assert len(await items(world, "city-news")) == 1


async def test_what_cannot_be_read_is_set_aside_and_stops_nothing(
    world: FeedWorld, http: aiohttp.ClientSession, recorded: RecordedDays
) -> None:
    poller = world.poller(http)
    await poller.poll_due()
    recorded.prepare("rainstorm")
    recorded.step()
    broken = next(iter(recorded._telegrams))
    recorded._telegrams[broken] = b"<Report>"
    recorded.step()
    await world.clock.advance(60)
    result = await poller.poll("jma-extra")
    assert (result.set_aside, len(result.notices)) == (1, 1)
    states = {item.state for item in await items(world, "jma-extra")}
    assert states == {ItemState.DONE, ItemState.SET_ASIDE}
    [aside] = [i for i in await items(world, "jma-extra") if i.state is ItemState.SET_ASIDE]
    assert aside.payload == b"<Report>"
    assert aside.reason


async def test_a_telegram_that_does_not_come_is_asked_for_again_and_then_set_aside(
    world: FeedWorld, http: aiohttp.ClientSession, recorded: RecordedDays
) -> None:
    poller = world.poller(http)
    await poller.poll_due()
    recorded.prepare("rainstorm")
    recorded.step()
    path = next(iter(recorded._telegrams))
    recorded.fail(path, "error")
    for _ in range(2):
        await poller.poll("jma-extra")
    [item] = await items(world, "jma-extra")
    assert (item.state, item.attempts) == (ItemState.NEW, 2)
    recorded.fail(path, None)
    await poller.poll("jma-extra")
    [item] = await items(world, "jma-extra")
    assert (item.state, item.attempts) == (ItemState.DONE, 3)
    assert [notice.hazard for notice in world.sent] == ["thunder"]


async def test_two_pollers_never_ask_the_same_source_at_once(
    world: FeedWorld, http: aiohttp.ClientSession, recorded: RecordedDays
) -> None:
    one, other = world.poller(http), world.poller(http)
    await one.poll_due()
    assert await other.poll_due() == []


async def test_when_sending_fails_nothing_is_half_done(
    world: FeedWorld, http: aiohttp.ClientSession, recorded: RecordedDays
) -> None:
    poller = world.poller(http)
    await poller.poll_due()
    recorded.prepare("rainstorm")
    recorded.step()

    async def refuse(*_: object) -> None:
        raise RuntimeError("the outbox is full")

    failing = Poller(world, refuse, http)
    assert (await failing.poll("jma-extra")).outcome == "failed"
    assert await notices(world) == []
    await poller.poll("jma-extra")
    assert [notice.hazard for notice in world.sent] == ["thunder"]
    assert len([path for path, _ in recorded.requests if "/data/" in path]) == 1


async def test_a_source_the_city_does_not_have_is_refused_by_name(
    world: FeedWorld, http: aiohttp.ClientSession
) -> None:
    with pytest.raises(BadInput, match="nonsense"):
        await world.poller(http).poll("nonsense")


async def test_two_feeds_that_tell_the_same_at_the_same_moment_tell_it_once(
    database: Database, clock: ManualClock, http: aiohttp.ClientSession
) -> None:
    """On PostgreSQL the second poll waits for the first and then finds it all there."""
    items: list[str] = []
    asked = 0

    async def feed(_: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        body = f'<rss version="2.0"><channel><title>市</title>{"".join(items)}</channel></rss>'
        return web.Response(text=body, content_type="application/xml")

    application = web.Application()
    application.router.add_get("/{name}.xml", feed)
    async with TestServer(application) as server:
        base = f"http://127.0.0.1:{server.port}"
        both = [
            source(name, "rss", f"{base}/{name}.xml", topic="lifeline", decision="send")
            for name in ("one", "two")
        ]
        world = FeedWorld(a_city(*both), database, clock)

        async def publish(session: AsyncSession, notice: Notice) -> None:
            world.sent.append(notice)
            # The other feed is read before this one's transaction ends.
            async with asyncio.timeout(10):
                while asked < 4:
                    await asyncio.sleep(0.01)

        poller = Poller(world, publish, http)
        assert {result.outcome for result in await poller.poll_due()} == {"first"}
        items.append(f"<item><title>断水</title><link>{base}/1.html</link></item>")
        await clock.advance(3600)
        results = await poller.poll_due()
    assert [result.outcome for result in results] == ["new", "new"]
    assert len(await notices(world)) == len(world.sent) == 1


async def test_a_poll_by_hand_beside_the_scheduler_s_tells_nothing_twice(
    world: FeedWorld, http: aiohttp.ClientSession, recorded: RecordedDays
) -> None:
    one, other = world.poller(http), world.poller(http)
    await one.poll_due()
    recorded.prepare("rainstorm")
    while recorded.step():
        await world.clock.advance(120)
        both = await asyncio.gather(one.poll("jma-extra"), other.poll("jma-extra"))
        assert {result.outcome for result in both} <= {"new", "unchanged"}
    assert [n.level for n in world.sent if n.hazard == "heavy-rain"] == [2, 3, 4, 3, 2, 0]
    assert {item.state for item in await items(world, "jma-extra")} == {ItemState.DONE}


async def test_news_does_not_wait_for_a_translator_that_answers_nonsense(
    world: FeedWorld, http: aiohttp.ClientSession, recorded: RecordedDays
) -> None:
    class Broken:
        async def articles(self, some: Sequence[Article]) -> Translations:
            raise ValueError("an hour is no number")

    poller = world.poller(http, translate=Broken())
    await poller.poll_due()
    await play_through(world, poller, recorded, "quiet")
    assert [notice.topic for notice in world.sent] == ["roadworks"]
