"""The interface between the engine and a medium.

The engine plans, stores, paces, sends, pauses and corrects in the same way for every medium.
A medium says how a notice looks, how many recipients a request takes, how their addresses are
written, how many requests it takes a second, and how long a repeat is safe. It also sends.
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
class Readable:
    """Messages as staff read them: the subject or title, "" without one, and the text."""

    title: str
    text: str


@dataclass(frozen=True)
class Note:
    """A few words to a resident that are no notice of the city's, such as a reminder.

    Parameters
    ----------
    kind
        A later note of a kind takes the place of an earlier one, where a medium can do that.
    at, until
        When it is due, and from when on it is of no use.
    """

    kind: str
    title: str
    text: str
    at: datetime
    until: datetime


@dataclass(frozen=True)
class RunSize:
    """How many batches are one piece of work: at most, and at least."""

    most: int
    least: int


class Format(Protocol):
    """The parts of a medium that are the same in every process: name, messages, batches."""

    name: str
    """As in ``deliveries.channel``; at most 16 characters."""
    addresses: Addresses
    batch_size: int
    """How many recipients one request takes at most."""
    key_life: timedelta
    """How long a repeat with the same key is never a second message; zero if it may
    always be one. A batch with an unknown outcome is not tried again after that."""

    recognises_repeats: bool
    """Whether a repeat with the same key is one message. If not, it is sent all the same within
    ``key_life``, and counted as maybe twice.
    """

    of_some: frozenset[str]
    """Codes of the reasons for which only some recipients have to wait, such as a mailbox that is
    full. They alone do not show that the medium takes nothing (``channels.silence``)."""

    def key_life_of(self, priority: int) -> timedelta:
        """Return ``key_life`` for deliveries of a priority (:class:`channels.models.Priority`)."""

    @property
    def runs(self) -> Mapping[str, RunSize]:
        """By endpoint. The medium limits each endpoint separately. Endpoint names are unique."""

    def endpoint(self, recipients: int) -> str:
        """Return the endpoint for a batch with this number of recipients."""

    def render(self, notice: Notice, language: str, city: City) -> Messages:
        """Return the messages of a notice for a reader of ``language``.

        Raises
        ------
        BadInput
            The notice has no words, or words that must not be sent.
        """

    def digest(self, notices: Sequence[Notice], language: str, city: City) -> Messages:
        """Return the messages for several notices together."""

    def note(self, note: Note, language: str, city: City) -> Messages:
        """Return the messages of a few words that are no notice."""

    def as_read(self, messages: Messages) -> Readable:
        """Return messages as staff look at them before they are sent."""

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
        """Do other work for a new delivery, in the caller's transaction."""


class Medium(Format, Protocol):
    """A medium that one process can send with.

    Inherit from :class:`PlainMedium`, which has the parts that most media share.
    """

    limiter: Limiter
    """The pace: how many requests a second each endpoint takes."""

    def request(
        self, endpoint: str, addresses: str, messages: bytes, *, silent: bool, unit: str = ""
    ) -> bytes:
        """Return the request of a batch; all attempts use the same one.

        Parameters
        ----------
        addresses
            Joined, see :class:`Addresses`.
        messages
            A variant's messages as JSON.
        silent
            Whether it should make no sound.
        unit
            ``Delivery.unit``: the name under which the medium itself counts what becomes of it.
        """

    async def attempt(self, endpoint: str, request: bytes, key: str) -> Accepted:
        """Try a request once; the caller holds a slot of the limiter.

        Parameters
        ----------
        key
            The batch's retry key, stored before the first attempt. It shows that a request is a
            repeat.

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
        """Delete an address that no longer exists, in the caller's transaction."""

    async def divide(
        self, delivery: Delivery, chunk: Chunk, variant_of: Callable[[str], int]
    ) -> tuple[Sequence[Group], dict[str, int]]:
        """Separate the residents who get other words; see ``LanguageQuestion``."""

    def register(self, queue: Queue, guard: ChannelGuard) -> None:
        """Register the medium's own work with the queue, if it has any."""

    async def close(self) -> None:
        """Leave no connection open, before the process ends."""


class PlainMedium:
    """The parts of :class:`Medium` that are the same for most media."""

    name: str
    key_life = timedelta(0)
    recognises_repeats = True
    of_some: frozenset[str] = frozenset()

    def key_life_of(self, priority: int) -> timedelta:
        """Return ``key_life``; a medium may be more careful with what is no emergency."""
        return self.key_life

    @property
    def runs(self) -> Mapping[str, RunSize]:
        return {self.name: RunSize(most=100, least=20)}

    def endpoint(self, recipients: int) -> str:
        return self.name

    def note(self, note: Note, language: str, city: City) -> Messages:
        """Return the title and the text."""
        return [{"title": note.title, "text": note.text}]

    def as_read(self, messages: Messages) -> Readable:
        """Return the values that are text, each on lines of its own; ``title`` is the title."""
        values = [pair for message in messages for pair in message.items()]
        text = [value for name, value in values if name != "title" and isinstance(value, str)]
        titles = [str(value) for name, value in values if name == "title"]
        return Readable(" · ".join(titles), "\n".join(text))

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
        """Does nothing."""

    async def validate(self, endpoint: str, messages: bytes) -> None:
        """Accepts every message, because it cannot be checked without sending it."""

    async def check(self) -> None:
        """Always lets the channel go on; the next attempt shows whether that is right."""

    async def room(self) -> int | None:
        return None

    async def gone(self, session: AsyncSession, resident_id: int) -> None:
        """Deletes nothing."""

    async def divide(
        self, delivery: Delivery, chunk: Chunk, variant_of: Callable[[str], int]
    ) -> tuple[Sequence[Group], dict[str, int]]:
        return chunk.groups, {}

    def register(self, queue: Queue, guard: ChannelGuard) -> None:
        """Registers nothing."""

    async def close(self) -> None:
        """Has nothing open."""


def compact_json(value: object) -> bytes:
    """Return ``value`` as JSON without spaces, in UTF-8."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
