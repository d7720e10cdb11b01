"""Promise 2 for every medium: what the engine does for LINE it does for a medium it does not know.

It plans, sends, pauses and corrects, and nobody gets a message twice when its process is killed. A
new medium is one more line in :data:`MEDIA`.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil
from pathlib import Path
from typing import Any

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
from feeds.texts import drill_mark
from tests.support.clocks import HastyClock
from tests.support.engine import (
    LANGUAGES,
    add_residents,
    engine_world,
    make_notice,
    small_city,
    user_id,
)
from tests.support.folder_medium import Folder, FolderMedium
from tests.support.listed import ListMedium, Recipients
from tests.support.mailed import MailedMedium, MailRecipients
from tests.support.posted import PostedMedium, PostedRecipients
from tests.support.pushed import Browsers, PushedMedium

NOON = datetime(2026, 5, 29, 3, tzinfo=UTC)
PEOPLE = 30

MEDIA: dict[str, tuple[Any, Callable[[Path], Recipients]]] = {
    "list": (ListMedium, lambda _: Recipients()),
    "folder": (FolderMedium, lambda path: Folder(path=path)),
    "webpush": (PushedMedium, lambda _: Browsers()),
    "email": (MailedMedium, lambda _: MailRecipients()),
    "posts": (PostedMedium, lambda _: PostedRecipients()),
}
"""Each medium, and what makes the world outside from an empty folder."""


@dataclass
class MediumWorld:
    """An engine with one medium. The test says when it plans, sends and waits."""

    database: Database
    clock: HastyClock
    recipients: Recipients
    medium: ListMedium | PushedMedium
    engine: Engine

    def address(self, number: int) -> str:
        return self.recipients.address(number)

    def everybody(self) -> dict[str, int]:
        """One message for each of the thirty."""
        return {self.address(number): 1 for number in range(1, PEOPLE + 1)}

    async def add(self, first: int, count: int, **options: object) -> None:
        """Add residents of the medium."""
        await add_residents(
            self.database,
            first,
            count,
            medium=self.medium.name,
            address=self.recipients.around,
            **options,  # type: ignore[arg-type]
        )

    async def send(self, notice: Notice, **options: object) -> int:
        """Write a delivery by the medium."""
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
        return Counter(address for address, _ in self.recipients.received())

    def batches_for(self, *readers: int) -> int:
        """How many batches it takes if each language has so many readers."""
        return sum(ceil(number / self.medium.batch_size) for number in readers)


MakeWorld = Callable[..., MediumWorld]


@pytest.fixture(params=MEDIA)
def make_world(request: pytest.FixtureRequest, database: Database, tmp_path: Path) -> MakeWorld:
    """Makes the engine of a new process; the database, the clock and the recipients stay."""
    medium_type, outside = MEDIA[request.param]
    recipients, clock = outside(tmp_path), HastyClock(NOON)

    def make(rate: int | None = None) -> MediumWorld:
        medium = medium_type(clock, recipients, rate)
        engine = Engine(database, small_city(), clock, NoWorkers(), [medium], worker="test", seed=1)
        return MediumWorld(database, clock, recipients, medium, engine)

    return make


@pytest.fixture
async def world(database: Database, make_world: MakeWorld) -> MediumWorld:
    """With thirty residents: 7, 8, 8 and 7 of each language."""
    made = make_world()
    await made.add(1, PEOPLE)
    return made


async def test_it_is_planned_sent_and_counted_like_any_other(world: MediumWorld) -> None:
    notice = make_notice(now=NOON)
    delivery = await world.send(notice)
    done = await world.work(delivery)
    assert world.counted() == world.everybody()
    titles = dict(world.recipients.received())
    for number in range(1, PEOPLE + 1):
        assert titles[world.address(number)] == notice.texts[LANGUAGES[number % 4]]["title"]
    assert (done.state, done.recipients, done.sent) == (DeliveryState.DONE, PEOPLE, PEOPLE)
    batches = await world.batches(delivery)
    assert len(batches) == world.batches_for(7, 8, 8, 7)
    assert max(batch.size for batch in batches) == min(8, world.medium.batch_size)
    assert {batch.endpoint for batch in batches} == {world.medium.name}
    assert {batch.request_id for batch in batches} == set(world.recipients.keys.values())
    assert {name: each["sent"] for name, each in done.by_language.items()} == {
        "ja": 7,
        "ja-x-easy": 8,
        "en": 8,
        "my": 7,
    }


async def test_every_text_of_a_drill_begins_with_its_mark(world: MediumWorld) -> None:
    notice = make_notice(now=NOON, drill=True)
    for language, words in notice.texts.items():
        for name, text in words.items():
            words[name] = text.removeprefix(drill_mark(language)).strip()
    await world.work(await world.send(notice))
    titles = dict(world.recipients.received())
    for number in range(1, PEOPLE + 1):
        assert titles[world.address(number)].startswith(drill_mark(LANGUAGES[number % 4]))


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
    world: MediumWorld, failures: list[TodokeError], silent: int
) -> None:
    world.recipients.failures, world.recipients.silent_failures = list(failures), silent
    delivery = await world.send(make_notice(now=NOON))
    done = await world.work(delivery)
    assert world.counted() == world.everybody()
    assert (done.sent, done.failed, done.state) == (PEOPLE, 0, DeliveryState.DONE)
    batches = await world.batches(delivery)
    assert set(world.recipients.attempts) == {each.retry_key for each in batches}
    # Each batch acts once, so it can act without an answer only once.
    unanswered = min(silent, len(batches))
    assert len(world.recipients.attempts) == len(batches) + len(failures) + unanswered


async def test_a_message_that_is_refused_is_given_up_and_the_others_go(world: MediumWorld) -> None:
    notice = make_notice(now=NOON)
    world.recipients.bad_titles = {notice.texts["en"]["title"]}
    done = await world.work(await world.send(notice))
    english = {world.address(number) for number in range(1, PEOPLE + 1) if number % 4 == 2}
    assert world.counted() == {each: 1 for each in world.everybody() if each not in english}
    assert (done.sent, done.failed) == (PEOPLE - len(english), len(english))


async def test_a_recipient_who_is_refused_is_found_and_nobody_else_misses_it(
    world: MediumWorld,
) -> None:
    world.recipients.refused = {world.address(7), world.address(8)}
    done = await world.work(await world.send(make_notice(now=NOON)))
    assert world.counted() == {
        each: 1 for each in world.everybody() if each not in (world.address(7), world.address(8))
    }
    assert (done.sent, done.failed) == (PEOPLE - 2, 2)


async def test_an_address_that_is_gone_is_struck_out_and_counted_as_skipped(
    world: MediumWorld,
) -> None:
    world.recipients.gone = {world.address(5), world.address(22)}
    delivery = await world.send(make_notice(now=NOON))
    done = await world.work(delivery)
    assert world.counted() == {
        each: 1 for each in world.everybody() if each not in (world.address(5), world.address(22))
    }
    assert (done.sent, done.failed, done.skipped) == (PEOPLE - 2, 0, 2)
    assert sorted(world.recipients.struck_out) == [5, 22]
    async with world.database.reading() as session:
        found = await reached(session, delivery, 5)
    assert found is not None
    assert (found.state, found.absent) == (BatchState.SKIPPED, True)


async def test_a_request_that_is_refused_costs_its_own_recipients_only(world: MediumWorld) -> None:
    world.recipients.failures = [Refused("too large", About.BATCH)]
    delivery = await world.send(make_notice(now=NOON))
    done = await world.work(delivery)
    lost = next(each for each in await world.batches(delivery) if each.state is BatchState.FAILED)
    assert (done.sent, done.failed) == (PEOPLE - lost.size, lost.size)


@pytest.mark.parametrize(
    "failure",
    [Refused("no such path", About.OTHER), QuotaReached("the month's messages are used up")],
    ids=["refused for another reason", "quota"],
)
async def test_what_is_nobodys_fault_waits_for_a_person(
    world: MediumWorld, failure: TodokeError
) -> None:
    world.recipients.failures = [failure]
    delivery = await world.send(make_notice("events", level=0, now=NOON))
    waiting = await world.work(delivery)
    assert (waiting.state, waiting.failed) == (DeliveryState.PAUSED, 0)
    await world.steer("resume", delivery)
    done = await world.work(delivery)
    assert world.counted() == world.everybody()
    assert (done.state, done.sent) == (DeliveryState.DONE, PEOPLE)


async def test_an_emergency_waits_for_nobody(world: MediumWorld) -> None:
    world.recipients.failures = [Refused("no such path", About.OTHER) for _ in range(8)]
    done = await world.work(await world.send(make_notice(level=5, now=NOON)))
    assert (done.state, done.sent) == (DeliveryState.DONE, PEOPLE)
    assert world.counted() == world.everybody()


async def test_routine_asks_whether_the_plan_has_room(world: MediumWorld) -> None:
    world.recipients.room = PEOPLE - 1
    delivery = await world.send(make_notice("events", level=0, now=NOON))
    assert (await world.work(delivery)).state is DeliveryState.PAUSED
    assert not world.recipients.attempts
    await world.steer("resume", delivery)
    assert (await world.work(delivery)).sent == PEOPLE


async def test_a_channel_that_is_refused_stops_and_goes_on_when_it_is_let_in(
    world: MediumWorld,
) -> None:
    world.recipients.locked = True
    delivery = await world.send(make_notice(now=NOON))
    await world.work(delivery, rounds=3)
    assert not world.counted()
    async with world.database.reading() as session:
        stop = await session.get(ChannelStop, world.medium.name)
        assert stop is not None
        assert "locked" in str(stop.reason)
    world.clock.skip(11)
    assert await world.engine.channels[world.medium.name].guard.is_stopped()
    world.recipients.locked = False
    world.clock.skip(11)
    done = await world.work(delivery)
    assert world.counted() == world.everybody()
    assert (done.sent, done.failed) == (PEOPLE, 0)


async def test_a_pause_halts_it_a_stop_ends_it_and_the_figures_say_so(
    database: Database, make_world: MakeWorld
) -> None:
    world = make_world(rate=1)
    await world.add(1, PEOPLE)
    seen = 0

    async def pause_at_the_third() -> None:
        nonlocal seen
        seen += 1
        if seen == 3:
            await world.steer("pause", delivery)

    world.recipients.meanwhile = pause_at_the_third
    delivery = await world.send(make_notice("events", level=0, now=NOON))
    paused = await world.work(delivery)
    assert paused.state is DeliveryState.PAUSED
    assert 0 < len(world.recipients.keys) < world.batches_for(7, 8, 8, 7)
    assert paused.sent == world.counted().total()
    assert paused.sent + paused.waiting == PEOPLE
    await world.steer("stop", delivery)
    stopped = await world.work(delivery)
    assert (stopped.state, stopped.sent) == (DeliveryState.STOPPED, paused.sent)
    assert stopped.skipped == PEOPLE - paused.sent
    assert world.counted().total() == paused.sent


async def test_a_correction_goes_to_everybody_whom_this_medium_told(
    database: Database, make_world: MakeWorld
) -> None:
    world = make_world()
    await world.add(1, PEOPLE, events=False)
    world.recipients.refused = {world.address(7)}
    wrong = make_notice(now=NOON)
    await world.work(await world.send(wrong))
    world.recipients.refused = set()
    told = {each: 1 for each in world.everybody() if each != world.address(7)}
    assert world.counted() == told
    await world.add(PEOPLE + 1, 5, events=False)
    world.clock.skip(60)
    # By itself it would concern nobody.
    right = make_notice(
        "events", level=0, now=world.clock.now(), status=Status.CANCELLED, replaces_id=wrong.id
    )
    done = await world.work(await world.send(right))
    assert done.kind == "correction"
    assert world.counted() == dict.fromkeys(told, 2)
    async with database.reading() as session:
        assert len((await chain_of(session, wrong.id, world.medium.name)).delivered) == 2
        # LINE told nobody of it.
        assert not (await chain_of(session, wrong.id, "line")).delivered


async def test_an_emergency_overtakes_what_is_no_emergency(world: MediumWorld) -> None:
    routine = await world.send(make_notice("events", level=0, now=NOON))
    await world.engine.plan(str(routine))
    emergency = await world.send(make_notice(level=5, now=NOON))
    await world.engine.plan(str(emergency))
    waiting = asyncio.create_task(world.work(routine))
    await asyncio.wait({waiting}, timeout=0.2)
    assert not world.counted()
    await world.work(emergency)
    assert world.counted() == world.everybody()
    await world.engine.watch()
    assert (await waiting).sent == PEOPLE
    assert set(world.counted().values()) == {2}


async def test_the_pace_is_kept(database: Database, make_world: MakeWorld) -> None:
    made = make_world(rate=3)
    readers = 4 * made.medium.batch_size
    await made.add(1, 4 * readers)
    moments: list[float] = []

    async def note() -> None:
        moments.append(made.clock.monotonic())

    made.recipients.meanwhile = note
    await made.work(await made.send(make_notice(now=NOON)))
    assert len(moments) == 16
    assert all(later - first >= 1.0 for first, later in zip(moments, moments[3:], strict=False))


async def test_a_medium_without_keys_never_repeats_what_may_have_gone(world: MediumWorld) -> None:
    world.recipients.silent_failures = 1
    world.medium.key_life = timedelta(0)
    delivery = await world.send(make_notice(now=NOON))
    done = await world.work(delivery)
    assert world.counted() == world.everybody()
    batches = await world.batches(delivery)
    assert len(world.recipients.attempts) == len(batches)
    [unsure] = [each for each in batches if each.state is BatchState.FAILED]
    assert (done.sent, done.failed) == (PEOPLE - unsure.size, unsure.size)


async def test_everybody_once_though_the_process_is_killed_again_and_again(
    database: Database, make_world: MakeWorld
) -> None:
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    chance = random.Random(seed)
    made = make_world()
    people = 50 * made.medium.batch_size
    await made.add(1, people)
    delivery = await made.send(make_notice(now=NOON))
    for _ in range(8):
        made = make_world()
        await made.engine.recover()
        await _killed_at(made, delivery, chance.randint(1, 8), act=chance.random() < 0.5)
    made = make_world()
    made.recipients.meanwhile = None
    await made.engine.recover()
    done = await made.work(delivery)
    assert (done.state, done.sent, done.failed) == (DeliveryState.DONE, people, 0)
    assert made.counted() == {made.address(number): 1 for number in range(1, people + 1)}


async def _killed_at(made: MediumWorld, delivery: int, number: int, *, act: bool) -> None:
    """Work until an attempt. Of the process only what it committed is left."""
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
    # SQLite: between two transactions. One that is cut short counts as never begun.
    async with made.database.writing():
        writer = made.engine.channels[made.medium.name].sender._recorder._writer
        tasks = [working, *([writer] if writer else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    # A process takes its connections with it.
    await made.database.close()


async def test_two_media_do_not_know_of_each_other(database: Database) -> None:
    await add_residents(database, 1, PEOPLE)
    await add_residents(database, PEOPLE + 1, PEOPLE, medium="list")
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
        assert not recipients.received()
        assert not await engine.channels["line"].guard.is_stopped()
        assert await engine.channels["list"].guard.is_stopped()
        assert made.simulator.ledger.recipients() == {
            user_id(number): 1 for number in range(1, PEOPLE + 1)
        }
        assert (await made.progress(first)).sent == PEOPLE


async def test_a_delivery_of_a_medium_that_is_not_here_stays_as_it_is(world: MediumWorld) -> None:
    delivery = await world.send(make_notice(now=NOON))
    other = Engine(world.database, small_city(), world.clock, NoWorkers(), [], worker="other")
    await other.plan(str(delivery))
    assert (await world.progress(delivery)).state is DeliveryState.PLANNED
    assert (await world.work(delivery)).sent == PEOPLE
