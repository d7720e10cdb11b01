"""Ask programs outside: only those that may be asked, within limits, without following redirects.

An address comes from somebody: a program with a key (``media_url``), an administrator (webhooks),
the city's folder (other offices). Private addresses are refused at the moment of connecting, so
that nobody has this service look into the city's own network. What the operator names in
``TODOKE_INTERNAL_HOSTS`` is allowed to webhooks and other offices.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import ResolveResult
from yarl import URL

from core.errors import Retryable
from core.reason import Reason
from feeds.fetch import (
    LOCAL_NAMES,
    USER_AGENT,
    AllowedHosts,
    FetchRefused,
    PublicResolver,
    is_local,
    plain_host,
    refusal_within,
)
from feeds.limits import CONNECT_TIMEOUT, MAX_URL_LENGTH
from reports.reasons import reason

WHOLE_SECONDS = 20.0
MOST_BYTES = 512 * 1024
"""Of an answer; the rest is not read."""
WEB_PORTS = frozenset({80, 443})
Internal = frozenset[tuple[str, int]]


class NotAsked(Retryable):
    """The other side was not reached: it certainly did nothing."""


class NoAnswer(Retryable):
    """The question may have been heard, but no whole answer came."""


@dataclass(frozen=True)
class Answer:
    """What the other side said; ``body`` is cut off at the limit."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def retry_after(self) -> float | None:
        """Seconds after which it wants to be asked again, if it says so."""
        value = self.headers.get("Retry-After", "").strip()
        return float(value) if value.isascii() and value.isdecimal() and len(value) < 7 else None


@dataclass(frozen=True)
class PublicHosts(AllowedHosts):
    """Every host of the public web, and those of the city's network that the operator named.

    Parameters
    ----------
    ports
        Allowed ports of public hosts; empty for all.
    internal
        Hosts and ports in the city's own network.
    """

    hosts: frozenset[str] = frozenset()
    ports: frozenset[int] = frozenset()
    local_hosts: frozenset[str] = frozenset()
    internal: Internal = frozenset()

    def check(self, url: str) -> None:
        """Refuse an address that no stranger may have us ask.

        Raises
        ------
        FetchRefused
            With the one rule that the address breaks.
        """
        if len(url) > MAX_URL_LENGTH:
            raise FetchRefused(reason("outside.too-long"))
        try:
            parts = urlsplit(url)
            port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
            host = plain_host(parts.hostname or "")
        except ValueError as error:
            raise FetchRefused(reason("outside.no-address")) from error
        if parts.scheme not in ("http", "https") or not host:
            raise FetchRefused(reason("outside.no-address"))
        if parts.username is not None or parts.password is not None:
            raise FetchRefused(reason("outside.user-name"))
        if self.is_internal(url):
            return
        if is_local(host):
            raise FetchRefused(reason("outside.private", host=host[:100]))
        if self.ports and port not in self.ports:
            raise FetchRefused(reason("outside.port", host=host[:100], port=port))

    def is_internal(self, url: str) -> bool:
        """Whether the operator named this host of the city's own network."""
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
        return (plain_host(parts.hostname or ""), port) in self.internal


ANY_PHOTO = PublicHosts(ports=WEB_PORTS)
"""Where photos of other programs may lie."""


def internal_of(named: tuple[str, ...]) -> Internal:
    """Return what ``TODOKE_INTERNAL_HOSTS`` names."""
    found = (entry.rpartition(":") for entry in named)
    return frozenset((host.strip("[]"), int(port)) for host, _, port in found)


class _Resolver(PublicResolver):
    """Drops private addresses, but for the hosts that the operator named."""

    def __init__(self, internal: Internal) -> None:
        super().__init__()
        self._internal = internal

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        if (plain_host(host), port) in self._internal:
            return await self._inner.resolve(host, port, family)
        if plain_host(host) in LOCAL_NAMES:
            raise FetchRefused(reason("outside.private", host=host[:100]))
        return await super().resolve(host, port, family)


def outside_session(internal: Internal = frozenset()) -> aiohttp.ClientSession:
    """Make the HTTP session for :func:`ask`; the caller closes it."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(resolver=_Resolver(internal), limit=32, limit_per_host=4),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity"},
        auto_decompress=False,
        trust_env=False,
    )


async def ask(
    http: aiohttp.ClientSession,
    method: str,
    url: str,
    reach: AllowedHosts,
    *,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    seconds: float = WHOLE_SECONDS,
) -> Answer:
    """Ask once and return the answer, whatever its status. Redirects are answers like others.

    Parameters
    ----------
    http
        A session of :func:`outside_session`.
    seconds
        For all of it.

    Raises
    ------
    FetchRefused
        The address is one that must not be asked.
    NotAsked
        Nobody heard the question.
    NoAnswer
        Somebody may have heard it.
    """
    reach.check(url)
    patience = aiohttp.ClientTimeout(
        total=seconds, connect=CONNECT_TIMEOUT, sock_connect=CONNECT_TIMEOUT
    )
    try:
        async with http.request(
            method,
            URL(url, encoded="%" in url),
            data=body,
            headers=dict(headers or {}),
            allow_redirects=False,
            timeout=patience,
        ) as response:
            read = bytearray()
            async for chunk in response.content.iter_chunked(64 * 1024):
                read += chunk
                if len(read) >= MOST_BYTES:
                    break
            return Answer(response.status, dict(response.headers), bytes(read[:MOST_BYTES]))
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
        if (refusal := refusal_within(error)) is not None:
            raise refusal from error
        raise NotAsked(_named("outside.not-reached", error)) from error
    except aiohttp.InvalidURL as error:
        raise FetchRefused(reason("outside.no-address")) from error
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        if (refusal := refusal_within(error)) is not None:
            raise refusal from error
        raise NoAnswer(_named("outside.no-answer", error)) from error


def _named(code: str, error: BaseException) -> Reason:
    said = f"{type(error).__name__}: {error}".rstrip(": ")
    if code == "outside.not-reached":
        return reason("outside.not-reached", error=said)
    return reason("outside.no-answer", error=said)
