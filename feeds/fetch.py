"""Fetch from outside: with conditional requests, limits on everything, and only configured hosts.

Only http and https; only hosts that the source names; private and loopback addresses only if the
source's configured host is one (a feed server on the same machine). Every refusal has a short
reason for staff. Data is decompressed here in pieces, so that a bomb is cut off at the limit.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import zlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from city.city import SourceConfig
from core.errors import Permanent, Retryable
from core.names import Names
from feeds import limits
from feeds.reasons import reason
from feeds.wording import read_date

USER_AGENT = "Todoke (municipal notification service)"
LOCAL_NAMES = frozenset({"localhost", "ip6-localhost", "localhost.localdomain"})
_GZIP = b"\x1f\x8b"
_HOLDING_IPV4 = (ipaddress.IPv6Network("::/96"), ipaddress.IPv6Network("64:ff9b::/96"))
"""IPv4-compatible addresses (RFC 4291) and those of NAT64 (RFC 6052)."""
REDIRECTS = frozenset({301, 302, 303, 307, 308})


class FetchRefused(Permanent):
    """The address or the answer breaks a rule; asking again does not help."""


class FetchFailed(Retryable):
    """The source does not answer correctly now."""


@dataclass(frozen=True, kw_only=True)
class Validators:
    """The validators of a source's last answer, sent back as If-None-Match/If-Modified-Since."""

    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True, kw_only=True)
class SourceAnswer:
    """What a source answered. ``body`` is decompressed; it is empty when ``unchanged``."""

    url: str
    unchanged: bool = False
    body: bytes = b""
    content_type: str = ""
    charset: str | None = None
    validators: Validators = Validators()
    age_s: float = 0.0
    """How long a cache on the way has stored it (``Age``, RFC 9111)."""
    modified_at: datetime | None = None
    """Its ``Last-Modified``."""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class AllowedHosts:
    """Where a source may lead: its host, the hosts that it names, and their ports."""

    hosts: frozenset[str]
    ports: frozenset[int]
    local_hosts: frozenset[str]
    """Configured hosts that are themselves private or loopback."""

    @classmethod
    def of(cls, source: SourceConfig) -> AllowedHosts:
        """Return the reach of a configured source."""
        own = urlsplit(source.url)
        hosts = {plain_host(host) for host in (own.hostname or "", *source.hosts) if host}
        ports = {80, 443}
        if own.port is not None:
            ports.add(own.port)
        return cls(
            hosts=frozenset(hosts),
            ports=frozenset(ports),
            local_hosts=frozenset(host for host in hosts if is_local(host)),
        )

    def check(self, url: str) -> None:
        """Refuse an address outside the reach.

        Raises
        ------
        FetchRefused
            With the one rule that the address breaks.
        """
        if len(url) > limits.MAX_URL_LENGTH:
            raise FetchRefused(reason("fetch.too-long"))
        try:
            parts = urlsplit(url)
            port = parts.port
            host = plain_host(parts.hostname or "")
        except ValueError as error:
            raise FetchRefused(reason("fetch.no-address", url=url)) from error
        if parts.scheme not in {"http", "https"}:
            raise FetchRefused(reason("fetch.scheme", url=url))
        if parts.username is not None or parts.password is not None:
            raise FetchRefused(reason("fetch.user-name"))
        if host not in self.hosts:
            if is_local(host):
                raise FetchRefused(reason("fetch.private-address", host=host))
            raise FetchRefused(reason("fetch.host", host=host))
        if port is not None and port not in self.ports:
            raise FetchRefused(reason("fetch.port", host=host, port=port))


def plain_host(host: str) -> str:
    """Return a host as the client asks for it: ``１２７。０。０。１`` is written ``127.0.0.1``.

    Raises
    ------
    ValueError
        It cannot be the name of a host.
    """
    if not host.isascii():
        host = URL.build(scheme="http", host=host).raw_host or ""
    return host.rstrip(".").lower()


def is_local(host: str) -> bool:
    """Whether ``host`` is by its own spelling not a public address."""
    if host in LOCAL_NAMES or host.endswith(".localhost"):
        return True
    try:
        return not is_public(host)
    except ValueError:
        return False


def is_public(address: str) -> bool:
    """Whether an IP address may be reached from a public name.

    IPv4 hidden in IPv6 (mapped, compatible, 6to4, NAT64) counts as the IPv4 address it hides.

    Raises
    ------
    ValueError
        ``address`` is not an IP address.
    """
    parsed = ipaddress.ip_address(address.strip("[]").partition("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.is_site_local:
            return False
        hidden = parsed.ipv4_mapped or parsed.sixtofour
        if hidden is None and any(parsed in network for network in _HOLDING_IPV4):
            hidden = ipaddress.IPv4Address(parsed.packed[-4:])
        if hidden is not None:
            parsed = hidden
    return parsed.is_global and not parsed.is_multicast


class PublicResolver(AbstractResolver):
    """Resolves names at the moment of connecting and drops every private address.

    Checking here, and not before the request, leaves no gap in which a name can be made to
    point elsewhere (DNS rebinding).
    """

    def __init__(self, inner: AbstractResolver | None = None) -> None:
        self._inner = inner or Names()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        if plain_host(host) in LOCAL_NAMES:
            # Only a source configured for this machine gets here, because Reach.check comes first.
            return found
        public = [entry for entry in found if is_public(entry["host"])]
        if not public:
            raise FetchRefused(reason("fetch.leads-private", host=host))
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
    reach: AllowedHosts,
    *,
    validators: Validators = Validators(),
    max_body: int = limits.MAX_BODY,
    timeout: float = limits.TOTAL_TIMEOUT,
) -> SourceAnswer:
    """Get ``url``, following few redirects, each within ``reach``.

    Parameters
    ----------
    http
        A session of :func:`guarded_session`.
    validators
        Those of the last answer from the same address.
    max_body, timeout
        Bytes after decompression; seconds in total.

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
        raise FetchFailed(reason("fetch.timeout", seconds=f"{timeout:g}")) from error
    except aiohttp.ClientConnectionError as error:
        refusal = refusal_within(error)
        if refusal is not None:
            raise refusal from error
        raise FetchFailed(reason("fetch.connection", error=error)) from error
    except (aiohttp.ClientPayloadError, aiohttp.http.HttpProcessingError) as error:
        raise FetchFailed(reason("fetch.broke-off", error=error)) from error
    except aiohttp.ClientError as error:
        raise FetchFailed(reason("fetch.protocol", error=error)) from error


def refusal_within(error: BaseException) -> FetchRefused | None:
    """Return the refusal that another error was raised for, such as a connector's."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, FetchRefused):
            return cause
        cause = cause.__cause__ or cause.__context__
    return None


async def _follow(
    http: aiohttp.ClientSession,
    url: str,
    reach: AllowedHosts,
    validators: Validators,
    max_body: int,
) -> SourceAnswer:
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
    raise FetchRefused(reason("fetch.redirects", limit=limits.MAX_REDIRECTS))


def _redirected(url: str, location: str) -> str:
    if not location:
        raise FetchRefused(reason("fetch.redirect-nowhere"))
    try:
        target = str(URL(url).join(URL(location)))
    except ValueError as error:
        raise FetchRefused(reason("fetch.redirect-no-address")) from error
    if url.startswith("https:") and target.startswith("http:"):
        raise FetchRefused(reason("fetch.downgrade"))
    return target


async def _read(
    response: aiohttp.ClientResponse, url: str, validators: Validators, max_body: int
) -> SourceAnswer:
    status = response.status
    if status == 304:
        return SourceAnswer(
            url=url, unchanged=True, validators=validators, headers=response.headers
        )
    if status >= 500 or status in {408, 425, 429}:
        raise FetchFailed(reason("fetch.status", status=status), retry_after=_retry_after(response))
    if status != 200:
        raise FetchRefused(reason("fetch.status", status=status))
    declared = response.content_length
    if declared is not None and declared > limits.MAX_TRANSFER:
        raise FetchRefused(reason("fetch.too-large", size=f"{declared:,}"))
    pieces = [piece async for piece in _decompressed(response, max_body)]
    return SourceAnswer(
        url=url,
        body=b"".join(pieces),
        content_type=response.content_type,
        charset=response.charset,
        validators=Validators(
            etag=_short(response.headers.get("ETag")),
            last_modified=_short(response.headers.get("Last-Modified")),
        ),
        age_s=_seconds(response.headers.get("Age", "")) or 0.0,
        modified_at=read_date(response.headers.get("Last-Modified", "")),
        headers=response.headers,
    )


def _short(value: str | None) -> str | None:
    """Return a validator; an absurdly long one counts as none."""
    return value if value and len(value) <= 256 else None


def _retry_after(response: aiohttp.ClientResponse) -> float | None:
    value = response.headers.get("Retry-After", "").strip()
    return _seconds(value) if len(value) < 7 else None


def _seconds(value: str) -> float | None:
    value = value.strip()
    return float(value) if value.isascii() and value.isdecimal() and len(value) < 12 else None


async def _decompressed(response: aiohttp.ClientResponse, max_body: int) -> AsyncIterator[bytes]:
    """Yield the body within both limits, whatever its Content-Encoding."""
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in {"identity", "", "gzip", "x-gzip", "deflate"}:
        raise FetchRefused(reason("fetch.encoding", encoding=encoding))
    # 47 = 32 + 15: zlib detects gzip or zlib.
    inflate = zlib.decompressobj(47) if encoding not in {"identity", ""} else None
    transferred = made = 0
    members = 1
    async for chunk in response.content.iter_chunked(64 * 1024):
        transferred += len(chunk)
        if transferred > limits.MAX_TRANSFER:
            raise FetchRefused(reason("fetch.over-size", limit=f"{limits.MAX_TRANSFER:,}"))
        if inflate is None:
            piece = chunk
        else:
            try:
                piece = inflate.decompress(chunk, max_body - made + 1)
                # A gzip file may have several members, one behind the other (RFC 1952, 2.2).
                while inflate.unused_data.startswith(_GZIP) and len(piece) <= max_body - made:
                    members += 1
                    if members > limits.MAX_GZIP_MEMBERS:
                        raise FetchRefused(reason("fetch.parts"))
                    following, inflate = inflate.unused_data, zlib.decompressobj(47)
                    piece += inflate.decompress(following, max_body - made - len(piece) + 1)
            except zlib.error as error:
                raise FetchFailed(reason("fetch.damaged")) from error
        made += len(piece)
        if made > max_body or (inflate is not None and inflate.unconsumed_tail):
            code = "fetch.over-size" if inflate is None else "fetch.bomb"
            raise FetchRefused(reason(code, limit=f"{max_body:,}"))
        yield piece
    if inflate is not None and not inflate.eof:
        raise FetchFailed(reason("fetch.compressed-cut"))
