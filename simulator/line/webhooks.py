"""Events on their way to the service: signed, sent again when not answered, held on request."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import random
import secrets
from collections import deque
from dataclasses import dataclass
from typing import Any

import aiohttp
import structlog

from simulator.line.faults import Faults
from simulator.line.moments import PlatformTime

log = structlog.get_logger(__name__)

Event = dict[str, Any]
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_KEPT_ATTEMPTS = 10_000


def new_event_id(milliseconds: int) -> str:
    """A ULID: 48 bits of time and 80 random bits, in 26 characters."""
    value = (milliseconds << 80) | secrets.randbits(80)
    return "".join(_CROCKFORD[(value >> shift) & 31] for shift in range(125, -1, -5))


def sign(secret: str, body: bytes) -> str:
    """The value of ``x-line-signature`` for a body."""
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


@dataclass(frozen=True, slots=True)
class WebhookAttempt:
    """One request made to the service.

    Parameters
    ----------
    status
        The status of its answer; 0 without an answer (``detail`` says why).
    """

    event_ids: tuple[str, ...]
    at: float
    redelivery: bool
    status: int
    detail: str


class Webhooks:
    """Sends events to the service as LINE does.

    Events of one user are sent one after another, those of several users in parallel. With
    ``redelivery``, an event that is not answered 200 in time is sent again after each of ``delays``
    seconds. Later events do not wait for it, so they can overtake it.
    """

    def __init__(
        self,
        *,
        session: aiohttp.ClientSession,
        time: PlatformTime,
        faults: Faults,
        destination: str,
        secret: str,
        url: str | None,
        timeout: float,
        redelivery: bool,
        delays: tuple[float, ...],
    ) -> None:
        self.url = url
        self.active = True
        self.redelivery = redelivery
        self.destination = destination
        self.attempts: deque[WebhookAttempt] = deque(maxlen=_KEPT_ATTEMPTS)
        self.given_up: deque[str] = deque(maxlen=_KEPT_ATTEMPTS)
        self._session = session
        self._time = time
        self._faults = faults
        self._secret = secret
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._delays = delays
        self._holding = False
        self._held: list[Event] = []
        self._turns: dict[str, asyncio.Lock] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def held(self) -> list[Event]:
        """Events kept back."""
        return list(self._held)

    def enqueue(self, event: Event) -> None:
        """Send an event, or keep it while holding or while no address is known."""
        if self._holding or self.url is None or not self.active:
            self._held.append(event)
            return
        self._start([event])

    def hold(self) -> None:
        """Keep events back from now on."""
        self._holding = True

    def release(self, *, shuffle: bool = False, per_request: int = 1, seed: int = 0) -> int:
        """Send the held events and stop holding; return how many.

        Parameters
        ----------
        shuffle
            In a random order, given by ``seed``.
        per_request
            How many events share a request.
        """
        self._holding = False
        if self.url is None or not self.active:
            return 0
        events, self._held = self._held, []
        if shuffle:
            random.Random(seed).shuffle(events)  # noqa: S311
        size = max(1, per_request)
        for start in range(0, len(events), size):
            self._start(events[start : start + size])
        return len(events)

    def send_again(self, event: Event) -> None:
        """Deliver an event once more, marked as a redelivery."""
        self._start([_redelivered(event)])

    async def idle(self) -> None:
        """Wait until nothing is on its way any more."""
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    async def close(self) -> None:
        """Stop everything that is on its way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def post(self, url: str, events: list[Event]) -> tuple[int, str]:
        """Make one request; returns the status (0 without one) and the reason."""
        body = json.dumps(
            {"destination": self.destination, "events": events},
            ensure_ascii=False,
            separators=(",", ":"),
        ).encode()
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "LineBotWebhook/2.0",
            "x-line-signature": sign(self._secret, body),
        }
        try:
            async with self._session.post(
                url, data=body, headers=headers, timeout=self._timeout, allow_redirects=False
            ) as answer:
                await answer.read()
                return answer.status, answer.reason or ""
        except TimeoutError:
            return 0, "REQUEST_TIMEOUT"
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return 0, f"COULD_NOT_CONNECT: {type(error).__name__}"

    def _start(self, events: list[Event]) -> None:
        task = asyncio.get_running_loop().create_task(self._deliver(events))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver(self, events: list[Event]) -> None:
        user_id = events[0].get("source", {}).get("userId", "")
        turn = self._turns.setdefault(user_id, asyncio.Lock())
        async with turn:
            answered = await self._attempt(events, redelivery=False)
        if answered and self._faults.chance(self._faults.plan.webhook_twice):
            await self._attempt([_redelivered(event) for event in events], redelivery=True)
        if answered or not self.redelivery:
            return
        again = [_redelivered(event) for event in events]
        for delay in self._delays:
            await self._time.sleep(delay)
            if await self._attempt(again, redelivery=True):
                return
        self.given_up.extend(event["webhookEventId"] for event in events)
        log.warning("webhook.abandoned", event_ids=[event["webhookEventId"] for event in events])

    async def _attempt(self, events: list[Event], *, redelivery: bool) -> bool:
        url = self.url
        if url is None:
            return False
        at = self._time.seconds()
        status, detail = await self.post(url, events)
        self.attempts.append(
            WebhookAttempt(
                tuple(str(event.get("webhookEventId", "")) for event in events),
                at,
                redelivery,
                status,
                detail,
            )
        )
        if status != 200:
            log.info("webhook.untaken", http_status=status, reason=detail, redelivery=redelivery)
        return status == 200


def _redelivered(event: Event) -> Event:
    return {**event, "deliveryContext": {"isRedelivery": True}}
