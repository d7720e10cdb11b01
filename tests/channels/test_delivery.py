"""Promise 2: a notice reaches every resident it concerns, once, in their language."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlmodel import col, select

from channels import dispatch
from channels.line.medium import LINE
from channels.models import ChannelStop, Delivery, DeliveryState
from channels.progress import reached
from channels.reasons import reason
from core.database import Database
from feeds.models import Status
from simulator.line import FaultPlan, SimulatorOptions
from subscriptions import residents
from tests.support.engine import LANGUAGES, add_residents, engine_world, make_notice, user_id


async def test_everybody_gets_it_once_in_their_own_language(database: Database) -> None:
    await add_residents(database, 1, 3_333)
    async with engine_world(database) as home:
        delivery = await home.send(make_notice(now=home.clock.now()))
        done = await home.ended(delivery)
    assert done.state is DeliveryState.DONE
    assert (done.recipients, done.sent, done.failed, done.skipped) == (3_333, 3_333, 0, 0)
    counted = home.simulator.ledger.recipients()
    assert set(counted.values()) == {1}
    assert len(counted) == 3_333
    for number in (1, 2, 3, 4, 3_333):
        (entry,) = home.simulator.ledger.deliveries(user_id(number))
        language = LANGUAGES[number % len(LANGUAGES)]
        assert entry.messages[0]["altText"].splitlines()[0].endswith(language)
    # One request for each 500 of a language, whatever the chunks of planning were.
    assert done.batches == sum(
        -(-len([n for n in range(1, 3_334) if n % 4 == turn]) // 500) for turn in range(4)
    )
    assert done.first_sent_at is not None
    assert done.last_sent_at is not None


async def test_languages_without_words_of_their_own_share_the_requests(
    database: Database,
) -> None:
    await add_residents(database, 1, 1_100)
    async with engine_world(database) as home:
        only_japanese = home.city.model_copy(update={"languages": ("ja",)})
        async with database.writing() as session:
            notice = make_notice(now=home.clock.now(), languages=("ja",))
            session.add(notice)
            await session.flush()
            delivery = await dispatch.deliver(
                session,
                home.queue,
                notice,
                only_japanese,
                home.clock.now(),
                created_by="a@city",
                medium=LINE,
            )
        assert delivery.id is not None
        done = await home.ended(delivery.id)
    assert (done.recipients, done.sent, done.batches) == (1_100, 1_100, 3)
    assert home.simulator.ledger.counts_by_times() == {1: 1_100}


async def test_nobody_twice_though_line_fails_in_every_way(database: Database) -> None:
    await add_residents(database, 1, 6_000)
    plan = FaultPlan.parse("5xx-before=10%,5xx-after=10%,drop=10%,429=5%,seed=3")
    options = SimulatorOptions(any_user=True, faults=plan)
    async with engine_world(database, options=options) as home:
        delivery = await home.send(make_notice(now=home.clock.now()))
        done = await home.ended(delivery)
    assert done.sent == 6_000
    assert home.simulator.ledger.counts_by_times() == {1: 6_000}
    assert done.retries > 0


@pytest.mark.slow
async def test_more_about_an_alarm_makes_no_second_sound_and_never_takes_its_place(
    database: Database,
) -> None:
    await add_residents(database, 1, 1_200)
    async with engine_world(database, running=False) as home:
        now = home.clock.now()
        alarm = await home.send(make_notice(now=now, identity="flash", emergency=True))
        async with database.reading() as session:
            told = await session.scalar(select(Delivery.notice_id).where(col(Delivery.id) == alarm))
        update = make_notice(now=now, identity="detail", emergency=True)
        update.replaces_id, update.silent = told, True
        more = await home.send(update)
        for delivery in (alarm, more):
            await home.engine.plan(str(delivery))
            row = await home.row(delivery)
            for run in range(row.runs):
                await home.engine.send(f"{delivery}:{run}")
        first, second = await home.progress(alarm), await home.progress(more)
    assert (first.sent, second.sent) == (1_200, 1_200)
    sounds = [entry.silent for entry in home.simulator.ledger.deliveries(user_id(7))]
    assert sounds == [False, True]


async def test_whoever_left_meanwhile_is_skipped_and_counted(database: Database) -> None:
    await add_residents(database, 1, 700, languages=("my",))
    async with engine_world(database, running=False) as home:
        delivery = await home.send(make_notice(now=home.clock.now()))
        await home.engine.plan(str(delivery))
        async with database.writing() as session:
            for number in (3, 600):
                await residents.unfollow(session, home.city, user_id(number), home.clock.now())
        await home.engine.send(f"{delivery}:0")
        done = await home.progress(delivery)
        async with database.reading() as session:
            left = await reached(session, delivery, 3)
            here = await reached(session, delivery, 4)
            stranger = await reached(session, delivery, 4711)
    assert (done.state, done.sent, done.skipped) == (DeliveryState.DONE, 698, 2)
    assert left is not None
    assert left.absent
    assert here is not None
    assert not here.absent
    assert here.request_id
    assert stranger is None


async def test_a_refused_recipient_costs_nobody_else_the_message(database: Database) -> None:
    await add_residents(database, 1, 1_000, languages=("en",))
    async with engine_world(database) as home:
        for number in (17, 803):
            home.simulator.users.reject(user_id(number))
        delivery = await home.send(make_notice(now=home.clock.now()))
        done = await home.ended(delivery)
        async with database.reading() as session:
            refused = await reached(session, delivery, 17)
    assert (done.state, done.sent, done.failed) == (DeliveryState.DONE, 998, 2)
    assert home.simulator.ledger.counts_by_times() == {1: 998}
    assert refused is not None
    assert refused.state.value == "failed"


@pytest.mark.slow
async def test_a_delivery_can_be_paused_resumed_and_stopped(database: Database) -> None:
    await add_residents(database, 1, 20_000, languages=("en",))
    async with engine_world(database, line_rate_multicast=20) as home:
        delivery = await home.send(make_notice(now=home.clock.now()))

        async def some() -> bool:
            now = await home.progress(delivery)
            return now.sent > 0 and now.planning_done

        await home.until(some)
        async with database.writing() as session:
            await dispatch.pause(session, delivery, "a@city", home.clock.now())

        async def quiet() -> bool:
            return not home.engine.active

        await home.until(quiet)
        before = await home.progress(delivery)
        assert before.state is DeliveryState.PAUSED
        assert 0 < before.sent < 20_000
        assert home.simulator.ledger.deliveries_total == before.sent
        async with database.writing() as session:
            await dispatch.resume(session, home.queue, delivery, "a@city", home.clock.now())

        async def more() -> bool:
            return (await home.progress(delivery)).sent > before.sent

        await home.until(more)
        async with database.writing() as session:
            await dispatch.stop(session, delivery, "a@city", home.clock.now())
        await home.until(quiet)
        after = await home.progress(delivery)
    assert after.state is DeliveryState.STOPPED
    assert after.sent + after.skipped == 20_000
    assert after.waiting == 0
    assert home.simulator.ledger.deliveries_total == after.sent
    assert home.simulator.ledger.counts_by_times() == {1: after.sent}


async def test_a_correction_reaches_exactly_those_who_had_the_wrong_one(
    database: Database,
) -> None:
    await add_residents(database, 1, 2_000, languages=("en",))
    async with engine_world(database, line_rate_multicast=1) as home:
        wrong = await home.send(make_notice("events", level=0, now=home.clock.now()))

        async def some() -> bool:
            return (await home.progress(wrong)).sent > 0

        await home.until(some)
        async with database.writing() as session:
            notice = make_notice("evacuation", level=3, now=home.clock.now())
            notice.status = Status.CORRECTED
            notice.replaces_id = (await session.get_one(Delivery, wrong)).notice_id
            session.add(notice)
            await session.flush()
            # Whom it concerns itself: nobody, no Burmese reader is there.
            query = dispatch.audience_of(notice, home.city)
            query = type(query)(query.topic, query.level, (), "my", mandatory=True)
            correction = await dispatch.deliver(
                session,
                home.queue,
                notice,
                home.city,
                home.clock.now(),
                created_by="a@city",
                audience=query,
                medium=LINE,
            )
            correction_id = correction.id
        assert correction_id is not None
        done = await home.ended(correction_id)
    counted = home.simulator.ledger.recipients()
    assert set(counted.values()) == {2}
    assert done.sent == len(counted) < 2_000


async def test_an_expired_notice_stops(database: Database) -> None:
    await add_residents(database, 1, 5_000, languages=("en",))
    async with engine_world(database, line_rate_multicast=2) as home:
        now = home.clock.now()
        notice = make_notice(now=now, expires_at=now + timedelta(seconds=1.5))
        delivery = await home.send(notice)
        done = await home.ended(delivery)

        async def quiet() -> bool:
            return not home.engine.active

        await home.until(quiet)
        done = await home.progress(delivery)
    assert done.state is DeliveryState.STOPPED
    assert done.reason == reason("delivery.expired")
    assert 0 < done.sent < 5_000
    assert done.sent + done.skipped == 5_000
    assert home.simulator.ledger.deliveries_total == done.sent


async def test_a_wrong_token_stops_the_channel_until_it_is_right(database: Database) -> None:
    await add_residents(database, 1, 1_000, languages=("en",))
    options = SimulatorOptions(any_user=True, faults=FaultPlan(unauthorized=True))
    async with engine_world(database, options=options) as home:
        delivery = await home.send(make_notice(now=home.clock.now()))

        async def stopped() -> bool:
            return await home.engine.channels["line"].guard.is_stopped()

        await home.until(stopped)
        before = await home.progress(delivery)
        assert (before.sent, before.failed) == (0, 0)
        await asyncio.sleep(0)
        home.simulator.faults = FaultPlan()
        async with database.writing() as session:
            stop = (await session.scalars(select(ChannelStop))).one()
            stop.checked_at = home.clock.now().replace(year=2020)
        assert not await home.engine.channels["line"].guard.is_stopped()
        await home.engine.recover()
        done = await home.ended(delivery)
    assert done.sent == 1_000
    assert home.simulator.ledger.counts_by_times() == {1: 1_000}
