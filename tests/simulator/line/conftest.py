"""The service's side of the conversation with the simulator."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from simulator.line import Simulator, SimulatorOptions
from tests.support.line_account import Line, Service


@pytest.fixture
async def line() -> AsyncIterator[Line]:
    """A stand-in with LINE's limits, and a service that speaks to it."""
    options = SimulatorOptions(
        channel_secret="s", channel_access_token="t", redelivery_delays=(0.01, 0.01)
    )
    async with Simulator(options) as simulator, aiohttp.ClientSession() as session:
        yield Line(simulator, session)


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    """A webhook endpoint; answers 200 once ``statuses`` is used up."""
    taken = Service()

    async def webhook(request: web.Request) -> web.Response:
        taken.bodies.append(await request.read())
        taken.signatures.append(request.headers["x-line-signature"])
        return web.Response(status=taken.statuses.pop(0) if taken.statuses else 200)

    application = web.Application()
    application.router.add_post("/line/webhook", webhook)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    taken.url = f"http://127.0.0.1:{runner.addresses[0][1]}/line/webhook"
    yield taken
    await runner.cleanup()
