"""The audience of a notice: the SQL compared with the rule for each resident."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import select

from city.city import City
from core.clock import ManualClock
from core.database import Database
from core.errors import BadInput
from subscriptions import bitmaps
from subscriptions import residents as registry
from subscriptions.audience import audience_select, count, count_by_language
from subscriptions.audience_query import AudienceQuery
from subscriptions.districts import keep_districts
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
        resident = await registry.follow(session, city, f"U{number:032x}", language, clock.now())
        assert resident.id is not None
        await registry.choose_areas(session, city, resident.id, areas, clock.now())
        await registry.choose_topics(session, city, resident.id, topics, clock.now())
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


async def test_who_asked_for_little_shocks_hears_them_and_nobody_else(
    database: Database, city: City, clock: ManualClock
) -> None:
    await people(database, city, clock, 1, [], {"weather": 0})
    asked = await people(database, city, clock, 2, [], {"weather": 1})
    await people(database, city, clock, 3, [], {"weather": 3})
    query = AudienceQuery("weather", 1, asked=True)
    assert await audience(database, query) == [asked]
    await bitmaps.rebuild(database)
    async with database.reading() as session:
        assert await count(session, query) == 1


async def test_somebody_who_left_is_in_no_audience(
    database: Database, city: City, clock: ManualClock
) -> None:
    await people(database, city, clock, 1, [], {"weather": 0})
    async with database.writing() as session:
        await registry.unfollow(session, city, f"U{1:032x}", clock.now())
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


@dataclass(frozen=True)
class Somebody:
    """What a resident chose, and whether they are still there."""

    areas: frozenset[str]
    topics: dict[str, int]
    language: str
    stays: bool

    def hears(self, query: AudienceQuery, retired: frozenset[str]) -> bool:
        """The rule, in plain words of Python."""
        homes = self.areas - retired
        lowest = 1 if query.asked else 0
        chosen = lowest <= self.topics.get(query.topic, 99) <= query.level
        wanted = query.mandatory or chosen
        near = not query.areas or not homes or bool(homes & set(query.areas))
        return self.stays and wanted and near and query.language in (None, self.language)


DISTRICTS = ("north", "south", "east")
TOPICS = ("weather", "lifeline", "events")
PEOPLE = st.lists(
    st.builds(
        Somebody,
        areas=st.frozensets(st.sampled_from(DISTRICTS)),
        topics=st.dictionaries(st.sampled_from(TOPICS), st.integers(0, 6)),
        language=st.sampled_from(["ja", "my", "en"]),
        stays=st.integers(0, 9).map(bool),
    ),
    max_size=12,
)
QUERIES = st.lists(
    st.builds(
        AudienceQuery,
        topic=st.sampled_from(TOPICS),
        level=st.integers(0, 6),
        areas=st.lists(st.sampled_from(DISTRICTS), unique=True).map(tuple),
        language=st.sampled_from([None, "ja", "my", "km"]),
        mandatory=st.booleans(),
        asked=st.booleans(),
    ),
    min_size=1,
    max_size=6,
)
RETIRED = st.frozensets(st.sampled_from(DISTRICTS), max_size=1)


@pytest.mark.slow
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(residents=PEOPLE, queries=QUERIES, retired=RETIRED, pictured=st.integers(0, 12))
async def test_the_audience_is_what_the_rule_says_for_any_choices(
    database: Database,
    city: City,
    clock: ManualClock,
    residents: list[Somebody],
    queries: list[AudienceQuery],
    retired: frozenset[str],
    pictured: int,
) -> None:
    """Walked or counted from the picture, of which the last residents know nothing yet."""
    left = city.model_copy(
        update={"districts": tuple(d for d in city.districts if d.code not in retired)}
    )
    async with database.writing() as session:
        ids = [number for number in await session.scalars(select(Resident.id)) if number]
        await registry.erase_rows(session, ids)
        await keep_districts(session, city)
    chosen = {}
    for number, who in enumerate(residents):
        if number == pictured:
            await bitmaps.rebuild(database)
        areas, topics = sorted(who.areas), who.topics
        resident = await people(database, city, clock, number, areas, topics, who.language)
        chosen[resident] = who
        if not who.stays:
            async with database.writing() as session:
                await registry.unfollow(session, city, f"U{number:032x}", clock.now())
    async with database.writing() as session:
        await keep_districts(session, left)
    for query in queries:
        expected = [number for number, who in chosen.items() if who.hears(query, retired)]
        assert await audience(database, query) == expected
        async with database.reading() as session:
            assert await count(session, query) == len(expected)
            by_language = await count_by_language(session, query)
        assert by_language == Counter(chosen[number].language for number in expected)


def test_a_stored_query_comes_back_as_it_was() -> None:
    query = AudienceQuery("weather", 4, ("north",), "my", True, True)
    assert AudienceQuery.from_json(query.to_json()) == query
    older = {key: value for key, value in query.to_json().items() if key != "asked"}
    assert not AudienceQuery.from_json(older).asked
    with pytest.raises(BadInput):
        AudienceQuery.from_json({"topic": "weather", "level": "4"})


async def test_quiet_hours_come_with_the_audience(
    database: Database, city: City, clock: ManualClock
) -> None:
    resident = await people(database, city, clock, 1, [], {"weather": 0}, "ja")
    async with database.writing() as session:
        await registry.choose_quiet_hours(session, city, resident, 1320, 420, clock.now())
        assert (await session.scalars(select(Resident.id))).all() == [resident]
    async with database.reading() as session:
        rows = (await session.execute(audience_select(AudienceQuery("weather", 1)))).all()
    assert [tuple(row) for row in rows] == [(resident, "ja", 1320, 420)]
