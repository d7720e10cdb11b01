"""Staff control a running delivery, in one process and in three: pause, resume, stop, correct,
replace, and ask whether somebody got it (promise 2).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlmodel import SQLModel, col, select

from channels import dispatch, outbox
from channels.line.medium import LINE
from channels.models import Batch, BatchState, Delivery, DeliveryState
from channels.progress import reached
from channels.reasons import reason
from core.clock import SystemClock
from core.database import Database
from core.work import Queue
from core.work_shared import ProcrastinateQueue
from feeds.models import Notice, Status
from simulator.line import FaultPlan, Simulator, SimulatorOptions
from subscriptions.audience_query import AudienceQuery
from tests.support.engine import (
    add_residents,
    engine_world,
    make_notice,
    small_city,
    user_id,
)
from tests.support.queues import install_schema
from tests.support.senders import senders

pytestmark = pytest.mark.slow

RATE = 20
RESIDENTS = 20_000


@dataclass
class Office:
    """Somebody who steers, and the workers that send for them."""

    database: Database
    queue: Queue
    simulator: Simulator

    async def send(
        self, notice: Notice, wrong: int | None = None, audience: AudienceQuery | None = None
    ) -> int:
        now = SystemClock().now()
        async with self.database.writing() as session:
            if wrong is not None:
                notice.status = Status.CORRECTED
                notice.replaces_id = (await session.get_one(Delivery, wrong)).notice_id
            session.add(notice)
            await session.flush()
            delivery = await dispatch.deliver(
                session,
                self.queue,
                notice,
                small_city(),
                now,
                created_by="a@city",
                medium=LINE,
                audience=audience,
            )
            assert delivery.id is not None
            return delivery.id

    async def steer(self, act: str, delivery: int) -> None:
        now = SystemClock().now()
        async with self.database.writing() as session:
            if act == "resume":
                await dispatch.resume(session, self.queue, delivery, "a@city", now)
            else:
                await getattr(dispatch, act)(session, delivery, "a@city", now)

    async def progress(self, delivery: int) -> dispatch.Progress:
        async with self.database.reading() as session:
            return await dispatch.progress(session, delivery)

    async def planned(self, delivery: int) -> None:
        """Wait until it is known whom it concerns."""
        async with asyncio.timeout(30):
            while not (await self.progress(delivery)).planning_done:
                await asyncio.sleep(0.02)

    async def settled(self, delivery: int) -> dispatch.Progress:
        """Wait until none of its batches is under way."""
        async with asyncio.timeout(30):
            while True:
                async with self.database.reading() as session:
                    if not await outbox.is_being_sent(session, [delivery]):
                        return await dispatch.progress(session, delivery)
                await asyncio.sleep(0.05)

    async def ended(self, delivery: int) -> dispatch.Progress:
        async with asyncio.timeout(60):
            async for state in dispatch.follow(self.database, delivery, every_seconds=0.1):
                if state.ended:
                    return state
        raise AssertionError("the delivery never ended")

    async def after(self, requests: int) -> None:
        """Wait until LINE has taken so many more requests."""
        wanted = self.simulator.ledger.requests + requests
        await self.simulator.wait_until(
            lambda: self.simulator.ledger.requests >= wanted, timeout=40
        )

    async def nothing_more_comes(self) -> None:
        with pytest.raises(TimeoutError):
            seen = len(self.simulator.ledger.entries)
            await self.simulator.wait_until(
                lambda: len(self.simulator.ledger.entries) > seen, timeout=0.8
            )


@pytest.fixture(params=["one process, SQLite", "three workers, PostgreSQL"])
async def office(
    request: pytest.FixtureRequest, tmp_path: Path, new_postgresql_url: Callable[[], str]
) -> AsyncIterator[Office]:
    own = f"sqlite:///{tmp_path}/todoke.sqlite3"
    database = Database(own if "SQLite" in request.param else new_postgresql_url())
    async with database.engine.begin() as connection:
        await connection.run_sync(SQLModel.metadata.create_all)
    await add_residents(database, 1, RESIDENTS, languages=("en",))
    options = SimulatorOptions(any_user=True, faults=FaultPlan.parse("latency=300ms"))
    async with Simulator(options) as simulator:
        if "three" in request.param:
            await install_schema(database.url)
            queue = ProcrastinateQueue(database, SystemClock())
            log = tmp_path / "senders.log"
            async with senders(simulator.url, database, log, rate=RATE):
                yield Office(database, queue, simulator)
        else:
            async with engine_world(
                database, simulator=simulator, line_rate_multicast=RATE
            ) as home:
                yield Office(database, home.queue, simulator)
    await database.close()


async def test_what_is_paused_in_flight_arrives_and_the_rest_waits_and_stops(
    office: Office,
) -> None:
    delivery = await office.send(make_notice("events", level=0, now=SystemClock().now()))
    await office.after(3)
    await office.planned(delivery)
    await office.steer("pause", delivery)
    paused = await office.settled(delivery)
    assert paused.state is DeliveryState.PAUSED
    await office.nothing_more_comes()
    paused = await office.settled(delivery)
    assert 0 < paused.sent == office.simulator.ledger.deliveries_total < RESIDENTS
    assert paused.failed == paused.skipped == 0

    await office.steer("resume", delivery)
    await office.after(3)
    await office.steer("stop", delivery)
    await office.settled(delivery)
    await office.nothing_more_comes()
    stopped = await office.settled(delivery)
    assert stopped.state is DeliveryState.STOPPED
    assert stopped.reason == reason("delivery.stopped", name="a@city")
    assert stopped.sent > paused.sent
    assert (stopped.sent + stopped.skipped, stopped.waiting, stopped.failed) == (RESIDENTS, 0, 0)
    assert office.simulator.ledger.counts_by_times() == {1: stopped.sent}
    await says_who_got_it(office, delivery)


async def says_who_got_it(office: Office, delivery: int) -> None:
    """The answer whether somebody got it matches what LINE did."""
    counted = office.simulator.ledger.recipients()
    async with office.database.reading() as session:
        for number in range(1, RESIDENTS + 1, 977):
            found = await reached(session, delivery, number)
            assert found is not None
            assert (found.state is BatchState.SENT) == bool(counted[user_id(number)])
        assert await reached(session, delivery, 10**6) is None


async def test_a_correction_goes_to_who_had_the_wrong_one_and_whom_it_concerns(
    office: Office,
) -> None:
    # LINE delivers and answers an error: residents have it, and we cannot know.
    office.simulator.faults = FaultPlan.parse("latency=200ms,5xx-after=30%,seed=5")
    await add_residents(office.database, RESIDENTS + 1, 700, languages=("my",), events=False)
    wrong = await office.send(make_notice("events", level=0, now=SystemClock().now()))
    await office.after(12)
    correction = await office.send(
        make_notice("evacuation", level=3, now=SystemClock().now()),
        wrong=wrong,
        audience=AudienceQuery("evacuation", 3, language="my", mandatory=True),
    )
    done = await office.ended(correction)
    stopped = await office.settled(wrong)
    assert (stopped.state, stopped.reason) == (DeliveryState.STOPPED, reason("delivery.corrected"))
    assert done.state is DeliveryState.DONE

    title = '"altText":"'
    had: dict[bool, set[str]] = {False: set(), True: set()}
    for entry in office.simulator.ledger.entries:
        assert title.encode() in entry.body
        is_correction = b"#AA00AA" in entry.body or b"#FF2800" in entry.body
        assert not had[is_correction] & set(entry.user_ids), "somebody got it twice"
        had[is_correction].update(entry.user_ids)
    concerned = {user_id(number) for number in range(RESIDENTS + 1, RESIDENTS + 701)}
    assert 0 < len(had[False]) < RESIDENTS
    assert had[True] == had[False] | concerned


async def test_what_is_replaced_stops_and_says_by_what(office: Office) -> None:
    old = await office.send(make_notice("events", level=0, now=SystemClock().now()))
    await office.after(3)
    await office.planned(old)
    notice = make_notice("events", level=0, now=SystemClock().now())
    async with office.database.reading() as session:
        row = await session.get_one(Delivery, old)
    notice.replaces_id = row.notice_id
    new = await office.send(notice)
    replaced = await office.settled(old)
    assert (replaced.state, replaced.reason) == (
        DeliveryState.STOPPED,
        reason("delivery.replaced", id=notice.id),
    )
    done = await office.ended(new)
    assert (done.state, done.sent) == (DeliveryState.DONE, RESIDENTS)
    replaced = await office.settled(old)
    assert (replaced.sent + replaced.skipped, replaced.waiting) == (RESIDENTS, 0)
    async with office.database.reading() as session:
        reasons = set(
            await session.scalars(
                select(col(Batch.error)).where(
                    col(Batch.delivery_id) == old, col(Batch.state) == BatchState.SKIPPED
                )
            )
        )
    assert reasons == {replaced.reason}
