"""Stored data is erased in time, and the city's changes reach the residents."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import col, select

from city.city import City
from core.clock import ManualClock
from core.database import Database
from subscriptions import bitmaps, residents, retention
from subscriptions.audience import audience_select, count
from subscriptions.audience_query import AudienceQuery
from subscriptions.districts import keep_districts
from subscriptions.models import Area, Resident

DAY = timedelta(days=1).total_seconds()


async def test_promise_9_somebody_who_left_is_forgotten_after_the_citys_days(
    database: Database, city: City, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "CHUNK", 2)
    users = [f"U{number:032x}" for number in range(8)]
    async with database.writing() as session:
        for user in users:
            await residents.follow(session, city, user, "ja", clock.now())
        for user in users[:5]:
            await residents.unfollow(session, city, user, clock.now())
    await clock.advance(20 * DAY)
    async with database.writing() as session:
        await residents.follow(session, city, users[0], "ja", clock.now())
        await residents.unfollow(session, city, users[5], clock.now())
    assert await retention.forget_left(database, 30, clock.now()) == 0
    await clock.advance(11 * DAY)
    assert await retention.forget_left(database, 30, clock.now()) == 4
    assert await retention.forget_left(database, 30, clock.now()) == 0
    async with database.reading() as session:
        kept = await session.scalars(
            select(Resident.line_user_id).order_by(col(Resident.line_user_id))
        )
        assert list(kept) == [users[0], *users[5:]]


@pytest.mark.slow
async def test_somebody_whose_district_is_gone_hears_about_the_whole_city(
    database: Database, city: City, clock: ManualClock
) -> None:
    homes = {"north": ["north"], "both": ["north", "south"], "south": ["south"]}
    ids = {}
    async with database.writing() as session:
        await keep_districts(session, city)
        for number, (name, areas) in enumerate(homes.items()):
            resident = await residents.follow(session, city, f"U{number:032x}", "ja", clock.now())
            assert resident.id is not None
            ids[resident.id] = name
            await residents.choose_areas(session, city, resident.id, areas, clock.now())
    await bitmaps.rebuild(database)
    smaller = city.model_copy(update={"districts": city.districts[1:]})

    async def hear_about(*areas: str) -> set[str]:
        query = AudienceQuery("evacuation", 4, areas, mandatory=True)
        async with database.reading() as session:
            rows = (await session.execute(audience_select(query))).all()
            assert await count(session, query) == len(rows)
            return {ids[row[0]] for row in rows}

    assert await hear_about("east") == set()
    async with database.writing() as session:
        await keep_districts(session, smaller)
    assert await hear_about("east") == {"north"}
    assert await hear_about("south") == {"north", "both", "south"}
    await bitmaps.rebuild(database)
    assert await hear_about("north") == {"north"}

    async with database.writing() as session:
        await keep_districts(session, city)
        assert list(await session.scalars(select(Area.retired).distinct())) == [False]
    assert await hear_about("east") == set()
    assert await hear_about("north") == {"north", "both"}


async def test_promise_9_a_child_who_outgrew_the_citys_table_is_forgotten(
    database: Database, city: City, clock: ManualClock
) -> None:
    async with database.writing() as session:
        parent = await residents.follow(session, city, f"U{1:032x}", "ja", clock.now())
        assert parent.id is not None
        this = clock.now().year
        months = [f"{this - 15}-04", f"{this - 2}-05"]
        await residents.choose_children(session, city, parent.id, months, clock.now())
    assert await retention.forget_grown(database, f"{this - 11}-04") == 1
    assert await retention.forget_grown(database, f"{this - 11}-04") == 0
    async with database.reading() as session:
        assert (await residents.preferences(session, city, parent.id)).children == (months[1],)
