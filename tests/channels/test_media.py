"""Promise 2 for every medium: the engine plans, sends, pauses, corrects and survives its death
for a medium it knows nothing of as it does for LINE."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import col, select

from channels import dispatch, outbox
from channels.chain import chain_of
from channels.engine import Engine
from channels.models import Batch, BatchState, ChannelStop, Delivery, DeliveryState
from channels.progress import Progress, detailed, reached
from channels.responses import About, Busy, QuotaReached, Refused, Unavailable
from core.clock import SystemClock
from core.database import Database
from core.errors import TodokeError
from core.work import NoWorkers
from feeds.models import Notice, Status
from tests.support.clocks import HastyClock
from tests.support.engine import (
    LANGUAGES,
    add_residents,
    engine_world,
    make_notice,
    small_city,
    user_id,
)
from tests.support.listed import ListMedium, Recipients

NOON = datetime(2026, 5, 29, 3, tzinfo=UTC)
PEOPLE = 30


@dataclass
class House:
    """An engine whose only medium is a list, driven by hand."""

    database: Database
    clock: HastyClock
    recipients: Recipients
    medium: ListMedium
    engine: Engine

    async def send(self, notice: Notice, **options: object) -> int:
        """Write a delivery by the list."""
        async with self.database.writing() as session:
            session.add(notice)
            await session.flush()
            delivery = await dispatch.deliver(
                session,
                NoWorkers(),
                notice,
                small_city(),
                self.clock.now(),
                medium=self.medium,
                created_by="a@city",
                **options,  # type: ignore[arg-type]
            )
            assert delivery.id is not None
            return delivery.id

    async def work(self, delivery: int, *, rounds: int = 40) -> Progress:
        """Plan and send a delivery, through all waits, until nothing of it is open."""
        await self.engine.plan(str(delivery))
        for _ in range(rounds):
            runs = await self.open_runs(delivery)
            if not runs:
                break
            moments = [at for _, at in runs if at is not None]
            if len(moments) == len(runs):
                self.clock.skip((min(moments) - self.clock.now()).total_seconds())
            for run, _ in runs:
                await self.engine.send(f"{delivery}:{run}")
        return await self.progress(delivery)

    async def open_runs(self, delivery: int) -> list[tuple[int, datetime | None]]:
        async with self.database.reading() as session:
            row = await session.get_one(Delivery, delivery)
            if row.state not in outbox.UNDER_WAY:
                return []
            return await outbox.unfinished_runs(session, row, self.clock.now())

    async def progress(self, delivery: int) -> Progress:
        async with self.database.reading() as session:
            return await detailed(session, delivery, self.clock.now())

    async def batches(self, delivery: int) -> list[Batch]:
        async with self.database.reading() as session:
            statement = select(Batch).where(col(Batch.delivery_id) == delivery)
            return list(await session.scalars(statement.order_by(col(Batch.id))))

    async def steer(self, act: str, delivery: int) -> None:
        """Pause, resume or stop, as staff do; the engine's watch sees it at once."""
        async with self.database.writing() as session:
            given = (session, delivery, "a@city", self.clock.now())
            if act == "pause":
                await dispatch.pause(*given)
            elif act == "stop":
                await dispatch.stop(*given)
            else:
                await dispatch.resume(session, NoWorkers(), *given[1:])
        await self.engine.watch()

    def counted(self) -> Counter[str]:
        """How many messages each address has."""
        return Counter(address for address, _ in self.recipients.got)


def house(
    database: Database, recipients: Recipients, clock: HastyClock, rate: int | None = None
) -> House:
    medium = ListMedium(clock, recipients, rate)
    engine = Engine(database, small_city(), clock, NoWorkers(), [medium], worker="test", seed=1)
    return House(database, clock, recipients, medium, engine)


@pytest.fixture
async def home(database: Database) -> House:
    await add_residents(database, 1, PEOPLE)
    return house(database, Recipients(), HastyClock(NOON))


def everybody() -> dict[str, int]:
    return {user_id(number): 1 for number in range(1, PEOPLE + 1)}


async def test_it_is_planned_sent_and_counted_like_any_other(home: House) -> None:
    notice = make_notice(now=NOON)
    delivery = await home.send(notice)
    done = await home.work(delivery)
    assert home.counted() == everybody()
    language = dict(home.recipients.got)
    for number in range(1, PEOPLE + 1):
        assert language[user_id(number)] == notice.texts[LANGUAGES[number % 4]]["title"]
    assert (done.state, done.recipients, done.sent) == (DeliveryState.DONE, PEOPLE, PEOPLE)
    batches = await home.batches(delivery)
    # Four languages with seven or eight residents each, at most four of them in a batch.
    assert (len(batches), max(batch.size for batch in batches)) == (8, 4)
    assert {batch.endpoint for batch in batches} == {"list"}
    assert {batch.request_id for batch in batches} == set(home.recipients.keys.values())
    assert {name: each["sent"] for name, each in done.by_language.items()} == {
        "ja": 7,
        "ja-x-easy": 8,
        "en": 8,
        "my": 7,
    }


@pytest.mark.parametrize(
    ("failures", "silent"),
    [
        ([Unavailable("no answer") for _ in range(12)], 0),
        ([], 8),
        ([Busy("too fast", retry_after=2.0) for _ in range(12)], 0),
        ([Unavailable("no answer"), Busy("too fast"), Unavailable("no answer")] * 3, 3),
    ],
    ids=["no answer", "no answer, though it acted", "too fast", "by turns"],
)
async def test_what_fails_is_tried_again_with_the_same_key(
    home: House, failures: list[TodokeError], silent: int
) -> None:
    home.recipients.failures, home.recipients.silent_failures = list(failures), silent
    delivery = await home.send(make_notice(now=NOON))
    done = await home.work(delivery)
    assert home.counted() == everybody()
    assert (done.sent, done.failed, done.state) == (PEOPLE, 0, DeliveryState.DONE)
    assert set(home.recipients.attempts) == {
        each.retry_key for each in await home.batches(delivery)
    }
    assert len(home.recipients.attempts) == 8 + len(failures) + silent


async def test_a_message_that_is_refused_is_given_up_and_the_others_go(home: House) -> None:
    notice = make_notice(now=NOON)
    home.recipients.bad_titles = {notice.texts["en"]["title"]}
    done = await home.work(await home.send(notice))
    english = {user_id(number) for number in range(1, PEOPLE + 1) if number % 4 == 2}
    assert home.counted() == {each: 1 for each in everybody() if each not in english}
    assert (done.sent, done.failed) == (PEOPLE - len(english), len(english))


async def test_a_recipient_who_is_refused_is_found_and_nobody_else_misses_it(home: House) -> None:
    home.recipients.refused = {user_id(7), user_id(8)}
    done = await home.work(await home.send(make_notice(now=NOON)))
    assert home.counted() == {
        each: 1 for each in everybody() if each not in (user_id(7), user_id(8))
    }
    assert (done.sent, done.failed) == (PEOPLE - 2, 2)


async def test_an_address_that_is_gone_is_struck_out_and_counted_as_skipped(home: House) -> None:
    home.recipients.gone = {user_id(5), user_id(22)}
    delivery = await home.send(make_notice(now=NOON))
    done = await home.work(delivery)
    assert home.counted() == {
        each: 1 for each in everybody() if each not in (user_id(5), user_id(22))
    }
    assert (done.sent, done.failed, done.skipped) == (PEOPLE - 2, 0, 2)
    assert sorted(home.recipients.struck_out) == [5, 22]
    async with home.database.reading() as session:
        found = await reached(session, delivery, 5)
    assert found is not None
    assert (found.state, found.absent) == (BatchState.SKIPPED, True)


async def test_a_request_that_is_refused_costs_its_own_recipients_only(home: House) -> None:
    home.recipients.failures = [Refused("too large", About.BATCH)]
    delivery = await home.send(make_notice(now=NOON))
    done = await home.work(delivery)
    lost = next(each for each in await home.batches(delivery) if each.state is BatchState.FAILED)
    assert (done.sent, done.failed) == (PEOPLE - lost.size, lost.size)


@pytest.mark.parametrize(
    "failure",
    [Refused("no such path", About.OTHER), QuotaReached("the month's messages are used up")],
    ids=["refused for another reason", "quota"],
)
async def test_what_is_nobodys_fault_waits_for_a_person(home: House, failure: TodokeError) -> None:
    home.recipients.failures = [failure]
    delivery = await home.send(make_notice("events", level=0, now=NOON))
    waiting = await home.work(delivery)
    assert (waiting.state, waiting.failed) == (DeliveryState.PAUSED, 0)
    await home.steer("resume", delivery)
    done = await home.work(delivery)
    assert home.counted() == everybody()
    assert (done.state, done.sent) == (DeliveryState.DONE, PEOPLE)


async def test_an_emergency_waits_for_nobody(home: House) -> None:
    home.recipients.failures = [Refused("no such path", About.OTHER) for _ in range(8)]
    done = await home.work(await home.send(make_notice(level=5, now=NOON)))
    assert (done.state, done.sent) == (DeliveryState.DONE, PEOPLE)
    assert home.counted() == everybody()


async def test_routine_asks_whether_the_plan_has_room(home: House) -> None:
    home.recipients.room = PEOPLE - 1
    delivery = await home.send(make_notice("events", level=0, now=NOON))
    assert (await home.work(delivery)).state is DeliveryState.PAUSED
    assert not home.recipients.attempts
    await home.steer("resume", delivery)
    assert (await home.work(delivery)).sent == PEOPLE


async def test_a_channel_that_is_refused_stops_and_goes_on_when_it_is_let_in(home: House) -> None:
    home.recipients.locked = True
    delivery = await home.send(make_notice(now=NOON))
    await home.work(delivery, rounds=3)
    assert not home.recipients.got
    async with home.database.reading() as session:
        stop = await session.get(ChannelStop, "list")
        assert stop is not None
        assert str(stop.reason) == "locked"
    home.clock.skip(11)
    assert await home.engine.channels["list"].guard.is_stopped()
    home.recipients.locked = False
    home.clock.skip(11)
    done = await home.work(delivery)
    assert home.counted() == everybody()
    assert (done.sent, done.failed) == (PEOPLE, 0)


async def test_a_pause_halts_it_a_stop_ends_it_and_the_figures_say_so(database: Database) -> None:
    await add_residents(database, 1, PEOPLE)
    home = house(database, Recipients(), HastyClock(NOON), rate=1)
    seen = 0

    async def pause_at_the_third() -> None:
        nonlocal seen
        seen += 1
        if seen == 3:
            await home.steer("pause", delivery)

    home.recipients.meanwhile = pause_at_the_third
    delivery = await home.send(make_notice("events", level=0, now=NOON))
    paused = await home.work(delivery)
    assert paused.state is DeliveryState.PAUSED
    assert 0 < len(home.recipients.keys) < 8
    assert paused.sent == len(home.recipients.got)
    assert paused.sent + paused.waiting == PEOPLE
    await home.steer("stop", delivery)
    stopped = await home.work(delivery)
    assert (stopped.state, stopped.sent) == (DeliveryState.STOPPED, paused.sent)
    assert stopped.skipped == PEOPLE - paused.sent
    assert len(home.recipients.got) == paused.sent


async def test_a_correction_goes_to_whoever_this_medium_told(database: Database) -> None:
    await add_residents(database, 1, PEOPLE, events=False)
    home = house(database, Recipients(refused={user_id(7)}), HastyClock(NOON))
    wrong = make_notice(now=NOON)
    await home.work(await home.send(wrong))
    home.recipients.refused = set()
    home.recipients.got.clear()
    await add_residents(database, PEOPLE + 1, 5, events=False)
    home.clock.skip(60)
    # By itself it would concern nobody.
    right = make_notice(
        "events", level=0, now=home.clock.now(), status=Status.CANCELLED, replaces_id=wrong.id
    )
    done = await home.work(await home.send(right))
    assert done.kind == "correction"
    assert home.counted() == {each: 1 for each in everybody() if each != user_id(7)}
    async with database.reading() as session:
        assert len((await chain_of(session, wrong.id, "list")).delivered) == 2
        # LINE told nobody of it.
        assert not (await chain_of(session, wrong.id, "line")).delivered


async def test_an_emergency_overtakes_what_is_no_emergency(home: House) -> None:
    routine = await home.send(make_notice("events", level=0, now=NOON))
    await home.engine.plan(str(routine))
    emergency = await home.send(make_notice(level=5, now=NOON))
    await home.engine.plan(str(emergency))
    waiting = asyncio.create_task(home.work(routine))
    await asyncio.wait({waiting}, timeout=0.2)
    assert not home.recipients.got
    await home.work(emergency)
    assert home.counted() == everybody()
    await home.engine.watch()
    assert (await waiting).sent == PEOPLE
    assert set(home.counted().values()) == {2}


async def test_the_pace_is_kept(database: Database) -> None:
    await add_residents(database, 1, 60)
    clock, recipients = HastyClock(NOON), Recipients()
    made = house(database, recipients, clock, rate=3)
    moments: list[float] = []

    async def note() -> None:
        moments.append(clock.monotonic())

    recipients.meanwhile = note
    await made.work(await made.send(make_notice(now=NOON)))
    assert len(moments) == 16
    assert all(later - first >= 1.0 for first, later in zip(moments, moments[3:], strict=False))


async def test_a_medium_without_keys_never_repeats_what_may_have_gone(database: Database) -> None:
    await add_residents(database, 1, PEOPLE)
    made = house(database, Recipients(silent_failures=1), HastyClock(NOON))
    made.medium.key_life = timedelta(0)
    done = await made.work(await made.send(make_notice(now=NOON)))
    assert made.counted() == everybody()
    assert len(made.recipients.attempts) == 8
    assert done.sent + done.failed == PEOPLE
    assert 3 <= done.failed <= 4


async def test_everybody_once_though_the_process_is_killed_again_and_again(
    database: Database,
) -> None:
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    chance = random.Random(seed)
    people = 200
    await add_residents(database, 1, people)
    recipients, clock = Recipients(), HastyClock(NOON)
    made = house(database, recipients, clock)
    delivery = await made.send(make_notice(now=NOON))
    for _ in range(8):
        made = house(database, recipients, clock)
        await made.engine.recover()
        await _killed_at(made, delivery, chance.randint(1, 8), act=chance.random() < 0.5)
    recipients.meanwhile = None
    made = house(database, recipients, clock)
    await made.engine.recover()
    done = await made.work(delivery)
    assert (done.state, done.sent, done.failed) == (DeliveryState.DONE, people, 0)
    assert Counter(address for address, _ in recipients.got) == {
        user_id(number): 1 for number in range(1, people + 1)
    }


async def _killed_at(made: House, delivery: int, number: int, *, act: bool) -> None:
    """Work until an attempt, and let nothing of the process live on but what was committed."""
    dying = asyncio.Event()
    left = number

    async def die() -> None:
        nonlocal left
        left -= 1
        if left <= 0:
            dying.set()
            if not act:
                await asyncio.Event().wait()

    made.recipients.meanwhile = die
    working = asyncio.create_task(made.work(delivery))
    watching = asyncio.create_task(dying.wait())
    await asyncio.wait({working, watching}, return_when=asyncio.FIRST_COMPLETED)
    watching.cancel()
    # Between two transactions: one cut short is one that never was.
    async with made.database.writing():
        writer = made.engine.channels["list"].sender._recorder._writer
        tasks = [working, *([writer] if writer else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_two_media_do_not_know_of_each_other(database: Database) -> None:
    await add_residents(database, 1, PEOPLE)
    recipients = Recipients(locked=True)
    by_list = ListMedium(SystemClock(), recipients)
    async with engine_world(database, running=False) as made:
        engine = Engine(
            database, made.city, made.clock, made.queue, [made.medium, by_list], worker="test"
        )
        notice = make_notice(now=made.clock.now())
        first = await made.send(notice)
        async with database.writing() as session:
            written = await session.get_one(Notice, notice.id)
            other = await dispatch.deliver(
                session,
                made.queue,
                written,
                made.city,
                made.clock.now(),
                medium=by_list,
                created_by="a@city",
            )
            assert other.id not in (None, first)
        for delivery in (first, other.id):
            await engine.plan(str(delivery))
        for run in (0, 1):
            await engine.send(f"{other.id}:{run}")
            await engine.send(f"{first}:{run}")
        assert not recipients.got
        assert not await engine.channels["line"].guard.is_stopped()
        assert await engine.channels["list"].guard.is_stopped()
        assert made.simulator.ledger.recipients() == everybody()
        assert (await made.progress(first)).sent == PEOPLE


async def test_a_delivery_of_a_medium_that_is_not_here_stays_as_it_is(home: House) -> None:
    delivery = await home.send(make_notice(now=NOON))
    other = Engine(home.database, small_city(), home.clock, NoWorkers(), [], worker="other")
    await other.plan(str(delivery))
    assert (await home.progress(delivery)).state is DeliveryState.PLANNED
    assert (await home.work(delivery)).sent == PEOPLE
