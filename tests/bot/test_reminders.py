"""A reminder goes to residents who asked for it, in time, once, and never as news for all."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any

import aiohttp
import pytest
from sqlmodel import select

from bot.reminders import remind, reminders
from channels.line.render import digest_messages
from city.context import Context
from city.folder import CityFolder
from core.clock import JAPAN, ManualClock
from core.database import Database
from core.settings import Settings
from core.work import NoWorkers
from feeds.digest import Digest, due_digests, next_digests
from feeds.models import Notice
from public.notices import public_board
from subscriptions import residents

FRIDAY = datetime(2026, 11, 20, 0, 5, tzinfo=JAPAN)
SATURDAY = date(2026, 11, 21)
"""The third of its month: bottles and cans in some districts, paper in others."""


@pytest.fixture
async def context(
    database: Database, settings: Settings, sample: CityFolder
) -> AsyncIterator[Context]:
    async with aiohttp.ClientSession() as http:
        yield Context(
            settings=settings,
            city=sample.city,
            database=database,
            clock=ManualClock(FRIDAY),
            queue=NoWorkers(),
            http=http,
        )


async def notices(database: Database) -> list[Notice]:
    async with database.reading() as session:
        return list(await session.scalars(select(Notice)))


async def digests_at(context: Context, at: datetime, had: datetime | None) -> list[Digest]:
    """Return what the digests of the hour that has just begun hold, after the last one."""
    async with context.database.reading() as session:
        slots = await due_digests(session, context.city, at + timedelta(minutes=2))
        slots = [slot for slot in slots if slot.slot_at == at]
        found = [await next_digests(session, context.city, s, lambda _: had) for s in slots]
    return [digest for digests, _ in found for digest in digests]


def test_each_set_of_kinds_is_one_notice_with_its_districts(sample: CityFolder) -> None:
    told = {tuple(n.areas): n for n in reminders(sample.city, sample, SATURDAY, FRIDAY)}
    assert sorted(area for areas in told for area in areas) == sorted(
        district.code for district in sample.city.districts
    )
    [chuo] = [notice for areas, notice in told.items() if "chuo" in areas]
    assert chuo.texts["en"]["title"] == "Rubbish on Sat, Nov 21: Bottles and cans"
    assert "Chuo" in chuo.texts["en"]["text"]
    assert chuo.texts["ja"]["title"] == "11月21日（土）のごみ：びん・かん"
    assert set(chuo.texts) == set(sample.city.languages)
    assert not chuo.drill


async def test_it_is_put_on_record_once_however_often_it_is_looked_at(
    context: Context, sample: CityFolder
) -> None:
    first = await remind(context, sample)
    assert first == len(await notices(context.database)) > 0
    assert await remind(context, sample) == 0
    saturday, sunday = (
        replace(context, clock=ManualClock(FRIDAY + timedelta(days=n))) for n in (1, 2)
    )
    assert await remind(saturday, sample) == 0  # nothing is collected on a Sunday
    assert await remind(sunday, sample) > 0


@pytest.mark.slow
@pytest.mark.parametrize("hour", [0, 1, 8, 18, 23])
async def test_whatever_hour_a_resident_has_it_comes_before_the_rubbish_goes(
    context: Context, sample: CityFolder, hour: int
) -> None:
    now, city = context.clock.now(), context.city
    async with context.database.writing() as session:
        for name, topics in (("chose", {"collection": 0}), ("did not", {"events": 0})):
            resident = await residents.follow(session, city, f"U{name:0>32}", "en", now)
            assert resident.id is not None
            await residents.choose_areas(session, city, resident.id, ["chuo"], now)
            await residents.choose_topics(session, city, resident.id, topics, now)
            resident.digest_hour = hour
    await remind(context, sample)
    start = FRIDAY.replace(minute=0)
    told: list[tuple[datetime, Digest]] = []
    for at in (start + timedelta(hours=n) for n in range(1, 36)):
        had = told[-1][0] if told else None
        told += [(at, digest) for digest in await digests_at(context, at, had)]
    [(at, digest)] = told
    assert at.hour == hour
    assert at < datetime(2026, 11, 21, 8, tzinfo=JAPAN)
    [message] = digest_messages(digest.notices, "en", city)
    assert "Bottles and cans" in str(message)


async def test_it_is_no_news_for_the_public_page(context: Context, sample: CityFolder) -> None:
    await remind(context, sample)
    async with context.database.reading() as session:
        board = await public_board(session, FRIDAY, context.city.jma.municipality)
    assert not board.real


@pytest.mark.parametrize(
    "changes", [{"collection_reminders": False}, {"topics": ()}], ids=["not wanted", "no topic"]
)
async def test_a_city_that_does_not_want_it_or_has_no_such_topic_tells_nobody(
    context: Context, sample: CityFolder, changes: dict[str, Any]
) -> None:
    context = replace(context, city=context.city.model_copy(update=changes))
    assert await remind(context, sample) == 0
    assert await notices(context.database) == []


def test_at_new_year_nobody_is_reminded_of_a_collection_that_falls_away(
    sample: CityFolder,
) -> None:
    """The sample city collects nothing from 31 December to 3 January."""
    city = sample.city
    for day in (date(2026, 12, 31), date(2027, 1, 1), date(2027, 1, 2)):
        now = datetime.combine(day - timedelta(days=1), time(12), JAPAN)
        found = reminders(city, sample, day, now)
        assert found
        assert all(notice.identity.startswith("collection-off:") for notice in found)
        titles = " ".join(notice.texts["ja"]["title"] for notice in found)
        assert "収集がありません" in titles
        told = {area for notice in found for area in notice.areas}
        usual = {rule.district for rule in sample.calendar.days if rule.would_fall_on(day)}
        assert told == usual
    on = reminders(city, sample, date(2027, 1, 4), datetime(2027, 1, 3, 12, tzinfo=JAPAN))
    assert on and all(notice.identity.startswith("collection:2027-01-04") for notice in on)
