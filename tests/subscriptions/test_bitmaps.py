"""Counts from bitmaps always equal counts of rows, whatever happens meanwhile."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import delete, event, func
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import select

from city.city import City
from core.clock import ManualClock
from core.database import Database
from core.snapshot import keep_answers
from subscriptions import bitmaps, residents
from subscriptions.audience import (
    audience_select,
    count,
    count_by_area,
    count_by_language,
    members,
)
from subscriptions.audience_query import AudienceQuery
from subscriptions.generate import generate
from subscriptions.models import AudienceBitmap, ResidentChange


async def change_somebody(
    database: Database, city: City, clock: ManualClock, dice: random.Random, people: list[str]
) -> None:
    """One of the things that happen to residents, at random."""
    now = clock.now()
    async with database.writing() as session:
        if not people or dice.random() < 0.3:
            people.append(f"U{dice.getrandbits(128):032x}")
            await residents.follow(session, city, people[-1], dice.choice(["ja", "my"]), now)
            return
        user = dice.choice(people)
        resident = await residents.find(session, user)
        assert resident is not None
        assert resident.id is not None
        what = dice.randrange(6)
        if what == 0:
            language = dice.choice(["ja", "en", "my"])
            await residents.choose_language(session, city, resident.id, language, now)
        elif what == 1:
            areas = dice.sample(list(city.district_by_code), dice.randrange(4))
            await residents.choose_areas(session, city, resident.id, areas, now)
        elif what == 2:
            topics = {
                topic: dice.randrange(6)
                for topic in dice.sample(["weather", "lifeline", "events"], dice.randrange(4))
            }
            await residents.choose_topics(session, city, resident.id, topics, now)
        elif what == 3:
            await residents.unfollow(session, city, user, now)
        elif what == 4:
            await residents.follow(session, city, user, "ja", now)
        else:
            people.remove(user)
            await residents.erase(session, city, resident.id, now)


async def check(database: Database, city: City, dice: random.Random, *, often: int = 4) -> None:
    """Compare counts with the audience itself, row by row."""
    for _ in range(often):
        query = AudienceQuery(
            dice.choice(["weather", "lifeline", "events"]),
            dice.randrange(7),
            tuple(dice.sample(list(city.district_by_code), dice.randrange(3))),
            dice.choice([None, None, "ja", "my", "km"]),
            dice.random() < 0.3,
        )
        async with database.reading() as session:
            rows = (await session.execute(audience_select(query))).all()
            assert await count(session, query) == len(rows), query
            languages = [row[1] for row in rows]
            assert await count_by_language(session, query) == {
                language: languages.count(language) for language in sorted(set(languages))
            }
            areas = list(query.areas or city.district_by_code)
            assert await count_by_area(session, query, areas) == {
                area: await count(session, replace(query, areas=(area,))) for area in areas
            }


Counts = tuple[int, dict[str, int], dict[str, int], int]


async def counts(session: AsyncSession, query: AudienceQuery, city: City) -> Counts:
    return (
        await count(session, query),
        await count_by_language(session, query),
        await count_by_area(session, query, list(city.district_by_code)),
        (await members(session, query)).bits,
    )


async def test_what_a_page_keeps_of_its_counts_is_what_was_there_when_it_began(
    database: Database, city: City, clock: ManualClock
) -> None:
    """It counts the same as before it kept anything, whatever residents do meanwhile."""
    dice = random.Random(9)
    people: list[str] = []
    for pictured in (False, True):
        for _ in range(12):
            await change_somebody(database, city, clock, dice, people)
        if pictured:
            assert await bitmaps.rebuild(database)
            await change_somebody(database, city, clock, dice, people)
        area, *_ = city.district_by_code
        weather = AudienceQuery("weather", 4)
        queries = [
            *(weather, replace(weather, areas=(area,)), replace(weather, language="ja")),
            replace(weather, mandatory=True),
        ]
        async with database.reading() as session:
            before = [await counts(session, query, city) for query in queries]
            keep_answers(session)
            first = [await counts(session, query, city) for query in queries]
            for _ in range(6):
                await change_somebody(database, city, clock, dice, people)
            assert await bitmaps.rebuild(database)
            again = [await counts(session, query, city) for query in queries]
        assert before == first == again
        async with database.reading() as session:
            assert [await counts(session, query, city) for query in queries] != before


async def test_a_page_that_keeps_its_counts_reads_each_bitmap_once(
    database: Database, city: City, clock: ManualClock
) -> None:
    await generate(database, city, 50, seed=3, now=clock.now())
    read: list[str] = []

    def heard(_: Any, __: Any, statement: str, *___: Any) -> None:
        if "audience_bitmaps" in statement:
            read.append(statement)

    event.listen(database.engine.sync_engine, "before_cursor_execute", heard)
    try:
        async with database.reading() as session:
            keep_answers(session)
            query = AudienceQuery("weather", 4, mandatory=True)
            await members(session, query)
            once = len(read)
            for _ in range(3):
                await counts(session, query, city)
                await members(session, replace(query, level=2))
    finally:
        event.remove(database.engine.sync_engine, "before_cursor_execute", heard)
    assert once == 1 and len(read) == 2, "the districts' besides, once"


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
async def test_a_count_is_exact_whatever_changed_since_the_picture(
    database: Database, city: City, clock: ManualClock, seed: int
) -> None:
    dice = random.Random(seed)
    people: list[str] = []
    for _ in range(12):
        for _ in range(dice.randrange(10)):
            await change_somebody(database, city, clock, dice, people)
        if dice.random() < 0.4:
            assert await bitmaps.rebuild(database)
            async with database.reading() as session:
                changes = select(func.count()).select_from(ResidentChange)
                assert await session.scalar(changes) == 0
        await check(database, city, dice)


async def test_a_change_while_the_picture_is_taken_is_not_lost(
    database: Database, city: City, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    dice = random.Random(5)
    people: list[str] = []
    for _ in range(8):
        await change_somebody(database, city, clock, dice, people)
    really_writing = database.writing

    @asynccontextmanager
    async def late(**_options: object) -> AsyncIterator[AsyncSession]:
        """Between reading the picture and swapping it in, residents go on changing."""
        monkeypatch.setattr(database, "writing", really_writing)
        for _ in range(6):
            await change_somebody(database, city, clock, dice, people)
        async with really_writing() as session:
            yield session

    for _ in range(4):
        monkeypatch.setattr(database, "writing", late)
        assert await bitmaps.rebuild(database)
        await check(database, city, dice)


async def test_of_two_pictures_taken_at_once_one_is_thrown_away(
    database: Database, city: City, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    dice = random.Random(6)
    people: list[str] = []
    for _ in range(8):
        await change_somebody(database, city, clock, dice, people)
    really_writing = database.writing

    @asynccontextmanager
    async def overtaken(**_: object):  # type: ignore[no-untyped-def]
        monkeypatch.setattr(database, "writing", really_writing)
        await change_somebody(database, city, clock, dice, people)
        assert await bitmaps.rebuild(database)
        async with really_writing() as session:
            yield session

    monkeypatch.setattr(database, "writing", overtaken)
    assert not await bitmaps.rebuild(database)
    await check(database, city, dice)


async def test_a_picture_is_taken_when_enough_has_changed(
    database: Database, city: City, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bitmaps, "REBUILD_AFTER", 3)
    dice = random.Random(7)
    assert not await bitmaps.maintain(database)
    people: list[str] = []
    while len(people) < 4:
        await change_somebody(database, city, clock, dice, people)
    assert await bitmaps.maintain(database)
    assert not await bitmaps.maintain(database)
    await check(database, city, dice)
    # a restored database has no picture and no changes either
    async with database.writing() as session:
        await session.execute(delete(AudienceBitmap))
        await session.execute(delete(ResidentChange))
    assert await bitmaps.maintain(database)
    await check(database, city, dice)


@pytest.mark.slow
async def test_generated_residents_are_counted_from_the_picture(
    database: Database, city: City, clock: ManualClock
) -> None:
    await generate(database, city, 2_000, seed=1, now=clock.now())
    async with database.reading() as session:
        assert await session.scalar(select(func.count()).select_from(AudienceBitmap))
        assert await session.scalar(select(func.count()).select_from(ResidentChange)) == 0
    dice = random.Random(8)
    await check(database, city, dice, often=10)
    await generate(database, city, 500, seed=2, now=clock.now())
    await check(database, city, dice, often=10)
