"""Whom a notice concerns: the SQL against the rule, told resident by resident."""

from __future__ import annotations

import random

import pytest
from sqlmodel import select

from core.city import City
from core.clock import ManualClock
from core.database import Database
from core.errors import BadInput
from subscriptions import service
from subscriptions.audience import AudienceQuery, audience_select, count, count_by_language
from subscriptions.models import Resident


async def people(
    database: Database,
    city: City,
    clock: ManualClock,
    number: int,
    areas: list[str],
    topics: dict[str, int],
    language: str = "ja",
) -> int:
    """Take in one resident with these choices."""
    async with database.writing() as session:
        resident = await service.follow(session, city, f"U{number:032x}", language, clock.now())
        assert resident.id is not None
        await service.choose_areas(session, city, resident.id, areas, clock.now())
        await service.choose_topics(session, city, resident.id, topics, clock.now())
        return resident.id


async def audience(database: Database, query: AudienceQuery) -> list[int]:
    async with database.reading() as session:
        return [row[0] for row in (await session.execute(audience_select(query))).all()]


async def test_topic_level_area_and_language_decide(
    database: Database, city: City, clock: ManualClock
) -> None:
    north = await people(database, city, clock, 1, ["north"], {"weather": 0})
    both = await people(database, city, clock, 2, ["north", "south"], {"weather": 3}, "my")
    anywhere = await people(database, city, clock, 3, [], {"weather": 4})
    events = await people(database, city, clock, 4, ["south"], {"events": 0})

    assert await audience(database, AudienceQuery("weather", 5)) == [north, both, anywhere]
    assert await audience(database, AudienceQuery("weather", 3)) == [north, both]
    assert await audience(database, AudienceQuery("weather", 5, ("south",))) == [both, anywhere]
    both_areas = AudienceQuery("weather", 5, ("south", "north"))
    assert await audience(database, both_areas) == [north, both, anywhere]
    assert await audience(database, AudienceQuery("weather", 5, ("east",))) == [anywhere]
    assert await audience(database, AudienceQuery("weather", 5, language="my")) == [both]
    everyone = AudienceQuery("evacuation", 4, mandatory=True)
    assert await audience(database, everyone) == [north, both, anywhere, events]
    in_south = AudienceQuery("evacuation", 4, ("south",), mandatory=True)
    assert await audience(database, in_south) == [both, anywhere, events]


async def test_somebody_who_left_is_in_no_audience(
    database: Database, city: City, clock: ManualClock
) -> None:
    await people(database, city, clock, 1, [], {"weather": 0})
    async with database.writing() as session:
        await service.unfollow(session, city, f"U{1:032x}", clock.now())
    assert await audience(database, AudienceQuery("weather", 5)) == []
    assert await audience(database, AudienceQuery("evacuation", 5, mandatory=True)) == []


async def test_planning_goes_on_after_a_crash_where_it_stopped(
    database: Database, city: City, clock: ManualClock
) -> None:
    ids = [await people(database, city, clock, n, [], {"weather": 0}) for n in range(6)]
    query = AudienceQuery("weather", 5)
    async with database.reading() as session:
        for mandatory in (False, True):
            query = AudienceQuery("weather", 5, mandatory=mandatory)
            statement = audience_select(query, after=ids[1], through=ids[4])
            rows = (await session.execute(statement)).all()
            assert [row[0] for row in rows] == ids[2:5]


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_the_audience_is_what_the_rule_says_for_any_choices(
    database: Database, city: City, clock: ManualClock, seed: int
) -> None:
    dice = random.Random(seed)
    chosen = {}
    districts = list(city.district_by_code)
    for number in range(40):
        areas = dice.sample(districts, dice.choice([0, 1, 1, 2]))
        wanted = dice.sample(["weather", "lifeline", "events"], dice.randint(0, 3))
        topics = {topic: dice.randint(0, 5) for topic in wanted}
        language = dice.choice(["ja", "my", "en"])
        resident = await people(database, city, clock, number, areas, topics, language)
        chosen[resident] = (areas, topics, language)
        if dice.random() < 0.1:
            async with database.writing() as session:
                await service.unfollow(session, city, f"U{number:032x}", clock.now())
            del chosen[resident]
    for _ in range(40):
        query = AudienceQuery(
            dice.choice(["weather", "lifeline", "events"]),
            dice.randint(0, 5),
            tuple(dice.sample(districts, dice.choice([0, 1, 2]))),
            dice.choice([None, "ja", "my"]),
            dice.random() < 0.3,
        )
        expected = {
            resident: language
            for resident, (areas, topics, language) in chosen.items()
            if (query.mandatory or topics.get(query.topic, 9) <= query.level)
            and (not query.areas or not areas or set(areas) & set(query.areas))
            and query.language in (None, language)
        }
        assert await audience(database, query) == sorted(expected)
        async with database.reading() as session:
            assert await count(session, query) == len(expected)
            by_language = await count_by_language(session, query)
        assert by_language == {
            language: list(expected.values()).count(language)
            for language in sorted(set(expected.values()))
        }


def test_a_stored_query_comes_back_as_it_was() -> None:
    query = AudienceQuery("weather", 4, ("north",), "my", True)
    assert AudienceQuery.from_json(query.to_json()) == query
    with pytest.raises(BadInput):
        AudienceQuery.from_json({"topic": "weather", "level": "4"})


async def test_quiet_hours_come_with_the_audience(
    database: Database, city: City, clock: ManualClock
) -> None:
    resident = await people(database, city, clock, 1, [], {"weather": 0}, "ja")
    async with database.writing() as session:
        await service.choose_quiet_hours(session, city, resident, 1320, 420, clock.now())
        assert (await session.scalars(select(Resident.id))).all() == [resident]
    async with database.reading() as session:
        rows = (await session.execute(audience_select(AudienceQuery("weather", 1)))).all()
    assert [tuple(row) for row in rows] == [(resident, "ja", 1320, 420)]
