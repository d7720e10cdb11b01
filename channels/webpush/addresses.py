"""The address of a browser, as the browser gives it and as ``residents.address`` has it.

An endpoint is an address that a stranger chose. So it must be one of a known push service, by
https, and its name must lead to a public address at the moment of connecting
(:class:`feeds.fetch.PublicResolver`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import SplitResult, urlsplit

from cryptography.hazmat.primitives.asymmetric import ec

from channels.webpush.reasons import reason
from channels.webpush.vapid import base64url, from_base64url
from core.errors import BadInput

MOST_ENDPOINT = 1_000
"""Characters; those of today have 150 to 500."""
PARTS = ("endpoint", "p256dh", "auth")


@dataclass(frozen=True)
class PushAddress:
    """One browser: where its messages go and what they are encrypted with."""

    endpoint: str
    p256dh: bytes
    """The browser's public key, an uncompressed point of P-256."""
    auth: bytes

    @property
    def origin(self) -> str:
        """Scheme, host and port of the push service: what a token is for (RFC 8292, 2)."""
        parts = urlsplit(self.endpoint)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def host(self) -> str:
        return urlsplit(self.endpoint).netloc

    def stored(self) -> str:
        """Return the form of ``residents.address``: always the same text for the same browser."""
        values = (self.endpoint, base64url(self.p256dh), base64url(self.auth))
        return json.dumps(dict(zip(PARTS, values, strict=True)), separators=(",", ":"))


def endpoint_hash(endpoint: str) -> str:
    """Return a short name of an endpoint, for logs: nobody can send to it."""
    return hashlib.sha256(endpoint.encode()).hexdigest()[:16]


def read_address(text: str) -> PushAddress:
    """Read a stored address.

    Raises
    ------
    BadInput
        It is none.
    """
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadInput(reason("push.address", fault="no JSON")) from error
    if not isinstance(found, dict):
        raise BadInput(reason("push.address", fault="no object"))
    return address_of(found)


def address_of(given: Mapping[str, Any]) -> PushAddress:
    """Check what a browser gave: ``endpoint``, ``p256dh``, ``auth``.

    Raises
    ------
    BadInput
        A part is missing, or a key is not what it should be.
    """
    endpoint, p256dh, auth = (given.get(name) for name in PARTS)
    if not (isinstance(endpoint, str) and isinstance(p256dh, str) and isinstance(auth, str)):
        raise BadInput(reason("push.address", fault="endpoint, p256dh and auth are needed"))
    if not endpoint.isascii() or not endpoint.isprintable() or len(endpoint) > MOST_ENDPOINT:
        raise BadInput(reason("push.address", fault="endpoint"))
    try:
        key, secret = from_base64url(p256dh.rstrip("=")), from_base64url(auth.rstrip("="))
        _check_point(key)
    except ValueError as error:
        raise BadInput(reason("push.address", fault="p256dh")) from error
    if len(secret) != 16:
        raise BadInput(reason("push.address", fault="auth"))
    return PushAddress(endpoint, key, secret)


def _check_point(key: bytes) -> None:
    if len(key) != 65 or key[0] != 4:
        raise ValueError("not an uncompressed point")
    ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), key)


class PushServices:
    """The push services to which we send.

    Parameters
    ----------
    allowed
        Host names, ``*.`` before a name for all below it. These are reached by https on port 443
        only. A whole origin, such as ``http://127.0.0.1:8123``, is reached as it stands: a push
        service of the city's own, or the simulator's.
    """

    def __init__(self, allowed: Iterable[str]) -> None:
        entries = [one.strip().lower().rstrip("/") for one in allowed]
        self._origins = frozenset(one for one in entries if "://" in one)
        self._hosts = frozenset(one for one in entries if "://" not in one and one[:2] != "*.")
        self._below = tuple(one[1:] for one in entries if one[:2] == "*.")
        self._seen = lru_cache(maxsize=1_000)(self._service)

    def check(self, endpoint: str) -> str:
        """Return the entry of the list that allows an endpoint.

        Raises
        ------
        BadInput
            None does.
        """
        try:
            parts = urlsplit(endpoint)
            port = parts.port
        except ValueError as error:
            raise BadInput(reason("push.address", fault="endpoint")) from error
        if parts.username is not None or parts.password is not None or "\\" in endpoint:
            raise BadInput(reason("push.address", fault="endpoint"))
        found = self._seen(parts.scheme, parts.netloc.lower(), _host(parts), port)
        if not found:
            raise BadInput(reason("push.service", host=_host(parts)))
        return found

    def is_own(self, endpoint: str) -> bool:
        """Whether it is of an origin that the settings name whole, also inside."""
        parts = urlsplit(endpoint)
        return f"{parts.scheme}://{parts.netloc}".lower() in self._origins

    def _service(self, scheme: str, netloc: str, host: str, port: int | None) -> str:
        origin = f"{scheme}://{netloc}"
        if origin in self._origins:
            return origin
        if scheme != "https" or port not in (None, 443) or netloc not in (host, f"{host}:443"):
            return ""
        if host in self._hosts:
            return host
        return next((f"*{end}" for end in self._below if host.endswith(end)), "")


def _host(parts: SplitResult) -> str:
    return (parts.hostname or "").lower()
