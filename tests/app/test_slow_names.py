"""Feeds with names that cannot be looked up stop neither emergencies nor telegrams."""

from __future__ import annotations

import asyncio

import aiohttp
from sqlalchemy.ext.asyncio import AsyncSession

from app.jobs import FeedParts
from channels.line.client import LineClient, open_session
from core.clock import ManualClock, SystemClock
from core.database import Database
from feeds.fetch import guarded_session
from feeds.models import Notice
from feeds.poller import Poller
from simulator.agency import RecordedDays
from simulator.line import Simulator, SimulatorOptions
from tests.support.engine import settings_for
from tests.support.feed_world import a_city, source
from tests.support.slow_names import SlowNames

MORE_THAN_CONNECTIONS = 40


async def hang(http: aiohttp.ClientSession, number: int) -> None:
    async with http.get(f"http://slow-{number}.example/feed"):
        raise AssertionError("there is no such feed")


async def test_line_is_reached_while_feeds_wait_for_their_names(name_server: SlowNames) -> None:
    async with (
        Simulator(SimulatorOptions(any_user=True)) as simulator,
        guarded_session() as feeds,
        open_session() as http,
    ):
        url = simulator.url.replace("127.0.0.1", "line.test")
        line = LineClient(http, settings_for(url, "sqlite:///unused"), SystemClock())
        slow = [asyncio.create_task(hang(feeds, n)) for n in range(MORE_THAN_CONNECTIONS)]
        async with asyncio.timeout(15):
            while len(name_server.asked) < 6:  # as many as the loop's own executor has threads
                await asyncio.sleep(0)
            await line.quota()
        assert "line.test" in name_server.asked
        assert not any(task.done() for task in slow)
        for task in slow:
            task.cancel()
        await asyncio.gather(*slow, return_exceptions=True)


async def test_the_agency_is_polled_while_other_feeds_hold_every_connection(
    name_server: SlowNames, database: Database, clock: ManualClock
) -> None:
    async def publish(session: AsyncSession, notice: Notice) -> None: ...

    async with (
        RecordedDays(clock) as recorded,
        guarded_session() as http,
        guarded_session() as agency,
    ):
        others = [
            source(f"slow-{n}", "rss", f"http://slow-{n}.example/feed", topic="city-news")
            for n in range(MORE_THAN_CONNECTIONS)
        ]
        jma = source("jma", "jma", f"{recorded.url}/developer/xml/feed/extra.xml", decision="send")
        parts = FeedParts(city=a_city(jma, *others), database=database, clock=clock)
        poller = Poller(parts, publish, http, agency=agency)
        slow = [asyncio.create_task(hang(http, n)) for n in range(MORE_THAN_CONNECTIONS)]
        async with asyncio.timeout(15):
            while len(name_server.asked) < 6:
                await asyncio.sleep(0)
            polled = await poller.poll("jma")
        assert polled.outcome == "first"
        assert not any(task.done() for task in slow)
        for task in slow:
            task.cancel()
        await asyncio.gather(*slow, return_exceptions=True)
