"""Send mails over the city's SMTP relay: connections that stay open, and what each answer means.

A server's answer has a code (RFC 5321) and often an enhanced one (RFC 3463), which says whether it
is about the address, the mailbox, the message or us. Until the last dot of a mail was sent, nothing
was taken. After that, no answer means that the relay may have taken it.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import ssl
from dataclasses import dataclass, field

import aiosmtplib
import structlog
from aiosmtplib.errors import SMTPException, SMTPResponseException

from channels.email.reasons import reason
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
from core import mail
from core.certificates import trusted_here
from core.clock import Clock
from core.mail_settings import SmtpSettings

IDLE_SECONDS = 60.0
"""A connection that was not used for longer is closed; servers wait for five minutes."""
MAILS_A_CONNECTION = 200
"""Some servers refuse more in one session."""
CONNECT_SECONDS = 30.0
DATA_SECONDS = 60.0
"""How long the server may take to check a mail and to store it."""
LATER_SECONDS = 60.0
"""When a mail that was put off is tried again; servers that greylist want some minutes."""
FULL_SECONDS = 1800.0

_ENHANCED = re.compile(r"\s*([245])\.(\d{1,3})\.(\d{1,3})\b")
_UNKNOWN_USER = re.compile(
    r"user unknown|unknown user|no such (?:user|mailbox|address|recipient|person)|does not exist"
    r"|doesn't exist|invalid (?:recipient|mailbox|address)|not found|not our customer"
    r"|unknown (?:address|recipient|mailbox|local)|mailbox unavailable",
    re.I,
)
_QUOTA = re.compile(r"quota|limit exceeded|sending limit|too many messages", re.I)

log = structlog.get_logger(__name__)


class FullMailbox(Later):
    """The recipient's mailbox is full. It may have room again later."""


@dataclass(eq=False)
class _Connection:
    client: aiosmtplib.SMTP
    used_at: float
    mails: int = 0


@dataclass
class Relay:
    """The city's mail server, with some connections that stay open.

    Parameters
    ----------
    tls
        Which certificates are trusted; None for those that the machine trusts.
    """

    settings: SmtpSettings
    clock: Clock
    tls: ssl.SSLContext | None = None
    opened: int = 0
    """How many connections were made."""
    _idle: list[_Connection] = field(default_factory=list)
    _room: asyncio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        self._room = asyncio.Semaphore(self.settings.connections)
        self.tls = self.tls or trusted_here()

    async def send(self, sender: str, recipient: str, content: bytes) -> str:
        """Give a mail to the server; return what it says to it.

        Parameters
        ----------
        sender
            The return address, to which a mail that cannot be delivered comes back.
        content
            The mail with CRLF at line ends.

        Raises
        ------
        Unavailable
            No answer after the mail was sent: the server may have taken it. ``Unreached`` if it
            surely has not.
        Busy, Later, FullMailbox
            Not now.
        Refused, AddressGone, ChannelRefused, QuotaReached
            Not as it is.
        """
        async with self._room:
            connection = await self._begun(sender)
            whole = False
            try:
                answer = await self._give(connection.client, recipient, content)
                whole = True
                return answer
            except (Later, Refused, AddressGone, QuotaReached):
                whole = await self._reset(connection.client)
                raise
            finally:
                self._put_back(connection, usable=whole)

    async def check(self, sender: str) -> None:
        """See whether the server would take mail from us.

        Raises
        ------
        ChannelRefused, Unavailable, Busy
            It would not.
        """
        async with self._room:
            connection = await self._begun(sender)
            self._put_back(connection, usable=await self._reset(connection.client))

    async def close(self) -> None:
        """Say good-bye on all connections that are not in use."""
        while self._idle:
            client = self._idle.pop().client
            with contextlib.suppress(SMTPException, OSError, TimeoutError):
                async with asyncio.timeout(1):
                    await client.quit()
            client.close()

    async def _begun(self, sender: str) -> _Connection:
        """Return a connection on which a mail has begun.

        A server may have closed a connection that was not used. Nothing was sent on it, so a new
        one is made at once.
        """
        while (connection := self._kept()) is not None:
            try:
                await self._from(connection.client, sender)
                return connection
            except Unreached:
                connection.client.close()
            except BaseException:
                connection.client.close()
                raise
        connection = _Connection(await self._connected(), self.clock.monotonic())
        try:
            await self._from(connection.client, sender)
        except BaseException:
            connection.client.close()
            raise
        return connection

    def _kept(self) -> _Connection | None:
        while self._idle:
            found = self._idle.pop()
            if found.client.is_connected:
                if self.clock.monotonic() - found.used_at < IDLE_SECONDS:
                    return found
                found.client.close()
        return None

    def _put_back(self, connection: _Connection, *, usable: bool) -> None:
        connection.mails += 1
        if usable and connection.mails < MAILS_A_CONNECTION and connection.client.is_connected:
            connection.used_at = self.clock.monotonic()
            self._idle.append(connection)
        else:
            connection.client.close()

    async def _connected(self) -> aiosmtplib.SMTP:
        client = mail.new_client(self.settings, self.tls)
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await client.connect()
                await mail.log_in(client, self.settings)
        except BaseException as error:
            client.close()
            raise _of_connecting(error) from error
        self.opened += 1
        return client

    async def _from(self, client: aiosmtplib.SMTP, sender: str) -> None:
        code, said = await _asked(client, b"MAIL", f"FROM:<{sender}>".encode())
        if code < 300:
            return
        kind = _enhanced(said)
        values = {"code": code, "words": said}
        if kind == (5, 4, 5) or (code >= 500 and _QUOTA.search(said)):
            raise QuotaReached(reason("email.quota", **values))
        if code >= 500:
            raise ChannelRefused(reason("email.refuses-us", **values))
        raise Busy(reason("email.busy", **values))

    async def _give(self, client: aiosmtplib.SMTP, recipient: str, content: bytes) -> str:
        code, said = await _asked(client, b"RCPT", f"TO:<{recipient}>".encode())
        if code >= 300:
            raise of_answer(code, said)
        protocol = client.protocol
        if protocol is None:
            raise Unreached(reason("email.unreached", error="disconnected"))
        try:
            # From the last dot on, the server may have it.
            answer = await protocol.execute_data_command(content, timeout=DATA_SECONDS)
        except aiosmtplib.SMTPDataError as error:
            raise of_answer(error.code, error.message, with_data=True) from error
        except (SMTPException, OSError, TimeoutError) as error:
            raise Unavailable(reason("email.no-answer", error=_named(error))) from error
        return answer.message

    async def _reset(self, client: aiosmtplib.SMTP) -> bool:
        """Forget the mail that was begun; return whether the connection can still be used."""
        with contextlib.suppress(SMTPException, OSError, TimeoutError):
            return (await client.execute_command(b"RSET")).code < 300
        return False


def of_answer(code: int, said: str, *, with_data: bool = False) -> Exception:
    """Return what a refusal of a recipient or of a whole mail means.

    Parameters
    ----------
    with_data
        Whether the server had seen the mail.
    """
    kind = _enhanced(said)
    values = {"code": code, "words": said}
    subject, detail = kind[1:] if kind else (-1, -1)
    if code < 500:
        if code == 421 or subject == 3 or (subject, detail) == (5, 3):
            return Busy(reason("email.busy", **values))
        if (subject, detail) == (2, 2) or (code == 452 and not kind):
            return FullMailbox(reason("email.full", **values), retry_after=FULL_SECONDS)
        return Later(reason("email.later", **values), retry_after=LATER_SECONDS)
    if (subject, detail) == (4, 5):
        return QuotaReached(reason("email.quota", **values))
    if (subject, detail) == (2, 2) or (code == 552 and not kind and not with_data):
        return Refused(reason("email.full", **values), About.BATCH)
    if (subject == 1 and detail in (0, 1, 2, 3, 4, 6, 10)) or (subject, detail) == (2, 1):
        return AddressGone(reason("email.gone", **values))
    if code in (550, 551, 553) and not kind and not with_data and _UNKNOWN_USER.search(said):
        return AddressGone(reason("email.gone", **values))
    if (subject, detail) == (3, 4) or subject == 6 or (code == 552 and with_data):
        return Refused(reason("email.refused", **values), About.MESSAGE)
    return Refused(reason("email.refused", **values), About.UNSAID)


def _of_connecting(error: BaseException) -> BaseException:
    if isinstance(error, mail.MailUnavailable):
        return ChannelRefused(reason("email.in-clear"))
    if isinstance(error, SMTPResponseException):
        values = {"code": error.code, "words": error.message}
        if error.code >= 500:
            return ChannelRefused(reason("email.refuses-us", **values))
        if error.code == 421 or not isinstance(error, aiosmtplib.SMTPAuthenticationError):
            return Busy(reason("email.busy", **values))
        return Unreached(reason("email.later", **values))
    if isinstance(error, (SMTPException, OSError, TimeoutError)):
        return Unreached(reason("email.unreached", error=_named(error)))
    return error


async def _asked(client: aiosmtplib.SMTP, *words: bytes) -> tuple[int, str]:
    try:
        answer = await client.execute_command(*words)
    except (SMTPException, OSError, TimeoutError) as error:
        if isinstance(error, SMTPResponseException) and error.code == 421:
            raise Busy(reason("email.busy", code=421, words=error.message)) from error
        raise Unreached(reason("email.unreached", error=_named(error))) from error
    return answer.code, answer.message


def _enhanced(said: str) -> tuple[int, int, int] | None:
    found = _ENHANCED.match(said)
    return (int(found[1]), int(found[2]), int(found[3])) if found else None


def _named(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".rstrip(": ")
