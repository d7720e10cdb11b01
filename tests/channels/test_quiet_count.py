"""Who is in their quiet hours is counted exactly, from bitmaps and without them."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete
from sqlmodel import col, select

from channels.quiet import quiet_until
from channels.quiet_count import count_in_quiet_hours
from city.city import City
from city.folder import load_city
from core.clock import in_japan
from core.database import Database
from subscriptions import bitmaps, residents
from subscriptions.audience import audience_select
from subscriptions.audience_query import AudienceQuery
from subscriptions.generate import generate
from subscriptions.models import AudienceBitmap, Resident
from subscriptions.quiet_bits import OWN

MIDNIGHT = datetime(2026, 6, 14, 15, 0, tzinfo=UTC)
"""In Japan."""
EVENTS = AudienceQuery("events", 0)


@pytest.fixture(scope="module")
def city() -> City:
    return load_city(Path(__file__).resolve().parents[2] / "deploy" / "city")


def some_hours(dice: random.Random) -> tuple[int | None, int | None]:
    """The city's, none, hours within a day, or over midnight; whole hours and odd minutes."""
    same = dice.randrange(1440)
    odd = (dice.randrange(1440), dice.randrange(1440))
    return dice.choice([(None, None), (same, same), odd, odd, (1320, 420), (0, 1439), (1439, 0)])


async def choose_anew(database: Database, city: City, dice: random.Random, often: int) -> None:
    """Let some of the residents choose other hours."""
    async with database.writing() as session:
        known = [number for number in await session.scalars(select(col(Resident.id))) if number]
        for number in dice.sample(known, often):
            hours = some_hours(dice)
            await residents.choose_quiet_hours(session, city, number, *hours, MIDNIGHT)


async def check(database: Database, city: City, dice: random.Random) -> None:
    """Compare with the residents one by one, at several minutes of the day."""
    for minute in (0, 419, 420, 1320, 1439, *(dice.randrange(1440) for _ in range(6))):
        now = MIDNIGHT + timedelta(minutes=minute)
        assert in_japan(now).hour * 60 + in_japan(now).minute == minute
        async with database.reading() as session:
            audience = (await session.execute(audience_select(EVENTS))).all()
            quiet = {
                number
                for number, _, start, end in audience
                if quiet_until(now, city.quiet_hours, start, end) is not None
            }
            assert await count_in_quiet_hours(session, EVENTS, None, city, now) == len(quiet)
            among = {number for number, *_ in audience if number % 3}
            bits = sum(1 << number for number in among)
            found = await count_in_quiet_hours(session, EVENTS, bits, city, now)
            assert found == len(quiet & among), minute


@pytest.mark.parametrize("seed", [1, 2])
async def test_quiet_hours_are_counted_as_they_are_whatever_changed_since_the_picture(
    database: Database, city: City, seed: int
) -> None:
    dice = random.Random(seed)
    await generate(database, city, 120, seed=seed, now=MIDNIGHT)
    await choose_anew(database, city, dice, 90)
    assert await bitmaps.rebuild(database)
    await check(database, city, dice)
    await choose_anew(database, city, dice, 20)
    await check(database, city, dice)
    async with database.writing() as session:
        await session.execute(delete(AudienceBitmap))
    await check(database, city, dice)


async def test_a_picture_of_an_earlier_release_is_counted_without_and_replaced(
    database: Database, city: City
) -> None:
    dice = random.Random(3)
    await generate(database, city, 60, seed=3, now=MIDNIGHT)
    await choose_anew(database, city, dice, 30)
    assert await bitmaps.rebuild(database)
    async with database.writing() as session:
        quiet = col(AudienceBitmap.key).startswith(OWN)
        await session.execute(delete(AudienceBitmap).where(quiet))
    await check(database, city, dice)
    assert await bitmaps.maintain(database)
    async with database.reading() as session:
        assert await bitmaps.quiet_at(session, 0) is not None
    await check(database, city, dice)
    assert not await bitmaps.maintain(database), "once"
