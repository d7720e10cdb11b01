"""Promise 2: only LINE's own answer decides about a message."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from channels import dispatch
from channels.failing import FailingEmergency, failing_emergencies
from channels.line import answers
from channels.line.client import LineClient, open_session
from channels.line.errors import LineBusy, LineRefused, LineUnavailable, QuotaReached, TokenRefused
from channels.models import Delivery, DeliveryState
from channels.outage import FAILURES_IN_A_ROW, PROBE_SECONDS, Outage
from core.clock import ManualClock, SystemClock
from core.database import Database
from core.errors import BadInput
from simulator.line import FaultPlan
from tests.support.engine import add_residents, engine_world, make_notice, settings_for, user_id

KEY = "123e4567-e89b-12d3-a456-426614174000"
HELLO = [{"type": "text", "text": "hello"}]
LINES = {"x-line-request-id": "request-1"}
HTML = b"<html>Sign in to the network</html>"


@asynccontextmanager
async def answering(
    status: int, body: bytes, headers: dict[str, str] | None = None
) -> AsyncIterator[LineClient]:
    """A client of a server that always gives the same answer."""

    async def handle(_: web.BaseRequest) -> web.Response:
        return web.Response(status=status, body=body, headers=headers)

    runner = web.ServerRunner(web.Server(handle))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    async with open_session() as http:
        line = LineClient(http, settings_for(f"http://{host}:{port}"), SystemClock())
        try:
            yield line
        finally:
            await line.limiter.close()
            await runner.cleanup()


@pytest.mark.parametrize(
    ("status", "body", "headers"),
    [
        (200, HTML, {}),
        (200, HTML, LINES),
        (200, b"{}", {}),
        (200, b"[]", LINES),
        (200, b"", LINES),
        (302, b"", {"Location": "http://login.example/"}),
        (400, HTML, {}),
        (400, b'{"error": "a gateway\'s own JSON"}', {}),
        (400, b'{"message": "Bad Request"}', {}),
        (401, b'{"message": "Unauthorized"}', {}),
        (403, b'{"message": "Forbidden"}', {}),
        (403, HTML, {}),
        (404, HTML, {}),
        (409, HTML, {}),
        (413, HTML, {}),
        (503, b'{"message": "down"}', LINES),
    ],
)
async def test_an_answer_that_is_not_lines_is_no_answer(
    status: int, body: bytes, headers: dict[str, str]
) -> None:
    async with answering(status, body, headers) as line:
        with pytest.raises(LineUnavailable):
            await line.multicast([user_id(1)], HELLO, retry_key=KEY)


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        (400, "The request body has 1 error(s)", LineRefused),
        (401, "Authentication failed", TokenRefused),
        (404, "Not found", LineRefused),
        (429, "The API rate limit has been exceeded.", LineBusy),
        (429, "You have reached your monthly limit.", QuotaReached),
    ],
)
def test_what_line_says_itself_is_believed(
    status: int, message: str, kind: type[Exception]
) -> None:
    body = json.dumps({"message": message}).encode()
    assert type(answers.failure(status, LINES, body)) is kind


@pytest.mark.parametrize("body", [b"", b'{"message": "The retry key is already accepted"}'])
async def test_a_conflict_on_a_retry_key_means_taken_with_and_without_lines_header(
    body: bytes,
) -> None:
    async with answering(409, body) as line:
        accepted = await line.multicast([user_id(1)], HELLO, retry_key=KEY)
        assert accepted.repeated
        with pytest.raises((LineRefused, LineUnavailable)):
            await line.multicast([user_id(1)], HELLO)


async def test_an_answer_is_never_unpacked() -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)
    headers = {**LINES, "Content-Encoding": "gzip"}
    async with answering(200, bomb, headers) as line:
        with pytest.raises(LineUnavailable, match="encoded as gzip"):
            await line.multicast([user_id(1)], HELLO, retry_key=KEY)


async def test_an_answer_without_end_is_not_read_to_its_end() -> None:
    async with answering(200, b"{" + b" " * 3_000_000 + b"}", LINES) as line:
        with pytest.raises(LineUnavailable, match="more than"):
            await line.multicast([user_id(1)], HELLO, retry_key=KEY)


@pytest.mark.slow
@pytest.mark.parametrize("status", [200, 302, 400, 401, 404, 409, 502])
async def test_an_emergency_goes_on_by_itself_after_a_proxys_answers(
    database: Database, status: int
) -> None:
    """Nobody is counted as told while a proxy answers, nobody is given up, nobody told twice."""
    await add_residents(database, 1, 2_000, languages=("en", "my"))
    async with engine_world(database) as home:
        home.simulator.faults = FaultPlan.parse(f"proxy={status},only=multicast")
        delivery = await home.send(make_notice(now=home.clock.now(), level=5))

        failing: list[FailingEmergency] = []

        async def staff_see_it() -> bool:
            async with database.reading() as session:
                failing[:] = await failing_emergencies(session)
            return bool(failing)

        await home.until(staff_see_it)
        assert (failing[0].delivery_id, failing[0].waiting) == (delivery, 2_000)
        assert str(status) in str(failing[0].reason)
        between = await home.progress(delivery)
        assert between.state is DeliveryState.SENDING
        assert (between.sent, between.failed, between.skipped) == (0, 0, 0)
        home.simulator.faults = FaultPlan()
        done = await home.ended(delivery)
    assert (done.sent, done.failed, done.skipped) == (2_000, 0, 0)
    assert home.simulator.ledger.counts_by_times() == {1: 2_000}
    async with database.reading() as session:
        assert await failing_emergencies(session) == []


async def test_a_conflict_without_its_header_pauses_nothing(database: Database) -> None:
    await add_residents(database, 1, 2_000, languages=("en",))
    async with engine_world(database) as home:
        home.simulator.faults = FaultPlan.parse("5xx-after=60%,stripped=on,only=multicast,seed=2")
        delivery = await home.send(make_notice(now=home.clock.now(), level=5))

        async def all_taken() -> bool:
            return home.simulator.ledger.counts_by_times() == {1: 2_000}

        await home.until(all_taken)
        home.simulator.faults = FaultPlan()
        done = await home.ended(delivery)
    assert (done.sent, done.failed) == (2_000, 0)
    assert home.simulator.ledger.counts_by_times() == {1: 2_000}


async def test_a_delivery_that_was_stopped_is_not_resumed(database: Database) -> None:
    """Two people press at once; whoever stops it for good is right."""
    await add_residents(database, 1, 600, languages=("en",))
    async with engine_world(database, running=False) as home:
        delivery = await home.send(make_notice(now=home.clock.now(), level=2))
        now = home.clock.now()
        async with database.writing() as session:
            await dispatch.pause(session, delivery, "a@city", now)
        async with database.writing() as session:
            # The other person's page still shows it as paused.
            known = await session.get(Delivery, delivery)
            assert known is not None
            assert known.state is DeliveryState.PAUSED
            await dispatch.stop(session, delivery, "b@city", now)
            with pytest.raises(BadInput, match="not paused"):
                await dispatch.resume(session, home.queue, delivery, "a@city", now)
        assert await home.state(delivery) is DeliveryState.STOPPED


async def test_in_an_outage_one_request_goes_to_see_and_the_first_answer_frees_all() -> None:
    clock = ManualClock(SystemClock().now())
    outage = Outage(clock, "line")
    for _ in range(FAILURES_IN_A_ROW):
        await outage.turn()
        outage.failed()
    waiting = [asyncio.create_task(outage.turn()) for _ in range(5)]
    for _ in range(5):
        await asyncio.sleep(0)
    assert not any(task.done() for task in waiting)
    await clock.advance(PROBE_SECONDS)
    for _ in range(5):
        await asyncio.sleep(0)
    assert sum(task.done() for task in waiting) == 1
    outage.answered()
    await asyncio.wait_for(asyncio.gather(*waiting), 1)
