"""LINE as a medium of the engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType

from sqlalchemy.ext.asyncio import AsyncSession

from channels.addresses import Addresses
from channels.audiences import Chunk, Group
from channels.guard import ChannelGuard
from channels.line import unknown
from channels.line.bodies import multicast_body, push_body
from channels.line.client import LineClient
from channels.line.errors import LineBusy, LineRefused
from channels.line.known_audience import AudienceKeeper
from channels.line.language_question import LanguageQuestion, Question
from channels.line.render import digest_messages, render
from channels.line.units import name_unit, refuses_unit, without_unit
from channels.line.unknown_sender import KEY_LIFE, UnknownSender
from channels.medium import Messages, Note, Readable, RunSize
from channels.models import Delivery
from channels.responses import Accepted
from channels.unknown_sends import SEND_UNKNOWN
from city.city import City
from core.clock import Clock, in_japan
from core.database import Database
from core.work import Queue
from feeds.models import Notice

NAME = "line"


class LineFormat:
    """What a delivery by LINE looks like; see :class:`channels.medium.Format`."""

    name = NAME
    addresses = Addresses("line_user_id", separator='","', width=33)
    """``U`` and 32 hexadecimal digits, joined as in the body of a request."""
    batch_size = 500
    """LINE's limit for one multicast."""
    runs: Mapping[str, RunSize] = MappingProxyType(
        {"multicast": RunSize(most=100, least=20), "push": RunSize(most=400, least=100)}
    )
    """A hundred multicasts are half a second at LINE's limit."""
    key_life = KEY_LIFE
    recognises_repeats = True
    of_some: frozenset[str] = frozenset()

    def key_life_of(self, priority: int) -> timedelta:
        return self.key_life

    def endpoint(self, recipients: int) -> str:
        return "push" if recipients == 1 else "multicast"

    def render(self, notice: Notice, language: str, city: City) -> Messages:
        return render(notice, language, city)

    def digest(self, notices: Sequence[Notice], language: str, city: City) -> Messages:
        return digest_messages(notices, language, city)

    def note(self, note: Note, language: str, city: City) -> Messages:
        """Return one text. Who has buttons for the conversation adds them (``bot.reminders``)."""
        return [{"type": "text", "text": note.text}]

    def as_read(self, messages: Messages) -> Readable:
        """Return what the list of chats shows; the console draws the cards themselves."""
        said = (str(one.get("altText") or one.get("text", "")) for one in messages)
        return Readable("", "\n".join(said))

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
        await name_unit(session, delivery, now)
        await unknown.follow_up(session, queue, delivery, notice, city, now, actor=actor)


LINE = LineFormat()
"""For code that writes a delivery and does not send it."""


class LineMedium(LineFormat):
    """LINE as a medium, within one process.

    Parameters
    ----------
    question
        The question for the language, for residents from an imported list; None asks nobody.
    seed
        Seed of the random delays, for tests.
    """

    def __init__(
        self,
        database: Database,
        city: City,
        clock: Clock,
        client: LineClient,
        *,
        question: Question | None = None,
        seed: int | None = None,
    ) -> None:
        self._database = database
        self._city = city
        self._clock = clock
        self._seed = seed
        self.client = client
        self.limiter = client.limiter
        self.asking = LanguageQuestion(database, question)
        self.unknown: UnknownSender | None = None
        self._nameless_in = ""
        """The month in which LINE refused a name of statistics; then no request has one."""

    def request(
        self, endpoint: str, addresses: str, messages: bytes, *, silent: bool, unit: str = ""
    ) -> bytes:
        make_body = multicast_body if endpoint == "multicast" else push_body
        return make_body(addresses, messages, silent=silent, unit=unit)

    async def attempt(self, endpoint: str, request: bytes, key: str) -> Accepted:
        """Send; if LINE takes no more names of statistics, again without, on the next turn.

        A refused request counts as never made, so the repeat may have another body.
        """
        month = f"{in_japan(self._clock.now()):%Y-%m}"
        named = self._nameless_in != month
        try:
            return await self.client.post(
                endpoint, request if named else without_unit(request), key
            )
        except LineRefused as error:
            if not named or not refuses_unit(error):
                raise
            self._nameless_in = month
            raise LineBusy(error.reason) from error

    async def validate(self, endpoint: str, messages: bytes) -> None:
        await self.client.validate(endpoint, messages)

    async def check(self) -> None:
        await self.client.check_token()

    async def room(self) -> int | None:
        return (await self.client.quota()).left

    async def gone(self, session: AsyncSession, resident_id: int) -> None:
        """LINE does not say that a user is gone; it skips them."""

    async def divide(
        self, delivery: Delivery, chunk: Chunk, variant_of: Callable[[str], int]
    ) -> tuple[Sequence[Group], dict[str, int]]:
        return await self.asking.divide(delivery, chunk, variant_of)

    def register(self, queue: Queue, guard: ChannelGuard) -> None:
        keeper = AudienceKeeper(self._database, self._city, self._clock, self.client)
        self.unknown = UnknownSender(
            self._database, self._clock, queue, self.client, guard, keeper, seed=self._seed
        )
        queue.register(SEND_UNKNOWN, self.unknown.send, concurrency=1)

    async def close(self) -> None:
        """The client belongs to the service, which closes it."""
