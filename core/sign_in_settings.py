"""The city's OIDC provider, and where the head of the audit trail is sent, from the environment."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from core.errors import BadInput
from core.mail_settings import MAIL_ADDRESS

THIS_MACHINE = ("127.0.0.1", "localhost", "::1")
_CLAIM = re.compile(r"[A-Za-z0-9_:/.-]{1,200}")
SYSLOG_PORT = 514


@dataclass(frozen=True, kw_only=True)
class ProviderSettings:
    """The city's OIDC provider (OpenID Connect Core 1.0), and who we are there.

    Parameters
    ----------
    issuer
        Its address, exactly as it names itself.
    groups_claim
        The claim that lists the groups of a person.
    """

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    groups_claim: str = "groups"
    scope: str = "openid email profile"


def provider(environment: Mapping[str, str] | None = None) -> ProviderSettings | None:
    """``TODOKE_OIDC_ISSUER``, ``_CLIENT_ID``, ``_CLIENT_SECRET``, ``_GROUPS_CLAIM``, ``_SCOPE``.

    Raises
    ------
    BadInput
        One of them is missing, or the issuer is no https address.
    """
    env = os.environ if environment is None else environment
    issuer, client_id, secret, claim, scope = (
        env.get(f"TODOKE_OIDC_{name}", "").strip()
        for name in ("ISSUER", "CLIENT_ID", "CLIENT_SECRET", "GROUPS_CLAIM", "SCOPE")
    )
    if not issuer:
        return None
    if not is_safe_address(issuer):
        raise BadInput(f"TODOKE_OIDC_ISSUER must begin with https://, not {issuer!r}.")
    if not client_id or not secret:
        raise BadInput("TODOKE_OIDC_ISSUER needs TODOKE_OIDC_CLIENT_ID and _CLIENT_SECRET.")
    if claim and not _CLAIM.fullmatch(claim):
        raise BadInput(f"TODOKE_OIDC_GROUPS_CLAIM is the name of a claim, not {claim!r}.")
    if scope and "openid" not in scope.split():
        raise BadInput(f"TODOKE_OIDC_SCOPE must contain openid, not {scope!r}.")
    return ProviderSettings(
        issuer=issuer,
        client_id=client_id,
        client_secret=secret,
        groups_claim=claim or "groups",
        scope=scope or "openid email profile",
    )


def is_safe_address(value: object) -> bool:
    """Whether a value is an https address, or an http one of this machine."""
    if not isinstance(value, str):
        return False
    try:
        parts = urlsplit(value)
        host, port = parts.hostname, parts.port
    except ValueError:
        return False
    if not host or port == 0 or parts.username is not None or parts.fragment:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and host in THIS_MACHINE)


@dataclass(frozen=True, kw_only=True)
class SyslogSettings:
    """A syslog server (RFC 5424), by UDP (RFC 5426) or TCP (RFC 6587)."""

    host: str
    port: int
    tcp: bool


@dataclass(frozen=True, kw_only=True)
class HeadSettings:
    """Where the newest entry of the audit trail is sent, and how many hours apart."""

    mail: tuple[str, ...] = ()
    syslog: SyslogSettings | None = None
    hours: int = 24


def trail_head(environment: Mapping[str, str] | None = None) -> HeadSettings:
    """``TODOKE_AUDIT_HEAD_MAIL``, ``_SYSLOG`` and ``_HOURS``.

    Raises
    ------
    BadInput
        One of them is not what it should be.
    """
    env = os.environ if environment is None else environment
    mail = tuple(
        part.strip() for part in env.get("TODOKE_AUDIT_HEAD_MAIL", "").split(",") if part.strip()
    )
    for address in mail:
        if not MAIL_ADDRESS.fullmatch(address):
            raise BadInput(f"TODOKE_AUDIT_HEAD_MAIL is mail addresses, not {address!r}.")
    hours = env.get("TODOKE_AUDIT_HEAD_HOURS", "").strip() or "24"
    if not (hours.isascii() and hours.isdecimal()) or not 1 <= int(hours) <= 168:
        raise BadInput(f"TODOKE_AUDIT_HEAD_HOURS must be between 1 and 168, not {hours!r}.")
    return HeadSettings(mail=mail, syslog=_syslog(env), hours=int(hours))


def _syslog(env: Mapping[str, str]) -> SyslogSettings | None:
    value = env.get("TODOKE_AUDIT_HEAD_SYSLOG", "").strip()
    if not value:
        return None
    try:
        parts = urlsplit(value)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or parts.scheme not in ("udp", "tcp") or port == 0:
        raise BadInput(f"TODOKE_AUDIT_HEAD_SYSLOG is udp://HOST:514 or tcp://…, not {value!r}.")
    return SyslogSettings(host=host, port=port or SYSLOG_PORT, tcp=parts.scheme == "tcp")
