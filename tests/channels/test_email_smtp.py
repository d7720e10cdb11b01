"""What each answer of a mail server means, over SMTP against the stand-in with its faults."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from channels import dispatch
from channels.email.medium import LATER_HOURS, EmailMedium
from channels.email.smtp import FullMailbox, Relay, of_answer
from channels.engine import Engine
from channels.medium import compact_json
from channels.metrics import MAYBE_TWICE
from channels.models import Priority
from channels.responses import (
    About,
    AddressGone,
    Busy,
    ChannelRefused,
    Later,
    QuotaReached,
    Refused,
    Unavailable,
    Unreached,
)
from core.clock import ManualClock
from core.database import Database
from core.work import NoWorkers
from simulator.mail import Mailbox
from tests.support.clocks import HastyClock
from tests.support.engine import add_residents, make_notice, small_city
from tests.support.mail_world import NOON, medium, smtp_of
from tests.support.mailed import MailedMedium, MailRecipients
from tests.support.post_office import new_certificate, server_tls

TO = "a@home.example"


@pytest.fixture
async def box() -> AsyncIterator[Mailbox]:
    async with Mailbox() as made:
        yield made


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON)


@pytest.fixture
async def relay(box: Mailbox, clock: ManualClock) -> AsyncIterator[Relay]:
    made = Relay(smtp_of(box), clock)
    yield made
    await made.close()


@pytest.fixture
def by_mail(relay: Relay, clock: ManualClock) -> EmailMedium:
    return medium(clock, relay, relay.settings)


async def attempt(by_mail: EmailMedium, to: str = TO, key: str = "key-1") -> None:
    messages = compact_json(by_mail.render(make_notice(now=NOON), "ja", small_city()))
    await by_mail.attempt("email", by_mail.request("email", to, messages, silent=False), key)


async def test_connections_stay_open_and_each_takes_many_mails(
    box: Mailbox, by_mail: EmailMedium
) -> None:
    await asyncio.gather(*(attempt(by_mail, f"r{n}@home.example", f"key-{n}") for n in range(40)))
    assert len(box.mails) == 40
    assert box.connections == 4


async def test_a_connection_that_the_server_closed_costs_no_mail(
    box: Mailbox, by_mail: EmailMedium
) -> None:
    box.faults.forgets = 2
    for n in range(7):
        await attempt(by_mail, f"r{n}@home.example", f"key-{n}")
    assert len(box.mails) == 7


async def test_after_a_refused_recipient_the_connection_goes_on(
    box: Mailbox, by_mail: EmailMedium
) -> None:
    box.faults.refused = {TO}
    with pytest.raises(AddressGone):
        await attempt(by_mail)
    await attempt(by_mail, "b@home.example", "key-2")
    assert (box.connections, len(box.mails)) == (1, 1)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ("451 4.7.1 Greylisted", Later),
        ("450 4.2.0 Greylisted", Later),
        ("450 Requested mail action not taken", Later),
        ("452 4.2.2 Mailbox full", FullMailbox),
        ("452 4.3.1 Insufficient system storage", Busy),
        ("452 4.5.3 Too many recipients", Busy),
        ("421 4.7.0 Too many", Busy),
        ("550 5.1.1 No such user", AddressGone),
        ("550 5.1.10 Null MX", AddressGone),
        ("550 Unknown user", AddressGone),
        ("553 5.1.3 Bad address", AddressGone),
        ("550 5.2.1 Mailbox disabled", AddressGone),
        ("552 5.2.2 Mailbox full", Refused),
        ("552 Mailbox full", Refused),
        ("554 5.7.1 Relay access denied", Refused),
        ("550 5.7.26 Not authenticated", Refused),
        ("550 Blocked by policy", Refused),
        ("550 5.4.5 Daily sending quota exceeded", QuotaReached),
    ],
)
async def test_an_answer_to_a_recipient(
    box: Mailbox, by_mail: EmailMedium, answer: str, error: type[Exception]
) -> None:
    box.faults.answers[TO] = answer
    with pytest.raises(error) as raised:
        await attempt(by_mail)
    assert type(raised.value) is error
    assert answer.split()[0] in str(raised.value)
    box.faults.answers.clear()
    await attempt(by_mail)
    assert len(box.to(TO)) == 1


@pytest.mark.parametrize(
    ("answer", "error", "about"),
    [
        ("552 5.3.4 Message too big", Refused, About.MESSAGE),
        ("554 5.6.0 Bad content", Refused, About.MESSAGE),
        ("554 5.7.1 Looks like spam", Refused, About.UNSAID),
        ("550 5.1.1 No such user", AddressGone, None),
        ("451 4.3.0 Try later", Busy, None),
        ("451 4.7.1 Try later", Later, None),
    ],
)
async def test_an_answer_to_a_whole_mail(
    box: Mailbox,
    by_mail: EmailMedium,
    answer: str,
    error: type[Exception],
    about: About | None,
) -> None:
    box.faults.after_data = [answer]
    with pytest.raises(error) as raised:
        await attempt(by_mail)
    assert getattr(raised.value, "about", None) is about
    assert not box.mails


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ("550 5.7.1 Sender not allowed", ChannelRefused),
        ("553 Sender address rejected", ChannelRefused),
        ("450 4.7.1 Slow down", Busy),
        ("550 5.4.5 Daily quota", QuotaReached),
    ],
)
async def test_an_answer_to_us(
    box: Mailbox, by_mail: EmailMedium, answer: str, error: type[Exception]
) -> None:
    box.faults.turns_away = answer
    with pytest.raises(error):
        await attempt(by_mail)
    with pytest.raises(error):
        await by_mail.check()
    box.faults.turns_away = ""
    await by_mail.check()


async def test_a_wrong_password_stops_the_channel(box: Mailbox, clock: ManualClock) -> None:
    box.password = "right"
    for password, is_right in (("wrong", False), ("right", True)):
        relay = Relay(smtp_of(box, user="todoke", password=password), clock)
        by_mail = medium(clock, relay, relay.settings)
        if is_right:
            await by_mail.check()
            await attempt(by_mail)
        else:
            with pytest.raises(ChannelRefused):
                await by_mail.check()
        await relay.close()


async def test_the_connection_is_encrypted_when_the_server_offers_it(
    clock: ManualClock, tmp_path: Path
) -> None:
    certificate = new_certificate(tmp_path)
    async with Mailbox(tls=server_tls(certificate)) as box:
        stranger = Relay(smtp_of(box, host="localhost"), clock)
        with pytest.raises(Unreached):
            await attempt(medium(clock, stranger, stranger.settings))
        assert not box.mails, "a certificate that nobody trusts"
        trusting = ssl.create_default_context(cafile=str(certificate))
        relay = Relay(smtp_of(box, host="localhost"), clock, tls=trusting)
        await attempt(medium(clock, relay, relay.settings))
        assert (len(box.mails), box.encrypted) == (1, 1)
        await relay.close()


async def test_no_answer_before_the_mail_is_surely_not_taken(
    box: Mailbox, by_mail: EmailMedium
) -> None:
    port, box.port = box.port, 1
    by_mail._outgoing = Relay(smtp_of(box), ManualClock(NOON))
    with pytest.raises(Unreached):
        await attempt(by_mail)
    box.port = port


async def test_a_relay_that_takes_and_fails_gets_a_mail_twice_and_never_three_times(
    box: Mailbox, by_mail: EmailMedium
) -> None:
    box.faults.takes_and_fails = 10
    with pytest.raises(Unavailable) as raised:
        await attempt(by_mail)
    assert raised.value.may_have_acted
    with pytest.raises(Refused) as refused:
        await attempt(by_mail)
    assert refused.value.about is About.BATCH
    assert refused.value.reason.code == "email.fate-unknown"
    first, second = box.to(TO)
    assert first["Message-ID"] == second["Message-ID"]


async def test_a_mail_that_is_put_off_for_hours_is_given_up(
    box: Mailbox, by_mail: EmailMedium, clock: ManualClock
) -> None:
    box.faults.answers[TO] = "451 4.7.1 Greylisted"
    with pytest.raises(Later):
        await attempt(by_mail)
    await clock.advance(LATER_HOURS * 3600 - 10)
    with pytest.raises(Later):
        await attempt(by_mail)
    await clock.advance(20)
    with pytest.raises(Refused) as refused:
        await attempt(by_mail)
    assert refused.value.reason.code == "email.too-late"


async def test_a_server_that_hangs_is_left_after_a_while(
    box: Mailbox, by_mail: EmailMedium, monkeypatch: pytest.MonkeyPatch
) -> None:
    box.faults.hangs = 1
    monkeypatch.setattr("channels.email.smtp.DATA_SECONDS", 0.2)
    with pytest.raises(Unavailable):
        await attempt(by_mail)
    await attempt(by_mail, "b@home.example", "key-2")
    assert len(box.to("b@home.example")) == 1


async def test_what_is_no_address_is_refused_and_reaches_no_server(
    box: Mailbox, by_mail: EmailMedium
) -> None:
    for evil in ("x@y.example>\r\nRCPT TO:<b@c.example", "x y@z.example", ""):
        with pytest.raises(Refused) as refused:
            await attempt(by_mail, evil)
        assert refused.value.about is About.BATCH
    assert box.connections == 0


def test_a_refusal_without_a_sense_is_about_the_recipient() -> None:
    error = of_answer(599, "")
    assert isinstance(error, Refused) and error.about is About.UNSAID


async def test_a_repeat_that_may_be_the_second_is_counted(database: Database) -> None:
    clock, recipients = HastyClock(NOON), MailRecipients(silent_failures=3)
    medium = MailedMedium(clock, recipients)
    await add_residents(database, 1, 8, medium="email", address=recipients.around)
    engine = Engine(database, small_city(), clock, NoWorkers(), [medium], worker="t", seed=1)
    async with database.writing() as session:
        notice = make_notice(now=NOON)
        session.add(notice)
        await session.flush()
        delivery = await dispatch.deliver(
            session,
            NoWorkers(),
            notice,
            small_city(),
            clock.now(),
            medium=medium,
            created_by="a@city",
        )
    before = MAYBE_TWICE.labels("email")._value.get()
    await engine.plan(str(delivery.id))
    await engine.send(f"{delivery.id}:0")
    assert MAYBE_TWICE.labels("email")._value.get() == before + 3


async def test_a_server_that_is_too_busy_slows_all_mails_down(
    box: Mailbox, by_mail: EmailMedium
) -> None:
    box.faults.busy = 1
    with pytest.raises(Busy):
        await attempt(by_mail)
    share, pause = by_mail.limiter.lane("email").penalty()
    assert share < 1
    assert pause > 0


async def test_an_emergency_is_next_though_every_connection_is_slow(
    clock: ManualClock, box: Mailbox
) -> None:
    smtp = smtp_of(box, connections=2)
    limiter = medium(clock, Relay(smtp, clock), smtp).limiter
    held = [limiter.slot("email", Priority.ROUTINE) for _ in range(2)]
    for slot in held:
        await slot.__aenter__()
    gone: list[str] = []

    async def wait(name: str, priority: int) -> None:
        async with limiter.slot("email", priority):
            gone.append(name)

    waiting = [asyncio.create_task(wait("routine", Priority.ROUTINE)) for _ in range(3)]
    await asyncio.sleep(0)
    waiting.append(asyncio.create_task(wait("emergency", Priority.EMERGENCY)))
    await asyncio.sleep(0)
    assert gone == []
    await held[0].__aexit__(None, None, None)
    await asyncio.gather(*waiting)
    assert gone[0] == "emergency"
    await held[1].__aexit__(None, None, None)
    await limiter.close()
