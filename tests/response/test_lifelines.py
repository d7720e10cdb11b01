"""What staff list as lifelines, who is offered which, and that it ends by itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from city.city import City
from city.folder import load_city
from core.clock import ManualClock
from core.database import Database
from core.errors import BadInput
from response.lifelines import Listed, add, change, end, hours_of, listed_now, nearest, set_state
from response.models import Lifeline, LifelineKind, LifelineState
from tests.support.project import SAMPLE_CITY

STAFF = "desk@city.example"
YAMANOBE = (140.0523, 36.1841)


@pytest.fixture(scope="module")
def city() -> City:
    return load_city(SAMPLE_CITY)


def water(clock: ManualClock, **changes: object) -> Listed:
    basic = Listed(
        LifelineKind.WATER,
        "山辺小学校の給水車",
        LifelineState.OPEN,
        clock.now() + timedelta(hours=8),
        position=YAMANOBE,
    )
    return replace(basic, **changes)  # type: ignore[arg-type]


async def listed(
    database: Database, city: City, clock: ManualClock, one: Listed, *, drill: bool = False
) -> Lifeline:
    async with database.writing() as session:
        return await add(session, city, one, clock.now(), drill=drill, actor=STAFF)


async def names(database: Database, clock: ManualClock, *, drill: bool = False) -> list[str]:
    async with database.reading() as session:
        return [one.name for one in await listed_now(session, clock.now(), drill=drill)]


async def test_an_entry_is_listed_in_its_world_and_ends_at_its_time(
    database: Database, city: City, clock: ManualClock
) -> None:
    one = await listed(database, city, clock, water(clock))
    district = city.district_at(*YAMANOBE)
    assert district is not None and one.area == district.code
    assert await names(database, clock) == [one.name]
    assert await names(database, clock, drill=True) == []
    await clock.advance(8 * 3600 - 1)
    assert await names(database, clock) == [one.name]
    await clock.advance(1)
    assert await names(database, clock) == []
    assert one.id is not None
    with pytest.raises(BadInput, match="no longer there"):
        async with database.writing() as session:
            await set_state(session, one.id, LifelineState.BUSY, clock.now(), actor=STAFF)


async def test_it_is_changed_and_ended_by_staff(
    database: Database, city: City, clock: ManualClock
) -> None:
    one = await listed(database, city, clock, water(clock))
    assert one.id is not None
    async with database.writing() as session:
        now = clock.now()
        await change(
            session,
            city,
            one.id,
            water(clock, name="本町公園", remarks=("free", "x")),
            now,
            actor=STAFF,
        )
        busy = await set_state(session, one.id, LifelineState.BUSY, now, actor=STAFF)
    assert (busy.name, busy.remarks, busy.state) == ("本町公園", ["free"], "busy")
    async with database.writing() as session:
        await end(session, one.id, clock.now(), actor=STAFF)
    assert await names(database, clock) == []


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"name": " \u200b"}, "which place"),
        ({"position": None}, "where it is"),
        ({"position": (139.7, 35.6)}, "outside the city"),
        ({"position": None, "area": "nowhere"}, "not a district"),
        ({"opens": 540}, "two times"),
        ({"until": None}, "until when"),
        ({"until": 61}, "until when"),
    ],
)
async def test_what_is_missing_is_said(
    database: Database, city: City, clock: ManualClock, wrong: dict[str, object], said: str
) -> None:
    if "until" in wrong:
        days = wrong["until"]
        wrong = {"until": clock.now() + timedelta(days=days if isinstance(days, int) else 0)}
    with pytest.raises(BadInput, match=said):
        await listed(database, city, clock, water(clock, **wrong))


async def test_the_nearest_open_ones_come_first_and_a_closed_bath_is_left_out(
    database: Database, city: City, clock: ManualClock
) -> None:
    longitude, latitude = YAMANOBE

    def bath(name: str, away: float, state: LifelineState = LifelineState.OPEN) -> Listed:
        return water(
            clock,
            kind=LifelineKind.BATH,
            name=name,
            state=state,
            position=(longitude, latitude - away),
        )

    for one in (
        bath("near", 0.001, LifelineState.BUSY),
        bath("far", 0.01),
        bath("shut", 0.0, LifelineState.STOPPED),
        water(clock, kind=LifelineKind.ROAD, name="road", state=LifelineState.CLOSED),
        water(clock, name="water"),
    ):
        await listed(database, city, clock, one)
    async with database.reading() as session:
        found = await listed_now(session, clock.now(), drill=False)
    shown = nearest(found, YAMANOBE, (), each=3)
    assert [[one.lifeline.name for one in ones] for ones in shown.values()] == [
        ["water"],
        ["far", "near"],
        ["road"],
    ]
    assert shown[LifelineKind.BATH][0].metres == pytest.approx(1112, abs=5)
    home = nearest(found, None, [found[0].area], each=1)
    assert [len(ones) for ones in home.values()] == [1, 1, 1]
    assert home[LifelineKind.WATER][0].metres is None


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ((540, 1020), (540, 1020)),
        ((0, 0), (0, 1440)),
        ((600, 0), (600, 1440)),
        ((540, 540), (0, 1440)),
        ((1320, 360), (1320, 360)),
        ((None, None), None),
    ],
)
def test_all_day_is_not_said_as_no_time_at_all(
    given: tuple[int | None, int | None], shown: tuple[int, int] | None
) -> None:
    hours: dict[str, Any] = dict(zip(("opens", "closes"), given, strict=True))
    assert hours_of(Lifeline(**hours)) == shown
