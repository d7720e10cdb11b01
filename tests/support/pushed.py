"""Web push with the whole way to the browser and without a network, for tests of the engine."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field, replace

import http_ece
from sqlalchemy.ext.asyncio import AsyncSession

from channels.medium import Messages
from channels.responses import Accepted, AddressGone, ChannelRefused
from channels.webpush.addresses import PushServices
from channels.webpush.client import PushAnswer, PushClient
from channels.webpush.medium import WebPushMedium
from channels.webpush.vapid import Vapid, new_key
from core.clock import Clock
from simulator.push import Browser
from tests.support.listed import Recipients

ORIGIN = "https://push.example.net"
KEYS = Browser("", ORIGIN)
"""All browsers have the same keys here, so that the database can make their addresses itself."""
AROUND = tuple(replace(KEYS, endpoint=f"{ORIGIN}/NUMBER").address().split("NUMBER"))
_key: ContextVar[str] = ContextVar("key")


@dataclass
class Browsers(Recipients):
    """Browsers that decrypt and show. Answers are those of a push service.

    A browser that gets a notice again shows it in the place of the first and makes no sound. That
    is what :class:`Recipients` counts: a message that somebody notices.
    """

    around: tuple[str, str] = (AROUND[0], AROUND[1])
    noticed: dict[str, set[int]] = field(default_factory=dict)

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> PushAnswer:
        """Act as the push service."""
        address = f"{self.around[0]}{url.rpartition('/')[2]}{self.around[1]}"
        raw = http_ece.decrypt(body, private_key=KEYS.private, auth_secret=KEYS.auth)
        payload = json.loads(raw)
        assert headers["Topic"] == payload["tag"]
        try:
            accepted = await self.take(_key.get(), [address], [payload])
        except AddressGone:
            return PushAnswer(410, {})
        except ChannelRefused:
            return PushAnswer(401, {}, b"locked")
        return PushAnswer(201, {"Location": accepted.request_id})

    def has_all(self, key: str, addresses: list[str]) -> bool:
        """A push service does not know repeats; the browser does."""
        return False

    async def deliver(self, key: str, addresses: list[str], messages: Messages) -> None:
        for address in addresses:
            for payload in messages:
                known = self.noticed.setdefault(address, set())
                if payload["id"] not in known:
                    known.add(payload["id"])
                    await super().deliver(key, [address], [payload])


class PushedMedium(WebPushMedium):
    """Web push to :class:`Browsers`."""

    def __init__(self, clock: Clock, recipients: Browsers, rate: int | None = None) -> None:
        services = PushServices(["push.example.net"])
        vapid = Vapid(new_key(), "mailto:push@example.com", clock)
        super().__init__(clock, PushClient(recipients.post, vapid, services, clock), rate)
        self.recipients = recipients

    async def attempt(self, endpoint: str, request: bytes, key: str) -> Accepted:
        _key.set(key)
        return await super().attempt(endpoint, request, key)

    async def check(self) -> None:
        if self.recipients.locked:
            raise ChannelRefused("still locked")

    async def room(self) -> int | None:
        return self.recipients.room

    async def validate(self, endpoint: str, messages: bytes) -> None:
        self.recipients.read([one["payload"] for one in json.loads(messages)])

    async def gone(self, session: AsyncSession, resident_id: int) -> None:
        self.recipients.struck_out.append(resident_id)
