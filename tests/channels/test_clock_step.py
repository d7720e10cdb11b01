"""The machine's clock jumps in the middle of an emergency: everybody still gets it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from sqlalchemy import update
from sqlmodel import select

from channels import outbox
from channels.line.medium import LINE
from channels.models import Batch, BatchState, Delivery, DeliveryState
from core import clock_marks
from core.clock import SystemClock
from core.database import Database
from core.steady import SteadyClock, in_doubt
from simulator.line import FaultPlan
from tests.support.clocks import WrongClock
from tests.support.engine import EngineWorld, add_residents, engine_world, make_notice

MANY = 3_000
DAY, HOUR, TWO_MONTHS = timedelta(days=1), timedelta(hours=1), timedelta(days=60)


async def batches(home: EngineWorld) -> list[Batch]:
    async with home.database.reading() as session:
        return list(await session.scalars(select(Batch)))


def some_were_tried(home: EngineWorld) -> Callable[[], Awaitable[bool]]:
    async def found() -> bool:
        return any(batch.error for batch in await batches(home))

    return found


def everybody_once(home: EngineWorld) -> bool:
    return home.simulator.ledger.counts_by_times() == {1: MANY}


@pytest.mark.slow
@pytest.mark.parametrize("step", [DAY, -HOUR, TWO_MONTHS], ids=["ahead", "back", "two months"])
async def test_a_step_stops_and_skips_nobody_in_the_middle_of_an_emergency(
    database: Database, step: timedelta
) -> None:
    machine = WrongClock()
    clock = SteadyClock(machine)
    async with engine_world(database, clock=clock) as home:
        await add_residents(database, 1, MANY)
        home.simulator.faults = FaultPlan(proxy=404)
        valid = clock.now() + timedelta(hours=3)
        delivery = await home.send(make_notice(level=5, now=clock.now(), expires_at=valid))
        await home.until(some_were_tried(home))
        machine.ahead = step
        # Whoever looks for what has expired, and whoever plans and claims, looks now.
        await home.engine.look()
        await home.engine.watch()
        await home.engine.recover()
        assert in_doubt(clock)
        assert await home.state(delivery) in outbox.UNDER_WAY
        machine.ahead = timedelta(0)
        await home.engine.look()
        home.simulator.faults = FaultPlan()
        done = await home.ended(delivery)
        assert (done.state, done.sent, done.skipped, done.failed) == ("done", MANY, 0, 0)
    assert everybody_once(home)


async def test_an_emergency_goes_out_while_the_clock_is_in_doubt(database: Database) -> None:
    machine = WrongClock()
    clock = SteadyClock(machine)
    async with engine_world(database, clock=clock) as home:
        await add_residents(database, 1, MANY)
        machine.ahead = DAY
        assert in_doubt(clock)
        valid = clock.now() + timedelta(hours=3)
        delivery = await home.send(make_notice(level=5, now=clock.now(), expires_at=valid))
        done = await home.ended(delivery)
        assert (done.state, done.sent) == ("done", MANY)


async def test_what_a_wrong_clock_put_off_goes_at_once(database: Database) -> None:
    """Its batches were written with a date two days ahead; an emergency waits for seconds only."""
    async with engine_world(database, running=False) as home:
        await add_residents(database, 1, MANY)
        now = home.clock.now()
        delivery = await home.send(make_notice(level=5, now=now))
        await home.engine.plan(str(delivery))
        async with database.writing() as session:
            await session.execute(update(Batch).values(not_before=now + timedelta(days=2)))
        async with database.reading() as session:
            row = await session.get_one(Delivery, delivery)
            assert await outbox.has_ready(session, delivery, now)
            runs = await outbox.unfinished_runs(session, row, now)
        assert runs
        assert all(not_before is None for _, not_before in runs)
        for run, _ in runs:
            await home.engine.send(f"{delivery}:{run}")
        assert (await home.progress(delivery)).sent == MANY
        assert await home.state(delivery) is DeliveryState.DONE


@pytest.mark.parametrize("hours", [0.5, 8])
async def test_a_wait_that_a_rule_gives_is_kept(database: Database, hours: float) -> None:
    async with engine_world(database, running=False) as home:
        await add_residents(database, 1, 10)
        now = home.clock.now()
        delivery = await home.send(make_notice("events", level=0, now=now))
        await home.engine.plan(str(delivery))
        async with database.writing() as session:
            later = now + timedelta(hours=hours)
            await session.execute(update(Batch).values(not_before=later))
        async with database.reading() as session:
            row = await session.get_one(Delivery, delivery)
            assert not await outbox.has_ready(session, delivery, now)
            assert [at for _, at in await outbox.unfinished_runs(session, row, now)] == [later]


async def test_whether_line_took_it_is_not_given_up_by_a_date_in_doubt(
    database: Database,
) -> None:
    async with engine_world(database, running=False) as home:
        await add_residents(database, 1, 10)
        now = home.clock.now()
        delivery = await home.send(make_notice(level=5, now=now))
        await home.engine.plan(str(delivery))
        long_ago = now - timedelta(hours=24)
        async with database.writing() as session:
            await session.execute(update(Batch).values(first_tried_at=long_ago))
            claim = {
                "now": now,
                "quiet": home.city.quiet_hours,
                "worker": "test",
                "key_life": LINE.key_life,
            }
            run = await outbox.claim(session, delivery, 0, sure=False, **claim)  # type: ignore[arg-type]
            assert run is not None
            assert not run.batches
        assert {batch.state for batch in await batches(home)} == {BatchState.WAITING}
        async with database.writing() as session:
            later = now + timedelta(minutes=1)
            await outbox.claim(session, delivery, 0, **{**claim, "now": later})  # type: ignore[arg-type]
        assert {batch.state for batch in await batches(home)} == {BatchState.FAILED}


async def test_lines_own_date_decides_over_http(database: Database) -> None:
    """The simulator's answers have the real date, as LINE's do."""
    machine = WrongClock()
    clock = SteadyClock(machine)
    async with engine_world(database, clock=clock, running=False) as home:
        machine.ahead = DAY
        await home.line.check_token()
        assert clock.doubt is not None
        assert clock.doubt.against == "LINE"
        assert abs(clock.now() - SystemClock().now()) < timedelta(seconds=5)
    machine = WrongClock()
    machine.ahead = -DAY
    clock = SteadyClock(machine)
    async with engine_world(database, clock=clock, running=False) as home:
        machine.ahead = timedelta(0)
        assert in_doubt(clock)
        await home.line.check_token()
        assert not in_doubt(clock)
        assert abs(clock.now() - SystemClock().now()) < timedelta(seconds=5)


async def test_the_newest_moment_is_kept_and_a_new_process_goes_on_from_it(
    database: Database,
) -> None:
    machine = WrongClock()
    clock = SteadyClock(machine)
    async with database.writing() as session:
        await clock_marks.keep(session, clock, "this boot", settled=True)
    machine.ahead = TWO_MONTHS
    for boot, knows in (("this boot", True), ("the next one", False)):
        following = SteadyClock(machine)
        async with database.reading() as session:
            await clock_marks.begin(session, following, boot)
        assert following.doubt is not None
        assert following.doubt.at_least is not knows
        assert abs(following.now() - SystemClock().now()) < timedelta(seconds=5)
    async with database.writing() as session:
        await clock_marks.keep(session, following, "the next one", settled=False)
        (mark,) = await clock_marks.doubts(session, following.now())
        assert mark.doubt_s == pytest.approx(TWO_MONTHS.total_seconds(), abs=5)
        assert mark.doubt_s is not None
        await clock_marks.accept(session, mark.boot, mark.doubt_s)
    async with database.writing() as session:
        await clock_marks.keep(session, following, "the next one", settled=False)
        assert await clock_marks.doubts(session, following.now()) == []
    assert following.now() == pytest.approx(machine.now(), abs=timedelta(seconds=1))
