"""Whatever hours residents choose, and however often, the digest tells them each thing once."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update
from sqlmodel import col, select

from channels.digest import send_digests
from channels.line.medium import LINE
from channels.members import unpack
from channels.models import Batch, BatchState, Variant
from channels.reasons import reason
from city.city import Decision
from core.clock import ManualClock
from core.database import Database
from core.work import NoWorkers
from subscriptions.models import Resident
from tests.support.engine import add_residents, make_notice, small_city

pytestmark = pytest.mark.slow

START = datetime(2026, 6, 15, 3, 1, tzinfo=UTC)
"""A minute past noon in Japan."""
CITY = small_city()


async def announce(database: Database, name: str, at: datetime) -> None:
    notice = make_notice("events", level=0, now=at, expires_at=at + timedelta(days=3))
    notice.decision = Decision.DIGEST
    notice.texts = {language: {"title": name, "text": name} for language in notice.texts}
    async with database.writing() as session:
        session.add(notice)


async def move(database: Database, hour: int, *residents: int) -> None:
    async with database.writing() as session:
        await session.execute(
            update(Resident).where(col(Resident.id).in_(residents)).values(digest_hour=hour)
        )


async def told(database: Database, names: list[str]) -> Counter[tuple[int, str]]:
    """Count how often each resident was told each thing."""
    found: Counter[tuple[int, str]] = Counter()
    async with database.reading() as session:
        rows = await session.execute(
            select(Batch.members, Variant.messages)
            .join(Variant, col(Variant.id) == col(Batch.variant_id))
            .where(col(Batch.state) != BatchState.SKIPPED)
        )
        for members, messages in rows:
            said = messages.decode()
            for resident in unpack(members):
                found.update((resident, name) for name in names if f'"{name}"' in said)
    return found


@pytest.mark.parametrize("seed", [1, 2])
async def test_who_moves_their_hour_gets_everything_once(database: Database, seed: int) -> None:
    dice = random.Random(seed)
    people = range(1, 9)
    await add_residents(database, 1, len(people), languages=("ja",))
    await move(database, 18, *people)
    clock, names = ManualClock(START), []
    for hour in range(24 * 5):
        if hour < 24 * 3 and hour % 2 == 0:
            names.append(f"news-{hour}-")
            await announce(database, names[-1], clock.now() + timedelta(minutes=20))
        if hour < 24 * 3:
            for resident in people:
                # About once a day, an hour before or after any that has come.
                if dice.random() < 1 / 24:
                    await move(database, dice.randrange(24), resident)
        await clock.advance(3600)
        await send_digests(database, NoWorkers(), CITY, clock, [LINE])
    counted = await told(database, names)
    wrong = {
        (resident, name): counted[resident, name]
        for resident in people
        for name in names
        if counted[resident, name] != 1
    }
    assert wrong == {}


async def test_a_digest_that_was_given_up_is_made_up_for(database: Database) -> None:
    await add_residents(database, 1, 2, languages=("ja",))
    await move(database, 13, 1, 2)
    clock = ManualClock(START + timedelta(hours=1))
    await announce(database, "market", START)
    assert await send_digests(database, NoWorkers(), CITY, clock, [LINE]) == 2
    async with database.writing() as session:
        await session.execute(
            update(Batch).values(state=BatchState.SKIPPED, error=reason("delivery.expired"))
        )
    await clock.advance(24 * 3600)
    await announce(database, "fair", clock.now() - timedelta(hours=2))
    assert await send_digests(database, NoWorkers(), CITY, clock, [LINE]) == 2
    counted = await told(database, ["market", "fair"])
    assert counted == {(1, "market"): 1, (2, "market"): 1, (1, "fair"): 1, (2, "fair"): 1}
