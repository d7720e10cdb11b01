"""The mail server that takes our mail and the mailbox that gets it, from the environment."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parseaddr
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from core.errors import BadInput

MAIL_ADDRESS = re.compile(
    r"(?=.{3,254}\Z)[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@"
    r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,62})(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,62}))*"
)
"""A mail address as mail servers take it everywhere: no quotes, no spaces, ASCII."""


@dataclass(frozen=True, kw_only=True)
class SmtpSettings:
    """The mail server that takes our mail, and who sends it.

    Parameters
    ----------
    tls
        Whether the connection is encrypted from its beginning (``smtps://``). Otherwise STARTTLS is
        used if the server offers it.
    mail_from
        An address, or a name with an address: ``市 <todoke@city.example>``.
    connections
        How many connections are kept open for mail to residents.
    a_minute
        How many mails a minute the server takes; None for as many as it can.
    dkim_key
        The file with the private key (PEM) that signs mail; None if the server signs.
    dkim_selector
        The name under which the public key is in the DNS (RFC 6376).
    """

    host: str
    port: int
    tls: bool
    mail_from: str
    user: str = ""
    password: str = field(default="", repr=False)
    connections: int = 4
    a_minute: int | None = None
    dkim_key: Path | None = None
    dkim_selector: str = ""

    @property
    def address(self) -> str:
        """The sender's bare address."""
        return parseaddr(self.mail_from)[1]

    @property
    def domain(self) -> str:
        """The domain of the sender's address."""
        return self.address.rpartition("@")[2]


@dataclass(frozen=True, kw_only=True)
class MailBoxSettings:
    """The mailbox in which returned mails and requests to follow arrive, read by IMAP over TLS.

    Parameters
    ----------
    address
        Its address. Mail to ``NAME+anything@DOMAIN`` must arrive in it too (RFC 5233).
    """

    host: str
    port: int
    user: str
    folder: str
    address: str
    password: str = field(repr=False)

    def plus(self, detail: str) -> str:
        """Return the address with a detail after a plus sign."""
        name, _, domain = self.address.partition("@")
        return f"{name}+{detail}@{domain}"


def smtp(environment: Mapping[str, str] | None = None) -> SmtpSettings | None:
    """``TODOKE_SMTP_URL`` and ``TODOKE_MAIL_FROM``: the server that takes our mail.

    Raises
    ------
    BadInput
        One of them is missing or is not what it should be.
    """
    env = os.environ if environment is None else environment
    url, mail_from = (env.get(f"TODOKE_{name}", "").strip() for name in ("SMTP_URL", "MAIL_FROM"))
    if not url:
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
        right = parts.scheme in ("smtp", "smtps") and parts.hostname and port != 0
        right = right and parts.path in ("", "/") and not parts.query
    except ValueError:  # an invalid port
        right, port = False, None
    if not right:
        # Without the address itself, because it may contain a password.
        raise BadInput(
            "TODOKE_SMTP_URL must be smtp://HOST:PORT or smtp://USER:PASSWORD@HOST:PORT."
        )
    address = parseaddr(mail_from)[1]
    if not MAIL_ADDRESS.fullmatch(address) or not mail_from.isprintable():
        raise BadInput(
            "TODOKE_SMTP_URL needs TODOKE_MAIL_FROM, the sender's address, such as "
            f"'City <todoke@city.example>', not {mail_from!r}."
        )
    tls = parts.scheme == "smtps"
    return SmtpSettings(
        host=parts.hostname or "",
        port=port or (465 if tls else 587),
        tls=tls,
        mail_from=mail_from,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        connections=_within(env, "MAIL_CONNECTIONS", 4, 1, 64),
        a_minute=_within(env, "MAIL_RATE", 0, 60, 1_000_000) or None,
        **_dkim(env),
    )


def _within(env: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    value = env.get(f"TODOKE_{name}", "").strip()
    if not value:
        return default
    if not (value.isascii() and value.isdecimal()) or not least <= int(value) <= most:
        raise BadInput(f"TODOKE_{name} must be between {least} and {most}, not {value!r}.")
    return int(value)


_DKIM_SELECTOR = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,60}[A-Za-z0-9])?")


def _dkim(env: Mapping[str, str]) -> dict[str, Any]:
    key, selector = (env.get(f"TODOKE_MAIL_DKIM_{n}", "").strip() for n in ("KEY", "SELECTOR"))
    if not key and not selector:
        return {}
    if not key or not _DKIM_SELECTOR.fullmatch(selector):
        raise BadInput(
            "TODOKE_MAIL_DKIM_KEY (a file) and TODOKE_MAIL_DKIM_SELECTOR (such as todoke2026) "
            "belong together."
        )
    if not Path(key).is_file():
        raise BadInput(f"TODOKE_MAIL_DKIM_KEY: there is no file {key}.")
    return {"dkim_key": Path(key), "dkim_selector": selector}


def mail_box(environment: Mapping[str, str] | None = None) -> MailBoxSettings | None:
    """``TODOKE_MAIL_BOX_URL`` (``imaps://USER:PASSWORD@HOST/FOLDER``) and ``TODOKE_MAIL_BOX``.

    Raises
    ------
    BadInput
        One of them is missing or is not what it should be.
    """
    env = os.environ if environment is None else environment
    url = env.get("TODOKE_MAIL_BOX_URL", "").strip()
    address = env.get("TODOKE_MAIL_BOX", "").strip()
    if not url:
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
        right = parts.scheme == "imaps" and parts.hostname and port != 0 and parts.username
    except ValueError:  # an invalid port
        right, port = False, None
    if not right:
        # Without the address itself, because it contains a password.
        raise BadInput("TODOKE_MAIL_BOX_URL must be imaps://USER:PASSWORD@HOST/FOLDER.")
    if not MAIL_ADDRESS.fullmatch(address) or "+" in address or len(address.partition("@")[0]) > 30:
        raise BadInput(
            "TODOKE_MAIL_BOX_URL needs TODOKE_MAIL_BOX, the mailbox's address with at most 30 "
            f"characters before the @ and no plus sign, not {address!r}."
        )
    return MailBoxSettings(
        host=parts.hostname or "",
        port=port or 993,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        folder=unquote(parts.path.strip("/")) or "INBOX",
        address=address,
    )
