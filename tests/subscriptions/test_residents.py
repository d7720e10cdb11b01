"""A resident's choices, from the first greeting to the last farewell."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func
from sqlmodel import select

from city.city import City
from core.clock import ManualClock
from core.database import Database
from core.errors import BadInput
from subscriptions import residents
from subscriptions.models import (
    Resident,
    ResidentArea,
    ResidentChange,
    ResidentState,
    Subscription,
    area_list,
)

USER = "U" + "a" * 32


async def follower(database: Database, city: City, clock: ManualClock, user: str = USER) -> int:
    async with database.writing() as session:
        resident = await residents.follow(session, city, user, "my", clock.now())
        assert resident.id is not None
        return resident.id


async def test_a_new_resident_has_the_default_topics_until_they_choose(
    database: Database, city: City, clock: ManualClock
) -> None:
    resident = await follower(database, city, clock)
    async with database.reading() as session:
        choices = await residents.preferences(session, city, resident)
    assert choices.topics == {"evacuation": 0, "weather": 0, "lifeline": 0}
    assert choices.language == "my"
    assert not choices.topics_chosen
    assert choices.areas == ()


async def test_unfollow_stops_everything_and_a_new_follow_restores_the_settings(
    database: Database, city: City, clock: ManualClock
) -> None:
    resident = await follower(database, city, clock)
    async with database.writing() as session:
        await residents.choose_language(session, city, resident, "vi", clock.now())
        await residents.choose_areas(session, city, resident, ["south", "north"], clock.now())
        await residents.choose_topics(
            session, city, resident, {"events": 0, "weather": 3}, clock.now()
        )
        await residents.choose_quiet_hours(session, city, resident, 1380, 360, clock.now())
        await residents.choose_digest_hour(session, city, resident, 8, clock.now())
    async with database.reading() as session:
        before = await residents.preferences(session, city, resident)
    assert before.areas == ("north", "south")
    assert before.topics == {"evacuation": 0, "events": 0, "weather": 3}

    async with database.writing() as session:
        gone = await residents.unfollow(session, city, USER, clock.now())
    assert gone is not None
    assert gone.state is ResidentState.LEFT
    async with database.reading() as session:
        assert await residents.preferences(session, city, resident) == replace(
            before, following=False
        )

    await clock.advance(timedelta(days=9).total_seconds())
    async with database.writing() as session:
        back = await residents.follow(session, city, USER, "en", clock.now())
    assert back.id == resident
    async with database.reading() as session:
        assert await residents.preferences(session, city, resident) == before


async def test_a_follow_that_comes_twice_makes_one_resident_and_changes_nothing(
    database: Database, city: City, clock: ManualClock
) -> None:
    resident = await follower(database, city, clock)
    async with database.writing() as session:
        await residents.choose_topics(session, city, resident, {}, clock.now())
    assert await follower(database, city, clock) == resident
    async with database.reading() as session:
        choices = await residents.preferences(session, city, resident)
        assert await session.scalar(select(func.count()).select_from(Resident)) == 1
    assert choices.topics == {"evacuation": 0}


async def test_two_follows_at_once_make_one_resident(
    database: Database, city: City, clock: ManualClock
) -> None:
    ids = await asyncio.gather(*(follower(database, city, clock) for _ in range(6)))
    assert len(set(ids)) == 1
    async with database.reading() as session:
        topics = await session.scalars(select(Subscription.topic))
        assert sorted(topics) == ["lifeline", "weather"]


async def test_changes_at_once_leave_what_one_of_them_chose(
    database: Database, city: City, clock: ManualClock
) -> None:
    """Two taps in quick succession never leave a mixture, nor an error."""
    resident = await follower(database, city, clock)

    async def choose(areas: list[str]) -> None:
        async with database.writing() as session:
            await residents.choose_areas(session, city, resident, areas, clock.now())

    await asyncio.gather(choose(["north", "east"]), choose(["south"]), choose([]))
    async with database.reading() as session:
        areas = (await residents.preferences(session, city, resident)).areas
        row = await session.get(Resident, resident)
    assert areas in (("east", "north"), ("south",), ())
    assert row is not None
    assert row.area_list == area_list(areas)


async def test_unfollow_of_somebody_never_seen_is_no_error(
    database: Database, city: City, clock: ManualClock
) -> None:
    async with database.writing() as session:
        assert await residents.unfollow(session, city, USER, clock.now()) is None


async def test_a_mandatory_topic_cannot_be_left(
    database: Database, city: City, clock: ManualClock
) -> None:
    resident = await follower(database, city, clock)
    async with database.writing() as session:
        await residents.choose_topics(session, city, resident, {"evacuation": 5}, clock.now())
    async with database.reading() as session:
        assert (await residents.preferences(session, city, resident)).topics == {"evacuation": 0}


async def test_what_is_not_the_citys_is_refused_and_nothing_changes(
    database: Database, city: City, clock: ManualClock
) -> None:
    resident = await follower(database, city, clock)
    async with database.reading() as session:
        before = await residents.preferences(session, city, resident)
    now = clock.now()
    async with database.writing() as session:
        with pytest.raises(BadInput, match="atlantis"):
            await residents.choose_areas(session, city, resident, ["north", "atlantis"], now)
        with pytest.raises(BadInput, match="gossip"):
            await residents.choose_topics(session, city, resident, {"gossip": 0}, now)
        with pytest.raises(BadInput, match="between 0 and"):
            await residents.choose_topics(session, city, resident, {"weather": 9}, now)
        with pytest.raises(BadInput, match="tlh"):
            await residents.choose_language(session, city, resident, "tlh", now)
        with pytest.raises(BadInput):
            await residents.choose_quiet_hours(session, city, resident, 60, None, now)
        with pytest.raises(BadInput):
            await residents.choose_quiet_hours(session, city, resident, 60, 1440, now)
        with pytest.raises(BadInput):
            await residents.choose_digest_hour(session, city, resident, 24, now)
        with pytest.raises(residents.UnknownResident):
            await residents.choose_areas(session, city, resident + 1, [], now)
    async with database.reading() as session:
        assert await residents.preferences(session, city, resident) == before


async def test_promise_9_a_resident_sees_what_is_kept_and_can_have_it_erased(
    database: Database, city: City, clock: ManualClock
) -> None:
    resident = await follower(database, city, clock)
    other = await follower(database, city, clock, "U" + "b" * 32)
    async with database.writing() as session:
        await residents.choose_areas(session, city, resident, ["north"], clock.now())
    async with database.reading() as session:
        kept = (await residents.export(session, city, resident)).to_json()
    assert kept["line_user_id"] == USER
    assert kept["areas"] == ["north"]

    async with database.writing() as session:
        await residents.erase(session, city, resident, clock.now())
    async with database.reading() as session:
        assert await residents.find(session, USER) is None
        with pytest.raises(residents.UnknownResident):
            await residents.export(session, city, resident)
        assert set(await session.scalars(select(Subscription.resident_id))) == {other}
        assert list(await session.scalars(select(ResidentArea))) == []
        assert resident in set(await session.scalars(select(ResidentChange.resident_id)))


async def test_every_change_is_dated(database: Database, city: City, clock: ManualClock) -> None:
    resident = await follower(database, city, clock)
    for change in range(7):
        await clock.advance(1)
        now = clock.now()
        async with database.writing() as session:
            if change == 0:
                await residents.choose_language(session, city, resident, "km", now)
            elif change == 1:
                await residents.choose_areas(session, city, resident, ["north"], now)
            elif change == 2:
                await residents.choose_topics(session, city, resident, {}, now)
            elif change == 3:
                await residents.choose_quiet_hours(session, city, resident, 0, 0, now)
            elif change == 4:
                await residents.choose_digest_hour(session, city, resident, 7, now)
            elif change == 5:
                await residents.unfollow(session, city, USER, now)
            else:
                await residents.follow(session, city, USER, "en", now)
        async with database.reading() as session:
            row = await session.get(Resident, resident)
            assert row is not None
            assert row.updated_at == now
