"""What households say is kept, the last answer counts, and nothing stays too long (promise 9)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import col, select

from city.city import City
from city.folder import load_city
from core.clock import ManualClock
from core.database import Database
from response.households import Told, counts, forget_old, last_of, take_words_back, tell
from response.models import Condition, HouseholdAnswer, HouseholdNeed, Need, Whereabouts
from subscriptions import residents
from tests.support.project import SAMPLE_CITY


@pytest.fixture(scope="module")
def city() -> City:
    return load_city(SAMPLE_CITY)


async def resident(database: Database, city: City, number: int, now: datetime) -> int:
    async with database.writing() as session:
        user = "U" + f"{number:032x}"
        made = await residents.follow(session, city, user, language="ja", now=now)
        assert made.id is not None
        return made.id


async def says(
    database: Database,
    who: int,
    clock: ManualClock,
    origin: str,
    *,
    ms: int = 1,
    drill: bool = False,
    area: str | None = None,
    **parts: Any,
) -> None:
    async with database.writing() as session:
        await tell(
            session,
            who,
            Told(origin, **parts),
            clock.now(),
            told_ms=ms,
            drill=drill,
            area=area,
        )


async def test_taps_complete_one_answer_and_a_later_answer_counts(
    database: Database, city: City, clock: ManualClock
) -> None:
    who = await resident(database, city, 1, clock.now())
    await says(database, who, clock, "a", condition=Condition.SAFE)
    await says(database, who, clock, "a", ms=2, people=3)
    await says(database, who, clock, "a", ms=3, need=(Need.WATER, True))
    await says(database, who, clock, "a", ms=4, need=(Need.BABY, True))
    await says(database, who, clock, "a", ms=5, need=(Need.BABY, False))
    async with database.reading() as session:
        last = await last_of(session, who)
    assert last is not None
    assert (last.condition, last.people) == (Condition.SAFE, 3)
    assert last.needs == {Need.WATER}
    await says(database, who, clock, "b", ms=9, condition=Condition.CANNOT_MOVE)
    async with database.reading() as session:
        last = await last_of(session, who)
        kept = await session.scalars(select(HouseholdAnswer).order_by(col(HouseholdAnswer.id)))
        history = [(one.condition, one.newest) for one in kept]
    assert last is not None and last.condition is Condition.CANNOT_MOVE and last.people is None
    assert history == [(Condition.SAFE, False), (Condition.CANNOT_MOVE, True)]


async def test_an_answer_that_comes_late_does_not_win(
    database: Database, city: City, clock: ManualClock
) -> None:
    who = await resident(database, city, 1, clock.now())
    await says(database, who, clock, "new", ms=9, condition=Condition.SAFE)
    await says(database, who, clock, "old", ms=3, condition=Condition.CANNOT_MOVE)
    async with database.reading() as session:
        last = await last_of(session, who)
    assert last is not None and last.origin == "new"


async def test_somebody_safe_at_a_shelter_has_evacuated(
    database: Database, city: City, clock: ManualClock
) -> None:
    who = await resident(database, city, 1, clock.now())
    await says(database, who, clock, "a", condition=Condition.SAFE)
    await says(database, who, clock, "a", whereabouts=Whereabouts.SHELTER, shelter="0001")
    async with database.reading() as session:
        last = await last_of(session, who)
    assert last is not None
    assert (last.condition, last.shelter) == (Condition.EVACUATED, "0001")
    await says(database, who, clock, "a", whereabouts=Whereabouts.HOME)
    async with database.reading() as session:
        last = await last_of(session, who)
    assert last is not None
    assert (last.condition, last.shelter) == (Condition.SAFE, None)


async def test_households_are_counted_by_district_shelter_and_need_apart_from_the_drill(
    database: Database, city: City, clock: ManualClock
) -> None:
    people = [await resident(database, city, number, clock.now()) for number in range(4)]
    await says(database, people[0], clock, "a", condition=Condition.SAFE, people=3, area="x")
    await says(database, people[1], clock, "b", condition=Condition.SAFE, area="x")
    await says(database, people[2], clock, "c", condition=Condition.IN_NEED, people=2, area="y")
    await says(database, people[2], clock, "c", need=(Need.MEDICINE, True))
    await says(*(database, people[2], clock, "c"), whereabouts=Whereabouts.SHELTER, shelter="0002")
    await says(database, people[3], clock, "d", condition=Condition.SAFE, drill=True)
    async with database.reading() as session:
        real = await counts(session, drill=False)
        drill = await counts(session, drill=True)
        later = await counts(session, drill=False, since=clock.now() + timedelta(seconds=1))
    assert real["areas"] == [
        {"area": "x", "condition": "safe", "households": 2, "people": 4},
        {"area": "y", "condition": "in-need", "households": 1, "people": 2},
    ]
    assert real["shelters"] == [
        {"shelter": "0002", "condition": "in-need", "households": 1, "people": 2}
    ]
    assert real["needs"] == [{"area": "y", "need": "medicine", "households": 1}]
    assert drill["areas"] == [{"area": None, "condition": "safe", "households": 1, "people": 1}]
    assert later == {"areas": [], "shelters": [], "needs": []}


async def test_answers_go_with_the_resident_and_after_the_citys_days(
    database: Database, city: City, clock: ManualClock
) -> None:
    leaves = await resident(database, city, 1, clock.now())
    stays = await resident(database, city, 2, clock.now())
    for who in (leaves, stays):
        await says(database, who, clock, "a", condition=Condition.SAFE)
        await says(database, who, clock, "a", need=(Need.WATER, True))
    async with database.writing() as session:
        await residents.erase(session, city, leaves, clock.now())
    async with database.reading() as session:
        assert list(await session.scalars(select(HouseholdAnswer.resident_id))) == [stays]
        assert len(list(await session.scalars(select(HouseholdNeed)))) == 1
    assert await forget_old(database, clock.now()) == 0
    assert await forget_old(database, clock.now() + timedelta(seconds=1)) == 1
    async with database.reading() as session:
        assert list(await session.scalars(select(HouseholdNeed))) == []


async def test_words_that_are_taken_back_go(
    database: Database, city: City, clock: ManualClock
) -> None:
    who = await resident(database, city, 1, clock.now())
    await says(database, who, clock, "a", condition=Condition.IN_NEED)
    await says(database, who, clock, "a", words="酸素がいる", words_message="77")
    async with database.writing() as session:
        assert not await take_words_back(session, who, "78")
        assert await take_words_back(session, who, "77")
    async with database.reading() as session:
        last = await last_of(session, who)
    assert last is not None and last.words == ""
