"""An unfinished report is reminded of once; who asked for it hears of repairs near them, by day."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from sqlmodel import col, select

from bot.models import Dialogue
from bot.repairs import HOUR, LATEST, SHOWN, tell_of_repairs
from bot.unfinished import remind_of_reports
from channels.line.medium import LINE
from channels.members import unpack
from channels.models import Batch, Variant
from city.context import Context
from city.folder import CityFolder
from core.clock import JAPAN, ManualClock
from core.database import Database
from core.restored import RestoreHold
from core.settings import Settings
from core.work import NoWorkers
from reports import repairs
from reports.models import RepairWatch
from reports.register import Draft, create_report
from reports.states import ReportState
from reports.work import Change, change
from subscriptions import residents
from tests.support.chats import HERE, aboard
from tests.support.plans import listening, whole_tables_read
from tests.support.races import two_runs
from tests.support.town import Town, words_in

NOON = datetime(2026, 11, 20, 12, tzinfo=JAPAN)


@pytest.fixture
async def context(
    database: Database, settings: Settings, sample: CityFolder
) -> AsyncIterator[Context]:
    async with aiohttp.ClientSession() as http:
        yield Context(
            settings=settings,
            city=sample.city,
            database=database,
            clock=ManualClock(NOON),
            queue=NoWorkers(),
            http=http,
        )


def at(context: Context, moment: datetime) -> Context:
    return replace(context, clock=ManualClock(moment))


async def resident(context: Context, name: str, *areas: str) -> int:
    async with context.database.writing() as session:
        made = await residents.follow(session, context.city, f"U{name:0>32}", "en", NOON)
        assert made.id is not None
        await residents.choose_areas(session, context.city, made.id, areas, NOON)
        return made.id


async def told(context: Context) -> list[tuple[int, str]]:
    """Each resident who was told something, with the words."""
    async with context.database.reading() as session:
        rows = await session.execute(
            select(Batch.members, Variant.messages)
            .join(Variant, col(Variant.id) == col(Batch.variant_id))
            .order_by(col(Batch.id))
        )
        return [
            (number, json.loads(words)[0]["text"])
            for members, words in rows
            for number in unpack(members)
        ]


async def drafted(context: Context, number: int, draft: str, when: datetime, **data: Any) -> None:
    async with context.database.writing() as session:
        row = await session.get(Dialogue, number)
        row = row or Dialogue(resident_id=number, name="", step="", updated_at=when)
        row.name, row.step, row.updated_at = "report", "place", when
        row.data = {"draft": draft, **data}
        session.add(row)


async def test_a_report_that_was_begun_yesterday_is_reminded_of_once(context: Context) -> None:
    begun = await resident(context, "begun")
    empty = await resident(context, "empty")
    left = await resident(context, "left")
    for number, data in ((begun, {"kind": "pothole"}), (empty, {}), (left, {"kind": "sign"})):
        await drafted(context, number, f"draft-{number}", NOON, **data)
    async with context.database.writing() as session:
        await residents.unfollow(session, context.city, f"U{'left':0>32}", NOON)
    every = [NOON + timedelta(minutes=30 * half) for half in range(2 * 72)]
    sent = [(when, await remind_of_reports(at(context, when), LINE)) for when in every]
    # Twenty hours later is eight in the morning; it comes from nine.
    assert [(when, count) for when, count in sent if count] == [(NOON + timedelta(hours=21), 1)]
    assert [(number, "only reminder" in words) for number, words in await told(context)] == [
        (begun, True)
    ]
    # Another draft has its own reminder.
    await drafted(context, begun, "another", NOON, kind="sign")
    assert await remind_of_reports(at(context, NOON + timedelta(hours=22)), LINE) == 1


async def test_a_draft_is_reminded_of_in_the_day_alone(context: Context) -> None:
    for hour in range(24):
        number = await resident(context, f"{hour}")
        now = datetime(2026, 11, 22, hour, 30, tzinfo=JAPAN)
        await drafted(context, number, f"draft-{hour}", now - timedelta(hours=24), kind="sign")
        count = await remind_of_reports(at(context, now), LINE)
        assert (count > 0) is (9 <= hour < 20), hour


async def mended(context: Context, n: int, place: tuple[float, float], when: datetime) -> None:
    now = when.astimezone(UTC)
    async with context.database.writing() as session:
        draft = Draft(category="pothole", origin=f"r{n}", longitude=place[0], latitude=place[1])
        report = await create_report(
            session, context.city, draft, resident_id=None, language="ja", now=now
        )
        ended = Change(state=ReportState.DONE)
        await change(session, context.city, report.number, ended, by="staff:1", now=now)


async def test_repairs_near_are_told_in_one_message_a_day(context: Context) -> None:
    here = await resident(context, "here", "asahi")
    district = await resident(context, "district", "chuo")
    elsewhere = await resident(context, "elsewhere", "asahi")
    async with context.database.writing() as session:
        await repairs.watch(session, here, HERE, NOON)
        await repairs.watch(session, district, None, NOON)
        await repairs.watch(session, elsewhere, None, NOON)
    beside = (HERE[0], HERE[1] + 0.004)  # 445 m
    far = (HERE[0], HERE[1] - 0.006)  # 667 m, in the same district
    for n in range(SHOWN + 2):
        await mended(context, n, beside, NOON + timedelta(minutes=10 + n))
    await mended(context, 99, far, NOON + timedelta(minutes=30))
    every = [NOON + timedelta(minutes=10 * n) for n in range(6 * 48)]
    counts = [(when, await tell_of_repairs(at(context, when), LINE)) for when in every]
    first = NOON.replace(hour=HOUR)
    assert [(when, count) for when, count in counts if count] == [(first, 2)]
    by_number = dict(await told(context))
    assert set(by_number) == {here, district}
    assert by_number[here].count("Pothole") == SHOWN and "and 2 more" in by_number[here]
    assert "and 3 more" in by_number[district]
    assert all(HOUR <= when.hour < LATEST for when, count in counts if count)


async def test_a_repair_that_was_stored_after_its_time_is_told_the_next_day(
    context: Context,
) -> None:
    """Who changes a case reads the clock, and may then wait until it can be stored."""
    number = await resident(context, "here", "chuo")
    slot = NOON.replace(hour=HOUR)
    async with context.database.writing() as session:
        await repairs.watch(session, number, None, NOON)
    await mended(context, 1, HERE, NOON + timedelta(minutes=10))
    assert await tell_of_repairs(at(context, slot), LINE) == 1
    await mended(context, 2, HERE, slot - timedelta(seconds=2))
    assert await tell_of_repairs(at(context, slot + timedelta(days=1)), LINE) == 1
    first, second = await told(context)
    assert "2026-000001" in first[1] and "2026-000002" not in first[1]
    assert "2026-000002" in second[1] and "2026-000001" not in second[1]


async def test_two_schedulers_at_once_tell_nobody_twice(context: Context) -> None:
    """A leader that lost its lock has not noticed yet when another begins."""
    numbers = [await resident(context, f"{n}", "chuo") for n in range(2)]
    slot = NOON.replace(hour=HOUR)
    async with context.database.writing() as session:
        for number in numbers:
            await repairs.watch(session, number, None, NOON)
    for number in numbers:
        await drafted(context, number, f"d{number}", NOON - timedelta(hours=20), kind="sign")
    await mended(context, 1, HERE, NOON + timedelta(minutes=10))
    then = at(context, slot)
    assert await two_runs(then, lambda own: remind_of_reports(own, LINE)) == (2, 0)
    assert await two_runs(then, lambda own: tell_of_repairs(own, LINE)) == (2, 0)
    assert sorted(number for number, _ in await told(context)) == sorted(numbers * 2)


async def test_what_may_have_been_sent_before_a_restore_is_not_sent_again(
    context: Context,
) -> None:
    number = await resident(context, "here", "chuo")
    slot = NOON.replace(hour=HOUR)
    async with context.database.writing() as session:
        await repairs.watch(session, number, None, NOON)
        session.add(RestoreHold(until=slot + timedelta(minutes=5), restored_at=slot))
    await mended(context, 1, HERE, NOON + timedelta(minutes=10))
    await drafted(context, number, "draft", NOON - timedelta(hours=24), kind="sign")
    assert await remind_of_reports(at(context, NOON + timedelta(hours=5)), LINE) == 0
    assert await tell_of_repairs(at(context, slot + timedelta(minutes=20)), LINE) == 0
    # On the next day what was mended after the restore is told, and nothing before it.
    tomorrow = at(context, slot + timedelta(days=1))
    await mended(context, 2, HERE, slot + timedelta(hours=3))
    assert await tell_of_repairs(tomorrow, LINE) == 1
    ((_, words),) = await told(context)
    assert "2026-000002" in words and "2026-000001" not in words


@pytest.mark.new_database
async def test_no_table_that_grows_is_read_as_a_whole(context: Context) -> None:
    number = await resident(context, "here", "chuo")
    async with context.database.writing() as session:
        await repairs.watch(session, number, None, NOON)
    await mended(context, 1, HERE, NOON + timedelta(minutes=10))
    await drafted(context, number, "draft", NOON - timedelta(hours=24), kind="sign")
    with listening(context.database) as asked:
        assert await remind_of_reports(at(context, NOON), LINE) == 1
        assert await tell_of_repairs(at(context, NOON.replace(hour=HOUR)), LINE) == 1
    everything = {**asked.reads, **asked.writes}
    assert len(everything) > 5
    assert await whole_tables_read(context.database, everything) == []


async def test_residents_choose_it_see_it_and_end_it(town: Town) -> None:
    user = await aboard(town)
    news = await town.taps(user, await town.says(user, "my reports"), "Repairs near me")
    assert "one message a day" in words_in(news)
    card = news
    news = await town.taps(user, news, "Near a place")
    assert "500 m" in words_in(news)
    assert "outside" in words_in(await town.is_at(user, 139.7671, 35.6812))
    assert "Saved" in words_in(await town.is_at(user, *HERE))

    async def watched() -> list[tuple[float | None, float | None]]:
        async with town.database.reading() as session:
            return [
                (one.longitude, one.latitude) for one in await session.scalars(select(RepairWatch))
            ]

    assert await watched() == [HERE]
    assert "Repairs near me" in words_in(await town.says(user, "my data"))
    news = await town.taps(user, card, "Near a place")
    await town.says(user, "thank you")
    assert (await town.dialogue(user)).name == "idle", "the question does not stay"
    await town.says(user, "Repairs near me")
    town.simulator.phones.postback(user, "do=repairs-off")
    await town.settle()
    assert await watched() == []


async def test_who_is_erased_watches_nothing(town: Town) -> None:
    user = await aboard(town)
    town.simulator.phones.postback(user, "do=repairs-place")
    await town.settle()
    await town.is_at(user, *HERE)
    town.simulator.phones.postback(user, "do=erase-yes")
    await town.settle()
    async with town.database.reading() as session:
        assert list(await session.scalars(select(RepairWatch))) == []
