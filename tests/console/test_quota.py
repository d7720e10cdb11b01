"""The month's messages run out: emergencies leave, the rest waits for a person who sees why."""

from __future__ import annotations

import asyncio

import pytest

from channels.models import Delivery, DeliveryState
from console.models import Role
from tests.support.console_alerts import sent, written
from tests.support.office import Office

pytestmark = pytest.mark.slow


async def in_state(office: Office, number: int, state: DeliveryState) -> Delivery:
    async with asyncio.timeout(20):
        while True:
            async with office.database.reading() as session:
                delivery = await session.get_one(Delivery, number)
            if delivery.state is state:
                return delivery
            await asyncio.sleep(0.02)


async def test_routine_waits_for_a_decision_and_an_emergency_for_nobody(office: Office) -> None:
    people = [await office.resident(language) for language in ("ja", "my", "pt")]
    admin = await office.at_desk(Role.ADMIN, "sato")
    account = office.simulator.platform.account
    account.quota = 4
    page = await sent(admin, *await written(admin, "drill", topic="weather", level="0"))
    await office.done(1)
    page = await sent(admin, *await written(admin, "drill", topic="weather", level="0"))
    await in_state(office, 2, DeliveryState.PAUSED)

    why = "今月の送信できる残り1通に対して、3通が必要です"
    home = await admin.get("/console/")
    assert why in home.words
    assert "Nothing waits" not in home.words
    page = await admin.get("/console/deliveries/2")
    assert why in page.words
    assert "それでも配信する" in page.words

    # An emergency asks nobody: it goes as far as LINE lets it.
    account.quota = 7
    await sent(admin, *await written(admin, "drill"))
    await office.done(3)
    assert office.receivers() == dict.fromkeys(people, 2)

    # One that LINE itself refuses says so on every page, and is tried again by itself.
    account.quota = 6
    await sent(admin, *await written(admin, "drill"))
    async with asyncio.timeout(20):
        while "緊急配信が届いていません" not in (page := await admin.get("/console/")).words:
            await asyncio.sleep(0.02)
    assert "今月の送信できる通数を使い切ったため、LINEが受け付けません" in page.words
    account.quota = 12
    await office.done(4)
    assert "緊急配信が届いていません" not in (await admin.get("/console/")).words
    page = await admin.get("/console/deliveries/2")
    await admin.submit(page, "/console/deliveries/2/resume")
    await office.done(2)
    assert office.receivers() == dict.fromkeys(people, 4)
    resumed = [
        entry.subject for entry in await office.audit() if entry.action == "delivery.resumed"
    ]
    assert resumed == ["delivery:2"]
