"""A mail server that is not ours (aiosmtpd), which takes mails for tests to read."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from types import ModuleType
from typing import Any

from core.mail_settings import SmtpSettings


def _smtp_of_aiosmtpd() -> Any:
    """Import aiosmtpd.

    It wants a package called ``public`` that is not ours (atpublic), and uses one decorator of it.
    ``./dev lock`` leaves that package out.
    """
    ours = {name: each for name, each in sys.modules.items() if name.split(".")[0] == "public"}
    for name in ours:
        del sys.modules[name]
    stand_in = ModuleType("public")
    stand_in.public = lambda thing: thing  # type: ignore[attr-defined]
    sys.modules["public"] = stand_in
    try:
        from aiosmtpd.smtp import SMTP
    finally:
        del sys.modules["public"]
        sys.modules.update(ours)
    return SMTP


@dataclass
class Taken:
    """A mail with its envelope."""

    sender: str
    recipients: list[str]
    content: bytes

    @property
    def mail(self) -> EmailMessage:
        return message_from_bytes(self.content, policy=default)


@dataclass
class MailReader:
    """Takes every mail."""

    port: int = 0
    taken: list[Taken] = field(default_factory=list)

    async def handle_DATA(self, _server: object, _session: object, envelope: Any) -> str:
        content = envelope.original_content or envelope.content
        self.taken.append(Taken(envelope.mail_from, list(envelope.rcpt_tos), content))
        return "250 2.0.0 taken"

    def settings(self, **changes: Any) -> SmtpSettings:
        values: dict[str, Any] = {
            "host": "127.0.0.1",
            "port": self.port,
            "tls": False,
            "mail_from": "試験市 <todoke@city.example>",
        }
        return SmtpSettings(**values | changes)


@asynccontextmanager
async def mail_reader() -> AsyncIterator[MailReader]:
    """Run the server until the end of the block."""
    smtp = _smtp_of_aiosmtpd()
    reader = MailReader()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: smtp(reader, enable_SMTPUTF8=False, loop=loop), "127.0.0.1", 0
    )
    reader.port = server.sockets[0].getsockname()[1]
    try:
        yield reader
    finally:
        server.close()
