"""The smallest medium: it writes to a list. ``docs/media.md`` explains it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from channels.addresses import Addresses
from channels.limiter import Limiter
from channels.medium import Messages, PlainMedium, compact_json
from channels.notice_words import notice_words
from channels.responses import About, Accepted, AddressGone, ChannelRefused, Refused, Unavailable
from city.city import City
from core.clock import Clock
from core.errors import TodokeError
from feeds.models import Notice


class ListMedium(PlainMedium):
    """Writes what each recipient gets to a list."""

    name = "list"
    addresses = Addresses("address")
    batch_size = 4
    key_life = timedelta(hours=1)

    def __init__(self, clock: Clock, recipients: Recipients, rate: int | None = None) -> None:
        self.limiter = Limiter(clock, {self.name: rate})
        self.recipients = recipients

    def render(self, notice: Notice, language: str, city: City) -> Messages:
        _, title, text = notice_words(notice, language)
        return [{"title": title, "text": text}]

    def digest(self, notices: Sequence[Notice], language: str, city: City) -> Messages:
        return [message for notice in notices for message in self.render(notice, language, city)]

    def request(
        self, endpoint: str, addresses: str, messages: bytes, *, silent: bool, unit: str = ""
    ) -> bytes:
        return compact_json({"to": addresses.split("\n"), "messages": json.loads(messages)})

    async def attempt(self, endpoint: str, request: bytes, key: str) -> Accepted:
        body = json.loads(request)
        return await self.recipients.take(key, body["to"], body["messages"])

    # What follows only some media have.

    async def validate(self, endpoint: str, messages: bytes) -> None:
        self.recipients.read(json.loads(messages))

    async def check(self) -> None:
        if self.recipients.locked:
            raise ChannelRefused("still locked")

    async def room(self) -> int | None:
        return self.recipients.room

    async def gone(self, session: AsyncSession, resident_id: int) -> None:
        self.recipients.struck_out.append(resident_id)


@dataclass
class Recipients:
    """The world outside: who got what, and everything that can go wrong there."""

    keys: dict[str, str] = field(default_factory=dict)
    """By the key of a request that was taken: its id."""
    attempts: list[str] = field(default_factory=list)
    """The keys of all attempts."""
    failures: list[TodokeError] = field(default_factory=list)
    """What the next attempts answer, before anything is done."""
    silent_failures: int = 0
    """How many of the next attempts act and do not answer."""
    bad_titles: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    """Addresses that are refused; the answer does not say which."""
    gone: set[str] = field(default_factory=set)
    """Addresses that no longer exist."""
    locked: bool = False
    room: int | None = None
    struck_out: list[int] = field(default_factory=list)
    meanwhile: Callable[[], Awaitable[None]] | None = None
    """What happens while an attempt is under way."""
    around: tuple[str, str] = ("U", "")
    """What stands before and after a resident's number in an address."""
    _received: list[tuple[str, str]] = field(default_factory=list)

    def address(self, number: int) -> str:
        """Return the address of a resident."""
        return f"{self.around[0]}{number:032x}{self.around[1]}"

    async def take(self, key: str, addresses: list[str], messages: Messages) -> Accepted:
        self.attempts.append(key)
        await asyncio.sleep(0)
        if self.meanwhile is not None:
            await self.meanwhile()
        if self.locked:
            raise ChannelRefused("locked")
        if self.failures:
            raise self.failures.pop(0)
        if self.has_all(key, addresses):
            return Accepted(self._id_of(key), repeated=True)
        if any(message["title"] in self.bad_titles for message in messages):
            raise Refused("something is wrong", About.UNSAID)
        if not self.refused.isdisjoint(addresses):
            raise Refused("something is wrong", About.UNSAID)
        if not self.gone.isdisjoint(addresses):
            raise AddressGone("nobody lives there")
        await self.deliver(key, addresses, messages)
        accepted = Accepted(self._id_of(key))
        if self.silent_failures:
            self.silent_failures -= 1
            raise Unavailable("no answer")
        return accepted

    def _id_of(self, key: str) -> str:
        return self.keys.setdefault(key, f"request {len(self.keys) + 1}")

    # Where messages end up: another world outside replaces these three.

    def has_all(self, key: str, addresses: list[str]) -> bool:
        """Whether a request with this key was taken before."""
        return key in self.keys

    async def deliver(self, key: str, addresses: list[str], messages: Messages) -> None:
        """Bring the messages to the addresses."""
        self._received += [
            (address, message["title"]) for address in addresses for message in messages
        ]

    def received(self) -> list[tuple[str, str]]:
        """Return the address and the title of each message that arrived."""
        return list(self._received)

    def read(self, messages: Messages) -> None:
        """Check messages without delivering them."""
        for message in messages:
            if message["title"] in self.bad_titles:
                raise Refused(f"{message['title']} cannot be said", About.MESSAGE)
