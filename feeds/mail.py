"""Mail from the police and other bodies: is it theirs, and what may be passed on?

A message counts if its From is on the source's list of senders, and if the city's own mail server
says in Authentication-Results (RFC 8601) that SPF or DKIM proves that domain. Headers that anybody
could have written are not believed. Everything that identifies a person is left out.
"""

from __future__ import annotations

import binascii
import email
import email.policy
import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.utils import getaddresses

from city.city import City, SourceConfig
from core.errors import Permanent
from feeds import limits
from feeds.classify import first_word
from feeds.encodings import decode_document
from feeds.errors import Unreadable
from feeds.mail_proof import proof
from feeds.privacy import without_personal_data
from feeds.reasons import reason
from feeds.rss import Article
from feeds.wording import fold, one_line, plain_text, read_date, text_of_html

CHILD_WATCH = "child-watch"
CHILD_WATCH_WORDS = (
    *("不審者", "声かけ", "声掛け", "声をかけられ", "声を掛けられ", "つきまと", "付きまと"),
    *("後をつけられ", "追いかけられ", "体を触", "つかまれ", "下半身", "わいせつ", "露出"),
    *("盗撮", "痴漢", "のぞき", "連れ去", "誘拐", "児童に対する"),
)


class MailRefused(Permanent):
    """A message whose sender cannot be proved."""


@dataclass(frozen=True, kw_only=True)
class Letter:
    """A message, and what our own mail server proved about it."""

    message_id: str
    sender: str
    subject: str
    text: str
    sent_at: datetime | None
    proven_by: str
    """``dkim``, ``spf`` or ``dmarc`` and the domain; empty when nothing is proven."""


def read_letter(data: bytes, *, trusted: Iterable[str]) -> Letter:
    """Return the parsed message.

    Parameters
    ----------
    data
        The message from the mail server. Bytes after ``limits.MAX_MAIL`` are attachments and are
        ignored.
    trusted
        Names under which the city's own mail server writes Authentication-Results.

    Raises
    ------
    Unreadable
        It is no message, or it is built as an attack.
    """
    message = parsed(data[: limits.MAX_MAIL])
    headers = [(name.lower(), str(value)) for name, value in message.raw_items()]
    sender = sender_of([value for name, value in headers if name == "from"])
    subject = one_line(header_words(_first(headers, "subject")), limits.MAX_TITLE_CHARACTERS)
    text = text_of(message)
    if not subject and not text:
        raise Unreadable(reason("mail.empty"))
    identifier = plain_text(_first(headers, "message-id"), limits.MAX_MAIL_FIELD)
    return Letter(
        message_id=identifier or hashlib.sha256(data).hexdigest(),
        sender=sender,
        subject=subject,
        text=text,
        sent_at=read_date(" ".join(_first(headers, "date").split())),
        proven_by=proof(headers, sender.rpartition("@")[2], trusted),
    )


_END_OF_HEAD = re.compile(rb"\r?\n\r?\n|\r\r")
_TYPE = re.compile(rb"^content-[a-z-]{1,40}[ \t]*:[^\r\n]*(?:\r?\n[ \t][^\r\n]*)*", re.I | re.M)


def parsed(data: bytes) -> Message:
    """Return the parts of a message; refuse one that would take minutes or all memory."""
    end = _END_OF_HEAD.search(data)
    if (end.start() if end else len(data)) > limits.MAX_MAIL_HEAD:
        raise Unreadable(reason("mail.head-too-large", limit=f"{limits.MAX_MAIL_HEAD:,}"))
    if any(len(field.group()) > limits.MAX_MAIL_FIELD for field in _TYPE.finditer(data)):
        raise Unreadable(reason("mail.endless-part"))
    if data.count(b"\n--") + data.count(b"\r--") > limits.MAX_MAIL_PARTS:
        raise Unreadable(reason("mail.too-many-parts", limit=f"{limits.MAX_MAIL_PARTS:,}"))
    try:
        message = email.message_from_bytes(data, policy=email.policy.compat32)
    except RecursionError:
        raise Unreadable(reason("mail.nested")) from None
    if not message.keys():
        raise Unreadable(reason("mail.no-message"))
    return message


def _first(headers: Iterable[tuple[str, str]], wanted: str) -> str:
    """Return a header's first value; "" if it is missing or absurdly long."""
    value = next((value for name, value in headers if name == wanted), "")
    return value if len(value) <= limits.MAX_MAIL_FIELD else ""


_SHIFTED = re.compile(r"\x1b\$[@B].*?(?:\x1b\([BJ]|$)", re.S)


def sender_of(headers: list[str]) -> str:
    """Return the one address in From; two count as none."""
    if len(headers) != 1 or len(headers[0]) > limits.MAX_MAIL_FIELD:
        return ""
    # Japanese without the encoding that headers need may contain quotes and brackets.
    found = getaddresses([_SHIFTED.sub("", headers[0])])
    addresses = {address.lower() for _, address in found if "@" in address}
    return addresses.pop() if len(addresses) == 1 else ""


def header_words(header: str) -> str:
    """Return the text of a header, even if it is cut in the middle of a character."""
    try:
        pieces = decode_header(header)
    except HeaderParseError:
        pieces = [(header, None)]
    return "".join(
        decode_document(piece.encode("utf-8", "surrogateescape"))
        if isinstance(piece, str)
        else decode_document(piece, charset)
        for piece, charset in pieces
    )


_READ = 2 * limits.MAX_SUMMARY_CHARACTERS
"""More than is passed on, so that no name is cut in two before the search."""


def text_of(message: Message) -> str:
    """Return the first non-empty plain text, else the first non-empty HTML."""
    html = ""
    for part in _parts(message):
        if part.get_content_maintype() != "text" or part.get_content_disposition() == "attachment":
            continue
        written = decode_document(_bytes_of(part)[: limits.MAX_MAIL_TEXT], _charset(part))
        if part.get_content_subtype() == "html":
            html = html or text_of_html(written, _READ)
        elif text := plain_text(written, _READ):
            return text
    return html


def _parts(message: Message) -> Iterator[Message]:
    """Yield the message's own parts in order, without attached messages."""
    waiting = [message]
    while waiting:
        part = waiting.pop(0)
        if not part.is_multipart():
            yield part
        elif part.get_content_maintype() == "multipart":
            inner = part.get_payload()
            waiting[:0] = [each for each in inner if isinstance(each, Message)]


_CHARSET = re.compile(r"charset\*?\s*=\s*[\"']?([\w.:-]+)", re.I)


def _charset(part: Message) -> str | None:
    found = _CHARSET.search(str(part.get("Content-Type", "")))
    return found[1] if found else None


_FOOTER = re.compile(rb"^(?:--|__|==)|\S\s+\S|[^\x00-\x7f]")


def _bytes_of(part: Message) -> bytes:
    """Return a part's bytes, without the lines that a mailing list added below the encoded text."""
    encoded = str(part.get("Content-Transfer-Encoding", "")).strip().lower() == "base64"
    if encoded:
        del part["Content-Transfer-Encoding"]
    payload = part.get_payload(decode=True)
    written = payload if isinstance(payload, bytes) else b""
    if not encoded:
        return written
    lines = written.strip().splitlines()
    end = next((n for n, line in enumerate(lines) if _FOOTER.search(line)), len(lines))
    if end == 0:
        return written
    letters = re.sub(rb"[^A-Za-z0-9+/]", b"", b"".join(lines[:end]))
    # A single letter at the end is no byte.
    letters = letters[:-1] if len(letters) % 4 == 1 else letters
    return binascii.a2b_base64(letters + b"=" * (-len(letters) % 4))


def take_letter(letter: Letter, source: SourceConfig) -> Article:
    """Return a letter as an article, with nothing personal left in it.

    Raises
    ------
    MailRefused
        Its sender is not on the list, or nothing proves that it is from them.
    """
    allowed = {sender.lower() for sender in source.senders}
    if letter.sender not in allowed:
        if not letter.sender:
            raise MailRefused(reason("mail.no-sender"))
        raise MailRefused(reason("mail.stranger", sender=letter.sender[:200]))
    if not letter.proven_by:
        raise MailRefused(reason("mail.unproven", sender=letter.sender))
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
