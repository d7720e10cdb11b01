"""Conditions of sending: quiet hours, quota, alerts, pushes, digests."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import col, select

from channels import dispatch
from channels.digest import send_digests
from channels.individual import IndividualMessage, add_individual_messages
from channels.line.medium import LINE
from channels.models import Batch, BatchState, Delivery, DeliveryState
from channels.quiet import quiet_until
from channels.reasons import reason
from city.city import City, Decision, QuietHours
from city.folder import load_city
from core.clock import ManualClock, in_japan
from core.database import Database
from core.work import NoWorkers
from feeds.models import Notice
from simulator.line import SimulatorOptions
from subscriptions.models import Resident
from tests.support.engine import (
    EngineWorld,
    add_residents,
    engine_world,
    make_notice,
    small_city,
    user_id,
)

NIGHT = datetime(2026, 6, 15, 15, 30, tzinfo=UTC)
"""Half past midnight in Japan."""
MORNING = datetime(2026, 6, 15, 22, 0, tzinfo=UTC)
PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def city() -> City:
    return load_city(PROJECT / "deploy" / "city")


# Quiet hours


@given(
    moment=st.integers(0, 366 * 1440).map(
        lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    ),
    start=st.integers(0, 1439),
    end=st.integers(0, 1439),
)
def test_quiet_hours_end_at_their_end_and_hold_nothing_else(
    moment: datetime, start: int, end: int
) -> None:
    until = quiet_until(moment, QuietHours(), start, end)
    here = in_japan(moment)
    minute = here.hour * 60 + here.minute
    length = (end - start) % 1440
    assert (until is not None) == ((minute - start) % 1440 < length)
    if until is not None:
        assert until > moment
        assert until - moment <= timedelta(minutes=length)
        assert quiet_until(until, QuietHours(), start, end) is None


async def test_at_night_only_an_emergency_goes_out(database: Database) -> None:
    await add_residents(database, 1, 30, languages=("en",), quiet=None)
    await add_residents(database, 31, 10, languages=("en",))
    clock = ManualClock(NIGHT)
    async with engine_world(database, clock=clock, running=False) as home:
        routine = await home.send(make_notice("events", level=0, now=clock.now()))
        async with database.reading() as session:
            notice = make_notice("events", level=0, now=clock.now())
            seen = await dispatch.preview(session, notice, home.city, clock.now(), medium=LINE)
        assert (seen.recipients, seen.held_until_morning) == (40, 30)
        emergency = await home.send(make_notice(now=clock.now()))
        for delivery in (routine, emergency):
            await home.engine.plan(str(delivery))
        home.line.limiter.end_urgent(emergency)
        for delivery in (routine, emergency):
            for run in range((await home.row(delivery)).runs):
                await send_now(home, f"{delivery}:{run}")
        assert (await home.progress(emergency)).sent == 40
        held = await home.progress(routine)
        assert (held.sent, held.waiting) == (10, 30)
        assert held.next_at == MORNING
        assert home.queue.busy
        # A message that still waits when quiet hours begin waits for their end, too.
        await clock.advance((MORNING - NIGHT).total_seconds())
        for run in range((await home.row(routine)).runs):
            await send_now(home, f"{routine}:{run}")
        assert (await home.progress(routine)).state is DeliveryState.DONE
    assert home.simulator.ledger.counts_by_times() == {2: 40}


async def send_now(home: EngineWorld, key: str) -> None:
    """Send a run while a clock that stands still is moved on for what waits on it."""
    clock = home.clock
    assert isinstance(clock, ManualClock)
    sending = asyncio.create_task(home.engine.send(key))
    while not sending.done():
        await asyncio.sleep(0.005)
        await clock.advance(0.1)
        await home.engine.watch()
    await sending


async def test_what_has_no_meaning_in_the_morning_is_not_sent_then(database: Database) -> None:
    await add_residents(database, 1, 30, languages=("en",), quiet=None)
    clock = ManualClock(NIGHT)
    async with engine_world(database, clock=clock, running=False) as home:
        notice = make_notice(
            "events", level=0, now=clock.now(), expires_at=NIGHT + timedelta(hours=2)
        )
        delivery = await home.send(notice)
        await home.engine.plan(str(delivery))
        done = await home.progress(delivery)
    assert (done.state, done.sent, done.skipped) == (DeliveryState.DONE, 0, 30)


# The month's quota


async def test_routine_waits_for_a_person_when_the_quota_is_short(database: Database) -> None:
    await add_residents(database, 1, 100, languages=("en",))
    options = SimulatorOptions(any_user=True, quota=150)
    async with engine_world(database, options=options) as home:
        first = await home.send(make_notice(now=home.clock.now()))
        await home.ended(first)
        routine = await home.send(make_notice("events", level=0, now=home.clock.now()))

        async def paused() -> bool:
            return await home.state(routine) is DeliveryState.PAUSED

        await home.until(paused)
        waiting = await home.progress(routine)
        assert "50 messages left, this needs 100" in str(waiting.reason)
        async with database.writing() as session:
            await dispatch.resume(session, home.queue, routine, "a@city", home.clock.now())

        # LINE takes no more of it: that stops it again, and nothing is burnt.
        await home.until(paused)
        after = await home.progress(routine)
    assert after.sent == 0
    assert after.failed == 0
    assert "monthly limit" in str(after.reason)


async def test_an_answer_that_the_quota_does_not_suffice_for_tries_again_by_itself(
    database: Database,
) -> None:
    await add_residents(database, 1, 1, languages=("en",))
    clock = ManualClock(MORNING)
    async with engine_world(
        database, clock=clock, options=SimulatorOptions(any_user=True, quota=0), running=False
    ) as home:
        async with database.writing() as session:
            answer = [{"type": "text", "text": "Report 17 is done."}]
            made = await dispatch.push(
                session, home.queue, 1, answer, "a@city", clock.now(), medium=LINE
            )
            assert made is not None
            number = made.id
        assert number is not None
        await send_now(home, f"{number}:0")
        assert await home.state(number) is DeliveryState.SENDING
        async with database.reading() as session:
            batch = (await session.scalars(select(Batch))).one()
        assert batch.state is BatchState.WAITING
        assert batch.not_before is not None
        assert batch.not_before - clock.now() > timedelta(minutes=50)
        home.simulator.platform.account.quota = 1
        await clock.advance(3600)
        await send_now(home, f"{number}:0")
        assert await home.state(number) is DeliveryState.DONE
    assert home.simulator.ledger.counts_by_times() == {1: 1}


# Personal messages, and equal ones among them


async def test_a_personal_message_is_a_push_and_equal_ones_share_a_request(
    database: Database,
) -> None:
    await add_residents(database, 1, 10, languages=("en",))
    async with engine_world(database) as home:
        async with database.writing() as session:
            one = await dispatch.push(
                session,
                home.queue,
                3,
                [{"type": "text", "text": "Report 17 is done."}],
                "a@city",
                home.clock.now(),
                medium=LINE,
            )
            assert one is not None
            stored = one.id
            gone = await dispatch.push(
                session, home.queue, 99, [], "a@city", home.clock.now(), medium=LINE
            )
            assert gone is None
        assert stored is not None
        await home.ended(stored)
        async with database.writing() as session:
            shared = await session.get_one(Delivery, stored)
            shared.state = DeliveryState.SENDING
            shared.planning_done = True
            text = '[{{"type":"text","text":"{}"}}]'
            parcels = [
                IndividualMessage(
                    number, "en", 0, 0, text.format("same" if number < 8 else number).encode()
                )
                for number in range(4, 11)
            ]
            await add_individual_messages(session, home.queue, shared, parcels, LINE)
        done = await home.ended(stored)
    assert done.sent == 8
    kinds = sorted((entry.endpoint, entry.recipients) for entry in home.simulator.ledger.entries)
    assert kinds == [("multicast", 4), ("push", 1), ("push", 1), ("push", 1), ("push", 1)]


# Deliveries of another process


async def test_the_service_finds_a_delivery_that_another_process_wrote(
    database: Database,
) -> None:
    await add_residents(database, 1, 25, languages=("en",))
    async with engine_world(database) as home:
        async with database.writing() as session:
            notice = make_notice(now=home.clock.now())
            session.add(notice)
            await session.flush()
            delivery = await dispatch.deliver(
                session,
                NoWorkers(),
                notice,
                home.city,
                home.clock.now(),
                created_by="shell:a",
                medium=LINE,
            )
            again = await dispatch.deliver(
                session,
                NoWorkers(),
                notice,
                home.city,
                home.clock.now(),
                created_by="shell:a",
                medium=LINE,
            )
        assert delivery.id is not None
        assert again.id == delivery.id
        done = await home.ended(delivery.id)
    assert done.sent == 25


# Digests


async def test_a_digest_goes_to_each_resident_once_a_day(database: Database) -> None:
    await add_residents(database, 1, 60, languages=("en", "ja"))
    six = datetime(2026, 6, 15, 9, 0, tzinfo=UTC)
    clock = ManualClock(six + timedelta(minutes=1))
    async with database.writing() as session:
        for minutes in (10, 20):
            notice = make_notice("events", level=0, now=six - timedelta(minutes=minutes))
            notice.decision = Decision.DIGEST
            session.add(notice)
    async with engine_world(database, clock=clock, running=False) as home:
        city = small_city()
        assert await send_digests(database, home.queue, city, clock, [LINE]) == 60
        assert await send_digests(database, home.queue, city, clock, [LINE]) == 0
        async with database.reading() as session:
            batches = list(await session.scalars(select(Batch)))
        assert sorted(batch.size for batch in batches) == [30, 30]
        for key in sorted({f"{batch.delivery_id}:{batch.run}" for batch in batches}):
            await send_now(home, key)
        async with database.reading() as session:
            states = set(await session.scalars(select(col(Batch.state))))
    assert states == {BatchState.SENT}
    assert home.simulator.ledger.counts_by_times() == {1: 60}
    (entry, *_) = home.simulator.ledger.deliveries(user_id(2))
    (carousel,) = entry.messages
    assert len(carousel["contents"]["contents"]) == 2


async def test_what_is_replaced_stops_being_sent(database: Database) -> None:
    await add_residents(database, 1, 20, languages=("en",))
    async with engine_world(database, running=False) as home:
        old = make_notice("events", level=0, now=home.clock.now())
        first = await home.send(old)
        await home.engine.plan(str(first))
        new = make_notice("events", level=0, now=home.clock.now(), replaces_id=old.id)
        await home.send(new)
        stopped = await home.progress(first)
        async with database.reading() as session:
            assert await session.get(Resident, 1) is not None
            assert await session.get(Notice, old.id) is not None
    assert stopped.state is DeliveryState.STOPPED
    assert stopped.reason == reason("delivery.replaced", id=new.id)
    assert stopped.skipped == 20
