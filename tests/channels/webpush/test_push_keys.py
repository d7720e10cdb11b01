"""A wrong VAPID key: no subscription is lost, staff see why, and all arrives when it is right."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from sqlmodel import select

from channels.models import Delivery
from channels.progress import Progress, detailed
from channels.silence import note_silences
from channels.webpush.client import REFUSALS_OF_A_KEY, push_session
from channels.webpush.medium import NAME, web_push
from channels.webpush.vapid import Vapid, new_key
from core.database import Database
from core.settings import PushSettings
from simulator.push import PushService
from subscriptions import other_media
from subscriptions.models import Resident, ResidentState
from tests.support.clocks import HastyClock
from tests.support.engine import make_notice, small_city
from tests.support.media_town import NOON, MediaWorld

BROWSERS = 12


@dataclass
class City:
    """Residents who follow by web push; each browser takes messages of one key only."""

    world: MediaWorld
    service: PushService

    async def progress(self) -> Progress:
        async with self.world.database.reading() as session:
            number = await session.scalar(select(Delivery.id))
            assert number is not None
            return await detailed(session, number, self.world.clock.now())

    async def pushed(self, times: int) -> None:
        """Let time pass and work be done, so often."""
        for _ in range(times):
            self.world.clock.skip(11)
            for channel in self.world.engine.channels.values():
                await channel.guard.is_stopped()
            await self.world.work(rounds=1)

    async def followers(self) -> int:
        async with self.world.database.reading() as session:
            rows = await session.scalars(select(Resident.state))
            return sum(state is ResidentState.FOLLOWING for state in rows)

    def shown(self) -> int:
        return sum(len(each.notifications()) for each in self.service.browsers.values())


@pytest.fixture
async def city(database: Database) -> AsyncIterator[City]:
    clock, key = HastyClock(NOON), new_key()
    async with PushService(clock=clock) as service, push_session() as http:
        settings = PushSettings(
            private_key=key, subject="mailto:a@city.example", services=(service.origin,)
        )
        public = Vapid(key, settings.subject, clock).public_key
        async with database.writing() as session:
            for _ in range(BROWSERS):
                address = service.subscribe(public).address()
                await other_media.follow_at(session, small_city(), NAME, address, "ja", NOON)
        yield City(MediaWorld(database, clock, several=[web_push(settings, clock, http)]), service)


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_key_costs_no_subscription_and_staff_are_told(
    city: City, status: int
) -> None:
    city.service.faults.refused, city.service.faults.refusal = 10_000, status
    world = city.world
    await world.send(make_notice(level=5, now=NOON))
    await city.pushed(7)
    assert await city.followers() == BROWSERS
    found = await city.progress()
    assert (found.sent, found.failed, found.skipped) == (0, 0, 0)
    assert {why.code for why in found.errors} == {"push.key-refused"}
    async with world.database.writing() as session:
        [silence] = await note_silences(session, world.media, world.clock.now())
    assert silence.channel == NAME

    city.service.faults.refused = 0
    await city.pushed(8)
    assert (await city.progress()).sent == BROWSERS
    assert city.shown() == BROWSERS
    async with world.database.writing() as session:
        assert await note_silences(session, world.media, world.clock.now()) == []


async def test_one_of_another_key_is_seen_as_failed_and_stays(city: City) -> None:
    """Somebody signed up with a key that is not the city's."""
    world = city.world
    forged = Vapid(new_key(), "mailto:x@y.example", world.clock).public_key
    address = city.service.subscribe(forged).address()
    async with world.database.writing() as session:
        await other_media.follow_at(session, small_city(), NAME, address, "ja", NOON)
    await world.send(make_notice(level=5, now=NOON))
    await city.pushed(REFUSALS_OF_A_KEY + 3)
    found = await city.progress()
    assert (found.sent, found.failed) == (BROWSERS, 1)
    assert {why.code for why in found.errors} == {"push.key-refused"}
    assert await city.followers() == BROWSERS + 1
    async with world.database.writing() as session:
        assert await note_silences(session, world.media, world.clock.now()) == []
