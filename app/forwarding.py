"""Check whether the proxy in front sends the client's address.

Without ``X-Forwarded-For`` all requests seem to come from the proxy, so nothing can be counted by
address. Requests of programs on this machine have no header either. So only requests that must come
through a proxy count: those for the public address, and webhooks.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

import aiohttp
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from core.settings import THIS_MACHINE, Settings

MISSING = (
    "The proxy sends no X-Forwarded-For: sign-ins cannot be counted by address. "
    "Let it send the header, and name it in TODOKE_TRUSTED_PROXIES."
)
ASK_SECONDS = 3.0


@dataclass
class Forwarding:
    """The state of the last request through a proxy; ``/readyz`` shows it."""

    fault: str | None = None


def is_missing(scope: Scope, settings: Settings) -> bool:
    """Whether this request came through a trusted proxy without the header."""
    return _was_proxied(scope, settings) and "x-forwarded-for" not in Headers(scope=scope)


def _was_proxied(scope: Scope, settings: Settings) -> bool:
    public = urlsplit(settings.public_url).hostname or ""
    if public in THIS_MACHINE:
        return False  # a demo: there is no proxy
    headers = Headers(scope=scope)
    if "x-forwarded-for" in headers:
        return True
    client = scope.get("client")
    if not client or not settings.is_trusted_proxy(client[0]):
        return False
    host = headers.get("host", "").rpartition("@")[2].partition(":")[0].lower()
    return host == public or "x-line-signature" in headers


class ForwardingWatch:
    """Notes for every request through a proxy whether it has the header."""

    def __init__(self, app: ASGIApp, settings: Settings, seen: Forwarding) -> None:
        self._app = app
        self._settings = settings
        self._seen = seen

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and _was_proxied(scope, self._settings):
            self._seen.fault = MISSING if is_missing(scope, self._settings) else None
        await self._app(scope, receive, send)


async def asked_through_proxy(public_url: str) -> str | None:
    """Ask the running service at its public address; return what it says about its proxy.

    None if there is nothing to say, or if our service does not answer.
    """
    if urlsplit(public_url).hostname in THIS_MACHINE:
        return None
    timeout = aiohttp.ClientTimeout(total=ASK_SECONDS)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as http,
            http.get(f"{public_url}/healthz", allow_redirects=False) as answer,
        ):
            said = await answer.content.read(2_000)
    except (aiohttp.ClientError, TimeoutError, OSError):
        return None
    return MISSING if MISSING.encode() in said else None
