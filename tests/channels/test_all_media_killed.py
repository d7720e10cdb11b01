"""Promise 2 over all media at once, when the process that sends by them is killed.

At LINE everybody has it exactly once. A mail and a post that were on the wire come once more, and
are counted. A browser shows a repeat in the place of the first. The same while LINE is silent and
the other media stand in for it, and after it returns.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func
from sqlmodel import col, select

from channels import outbox
from channels.email.medium import EMAIL
from channels.line.medium import LINE
from channels.media import Media, deliver_by
from channels.models import Batch, Delivery
from channels.posts.accounts import keep_accounts
from channels.posts.medium import BY_POSTS
from channels.webpush.medium import WEB_PUSH
from channels.webpush.vapid import Vapid, new_key
from core.clock import SystemClock
from core.database import Database
from core.work import NoWorkers, Queue
from core.work_shared import ProcrastinateQueue
from feeds.models import Notice
from simulator.line import FaultPlan, Simulator, SimulatorOptions
from simulator.mail import Mailbox
from simulator.posts import Networks
from simulator.push import PushService
from subscriptions import other_media
from tests.support.engine import TOKEN, add_residents, make_notice, small_city, user_id
from tests.support.processes import Forked
from tests.support.queues import install_schema
from tests.support.senders import accounts_for, start_sender_by_all

pytestmark = pytest.mark.slow

AT_LINE, BY_MAIL, STAND_BY = range(1_001, 7_001), range(7_001, 7_201), range(7_201, 7_231)
BROWSERS = 100
KILLS = 3
DEAD_AFTER_SECONDS = 3.0
MEDIA = Media([LINE, EMAIL, WEB_PUSH, BY_POSTS])


@dataclass
class World:
    """A city whose residents follow by every medium, and the process that sends."""

    database: Database
    queue: Queue
    simulator: Simulator
    mails: Mailbox
    push: PushService
    networks: Networks
    key: str
    folder: Path
    stands_in: bool = False
    process: Forked | None = None
    kills: int = 0
    clock: SystemClock = field(default_factory=SystemClock)

    @property
    def posts(self) -> tuple[str, str]:
        return self.networks.ntfy_url, self.networks.mastodon_url

    async def settle(self) -> None:
        public = Vapid(self.key, "mailto:a@city.example", self.clock).public_key
        city = small_city()
        accounts = tuple(account for account, _ in accounts_for(self.posts))
        async with self.database.writing() as session:
            now = self.clock.now()
            for _ in range(BROWSERS):
                address = self.push.subscribe(public).address()
                await other_media.follow_at(session, city, "webpush", address, "ja", now)
            await keep_accounts(session, city.model_copy(update={"posts": accounts}), now)
        await add_residents(self.database, AT_LINE.start, len(AT_LINE))
        await add_residents(
            self.database,
            BY_MAIL.start,
            len(BY_MAIL) + len(STAND_BY),
            medium="email",
            address=("r", "@home.example"),
        )
        async with self.database.writing() as session:
            for at_line, number in enumerate(STAND_BY, start=AT_LINE.start):
                await other_media.link(session, number, at_line, now, only_if_line_fails=True)

    async def send(self, notice: Notice, *chosen: str) -> None:
        async with self.database.writing() as session:
            await deliver_by(
                session,
                self.queue,
                notice,
                small_city(),
                notice.created_at,
                media=MEDIA,
                created_by="a@city",
                chosen=chosen or None,
            )

    def start(self) -> None:
        self.process = start_sender_by_all(
            self.database,
            self.folder / "sender.log",
            line=self.simulator.url,
            mail=self.mails.port,
            push=f"{self.push.origin}#{self.key}",
            posts=self.posts,
            counts=self.folder / "counts",
            dead_after=DEAD_AFTER_SECONDS,
            stands_in=self.stands_in,
        )

    async def kill_when(self, is_so: Callable[[], bool]) -> None:
        await until(is_so)
        assert self.process is not None
        self.process.kill()
        await self.process.ended()
        self.kills += 1
        self.start()

    async def all_sent(self) -> None:
        """Wait until no delivery has anything left."""
        async with asyncio.timeout(120):
            while await self._open():
                await asyncio.sleep(0.1)

    async def _open(self) -> int:
        async with self.database.reading() as session:
            query = select(func.count()).select_from(Delivery)
            under_way = col(Delivery.state).in_(outbox.UNDER_WAY)
            return await session.scalar(query.where(under_way)) or 0

    def mailed(self) -> Counter[str]:
        return Counter(str(mail["To"]) for mail in self.mails.mails)

    async def check(self, *, mailed: range) -> None:
        """Everybody was told, and nobody twice but as promised."""
        assert self.simulator.ledger.recipients() == {user_id(number): 1 for number in AT_LINE}
        letters = self.mailed()
        assert set(letters) == {f"r{number:032x}@home.example" for number in mailed}
        ids: dict[str, set[str]] = {}
        for mail in self.mails.mails:
            ids.setdefault(str(mail["To"]), set()).add(str(mail["Message-ID"]))
        assert all(len(each) == 1 for each in ids.values())
        again = {to: number - 1 for to, number in letters.items() if number > 1}
        assert max(again.values(), default=0) <= self.kills
        for browser in self.push.browsers.values():
            assert len(browser.notifications()) == 1
            assert len({one.payload["id"] for one in browser.shown}) == 1
        posted = Counter(each.account for each in self.networks.posts)
        assert set(posted) == {"ntfy", "mastodon"}
        assert max(posted.values()) <= 1 + self.kills
        await self._check_counted(sum(again.values()))

    async def _check_counted(self, again: int) -> None:
        """What came again was tried again, and is in the count that staff see."""
        async with self.database.reading() as session:
            attempts = await session.scalars(
                select(Batch.attempts)
                .join(Delivery, col(Delivery.id) == col(Batch.delivery_id))
                .where(col(Delivery.channel) == "email")
            )
            assert again <= sum(number - 1 for number in attempts)
        counted = [line for each in (self.folder / "counts").iterdir() for line in each.open()]
        in_doubt = sum(int(line.split()[1]) for line in counted if line.startswith("email "))
        assert (in_doubt > 0) >= (again > 0)


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not is_so():
            await asyncio.sleep(0.005)


@contextlib.asynccontextmanager
async def a_world(database: Database, folder: Path) -> AsyncIterator[World]:
    queue: Queue = NoWorkers()
    if not database.is_sqlite:
        await install_schema(database.url)
        queue = ProcrastinateQueue(database, SystemClock())
    (folder / "counts").mkdir()
    options = SimulatorOptions(channel_access_token=TOKEN, any_user=True)
    async with (
        Simulator(options) as simulator,
        Mailbox(keep=5_000) as mails,
        PushService() as push,
        Networks() as networks,
    ):
        mails.faults.delay = push.faults.delay_s = 0.02
        networks.faults.delay_s = 0.3
        world = World(database, queue, simulator, mails, push, networks, new_key(), folder)
        await world.settle()
        try:
            yield world
        finally:
            if world.process is not None:
                world.process.kill()
                await world.process.ended()


async def test_killed_in_the_middle_of_all_media_at_once(
    database: Database, tmp_path: Path
) -> None:
    async with a_world(database, tmp_path) as world:
        await world.send(make_notice(level=5, now=world.clock.now()))
        world.start()
        await world.kill_when(lambda: len(world.networks.posts) > 0 or len(world.mails.mails) > 20)
        await world.kill_when(lambda: len(world.mails.mails) > 90)
        await world.kill_when(lambda: world.simulator.ledger.requests > 8)
        await world.all_sent()
        await world.check(mailed=BY_MAIL)


async def test_killed_while_other_media_stand_in_for_line(
    database: Database, tmp_path: Path
) -> None:
    async with a_world(database, tmp_path) as world:
        world.stands_in = True
        world.simulator.faults = FaultPlan.parse("proxy=503")
        # By LINE alone; it has taken nothing for more than a minute.
        sent_at = world.clock.now() - timedelta(seconds=70)
        notice = make_notice(level=5, now=sent_at)
        await world.send(notice, "line")
        made: list[int] = []

        async def look() -> None:
            while True:
                async with database.reading() as session:
                    made.append(
                        await session.scalar(select(func.count()).select_from(Delivery)) or 0
                    )
                await asyncio.sleep(0.002)

        looking = asyncio.create_task(look())
        world.start()
        await world.kill_when(lambda: bool(made) and made[-1] > 1)
        await world.kill_when(lambda: len(world.mails.mails) > 20)
        await world.kill_when(lambda: len(world.mails.mails) > 90)
        looking.cancel()
        everybody = range(BY_MAIL.start, STAND_BY.stop)
        await until(lambda: len(world.mailed()) == len(everybody))
        assert not world.simulator.ledger.recipients()
        world.simulator.faults = FaultPlan()
        await world.all_sent()
        await world.check(mailed=everybody)
        async with database.reading() as session:
            rows = await session.scalars(
                select(Delivery.channel).where(col(Delivery.notice_id) == notice.id)
            )
            assert sorted(rows) == ["email", "line", "posts", "webpush"]
