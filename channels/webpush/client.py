"""Send encrypted messages to push services.

The services are of different makers. What one of them asks for (to wait, or to go more slowly)
holds for that one only.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import aiohttp
import structlog
from aiohttp.abc import AbstractResolver
from yarl import URL

from channels.limiter import MOST_IN_FLIGHT
from channels.responses import About, Accepted, ChannelRefused, Refused, Unavailable, Unreached
from channels.webpush import answers
from channels.webpush.addresses import PushAddress, PushServices
from channels.webpush.answers import KeyRefused, Waiting
from channels.webpush.encryption import encrypt
from channels.webpush.metrics import LATENCY, REQUESTS
from channels.webpush.reasons import reason
from channels.webpush.vapid import Vapid
from core.clock import Clock
from core.errors import BadInput
from core.reason import Reason
from feeds.fetch import FetchRefused, PublicResolver, refusal_within

TIMEOUT_SECONDS = 10.0
MOST_ANSWER_BYTES = 4096
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0
INNER_PAUSE_SECONDS = 30.0
REFUSALS_OF_A_KEY = 5
"""So many refusals, and nothing taken by any push service since: then it is our key."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class PushRequest:
    """What goes to a push service besides the encrypted message (RFC 8030, section 5)."""

    ttl: int
    """For how many seconds the service keeps it for a browser that is off."""
    urgency: str
    """very-low, low, normal or high: whether it may wake a phone."""
    topic: str = ""
    """Replaces a message with the same topic that was not delivered yet; at most 32 characters of
    base64url."""


@dataclass(frozen=True)
class PushAnswer:
    """The answer of a push service."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""


class Transport(Protocol):
    """Posts a body to an endpoint."""

    async def __call__(self, url: str, headers: Mapping[str, str], body: bytes) -> PushAnswer: ...


@dataclass
class _Service:
    """How one push service is doing, by the clock's monotonic time."""

    paused_until: float = 0.0
    pauses: int = 0
    refusals: int = 0
    """Refusals of our key since it last took something."""
    has_taken: bool = False
    refused_key: Reason | None = None
    """Why it rests, if it refuses our key; staff must not read that it only wants us to wait."""


class PushClient:
    """Sends messages, one browser each.

    Parameters
    ----------
    transport
        :class:`HttpTransport`; tests have others.
    """

    def __init__(
        self, transport: Transport, vapid: Vapid, services: PushServices, clock: Clock
    ) -> None:
        self._transport = transport
        self._vapid = vapid
        self._services = services
        self._clock = clock
        self._states: dict[str, _Service] = {}
        self._refusals = 0

    async def push(self, address: PushAddress, payload: bytes, request: PushRequest) -> Accepted:
        """Encrypt and send a message.

        Raises
        ------
        Waiting
            This push service wants fewer requests; nothing was sent, or it did not act.
        Unavailable
            No answer, or a 5xx. Whether it acted is not known.
        AddressGone
            The browser has left.
        Refused
            This request is wrong, or its address is none we send to.
        ChannelRefused
            Our key is refused by everybody.
        """
        host = address.host
        try:
            service = self._services.check(address.endpoint)
        except BadInput as error:
            raise Refused(error.reason, About.BATCH) from error
        state = self._states.setdefault(address.origin, _Service())
        wait = state.paused_until - self._clock.monotonic()
        if wait > 0:
            raise Waiting(state.refused_key or reason("push.waiting", host=host), retry_after=wait)
        try:
            body = encrypt(payload, address.p256dh, address.auth)
        except ValueError as error:
            raise Refused(reason("push.address", fault=str(error)), About.BATCH) from error
        headers = {
            "Authorization": self._vapid.authorization(address.origin),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(request.ttl),
            "Urgency": request.urgency,
        }
        if request.topic:
            headers["Topic"] = request.topic
        try:
            answer = await self._transport(address.endpoint, headers, body)
        except FetchRefused as error:
            # Nobody may lead us inside, also not a name server that was made to.
            log.error("push_service.inner", host=host)
            REQUESTS.labels(service, "inner").inc()
            after = self._pause(state, host, INNER_PAUSE_SECONDS)
            raise Waiting(reason("push.inner", host=host), retry_after=after) from error
        except aiohttp.ClientConnectorError as error:
            REQUESTS.labels(service, "unreached").inc()
            raise Unreached(reason("push.no-answer", host=host, error=str(error))) from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            REQUESTS.labels(service, "broken").inc()
            why = reason("push.no-answer", host=host, error=str(error) or type(error).__name__)
            raise Unavailable(why) from error
        REQUESTS.labels(service, str(answer.status)).inc()
        accepted = answers.taken(answer.status, answer.headers)
        if accepted is not None:
            state.pauses = state.refusals = self._refusals = 0
            state.has_taken, state.refused_key = True, None
            return accepted
        raise self._failed(address, state, answer)

    def _failed(self, address: PushAddress, state: _Service, answer: PushAnswer) -> Exception:
        error = answers.failure(
            address.host, answer.status, answer.headers, answer.body, self._clock.now()
        )
        if isinstance(error, Waiting):
            after = self._pause(state, address.host, error.retry_after)
            return Waiting(error.reason, retry_after=after)
        if isinstance(error, Unavailable) and error.retry_after:
            self._pause(state, address.host, error.retry_after)
        if isinstance(error, KeyRefused):
            return self._key_refused(address, state, error)
        return error

    def _pause(self, state: _Service, host: str, after: float | None) -> float:
        """Send nothing to one service for a while; return for how many seconds."""
        state.pauses += 1
        seconds = after or min(
            LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** min(state.pauses - 1, 10)
        )
        now = self._clock.monotonic()
        if now + seconds > state.paused_until:
            if state.paused_until <= now:
                log.warning("push_service.paused", host=host, seconds=round(seconds, 1))
            state.paused_until = now + seconds
        return state.paused_until - now

    def _key_refused(self, address: PushAddress, state: _Service, error: KeyRefused) -> Exception:
        """Tell a subscription made with another key from a key of ours that is no good.

        A stranger can sign up with any key. So as long as the service takes other messages, a
        refusal is about its own subscription. If it takes none, the message waits. If no service
        takes any, the channel stops.
        """
        self._vapid.forget(address.origin)
        if state.has_taken and state.refusals < REFUSALS_OF_A_KEY:
            state.refusals += 1
            return Refused(error.reason, About.BATCH)
        state.has_taken, state.refused_key = False, error.reason
        state.refusals += 1
        self._refusals += 1
        if self._refusals >= REFUSALS_OF_A_KEY and not self._anybody_takes():
            self._refusals = 0
            return ChannelRefused(error.reason)
        pauses = state.refusals >= REFUSALS_OF_A_KEY
        after = self._pause(state, address.host, None) if pauses else None
        return Waiting(error.reason, retry_after=after)

    def _anybody_takes(self) -> bool:
        return any(each.has_taken for each in self._states.values())


class HttpTransport:
    """Posts by HTTP; redirects are never followed, and answers are read up to a limit."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self._http = http

    async def __call__(self, url: str, headers: Mapping[str, str], body: bytes) -> PushAnswer:
        started = time.perf_counter()
        try:
            async with self._http.post(
                URL(url, encoded=True), data=body, headers=headers, allow_redirects=False
            ) as response:
                said = b""
                if response.status not in answers.TAKEN:
                    said = await response.content.read(MOST_ANSWER_BYTES)
                else:
                    await response.content.read(MOST_ANSWER_BYTES)
                answer = PushAnswer(response.status, response.headers, said)
        except aiohttp.ClientError as error:
            refusal = refusal_within(error)
            if refusal is not None:
                raise refusal from error
            raise
        LATENCY.observe(time.perf_counter() - started)
        return answer


def push_session(resolver: AbstractResolver | None = None) -> aiohttp.ClientSession:
    """Make the HTTP session for :class:`HttpTransport`; the caller closes it.

    Parameters
    ----------
    resolver
        What looks names up; private addresses that it finds are dropped.
    """
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            resolver=PublicResolver(resolver), limit=MOST_IN_FLIGHT, ttl_dns_cache=60
        ),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": "todoke", "Accept-Encoding": "identity"},
        timeout=aiohttp.ClientTimeout(total=TIMEOUT_SECONDS),
        auto_decompress=False,
        trust_env=False,
    )
