"""A mailbox polled by IMAP over TLS: read, never changed."""

from __future__ import annotations

import asyncio
import imaplib
import ssl
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from city.city import SourceConfig
from core.certificates import trusted_here
from core.errors import BadInput, Retryable
from core.threads import in_own_thread
from feeds import limits
from feeds.reasons import reason


@dataclass(frozen=True, kw_only=True)
class Mailbox:
    """Where mail is fetched: ``imaps://user@host/folder`` and the password."""

    host: str
    port: int
    user: str
    folder: str
    password: str = field(repr=False)

    @classmethod
    def of(cls, source: SourceConfig, password: str) -> Mailbox:
        """Return the mailbox of a source.

        Raises
        ------
        BadInput
            The address is not that of a mailbox, or not encrypted.
        """
        parts = urlsplit(source.url)
        if parts.scheme != "imaps" or not parts.hostname:
            raise BadInput(reason("mailbox.address", source=source.code))
        return cls(
            host=parts.hostname,
            port=parts.port or 993,
            user=unquote(parts.username or (source.senders[0] if source.senders else "")),
            folder=unquote(parts.path.strip("/")) or "INBOX",
            password=password,
        )


@dataclass(frozen=True, kw_only=True)
class Post:
    """New mails of a mailbox; of a long mail only the part that is read.

    ``position`` is the mailbox's UIDVALIDITY and the last UID seen; it is passed in the next time.
    If the server renumbers its messages, nothing is told twice: mails are recognised by their
    Message-ID.
    """

    position: str
    letters: tuple[bytes, ...] = ()


async def new_letters(
    mailbox: Mailbox, position: str | None, *, tls: ssl.SSLContext | None = None
) -> Post:
    """Return the mails since ``position``, oldest first; without a position, only the current
    position.

    Raises
    ------
    Retryable
        The server does not answer, or answers wrongly.
    """
    try:
        async with asyncio.timeout(limits.MAIL_TIMEOUT * 3):
            return await in_own_thread(_look, mailbox, position, tls)
    except TimeoutError as error:
        raise Retryable(reason("mailbox.slow")) from error
    except imaplib.IMAP4.error as error:
        raise Retryable(reason("mailbox.refused", error=error)) from error
    except OSError as error:
        raise Retryable(reason("mailbox.unreached", error=error)) from error


def _look(mailbox: Mailbox, position: str | None, tls: ssl.SSLContext | None) -> Post:
    context = tls or trusted_here()
    with imaplib.IMAP4_SSL(
        mailbox.host, mailbox.port, ssl_context=context, timeout=limits.MAIL_TIMEOUT
    ) as server:
        server.login(mailbox.user, mailbox.password)
        state, answer = server.select(_quoted(mailbox.folder), readonly=True)
        if state != "OK":
            raise Retryable(reason("mailbox.no-folder", folder=mailbox.folder, answer=answer))
        stated = server.response("UIDVALIDITY")[1]
        validity = stated[0].decode("ascii", "replace") if stated and stated[0] else "0"
        known_validity, _, known = (position or "").partition(":")
        last = int(known) if known.isdecimal() and known_validity == validity else 0
        uids = _search(server, last)
        if position is None:
            return Post(position=f"{validity}:{max(uids, default=0)}")
        letters: list[bytes] = []
        for uid in uids[: limits.MAX_MAILS_A_POLL]:
            if sum(map(len, letters)) > limits.MAX_MAIL_A_POLL:
                break
            letters.append(_letter(server, uid))
            last = uid
    return Post(position=f"{validity}:{last}", letters=tuple(letters))


def _search(server: imaplib.IMAP4_SSL, last: int) -> list[int]:
    # "n:*" always names the newest message, even when its UID is below n.
    _, found = server.uid("SEARCH", f"UID {last + 1}:*")
    return sorted(uid for word in (found[0] or b"").split() if (uid := int(word)) > last)


def _letter(server: imaplib.IMAP4_SSL, uid: int) -> bytes:
    _, parts = server.uid("FETCH", str(uid), f"(BODY.PEEK[]<0.{limits.MAX_MAIL}>)")
    return next((bytes(part[1]) for part in parts if isinstance(part, tuple)), b"")


def _quoted(folder: str) -> str:
    escaped = folder.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
