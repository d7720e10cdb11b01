"""The city's mailbox: what comes back ends addresses by rule, and wishes are answered."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import col, select

from channels.email import signups
from channels.email.bounces import HARD_APART, SOFT_FOR, Bounce, note_bounce
from channels.email.box import BoxReader
from channels.email.models import MailSignup
from channels.email.signup_sender import SignupSender
from channels.email.smtp import Relay
from channels.email.tokens import Purpose
from core.clock import ManualClock
from core.database import Database
from core.work import NoWorkers
from simulator.mail import Mailbox
from subscriptions import other_media
from subscriptions.models import ResidentState
from tests.support.engine import small_city
from tests.support.mail_world import (
    BOX,
    NOON,
    TOKENS,
    bounce,
    complaint,
    sending,
    smtp_of,
    written,
)
from tests.support.post_office import new_certificate, running_post_office

TARO = "taro@home.example"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON)


@pytest.fixture
async def reader(database: Database, clock: ManualClock) -> BoxReader:
    async with database.writing() as session:
        await other_media.follow_at(session, small_city(), "email", TARO, "ja", NOON)
    return BoxReader(database, clock, NoWorkers(), small_city(), BOX, TOKENS)


async def follows(database: Database) -> bool:
    async with database.reading() as session:
        found = await other_media.find_at(session, "email", TARO)
    assert found is not None
    return found.state is ResidentState.FOLLOWING


async def wishes(database: Database) -> list[MailSignup]:
    async with database.reading() as session:
        return list(await session.scalars(select(MailSignup).order_by(col(MailSignup.id))))


@dataclass
class Answering:
    """The part of the service that answers mails, and the mailboxes of those who wrote."""

    database: Database
    sender: SignupSender
    box: Mailbox

    async def send(self) -> None:
        """Send what was asked for."""
        for row in await wishes(self.database):
            await self.sender.send(str(row.id))


@pytest.fixture
async def answering(database: Database, clock: ManualClock) -> AsyncIterator[Answering]:
    async with Mailbox() as box:
        smtp = smtp_of(box)
        relay = Relay(smtp, clock)
        sender = SignupSender(database, clock, NoWorkers(), small_city(), sending(smtp), relay)
        yield Answering(database, sender, box)
        await relay.close()


def returned(reader: BoxReader, **how: str) -> bytes:
    to = BOX.plus(TOKENS.return_detail(TARO, reader.clock.now()))
    return bounce(TARO, to=to, **how)


async def test_two_hard_bounces_on_different_days_end_an_address(
    reader: BoxReader, clock: ManualClock, database: Database
) -> None:
    for _ in range(5):
        await reader.take(returned(reader))
    assert await follows(database), "a server that errs for an hour ends nobody"
    await clock.advance(HARD_APART.total_seconds() + 1)
    await reader.take(returned(reader))
    assert not await follows(database)


async def test_soft_bounces_end_an_address_after_two_weeks(
    reader: BoxReader, clock: ManualClock, database: Database
) -> None:
    day = timedelta(days=1).total_seconds()
    for _ in range(SOFT_FOR.days):
        await reader.take(returned(reader, status="5.2.2", diagnostic="smtp; 552 full"))
        assert await follows(database)
        await clock.advance(day)
    await reader.take(returned(reader, status="5.2.2", diagnostic="smtp; 552 full"))
    assert not await follows(database)


async def test_a_mailbox_that_has_room_again_begins_anew(
    reader: BoxReader, clock: ManualClock, database: Database
) -> None:
    for _ in range(3):
        await reader.take(returned(reader, status="4.2.2"))
    await clock.advance(timedelta(days=20).total_seconds())
    for _ in range(3):
        await reader.take(returned(reader, status="4.2.2"))
    assert await follows(database)


async def test_a_complaint_ends_an_address_at_once(reader: BoxReader, database: Database) -> None:
    await reader.take(complaint(TARO, to=BOX.address))
    assert await follows(database), "a forged one ends nothing"
    await reader.take(complaint(TARO, to=BOX.plus(TOKENS.return_detail(TARO, NOON))))
    assert not await follows(database)


async def test_a_forged_bounce_ends_nothing(
    reader: BoxReader, clock: ManualClock, database: Database
) -> None:
    for _ in range(10):
        await reader.take(bounce(TARO, to=BOX.address))
        await reader.take(bounce(TARO, to=BOX.plus("b0000aaaaaaaaaaaaaaaa")))
        await clock.advance(HARD_APART.total_seconds())
    assert await follows(database)


async def test_who_confirms_again_starts_without_old_failures(
    reader: BoxReader, clock: ManualClock, database: Database
) -> None:
    async with database.writing() as session:
        found = await other_media.find_at(session, "email", TARO)
        assert found is not None and found.id is not None
        await note_bounce(session, found.id, Bounce.HARD, NOON)
        await clock.advance(HARD_APART.total_seconds() + 1)
        assert await note_bounce(session, found.id, Bounce.HARD, clock.now())
        token = TOKENS.link(Purpose.CONFIRM, TARO, clock.now(), "ja")
        await signups.confirm(session, small_city(), TOKENS, token, clock.now())
        await clock.advance(HARD_APART.total_seconds() + 1)
        assert not await note_bounce(session, found.id, Bounce.HARD, clock.now())
    assert await follows(database)


async def test_who_followed_today_can_stop_today(
    reader: BoxReader, clock: ManualClock, answering: Answering
) -> None:
    box = answering.box
    for subject in ("", "解除"):
        await reader.take(written("hanako@home.example", subject=subject))
        await answering.send()
        await clock.advance(60)
    bodies = [mail.get_body(("plain",)) for mail in box.to("hanako@home.example")]
    pages = [body.get_content() for body in bodies if body is not None]
    assert ["/follow/confirm/" in page for page in pages] == [True, False]
    assert ["/follow/stop/" in page for page in pages] == [False, True]


async def test_an_empty_mail_is_answered_with_a_link_once(
    reader: BoxReader, database: Database, answering: Answering
) -> None:
    box = answering.box
    for _ in range(3):
        await reader.take(written("花子 <hanako@home.example>", charset="iso-2022-jp"))
    await answering.send()
    (mail,) = box.to("hanako@home.example")
    assert mail["Auto-Submitted"] == "auto-replied"
    assert mail["In-Reply-To"] == "<1@phone.example>"
    assert mail["List-Id"] is None
    # Our own answer, should it come back, starts nothing.
    before = len(await wishes(database))
    await reader.take(box.raw[-1])
    assert len(await wishes(database)) == before


async def test_the_mailbox_is_read_from_where_it_was_left_and_never_changed(
    reader: BoxReader, database: Database, tmp_path: Path
) -> None:
    certificate = new_certificate(tmp_path)
    async with running_post_office(certificate) as office:
        box = replace(BOX, port=office.port)
        trusting = ssl.create_default_context(cafile=str(certificate))

        def again() -> BoxReader:
            return BoxReader(
                database, reader.clock, NoWorkers(), small_city(), box, TOKENS, tls=trusting
            )

        office.letters = [written("before@home.example")]
        assert await again().look() == 0, "what was there before is left alone"
        office.letters.append(written("hanako@home.example"))
        office.letters.append(b"\x00 no mail")
        assert await again().look() == 2
        assert await again().look() == 0, "a new process goes on where the last one was"
        assert len(await wishes(database)) == 1
        assert not any("STORE" in each or "EXPUNGE" in each for each in office.commands)
        strict = BoxReader(database, reader.clock, NoWorkers(), small_city(), box, TOKENS)
        assert await strict.look() == 0, "a server with a strange certificate is not read"


async def test_who_writes_to_stop_gets_the_link_that_stops(
    reader: BoxReader, database: Database, answering: Answering
) -> None:
    box = answering.box
    await reader.take(written(TARO, subject="配信停止", charset="iso-2022-jp"))
    assert await follows(database), "anybody can write in another's name"
    await answering.send()
    body = box.to(TARO)[0].get_body(("plain",))
    assert body is not None and "/follow/stop/" in body.get_content()


async def test_a_mail_program_stops_by_mail(reader: BoxReader, database: Database) -> None:
    await reader.take(written(TARO, to=BOX.plus(TOKENS.stop_detail(TARO)), subject="stop"))
    assert not await follows(database)


async def test_mails_cannot_have_thousands_answered(
    reader: BoxReader, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signups, "MOST_BY_MAIL", 3)
    for n in range(10):
        await reader.take(written(f"r{n}@home.example"))
    assert len(await wishes(database)) == 3


async def test_a_relay_that_greylists_gets_the_link_later_and_one_that_refuses_never(
    reader: BoxReader, clock: ManualClock, database: Database, answering: Answering
) -> None:
    box = answering.box
    await reader.take(written("a@home.example"))
    await reader.take(written("b@home.example"))
    box.faults.later["a@home.example"] = 1
    box.faults.refused = {"b@home.example"}
    for _ in range(3):
        await answering.send()
        await clock.advance(600)
    assert [mail["To"] for mail in box.mails] == ["a@home.example"]
    assert [(row.state.value, row.address) for row in await wishes(database)] == [
        ("sent", ""),
        ("failed", ""),
    ]


async def test_a_relay_that_takes_and_fails_gets_a_link_once(
    reader: BoxReader, clock: ManualClock, answering: Answering
) -> None:
    box = answering.box
    await reader.take(written("a@home.example"))
    box.faults.takes_and_fails = 5
    for _ in range(3):
        await answering.send()
        await clock.advance(600)
    assert len(box.mails) == 1
