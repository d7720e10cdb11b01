"""Mail to residents with a world outside that fails as :class:`Recipients` is told to."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from email import message_from_bytes
from email.policy import default

from sqlalchemy.ext.asyncio import AsyncSession

from channels.email.medium import EmailMedium
from channels.limiter import Limiter
from channels.responses import Accepted, ChannelRefused
from core.clock import Clock
from core.mail_settings import SmtpSettings
from tests.support.listed import ListMedium, Recipients
from tests.support.mail_world import sending

_KEY: ContextVar[str] = ContextVar("key")
SMTP = SmtpSettings(host="127.0.0.1", port=25, tls=False, mail_from="todoke@city.example")


@dataclass
class MailRecipients(Recipients):
    """People with mail addresses."""

    around: tuple[str, str] = ("r", "@home.example")


class MailedMedium(EmailMedium, ListMedium):
    """Mail as it is; only the relay is :class:`MailRecipients`."""

    def __init__(self, clock: Clock, recipients: Recipients, rate: int | None = None) -> None:
        self.recipients = recipients
        limiter = Limiter(clock, {self.name: rate})
        super().__init__(clock, sending(SMTP), _Relay(recipients), limiter)

    async def attempt(self, endpoint: str, request: bytes, key: str) -> Accepted:
        _KEY.set(key)
        return await super().attempt(endpoint, request, key)

    async def gone(self, session: AsyncSession, resident_id: int) -> None:
        self.recipients.struck_out.append(resident_id)
        await super().gone(session, resident_id)


@dataclass
class _Relay:
    recipients: Recipients

    async def send(self, sender: str, recipient: str, content: bytes) -> str:
        mail = message_from_bytes(content, policy=default)
        assert mail["To"] == recipient
        said = [{"title": str(mail["Subject"])}]
        return (await self.recipients.take(_KEY.get(), [recipient], said)).request_id

    async def check(self, sender: str) -> None:
        if self.recipients.locked:
            raise ChannelRefused("still locked")

    async def close(self) -> None:
        """Has nothing open."""
