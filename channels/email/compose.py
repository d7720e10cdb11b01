"""Write a mail as bytes (RFC 5322): headers that nothing can be slipped into, and two bodies.

The library's own writer takes about a millisecond a mail. A notice goes to a hundred thousand
readers, and only their address, their links and the Message-ID differ, so the rest is made once.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime, parseaddr

from channels.email.addresses import in_header
from core.clock import in_japan
from core.text import clean

BOUNDARY = "=_todoke_alternative"
"""No line of base64 can be this."""
_WORD_BYTES = 45
"""UTF-8 bytes in one encoded word: with its marks it has at most 75 characters (RFC 2047)."""
_LINE_BYTES = 57
"""Bytes in one line of base64 of 76 characters (RFC 2045)."""


@dataclass(frozen=True)
class Letter:
    """What a mail says, and where answers and returns go.

    Parameters
    ----------
    thread
        Message-IDs of earlier mails that this one belongs to, the oldest first.
    list_id
        The name of the list (RFC 2919); empty for a mail to one person only.
    stop_link
        Where one click ends the mails (RFC 8058); empty for none.
    stop_mail
        An address to which a mail ends them; empty for none.
    """

    mail_from: str
    to: str
    subject: str
    plain: str
    html: str
    language: str
    message_id: str
    at: datetime
    thread: tuple[str, ...] = ()
    list_id: str = ""
    stop_link: str = ""
    stop_mail: str = ""
    urgent: bool = False
    answer_to: str = ""
    """The Message-ID of a mail that this one answers by itself (RFC 3834)."""


def mail_bytes(letter: Letter) -> bytes:
    """Return the mail, with CRLF at line ends and only ASCII in it."""
    head = [
        f"From: {_sender(letter.mail_from)}",
        f"To: {in_header(letter.to)}",
        f"Subject: {encoded_words(letter.subject, first=9)}",
        f"Date: {format_datetime(in_japan(letter.at))}",
        f"Message-ID: {letter.message_id}",
    ]
    if letter.thread:
        head.append(f"In-Reply-To: {letter.thread[-1]}")
        head.append("References: " + "\r\n ".join(letter.thread))
    elif letter.answer_to:
        head += [f"In-Reply-To: {letter.answer_to}", f"References: {letter.answer_to}"]
    if letter.list_id:
        head.append(f"List-Id: <{letter.list_id}>")
        head.append("Precedence: list")
    if letter.stop_link:
        ways = f"<{letter.stop_link}>"
        if letter.stop_mail:
            ways += f",\r\n <mailto:{letter.stop_mail}?subject=stop>"
        head.append(f"List-Unsubscribe: {ways}")
        head.append("List-Unsubscribe-Post: List-Unsubscribe=One-Click")
    # RFC 3834: no holiday notice answers it.
    head.append(f"Auto-Submitted: {'auto-replied' if letter.answer_to else 'auto-generated'}")
    head.append("X-Auto-Response-Suppress: All")
    if letter.urgent:
        head += ["Importance: high", "X-Priority: 1"]
    head.append(f"Content-Language: {letter.language}")
    head.append("MIME-Version: 1.0")
    head.append(f'Content-Type: multipart/alternative; boundary="{BOUNDARY}"')
    return (
        "\r\n".join(head).encode("ascii")
        + b"\r\n\r\n"
        + _part("plain", letter.plain)
        + _part("html", letter.html)
        + f"--{BOUNDARY}--\r\n".encode()
    )


def encoded_words(text: str, *, first: int = 0) -> str:
    """Return a header's text, in encoded words if it is not plain ASCII (RFC 2047).

    Each word has whole characters and at most 75 of its own, and stands in a line of its own, as
    phones want it.

    Parameters
    ----------
    first
        Characters before it in the first line.
    """
    line = clean(text, line=True)
    if line.isascii() and len(line) + first <= 76 and "=?" not in line:
        return line
    words, piece, room = [], b"", _WORD_BYTES - (first * 3) // 4
    for character in line:
        part = character.encode()
        if len(piece) + len(part) > room:
            words.append(piece)
            piece, room = b"", _WORD_BYTES
        piece += part
    words.append(piece)
    return "\r\n ".join(f"=?UTF-8?B?{base64.b64encode(word).decode()}?=" for word in words)


def _sender(mail_from: str) -> str:
    name, address = parseaddr(mail_from)
    return f"{encoded_words(name, first=6)}\r\n <{address}>" if name else address


def _part(kind: str, text: str) -> bytes:
    head = (
        f"--{BOUNDARY}\r\nContent-Type: text/{kind}; charset=utf-8\r\n"
        "Content-Transfer-Encoding: base64\r\n\r\n"
    )
    return head.encode() + _base64_lines(text.replace("\n", "\r\n").encode())


def _base64_lines(data: bytes) -> bytes:
    return b"".join(
        binascii.b2a_base64(data[at : at + _LINE_BYTES], newline=False) + b"\r\n"
        for at in range(0, len(data), _LINE_BYTES)
    )
