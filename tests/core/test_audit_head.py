"""A trail that was rewritten as a whole fits itself, but not what was sent out before."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from sqlalchemy import text
from sqlmodel import col, select

from core.audit import GENESIS, AuditEntry, AuditHead, record
from core.audit_check import check_whole
from core.audit_head import Head, HeadSender, HeadState, compare, heads_in
from core.clock import ManualClock
from core.database import Database
from core.errors import BadInput
from core.mail_settings import SmtpSettings
from core.sign_in_settings import HeadSettings, SyslogSettings, provider, trail_head
from simulator.mail import Mailbox

AUDITOR = "auditor@prefecture.example"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 6, 15, 3, tzinfo=UTC))


async def write(database: Database, clock: ManualClock, entries: int = 6) -> None:
    async with database.writing() as session:
        for number in range(entries):
            await record(
                session,
                clock.now(),
                actor="a@city.example",
                action="alert.sent",
                subject=f"notice:{number}",
            )


async def rewrite(database: Database) -> None:
    """Change the second entry, and compute every hash after it anew, as a thief of the database
    would."""
    async with database.writing() as session:
        await session.execute(text("DELETE FROM audit_checks"))
        entries = list(await session.scalars(select(AuditEntry).order_by(col(AuditEntry.id))))
        entries[1].actor = "somebody.else@city.example"
        last = GENESIS
        for entry in entries:
            entry.previous_hash = last
            entry.hash = f"for now {entry.id}"
            await session.flush()
            last = entry.hash = entry.expected_hash()
            session.add(entry)
        await session.flush()


@dataclass
class SyslogServer:
    port: int = 0
    lines: list[str] = field(default_factory=list)
    came: asyncio.Event = field(default_factory=asyncio.Event)


@asynccontextmanager
async def syslog_server(*, tcp: bool) -> AsyncIterator[SyslogServer]:
    """Take syslog messages on a free port of this machine."""
    found = SyslogServer()

    def take(data: bytes) -> None:
        found.lines.append(data.decode())
        found.came.set()

    async def read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        length = int((await reader.readuntil(b" ")).decode())
        take(await reader.readexactly(length))
        writer.close()

    class Datagrams(asyncio.DatagramProtocol):
        def datagram_received(self, data: bytes, addr: object) -> None:
            take(data)

    if tcp:
        server = await asyncio.start_server(read, "127.0.0.1", 0)
        found.port = server.sockets[0].getsockname()[1]
        async with server:
            yield found
        return
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(Datagrams, local_addr=("127.0.0.1", 0))
    found.port = transport.get_extra_info("sockname")[1]
    try:
        yield found
    finally:
        transport.close()


def sender(
    database: Database, clock: ManualClock, settings: HeadSettings, mails: Mailbox | None = None
) -> HeadSender:
    smtp = None
    if mails is not None:
        smtp = SmtpSettings(
            host="127.0.0.1", port=mails.port, tls=False, mail_from="todoke@city.example"
        )
    return HeadSender(database, clock, settings, smtp, "桜が丘市")


async def test_a_rewritten_chain_is_found_by_the_head_that_was_sent(
    database: Database, clock: ManualClock
) -> None:
    await write(database, clock)
    async with Mailbox() as mails:
        await sender(database, clock, HeadSettings(mail=(AUDITOR,)), mails).send_if_due()
        [mail] = mails.mails
    assert mail["To"] == AUDITOR
    [head] = heads_in(mail.get_content())
    assert head.id == 6
    async with database.reading() as session:
        assert await compare(session, head) is HeadState.RIGHT
    await rewrite(database)
    whole = await check_whole(database, clock, again=True)
    assert whole.broken is None, "the chain fits itself: its own check cannot see it"
    async with database.reading() as session:
        assert await compare(session, head) is HeadState.CHANGED


async def test_a_trail_whose_end_was_cut_off_is_found_too(
    database: Database, clock: ManualClock
) -> None:
    await write(database, clock)
    async with database.reading() as session:
        last = (await session.scalars(select(AuditEntry).order_by(col(AuditEntry.id)))).all()[-1]
    async with database.writing() as session:
        await session.execute(text("DELETE FROM audit WHERE id = 6"))
    async with database.reading() as session:
        assert await compare(session, Head(6, last.hash)) is HeadState.MISSING


@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
async def test_heads_go_to_a_syslog_server_on_schedule(
    database: Database, clock: ManualClock, tcp: bool
) -> None:
    await write(database, clock)
    async with syslog_server(tcp=tcp) as server:
        settings = HeadSettings(syslog=SyslogSettings(host="127.0.0.1", port=server.port, tcp=tcp))
        send = sender(database, clock, settings).send_if_due
        await send()
        await asyncio.wait_for(server.came.wait(), 10)
        [line] = server.lines
        # RFC 5424: <PRI>1 time host program process message
        assert line.startswith("<110>1 2026-06-15T03:00:00.000+00:00 ")
        assert heads_in(line)[0].id == 6
        await send()
        clock.step(23 * 3600)
        await write(database, clock, 1)
        await send()
        assert len(server.lines) == 1, "not before a day has passed"
        server.came.clear()
        clock.step(3600)
        await send()
        await asyncio.wait_for(server.came.wait(), 10)
    assert heads_in(server.lines[1])[0].id == 8
    async with database.reading() as session:
        kept = list(await session.scalars(select(AuditHead).order_by(col(AuditHead.id))))
    assert [(one.way, one.entry_id) for one in kept] == [("syslog", 6), ("syslog", 8)]


async def test_a_quiet_trail_is_not_sent_again_and_again(
    database: Database, clock: ManualClock
) -> None:
    """Sending a head writes an entry itself; that is no news."""
    await write(database, clock)
    async with Mailbox() as mails:
        send = sender(database, clock, HeadSettings(mail=(AUDITOR,)), mails).send_if_due
        for _ in range(3):
            await send()
            clock.step(2 * 86400)
        assert len(mails.mails) == 1


async def test_a_head_that_did_not_go_is_tried_again(
    database: Database, clock: ManualClock
) -> None:
    await write(database, clock)
    async with Mailbox() as mails:
        settings = HeadSettings(mail=(AUDITOR,))
        nobody = SmtpSettings(host="127.0.0.1", port=9, tls=False, mail_from="todoke@city.example")
        await HeadSender(database, clock, settings, nobody, "市").send_if_due()
        await sender(database, clock, settings, mails).send_if_due()
        assert len(mails.mails) == 1


def test_what_is_no_head_is_refused() -> None:
    for wrong in (
        "",
        "todoke-audit-head",
        "todoke-audit-head 7 abc",
        "todoke-audit-head x " + "0" * 64,
    ):
        with pytest.raises(BadInput):
            heads_in(wrong)
    assert heads_in(f"<110>1 … todoke-audit-head 12 {'a' * 64}\n") == [Head(12, "a" * 64)]


@pytest.mark.parametrize(
    "wrong",
    [
        {"AUDIT_HEAD_MAIL": "nobody"},
        {"AUDIT_HEAD_SYSLOG": "http://log.example"},
        {"AUDIT_HEAD_SYSLOG": "udp://"},
        {"AUDIT_HEAD_HOURS": "0"},
        {
            "OIDC_ISSUER": "http://sso.city.example",
            "OIDC_CLIENT_ID": "a",
            "OIDC_CLIENT_SECRET": "b",
        },
        {"OIDC_ISSUER": "https://sso.city.example", "OIDC_CLIENT_ID": "a"},
    ],
)
def test_wrong_settings_are_named(wrong: dict[str, str]) -> None:
    environment = {f"TODOKE_{name}": value for name, value in wrong.items()}
    with pytest.raises(BadInput, match=r"TODOKE_(AUDIT_HEAD|OIDC)"):
        trail_head(environment)
        provider(environment)


def test_settings_are_read() -> None:
    found = trail_head(
        {
            "TODOKE_AUDIT_HEAD_MAIL": f"{AUDITOR}, b@city.example",
            "TODOKE_AUDIT_HEAD_SYSLOG": "tcp://log.city.example",
            "TODOKE_AUDIT_HEAD_HOURS": "6",
        }
    )
    assert found.mail == (AUDITOR, "b@city.example")
    assert found.syslog == SyslogSettings(host="log.city.example", port=514, tcp=True)
    assert found.hours == 6
    assert trail_head({}) == HeadSettings()
    assert provider({}) is None
