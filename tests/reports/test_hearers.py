"""Who hears of a case: everybody of it, once, in a way that reaches them."""

from __future__ import annotations

import uuid

import pytest

from city.city import City
from city.folder import CityFolder
from core.clock import ManualClock
from core.database import Database
from reports import cases, following, register
from reports.hearers import Way, hearers, reachable
from reports.models import CameBy, Report
from reports.register import Draft
from subscriptions import residents
from subscriptions.models import Resident, ResidentState

BY = "roads@city.example"


@pytest.fixture
def city(sample: CityFolder) -> City:
    return sample.city


class Case:
    """A case of several reports, the first of them the leading one."""

    def __init__(self, database: Database, city: City, clock: ManualClock) -> None:
        self.database, self.city, self.clock = database, city, clock
        self.first = ""

    async def resident(self, name: str) -> Resident:
        async with self.database.writing() as session:
            user = f"U{name:0>32}"
            return await residents.follow(session, self.city, user, "en", self.clock.now())

    async def report(self, came_by: CameBy, resident: Resident | None = None) -> Report:
        async with self.database.writing() as session:
            now = self.clock.now()
            made = await register.create_report(
                session,
                self.city,
                Draft(
                    category="pothole",
                    longitude=140.11,
                    latitude=36.07,
                    came_by=came_by,
                    origin=uuid.uuid4().hex,
                ),
                resident_id=resident.id if resident else None,
                language="ja",
                now=now,
            )
        self.first = self.first or made.number
        if made.number != self.first:
            async with self.database.writing() as session:
                await cases.join(session, self.city, self.first, made.number, by=BY, now=now)
        return made

    async def heard(self) -> list[tuple[str, Way, int | None, bool]]:
        async with self.database.reading() as session:
            found = await hearers(session, await register.get_report(session, self.first))
            assert reachable(found) == [one for one in found if one.way is Way.LINE]
        return [
            (one.report.number, one.way, one.resident.id if one.resident else None, one.follows)
            for one in found
        ]


@pytest.fixture
def case(database: Database, city: City, clock: ManualClock) -> Case:
    return Case(database, city, clock)


@pytest.mark.parametrize(
    ("came_by", "way"),
    [
        (CameBy.LINE, Way.LEFT),
        (CameBy.OPEN311, Way.PROGRAM),
        (CameBy.TELEPHONE, Way.CALL),
        (CameBy.COUNTER, Way.CALL),
        (CameBy.MAIL, Way.CALL),
        (CameBy.PATROL, Way.OFFICE),
    ],
)
async def test_who_is_no_resident_is_told_in_the_way_that_they_came(
    case: Case, came_by: CameBy, way: Way
) -> None:
    made = await case.report(came_by)
    assert await case.heard() == [(made.number, way, None, False)]


async def test_everybody_hears_once_and_of_their_own_report(case: Case) -> None:
    one, two, three = [await case.resident(name) for name in "123"]
    first = await case.report(CameBy.LINE, one)
    second = await case.report(CameBy.LINE, two)
    again = await case.report(CameBy.LINE, one)
    async with case.database.writing() as session:
        now = case.clock.now()
        for resident in (two, three):
            await following.join(session, first.number, resident.id or 0, now)
    assert await case.heard() == [
        (first.number, Way.LINE, one.id, False),
        (second.number, Way.LINE, two.id, False),
        (first.number, Way.LINE, three.id, True),
    ]
    assert again.number not in {number for number, *_ in await case.heard()}


async def test_who_left_is_no_longer_told_and_is_still_named(case: Case) -> None:
    gone = await case.resident("1")
    made = await case.report(CameBy.LINE, gone)
    async with case.database.writing() as session:
        row = await session.get_one(Resident, gone.id)
        row.state = ResidentState.LEFT
    assert await case.heard() == [(made.number, Way.LEFT, gone.id, False)]
