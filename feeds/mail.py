"""Mail from the police and other bodies: whether it is theirs, and what may be passed on.

A message counts when its From is on the source's list of senders and the city's own mail
server says, in Authentication-Results (RFC 8601), that SPF or DKIM proves that very domain.
Headers that anybody could have written are not believed. What identifies a person is left out.
"""

from __future__ import annotations

import email
import email.policy
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.utils import getaddresses

from core.city import City, SourceConfig
from core.clock import JAPAN
from core.errors import Permanent
from feeds import limits
from feeds.classify import first_word
from feeds.errors import Unreadable
from feeds.privacy import without_personal_data
from feeds.rss import Article
from feeds.wording import clean, fold, one_line, plain

CHILD_WATCH = "child-watch"
CHILD_WATCH_WORDS = (
    *("不審者", "声かけ", "声掛け", "つきまとい", "付きまとい", "わいせつ", "露出", "盗撮"),
    *("痴漢", "のぞき", "連れ去り", "誘拐", "児童に対する", "公然わいせつ"),
)


class MailRefused(Permanent):
    """A message that cannot be shown to be what it says it is."""


@dataclass(frozen=True, kw_only=True)
class Letter:
    """A message, and what our own mail server proved of it."""

    message_id: str
    sender: str
    subject: str
    text: str
    sent_at: datetime | None
    proven_by: str
    """``dkim``, ``spf`` or ``dmarc`` and the domain; empty when nothing is proven."""


def read_letter(data: bytes, *, trusted: Iterable[str]) -> Letter:
    """Return what a message says.

    Parameters
    ----------
    data
        The message as the mail server handed it over.
    trusted
        Names by which the city's own mail server signs Authentication-Results.

    Raises
    ------
    Unreadable
        It is too long or no message at all.
    """
    if len(data) > limits.MAX_MAIL:
        raise Unreadable(f"The message is over {limits.MAX_MAIL:,} bytes long.")
    message = email.message_from_bytes(data, policy=email.policy.default)
    try:
        sender = _sender(message)
        subject = one_line(str(message.get("Subject", "")), limits.MAX_TITLE_CHARACTERS)
        text = _body(message)
        identifier = clean(str(message.get("Message-ID", "")), 300)
        sent_at = _date(message)
    except (LookupError, ValueError, AttributeError) as error:
        raise Unreadable(f"The message cannot be read: {error}.") from error
    if not subject and not text:
        raise Unreadable("The message is empty.")
    return Letter(
        message_id=identifier or hashlib.sha256(data).hexdigest(),
        sender=sender,
        subject=subject,
        text=text,
        sent_at=sent_at,
        proven_by=_proof(message, sender.rpartition("@")[2], {name.lower() for name in trusted}),
    )


def _sender(message: EmailMessage) -> str:
    """Return the one address in From; two are as good as none."""
    headers = [str(value) for value in message.get_all("From", [])]
    addresses = [address.lower() for _, address in getaddresses(headers) if "@" in address]
    return addresses[0] if len(addresses) == 1 and len(headers) == 1 else ""


def _date(message: EmailMessage) -> datetime | None:
    moment = getattr(message.get("Date"), "datetime", None)
    if not isinstance(moment, datetime):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=JAPAN)


def _body(message: EmailMessage) -> str:
    part = message.get_body(preferencelist=("plain", "html"))
    if part is None:
        return ""
    try:
        content = str(part.get_content())
    except (LookupError, UnicodeError):
        raw = part.get_payload(decode=True)
        content = raw.decode("iso2022_jp_2004", "replace") if isinstance(raw, bytes) else ""
    if part.get_content_subtype() == "html":
        return plain(content, limits.MAX_SUMMARY_CHARACTERS)
    return clean(content, limits.MAX_SUMMARY_CHARACTERS)


def _proof(message: EmailMessage, domain: str, trusted: set[str]) -> str:
    """Return which mechanism proved ``domain``, as our own server wrote it.

    Only headers above the second Received count: below it stands what came with the message,
    which its sender may have made up.
    """
    if not domain:
        return ""
    hops = 0
    for name, value in message.items():
        if name.lower() == "received":
            hops += 1
            if hops > 1:
                return ""
        if name.lower() == "authentication-results":
            proof = _result(str(value), domain, trusted)
            if proof:
                return proof
    return ""


_COMMENT = re.compile(r"\([^()]*\)")


def _result(value: str, domain: str, trusted: set[str]) -> str:
    identity, *results = _COMMENT.sub(" ", value).split(";")
    if identity.split()[:1] == [] or identity.split()[0].lower() not in trusted:
        return ""
    for result in results:
        words = {
            key.lower(): setting.strip('"').lower()
            for key, _, setting in (word.partition("=") for word in result.split())
            if setting
        }
        for mechanism, property_ in (
            ("dmarc", "header.from"),
            ("dkim", "header.d"),
            ("dkim", "header.i"),
            ("spf", "smtp.mailfrom"),
        ):
            proven = words.get(property_, "").rpartition("@")[2]
            if words.get(mechanism) == "pass" and _aligned(proven, domain):
                return f"{mechanism} {proven}"
    return ""


def _aligned(proven: str, domain: str) -> bool:
    """Whether a proven domain is the From domain itself or one above it, never a mere ending.

    ``jp`` and ``lg.jp`` prove nothing; a proven domain must have a name of its own.
    """
    if proven == domain:
        return True
    return proven.count(".") >= 2 and domain.endswith("." + proven)


def take_letter(letter: Letter, source: SourceConfig) -> Article:
    """Return a letter as an article, with nothing personal left in it.

    Raises
    ------
    MailRefused
        Its sender is not on the list, or nothing proves that it is from them.
    """
    allowed = {sender.lower() for sender in source.senders}
    if letter.sender not in allowed:
        raise MailRefused(f"{letter.sender or 'Nobody'!r} is not on the list of senders.")
    if not letter.proven_by:
        raise MailRefused(f"Neither SPF nor DKIM proves that this is from {letter.sender}.")
    subject = without_personal_data(letter.subject)
    text = without_personal_data(letter.text)
    watch = first_word(CHILD_WATCH_WORDS, fold(f"{subject}\n{text}")) is not None
    return Article(
        identity=f"mail:{letter.message_id}"[: limits.MAX_IDENTITY_CHARACTERS],
        title=subject or one_line(text, 60),
        summary=text,
        published_at=letter.sent_at,
        categories=(CHILD_WATCH,) if watch else (),
    )


def for_child_watch(article: Article, source: SourceConfig, city: City) -> SourceConfig:
    """Return the source's policy with 不審者情報 on its own topic, where the city has that topic.

    The city's rules still come first.
    """
    if CHILD_WATCH not in article.categories or CHILD_WATCH not in city.topic_by_code:
        return source
    return source.model_copy(update={"topic": CHILD_WATCH})
