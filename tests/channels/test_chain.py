"""A correction, a change and an all-clear reach everybody whom any message of the chain reached, in
the right words for each; the count before is the number of recipients.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import update
from sqlmodel import col, select

from channels import dispatch
from channels.chain import chain_of, change_of, wording_for
from channels.line.medium import LINE
from channels.members import unpack
from channels.models import Batch, BatchState, Delivery, DeliveryKind, Priority, Variant, Wording
from channels.planner import Planner
from channels.wordings import wordings
from city.city import City, District, Topic
from core.clock import ManualClock
from core.database import Database
from core.work import NoWorkers
from feeds.models import Status
from feeds.texts import messages as m
from feeds.texts.compose import say
from subscriptions import residents
from subscriptions.bitmaps import rebuild
from tests.support.engine import engine_world, make_notice, small_city, user_id

A, B, C, D = "a", "b", "c", "d"


def city_of_four() -> City:
    districts = tuple(
        District(code=code, names={"ja": f"地区{code}", "en": f"District {code}"}, polygons=())
        for code in (A, B, C, D)
    )
    topics = (
        *small_city().topics,
        Topic(code="weather", names={"ja": "気象"}, emergency_level=4),
    )
    return small_city().model_copy(update={"districts": districts, "topics": topics})


@dataclass
class Room:
    """Deliveries as they are planned, and sent without a network."""

    database: Database
    city: City
    clock: ManualClock
    planner: Planner
    people: dict[str, int] = field(default_factory=dict)

    async def follow(self, name: str, *areas: str, language: str = "ja") -> int:
        now = self.clock.now()
        async with self.database.writing() as session:
            resident = await residents.follow(
                session, self.city, user_id(len(self.people) + 1), language, now
            )
            assert resident.id is not None
            await residents.choose_areas(session, self.city, resident.id, areas, now)
            await residents.choose_topics(session, self.city, resident.id, {"weather": 0}, now)
            self.people[name] = resident.id
            return resident.id

    async def move(self, name: str, *areas: str) -> None:
        async with self.database.writing() as session:
            await residents.choose_areas(
                session, self.city, self.people[name], areas, self.clock.now()
            )

    async def says(
        self,
        status: Status,
        areas: tuple[str, ...],
        follows: int | None = None,
        *,
        topic: str = "evacuation",
        level: int = 4,
        arrives: bool = True,
        **changes: Any,
    ) -> tuple[int, dict[Wording, set[int]]]:
        """Store a notice and plan its delivery; return its id and who gets which wording.

        The count before must equal the plan.
        """
        now = self.clock.now()
        notice = make_notice(topic, level=level, now=now, languages=("ja",), **changes)
        notice.status, notice.areas, notice.replaces_id = status, list(areas), follows
        as_new = {"ja": {"title": "新しい", "text": "新しい"}} if follows else None
        async with self.database.reading() as session:
            before = await dispatch.preview(
                session, notice, self.city, now, as_new=as_new, medium=LINE
            )
        async with self.database.writing() as session:
            session.add(notice)
            await session.flush()
            delivery = await dispatch.deliver(
                session,
                NoWorkers(),
                notice,
                self.city,
                now,
                created_by="a@city",
                as_new=as_new,
                medium=LINE,
            )
        assert delivery.id is not None
        await self.planner.plan(str(delivery.id))
        heard: dict[Wording, set[int]] = defaultdict(set)
        async with self.database.writing() as session:
            rows = await session.execute(
                select(col(Variant.wording), col(Batch.members))
                .join(Variant, col(Variant.id) == col(Batch.variant_id))
                .where(col(Batch.delivery_id) == delivery.id)
            )
            for wording, members in rows:
                assert not heard[wording] & set(unpack(members))
                heard[wording] |= set(unpack(members))
            if arrives:
                await session.execute(
                    update(Batch)
                    .where(col(Batch.delivery_id) == delivery.id)
                    .values(state=BatchState.SENT, first_tried_at=now, sent_at=now)
                )
            planned = await session.get_one(Delivery, delivery.id)
        everybody = [each for ids in heard.values() for each in ids]
        assert len(everybody) == len(set(everybody)), "somebody gets it twice"
        assert before.recipients == planned.recipients == len(everybody)
        counted = {part.wording: part.recipients for part in before.parts if part.recipients}
        assert counted == {wording: len(ids) for wording, ids in heard.items() if ids}
        assert notice.id is not None
        return notice.id, heard

    def names(self, heard: dict[Wording, set[int]]) -> dict[str, str]:
        """Return by name which words somebody got."""
        known = {number: name for name, number in self.people.items()}
        return {
            known[number]: wording.value for wording, numbers in heard.items() for number in numbers
        }


@pytest.fixture
async def room(database: Database, clock: ManualClock) -> AsyncIterator[Room]:
    async with engine_world(database, running=False, clock=clock) as home:
        city = city_of_four()
        engine = home.engine
        engine.channels["line"].planner._city = city
        yield Room(database, city, clock, engine.channels["line"].planner)


async def test_everybody_who_was_told_hears_how_it_goes_on_and_that_it_is_over(
    room: Room,
) -> None:
    """Order to A and B, corrected to B and C, raised for C, lifted."""
    for code in (A, B, C, D):
        await room.follow(f"in {code}", code)
    await room.follow("anywhere")
    await room.follow("in b and d", B, D)
    order, heard = await room.says(Status.ISSUED, (A, B))
    assert room.names(heard) == dict.fromkeys(("in a", "in b", "in b and d", "anywhere"), "main")
    correction, heard = await room.says(Status.CORRECTED, (B, C), order)
    assert room.names(heard) == {
        "in a": "elsewhere",
        "in b": "main",
        "in b and d": "main",
        "anywhere": "main",
        "in c": "new",
    }
    raised, heard = await room.says(Status.RAISED, (C,), correction, level=5)
    assert room.names(heard) == {
        "in a": "elsewhere",
        "in b": "still",
        "in b and d": "still",
        "anywhere": "main",
        "in c": "main",
    }
    _, heard = await room.says(Status.LIFTED, (B, C), raised)
    assert room.names(heard) == {
        "in a": "elsewhere",
        "in b": "main",
        "in b and d": "main",
        "anywhere": "main",
        "in c": "main",
    }


async def test_who_moved_or_lost_interest_since_hears_that_it_is_over(room: Room) -> None:
    await room.follow("moves", A)
    await room.follow("gives up the topic", A)
    await room.follow("wants level 5 only", A)
    await room.follow("leaves", A)
    await room.follow("moves in", D)
    order, heard = await room.says(Status.ISSUED, (A,), topic="weather")
    assert len(room.names(heard)) == 4
    now = room.clock.now()
    await room.move("moves", D)
    await room.move("moves in", A)
    async with room.database.writing() as session:
        for name, topics in (("gives up the topic", {}), ("wants level 5 only", {"weather": 5})):
            number = room.people[name]
            await residents.choose_topics(session, room.city, number, topics, now)
        await residents.unfollow(session, room.city, user_id(4), now)
    _, heard = await room.says(Status.LIFTED, (A,), order, topic="weather")
    assert room.names(heard) == dict.fromkeys(
        ("moves", "gives up the topic", "wants level 5 only", "moves in"), "main"
    )


async def test_an_end_for_some_districts_says_to_the_others_that_theirs_goes_on(
    room: Room,
) -> None:
    await room.follow("in a", A)
    await room.follow("in b", B)
    order, _ = await room.says(Status.ISSUED, (A, B))
    part, heard = await room.says(Status.LIFTED, (A,), order)
    assert room.names(heard) == {"in a": "main", "in b": "still"}
    async with room.database.reading() as session:
        chain = await chain_of(session, part)
    assert chain.standing(room.city) == {B: 4}
    _, heard = await room.says(Status.LIFTED, (B,), part)
    assert room.names(heard) == {"in a": "elsewhere", "in b": "main"}
    async with room.database.reading() as session:
        assert (await chain_of(session, order)).standing(room.city) == {}


@pytest.mark.parametrize("status", [Status.RAISED, Status.CORRECTED, Status.LIFTED])
async def test_whom_the_message_before_had_not_reached_hears_of_it_with_the_next(
    room: Room, status: Status
) -> None:
    """The first message's delivery ends; residents where it stays in force must not be left out."""
    await room.follow("in a", A)
    await room.follow("in b", B)
    await room.follow("in a, for level 5", A)
    number = room.people["in a, for level 5"]
    async with room.database.writing() as session:
        await residents.choose_topics(session, room.city, number, {"weather": 5}, room.clock.now())
    first, _ = await room.says(Status.ISSUED, (A,), topic="weather")
    order, _ = await room.says(
        Status.CONTINUED, (A, B), first, topic="weather", level=4, arrives=False
    )
    async with room.database.writing() as session:
        # Nobody has the first one either.
        await session.execute(update(Batch).values(state=BatchState.SKIPPED, first_tried_at=None))
    _, heard = await room.says(status, (B,), order, topic="weather")
    words = "main" if status is Status.LIFTED else "new"
    assert room.names(heard) == {"in a": "unheard", "in b": words}


async def test_who_hears_late_of_an_order_sees_its_level_and_not_that_they_were_told(
    room: Room,
) -> None:
    order, _ = await room.says(Status.ISSUED, (A, B))
    notice = make_notice(level=5, now=room.clock.now(), languages=("ja",))
    notice.status, notice.areas, notice.replaces_id = Status.RAISED, [B], order
    async with room.database.reading() as session:
        chain = await chain_of(session, order)
    told = wordings(notice, chain, room.city)
    late, still = told[Wording.UNHEARD], told[Wording.STILL]
    assert (late.level, still.level) == (4, 0)
    assert late.texts["ja"]["title"] == still.texts["ja"]["title"]
    as_told = say("ja", m.STILL_HOLDS)
    assert as_told in still.texts["ja"]["text"]
    assert as_told not in late.texts["ja"]["text"]


async def test_who_has_two_districts_does_not_take_the_end_in_one_for_the_end(
    room: Room,
) -> None:
    await room.follow("in a and b", A, B)
    await room.follow("anywhere")
    await room.follow("in b", B)
    order, _ = await room.says(Status.ISSUED, (A, B))
    lowered, heard = await room.says(Status.LOWERED, (B,), order, level=3)
    assert room.names(heard) == {"in a and b": "still", "anywhere": "still", "in b": "main"}
    lifted, heard = await room.says(Status.LIFTED, (B,), lowered)
    assert room.names(heard) == {"in a and b": "still", "anywhere": "still", "in b": "main"}
    _, heard = await room.says(Status.LIFTED, (A,), lifted)
    assert room.names(heard) == {"in a and b": "main", "anywhere": "main", "in b": "elsewhere"}


async def test_an_end_that_was_wrong_is_not_followed_by_go_on_as_you_were_told(
    room: Room,
) -> None:
    """They were told last that it is over; the notice before that stays in force."""
    await room.follow("in a", A)
    await room.follow("in b", B)
    order, _ = await room.says(Status.ISSUED, (A, B))
    lifted, _ = await room.says(Status.LIFTED, (A, B), order)
    _, heard = await room.says(Status.CORRECTED, (A,), lifted)
    assert room.names(heard) == {"in a": "new", "in b": "unheard"}


async def test_what_arrives_silently_ends_no_delivery_and_takes_over_from_none(
    room: Room,
) -> None:
    await room.follow("in a", A)
    await room.follow("in b", B)
    order, _ = await room.says(Status.ISSUED, (A, B), arrives=False)
    _, heard = await room.says(Status.CONTINUED, (B,), order, silent=True)
    assert room.names(heard) == {"in b": "new"}


async def test_who_heard_that_it_is_not_for_them_is_told_anew_when_it_is(room: Room) -> None:
    await room.follow("in a", A)
    await room.follow("in b", B)
    order, _ = await room.says(Status.ISSUED, (A,))
    wrong, heard = await room.says(Status.CORRECTED, (B,), order)
    assert room.names(heard) == {"in a": "elsewhere", "in b": "new"}
    _, heard = await room.says(Status.CORRECTED, (A,), wrong)
    assert room.names(heard) == {"in a": "new", "in b": "elsewhere"}


@pytest.mark.slow
async def test_a_withdrawal_reaches_all_and_says_the_same_to_all(room: Room) -> None:
    for code in (A, B, C):
        await room.follow(f"in {code}", code)
    order, _ = await room.says(Status.ISSUED, (A, B))
    correction, _ = await room.says(Status.CORRECTED, (B, C), order)
    _, heard = await room.says(Status.CANCELLED, (B, C), correction)
    assert room.names(heard) == dict.fromkeys(("in a", "in b", "in c"), "main")


async def test_who_may_have_got_it_counts_as_told_and_who_was_refused_does_not(
    room: Room,
) -> None:
    await room.follow("in a", A)
    order, _ = await room.says(Status.ISSUED, (A,), arrives=False)
    await room.follow("in b", B)
    _, heard = await room.says(Status.CORRECTED, (B,), order)
    assert room.names(heard) == {"in b": "new"}
    order, _ = await room.says(Status.ISSUED, (A,), arrives=False)
    async with room.database.writing() as session:
        await session.execute(
            update(Batch)
            .where(col(Batch.state) == BatchState.WAITING)
            .values(first_tried_at=room.clock.now())
        )
    _, heard = await room.says(Status.CORRECTED, (B,), order)
    assert room.names(heard) == {"in a": "elsewhere", "in b": "new"}


async def test_a_telegrams_end_reaches_who_heard_the_warning_and_gave_up_the_topic(
    room: Room,
) -> None:
    """By rule, for the whole city: nobody decides, and nobody is left out."""
    await room.follow("in a", A)
    warning, _ = await room.says(Status.ISSUED, (), topic="weather", level=3, urgency=3)
    async with room.database.writing() as session:
        await residents.choose_topics(session, room.city, room.people["in a"], {}, room.clock.now())
    raised, heard = await room.says(Status.RAISED, (), warning, topic="weather", level=4)
    assert room.names(heard) == {"in a": "main"}
    _, heard = await room.says(Status.LIFTED, (), raised, topic="weather", level=0, urgency=4)
    assert room.names(heard) == {"in a": "main"}


async def test_a_correction_of_what_woke_people_does_not_wait_for_the_morning(
    room: Room,
) -> None:
    await room.follow("in a", A)
    order, _ = await room.says(Status.ISSUED, (A,))
    await room.says(Status.CORRECTED, (A,), order, level=2)
    async with room.database.reading() as session:
        found = await session.scalars(select(Delivery).order_by(col(Delivery.id).desc()).limit(1))
        correction = found.one()
    assert (correction.kind, correction.priority) == (
        DeliveryKind.CORRECTION,
        Priority.CORRECTION,
    )
    assert not correction.respects_quiet


async def test_a_correction_of_routine_news_overtakes_no_emergency(room: Room) -> None:
    await room.follow("in a", A)
    news, _ = await room.says(Status.ISSUED, (A,), topic="weather", level=0)
    await room.says(Status.CORRECTED, (A,), news, topic="weather", level=0)
    async with room.database.reading() as session:
        found = await session.scalars(select(Delivery).order_by(col(Delivery.id).desc()).limit(1))
        correction = found.one()
    assert correction.kind is DeliveryKind.CORRECTION
    assert correction.priority > Priority.EMERGENCY


async def test_planning_that_was_killed_goes_on_with_the_same_words(room: Room) -> None:
    """Crash-safe: a second planner looks at nobody twice and divides as the first did."""
    for number in range(30):
        await room.follow(f"r{number}", (A, B, C)[number % 3])
    order, _ = await room.says(Status.ISSUED, (A, B))
    now = room.clock.now()
    notice = make_notice(now=now, languages=("ja",))
    notice.status, notice.areas, notice.replaces_id = Status.CORRECTED, [B, C], order
    async with room.database.writing() as session:
        session.add(notice)
        await session.flush()
        delivery = await dispatch.deliver(
            session,
            NoWorkers(),
            notice,
            room.city,
            now,
            created_by="a@city",
            as_new={"ja": {"title": "新", "text": "新"}},
            medium=LINE,
        )
        # As after a crash that had planned the first ten.
        delivery.planned_through, delivery.recipients = 10, 10
    await room.planner.plan(str(delivery.id))
    async with room.database.reading() as session:
        rows = await session.execute(
            select(col(Variant.wording), col(Batch.members))
            .join(Variant, col(Variant.id) == col(Batch.variant_id))
            .where(col(Batch.delivery_id) == delivery.id)
        )
        heard = {wording: set(unpack(members)) for wording, members in rows}
    assert heard == {
        Wording.ELSEWHERE: {n for n in range(11, 31) if n % 3 == 1},
        Wording.MAIN: {n for n in range(11, 31) if n % 3 == 2},
        Wording.NEW: {n for n in range(11, 31) if n % 3 == 0},
    }


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_whatever_happens_the_count_is_who_gets_it_and_the_union_of_all_who_were_told(
    room: Room, seed: int
) -> None:
    dice = random.Random(seed)
    codes = (A, B, C, D)

    def some() -> tuple[str, ...]:
        return tuple(sorted(dice.sample(codes, dice.randrange(1, 3))))

    for number in range(25):
        await room.follow(f"r{number}", *dice.sample(codes, dice.randrange(3)))
    told: set[int] = set()
    last: int | None = None
    statuses = [
        Status.ISSUED,
        *dice.choices((Status.CORRECTED, Status.RAISED, Status.LOWERED, Status.LIFTED), k=5),
    ]
    for place, status in enumerate(statuses):
        last, heard = await room.says(status, some(), last, level=dice.choice((3, 4, 5)))
        reached = {number for numbers in heard.values() for number in numbers}
        assert told <= reached
        told = reached
        for name in dice.sample(list(room.people), 5):
            await room.move(name, *dice.sample(codes, dice.randrange(3)))
        if place == 2:
            await rebuild(room.database)


def test_nobody_is_sent_away_by_words_that_are_not_for_them() -> None:
    for status in (Status.CORRECTED, Status.RAISED, Status.LOWERED, Status.CONTINUED):
        for warned in (True, False):
            away = wording_for(status, here=False, still=False, warned=warned)
            assert away is Wording.ELSEWHERE
            goes_on = wording_for(status, here=False, still=True, warned=warned)
            assert goes_on is (Wording.STILL if warned else Wording.UNHEARD)
    assert wording_for(Status.LIFTED, here=False, still=True, warned=True) is Wording.STILL
    assert wording_for(Status.LIFTED, here=False, still=False, warned=True) is Wording.MAIN


def test_a_change_is_named_by_what_it_does_to_its_places() -> None:
    city = city_of_four()
    standing = {A: 4, B: 3}
    assert change_of(standing, (A,), 5, city) is Status.RAISED
    assert change_of(standing, (B,), 4, city) is Status.RAISED
    assert change_of(standing, (A,), 3, city) is Status.LOWERED
    assert change_of(standing, (C,), 4, city) is Status.CONTINUED


async def test_a_silent_word_more_never_stops_the_alarm(room: Room) -> None:
    await room.follow("in a", A)
    alarm, _ = await room.says(Status.ISSUED, (A,), arrives=False)
    await room.says(Status.CONTINUED, (A,), alarm, silent=True, arrives=False)
    async with room.database.reading() as session:
        first = await session.scalar(select(Delivery).where(col(Delivery.notice_id) == alarm))
        assert first is not None
        assert first.reason is None
