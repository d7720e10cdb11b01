"""Promise 2 for random stories: whatever happens in any order, everybody gets it once.

The clock is simulated, LINE is the simulator with its faults, and a crash loses everything that was
not committed. Residents come, go and change what they read at any time.
"""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections import Counter
from collections.abc import Coroutine
from datetime import UTC, datetime
from typing import Any, TypeVar

import aiohttp
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from sqlmodel import SQLModel, col, select

from channels import dispatch
from channels.engine import Engine
from channels.line.client import LineClient
from channels.line.medium import LINE, LineMedium
from channels.models import Delivery, DeliveryState
from core.clock import ManualClock
from core.database import Database
from core.work import LocalQueue
from simulator.line import FaultPlan, Simulator, SimulatorOptions
from subscriptions import residents
from tests.support.engine import (
    LANGUAGES,
    add_residents,
    make_notice,
    settings_for,
    small_city,
    user_id,
)

pytestmark = pytest.mark.slow

NOON = datetime(2026, 6, 15, 3, tzinfo=UTC)
T = TypeVar("T")
FAULTS = (
    "none",
    "5xx-after=30%",
    "5xx-before=30%",
    "drop=30%",
    "429=30%",
    "5xx-after=10%,drop=10%,429=10%",
)


class Service:
    """A sending service that can be killed: tasks and memory are lost, commits stay."""

    def __init__(self, database: Database, clock: ManualClock, url: str) -> None:
        self.database = database
        self.http = aiohttp.ClientSession()
        self.queue = LocalQueue(clock, grace_seconds=0.0, seed=1)
        self.line = LineClient(self.http, settings_for(url), clock)
        media = [LineMedium(database, small_city(), clock, self.line, seed=1)]
        self.engine = Engine(
            database, small_city(), clock, self.queue, media, worker="test", seed=1
        )
        self.stop = asyncio.Event()
        self.tasks = [
            asyncio.create_task(self.queue.run(self.stop)),
            asyncio.create_task(self.engine.run(self.stop)),
        ]

    async def kill(self) -> None:
        # A transaction cut short is one that never was, so dying between two is as cruel; and a
        # connection of this process, unlike a dead one's, would keep its lock.
        async with self.database.writing():
            writer = self.engine.channels["line"].sender._recorder._writer
            for task in (*self.tasks, *([writer] if writer else [])):
                task.cancel()
            await asyncio.gather(*self.tasks, *([writer] if writer else []), return_exceptions=True)
        await self.line.limiter.close()
        await self.http.close()


class Story(RuleBasedStateMachine):
    """What may happen to a city's notices."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.TemporaryDirectory()
        self.clock = ManualClock(NOON)
        self.residents = 0
        self.left: set[int] = set()
        self.ever_left: set[int] = set()
        self.audiences: dict[str, set[int]] = {}
        """By the notice's title: who followed when it was sent."""
        self.left_during: dict[str, set[int]] = {}
        self.service: Service | None = None
        self.run(self._begin())

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    async def _begin(self) -> None:
        self.database = Database(f"sqlite:///{self.folder.name}/t.sqlite3")
        async with self.database.engine.begin() as connection:
            await connection.run_sync(SQLModel.metadata.create_all)
        self.simulator = Simulator(SimulatorOptions(any_user=True, rate_limits=False))
        await self.simulator.start()

    @initialize(
        count=st.integers(1, 2_400), faults=st.sampled_from(FAULTS), seed=st.integers(0, 99)
    )
    def people(self, count: int, faults: str, seed: int) -> None:
        self.run(self._come(count))
        self.run(self._start())
        self.line_becomes(faults, seed)

    @rule(count=st.integers(1, 600))
    def others_come(self, count: int) -> None:
        self.run(self._come(count))

    @precondition(lambda self: self.residents > 0)
    @rule(data=st.data())
    def some_leave(self, data: st.DataObject) -> None:
        some = data.draw(st.sets(st.integers(1, self.residents), max_size=5))
        self.run(self._leave(some - self.left))

    @precondition(lambda self: self.residents > 0)
    @rule(data=st.data(), language=st.sampled_from(LANGUAGES))
    def some_change_their_language(self, data: st.DataObject, language: str) -> None:
        some = data.draw(st.sets(st.integers(1, self.residents), max_size=20))
        self.run(self._choose(some - self.left, language))

    @rule(emergency=st.booleans())
    def a_notice_is_sent(self, emergency: bool) -> None:
        self.run(self._send(emergency))

    @rule(faults=st.sampled_from(FAULTS), seed=st.integers(0, 99))
    def line_becomes(self, faults: str, seed: int) -> None:
        self.simulator.faults = FaultPlan.parse(f"{faults},seed={seed}".removeprefix("none,"))

    @rule(steps=st.integers(1, 12))
    def time_passes(self, steps: int) -> None:
        self.run(self._pass(steps))

    @rule(steps=st.integers(0, 12), after=st.integers(0, 12))
    def a_notice_is_sent_and_the_service_is_killed(self, steps: int, after: int) -> None:
        self.run(self._send(emergency=True))
        self.run(self._pass(steps))
        self.run(self._restart())
        self.run(self._pass(after))
        self.run(self._restart())

    @rule()
    def the_service_is_killed_and_starts_again(self) -> None:
        self.run(self._restart())

    def teardown(self) -> None:
        try:
            self.run(self._end())
            self._judge()
        finally:
            self.run(self._close())
            self.loop.close()
            self.folder.cleanup()

    # How it is done

    async def _start(self) -> None:
        self.service = Service(self.database, self.clock, self.simulator.url)
        await self.service.engine.recover()

    async def _restart(self) -> None:
        assert self.service is not None
        await self.service.kill()
        await self._start()

    async def _come(self, count: int) -> None:
        await add_residents(self.database, self.residents + 1, count)
        self.residents += count

    async def _leave(self, some: set[int]) -> None:
        async with self.database.writing() as session:
            for number in some:
                await residents.unfollow(session, small_city(), user_id(number), self.clock.now())
        self.left |= some
        for title in self.audiences:
            self.left_during.setdefault(title, set()).update(some)

    async def _choose(self, some: set[int], language: str) -> None:
        async with self.database.writing() as session:
            for number in some:
                await residents.choose_language(
                    session, small_city(), number, language, self.clock.now()
                )

    async def _send(self, emergency: bool) -> None:
        assert self.service is not None
        topic, level = ("evacuation", 4) if emergency else ("events", 0)
        notice = make_notice(topic, level=level, now=self.clock.now())
        title = notice.texts["en"]["title"].removesuffix(" en")
        async with self.database.writing() as session:
            session.add(notice)
            await session.flush()
            await dispatch.deliver(
                session,
                self.service.queue,
                notice,
                small_city(),
                self.clock.now(),
                created_by="rule:test",
                medium=LINE,
            )
        self.audiences[title] = set(range(1, self.residents + 1)) - self.left

    async def _pass(self, steps: int) -> None:
        """Let simulated time pass, and real requests be answered meanwhile."""
        for _ in range(steps):
            await self.clock.advance(0.02)
            await asyncio.sleep(0.002)

    async def _end(self) -> None:
        """LINE works again, and unfinished deliveries get all the time that they need."""
        self.simulator.faults = FaultPlan()
        for _ in range(3_000):
            async with self.database.reading() as session:
                states = set(await session.scalars(select(col(Delivery.state))))
            if states <= {DeliveryState.DONE}:
                return
            await self.clock.advance(1.0)
            await asyncio.sleep(0.002)
        raise AssertionError(f"deliveries never ended: {states}")

    def _judge(self) -> None:
        got: dict[str, Counter[str]] = {}
        for entry in self.simulator.ledger.entries:
            found = re.search(rb'"altText":"(Title \d+) ', entry.body)
            assert found is not None
            got.setdefault(found[1].decode(), Counter()).update(entry.user_ids)
        assert got.keys() <= self.audiences.keys()
        for title, audience in self.audiences.items():
            counted = got.get(title, Counter())
            assert set(counted.values()) <= {1}, "somebody got it twice"
            missed = {
                number
                for number in audience - self.left_during.get(title, set())
                if not counted[user_id(number)]
            }
            assert not missed, "somebody was missed"
            strangers = counted.keys() - {user_id(number) for number in audience}
            assert not strangers, "somebody got it whom it did not concern"

    async def _close(self) -> None:
        if self.service is not None:
            await self.service.kill()
        await self.simulator.stop()
        await self.database.close()


TestEverybodyOnce = Story.TestCase
TestEverybodyOnce.settings = settings(
    max_examples=25,
    stateful_step_count=14,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
