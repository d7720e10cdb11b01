"""The month's messages run out: emergencies leave, the rest waits for a person who sees why."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from channels.models import Delivery, DeliveryState
from console.models import Role
from core.clock import in_japan
from tests.console.conftest import Office
from tests.console.test_alerts import sent, written


async def in_state(office: Office, number: int, state: DeliveryState) -> Delivery:
    async with asyncio.timeout(20):
        while True:
            async with office.database.reading() as session:
                delivery = await session.get_one(Delivery, number)
            if delivery.state is state:
                return delivery
            await asyncio.sleep(0.02)


async def test_routine_waits_for_a_decision_and_an_emergency_for_nobody(office: Office) -> None:
    office.clock.ahead = timedelta(hours=(12 - in_japan(office.clock.now()).hour) % 24)
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
    assert "それでも送信する" in page.words

    # An emergency asks nobody: it goes as far as LINE lets it.
    account.quota = 7
    await sent(admin, *await written(admin, "drill"))
    await office.done(3)
    assert office.receivers() == dict.fromkeys(people, 2)

    # One that LINE itself refuses says so, and goes on when somebody has bought more.
    account.quota = 6
    await sent(admin, *await written(admin, "drill"))
    await in_state(office, 4, DeliveryState.PAUSED)
    page = await admin.get("/console/deliveries/4")
    assert "今月の送信できる通数を使い切ったため" in page.words
    account.quota = 12
    for number in (2, 4):
        page = await admin.get(f"/console/deliveries/{number}")
        await admin.submit(page, f"/console/deliveries/{number}/resume")
        await office.done(number)
    assert office.receivers() == dict.fromkeys(people, 4)
    resumed = [
        entry.subject for entry in await office.audit() if entry.action == "delivery.resumed"
    ]
    assert resumed == ["delivery:2", "delivery:4"]
