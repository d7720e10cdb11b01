"""Disaster mode: one switch, real or drill, that cannot be mistaken (promise 5)."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from sqlmodel import col, select

from city.city import City
from city.folder import load_city
from core.audit import AuditEntry
from core.clock import ManualClock
from core.database import Database
from core.errors import BadInput
from response.models import DisasterMode
from response.modes import begin, end, open_modes
from tests.support.project import SAMPLE_CITY

STAFF = "desk@city.example"


@pytest.fixture(scope="module")
def city() -> City:
    return load_city(SAMPLE_CITY)


async def switched(
    database: Database, city: City, clock: ManualClock, *areas: str, drill: bool
) -> DisasterMode:
    async with database.writing() as session:
        return await begin(session, city, areas, clock.now(), drill=drill, actor=STAFF)


async def on(database: Database) -> list[tuple[bool, list[str]]]:
    async with database.reading() as session:
        return [(mode.drill, mode.areas) for mode in await open_modes(session)]


async def test_it_goes_on_for_districts_and_off_and_leaves_who_did_it(
    database: Database, city: City, clock: ManualClock
) -> None:
    first, second = city.districts[1].code, city.districts[0].code
    mode = await switched(database, city, clock, first, second, drill=False)
    assert await on(database) == [(False, sorted((first, second)))]
    assert mode.concerns([first, "x"]) and mode.concerns([]) and not mode.concerns(["x"])
    async with database.writing() as session:
        await end(session, city, clock.now(), drill=False, actor="shell:root")
    assert await on(database) == []
    async with database.reading() as session:
        trail = list(await session.scalars(select(AuditEntry).order_by(col(AuditEntry.id))))
    assert [(one.action, one.actor) for one in trail] == [
        ("disaster_mode.begun", STAFF),
        ("disaster_mode.ended", "shell:root"),
    ]
    assert trail[0].detail == {
        "drill": False,
        "staff_only": False,
        "areas": sorted((first, second)),
    }


async def test_switching_it_on_again_changes_the_districts_and_nothing_twice(
    database: Database, city: City, clock: ManualClock
) -> None:
    code = city.districts[0].code
    first = await switched(database, city, clock, code, drill=False)
    again = await switched(database, city, clock, code, drill=False)
    assert again.id == first.id
    await switched(database, city, clock, drill=False)
    assert await on(database) == [(False, [])]


async def test_the_real_one_ends_a_drill_and_no_drill_begins_in_a_disaster(
    database: Database, city: City, clock: ManualClock
) -> None:
    await switched(database, city, clock, drill=True)
    await switched(database, city, clock, drill=False)
    assert await on(database) == [(False, [])]
    with pytest.raises(BadInput, match="a drill cannot begin"):
        await switched(database, city, clock, drill=True)


async def test_a_drill_is_not_ended_as_the_real_one_nor_the_other_way_round(
    database: Database, city: City, clock: ManualClock
) -> None:
    await switched(database, city, clock, drill=True)
    with pytest.raises(BadInput, match="is a drill"):
        async with database.writing() as session:
            await end(session, city, clock.now(), drill=False, actor=STAFF)
    async with database.writing() as session:
        await end(session, city, clock.now(), drill=True, actor=STAFF)
    with pytest.raises(BadInput, match="not on"):
        async with database.writing() as session:
            await end(session, city, clock.now(), drill=True, actor=STAFF)


async def test_an_unknown_district_is_refused(
    database: Database, city: City, clock: ManualClock
) -> None:
    with pytest.raises(BadInput, match="'nowhere' is not a district"):
        await switched(database, city, clock, "nowhere", drill=True)
    assert await on(database) == []


async def test_a_drill_and_a_disaster_begun_at_once_are_not_on_together(
    database: Database, city: City, clock: ManualClock
) -> None:
    async def switch(*, drill: bool) -> None:
        with contextlib.suppress(BadInput):
            await switched(database, city, clock, drill=drill)

    await asyncio.gather(switch(drill=True), switch(drill=False), switch(drill=False))
    assert await on(database) == [(False, [])]
