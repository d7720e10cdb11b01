"""What single mailboxes and the relay do wrong, through the engine: nobody else waits, and an
address is lost only if it does not exist.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from sqlmodel import select

from channels.email.smtp import Relay
from channels.models import Batch, BatchState, Delivery, DeliveryState
from core.database import Database
from simulator.mail import Mailbox
from subscriptions import other_media, residents
from subscriptions.models import Resident, ResidentState
from tests.support.clocks import HastyClock
from tests.support.engine import make_notice, small_city
from tests.support.mail_world import medium, smtp_of
from tests.support.media_town import NOON, MediaWorld

GREY, FULL, SOON, GOOD = (f"{name}@home.example" for name in ("grey", "full", "soon", "good"))


@dataclass
class City:
    """Four who follow by mail, through a relay."""

    world: MediaWorld
    box: Mailbox

    def to(self) -> list[str]:
        return [str(mail["To"]) for mail in self.box.mails]


@pytest.fixture
async def city(database: Database) -> AsyncIterator[City]:
    clock = HastyClock(NOON)
    async with Mailbox() as box:
        smtp = smtp_of(box)
        relay = Relay(smtp, clock)
        async with database.writing() as session:
            for address in (GREY, FULL, SOON, GOOD):
                await other_media.follow_at(session, small_city(), "email", address, "ja", NOON)
        yield City(MediaWorld(database, clock, several=[medium(clock, relay, smtp)]), box)
        await relay.close()


@pytest.mark.parametrize("level", [0, 5], ids=["routine", "emergency"])
async def test_greylisting_and_a_full_mailbox_hold_up_nobody_else(city: City, level: int) -> None:
    faults, world = city.box.faults, city.world
    faults.later[GREY] = 2
    faults.answers = {FULL: "552 5.2.2 mailbox full", SOON: "452 4.2.2 mailbox full"}
    async with world.database.writing() as session:
        found = await session.scalars(select(Resident.id))
        for number in found.all():
            assert number is not None
            await residents.choose_topics(session, small_city(), number, {"events": 0}, NOON)
    await world.send(make_notice("evacuation" if level else "events", level=level, now=NOON))
    await world.work()
    assert city.to() == [GOOD]
    faults.answers = {FULL: "552 5.2.2 mailbox full"}
    for _ in range(30):
        world.clock.skip(120)
        await world.work(rounds=1)
    assert sorted(city.to()) == sorted([GOOD, GREY, SOON])
    async with world.database.reading() as session:
        [delivery] = list(await session.scalars(select(Delivery)))
        states = list(await session.scalars(select(Batch.state)))
        following = list(await session.scalars(select(Resident.state)))
    assert delivery.state is DeliveryState.DONE
    assert sorted(str(state) for state in states) == ["failed", "sent", "sent", "sent"]
    assert following == [ResidentState.FOLLOWING] * 4, "a full mailbox is no lost address"


async def test_a_relay_that_takes_and_fails_brings_a_mail_twice_at_most(city: City) -> None:
    city.box.faults.takes_and_fails = 3
    await city.world.send(make_notice(level=5, now=NOON))
    for _ in range(10):
        city.world.clock.skip(30)
        await city.world.work(rounds=1)
    told = city.to()
    assert set(told) == {GREY, FULL, SOON, GOOD}
    assert max(told.count(each) for each in set(told)) == 2
    async with city.world.database.reading() as session:
        states = list(await session.scalars(select(Batch.state)))
    assert set(states) <= {BatchState.SENT, BatchState.FAILED}


@pytest.mark.parametrize("cut", [b"To: a@home.example\r\n\r\nhello\r\n", b"To: a@home.exa"])
async def test_a_mail_that_was_cut_off_was_not_taken(cut: bytes) -> None:
    """Whoever is killed in the middle of a mail has not sent it."""
    async with Mailbox() as box:
        reader, writer = await asyncio.open_connection("127.0.0.1", box.port)
        lines = (b"EHLO a", b"MAIL FROM:<c@city.example>", b"RCPT TO:<a@home.example>", b"DATA")
        await reader.readuntil(b"220 mailbox ESMTP\r\n")
        for line in lines:
            writer.write(line + b"\r\n")
        await reader.readuntil(b"354 End with a line that has only a dot\r\n")
        writer.write(cut)
        writer.write_eof()
        async with asyncio.timeout(10):
            assert await reader.read() == b""
        writer.close()
        assert not box.mails
