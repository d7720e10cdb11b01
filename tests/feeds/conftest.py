"""A small city with its sources, the recorded feed server, and a poller that is listened to."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from core.clock import ManualClock
from core.database import Database
from core.logs import configure_logs
from feeds.fetch import guarded_session
from simulator.agency import RecordedDays
from tests.support.feed_server import Server
from tests.support.feed_world import FeedWorld, a_city, sample_sources


@pytest.fixture(autouse=True, scope="session")
def _plain_logs() -> None:
    """Tracebacks drawn in colour take longer than what is tested."""
    configure_logs(json=True)


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with guarded_session() as session:
        yield session


@pytest.fixture
async def recorded(clock: ManualClock) -> AsyncIterator[RecordedDays]:
    async with RecordedDays(clock) as server:
        yield server


@pytest.fixture
def world(recorded: RecordedDays, database: Database, clock: ManualClock) -> FeedWorld:
    return FeedWorld(a_city(*sample_sources(recorded.url)), database, clock)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    server = Server()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield server
    server.released.set()
    await runner.cleanup()
