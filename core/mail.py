"""Send one mail over the city's SMTP server (RFC 5321).

STARTTLS is used when the server offers it. A password is never sent in clear to another machine.
Certificates are checked against those that the machine trusts.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP as SMTP_FORM
from email.utils import format_datetime, parseaddr

import aiosmtplib
import structlog

from core.certificates import trusted_here
from core.clock import in_japan
from core.errors import Permanent, Retryable
from core.mail_settings import SmtpSettings
from core.reasons import reason
from core.settings import THIS_MACHINE
from core.text import clean

STEP_SECONDS = 20.0
"""How long one answer of the server may take."""
WHOLE_SECONDS = 60.0
MOST_SUBJECT = 200

log = structlog.get_logger(__name__)


class MailUnavailable(Retryable):
    """No answer, or the server asks to try again later (4xx). It may have taken the mail."""


class MailRefused(Permanent):
    """The server refuses this mail or this address for good (5xx)."""


def message(
    settings: SmtpSettings,
    *,
    to: str,
    subject: str,
    text: str,
    key: str,
    now: datetime,
) -> EmailMessage:
    """Return a plain mail that says it was made by a machine.

    Parameters
    ----------
    key
        The left part of the Message-ID. A repeat has the same one, so that the reader's mail
        program and server can see that it is one mail.
    """
    made = EmailMessage(policy=SMTP_FORM)
    made["From"] = settings.mail_from
    made["To"] = to
    made["Subject"] = clean(subject, line=True)[:MOST_SUBJECT]
    made["Date"] = format_datetime(in_japan(now))
    made["Message-ID"] = f"<{key}@{sender_domain(settings)}>"
    # RFC 3834: no holiday notice answers it.
    made["Auto-Submitted"] = "auto-generated"
    made["X-Auto-Response-Suppress"] = "All"
    made.set_content(clean(text), cte="base64")
    return made


def sender_domain(settings: SmtpSettings) -> str:
    """Return the domain of the sender's address."""
    return settings.domain


async def send(settings: SmtpSettings, mail: EmailMessage) -> None:
    """Give a mail to the server.

    Raises
    ------
    MailUnavailable
        Try again with the same Message-ID.
    MailRefused
        Do not try again as it is.
    """
    client = new_client(settings)
    with _understood():
        try:
            async with asyncio.timeout(WHOLE_SECONDS):
                await client.connect()
                await log_in(client, settings)
                await client.send_message(mail, sender=parseaddr(settings.mail_from)[1])
                # The server has it. What it says to our good-bye does not matter.
        finally:
            client.close()


def new_client(settings: SmtpSettings, context: ssl.SSLContext | None = None) -> aiosmtplib.SMTP:
    """Return a client of the server that is not connected yet."""
    return aiosmtplib.SMTP(
        hostname=settings.host,
        port=settings.port,
        use_tls=settings.tls,
        start_tls=None,
        tls_context=context or trusted_here(),
        timeout=STEP_SECONDS,
        local_hostname=sender_domain(settings) or None,
    )


async def log_in(client: aiosmtplib.SMTP, settings: SmtpSettings) -> None:
    """Say who we are, if the server is to be told.

    Raises
    ------
    MailUnavailable
        The password would go to another machine in clear.
    """
    if not settings.user:
        return
    is_encrypted = client.get_transport_info("ssl_object") is not None
    if not is_encrypted and settings.host not in THIS_MACHINE:
        raise MailUnavailable(reason("mail.in-clear"))
    await client.login(settings.user, settings.password)


@contextmanager
def _understood() -> Iterator[None]:
    """Turn the library's errors into the two kinds of failure."""
    try:
        yield
    except aiosmtplib.SMTPRecipientsRefused as error:
        first = error.recipients[0]
        raise _refusal(first.code, first.message) from error
    except (aiosmtplib.SMTPAuthenticationError, aiosmtplib.SMTPSenderRefused) as error:
        # About us and not about this mail: it is right again once somebody has corrected it.
        raise MailUnavailable(
            reason("mail.refuses-us", code=error.code, words=error.message)
        ) from (error)
    except (aiosmtplib.SMTPConnectResponseError, aiosmtplib.SMTPHeloError) as error:
        raise MailUnavailable(reason("mail.later", code=error.code, words=error.message)) from error
    except aiosmtplib.SMTPResponseException as error:
        raise _refusal(error.code, error.message) from error
    except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
        raise MailUnavailable(reason("mail.no-answer", error=_named(error))) from error
    except (UnicodeError, ValueError) as error:
        raise MailRefused(reason("mail.unwritable", error=_named(error))) from error


def _refusal(code: int, words: str) -> MailUnavailable | MailRefused:
    if 500 <= code < 600:
        return MailRefused(reason("mail.refused", code=code, words=words))
    return MailUnavailable(reason("mail.later", code=code, words=words))


def _named(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".rstrip(": ")
