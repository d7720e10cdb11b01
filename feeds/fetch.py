"""Fetching from outside: conditional, bounded in every direction, and only where configured.

Only http and https; only hosts the source names; private and loopback addresses only where the
source's configured host itself is one (a feed server on the same machine). Every refusal has
one short reason that staff can read. Compression is undone here, piece by piece, so that a bomb
is cut off at the limit and not in memory.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import zlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver
from yarl import URL

from core.city import SourceConfig
from core.errors import Permanent, Retryable
from feeds import limits

USER_AGENT = "Todoke (municipal notification service)"
LOCAL_NAMES = frozenset({"localhost", "ip6-localhost", "localhost.localdomain"})
REDIRECTS = frozenset({301, 302, 303, 307, 308})


class FetchRefused(Permanent):
    """The address or the answer breaks a rule; asking again cannot help by itself.

    Parameters
    ----------
    reason
        A fixed slug for counters: scheme, host, private-address, redirects, size, bomb,
        encoding, status, address.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class FetchFailed(Retryable):
    """The source does not answer as it should just now."""

    def __init__(self, reason: str, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message, retry_after=retry_after)
        self.reason = reason


@dataclass(frozen=True, kw_only=True)
class Validators:
    """What a source said of its last answer, sent back as If-None-Match/If-Modified-Since."""

    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a source answered. ``body`` is decompressed; it is empty when ``unchanged``."""

    url: str
    unchanged: bool = False
    body: bytes = b""
    content_type: str = ""
    charset: str | None = None
    validators: Validators = Validators()


@dataclass(frozen=True)
class Reach:
    """Where a source may lead us: its host, the hosts it names, and their ports."""

    hosts: frozenset[str]
    ports: frozenset[int]
    local_hosts: frozenset[str]
    """Configured hosts that are themselves private or loopback."""

    @classmethod
    def of(cls, source: SourceConfig) -> Reach:
        """Return the reach of a configured source."""
        own = urlsplit(source.url)
        hosts = {_plain(host) for host in (own.hostname or "", *source.hosts) if host}
        ports = {80, 443}
        if own.port is not None:
            ports.add(own.port)
        return cls(
            hosts=frozenset(hosts),
            ports=frozenset(ports),
            local_hosts=frozenset(host for host in hosts if _is_local(host)),
        )

    def check(self, url: str) -> None:
        """Refuse an address outside the reach.

        Raises
        ------
        FetchRefused
            With the one rule that the address breaks.
        """
        if len(url) > limits.MAX_URL_LENGTH:
            raise FetchRefused("address", "The address is too long.")
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise FetchRefused("address", f"Not a proper address: {url!r}.") from error
        if parts.scheme not in {"http", "https"}:
            raise FetchRefused("scheme", f"Only http and https are fetched, not {url!r}.")
        if parts.username is not None or parts.password is not None:
            raise FetchRefused("address", "An address with a user name in it is not fetched.")
        host = _plain(parts.hostname or "")
        if host not in self.hosts:
            if _is_local(host):
                raise FetchRefused("private-address", f"{host!r} is a private address.")
            raise FetchRefused("host", f"{host!r} is not a host that the source names.")
        if port is not None and port not in self.ports:
            raise FetchRefused("host", f"Port {port} of {host!r} is not one the source names.")


def _plain(host: str) -> str:
    return host.rstrip(".").lower()


def _is_local(host: str) -> bool:
    """Whether ``host`` is by its own spelling not a public address."""
    if host in LOCAL_NAMES or host.endswith(".localhost"):
        return True
    try:
        return not is_public(host)
    except ValueError:
        return False


def is_public(address: str) -> bool:
    """Whether an IP address may be reached from a public name.

    IPv4 hidden in IPv6 (mapped, 6to4) counts as the IPv4 address it hides.

    Raises
    ------
    ValueError
        ``address`` is not an IP address.
    """
    parsed = ipaddress.ip_address(address.strip("[]").partition("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address):
        hidden = parsed.ipv4_mapped or parsed.sixtofour
        if hidden is not None:
            parsed = hidden
    return parsed.is_global and not parsed.is_multicast


class PublicResolver(AbstractResolver):
    """Resolves names at the moment of connecting and drops every private address.

    Checking here, and not before the request, leaves no gap in which a name can be made to
    point elsewhere (DNS rebinding).
    """

    def __init__(self, inner: AbstractResolver | None = None) -> None:
        self._inner = inner or ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        if _plain(host) in LOCAL_NAMES:
            # Only a source configured for this machine gets here: Reach.check comes first.
            return found
        public = [entry for entry in found if is_public(entry["host"])]
        if not public:
            raise FetchRefused("private-address", f"{host!r} leads to a private address.")
        return public

    async def close(self) -> None:
        await self._inner.close()


def guarded_session() -> aiohttp.ClientSession:
    """Make the HTTP session for :func:`fetch`; the caller closes it."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(resolver=PublicResolver(), limit=32, limit_per_host=6),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": USER_AGENT, "Accept-Encoding": "gzip, deflate"},
        timeout=aiohttp.ClientTimeout(
            total=limits.TOTAL_TIMEOUT,
            connect=limits.CONNECT_TIMEOUT,
            sock_connect=limits.CONNECT_TIMEOUT,
            sock_read=limits.READ_TIMEOUT,
        ),
        auto_decompress=False,
        trust_env=False,
    )


async def fetch(
    http: aiohttp.ClientSession,
    url: str,
    reach: Reach,
    *,
    validators: Validators = Validators(),
    max_body: int = limits.MAX_BODY,
    timeout: float = limits.TOTAL_TIMEOUT,
) -> Answer:
    """Get ``url``, following few redirects, each within ``reach``.

    Parameters
    ----------
    http
        A session of :func:`guarded_session`.
    validators
        Those of the last answer from the same address.
    max_body, timeout
        Bytes after decompression; seconds for the whole of it.

    Raises
    ------
    FetchRefused
        A rule forbids the address or the answer (also 4xx other than 408, 425 and 429).
    FetchFailed
        Time ran out, the connection broke, or the source answered 5xx, 408, 425 or 429.
    """
    try:
        async with asyncio.timeout(timeout):
            return await _follow(http, url, reach, validators, max_body)
    except TimeoutError as error:
        raise FetchFailed("timeout", f"No whole answer within {timeout:g} s.") from error
    except aiohttp.ClientConnectionError as error:
        refusal = _refusal_within(error)
        if refusal is not None:
            raise refusal from error
        raise FetchFailed("connection", f"The connection failed: {error}.") from error
    except (aiohttp.ClientPayloadError, aiohttp.http.HttpProcessingError) as error:
        raise FetchFailed("connection", f"The answer broke off: {error}.") from error
    except aiohttp.ClientError as error:
        raise FetchFailed("protocol", f"Not proper HTTP: {error}.") from error


def _refusal_within(error: BaseException) -> FetchRefused | None:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, FetchRefused):
            return cause
        cause = cause.__cause__ or cause.__context__
    return None


async def _follow(
    http: aiohttp.ClientSession, url: str, reach: Reach, validators: Validators, max_body: int
) -> Answer:
    headers = {}
    if validators.etag:
        headers["If-None-Match"] = validators.etag
    if validators.last_modified:
        headers["If-Modified-Since"] = validators.last_modified
    for _ in range(limits.MAX_REDIRECTS + 1):
        reach.check(url)
        async with http.get(
            URL(url, encoded="%" in url), headers=headers, allow_redirects=False
        ) as response:
            if response.status in REDIRECTS:
                url = _redirected(url, response.headers.get("Location", ""))
                continue
            return await _read(response, url, validators, max_body)
    raise FetchRefused("redirects", f"More than {limits.MAX_REDIRECTS} redirects.")


def _redirected(url: str, location: str) -> str:
    if not location:
        raise FetchRefused("redirects", "A redirect that leads nowhere.")
    try:
        target = str(URL(url).join(URL(location)))
    except ValueError as error:
        raise FetchRefused("redirects", "A redirect to something that is no address.") from error
    if url.startswith("https:") and target.startswith("http:"):
        raise FetchRefused("scheme", "A redirect from https down to http.")
    return target


async def _read(
    response: aiohttp.ClientResponse, url: str, validators: Validators, max_body: int
) -> Answer:
    status = response.status
    if status == 304:
        return Answer(url=url, unchanged=True, validators=validators)
    if status >= 500 or status in {408, 425, 429}:
        raise FetchFailed(
            "status", f"The source answered {status}.", retry_after=_retry_after(response)
        )
    if status != 200:
        raise FetchRefused("status", f"The source answered {status}.")
    declared = response.content_length
    if declared is not None and declared > limits.MAX_TRANSFER:
        raise FetchRefused("size", f"The answer is {declared:,} bytes long.")
    pieces = [piece async for piece in _decompressed(response, max_body)]
    return Answer(
        url=url,
        body=b"".join(pieces),
        content_type=response.content_type,
        charset=response.charset,
        validators=Validators(
            etag=_short(response.headers.get("ETag")),
            last_modified=_short(response.headers.get("Last-Modified")),
        ),
    )


def _short(value: str | None) -> str | None:
    """Return a validator worth keeping; an absurdly long one is as good as none."""
    return value if value and len(value) <= 256 else None


def _retry_after(response: aiohttp.ClientResponse) -> float | None:
    value = response.headers.get("Retry-After", "").strip()
    return float(value) if value.isascii() and value.isdecimal() and len(value) < 7 else None


async def _decompressed(response: aiohttp.ClientResponse, max_body: int) -> AsyncIterator[bytes]:
    """Yield the body within both limits, whatever its Content-Encoding."""
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in {"identity", "", "gzip", "x-gzip", "deflate"}:
        raise FetchRefused("encoding", f"Content-Encoding {encoding!r} was not asked for.")
    # 47 = 32 + 15: zlib finds out by itself whether it is gzip or zlib.
    inflate = zlib.decompressobj(47) if encoding not in {"identity", ""} else None
    transferred = made = 0
    async for chunk in response.content.iter_chunked(64 * 1024):
        transferred += len(chunk)
        if transferred > limits.MAX_TRANSFER:
            raise FetchRefused("size", f"The answer is over {limits.MAX_TRANSFER:,} bytes long.")
        if inflate is None:
            piece = chunk
        else:
            try:
                piece = inflate.decompress(chunk, max_body - made + 1)
            except zlib.error as error:
                raise FetchFailed("encoding", "The compressed answer is damaged.") from error
        made += len(piece)
        if made > max_body or (inflate is not None and inflate.unconsumed_tail):
            raise FetchRefused(
                "size" if inflate is None else "bomb",
                f"The answer unpacks to over {max_body:,} bytes.",
            )
        yield piece
    if inflate is not None and not inflate.eof:
        raise FetchFailed("encoding", "The compressed answer broke off.")
