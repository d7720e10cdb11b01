"""The head of the audit trail, sent out of this installation, so that nobody rewrites it whole.

Whoever can write to the database can change an entry and compute every later hash anew: the chain
then fits itself. It does not fit a head that somebody else has: the number and hash of an entry as
they were when it was the newest. Heads go by mail and to a syslog server.
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import structlog
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from core import mail
from core.audit import AuditEntry, AuditHead, record
from core.clock import Clock, in_japan
from core.database import Database
from core.errors import BadInput, TodokeError
from core.mail_settings import SmtpSettings
from core.sign_in_settings import HeadSettings, SyslogSettings

LINE = re.compile(r"todoke-audit-head (?P<id>[0-9]{1,18}) (?P<hash>[0-9a-f]{64})")
SECONDS = 10.0
PRIORITY = 13 * 8 + 6
"""Facility "log audit", severity "informational" (RFC 5424, section 6.2.1)."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Head:
    """An entry as it was when it was the newest."""

    id: int
    hash: str

    def __str__(self) -> str:
        return f"todoke-audit-head {self.id} {self.hash}"


class HeadState(StrEnum):
    """What the trail says today of a head that was sent."""

    RIGHT = "right"
    CHANGED = "changed"
    """The entry has another hash: it, or one before it, was changed."""
    MISSING = "missing"
    """There is no entry with this number: the end was cut off."""


def heads_in(text: str) -> list[Head]:
    """Return the heads in a mail or in lines of a log.

    Raises
    ------
    BadInput
        There is none.
    """
    found = [Head(int(each["id"]), each["hash"]) for each in LINE.finditer(text)]
    if not found:
        raise BadInput("A head is a line such as: todoke-audit-head 1234 and 64 letters and digits")
    return found


async def newest_head(session: AsyncSession) -> Head | None:
    """Return the newest entry as a head; None for an empty trail."""
    entry = await session.scalar(select(AuditEntry).order_by(col(AuditEntry.id).desc()).limit(1))
    return None if entry is None or entry.id is None else Head(entry.id, entry.hash)


async def compare(session: AsyncSession, head: Head) -> HeadState:
    """Compare a head that somebody kept with the trail; it takes no longer for an old one.

    That the entries between are right is what the check of the chain says.
    """
    found = await session.scalar(select(AuditEntry.hash).where(col(AuditEntry.id) == head.id))
    if found is None:
        return HeadState.MISSING
    return HeadState.RIGHT if found == head.hash else HeadState.CHANGED


async def sent(session: AsyncSession, most: int) -> list[AuditHead]:
    """Return the heads that were sent last, the newest first."""
    found = await session.scalars(select(AuditHead).order_by(col(AuditHead.id).desc()).limit(most))
    return list(found)


class HeadSender:
    """Sends the newest head by each way that is set, once in so many hours."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        settings: HeadSettings,
        smtp: SmtpSettings | None,
        name: str,
    ) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._smtp = smtp
        self._name = name

    async def send_if_due(self) -> None:
        """Send what is due. A way that fails is tried again at the job's next time."""
        if self._settings.mail and self._smtp is not None:
            await self._by("mail", self._mail)
        if self._settings.syslog is not None:
            await self._by("syslog", self._syslog)

    async def _by(self, way: str, send: Callable[[Head, datetime], Awaitable[None]]) -> None:
        now = self._clock.now()
        async with self._database.reading() as session:
            last = await session.scalar(
                select(AuditHead)
                .where(col(AuditHead.way) == way)
                .order_by(col(AuditHead.sent_at).desc())
                .limit(1)
            )
            head = await newest_head(session)
        if head is None or (last is not None and not self._is_due(last, head, now)):
            return
        try:
            await send(head, now)
        except (TodokeError, OSError, TimeoutError) as error:
            log.error("audit.head_not_sent", way=way, reason=f"{type(error).__name__}: {error}")
            return
        async with self._database.writing() as session:
            session.add(AuditHead(entry_id=head.id, hash=head.hash, way=way, sent_at=now))
            await record(
                session,
                now,
                actor="service",
                action="audit.head_sent",
                subject=f"entry:{head.id}",
                way=way,
                hash=head.hash,
            )

    def _is_due(self, last: AuditHead, head: Head, now: datetime) -> bool:
        # One more entry is our own, about sending the last one.
        news = head.id > last.entry_id + 1
        return news and now - last.sent_at >= timedelta(hours=self._settings.hours)

    async def _mail(self, head: Head, now: datetime) -> None:
        assert self._smtp is not None
        text = (
            f"{self._name} の監査記録の、現在の最後の行です。このメールを保存してください。\n"
            f"記録が書き換えられていないことを、この行で確かめられます。\n\n"
            f"The audit trail ends with this line now. Keep this mail: it proves later that nobody "
            f"rewrote the trail.\n\n{head}\n{in_japan(now).isoformat(timespec='seconds')}\n\n"
            f"todoke audit check --head {head.id}:{head.hash}\n"
        )
        subject = f"監査記録 {head.id} / audit trail {head.id}"
        for address in self._settings.mail:
            key = f"audit-{head.id}-{head.hash[:16]}"
            made = mail.message(
                self._smtp, to=address, subject=subject, text=text, key=key, now=now
            )
            await mail.send(self._smtp, made)

    async def _syslog(self, head: Head, now: datetime) -> None:
        assert self._settings.syslog is not None
        host = socket.gethostname() or "-"
        stamp = now.isoformat(timespec="milliseconds")
        line = f"<{PRIORITY}>1 {stamp} {host} todoke - AUDITHEAD - {head}".encode()
        async with asyncio.timeout(SECONDS):
            await send_line(self._settings.syslog, line)


async def send_line(server: SyslogSettings, line: bytes) -> None:
    """Send one message to a syslog server; by UDP nobody says whether it arrived."""
    if server.tcp:
        _, writer = await asyncio.open_connection(server.host, server.port)
        try:
            # RFC 6587, section 3.4.1: the length goes before the message.
            writer.write(f"{len(line)} ".encode() + line)
            await writer.drain()
        finally:
            writer.close()
            await writer.wait_closed()
        return
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(
        asyncio.DatagramProtocol, remote_addr=(server.host, server.port)
    )
    transport.sendto(line)
    transport.close()
