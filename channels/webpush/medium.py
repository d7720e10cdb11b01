"""Web push as a medium of the engine."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import aiohttp
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from channels.addresses import Addresses
from channels.limiter import Limiter
from channels.medium import Messages, Note, PlainMedium, Readable, RunSize, compact_json
from channels.models import Delivery, Variant
from channels.responses import About, Accepted, Refused
from channels.variants import Rendered
from channels.webpush import render as rendering
from channels.webpush.addresses import PushAddress, PushServices, read_address
from channels.webpush.client import HttpTransport, PushClient, PushRequest
from channels.webpush.metrics import GONE
from channels.webpush.vapid import Vapid
from city.city import City
from core.clock import Clock
from core.errors import BadInput
from core.settings import PushSettings
from core.work import Queue
from feeds.models import Notice
from feeds.short_address import PATH
from subscriptions import residents as registry

NAME = "webpush"
LONGEST_CHAIN = 200


class WebPushFormat(PlainMedium):
    """What a delivery by web push looks like; see :class:`channels.medium.Format`."""

    name = NAME
    addresses = Addresses("address")
    batch_size = 1
    """Each browser has a key of its own."""
    key_life = timedelta(days=1)
    """A repeat is never a second message. Until it is delivered, the push service replaces it by
    its topic. A browser that has shown it knows the notice's number (``sw.js``): it shows a repeat
    in the place of the first one, without a sound. It remembers numbers for longer than a day."""

    of_some = frozenset({"push.busy", "push.waiting", "push.key-refused"})
    """One push service of several, or a browser that was signed up with another key."""

    @property
    def runs(self) -> Mapping[str, RunSize]:
        return {self.name: RunSize(most=400, least=100)}

    def render(self, notice: Notice, language: str, city: City) -> Messages:
        return rendering.render(notice, language, city, page_of(notice, language, city))

    def digest(self, notices: Sequence[Notice], language: str, city: City) -> Messages:
        return rendering.digest(notices, language, city, f"/?lang={language}")

    def note(self, note: Note, language: str, city: City) -> Messages:
        return rendering.render_note(note, language, f"/?lang={language}")

    def as_read(self, messages: Messages) -> Readable:
        """Return the title and the text of the notification."""
        [payload] = (one["payload"] for one in messages)
        return Readable(payload["title"], payload["body"])

    async def follow_up(
        self,
        session: AsyncSession,
        queue: Queue,
        delivery: Delivery,
        notice: Notice,
        city: City,
        now: datetime,
        *,
        actor: str,
    ) -> None:
        """Give the messages of a follow-up the tag of their chain.

        A message knows only its own notice when it is rendered; the first one of the chain is found
        here.
        """
        assert notice.id is not None
        tag = rendering.tag_of_chain(await first_of_chain(session, notice))
        variants = await session.scalars(
            select(Variant).where(col(Variant.delivery_id) == delivery.id)
        )
        for variant in variants:
            messages = json.loads(variant.messages)
            tagged = compact_json(rendering.with_tag(messages, tag, notice.id))
            if tagged != variant.messages:
                variant.messages, variant.digest = tagged, Rendered((), tagged).digest
        await session.flush()


def page_of(notice: Notice, language: str, city: City) -> str:
    """Return the page that a notification of a notice opens, on the site of the worker."""
    has_page = city.public_url and notice.code and notice.id is not None
    return f"{PATH}/{notice.code}?lang={language}" if has_page else f"/?lang={language}"


async def first_of_chain(session: AsyncSession, notice: Notice) -> int:
    """Return the number of the notice that a chain began with.

    A notice that was sent together with a graver one counts as that one.
    """
    assert notice.id is not None
    number, seen = notice.with_id or notice.id, set[int]()
    before = notice.replaces_id if notice.with_id is None else None
    while number not in seen and len(seen) < LONGEST_CHAIN:
        seen.add(number)
        if number != notice.id:
            found = (
                await session.execute(
                    select(col(Notice.with_id), col(Notice.replaces_id)).where(
                        col(Notice.id) == number
                    )
                )
            ).one_or_none()
            if found is None:
                break
            before = found[0] or found[1]
        if before is None:
            break
        number = before
    return number


WEB_PUSH = WebPushFormat()
"""For code that writes a delivery and does not send it."""


@dataclass(frozen=True)
class _Content:
    """A variant's message, ready to be encrypted."""

    topic: str
    urgency: str
    life: int
    until: str | None
    payload: bytes


class WebPushMedium(WebPushFormat):
    """Web push as a medium, within one process.

    Parameters
    ----------
    rate
        Requests a second; None for no limit. Push services say by 429 when they want fewer.
    http
        Closed with the medium.
    """

    def __init__(
        self,
        clock: Clock,
        client: PushClient,
        rate: int | None = None,
        http: aiohttp.ClientSession | None = None,
    ) -> None:
        self._http = http
        self.limiter = Limiter(clock, {self.name: rate})
        self.client = client
        self._clock = clock

    def request(
        self, endpoint: str, addresses: str, messages: bytes, *, silent: bool, unit: str = ""
    ) -> bytes:
        return b"\n".join((addresses.encode(), b"silent" if silent else b"", messages))

    async def attempt(self, endpoint: str, request: bytes, key: str) -> Accepted:
        stored, silent, messages = request.split(b"\n", 2)
        try:
            address = _address(stored)
        except BadInput as error:
            raise Refused(error.reason, About.BATCH) from error
        content = _content(messages, bool(silent))
        return await self.client.push(
            address,
            content.payload,
            PushRequest(
                ttl=rendering.seconds_to_keep(content.life, content.until, self._clock.now()),
                urgency=content.urgency,
                topic=content.topic,
            ),
        )

    async def close(self) -> None:
        await self.limiter.close()
        if self._http is not None:
            await self._http.close()

    async def gone(self, session: AsyncSession, resident_id: int) -> None:
        """Erase the resident: nothing else was known of them than this browser."""
        GONE.inc()
        await registry.erase_rows(session, [resident_id])


def _address(stored: bytes) -> PushAddress:
    return read_address(stored.decode())


@lru_cache(maxsize=256)
def _content(messages: bytes, silent: bool) -> _Content:
    [message] = json.loads(messages)
    payload: dict[str, Any] = message["payload"]
    if silent:
        payload = {**payload, "silent": True}
    return _Content(
        topic=message["topic"],
        urgency=rendering.LOW if silent else message["urgency"],
        life=message["life"],
        until=payload["until"],
        payload=compact_json(payload),
    )


def web_push(settings: PushSettings, clock: Clock, http: aiohttp.ClientSession) -> WebPushMedium:
    """Make the medium of a process; ``http`` is of :func:`channels.webpush.client.push_session`."""
    vapid = Vapid(settings.private_key, settings.subject, clock)
    services = PushServices(settings.services)
    client = PushClient(HttpTransport(http), vapid, services, clock)
    return WebPushMedium(clock, client, http=http)
