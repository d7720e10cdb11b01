"""Every answer of a push service, over HTTP: what becomes of the message, and of the others."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import aiohttp
import pytest

from channels.responses import About, AddressGone, ChannelRefused, Refused, Unavailable
from channels.webpush.addresses import PushAddress, PushServices, read_address
from channels.webpush.answers import Waiting
from channels.webpush.client import (
    REFUSALS_OF_A_KEY,
    HttpTransport,
    PushClient,
    PushRequest,
    push_session,
)
from channels.webpush.vapid import Vapid, new_key
from core.clock import SystemClock
from simulator.push import Browser, PushService

PAYLOAD = json.dumps({"id": 1, "tag": "n1", "title": "洪水", "body": "逃げてください"}).encode()
REQUEST = PushRequest(ttl=3600, urgency="high", topic="n1")


class Ahead(SystemClock):
    """The machine's clock with a monotonic time that a test moves on."""

    passed = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.passed


@dataclass
class World:
    """A client and a push service."""

    service: PushService
    client: PushClient
    vapid: Vapid
    clock: Ahead

    async def push(self, browser: Browser) -> str:
        address = read_address(browser.address())
        return (await self.client.push(address, PAYLOAD, REQUEST)).request_id


@pytest.fixture
async def world() -> AsyncIterator[World]:
    clock = Ahead()
    vapid = Vapid(new_key(), "mailto:push@city.example", clock)
    async with PushService() as service, push_session() as http:
        services = PushServices([service.origin])
        yield World(service, PushClient(HttpTransport(http), vapid, services, clock), vapid, clock)


async def test_a_browser_reads_what_was_sent_and_no_push_service_can(world: World) -> None:
    browser = world.service.subscribe(world.vapid.public_key)
    assert (await world.push(browser)).startswith(f"{world.service.origin}/messages/")
    [shown] = browser.shown
    assert shown.raw == PAYLOAD
    assert (shown.urgency, shown.topic, shown.ttl) == ("high", "n1", 3600)
    [headers] = world.service.headers
    assert headers["Content-Encoding"] == "aes128gcm"
    assert headers["Authorization"].startswith("vapid t=")


async def test_a_message_that_waits_is_replaced_by_one_of_the_same_topic(world: World) -> None:
    browser = world.service.subscribe(world.vapid.public_key)
    browser.is_off = True
    for _ in range(3):
        await world.push(browser)
    assert not browser.shown
    browser.switch_on()
    assert len(browser.shown) == 1


@pytest.mark.parametrize("status", [404, 410])
async def test_a_browser_that_left_is_gone(world: World, status: int) -> None:
    browser = world.service.subscribe()
    if status == 410:
        browser.has_left = True
    else:
        del world.service.browsers[browser.token]
    with pytest.raises(AddressGone):
        await world.push(browser)


def in_seven_seconds() -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=8), usegmt=True)


@pytest.mark.parametrize("said", [lambda: "7", in_seven_seconds], ids=["seconds", "a date"])
async def test_429_holds_back_this_push_service_and_no_other(
    world: World, said: Callable[[], str]
) -> None:
    async with PushService() as other, push_session() as http:
        services = PushServices([world.service.origin, other.origin])
        client = PushClient(HttpTransport(http), world.vapid, services, world.clock)
        busy, quiet = (read_address(each.subscribe().address()) for each in (world.service, other))
        world.service.faults.busy, world.service.faults.retry_after = 1, said()
        with pytest.raises(Waiting) as caught:
            await client.push(busy, PAYLOAD, REQUEST)
        assert caught.value.retry_after == pytest.approx(7, abs=1.5)
        asked = world.service.requests
        with pytest.raises(Waiting):
            await client.push(busy, PAYLOAD, REQUEST)
        assert world.service.requests == asked  # it was not even asked
        await client.push(quiet, PAYLOAD, REQUEST)
        world.clock.passed += 9
        await client.push(busy, PAYLOAD, REQUEST)


async def test_429_without_a_time_waits_longer_each_time(world: World) -> None:
    browser = world.service.subscribe()
    world.service.faults.busy, world.service.faults.retry_after = 3, ""
    waits = []
    for _ in range(3):
        with pytest.raises(Waiting) as caught:
            await world.push(browser)
        waits.append(caught.value.retry_after or 0)
        world.clock.passed += 60
    assert waits == pytest.approx([1, 2, 4], abs=0.2)


async def test_an_absurd_time_is_an_hour_and_nonsense_is_none(world: World) -> None:
    browser = world.service.subscribe()
    world.service.faults.busy = 2
    world.service.faults.retry_after = "99999999999"
    with pytest.raises(Waiting) as caught:
        await world.push(browser)
    assert caught.value.retry_after == pytest.approx(3600, abs=1)
    world.clock.passed += 3601
    world.service.faults.retry_after = "soon, I hope"
    with pytest.raises(Waiting) as caught:
        await world.push(browser)
    assert (caught.value.retry_after or 0) < 5


async def test_500_and_a_lost_answer_are_tried_again(world: World) -> None:
    browser = world.service.subscribe()
    world.service.faults.broken = 1
    with pytest.raises(Unavailable):
        await world.push(browser)
    world.service.faults.lost = 1
    with pytest.raises(Unavailable):
        await world.push(browser)
    await world.push(browser)
    assert set(browser.notifications()) == {"n1"}  # twice delivered, once on the screen


async def test_a_slow_service_is_given_up_and_tried_again(world: World) -> None:
    timeout = aiohttp.ClientTimeout(total=0.2)
    async with aiohttp.ClientSession(timeout=timeout) as http:
        client = PushClient(
            HttpTransport(http), world.vapid, PushServices([world.service.origin]), world.clock
        )
        world.service.faults.delay_s = 5
        address = read_address(world.service.subscribe().address())
        with pytest.raises(Unavailable):
            await client.push(address, PAYLOAD, REQUEST)


@pytest.mark.parametrize("status", [400, 413, 418])
async def test_a_refusal_costs_only_its_own_browser(world: World, status: int) -> None:
    world.service.faults.refused, world.service.faults.refusal = 1, status
    with pytest.raises(Refused) as caught:
        await world.push(world.service.subscribe())
    assert caught.value.about is About.BATCH


async def test_a_redirect_is_never_followed(world: World) -> None:
    async with PushService() as inner:
        world.service.faults.moved = 1
        world.service.faults.elsewhere = f"{inner.origin}/push/x"
        with pytest.raises(Refused):
            await world.push(world.service.subscribe())
        assert inner.requests == 0


@pytest.mark.parametrize("status", [401, 403])
async def test_a_key_that_everybody_refuses_stops_the_channel(world: World, status: int) -> None:
    world.service.faults.refused, world.service.faults.refusal = REFUSALS_OF_A_KEY, status
    browser = world.service.subscribe()
    for _ in range(REFUSALS_OF_A_KEY - 1):
        with pytest.raises(Waiting):
            await world.push(browser)
    with pytest.raises(ChannelRefused):
        await world.push(browser)
    await world.push(browser)


async def test_who_signed_up_with_another_key_stops_nobody(world: World) -> None:
    good = world.service.subscribe(world.vapid.public_key)
    forged = world.service.subscribe(Vapid(new_key(), "mailto:x@y.example", world.clock).public_key)
    await world.push(good)
    for _ in range(3):
        with pytest.raises(Refused) as caught:
            await world.push(forged)
        assert caught.value.about is About.BATCH
        await world.push(good)


async def test_a_name_that_was_turned_inside_is_not_connected_to(world: World) -> None:
    """DNS rebinding: the name was public when the browser signed up."""

    class Rebound(aiohttp.abc.AbstractResolver):
        async def resolve(self, host, port=0, family=0):  # type: ignore[no-untyped-def]
            return [
                {"hostname": host, "host": "127.0.0.1", "port": world.service.port}
                | {"family": 2, "proto": 0, "flags": 0}
            ]

        async def close(self) -> None:
            """Nothing is open."""

    browser = world.service.subscribe()
    given = read_address(browser.address())
    async with push_session(Rebound()) as http:
        services = PushServices(["push.example.net", "*.notify.example.com"])
        client = PushClient(HttpTransport(http), world.vapid, services, world.clock)
        for host in ("push.example.net", "a.notify.example.com"):
            address = PushAddress(f"https://{host}/{browser.token}", given.p256dh, given.auth)
            with pytest.raises(Waiting) as caught:
                await client.push(address, PAYLOAD, REQUEST)
            assert caught.value.reason.code == "push.inner"
    assert world.service.requests == 0


async def test_an_address_that_is_no_longer_allowed_is_refused_unasked(world: World) -> None:
    browser = world.service.subscribe()
    client = PushClient(
        HttpTransport(aiohttp.ClientSession()), world.vapid, PushServices([]), world.clock
    )
    with pytest.raises(Refused):
        await client.push(read_address(browser.address()), PAYLOAD, REQUEST)
    assert world.service.requests == 0
    await client._transport._http.close()  # type: ignore[attr-defined]


async def test_many_at_once_each_get_their_own(world: World) -> None:
    browsers = [world.service.subscribe(world.vapid.public_key) for _ in range(100)]
    await asyncio.gather(*(world.push(each) for each in browsers))
    assert all(len(each.shown) == 1 for each in browsers)
