"""Routine news: planned, approved, sent once at its time, recalled, for those who are meant."""

from __future__ import annotations

import asyncio
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import col, select

from alerts.news import release, writing
from alerts.news.models import News, NewsSending, NewsState, Repeat, When
from alerts.news.release import Door
from alerts.news.segments import Wanted
from channels.digest import send_digests
from channels.dispatch import audience_of
from channels.line.medium import LINE
from channels.models import Delivery, DeliveryState, Priority
from city.city import City
from core.audit import AuditEntry
from core.clock import ManualClock
from core.database import Database
from core.errors import Refusal
from core.restored import RestoreHold
from core.work import NoWorkers
from feeds.models import Notice
from subscriptions.audience import audience_select
from tests.support.engine import add_residents
from tests.support.news import (
    AUTHOR,
    COLLEAGUE,
    TOMORROW,
    at,
    change,
    door_of,
    have_children,
    later,
    members_of,
    planned,
    stored,
    written,
)


async def notices(database: Database) -> list[Notice]:
    async with database.reading() as session:
        return list(await session.scalars(select(Notice).order_by(col(Notice.id))))


async def deliveries(database: Database) -> list[Delivery]:
    async with database.reading() as session:
        return list(await session.scalars(select(Delivery).order_by(col(Delivery.id))))


async def state_of(database: Database, news: News) -> NewsState:
    async with database.reading() as session:
        return (await session.get_one(News, news.id)).state


async def meant(database: Database, notice: Notice, city: City) -> set[int]:
    """Return the residents whom a notice concerns by LINE."""
    async with database.reading() as session:
        rows = await session.execute(audience_select(audience_of(notice, city)))
        return {row[0] for row in rows}


async def refused(database: Database, door: Door, now: datetime, **changes: Any) -> str:
    """Return why news is not planned; nothing of it leaves."""
    news = await stored(database, now, **changes)
    with pytest.raises(Refusal) as refusal:
        await planned(database, door, now, news)
    assert await state_of(database, news) is NewsState.DRAFT
    return str(refusal.value)


async def test_news_leaves_at_its_time_once_when_two_schedulers_look(
    database: Database, city: City, now: datetime
) -> None:
    await add_residents(database, 1, 25, languages=("ja", "my"))
    door = door_of(city)
    news = await planned(database, door, now, await stored(database, now))
    assert (news.state, news.next_at) == (NewsState.PLANNED, TOMORROW)
    assert await at(database, door, later(TOMORROW, seconds=-1)) == 0
    assert await notices(database) == []

    left = await asyncio.gather(*(at(database, door, TOMORROW) for _ in range(4)))
    assert sorted(left) == [0, 0, 0, 1]
    assert await at(database, door, later(TOMORROW, minutes=1)) == 0
    [notice] = await notices(database)
    [delivery] = await deliveries(database)
    assert (delivery.notice_id, delivery.created_by) == (notice.id, AUTHOR)
    assert await state_of(database, news) is NewsState.SENT
    # It goes after every emergency and warning, and keeps everybody's quiet hours.
    assert (delivery.priority, delivery.respects_quiet) == (Priority.ROUTINE, True)
    assert "秋のまつり" in notice.texts["ja"]["title"]
    assert "日本語" in notice.texts["my"]["text"]


async def test_a_time_in_the_past_has_its_sentence(
    database: Database, city: City, now: datetime
) -> None:
    said = await refused(database, door_of(city), now, send_at=later(now, minutes=-1))
    assert said == "The planned time has passed. Choose a time that is still to come."


async def test_a_second_person_approves_before_the_time(
    database: Database, city: City, now: datetime
) -> None:
    await add_residents(database, 1, 25)
    door = door_of(city, approval=True)
    news = await planned(database, door, now, await stored(database, now))
    assert news.state is NewsState.ASKED
    assert await at(database, door, TOMORROW) == 0

    async def approve(actor: str, moment: datetime) -> None:
        async with database.writing() as session:
            await release.approve(
                session, door, news.id or 0, news.version, actor=actor, now=moment
            )

    with pytest.raises(Refusal, match="somebody else has to approve"):
        await approve(AUTHOR, now)
    with pytest.raises(Refusal, match="passed while this waited for approval"):
        await approve(COLLEAGUE, later(TOMORROW, seconds=1))
    await approve(COLLEAGUE, now)
    assert await at(database, door, TOMORROW) == 1
    async with database.reading() as session:
        entry = await session.scalar(
            select(AuditEntry).where(col(AuditEntry.action) == "news.sent")
        )
    assert entry is not None
    assert (entry.actor, entry.detail["approved_by"]) == (AUTHOR, COLLEAGUE)


async def test_a_colleague_sends_news_back_with_a_reason(
    database: Database, city: City, now: datetime
) -> None:
    await add_residents(database, 1, 25)
    door = door_of(city, approval=True)
    news = await planned(database, door, now, await stored(database, now))

    async def send_back(why: str) -> News:
        async with database.writing() as session:
            return await release.send_back(
                session, news.id or 0, news.version, why=why, actor=COLLEAGUE, now=now
            )

    with pytest.raises(Refusal, match="Write what is wrong"):
        await send_back("  ")
    back = await send_back("会場の名前が違います。")
    assert back.state is NewsState.DRAFT and back.is_open
    assert back.sent_back == {"by": COLLEAGUE, "why": "会場の名前が違います。"}
    assert await at(database, door, TOMORROW) == 0
    with pytest.raises(Refusal, match="does not wait for approval"):
        await send_back("また")
    asked = await planned(database, door, now, back)
    assert (asked.state, asked.sent_back) == (NewsState.ASKED, None)


async def test_what_waits_is_recalled_and_what_is_on_its_way_is_stopped(
    database: Database, city: City, now: datetime
) -> None:
    await add_residents(database, 1, 25)
    door = door_of(city)
    news = await planned(database, door, now, await stored(database, now))

    async def recall() -> News:
        async with database.writing() as session:
            return await release.recall(session, news.id or 0, actor=COLLEAGUE, now=now)

    assert (await recall()).state is NewsState.DRAFT
    assert await at(database, door, TOMORROW) == 0
    async with database.reading() as session:
        news = await session.get_one(News, news.id)
    await planned(database, door, now, news)
    assert await at(database, door, TOMORROW) == 1
    # Nothing has planned its batches yet: all of it can be stopped.
    await recall()
    assert [each.state for each in await deliveries(database)] == [DeliveryState.STOPPED]
    with pytest.raises(Refusal, match="A correction is a new message"):
        await recall()


async def test_news_that_is_too_late_waits_for_a_person(
    database: Database, city: City, now: datetime
) -> None:
    """Nobody gets yesterday's invitation because a machine was off."""
    await add_residents(database, 1, 25)
    door = door_of(city)
    news = await planned(database, door, now, await stored(database, now))
    assert await at(database, door, later(TOMORROW, hours=3, seconds=1)) == 0
    assert await state_of(database, news) is NewsState.MISSED
    assert await notices(database) == []


async def test_what_may_have_been_sent_before_a_restore_is_not_sent_again(
    database: Database, city: City, now: datetime
) -> None:
    await add_residents(database, 1, 25)
    door = door_of(city)
    news = await planned(database, door, now, await stored(database, now))
    restored = later(TOMORROW, minutes=5)
    async with database.writing() as session:
        session.add(RestoreHold(until=restored, restored_at=restored))
    assert await at(database, door, later(TOMORROW, minutes=6)) == 0
    assert await state_of(database, news) is NewsState.PLANNED  # nobody has looked yet
    async with database.writing() as session:
        (await session.get_one(RestoreHold, 1)).seen_at = restored
    assert await at(database, door, later(TOMORROW, minutes=7)) == 0
    assert await state_of(database, news) is NewsState.MISSED


@pytest.mark.parametrize(
    ("repeat", "until", "wanted"),
    [
        (Repeat.WEEKLY, date(2026, 7, 7), ["2026-06-16", "2026-06-23", "2026-06-30", "2026-07-07"]),
        (Repeat.MONTHLY, date(2026, 9, 1), ["2026-06-16", "2026-07-16", "2026-08-16"]),
    ],
)
async def test_repeated_news_leaves_each_time_until_its_last_day(
    database: Database,
    city: City,
    now: datetime,
    repeat: Repeat,
    until: date,
    wanted: list[str],
) -> None:
    await add_residents(database, 1, 25)
    door = door_of(city)
    news = await stored(database, now, repeat=repeat, until=until)
    await planned(database, door, now, news)
    for day in range(100):
        await at(database, door, later(TOMORROW, days=day))
    async with database.reading() as session:
        times = await session.scalars(select(NewsSending.planned_at))
    assert [f"{each + timedelta(hours=9):%Y-%m-%d}" for each in times] == wanted
    assert len(await deliveries(database)) == len(wanted)
    assert await state_of(database, news) is NewsState.SENT


async def test_the_last_of_a_month_stays_the_last(
    database: Database, city: City, now: datetime
) -> None:
    await add_residents(database, 1, 25)
    door = door_of(city)
    last = TOMORROW.replace(month=7, day=31)
    news = await stored(
        database, now, send_at=last, repeat=Repeat.MONTHLY, until=date(2026, 10, 31)
    )
    await planned(database, door, now, news)
    for day in range(100):
        await at(database, door, later(last, days=day))
    async with database.reading() as session:
        times = list(await session.scalars(select(NewsSending.planned_at)))
    assert [(each.month, each.day) for each in times] == [(7, 31), (8, 31), (9, 30), (10, 31)]


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("javascript:alert(1)", "could run something on a phone"),
        ("JaVaScript://city.example/%0aalert(1)", "begins with https://"),
        ("data:text/html,hello", "could run something on a phone"),
        ("http://www.city.example/", "begins with https://"),
        ("www.city.example", "begins with https://"),
        ("https://", "no address of a page"),
        ("https://user@city.example/", "no address of a page"),
        ("https://[::1/", "no address of a page"),
    ],
)
async def test_only_secure_addresses_are_links(
    database: Database, city: City, now: datetime, address: str, said: str
) -> None:
    why = await refused(database, door_of(city), now, links=((address, {}),))
    assert said in why


async def test_news_is_no_emergency_and_no_drill(
    database: Database, city: City, now: datetime
) -> None:
    door = door_of(city)
    assert "for emergencies" in await refused(database, door, now, topic="evacuation")
    marked = {"ja": ("【訓練】まつり", "まつりがあります。")}
    assert "begin like a drill" in await refused(database, door, now, texts=marked)
    # A drill may be announced.
    await add_residents(database, 1, 25)
    announced = {"ja": ("避難訓練のお知らせ", "日曜日に避難訓練があります。")}
    news = await stored(database, now, texts=announced)
    assert (await planned(database, door, now, news)).state is NewsState.PLANNED


async def test_few_people_are_neither_shown_nor_reached(
    database: Database, city: City, now: datetime
) -> None:
    """Nine parents are too few; ten are enough."""
    await add_residents(database, 1, 40, languages=("ja",))
    await have_children(database, "2023-06", range(1, 10))
    door = door_of(city)
    parents = Wanted(child_from=2, child_through=4)
    assert "Fewer than 10 residents fit" in await refused(database, door, now, segment=parents)
    async with database.reading() as session:
        news = writing.fill_in(writing.new_news(actor=AUTHOR, now=now), written(segment=parents))
        found = await release.outlook(session, news, city, door.media, now)
    assert found.size.about == 0

    await have_children(database, "2023-06", [10])
    news = await planned(database, door, now, await stored(database, now, segment=parents))
    assert await at(database, door, TOMORROW) == 1
    [notice] = await notices(database)
    assert await meant(database, notice, city) == set(range(1, 11))


async def test_a_difference_of_two_sends_shows_nobody(
    database: Database, city: City, now: datetime
) -> None:
    """Everybody who reads Japanese, where three do not, tells who the three are."""
    await add_residents(database, 1, 40, languages=("ja",))
    await change(database, [1, 2, 3], language="my")
    door = door_of(city)
    readers = Wanted(languages=("ja",))
    said = await refused(database, door, now, segment=readers)
    assert "languages leaves out fewer than 10 residents" in said
    await change(database, range(1, 11), language="my")
    news = await stored(database, now, segment=readers)
    assert (await planned(database, door, now, news)).state is NewsState.PLANNED


async def test_a_segment_that_has_shrunk_meanwhile_is_not_sent(
    database: Database, city: City, now: datetime
) -> None:
    await add_residents(database, 1, 40, languages=("ja",))
    await have_children(database, "2023-06", range(1, 11))
    door = door_of(city)
    news = await stored(database, now, segment=Wanted(child_from=2, child_through=4))
    await planned(database, door, now, news)
    await change(database, [1], state="left")
    assert await at(database, door, TOMORROW) == 0
    assert await state_of(database, news) is NewsState.MISSED


async def test_ages_are_whole_years_on_the_day_of_sending(
    database: Database, city: City, now: datetime
) -> None:
    await add_residents(database, 1, 40, languages=("ja",))
    # On 16 June 2026 a child is 3 if it was born from July 2022 (or later in June) to June 2023.
    await have_children(database, "2022-06", range(1, 11))
    await have_children(database, "2022-07", range(11, 21))
    await have_children(database, "2023-06", range(21, 31))
    await have_children(database, "2023-07", range(31, 41))
    door = door_of(city)
    segment = Wanted(child_from=3, child_through=3)
    await planned(database, door, now, await stored(database, now, segment=segment))
    assert await at(database, door, TOMORROW) == 1
    [notice] = await notices(database)
    assert await meant(database, notice, city) == set(range(11, 31))


async def test_the_digest_keeps_to_the_segment(
    database: Database, city: City, now: datetime
) -> None:
    await add_residents(database, 1, 40, languages=("ja",))
    await have_children(database, "2023-06", range(1, 21))
    door = door_of(city)
    news = await stored(
        database, now, when=When.DIGEST, send_at=None, segment=Wanted(child_from=2, child_through=4)
    )
    assert (await planned(database, door, now, news)).state is NewsState.SENT
    assert await deliveries(database) == []
    evening = ManualClock(now.replace(hour=9, minute=2))
    assert await send_digests(database, NoWorkers(), city, evening, [LINE]) == 20
    [digest] = await deliveries(database)
    assert await members_of(database, digest.id) == set(range(1, 21))


async def test_news_in_the_digest_can_be_taken_out_of_it(
    database: Database, city: City, now: datetime
) -> None:
    await add_residents(database, 1, 40, languages=("ja",))
    door = door_of(city)
    news = await stored(database, now, when=When.DIGEST, send_at=None)
    await planned(database, door, now, news)
    async with database.writing() as session:
        await release.recall(session, news.id or 0, actor=AUTHOR, now=now)
    evening = ManualClock(now.replace(hour=9, minute=2))
    assert await send_digests(database, NoWorkers(), city, evening, [LINE]) == 0


async def test_a_correction_is_a_new_message_that_names_the_error(
    database: Database, city: City, now: datetime
) -> None:
    await add_residents(database, 1, 25, languages=("ja",))
    door = door_of(city)
    news = await stored(database, now, when=When.NOW, send_at=None)
    await planned(database, door, now, news)
    [notice] = await notices(database)
    async with database.writing() as session:
        draft = await writing.begin_correction(
            session, news.id or 0, notice.id or 0, actor=AUTHOR, now=now
        )
    assert draft.texts["ja"]["text"] == WORDS_JA
    await planned(database, door, now, draft)
    _, correction = await notices(database)
    assert correction.replaces_id == notice.id
    assert "誤り" in correction.texts["ja"]["text"]
    first, second = await deliveries(database)
    assert (first.state, second.corrects_id) == (DeliveryState.STOPPED, first.id)
    assert (second.priority, second.respects_quiet) == (Priority.ROUTINE, True)


WORDS_JA = "10月3日に中央公園でまつりがあります。"


async def test_nothing_typed_is_lost_and_what_was_thrown_away_comes_back(
    database: Database, city: City, now: datetime
) -> None:
    news = await stored(database, now)
    assert news.id is not None
    async with database.writing() as session:
        await writing.change(session, news.id, written(topic="business"), actor=COLLEAGUE, now=now)
    with pytest.raises(Refusal, match="Somebody changed this meanwhile"):
        async with database.writing() as session:
            await writing.change(session, news.id, written(), actor=AUTHOR, now=now)
    async with database.writing() as session:
        await writing.discard(session, news.id, 2, actor=AUTHOR, now=now)
    async with database.writing() as session:
        await writing.restore(session, news.id, actor=AUTHOR, now=later(now, days=6))
    async with database.reading() as session:
        kept = await session.get_one(News, news.id)
    assert (kept.topic, kept.discarded_at, kept.texts["ja"]["text"]) == ("business", None, WORDS_JA)
    with pytest.raises(Refusal, match="too long ago"):
        async with database.writing() as session:
            await writing.discard(session, news.id, kept.version, actor=AUTHOR, now=now)
        async with database.writing() as session:
            await writing.restore(session, news.id, actor=AUTHOR, now=later(now, days=8))


async def test_a_machines_words_say_so_until_somebody_changes_them(
    database: Database, city: City, now: datetime
) -> None:
    await add_residents(database, 1, 25, languages=("ja", "en"))
    both = {"ja": ("秋のまつり", WORDS_JA), "en": ("Autumn festival", "On 3 October.")}
    news = await stored(database, now, texts=both, engines={"en": "deepl"})
    door = door_of(city)
    await planned(database, door, now, news)
    await at(database, door, TOMORROW)
    [notice] = await notices(database)
    assert "A machine translated this text" in notice.texts["en"]["text"]
    changed = written(texts={**both, "en": ("Autumn fair", "On 3 October.")})
    assert writing.as_written(news, changed).engines == {}
