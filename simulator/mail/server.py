"""An SMTP server (RFC 5321) that keeps what it takes in memory, and fails when it is told to."""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import re
import ssl
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import cast

MOST_LINE_BYTES = 4096
MOST_MAIL_BYTES = 10_000_000
MOST_MAILS = 500
_PATH = re.compile(r"(?:FROM|TO):\s*<([^<>\s]*)>(.*)", re.IGNORECASE)


@dataclass
class Faults:
    """How the server fails.

    Parameters
    ----------
    later
        Addresses that it greylists (451), and how many attempts.
    refused
        Addresses that it refuses for good (550).
    takes_and_fails
        For so many mails it keeps the mail and ends the connection without an answer.
    hangs
        For so many mails it never answers.
    answers
        What it answers to RCPT for an address, such as ``552 5.2.2 Mailbox full``.
    after_data
        What it answers to so many whole mails, one after the other; it keeps none of them.
    busy
        For so many mails it says at MAIL that we are too fast (421), and ends the connection.
    turns_away
        What it answers to MAIL from everybody; "" for nobody.
    forgets
        It ends a connection after so many mails without a word; 0 for never.
    delay
        Seconds before it answers a whole mail.
    """

    later: Counter[str] = field(default_factory=Counter)
    refused: set[str] = field(default_factory=set)
    takes_and_fails: int = 0
    hangs: int = 0
    answers: dict[str, str] = field(default_factory=dict)
    after_data: list[str] = field(default_factory=list)
    busy: int = 0
    turns_away: str = ""
    forgets: int = 0
    delay: float = 0.0


class Mailbox:
    """Takes mail on a port of this machine.

    Use it as an asynchronous context.

    Parameters
    ----------
    port
        0 for a free one.
    password
        Wanted from everybody if it is not empty.
    tls
        Offers STARTTLS with this context.
    keep
        How many mails it remembers.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        password: str = "",
        tls: ssl.SSLContext | None = None,
        keep: int = MOST_MAILS,
    ) -> None:
        self.port = port
        self.password = password
        self.tls = tls
        self.faults = Faults()
        self.mails: deque[EmailMessage] = deque(maxlen=keep)
        self.envelopes: deque[tuple[str, list[str]]] = deque(maxlen=keep)
        """The return address and the recipients of each of the mails."""
        self.raw: deque[bytes] = deque(maxlen=keep)
        self.attempts = 0
        """How many recipients were named, also those that were refused."""
        self.encrypted = 0
        """How many connections were encrypted."""
        self.connections = 0
        self._open: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """The value of ``TODOKE_SMTP_URL``."""
        return f"smtp://127.0.0.1:{self.port}"

    def take(self, content: bytes, sender: str, recipients: list[str]) -> None:
        """Keep a mail."""
        mail = message_from_bytes(content, policy=default)
        self.mails.append(mail)
        self.envelopes.append((sender, recipients))
        self.raw.append(content)

    def to(self, address: str) -> list[EmailMessage]:
        """Return the mails to an address, the oldest first."""
        return [mail for mail in self.mails if mail["To"] == address]

    async def __aenter__(self) -> Mailbox:
        self._server = await asyncio.start_server(
            self._connected, "127.0.0.1", self.port, limit=MOST_LINE_BYTES
        )
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in list(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = cast("asyncio.Task[None]", asyncio.current_task())
        self._open.add(task)
        self.connections += 1
        try:
            await _Connection(self, reader, writer).serve()
        except (ConnectionError, asyncio.IncompleteReadError, ValueError, asyncio.CancelledError):
            pass  # the other side went, or wrote what is no SMTP
        finally:
            self._open.discard(task)
            writer.close()
            with contextlib.suppress(ConnectionError, ssl.SSLError):
                await writer.wait_closed()


class _Connection:
    """The conversation with one client."""

    def __init__(
        self, box: Mailbox, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._box = box
        self._reader = reader
        self._writer = writer
        self._sender: str | None = None
        self._recipients: list[str] = []
        self._known = not box.password
        self._is_encrypted = False
        self._done = False
        self._taken = 0
        self._commands: dict[str, Callable[[str], Awaitable[str]]] = {
            "EHLO": self._ehlo,
            "HELO": self._helo,
            "STARTTLS": self._starttls,
            "AUTH": self._auth,
            "MAIL": self._mail,
            "RCPT": self._rcpt,
            "DATA": self._data,
            "RSET": self._rset,
            "NOOP": self._noop,
            "QUIT": self._quit,
        }

    async def serve(self) -> None:
        """Answer until the client says good-bye."""
        await self._say("220 mailbox ESMTP")
        while not self._done:
            line = await self._line()
            if line is None:
                return
            word, _, rest = line.partition(" ")
            command = self._commands.get(word.upper())
            answer = "500 Unknown command" if command is None else await command(rest.strip())
            if answer:
                await self._say(answer)

    async def _line(self) -> str | None:
        raw = await self._reader.readline()
        return raw.decode("ascii", "replace").rstrip("\r\n") if raw else None

    async def _say(self, answer: str) -> None:
        self._writer.write(answer.encode() + b"\r\n")
        await self._writer.drain()

    async def _ehlo(self, rest: str) -> str:
        self._forget()
        offers = ["250-mailbox", "250-8BITMIME", f"250-SIZE {MOST_MAIL_BYTES}"]
        if self._box.tls is not None and not self._is_encrypted:
            offers.append("250-STARTTLS")
        if self._box.password:
            offers.append("250-AUTH PLAIN LOGIN")
        return "\r\n".join([*offers, "250 HELP"])

    async def _helo(self, rest: str) -> str:
        self._forget()
        return "250 mailbox"

    async def _starttls(self, rest: str) -> str:
        if self._box.tls is None or self._is_encrypted:
            return "502 Not offered"
        await self._say("220 Go ahead")
        await self._writer.start_tls(self._box.tls)
        self._is_encrypted = True
        self._box.encrypted += 1
        self._forget()
        return ""

    async def _auth(self, rest: str) -> str:
        way, _, first = rest.partition(" ")
        if way.upper() == "PLAIN":
            password = _decoded(first or await self._asked("334 ")).rpartition("\0")[2]
        elif way.upper() == "LOGIN":
            if not first:
                await self._asked("334 VXNlcm5hbWU6")
            password = _decoded(await self._asked("334 UGFzc3dvcmQ6"))
        else:
            return "504 Not known here"
        self._known = password == self._box.password
        return "235 Welcome" if self._known else "535 5.7.8 Wrong name or password"

    async def _asked(self, question: str) -> str:
        await self._say(question)
        return await self._line() or ""

    async def _mail(self, rest: str) -> str:
        found = _PATH.fullmatch(rest)
        if found is None:
            return "501 MAIL FROM:<address>"
        if not self._known:
            return "530 5.7.0 Authentication required"
        if self._box.faults.turns_away:
            return self._box.faults.turns_away
        if self._box.faults.busy > 0:
            self._box.faults.busy -= 1
            self._done = True
            return "421 4.7.0 Too many mails, slow down"
        self._sender, self._recipients = found[1], []
        return "250 OK"

    async def _rcpt(self, rest: str) -> str:
        found = _PATH.fullmatch(rest)
        if found is None or self._sender is None:
            return "503 MAIL first"
        address, faults = found[1], self._box.faults
        self._box.attempts += 1
        if address in faults.answers:
            return faults.answers[address]
        if address in faults.refused:
            return "550 5.1.1 No such user"
        if faults.later[address] > 0:
            faults.later[address] -= 1
            return "451 4.7.1 Greylisted, try again later"
        self._recipients.append(address)
        return "250 OK"

    async def _data(self, rest: str) -> str:
        if not self._recipients:
            return "503 RCPT first"
        await self._say("354 End with a line that has only a dot")
        content = bytearray()
        while (line := await self._reader.readline()) != b".\r\n":
            if not line.endswith(b"\n"):
                raise ConnectionError("the client went in the middle of a mail, which is not taken")
            content += line[1:] if line.startswith(b"..") else line
            if len(content) > MOST_MAIL_BYTES:
                self._done = True
                return "552 Too large"
        faults = self._box.faults
        if faults.hangs > 0:
            faults.hangs -= 1
            await asyncio.Event().wait()
        if faults.delay:
            await asyncio.sleep(faults.delay)
        if faults.after_data:
            self._forget()
            return faults.after_data.pop(0)
        self._box.take(bytes(content), self._sender or "", list(self._recipients))
        self._forget()
        self._taken += 1
        if self._taken == faults.forgets:
            self._done = True
        if faults.takes_and_fails > 0:
            faults.takes_and_fails -= 1
            self._done = True
            self._writer.transport.abort()
            return ""
        return "250 OK"

    async def _rset(self, rest: str) -> str:
        self._forget()
        return "250 OK"

    async def _noop(self, rest: str) -> str:
        return "250 OK"

    async def _quit(self, rest: str) -> str:
        self._done = True
        return "221 Bye"

    def _forget(self) -> None:
        self._sender, self._recipients = None, []


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""
