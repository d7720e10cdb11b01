"""The push service and its browsers."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import os
import re
import secrets
import time
from dataclasses import dataclass, field
from typing import Any

import http_ece
from aiohttp import web
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from core.clock import Clock, SystemClock

MOST_BYTES = 4096
MOST_TTL = 28 * 24 * 3600
LONGEST_TOKEN_SECONDS = 24 * 3600
TOPIC = re.compile(r"[A-Za-z0-9_-]{1,32}")
URGENCIES = ("very-low", "low", "normal", "high")
_CREDENTIALS = re.compile(r"vapid t=([\w-]+\.[\w-]+\.[\w-]+), ?k=([\w-]+)", re.ASCII)


@dataclass
class Faults:
    """How the service fails; numbers count down with each message.

    Parameters
    ----------
    broken
        So many messages get 500.
    busy
        So many get 429 with ``retry_after``.
    retry_after
        ``Retry-After`` of a 429: seconds, or a date. Empty for none.
    refused
        So many get ``refusal`` as their status.
    lost
        So many are taken, and the connection ends without an answer.
    moved
        So many are redirected to ``elsewhere``.
    delay_s
        How long each message takes.
    """

    broken: int = 0
    busy: int = 0
    retry_after: str = "7"
    refused: int = 0
    refusal: int = 403
    lost: int = 0
    moved: int = 0
    elsewhere: str = "http://127.0.0.1:1/"
    delay_s: float = 0.0


@dataclass(frozen=True)
class Shown:
    """A message that reached its browser."""

    payload: dict[str, Any]
    urgency: str
    topic: str
    ttl: int
    raw: bytes
    """The decrypted bytes, as a service worker gets them."""


@dataclass
class _Queued:
    shown: Shown
    until: float


@dataclass
class Browser:
    """A browser that subscribed.

    ``server_key`` is the public key that it subscribed with; None takes every sender.
    """

    token: str
    endpoint: str
    server_key: str | None = None
    is_off: bool = False
    has_left: bool = False
    shown: list[Shown] = field(default_factory=list)
    """Every message that reached it, in order."""
    waiting: list[_Queued] = field(default_factory=list)
    private: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1()), repr=False
    )
    auth: bytes = field(default_factory=lambda: os.urandom(16), repr=False)

    def subscription(self) -> dict[str, Any]:
        """Return what ``PushSubscription.toJSON()`` has in a page."""
        point = self.private.public_key().public_bytes(
            Encoding.X962, PublicFormat.UncompressedPoint
        )
        keys = {"p256dh": _base64url(point), "auth": _base64url(self.auth)}
        return {"endpoint": self.endpoint, "expirationTime": None, "keys": keys}

    def address(self) -> str:
        """Return it as ``residents.address`` has it."""
        found = self.subscription()
        return json.dumps({"endpoint": found["endpoint"], **found["keys"]}, separators=(",", ":"))

    def notifications(self) -> dict[str, dict[str, Any]]:
        """Return what stands on its screen: the last message of each tag."""
        return {str(one.payload.get("tag")): one.payload for one in self.shown}

    def switch_on(self) -> None:
        """Go on, and get what waited and is not too old."""
        self.is_off = False
        now = time.monotonic()
        self.shown += [one.shown for one in self.waiting if one.until > now]
        self.waiting.clear()


class PushService:
    """Takes messages on a port of this machine; use it as an asynchronous context.

    Parameters
    ----------
    port
        0 for a free one.
    keeps
        Whether messages are decrypted and kept. Without, it only counts, and every address is a
        browser's: for measuring.
    clock
        By which tokens end.
    """

    def __init__(self, *, port: int = 0, keeps: bool = True, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self.port = port
        self.faults = Faults()
        self.browsers: dict[str, Browser] = {}
        self.requests = 0
        """All messages that came, also those that were not taken."""
        self.taken = 0
        self.headers: list[dict[str, str]] = []
        """Of each message."""
        self._keeps = keeps
        self._anybody = Browser("", "")
        self._runner: web.AppRunner | None = None
        self._known_tokens: dict[str, str] = {}

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def subscribe(self, server_key: str | None = None) -> Browser:
        """Have a new browser subscribe."""
        token = secrets.token_urlsafe(24)
        made = Browser(token, f"{self.origin}/push/{token}", server_key)
        self.browsers[token] = made
        return made

    async def __aenter__(self) -> PushService:
        app = web.Application(client_max_size=2 * MOST_BYTES)
        app.router.add_post("/push/{token}", self._take)
        app.router.add_post("/subscriptions", self._subscribe)
        app.router.add_get("/browsers/{token}", self._browser)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, backlog=1024)
        await site.start()
        self.port = int(self._runner.addresses[0][1])
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    async def _subscribe(self, request: web.Request) -> web.Response:
        """Stand in for ``pushManager.subscribe`` of a browser."""
        asked = await request.json()
        made = self.subscribe(asked.get("applicationServerKey"))
        return web.json_response(made.subscription(), headers=_ANYBODY)

    async def _browser(self, request: web.Request) -> web.Response:
        """Return what a browser got."""
        found = self.browsers.get(request.match_info["token"])
        if found is None:
            raise web.HTTPNotFound
        return web.json_response([one.payload for one in found.shown], headers=_ANYBODY)

    async def _take(self, request: web.Request) -> web.StreamResponse:
        self.requests += 1
        if self._keeps:
            self.headers.append(dict(request.headers))
        body = await request.read()
        faults = self.faults
        if faults.delay_s:
            await asyncio.sleep(faults.delay_s)
        if (failed := self._failed()) is not None:
            return failed
        browser = self.browsers.get(request.match_info["token"])
        if browser is None and self._keeps:
            return _error(404, "no such subscription")
        if browser is None:
            browser = self._anybody
        if browser.has_left:
            return _error(410, "the subscription has expired")
        refusal = self._objection(request, body, browser)
        if refusal is not None:
            return refusal
        self.taken += 1
        if self._keeps and (unread := self._deliver(request, body, browser)) is not None:
            return unread
        if faults.lost > 0:
            faults.lost -= 1
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        return web.Response(
            status=201, headers={"Location": f"{self.origin}/messages/{self.taken}", "TTL": "60"}
        )

    def _failed(self) -> web.Response | None:
        faults = self.faults
        if faults.broken > 0:
            faults.broken -= 1
            return _error(500, "broken")
        if faults.busy > 0:
            faults.busy -= 1
            answer = _error(429, "too many requests")
            if faults.retry_after:
                answer.headers["Retry-After"] = faults.retry_after
            return answer
        if faults.refused > 0:
            faults.refused -= 1
            return _error(faults.refusal, "refused")
        if faults.moved > 0:
            faults.moved -= 1
            return web.Response(status=307, headers={"Location": faults.elsewhere})
        return None

    def _objection(
        self, request: web.Request, body: bytes, browser: Browser
    ) -> web.Response | None:
        """Check a message as RFC 8030, 8291 and 8292 tell a push service to."""
        headers = request.headers
        ttl = headers.get("TTL", "")
        if not (ttl.isascii() and ttl.isdecimal()):
            return _error(400, "TTL is missing")
        if headers.get("Urgency", "normal") not in URGENCIES:
            return _error(400, "Urgency is not known")
        if "Topic" in headers and not TOPIC.fullmatch(headers["Topic"]):
            return _error(400, "Topic is not valid")
        if headers.get("Content-Encoding") != "aes128gcm":
            return _error(400, "Content-Encoding must be aes128gcm")
        if len(body) > MOST_BYTES:
            return _error(413, "the message is too large")
        fault = self._bad_token(headers.get("Authorization", ""), browser.server_key)
        return _error(*fault) if fault else None

    def _bad_token(self, header: str, server_key: str | None) -> tuple[int, str] | None:
        found = _CREDENTIALS.fullmatch(header)
        if found is None:
            return 401, "there are no VAPID credentials"
        token, key = found.groups()
        if server_key is not None and key != server_key:
            return 403, "the key is not the one of the subscription"
        if self._known_tokens.get(token) == key:
            return None
        try:
            claims = _verified(token, key)
        except (ValueError, InvalidSignature, binascii.Error):
            return 403, "the token is not signed with the key"
        now = self._clock.now().timestamp()
        if claims.get("aud") != self.origin:
            return 403, "the token is for another push service"
        until = claims.get("exp")
        if not isinstance(until, int) or not now < until <= now + LONGEST_TOKEN_SECONDS:
            return 403, "the token has expired, or lasts too long"
        if not str(claims.get("sub", "")).startswith(("mailto:", "https:")):
            return 403, "the token does not say whom to ask"
        if len(self._known_tokens) < 1_000:
            self._known_tokens[token] = key
        return None

    def _deliver(self, request: web.Request, body: bytes, browser: Browser) -> web.Response | None:
        try:
            raw = http_ece.decrypt(body, private_key=browser.private, auth_secret=browser.auth)
        except (http_ece.ECEException, ValueError) as error:
            # A real service cannot see this; here it must not go unnoticed.
            return _error(400, f"the browser could not read it: {error}")
        ttl = min(int(request.headers["TTL"]), MOST_TTL)
        shown = Shown(
            payload=json.loads(raw),
            urgency=request.headers.get("Urgency", "normal"),
            topic=request.headers.get("Topic", ""),
            ttl=ttl,
            raw=raw,
        )
        if browser.is_off:
            if shown.topic:
                browser.waiting = [one for one in browser.waiting if one.shown.topic != shown.topic]
            browser.waiting.append(_Queued(shown, time.monotonic() + ttl))
        else:
            browser.shown.append(shown)
        return None


_ANYBODY = {"Access-Control-Allow-Origin": "*"}


def _verified(token: str, key: str) -> dict[str, Any]:
    """Return the claims of a JWT that is signed with ES256 by ``key``."""
    head, claims, signature = token.split(".")
    point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), _bytes(key))
    signed = _bytes(signature)
    if json.loads(_bytes(head)).get("alg") != "ES256" or len(signed) != 64:
        raise ValueError("not ES256")
    halves = (int.from_bytes(signed[:32], "big"), int.from_bytes(signed[32:], "big"))
    point.verify(
        encode_dss_signature(*halves), f"{head}.{claims}".encode(), ec.ECDSA(hashes.SHA256())
    )
    found = json.loads(_bytes(claims))
    return found if isinstance(found, dict) else {}


def _base64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _error(status: int, words: str) -> web.Response:
    return web.json_response({"code": status, "message": words}, status=status)
