"""An order to friends whom Todoke does not know: once, and not a second time to known ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlmodel import select

from channels import dispatch, unknown_sends
from channels.chain import WARNED, chain_of, told_by
from channels.line import known_audience, unknown, unknown_sender
from channels.line.hourly import admit
from channels.line.known_audience import AudienceKeeper, standing
from channels.line.medium import LINE
from channels.line.models import KnownAudience, LineCall
from channels.models import Delivery, DeliveryState, UnknownSend, UnknownState
from channels.sender import URGENT_WAIT_SECONDS
from city.city import UnknownFriends, Way
from core.clock import ManualClock
from core.database import Database
from core.errors import BadInput, Retryable
from feeds.models import Notice, Status
from simulator.line import FaultPlan, SimulatorOptions
from subscriptions.residents import erase, follow
from tests.support.engine import EngineWorld, add_residents, engine_world, make_notice, user_id

KNOWN, FRIENDS = 120, 300
RULE = UnknownFriends(level=4, topics=("evacuation",))


@asynccontextmanager
async def city_with_friends(
    database: Database,
    *,
    rule: UnknownFriends | None = RULE,
    faults: str = "",
    known: int = KNOWN,
    running: bool = True,
) -> AsyncIterator[EngineWorld]:
    """A city that knows some of its friends and does not know the others."""
    options = SimulatorOptions(
        friends=FRIENDS,
        narrowcast_seconds=0.2,
        audience_seconds=0.1,
        faults=FaultPlan.parse(faults),
    )
    await add_residents(database, 1, known)
    if not database.is_sqlite:
        # The ids above were given by hand; who follows gets the next.
        async with database.writing() as session:
            sequence = "pg_get_serial_sequence('residents', 'id')"
            await session.execute(text(f"SELECT setval({sequence}, {known})"))
    async with engine_world(database, options=options, running=running) as made:
        made.simulator.users.befriend([user_id(number) for number in range(1, known + 1)])
        made.city = made.city.model_copy(update={"unknown_friends": rule})
        yield made


def sender_of(made: EngineWorld) -> unknown_sender.UnknownSender:
    assert made.medium.unknown is not None
    return made.medium.unknown


def keeper(made: EngineWorld) -> AudienceKeeper:
    return AudienceKeeper(made.database, made.city, made.clock, made.line)


async def keep_until_ready(made: EngineWorld) -> None:
    """Keep the audience as the scheduler does, until LINE says that it is ready."""
    kept = keeper(made)

    async def is_ready() -> bool:
        await kept.keep()
        async with made.database.reading() as session:
            return (await standing(session)).usable

    await made.until(is_ready)


async def order(made: EngineWorld, **changes: Any) -> int:
    """Send an order that goes to the unknown too."""
    notice = make_notice(now=made.clock.now(), level=4, **changes)
    return await deliver(made, notice, to_unknown=True)


async def deliver(made: EngineWorld, notice: Notice, *, to_unknown: bool = False) -> int:
    async with made.database.writing() as session:
        session.add(notice)
        await session.flush()
        now = made.clock.now()
        delivery = await dispatch.deliver(
            session, made.queue, notice, made.city, now, created_by="staff", medium=LINE
        )
        if to_unknown:
            await unknown.add(session, made.queue, delivery, notice, made.city, now, actor="staff")
        assert delivery.id is not None
        return delivery.id


async def ended(made: EngineWorld, delivery_id: int) -> UnknownSend:
    """Wait until both parts of a delivery have ended."""
    await made.ended(delivery_id)

    async def is_over() -> bool:
        return (await row(made, delivery_id)).state not in unknown_sends.OPEN

    await made.until(is_over)
    return await row(made, delivery_id)


async def row(made: EngineWorld, delivery_id: int) -> UnknownSend:
    async with made.database.reading() as session:
        return await session.get_one(UnknownSend, delivery_id)


def received(made: EngineWorld) -> Counter[str]:
    return made.simulator.ledger.recipients()


@pytest.fixture(autouse=True)
def _quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (unknown_sender, known_audience):
        monkeypatch.setattr(module, "LOOK_SECONDS", 0.05)


@pytest.mark.slow
async def test_the_unknown_get_it_once_and_the_known_not_twice(database: Database) -> None:
    async with city_with_friends(database) as made:
        await keep_until_ready(made)
        delivery = await order(made)
        send = await ended(made, delivery)
        assert (send.state, send.way, send.success_count) == (
            UnknownState.DONE,
            Way.NARROWCAST,
            FRIENDS,
        )
        assert received(made) == Counter(dict.fromkeys(made.simulator.users.followers(), 1))
        [entry] = [e for e in made.simulator.ledger.entries if e.endpoint == "narrowcast"]
        said = str(entry.messages)
        assert all(f" {language}" in said for language in ("ja", "ja-x-easy", "en"))
        assert " my" not in said


async def test_without_the_citys_rule_nothing_goes_to_them(database: Database) -> None:
    async with city_with_friends(database, rule=None) as made:
        await keeper(made).keep()
        assert not made.simulator.platform.targeting.audiences
        with pytest.raises(BadInput, match="rules"):
            await order(made)


@pytest.mark.parametrize(
    ("topic", "level", "drill", "drills", "asked"),
    [
        ("evacuation", 4, False, False, True),
        ("evacuation", 3, False, False, False),
        ("events", 5, False, False, False),
        ("evacuation", 5, True, False, False),
        ("evacuation", 5, True, True, True),
    ],
)
def test_the_rule_says_which_orders(
    topic: str, level: int, drill: bool, drills: bool, asked: bool
) -> None:
    rule = RULE.model_copy(update={"drills": drills})
    assert rule.covers(topic, level, drill=drill) is asked


@pytest.mark.slow
async def test_a_drill_goes_to_them_with_its_mark_in_every_language(database: Database) -> None:
    rule = RULE.model_copy(update={"drills": True})
    async with city_with_friends(database, rule=rule) as made:
        await keep_until_ready(made)
        send = await ended(made, await order(made, drill=True))
        assert send.success_count == FRIENDS
        for message, mark in zip(
            unknown.shown(send), ("【訓練】", "【訓練（くんれん）】", "[DRILL]"), strict=True
        ):
            assert message["altText"].startswith(mark), message["altText"]


@pytest.mark.slow
async def test_who_became_known_a_moment_before_is_not_told_twice(database: Database) -> None:
    async with city_with_friends(database) as made:
        await keep_until_ready(made)
        spoke = made.simulator.users.followers()[0]
        async with database.writing() as session:
            await follow(session, made.city, spoke, "en", made.clock.now())
        send = await ended(made, await order(made))
        assert (send.success_count, send.missing) == (FRIENDS - 1, 0)
        assert set(received(made).values()) == {1}


async def test_who_becomes_known_after_the_order_still_gets_it(database: Database) -> None:
    async with city_with_friends(database, running=False) as made:
        await keep_until_ready(made)
        delivery = await order(made)
        spoke = made.simulator.users.followers()[0]
        async with database.writing() as session:
            await follow(session, made.city, spoke, "en", made.clock.now())
        await keeper(made).keep()
        await sender_of(made).send(str(delivery))
        await sender_of(made).send(str(delivery))
        assert received(made)[spoke] == 1


@pytest.mark.slow
@pytest.mark.parametrize("faults", ["unverified=on,only=narrowcast", "unverified=on"])
async def test_where_a_narrowcast_cannot_be_it_goes_by_broadcast(
    database: Database, faults: str
) -> None:
    async with city_with_friends(database) as made:
        if "only" in faults:
            await keep_until_ready(made)
        made.simulator.faults = FaultPlan.parse(faults)
        await keeper(made).keep()
        async with database.reading() as session:
            before = await unknown.outlook(session, made.city)
        send = await ended(made, await order(made))
        assert (send.state, send.way) == (UnknownState.DONE, Way.BROADCAST)
        assert "403" in str(send.why_broadcast)
        if "only" not in faults:
            assert (before.way, before.doubled) == (Way.BROADCAST, KNOWN)
        counts = received(made)
        assert all(counts[user_id(number)] == 2 for number in range(1, KNOWN + 1))
        assert sorted(set(counts.values())) == [1, 2]
        assert len(counts) == KNOWN + FRIENDS


async def test_where_no_broadcast_was_decided_it_ends_and_says_why(database: Database) -> None:
    rule = RULE.model_copy(update={"otherwise": "nothing"})
    async with city_with_friends(database, rule=rule) as made:
        made.simulator.faults = FaultPlan.parse("unverified=on")
        await keeper(made).keep()
        async with database.reading() as session:
            before = await unknown.outlook(session, made.city)
        assert not before.possible
        send = await ended(made, await order(made))
        assert send.state is UnknownState.FAILED
        assert "403" in str(send.error)
        assert len(received(made)) == KNOWN


async def test_too_few_known_for_an_audience_means_broadcast(database: Database) -> None:
    async with city_with_friends(database, known=20) as made:
        await keeper(made).keep()
        send = await ended(made, await order(made))
        assert (send.state, send.way) == (UnknownState.DONE, Way.BROADCAST)
        assert "50" in str(send.why_broadcast)


@pytest.mark.slow
@pytest.mark.parametrize("faults", ["5xx-after=50%", "drop=60%", "5xx-before=50%"])
async def test_faults_of_line_make_no_second_message(database: Database, faults: str) -> None:
    async with city_with_friends(database) as made:
        await keep_until_ready(made)
        made.simulator.faults = FaultPlan.parse(f"{faults},only=narrowcast,seed=3")
        send = await ended(made, await order(made))
        assert send.state is UnknownState.DONE
        assert set(received(made).values()) == {1}
        assert len(received(made)) == KNOWN + FRIENDS


@pytest.mark.parametrize("killed_after", ["the audience", "the request", "its answer"])
async def test_a_kill_in_the_middle_loses_nothing_and_doubles_nothing(
    database: Database, killed_after: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """The process ends here."""

    async with city_with_friends(database, running=False) as made:
        await keep_until_ready(made)
        delivery = await order(made)
        sender = sender_of(made)

        async def die(*_: object, **__: object) -> None:
            raise Killed

        place = {"the audience": "_post", "the request": "_accepted", "its answer": "_again"}
        with monkeypatch.context() as patch, pytest.raises(Killed):
            patch.setattr(sender, place[killed_after], die)
            while True:
                await sender.send(str(delivery))

        async def is_over() -> bool:
            await sender.send(str(delivery))
            return (await row(made, delivery)).state not in unknown_sends.OPEN

        await made.until(is_over)
        assert (await row(made, delivery)).success_count == FRIENDS
        assert received(made) == Counter(
            dict.fromkeys(made.simulator.users.followers()[:FRIENDS], 1)
        )


@pytest.mark.parametrize("fault", ["429=100%,retry-after=300s", "proxy=404", "unauthorized=on"])
async def test_an_emergency_waits_ten_seconds_at_most_however_often_it_failed(
    database: Database, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with city_with_friends(database, running=False) as made:
        await keep_until_ready(made)
        delivery = await order(made)
        async with made.database.writing() as session:
            (await session.get_one(UnknownSend, delivery)).attempts = 50
        put_off: list[datetime] = []
        put = made.queue.put

        async def note(*given: Any, **more: Any) -> None:
            if more.get("not_before"):
                put_off.append(more["not_before"])
            await put(*given, **more)

        monkeypatch.setattr(made.queue, "put", note)
        made.simulator.faults = FaultPlan.parse(f"{fault},only=narrowcast")
        await sender_of(made).send(str(delivery))
        latest = made.clock.now() + timedelta(seconds=URGENT_WAIT_SECONDS)
        assert len(put_off) == 1
        assert put_off[0] <= latest
        assert (await row(made, delivery)).state is UnknownState.SENDING


@pytest.mark.slow
async def test_what_was_unfinished_is_taken_up_at_the_next_start(database: Database) -> None:
    async with city_with_friends(database, running=False) as made:
        await keep_until_ready(made)
        delivery = await order(made)
        simulator = made.simulator
        async with engine_world(database, simulator=simulator) as restarted:
            send = await ended(restarted, delivery)
        assert send.state is UnknownState.DONE
        assert set(simulator.ledger.recipients().values()) == {1}


@pytest.mark.slow
@pytest.mark.parametrize("status", [Status.CORRECTED, Status.CANCELLED, Status.LIFTED])
async def test_what_puts_it_right_reaches_the_same_people(
    database: Database, status: Status
) -> None:
    async with city_with_friends(database) as made:
        await keep_until_ready(made)
        first = await order(made)
        await ended(made, first)
        # One of the unknown speaks meanwhile, and lives where the correction does not matter.
        spoke = made.simulator.users.followers()[0]
        async with database.writing() as session:
            await follow(session, made.city, spoke, "en", made.clock.now())
            wrong = await session.get_one(Notice, (await made.row(first)).notice_id)
        notice = make_notice(
            now=made.clock.now(), level=4, status=status, replaces_id=wrong.id, areas=[]
        )
        async with database.writing() as session:
            session.add(notice)
            await session.flush()
            delivery = await dispatch.deliver(
                session,
                made.queue,
                notice,
                made.city,
                made.clock.now(),
                created_by="staff",
                medium=LINE,
            )
        assert delivery.id is not None
        send = await ended(made, delivery.id)
        assert (send.state, send.way) == (UnknownState.DONE, Way.NARROWCAST)
        counts = received(made)
        assert set(counts.values()) == {2}
        assert len(counts) == KNOWN + FRIENDS


@pytest.mark.slow
async def test_who_had_it_unknown_and_lives_elsewhere_since_hears_it_withdrawn(
    database: Database,
) -> None:
    async with city_with_friends(database) as made:
        await keep_until_ready(made)
        first = await order(made, areas=["north"])
        await ended(made, first)
        spoke = made.simulator.users.followers()[0]
        async with database.writing() as session:
            resident = await follow(session, made.city, spoke, "en", made.clock.now())
            resident.area_list = "south"
            session.add(resident)
        replaced = (await made.row(first)).notice_id
        withdrawn = make_notice(
            now=made.clock.now(),
            level=4,
            status=Status.CANCELLED,
            replaces_id=replaced,
            areas=["north"],
        )
        await ended(made, await deliver(made, withdrawn))
        assert received(made)[spoke] == 2


async def test_a_correction_after_a_broadcast_goes_by_broadcast(database: Database) -> None:
    rule = RULE.model_copy(update={"way": Way.BROADCAST})
    async with city_with_friends(database, rule=rule) as made:
        first = await order(made)
        await ended(made, first)
        replaced = (await made.row(first)).notice_id
        lifted = make_notice(
            now=made.clock.now(), level=4, status=Status.LIFTED, replaces_id=replaced
        )
        send = await ended(made, await deliver(made, lifted))
        assert send.way is Way.BROADCAST


@pytest.mark.parametrize("tried", [False, True])
async def test_an_order_does_not_arrive_after_its_all_clear(
    database: Database, tried: bool
) -> None:
    """Its residents have it, LINE did not take the rest; meanwhile it is over."""
    async with city_with_friends(database, running=False) as made:
        await keep_until_ready(made)
        delivery = await order(made)
        async with database.writing() as session:
            sent = await session.get_one(Delivery, delivery)
            sent.state = DeliveryState.DONE
            send = await session.get_one(UnknownSend, delivery)
            if tried:
                send.state = UnknownState.SENDING
                send.first_tried_at = made.clock.now()
            number = sent.notice_id
        lifted = make_notice(now=made.clock.now(), level=4)
        lifted.status, lifted.replaces_id = Status.LIFTED, number
        end = await deliver(made, lifted)
        await sender_of(made).send(str(delivery))
        assert (await row(made, delivery)).state is UnknownState.STOPPED
        assert not made.simulator.ledger.entries
        async with database.reading() as session:
            assert (await session.get(UnknownSend, end) is not None) is tried


async def test_who_became_known_between_the_order_and_the_narrowcast_hears_of_the_end(
    database: Database,
) -> None:
    async with city_with_friends(database, running=False) as made:
        await keep_until_ready(made)
        delivery = await order(made)
        async with database.writing() as session:
            spoke = await follow(
                session, made.city, made.simulator.users.followers()[0], "en", made.clock.now()
            )
        await sender_of(made).send(str(delivery))
        async with database.reading() as session:
            sent = await session.get_one(Delivery, delivery)
            told = await told_by(session, await chain_of(session, sent.notice_id))
        assert spoke.id is not None
        assert told[spoke.id] == WARNED


async def test_an_order_that_was_stopped_before_does_not_go(database: Database) -> None:
    async with city_with_friends(database, running=False) as made:
        delivery = await order(made)
        async with database.writing() as session:
            await dispatch.stop(session, delivery, "staff", made.clock.now())
        await sender_of(made).send(str(delivery))
        assert (await row(made, delivery)).state is UnknownState.STOPPED
        assert not received(made)
        # An order that was never told is not lifted either.
        replaced = (await made.row(delivery)).notice_id
        lifted = make_notice(
            now=made.clock.now(), level=4, status=Status.LIFTED, replaces_id=replaced
        )
        after = await deliver(made, lifted)
        async with database.reading() as session:
            assert await unknown_sends.of_delivery(session, after) is None


async def test_the_audience_follows_who_comes_and_who_goes(
    database: Database, clock: ManualClock
) -> None:
    async with city_with_friends(database, running=False) as made:
        await keep_until_ready(made)
        audiences = made.simulator.platform.targeting.audiences
        [number] = audiences
        assert len(audiences[number].members) == KNOWN
        async with database.writing() as session:
            await follow(session, made.city, user_id(9_999), "en", made.clock.now())
            await erase(session, made.city, 1, made.clock.now())
        await keeper(made).keep()
        assert user_id(9_999) in audiences[number].members
        # LINE takes nobody out: a day later another audience is filled and takes its place.
        async with database.writing() as session:
            stored = (await session.scalars(select(KnownAudience))).one()
            stored.created_at -= timedelta(days=2)
        kept = keeper(made)

        async def is_renewed() -> bool:
            await kept.keep()
            return number not in audiences and len(audiences) == 1

        await made.until(is_renewed)
        [renewed] = audiences.values()
        assert user_id(1) not in renewed.members
        assert len(renewed.members) == KNOWN


async def test_a_city_that_no_longer_wants_it_leaves_no_audience_at_line(
    database: Database,
) -> None:
    async with city_with_friends(database, running=False) as made:
        await keep_until_ready(made)
        made.city = made.city.model_copy(update={"unknown_friends": None})
        await keeper(made).keep()
        assert not made.simulator.platform.targeting.audiences


@pytest.mark.slow
async def test_an_audience_deleted_by_hand_is_made_anew(database: Database) -> None:
    async with city_with_friends(database, running=False) as made:
        await keep_until_ready(made)
        audiences = made.simulator.platform.targeting.audiences
        audiences.clear()
        async with database.writing() as session:
            await follow(session, made.city, user_id(9_999), "en", made.clock.now())
        await keeper(made).keep()
        await keep_until_ready(made)
        [renewed] = audiences.values()
        assert len(renewed.members) == KNOWN + 1


async def test_no_hour_has_more_than_line_allows(database: Database, clock: ManualClock) -> None:
    for _ in range(60):
        await admit(database, "narrowcast", clock.now())
    with pytest.raises(Retryable) as refused:
        await admit(database, "narrowcast", clock.now() + timedelta(minutes=59))
    assert refused.value.retry_after is not None and refused.value.retry_after >= 60
    await admit(database, "broadcast", clock.now())
    await admit(database, "narrowcast", clock.now() + timedelta(minutes=61))
    async with database.reading() as session:
        assert len(list(await session.scalars(select(LineCall)))) == 2
