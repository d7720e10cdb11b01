"""Mail those who send alerts that a medium takes nothing, if the list of staff reaches nobody.

A city may have nobody on that list, or nobody with an address. Whoever may send alerts has an
account, and its name is a mail address. So somebody always hears of it, as far as mail goes out.
"""

from __future__ import annotations

import hashlib

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from channels.models import ChannelSilence
from channels.silence import open_silences
from city.context import Context
from console.access import Permission, may_everywhere
from console.accounts import everybody
from console.silence_words import silence_said
from core import mail
from core.database import Database
from core.mail_settings import SmtpSettings
from response.silence_alarms import unheard

LANGUAGE = "ja"
AFTER_SECONDS = 20.0
"""Until then those of the list of staff are told."""

log = structlog.get_logger(__name__)


async def responsible_accounts(database: Database) -> list[str]:
    """Return the addresses of the accounts of those who confirm alerts."""
    async with database.reading() as session:
        return await _responsible(session)


async def _responsible(session: AsyncSession) -> list[str]:
    return [
        staff.email
        for staff in await everybody(session)
        if staff.active and may_everywhere(staff.roles, Permission.CONFIRM)
    ]


class SilenceMails:
    """Sends each account one mail about a silence.

    What was sent is known until the process ends. After that a mail goes once more with the same
    Message-ID, which mail programs show as one.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._sent: set[tuple[int | None, str]] = set()

    async def look(self) -> None:
        """Send what is due; what the mail server does not take now goes later."""
        smtp, now = self._context.settings.smtp, self._context.clock.now()
        if smtp is None:
            return
        async with self._context.database.reading() as session:
            silences = await unheard(session, await open_silences(session))
            accounts = await _responsible(session) if silences else []
        self._sent &= {(silence.id, account) for silence in silences for account in accounts}
        for silence in silences:
            if (now - silence.noticed_at).total_seconds() < AFTER_SECONDS:
                continue
            for account in accounts:
                if (silence.id, account) not in self._sent:
                    await self._send(smtp, silence, account)

    async def _send(self, smtp: SmtpSettings, silence: ChannelSilence, account: str) -> None:
        title, text = silence_said(silence, LANGUAGE)
        whose = hashlib.sha256(account.encode()).hexdigest()[:16]
        letter = mail.message(
            smtp,
            to=account,
            subject=title,
            text=f"{text}\n\n{self._context.settings.public_url}/console\n",
            key=f"silence-{silence.id}-{whose}",
            now=self._context.clock.now(),
        )
        try:
            await mail.send(smtp, letter)
        except mail.MailUnavailable:
            log.warning("silence.not_mailed", channel=silence.channel)
        except mail.MailRefused:
            log.error("silence.mail_refused", channel=silence.channel)
            self._sent.add((silence.id, account))
        else:
            self._sent.add((silence.id, account))
