"""Whoever heard of a danger hears its end by the same medium, whatever was changed in between:
switches, rules, and what residents chose.
"""

from __future__ import annotations

from collections import Counter

import pytest
from sqlalchemy import delete, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from city.city import MediumRule
from core.database import Database
from feeds.models import Notice, Status
from subscriptions import other_media, residents
from subscriptions.models import Resident, ResidentState, Subscription
from tests.support.engine import make_notice, user_id
from tests.support.media_town import (
    AT_LINE,
    BY_MAIL,
    BY_POST,
    BY_PUSH,
    DEAD,
    NOON,
    STANDBY,
    Town,
    once,
)

EVERYWHERE = {"line": AT_LINE, "email": BY_MAIL, "webpush": BY_PUSH, "posts": BY_POST}
OTHERS = (Status.CORRECTED, Status.LIFTED, Status.CANCELLED)


@pytest.fixture
async def town(database: Database) -> Town:
    made = Town(database, has_push=True)
    await made.settle()
    return made


async def told_of(town: Town, *chosen: str, topic: str = "evacuation") -> Notice:
    """Send an order and forget who got it."""
    order = make_notice(topic, level=5, now=town.clock.now(), emergency=True)
    await town.send(order, *chosen)
    await town.work()
    return order


async def follow_up(town: Town, order: Notice, status: Status, *chosen: str) -> None:
    """Send what follows, and look only at that."""
    before = town.told()
    await town.send(
        make_notice(
            order.topic,
            level=order.level,
            now=town.clock.now(),
            status=status,
            replaces_id=order.id,
            emergency=True,
        ),
        *chosen,
    )
    await town.work()
    for medium in town.several:
        got = Counter(address for address, _ in medium.recipients.received())
        medium.recipients._received = [
            (address, "") for address in (got - before[medium.name]).elements()
        ]


@pytest.mark.parametrize("status", OTHERS)
async def test_a_medium_that_was_switched_off_since_brings_the_end_too(
    town: Town, status: Status
) -> None:
    order = await told_of(town)
    assert town.told() == {name: once(some) for name, some in EVERYWHERE.items()}
    # Since then the rules leave everything out, and staff switch everything off but LINE.
    rules = tuple(MediumRule(medium=name, topics=("events",)) for name in EVERYWHERE)
    town.city = town.city.model_copy(update={"media": rules})
    await follow_up(town, order, status, "line")
    assert town.told() == {name: once(some) for name, some in EVERYWHERE.items()}


@pytest.mark.parametrize("medium", EVERYWHERE)
async def test_a_medium_that_was_not_used_is_not_used_for_the_end(town: Town, medium: str) -> None:
    order = await told_of(town, medium)
    await follow_up(town, order, Status.LIFTED)
    reached = {name for name, got in town.told().items() if got}
    assert reached == {medium}


@pytest.mark.parametrize("status", OTHERS)
@pytest.mark.parametrize("medium", EVERYWHERE)
async def test_who_gave_up_the_topic_since_hears_the_end(
    town: Town, medium: str, status: Status
) -> None:
    first = EVERYWHERE[medium].start
    order = await told_of(town, topic="events")
    async with town.database.writing() as session:
        await session.execute(
            delete(Subscription).where(
                col(Subscription.resident_id) == first, col(Subscription.topic) == "events"
            )
        )
    await follow_up(town, order, status)
    assert town.told()[medium][user_id(first)] == 1
    # And nothing new of the topic.
    await follow_up(town, make_notice("events", level=5, now=NOON), Status.ISSUED)
    assert town.told()[medium][user_id(first)] == 0


@pytest.mark.parametrize("medium", EVERYWHERE)
async def test_who_left_a_medium_gets_nothing_more_by_it(town: Town, medium: str) -> None:
    order = await told_of(town)
    first = EVERYWHERE[medium].start
    async with town.database.writing() as session:
        await session.execute(
            update(Resident)
            .where(col(Resident.id) == first)
            .values(state=ResidentState.LEFT, left_at=town.clock.now())
        )
    await follow_up(town, order, Status.LIFTED)
    assert user_id(first) not in town.told()[medium]


@pytest.mark.parametrize("medium", EVERYWHERE)
async def test_who_left_and_came_back_hears_the_end(town: Town, medium: str) -> None:
    order = await told_of(town)
    first, now = user_id(EVERYWHERE[medium].start), town.clock.now()
    async with town.database.writing() as session:
        if medium == "line":
            await residents.unfollow(session, town.city, first, now)
            await residents.follow(session, town.city, first, "ja", now)
        else:
            await other_media.unfollow_at(session, medium, first, now)
            await other_media.follow_at(session, town.city, medium, first, "ja", now)
    await follow_up(town, order, Status.LIFTED)
    assert town.told()[medium][first] == 1


async def test_who_blocked_line_since_hears_the_end_by_mail_if_they_stood_by(
    town: Town,
) -> None:
    order = await told_of(town, topic="events")
    stood_by = STANDBY.start
    assert user_id(stood_by) not in town.told()["email"]
    async with town.database.writing() as session:
        await residents.unfollow(session, town.city, user_id(1), town.clock.now())
        # Not even the topic is left to them.
        await session.execute(delete(Subscription).where(col(Subscription.resident_id) == stood_by))
    await follow_up(town, order, Status.LIFTED)
    told = town.told()
    assert user_id(1) not in told["line"]
    assert told["email"] == once(BY_MAIL, range(stood_by, stood_by + 1))


async def test_who_stands_by_since_hears_the_end_where_they_heard_the_danger(
    town: Town,
) -> None:
    order = await told_of(town)
    async with town.database.writing() as session:
        await _link(session, town, BY_MAIL.start, 3)
    await follow_up(town, order, Status.LIFTED)
    assert town.told()["email"] == once(BY_MAIL)
    assert town.told()["line"] == once(AT_LINE)


@pytest.mark.parametrize("medium", ["email", "webpush"])
async def test_who_was_told_while_line_was_silent_and_separated_since_hears_the_end_there(
    town: Town, medium: str
) -> None:
    stands_by = STANDBY.start if medium == "email" else BY_PUSH.start
    async with town.database.writing() as session:
        await _link(session, town, stands_by, 1)
    town.line.failures = list(DEAD)
    order = await told_of(town, "line")
    town.clock.skip(70)
    await town.look()
    await town.work()
    assert town.told()[medium][user_id(stands_by)] == 1
    town.line.failures = []
    town.clock.skip(400)
    await town.work()
    async with town.database.writing() as session:
        await other_media.link(session, stands_by, None, town.clock.now())
    await follow_up(town, order, Status.LIFTED, "line")
    assert town.told()[medium][user_id(stands_by)] == 1
    assert town.told()["line"] == once(AT_LINE)


async def _link(session: AsyncSession, town: Town, here: int, at_line: int) -> None:
    await other_media.link(session, here, at_line, town.clock.now(), only_if_line_fails=True)
