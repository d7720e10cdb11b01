"""When LINE takes nothing for a minute, emergencies go by every other medium, once on each."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from channels import dispatch, stand_in
from channels.models import ChannelSilence, Delivery
from city.city import MediumRule
from core.database import Database
from feeds.models import Status
from subscriptions import residents
from subscriptions.models import Resident
from tests.support.engine import make_notice, user_id
from tests.support.media_town import AT_LINE, BY_MAIL, BY_POST, DEAD, NOON, STANDBY, Town, once


@pytest.fixture
async def town(database: Database) -> Town:
    made = Town(database)
    await made.settle()
    return made


async def test_an_emergency_goes_by_what_was_switched_off_and_to_who_stands_by(
    town: Town,
) -> None:
    town.line.failures = list(DEAD)
    await town.send(make_notice(level=5, now=NOON), "line", "email")
    await town.work()
    assert town.told() == {"line": Counter(), "email": once(BY_MAIL), "posts": Counter()}
    town.clock.skip(40)
    found = await town.look()
    assert found.silence is None, "half a minute is no silence"
    town.clock.skip(40)
    found = await town.look()
    assert found.silence is not None and len(found.deliveries) == 2
    await town.work()
    assert town.told() == {
        "line": Counter(),
        "email": once(BY_MAIL, STANDBY),
        "posts": once(BY_POST),
    }
    again = await town.look()
    assert again.silence is not None and not again.deliveries
    # LINE works again.
    town.line.failures = []
    town.clock.skip(400)
    await town.work()
    assert (await town.look()).silence is None
    assert town.told() == {
        "line": once(AT_LINE),
        "email": once(BY_MAIL, STANDBY),
        "posts": once(BY_POST),
    }
    async with town.database.reading() as session:
        [row] = list(await session.scalars(select(ChannelSilence)))
        assert row.ended_at is not None


async def test_what_comes_during_a_silence_goes_at_once_by_every_medium(town: Town) -> None:
    town.line.failures = list(DEAD)
    await town.send(make_notice(level=5, now=NOON), "line")
    await town.work()
    town.clock.skip(70)
    assert len((await town.look()).deliveries) == 2
    await town.send(make_notice(level=4, now=town.clock.now()), "line")
    assert len((await town.look()).deliveries) == 2
    await town.work()
    mailed = once(BY_MAIL, STANDBY)
    assert town.told()["email"] == mailed + mailed


@pytest.mark.parametrize(
    "what", [{"topic": "events", "level": 0}, {"level": 5, "drill": True}], ids=["routine", "drill"]
)
async def test_routine_and_drills_go_nowhere_else(town: Town, what: dict[str, Any]) -> None:
    town.line.failures = list(DEAD)
    await town.send(make_notice(now=NOON, **what), "line")
    await town.work()
    town.clock.skip(70)
    found = await town.look()
    assert found.silence is not None, "staff are told all the same"
    assert not found.deliveries


async def test_while_line_takes_anything_nothing_stands_in(town: Town) -> None:
    await town.send(make_notice(level=5, now=NOON), "line")
    await town.work()
    town.clock.skip(70)
    assert (await town.look()).silence is None
    assert town.told()["email"] == Counter()


async def test_a_pause_by_staff_is_no_silence(town: Town) -> None:
    town.line.failures = list(DEAD)
    await town.send(make_notice(level=5, now=NOON), "line")
    await town.work()
    async with town.database.writing() as session:
        number = await session.scalar(select(Delivery.id))
        assert number is not None
        await dispatch.pause(session, number, "a@city", town.clock.now())
    town.clock.skip(70)
    assert (await town.look()).silence is None


async def test_a_refused_token_is_a_silence_too(town: Town) -> None:
    town.line.locked = True
    await town.send(make_notice(level=5, now=NOON), "line")
    await town.work()
    town.clock.skip(70)
    found = await town.look()
    assert found.silence is not None and len(found.deliveries) == 2


async def test_the_correction_goes_to_everybody_who_was_told_on_each_medium(town: Town) -> None:
    town.line.failures = list(DEAD)
    wrong = make_notice(level=5, now=NOON)
    await town.send(wrong, "line", "email")
    await town.work()
    town.clock.skip(70)
    await town.look()
    await town.work()
    town.line.failures = []
    town.clock.skip(400)
    await town.work()
    right = make_notice(
        now=town.clock.now(), level=5, status=Status.CANCELLED, replaces_id=wrong.id
    )
    # Staff switch everything off but LINE; the chain went further.
    await town.send(right, "line")
    await town.work()
    assert town.told() == {
        "line": once(AT_LINE) + once(AT_LINE),
        "email": once(BY_MAIL, STANDBY) + once(BY_MAIL, STANDBY),
        "posts": once(BY_POST) + once(BY_POST),
    }


async def test_cut_off_between_two_media_it_is_done_at_the_next_look(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    town.line.failures = list(DEAD)
    await town.send(make_notice(level=5, now=NOON), "line")
    await town.work()
    town.clock.skip(70)
    deliver, calls = dispatch.deliver, 0

    async def dies(session: AsyncSession, *given: object, **options: object) -> Delivery:
        nonlocal calls
        calls += 1
        made: Delivery = await deliver(session, *given, **options)  # type: ignore[arg-type]
        if calls == 2:
            raise asyncio.CancelledError
        return made

    with monkeypatch.context() as patch:
        patch.setattr(stand_in, "deliver", dies)
        with pytest.raises(asyncio.CancelledError):
            await town.look()
    async with town.database.reading() as session:
        assert len(list(await session.scalars(select(Delivery)))) == 2
    town.engine = town.process()
    assert len((await town.look()).deliveries) == 1
    await town.work()
    assert town.told()["email"] == once(BY_MAIL, STANDBY)
    assert town.told()["posts"] == once(BY_POST)


async def test_two_schedulers_at_once_send_it_once(town: Town) -> None:
    town.line.failures = list(DEAD)
    await town.send(make_notice(level=5, now=NOON), "line")
    await town.work()
    town.clock.skip(70)
    await town.look()
    async with town.database.writing() as session:
        # As if neither had looked.
        for each in await session.scalars(select(Delivery).where(col(Delivery.channel) != "line")):
            await session.delete(each)
    await asyncio.gather(town.look(), town.look())
    await town.work()
    assert town.told()["email"] == once(BY_MAIL, STANDBY)


async def test_a_medium_that_cannot_render_does_not_hold_back_the_others(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> object:
        raise RuntimeError("broken")

    monkeypatch.setattr(town.by_mail, "render", broken)
    town.line.failures = list(DEAD)
    await town.send(make_notice(level=5, now=NOON), "line", "email", "posts")
    await town.work()
    assert town.told()["posts"] == once(BY_POST)
    town.clock.skip(70)
    found = await town.look()
    assert found.silence is not None
    assert town.told()["email"] == Counter()


async def test_who_blocked_line_gets_it_by_mail_if_they_asked_for_that(town: Town) -> None:
    async with town.database.writing() as session:
        await residents.unfollow(session, town.city, user_id(1), town.clock.now())
    await town.send(make_notice(level=5, now=NOON))
    await town.work()
    assert town.told() == {
        "line": once(range(2, 9)),
        "email": once(BY_MAIL, range(13, 14)),
        "posts": once(BY_POST),
    }


async def test_rules_of_the_city_choose_the_media_and_a_follow_up_goes_by_those_of_its_chain(
    town: Town,
) -> None:
    rules = (
        MediumRule(medium="posts", topics=("evacuation",), level=4),
        MediumRule(medium="email", topics=("events",)),
    )
    town.city = town.city.model_copy(update={"media": rules})
    first = make_notice(level=4, now=NOON)
    await town.send(first)
    await town.send(make_notice("events", level=0, now=NOON))
    async with town.database.reading() as session:
        rows = await session.execute(
            select(Delivery.notice_id, Delivery.channel).order_by(col(Delivery.id))
        )
        made = [tuple(row) for row in rows]
    assert made == [
        (first.id, "line"),
        (first.id, "posts"),
        (made[2][0], "line"),
        (made[2][0], "email"),
    ]
    # Lower than the rule of posts, but posts told of it.
    await town.send(make_notice(level=3, now=NOON, status=Status.LOWERED, replaces_id=first.id))
    async with town.database.reading() as session:
        query = select(Delivery.channel).order_by(col(Delivery.id).desc()).limit(2)
        assert set(await session.scalars(query)) == {"line", "posts"}


async def test_nobody_hears_of_the_end_of_what_their_medium_never_said(town: Town) -> None:
    first = make_notice(level=4, now=NOON)
    await town.send(first, "line")
    await town.send(make_notice(level=4, now=NOON, status=Status.LIFTED, replaces_id=first.id))
    async with town.database.reading() as session:
        assert set(await session.scalars(select(Delivery.channel))) == {"line"}


async def test_a_resident_who_left_stands_by_no_longer_after_the_silence(town: Town) -> None:
    async with town.database.writing() as session:
        await session.execute(
            update(Resident)
            .where(col(Resident.id) == STANDBY.start)
            .values(only_if_line_fails=False)
        )
    town.line.failures = list(DEAD)
    await town.send(make_notice(level=5, now=NOON), "line", "email")
    await town.work()
    assert town.told()["email"] == once(BY_MAIL, range(13, 14))
    town.clock.skip(61)
    await town.look()
    await town.work()
    assert town.told()["email"] == once(BY_MAIL, STANDBY)
    assert town.clock.now() > NOON + timedelta(seconds=60)
