"""A town in which notices go by several media, none of them with a network.

The test says when it plans and sends, and what each medium answers.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlmodel import select

from channels import stand_in
from channels.addresses import Addresses
from channels.email.medium import EMAIL
from channels.engine import Engine
from channels.media import Media, deliver_by
from channels.models import Delivery
from channels.responses import Unavailable
from channels.webpush.medium import WEB_PUSH
from city.city import City
from core.database import Database
from core.work import NoWorkers
from feeds.models import Notice
from subscriptions import other_media
from subscriptions.models import Subscription
from tests.support.clocks import HastyClock
from tests.support.engine import add_residents, small_city, user_id
from tests.support.listed import ListMedium, Recipients

NOON = datetime(2026, 5, 29, 3, tzinfo=UTC)
DEAD = [Unavailable("no answer") for _ in range(10_000)]


class ByLine(ListMedium):
    """LINE without HTTP."""

    name = "line"
    addresses = Addresses("line_user_id")


class ByMail(ListMedium):
    name = "email"
    of_some = EMAIL.of_some


class ByPost(ListMedium):
    name = "posts"


class ByPush(ListMedium):
    name = "webpush"
    of_some = WEB_PUSH.of_some


AT_LINE, BY_MAIL, STANDBY, BY_POST = range(1, 9), range(9, 13), range(13, 15), range(15, 16)
BY_PUSH = range(16, 18)


@dataclass
class MediaWorld:
    """Media and an engine of one process. The test says when it plans and sends."""

    database: Database
    clock: HastyClock = field(default_factory=lambda: HastyClock(NOON))
    city: City = field(default_factory=small_city)
    several: list[Any] = field(default_factory=list)
    """The media; each has :class:`Recipients`."""

    def __post_init__(self) -> None:
        self.media = Media(self.several)
        self.engine = self.process()

    def process(self) -> Engine:
        """A new process with all media."""
        return Engine(
            self.database, self.city, self.clock, NoWorkers(), self.several, worker="test", seed=1
        )

    async def send(self, notice: Notice, *chosen: str) -> None:
        async with self.database.writing() as session:
            await deliver_by(
                session,
                NoWorkers(),
                notice,
                self.city,
                self.clock.now(),
                media=self.media,
                created_by="a@city",
                chosen=chosen or None,
            )

    async def work(self, rounds: int = 3) -> None:
        """Plan and send what is due of all deliveries."""
        for _ in range(rounds):
            async with self.database.reading() as session:
                numbers = list(await session.scalars(select(Delivery.id)))
                runs = {each.id: each.runs for each in await session.scalars(select(Delivery))}
            for number in numbers:
                await self.engine.plan(str(number))
            for number in numbers:
                for run in range(max(1, runs[number])):
                    await self.engine.send(f"{number}:{run}")

    def told(self) -> dict[str, Counter[str]]:
        return {
            medium.name: Counter(address for address, _ in medium.recipients.received())
            for medium in self.several
        }


@dataclass
class Town(MediaWorld):
    """Eight at LINE, four by mail, two who stand by for LINE by mail, and an account for posts."""

    line: Recipients = field(default_factory=Recipients)
    mail: Recipients = field(default_factory=Recipients)
    posts: Recipients = field(default_factory=Recipients)
    push: Recipients = field(default_factory=Recipients)
    has_push: bool = False
    """Whether two more follow by web push."""

    def __post_init__(self) -> None:
        self.by_line = ByLine(self.clock, self.line)
        self.by_mail = ByMail(self.clock, self.mail)
        self.by_post = ByPost(self.clock, self.posts)
        self.by_push = ByPush(self.clock, self.push)
        some = [self.by_line, self.by_mail, self.by_post]
        self.several = [*some, *([self.by_push] if self.has_push else [])]
        super().__post_init__()

    async def settle(self) -> None:
        await add_residents(self.database, 1, 8)
        people = [(BY_MAIL, "email"), (STANDBY, "email"), (BY_POST, "posts")]
        for some, medium in [*people, *([(BY_PUSH, "webpush")] if self.has_push else [])]:
            await add_residents(self.database, some.start, len(some), medium=medium)
        async with self.database.writing() as session:
            # An account hears only what the city chose for it.
            session.add_all(
                Subscription(topic="evacuation", resident_id=number, min_level=0)
                for number in BY_POST
            )
            for at_line, number in enumerate(STANDBY, start=1):
                await other_media.link(
                    session, number, at_line, self.clock.now(), only_if_line_fails=True
                )

    async def look(self) -> stand_in.StoodIn:
        return await stand_in.stand_in(
            self.database, NoWorkers(), self.city, self.media, self.clock.now()
        )


def once(*some: range) -> Counter[str]:
    return Counter(user_id(number) for each in some for number in each)
