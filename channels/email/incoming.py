"""What a mail in the city's mailbox is: a returned mail, a complaint, a wish to follow, or nothing.

Anybody can send anything there. A returned mail counts only if it came to the return address that
we made for the very address that it says failed. A mail written by a program is never answered
(RFC 3834), so that no two programs write to each other for ever.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email.message import Message
from email.utils import getaddresses

from channels.email.addresses import normalised
from channels.email.bounces import Bounce
from channels.email.tokens import MailTokens
from core.errors import Permanent
from core.languages import match_language
from core.mail_settings import MailBoxSettings
from feeds import limits
from feeds.mail import header_words, parsed, sender_of, text_of

MOST_CANDIDATES = 50
_MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,200}@[!-;=?-~]{1,200}>")
_PROGRAMS = re.compile(
    r"(?:mailer-daemon|postmaster|no-?reply|do-?not-?reply|bounces?|owner|listserv|majordomo)"
    r"(?:[+.-].*)?@|.*-(?:request|owner|bounces?)@",
    re.I,
)
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,190}")
_STOP_WORDS = frozenset(
    ("stop", "unsubscribe", "cancel", "解除", "停止", "配信停止", "退会", "登録解除", "かいじょ")
)
_SOFT_STATUS = re.compile(r"4\.|5\.2\.[23]\b|5\.3\.|5\.4\.[0-7]\b|5\.7\.")
_HARD_STATUS = re.compile(r"5\.1\.(?:0|1|2|3|4|6|10)\b|5\.2\.1\b|5\.0\.0\b")


@dataclass(frozen=True)
class Returned:
    """A mail of ours came back, or was called spam, and this is proven."""

    address: str
    bounce: Bounce


@dataclass(frozen=True)
class Wish:
    """Somebody wrote to us by hand."""

    address: str
    language: str
    message_id: str
    stop: bool = False
    """They want no more mails; otherwise they want to follow."""


@dataclass(frozen=True)
class Stop:
    """The mail that a mail program sends by itself to end the mails (RFC 2369); proven."""

    address: str


@dataclass(frozen=True)
class Ignored:
    """Nothing is done. ``why`` is a word for logs and counts."""

    why: str


Incoming = Returned | Wish | Stop | Ignored


def read_mail(data: bytes, box: MailBoxSettings, tokens: MailTokens, now: datetime) -> Incoming:
    """Return what a mail is. It raises nothing, whatever the mail is."""
    try:
        message = parsed(data[: limits.MAX_MAIL])
        return _read(message, box, tokens, now)
    except Permanent:
        return Ignored("unreadable")
    except Exception:
        # A mail that breaks the library must not block those behind it.
        return Ignored("broken")


def _read(message: Message, box: MailBoxSettings, tokens: MailTokens, now: datetime) -> Incoming:
    details = set(_details(message, box))
    kind = message.get_content_type()
    report = str(message.get_param("report-type") or "").lower()
    if kind == "multipart/report" and report == "feedback-report":
        return _proven(message, details, tokens, now, Bounce.COMPLAINT, _candidates(message))
    if kind == "multipart/report":
        return _returned(message, details, tokens, now)
    if any(detail.startswith("b") and len(detail) > 1 for detail in details):
        # An answer to the return address that is no report in the standard form.
        return Ignored("return-without-report")
    sender = normalised(sender_of([str(v) for v in message.get_all("From") or []]))
    if sender is None:
        return Ignored("no-sender")
    if any(tokens.is_stop_of(detail, sender) for detail in details):
        return Stop(sender)
    if why := _by_a_program(message, sender, box):
        return Ignored(why)
    if not _is_for(message, box):
        return Ignored("not-for-us")
    return Wish(
        sender,
        _language(message),
        _message_id(message),
        stop=_asks_to_stop(message),
    )


def _returned(message: Message, details: set[str], tokens: MailTokens, now: datetime) -> Incoming:
    """Return what a delivery status notification (RFC 3464) says, if it is about a mail of ours."""
    for fields in _status_fields(message):
        action = str(fields.get("Action", "")).strip().lower()
        if action != "failed":
            continue
        status = str(fields.get("Status", "")).strip()
        bounce = _bounce_of(status, str(fields.get("Diagnostic-Code", "")))
        named = [str(fields.get(n, "")) for n in ("Original-Recipient", "Final-Recipient")]
        found = _proven(message, details, tokens, now, bounce, [*named, *_candidates(message)])
        if isinstance(found, Returned):
            return found
    return Ignored("return-unproven")


def _bounce_of(status: str, diagnostic: str) -> Bounce:
    if _HARD_STATUS.match(status):
        unsure = status.startswith("5.0.") and not re.search(r"\b5(?:50|51|53)\b", diagnostic)
        return Bounce.SOFT if unsure else Bounce.HARD
    return Bounce.SOFT


def _proven(
    message: Message,
    details: set[str],
    tokens: MailTokens,
    now: datetime,
    bounce: Bounce,
    candidates: list[str],
) -> Incoming:
    """Return the address whose return address the mail came to, among those that it names."""
    for text in candidates:
        for found in _ADDRESS.findall(text)[:5]:
            address = normalised(found)
            if address and any(tokens.is_return_of(each, address, now) for each in details):
                return Returned(address, bounce)
    return Ignored("return-unproven")


def _status_fields(message: Message) -> Iterator[Message]:
    for part in _parts(message):
        if part.get_content_type() == "message/delivery-status":
            inner = part.get_payload()
            yield from (each for each in inner if isinstance(each, Message))


def _candidates(message: Message) -> list[str]:
    """Return texts that may name the failed address: the reports and the mail that came back."""
    found: list[str] = []
    for part in _parts(message):
        if len(found) > MOST_CANDIDATES:
            break
        kind = part.get_content_type()
        inner = part.get_payload()
        if kind == "message/rfc822" and isinstance(inner, list):
            for mail in inner[:1]:
                if isinstance(mail, Message):
                    found += [str(mail.get(name, "")) for name in ("To", "Delivered-To")]
        elif kind == "text/rfc822-headers" and isinstance(inner, str):
            found += [line for line in inner.splitlines() if line.lower().startswith("to:")]
        elif kind == "message/feedback-report":
            lines = inner if isinstance(inner, list) else [inner]
            found += [str(each) for each in lines]
    return found


def _parts(message: Message) -> Iterator[Message]:
    inner = message.get_payload()
    if message.get_content_maintype() == "multipart" and isinstance(inner, list):
        for part in inner[:20]:
            if isinstance(part, Message):
                yield part


def _details(message: Message, box: MailBoxSettings) -> Iterator[str]:
    """Yield what stands after the plus sign in our address, wherever the mail says it came to."""
    name, _, domain = box.address.lower().partition("@")
    names = ("Delivered-To", "X-Original-To", "Envelope-To", "To", "Cc")
    written = [str(value)[:2000] for each in names for value in message.get_all(each) or []]
    for address in _ADDRESS.findall(" ".join(written))[:MOST_CANDIDATES]:
        local, _, at = address.lower().partition("@")
        if at == domain and local.startswith(f"{name}+"):
            yield local[len(name) + 1 :]


def _is_for(message: Message, box: MailBoxSettings) -> bool:
    """Whether our address is named openly (RFC 3834, 2): not so in most mass mail."""
    written = [str(v)[:4000] for n in ("To", "Cc") for v in message.get_all(n) or []]
    return any(
        address.lower() in (box.address.lower(), box.plus("subscribe").lower())
        for _, address in getaddresses(written)
    )


def _by_a_program(message: Message, sender: str, box: MailBoxSettings) -> str:
    """Return why a mail must not be answered; "" if a person wrote it."""
    auto = str(message.get("Auto-Submitted", "no")).strip().lower()
    if auto and not auto.startswith("no"):
        return "auto-submitted"
    if str(message.get("Precedence", "")).strip().lower() in ("bulk", "list", "junk"):
        return "list"
    listed = ("List-Id", "List-Unsubscribe", "List-Post", "X-Autoreply", "X-Autorespond")
    if any(name in message for name in (*listed, "X-Auto-Response-Suppress")):
        return "list"
    if str(message.get("Return-Path", "")).strip() == "<>":
        return "null-sender"
    name, _, domain = box.address.lower().partition("@")
    if _PROGRAMS.match(sender) or sender == box.address.lower():
        return "program"
    if sender.startswith(f"{name}+") and sender.endswith(f"@{domain}"):
        return "program"
    return ""


def _language(message: Message) -> str:
    for name in ("Content-Language", "Accept-Language"):
        if found := match_language(str(message.get(name, ""))[:100].split(",")[0].strip()):
            return found
    return "ja"


def _message_id(message: Message) -> str:
    found = _MESSAGE_ID.fullmatch(str(message.get("Message-ID", "")).strip())
    return found.group() if found else ""


def _asks_to_stop(message: Message) -> bool:
    subject = header_words(str(message.get("Subject", ""))[:500])
    first = text_of(message).strip().partition("\n")[0]
    return any(words.strip().casefold() in _STOP_WORDS for words in (subject, first))
