"""What a medium is: how the engine asks one to carry messages, and what its answers mean.

The engine plans, stores, paces, sends, pauses and corrects in the same way for every medium.
A medium says how a notice looks, how many recipients a request takes, how their addresses are
written, how fast it may be asked, and for how long a repeat is safe; and it makes the attempt.
``docs/media.md`` shows how to add one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from channels.addresses import Addresses
from channels.audiences import Chunk, Group
from channels.guard import ChannelGuard
from channels.limiter import Limiter
from channels.models import Delivery
from channels.responses import Accepted
from city.city import City
from core.work import Queue
from feeds.models import Notice

Messages = list[dict[str, Any]]
"""What one recipient gets in one request, as the medium's own JSON objects."""


@dataclass(frozen=True)
class RunSize:
    """How many batches are worked on as one piece of work: at most, and at least."""

    most: int
    least: int


class Format(Protocol):
    """What is fixed about a medium, whoever sends by it: its name, its messages, its batches."""

    name: str
    """As in ``deliveries.channel``; at most 16 characters."""
    addresses: Addresses
    batch_size: int
    """How many recipients one request takes at most."""
    key_life: timedelta
    """For how long a repeat with the same key is never a second message; zero where it may
    always be one. A batch whose fate is not known is not tried again after that."""

    @property
    def runs(self) -> Mapping[str, RunSize]:
        """By endpoint. Endpoints are what the medium limits apart; no two media share a name."""

    def endpoint(self, recipients: int) -> str:
        """Return the endpoint that takes a batch of so many."""

    def render(self, notice: Notice, language: str, city: City) -> Messages:
        """Return the messages of a notice for a reader of ``language``.

        Raises
        ------
        BadInput
            The notice has no words, or words that must not be sent.
        """

    def digest(self, notices: Sequence[Notice], language: str, city: City) -> Messages:
        """Return the messages that tell of several notices at once."""

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
        """Do in the caller's transaction what else a new delivery needs."""


class Medium(Format, Protocol):
    """A medium that can be sent by, within one process.

    :class:`PlainMedium` has everything that most media do not need.
    """

    limiter: Limiter
    """The pace: how many requests a second each endpoint takes."""

    def request(self, endpoint: str, addresses: str, messages: bytes, *, silent: bool) -> bytes:
        """Return a request, made once for all attempts of a batch.

        Parameters
        ----------
        addresses
            Joined, see :class:`Addresses`.
        messages
            A variant's messages as JSON.
        silent
            Whether it should make no sound.
        """

    async def attempt(self, endpoint: str, request: bytes, key: str) -> Accepted:
        """Try a request once; the caller holds a slot of the limiter.

        Parameters
        ----------
        key
            The batch's retry key, fixed before the first attempt. With it the medium, or what
            it remembers, tells a repeat from a new request.

        Raises
        ------
        Unavailable, Busy
            Try again.
        Refused, AddressGone, ChannelRefused, QuotaReached
            Do not try again as it is.
        """

    async def validate(self, endpoint: str, messages: bytes) -> None:
        """Have a variant's messages checked without sending them.

        Raises
        ------
        Refused
            They are not valid.
        """

    async def check(self) -> None:
        """Find out whether a channel that was stopped may go on.

        Raises
        ------
        ChannelRefused
            It may not.
        """

    async def room(self) -> int | None:
        """Return how many messages the plan still allows; None for no limit."""

    async def gone(self, session: AsyncSession, resident_id: int) -> None:
        """Strike out an address that is gone, in the caller's transaction."""

    async def divide(
        self, delivery: Delivery, chunk: Chunk, variant_of: Callable[[str], int]
    ) -> tuple[Sequence[Group], dict[str, int]]:
        """Divide a part of an audience by who gets other words; see ``LanguageQuestion``."""

    def register(self, queue: Queue, guard: ChannelGuard) -> None:
        """Register the medium's own work at the queue, if it has any."""


class PlainMedium:
    """The parts of :class:`Medium` that are the same for most media."""

    name: str
    key_life = timedelta(0)

    @property
    def runs(self) -> Mapping[str, RunSize]:
        return {self.name: RunSize(most=100, least=20)}

    def endpoint(self, recipients: int) -> str:
        return self.name

    async def follow_up(self, *_: object, **__: object) -> None:
        """Nothing else goes out."""

    async def validate(self, endpoint: str, messages: bytes) -> None:
        """Nothing can be checked without sending it."""

    async def check(self) -> None:
        """Only an attempt tells."""

    async def room(self) -> int | None:
        return None

    async def gone(self, session: AsyncSession, resident_id: int) -> None:
        """The address is not ours to strike out."""

    async def divide(
        self, delivery: Delivery, chunk: Chunk, variant_of: Callable[[str], int]
    ) -> tuple[Sequence[Group], dict[str, int]]:
        return chunk.groups, {}

    def register(self, queue: Queue, guard: ChannelGuard) -> None:
        """It has no work of its own."""


def compact_json(value: object) -> bytes:
    """Return ``value`` as JSON without spaces, in UTF-8."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
