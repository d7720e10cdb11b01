"""What a test of mail to residents needs: settings, keys, a medium, letters that come back."""

from __future__ import annotations

from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any

from channels.email.medium import EmailMedium, Outgoing, Sending
from channels.email.tokens import MailTokens
from channels.limiter import Limiter
from core.clock import Clock
from core.mail_settings import MailBoxSettings, SmtpSettings
from simulator.mail import Mailbox

NOON = datetime(2026, 6, 15, 3, tzinfo=UTC)
BOX = MailBoxSettings(
    host="localhost",
    port=993,
    user="kurashi",
    folder="INBOX",
    address="kurashi@city.example",
    password="s3cret",
)
TOKENS = MailTokens("a-secret-key")


def smtp_of(box: Mailbox, **changes: Any) -> SmtpSettings:
    """Settings for the stand-in."""
    values: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": box.port,
        "tls": False,
        "mail_from": "試験市 <todoke@city.example>",
    }
    return SmtpSettings(**values | changes)


def sending(smtp: SmtpSettings, box: MailBoxSettings | None = BOX) -> Sending:
    return Sending(smtp, box, TOKENS, "https://todoke.city.example")


def medium(clock: Clock, outgoing: Outgoing, smtp: SmtpSettings, **more: Any) -> EmailMedium:
    """A medium without a limit."""
    return EmailMedium(clock, sending(smtp), outgoing, Limiter(clock, {"email": None}), **more)


def bounce(
    address: str,
    *,
    to: str,
    status: str = "5.1.1",
    action: str = "failed",
    final: str | None = None,
    diagnostic: str = "smtp; 550 5.1.1 User unknown",
) -> bytes:
    """A delivery status notification in the form of RFC 3464, appendix E."""
    named = address if final is None else final
    return f"""\
Return-Path: <>
From: Mail Delivery Subsystem <MAILER-DAEMON@mx.example>
To: {to}
Subject: Returned mail
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b1"

--b1
Content-Type: text/plain

The mail could not be delivered.

--b1
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; {named}
Action: {action}
Status: {status}
Diagnostic-Code: {diagnostic}

--b1
Content-Type: message/rfc822

From: todoke@city.example
To: {address}
Subject: test

--b1--
""".replace("\n", "\r\n").encode()


def complaint(address: str, *, to: str) -> bytes:
    """A complaint in the form of RFC 5965, appendix B."""
    return f"""\
From: <abusedesk@example.com>
To: {to}
Subject: FW: News
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="b2"

--b2
Content-Type: text/plain

This is an email abuse report.

--b2
Content-Type: message/feedback-report

Feedback-Type: abuse
User-Agent: SomeGenerator/1.0
Version: 1
Original-Rcpt-To: <{address}>

--b2
Content-Type: message/rfc822

From: <todoke@city.example>
To: <{address}>
Subject: News

text
--b2--
""".replace("\n", "\r\n").encode()


def written(
    sender: str,
    *,
    to: str = BOX.address,
    subject: str = "",
    body: str = "",
    charset: str = "utf-8",
    **headers: str,
) -> bytes:
    """A mail that a person, or a program with these headers, wrote."""
    mail = EmailMessage()
    mail["From"], mail["To"] = sender, to
    mail["Message-ID"] = "<1@phone.example>"
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(body, charset=charset)
    head = f"Subject: {encoded(subject, charset)}\r\n".encode()
    return head + mail.as_bytes()


def encoded(text: str, charset: str) -> str:
    """A header's text as phones encode it."""
    from email.header import Header

    return Header(text, charset).encode()
