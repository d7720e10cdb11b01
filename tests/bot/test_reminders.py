"""Reminders go to residents who asked for them, on the right day, once, and never in a heap."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from sqlmodel import col, select

from bot import reminders
from bot.reminders import NO_RUBBISH, RUBBISH, Collections, Kind, due_slots, remind
from channels.email.medium import EMAIL
from channels.forget import FORGOTTEN, forget_personal
from channels.line.medium import LINE
from channels.members import unpack
from channels.models import Batch, Delivery, DeliveryState, Variant
from channels.posts.medium import BY_POSTS
from channels.webpush.medium import WEB_PUSH
from city.context import Context
from city.folder import CityFolder
from core.clock import JAPAN, ManualClock
from core.database import Database
from core.restored import RestoreHold
from core.settings import Settings
from core.work import NoWorkers
from subscriptions import other_media, reminded, residents
from tests.support.races import two_runs

FRIDAY = datetime(2026, 11, 20, 12, tzinfo=JAPAN)
SATURDAY = date(2026, 11, 21)
"""The third of its month: bottles and cans in some districts, paper in others."""
BORN = "2025-06"
"""1 year and 6 months old on 1 December 2026; parents are told 30 days before."""
TOLD_ON = date(2026, 11, 1)
MEDIA = (LINE, EMAIL, WEB_PUSH, BY_POSTS)
EVENING = select(Delivery).where(col(Delivery.reference) == "reminder:evening:2026-11-20")


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


async def resident(
    context: Context,
    name: str,
    *,
    areas: Sequence[str] = ("chuo",),
    topics: Sequence[str] = ("collection", "childcare"),
    in_morning: bool = False,
    quiet: tuple[int, int] | None = None,
    children: Sequence[str] = (),
    medium: str = "line",
) -> int:
    city, now = context.city, datetime(2026, 6, 1, tzinfo=JAPAN)
    async with context.database.writing() as session:
        if medium == "line":
            made = await residents.follow(session, city, f"U{name:0>32}", "en", now)
        else:
            made = await other_media.follow_at(session, city, medium, name, "en", now)
        assert made.id is not None
        await residents.choose_areas(session, city, made.id, areas, now)
        await residents.choose_topics(session, city, made.id, dict.fromkeys(topics, 0), now)
        await residents.choose_reminder(session, city, made.id, now, in_morning=in_morning)
        await residents.choose_children(session, city, made.id, children, now)
        if quiet is not None:
            await residents.choose_quiet_hours(session, city, made.id, *quiet, now)
        return made.id


async def remind_at(context: Context, folder: CityFolder, *moments: datetime) -> list[int]:
    """Look for due reminders at each of the moments; return how many were told at each."""
    return [await remind(replace(context, clock=ManualClock(at)), folder, MEDIA) for at in moments]


async def told(context: Context) -> list[tuple[int, str]]:
    """Each resident who was told something, with the words, in order of the messages."""
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


def at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=JAPAN)


async def test_the_evening_before_or_the_morning_as_the_resident_chose(
    context: Context, sample: CityFolder
) -> None:
    evening = await resident(context, "evening")
    morning = await resident(context, "morning", in_morning=True)
    await resident(context, "other", topics=("events",))
    friday = FRIDAY.date()
    # The burnable rubbish of Friday is told first.
    thursday = friday - timedelta(days=1)
    every = [at(thursday, 20) + timedelta(minutes=10 * n) for n in range(6 * 37)]
    counts = await remind_at(context, sample, *every)
    found = [(when, count) for when, count in zip(every, counts, strict=True) if count]
    assert found.pop(0) == (at(thursday, 20), 1)
    assert found == [(at(friday, 7), 1), (at(friday, 19), 1), (at(SATURDAY, 7), 1)]
    words = await told(context)
    assert [number for number, _ in words] == [evening, morning, evening, morning]
    assert words[2][1] == "Rubbish on Tomorrow · Sat, Nov 21: Bottles and cans"
    assert words[3][1] == "Rubbish on Today · Sat, Nov 21: Bottles and cans"


async def test_who_is_not_to_be_disturbed_in_the_morning_is_told_the_evening_before(
    context: Context, sample: CityFolder
) -> None:
    late_riser = await resident(context, "late", in_morning=True, quiet=(1380, 540))
    await remind_at(context, sample, at(FRIDAY.date(), 19), at(SATURDAY, 7))
    assert [number for number, _ in await told(context)] == [late_riser]


@pytest.mark.parametrize(
    ("quiet", "day"),
    [((18, 7), "Today"), ((0, 0), "Tomorrow"), ((18, 21), "Tomorrow"), ((19, 24), "Today")],
)
async def test_who_is_not_to_be_disturbed_in_the_evening_is_told_on_the_day(
    context: Context, sample: CityFolder, quiet: tuple[int, int], day: str
) -> None:
    """Hours that end before midnight only put the evening's reminder off."""
    start, end = (one % 24 * 60 for one in quiet)
    await resident(context, "one", quiet=(start, end))
    await remind_at(context, sample, at(FRIDAY.date(), 19), at(SATURDAY, 7))
    ((_, words),) = await told(context)
    assert words.startswith(f"Rubbish on {day} · Sat, Nov 21")


async def test_nobody_is_told_twice_however_often_it_is_looked_at(
    context: Context, sample: CityFolder
) -> None:
    await resident(context, "one")
    evening = at(FRIDAY.date(), 19)
    assert await remind_at(context, sample, evening, evening + timedelta(minutes=1)) == [1, 0]
    async with context.database.reading() as session:
        (delivery,) = await session.scalars(EVENING)
    assert delivery.expires_at == at(SATURDAY, 0)  # "tomorrow" is wrong from then on
    assert delivery.planning_done


async def test_what_is_late_is_left_out_and_nothing_comes_in_a_heap(
    context: Context, sample: CityFolder
) -> None:
    """The service was down for days: only what is still of use is told."""
    await resident(context, "one")
    await resident(context, "two", in_morning=True)
    friday = FRIDAY.date()
    assert await remind_at(context, sample, at(friday, 21, 59)) == [1]
    too_late = (at(friday, 22), at(friday, 23, 59), at(SATURDAY, 8), at(SATURDAY, 12))
    assert await remind_at(context, sample, *too_late) == [0] * 4
    assert await remind_at(context, sample, at(SATURDAY, 7, 59)) == [1]


async def test_an_evening_that_was_missed_is_made_up_for_in_the_morning(
    context: Context, sample: CityFolder
) -> None:
    one, two = await resident(context, "one"), await resident(context, "two", in_morning=True)
    late = await resident(context, "late", in_morning=True, quiet=(1380, 540))
    assert await remind_at(context, sample, at(FRIDAY.date(), 22), at(SATURDAY, 7)) == [0, 3]
    said = await told(context)
    assert [number for number, _ in said] == [one, two, late]
    assert {words for _, words in said} == {"Rubbish on Today · Sat, Nov 21: Bottles and cans"}


async def test_who_has_quiet_hours_by_the_time_of_a_late_evening_is_told_in_the_morning(
    context: Context, sample: CityFolder
) -> None:
    awake = await resident(context, "awake", quiet=(23 * 60, 6 * 60))
    asleep = await resident(context, "asleep", quiet=(20 * 60, 6 * 60))
    assert await remind_at(context, sample, at(FRIDAY.date(), 21), at(SATURDAY, 7)) == [1, 1]
    assert [number for number, _ in await told(context)] == [awake, asleep]


async def test_after_a_restore_the_morning_does_not_repeat_the_evening(
    context: Context, sample: CityFolder
) -> None:
    """The evening may have been told, and is not in the backup."""
    await resident(context, "one")
    morning = await resident(context, "two", in_morning=True)
    evening = at(FRIDAY.date(), 19)
    async with context.database.writing() as session:
        until = evening + timedelta(minutes=5)
        session.add(RestoreHold(until=until, restored_at=until, seen_at=until))
    assert await remind_at(context, sample, at(SATURDAY, 7)) == [1]
    assert [number for number, _ in await told(context)] == [morning]


async def test_a_crash_between_two_pages_neither_skips_nor_repeats_anybody(
    context: Context, sample: CityFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = [await resident(context, str(n)) for n in range(5)]
    monkeypatch.setattr(reminders, "PAGE", 2)
    real, calls = reminded.subscribers, 0

    async def dies_later(*asked: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise RuntimeError("killed")
        return await real(*asked)

    monkeypatch.setattr(reminders, "subscribers", dies_later)
    with pytest.raises(RuntimeError):
        await remind_at(context, sample, at(FRIDAY.date(), 19))
    assert [number for number, _ in await told(context)] == numbers[:4]
    assert await remind_at(context, sample, at(FRIDAY.date(), 19, 1)) == [1]
    assert [number for number, _ in await told(context)] == numbers


async def test_two_schedulers_at_once_tell_nobody_twice(
    context: Context, sample: CityFolder
) -> None:
    """A leader that lost its lock has not noticed yet when another begins."""
    number = await resident(context, "one")
    then = replace(context, clock=ManualClock(at(FRIDAY.date(), 19)))
    assert sorted(await two_runs(then, lambda own: remind(own, sample, MEDIA))) == [0, 1]
    assert [one for one, _ in await told(context)] == [number]


async def test_two_schedulers_at_once_share_the_pages(
    context: Context, sample: CityFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = [await resident(context, str(n)) for n in range(5)]
    monkeypatch.setattr(reminders, "PAGE", 2)
    then = replace(context, clock=ManualClock(at(FRIDAY.date(), 19)))
    assert sum(await two_runs(then, lambda own: remind(own, sample, MEDIA))) == 5
    assert sorted(one for one, _ in await told(context)) == numbers


async def test_one_that_was_cut_off_and_is_too_late_is_ended(
    context: Context, sample: CityFolder
) -> None:
    await resident(context, "one")
    await remind_at(context, sample, at(FRIDAY.date(), 19))
    async with context.database.writing() as session:
        (delivery,) = await session.scalars(EVENING)
        delivery.planning_done = False
    await remind_at(context, sample, at(SATURDAY, 9))
    async with context.database.reading() as session:
        (delivery,) = await session.scalars(EVENING)
    assert delivery.planning_done
    assert delivery.state is DeliveryState.SENDING  # its batch still waits to expire


async def test_what_may_have_been_sent_before_a_restore_is_not_sent_again(
    context: Context, sample: CityFolder
) -> None:
    await resident(context, "one")
    evening = at(FRIDAY.date(), 19)
    async with context.database.writing() as session:
        hold = RestoreHold(until=evening + timedelta(minutes=5), restored_at=evening)
        session.add(hold)
    assert await remind_at(context, sample, evening + timedelta(minutes=20)) == [0]
    async with context.database.writing() as session:
        hold = await session.get_one(RestoreHold, 1)
        hold.seen_at = evening
    assert await remind_at(context, sample, evening + timedelta(minutes=30)) == [0]
    # Nothing is collected on Sunday; Monday's is told on Sunday evening.
    assert await remind_at(context, sample, at(SATURDAY + timedelta(days=1), 19)) == [1]


@pytest.mark.parametrize(
    "changes", [{"collection_reminders": False}, {"topics": ()}], ids=["not wanted", "no topic"]
)
async def test_a_city_that_does_not_want_it_or_has_no_such_topic_tells_nobody(
    context: Context, sample: CityFolder, changes: dict[str, Any]
) -> None:
    await resident(context, "one")
    context = replace(context, city=context.city.model_copy(update=changes))
    assert await remind_at(context, sample, at(FRIDAY.date(), 19)) == [0]


def test_each_set_of_kinds_is_told_with_its_districts(sample: CityFolder) -> None:
    """Somebody without a district hears of the whole city."""
    found = Collections.on(sample.city, sample, SATURDAY)
    districts = [code for _, _, codes in found.groups for code in codes]
    assert sorted(districts) == sorted(one.code for one in sample.city.districts)
    whole = found.text(sample.city, (), "ja", today=False)
    assert "あした" in whole or "明日" in whole
    assert "びん・かん" in whole and "中央" in whole


def test_at_new_year_residents_are_told_that_nothing_is_collected(sample: CityFolder) -> None:
    """The sample city collects nothing from 31 December to 3 January."""
    for day in (date(2026, 12, 31), date(2027, 1, 1), date(2027, 1, 2)):
        found = Collections.on(sample.city, sample, day)
        assert {message for message, _, _ in found.groups} == {NO_RUBBISH}
        usual = {rule.district for rule in sample.calendar.days if rule.would_fall_on(day)}
        assert {code for _, _, codes in found.groups for code in codes} == usual
    assert not Collections.on(sample.city, sample, date(2027, 1, 3)).groups
    on = Collections.on(sample.city, sample, date(2027, 1, 4))
    assert {message for message, _, _ in on.groups} == {RUBBISH}


async def test_a_check_up_is_told_once_on_its_day(context: Context, sample: CityFolder) -> None:
    parent = await resident(context, "parent", children=(BORN,))
    await resident(context, "asked for nothing", children=(BORN,), topics=())
    await resident(context, "older", children=("2023-11",))
    days = [TOLD_ON + timedelta(days=n) for n in range(-3, 4)]
    counts = await remind_at(context, sample, *(at(day, 10) for day in days))
    assert counts == [int(day == TOLD_ON) for day in days]
    ((number, words),) = await told(context)
    assert number == parent
    assert "Check-up at 18 months" in words
    assert BORN not in words


async def test_check_ups_that_were_missed_are_told_together_and_old_ones_are_not(
    context: Context, sample: CityFolder
) -> None:
    """Down from 1 November; 1 year and 6 months is told on the 1st, 3 years on the 1st too."""
    await resident(context, "parent", children=(BORN, "2023-12"))
    assert await remind_at(context, sample, at(TOLD_ON + timedelta(days=3), 10, 5)) == [1]
    assert await remind_at(context, sample, at(TOLD_ON + timedelta(days=4), 10)) == [0]
    ((_, words),) = await told(context)
    assert "Check-up at 18 months" in words and "Check-up at age 3" in words


async def test_check_ups_of_last_week_are_left_out(context: Context, sample: CityFolder) -> None:
    await resident(context, "parent", children=(BORN,))
    assert await remind_at(context, sample, at(TOLD_ON + timedelta(days=4), 10)) == [0]


@pytest.mark.parametrize(
    ("evening", "collected"),
    [
        (date(2028, 2, 28), date(2028, 2, 29)),
        (date(2028, 2, 29), date(2028, 3, 1)),
        (date(2027, 2, 28), date(2027, 3, 1)),
        (date(2026, 12, 31), date(2027, 1, 1)),
        (date(2026, 4, 30), date(2026, 5, 1)),
    ],
)
def test_the_day_after_the_end_of_a_month_is_told_at_its_end(
    sample: CityFolder, evening: date, collected: date
) -> None:
    (slot,) = [one for one in due_slots(sample.city, at(evening, 19)) if one.kind is Kind.EVENING]
    assert slot.days == (collected,)
    (slot,) = [one for one in due_slots(sample.city, at(collected, 7)) if one.kind is Kind.MORNING]
    assert slot.days == (collected,)


def test_whoever_hears_of_a_whole_large_city_gets_a_message_that_line_takes(
    sample: CityFolder,
) -> None:
    first = sample.city.districts[0]
    names = {"ja": "とても長い名前の地区" * 5}
    districts = tuple(
        first.model_copy(update={"code": f"d{n}", "names": names}) for n in range(300)
    )
    city = sample.city.model_copy(update={"districts": districts})
    city.__dict__.pop("district_by_code", None)
    rules = tuple(
        replace(rule, district=one.code)
        for one in districts
        for rule in sample.calendar.days
        if rule.district == first.code
    )
    folder = replace(sample, city=city, calendar=replace(sample.calendar, days=rules))
    text = Collections.on(city, folder, SATURDAY).text(city, (), "ja", today=False)
    assert 0 < len(text) <= 5_000
    assert "…" in text


async def test_promise_9_a_reminder_that_only_the_erased_got_is_erased_with_them(
    context: Context, sample: CityFolder
) -> None:
    """What others got as well says nothing of one person, and may still be on its way to them."""
    alone = await resident(context, "alone", children=(BORN, "2023-12"))
    awake = await resident(context, "awake", children=(BORN,), quiet=(0, 0))
    asleep = await resident(context, "asleep", children=(BORN,))
    pair = [await resident(context, f"{n}", children=("2023-12",)) for n in range(2)]
    assert await remind_at(context, sample, at(TOLD_ON, 10)) == [5]

    async def left_after(*erased: int) -> set[int]:
        async with context.database.writing() as session:
            await forget_personal(session, erased)
            rows = await session.execute(
                select(Batch.members, Variant.messages).join(
                    Variant, col(Variant.id) == col(Batch.variant_id)
                )
            )
            return {n for members, words in rows if words != FORGOTTEN for n in unpack(members)}

    everybody = {alone, awake, asleep, *pair}
    assert await left_after(awake) == everybody
    assert await left_after(alone, pair[0]) == everybody - {alone}
    assert await left_after(awake, asleep) == set(pair)


async def reminders_by(context: Context) -> dict[str, list[tuple[int, str]]]:
    """The words of each medium's reminders, with the resident, in order."""
    found: dict[str, list[tuple[int, str]]] = {}
    async with context.database.reading() as session:
        rows = await session.execute(
            select(Delivery.channel, Batch.members, Variant.messages)
            .join(Batch, col(Batch.delivery_id) == col(Delivery.id))
            .join(Variant, col(Variant.id) == col(Batch.variant_id))
            .order_by(col(Batch.id))
        )
        for channel, members, stored in rows:
            medium = next(each for each in MEDIA if each.name == channel)
            read = medium.as_read(json.loads(stored))
            words = " | ".join(part for part in (read.title, read.text) if part)
            found.setdefault(channel, []).extend((number, words) for number in unpack(members))
    return found


async def test_everybody_is_reminded_by_the_medium_that_they_follow_by(
    context: Context, sample: CityFolder
) -> None:
    at_line = await resident(context, "line")
    by_mail = await resident(context, "one@home.example", medium="email")
    in_morning = await resident(context, "two@home.example", medium="email", in_morning=True)
    browser = await resident(context, "a browser", medium="webpush")
    await resident(context, "three@home.example", medium="email", topics=("events",))
    await resident(context, "city/ja", medium="posts")
    stands_by = await resident(context, "four@home.example", medium="email")
    async with context.database.writing() as session:
        await other_media.link(
            session, stands_by, at_line, context.clock.now(), only_if_line_fails=True
        )
    evening, morning = at(FRIDAY.date(), 19), at(SATURDAY, 7)
    assert await remind_at(context, sample, evening, evening, morning, morning) == [3, 0, 1, 0]
    words = "Rubbish on {}: Bottles and cans"
    tomorrow, today = "Tomorrow · Sat, Nov 21", "Today · Sat, Nov 21"
    found = await reminders_by(context)
    assert found["line"] == [(at_line, words.format(tomorrow))]
    assert found["webpush"] == [(browser, f"Rubbish days · {tomorrow} | {words.format(tomorrow)}")]
    mails = found["email"]
    assert [number for number, _ in mails] == [by_mail, in_morning]
    for (_, mail), day in zip(mails, (tomorrow, today), strict=True):
        assert mail.startswith(f"Rubbish days · {day} · Tsukuba")
        assert words.format(day) in mail
    assert set(found) == {"line", "email", "webpush"}


async def test_parents_are_reminded_by_mail_too(context: Context, sample: CityFolder) -> None:
    parent = await resident(context, "one@home.example", medium="email", children=[BORN])
    assert await remind_at(context, sample, at(TOLD_ON, 10), at(TOLD_ON, 11)) == [1, 0]
    [(number, mail)] = (await reminders_by(context))["email"]
    assert number == parent
    assert mail.startswith("Vaccinations and check-ups · Tsukuba")
    assert "It will soon be time for this." in mail


async def test_a_medium_that_cannot_remind_does_not_hold_back_the_others(
    context: Context, sample: CityFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    await resident(context, "line")
    await resident(context, "one@home.example", medium="email")

    def broken(*_: object) -> object:
        raise RuntimeError("broken")

    monkeypatch.setattr(type(EMAIL), "note", broken)
    evening = at(FRIDAY.date(), 19)
    with pytest.raises(RuntimeError, match="broken"):
        await remind_at(context, sample, evening)
    assert set(await reminders_by(context)) == {"line"}
    monkeypatch.undo()
    assert await remind_at(context, sample, evening) == [1]
    assert set(await reminders_by(context)) == {"line", "email"}
