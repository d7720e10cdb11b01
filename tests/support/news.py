"""Routine news for tests: what somebody wrote, and a whole way out without a web page."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import update
from sqlmodel import col, select

from alerts.news import release, sending, writing
from alerts.news.models import News
from alerts.news.release import Door
from alerts.news.writing import Written
from channels.members import unpack
from channels.models import Batch, Delivery
from city.city import City, NewsRules
from core.clock import ManualClock
from core.database import Database
from core.work import NoWorkers
from subscriptions.models import Resident, ResidentChild
from tests.support.alerts import BY_LINE

AUTHOR, COLLEAGUE = "author@city.example", "colleague@city.example"
WORDS = {"ja": ("秋のまつり", "10月3日に中央公園でまつりがあります。")}
TOMORROW = datetime(2026, 6, 16, 0, tzinfo=UTC)
"""Nine in the morning in Japan, the day after the tests' noon."""


def written(**changes: Any) -> Written:
    """What somebody wrote: a festival for the whole city, tomorrow at nine."""
    whole = Written("events", whole_city=True, texts=WORDS, send_at=TOMORROW)
    return replace(whole, **changes)


def door_of(city: City, *, approval: bool = False) -> Door:
    """Return the door of a city that wants approval or not, with LINE alone."""
    rules = NewsRules(approval=approval)
    return Door(NoWorkers(), city.model_copy(update={"news": rules}), BY_LINE)


async def stored(database: Database, now: datetime, **changes: Any) -> News:
    """Store whole news; it is its first version."""
    news = writing.fill_in(writing.new_news(actor=AUTHOR, now=now), written(**changes))
    async with database.writing() as session:
        return await writing.store(session, news, now)


async def planned(
    database: Database, door: Door, now: datetime, news: News, *, actor: str = AUTHOR
) -> News:
    """Plan the stored version of news."""
    assert news.id is not None
    async with database.writing() as session:
        return await release.plan(session, door, news.id, news.version, actor=actor, now=now)


async def at(database: Database, door: Door, moment: datetime) -> int:
    """Have the scheduler look at a moment; returns how much news left."""
    return await sending.send_due(database, door, ManualClock(moment))


async def planned_batches(database: Database, door: Door, moment: datetime) -> list[Delivery]:
    """Return the deliveries that there are."""
    async with database.reading() as session:
        return list(await session.scalars(select(Delivery).order_by(col(Delivery.id))))


async def members_of(database: Database, delivery: int | None) -> set[int]:
    """Return the residents in a delivery's batches."""
    async with database.reading() as session:
        packed = await session.scalars(
            select(Batch.members).where(col(Batch.delivery_id) == delivery)
        )
        return {resident for one in packed for resident in unpack(one)}


async def have_children(database: Database, born: str, residents: Iterable[int]) -> None:
    """Give residents a child that was born in a month."""
    async with database.writing() as session:
        session.add_all([ResidentChild(resident_id=each, born=born) for each in residents])


async def change(database: Database, residents: Iterable[int], **values: Any) -> None:
    """Change columns of residents."""
    async with database.writing() as session:
        await session.execute(
            update(Resident).where(col(Resident.id).in_(list(residents))).values(**values)
        )


def later(moment: datetime, **time: float) -> datetime:
    return moment + timedelta(**time)
