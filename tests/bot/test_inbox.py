"""Promise 1: an event acts once, however often and in whatever order it comes.

And its answer is said once: through crashes, LINE's errors and tokens that ran out.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from bot.inbox import Inbox
from bot.models import EventState, WebhookEvent, bucket_of
from channels.line.errors import LineRefused
from core.errors import Permanent
from simulator.line import FaultPlan, SimulatorOptions
from simulator.line.phones import Content
from subscriptions import residents
from tests.support.chats import a_photo, aboard, hurried, reports
from tests.support.town import SECRET, Town, words_in
from tests.support.webhook_calls import Caller, body_of

A_DAY_AGO = int(time.time() * 1000) - 86_400_000
"""Milliseconds since 1970: before what the simulator's phones do now, and remembered."""


class Crash(BaseException):
    """The process dies here."""


def choices_of(user: str, seed: int) -> list[dict[str, Any]]:
    """Return postbacks a resident pressed, in order, a second apart."""
    chance = random.Random(seed)
    offered = [
        *(f"do=set-language&to={language}" for language in ("my", "en", "vi")),
        *(f"do=topic&code={topic}&on={on}" for topic in ("crime", "weather") for on in (0, 1)),
        *(f"do=level&to={level}" for level in (0, 2, 4)),
        *(f"do=area&to={{{number}}}&on={on}" for number in (0, 1) for on in (0, 1)),
        "do=area-all",
        *(f"do=quiet&start={start}&end=360" for start in (1200, 1300)),
    ]
    return [
        {
            "type": "postback",
            "webhookEventId": f"press-{seed}-{number}",
            "timestamp": A_DAY_AGO + number * 1000,
            "mode": "active",
            "deliveryContext": {"isRedelivery": False},
            "source": {"type": "user", "userId": user},
            "postback": {"data": chance.choice(offered)},
        }
        for number in range(chance.randint(4, 12))
    ]


@pytest.mark.parametrize("seed", range(8))
async def test_choices_end_the_same_in_whatever_order_they_come(town: Town, seed: int) -> None:
    """In order for one resident, shuffled and repeated for another: the same in the end."""
    codes = [district.code for district in town.city.districts]
    orderly, muddled = town.newcomer("ja"), town.newcomer("ja")
    follow = {
        "type": "follow",
        "mode": "active",
        "deliveryContext": {"isRedelivery": False},
        "follow": {"isUnblocked": False},
    }
    chance = random.Random(seed)
    async with aiohttp.ClientSession() as http:
        caller = Caller(town, http)
        for user in (orderly, muddled):
            town.simulator.users.set_standing(user, "friend")
            first = {
                **follow,
                "webhookEventId": f"follow-{user}",
                "timestamp": A_DAY_AGO - 1000,
                "source": {"type": "user", "userId": user},
            }
            presses = choices_of(user, seed)
            for press in presses:
                data = press["postback"]["data"].format(*codes)
                press["postback"] = {"data": data}
                press["webhookEventId"] += user[-4:]
            events = [first, *presses]
            if user == muddled:
                events += chance.choices(events, k=5)
                chance.shuffle(events)
            for event in events:
                assert await caller.post(body_of(event)) == 200
                if user == orderly or chance.random() < 0.5:
                    await town.settle()
            await town.settle()
    wanted, found = await town.preferences(orderly), await town.preferences(muddled)
    for name in ("language", "areas", "topics", "quiet_start", "quiet_end", "following"):
        assert getattr(wanted, name) == getattr(found, name), name


async def test_a_follow_that_comes_after_a_later_leave_does_not_undo_it(town: Town) -> None:
    user = town.newcomer("ja")
    town.simulator.webhooks.hold()
    follow = town.simulator.phones.follow(user)
    leave = town.simulator.phones.block(user)
    leave["timestamp"] = follow["timestamp"] + 1
    async with aiohttp.ClientSession() as http:
        caller = Caller(town, http)
        for event in (leave, follow, leave):
            assert await caller.post(body_of(event)) == 200
            await town.queue.drained()
    async with town.database.reading() as session:
        resident = await residents.find(session, user)
    assert resident is None or resident.state == "left"


async def test_an_event_that_comes_ten_times_is_answered_once(town: Town) -> None:
    user = await aboard(town)
    event = town.simulator.phones.send_text(user, "menu")
    await town.settle()
    async with aiohttp.ClientSession() as http:
        caller = Caller(town, http)
        statuses = await asyncio.gather(*(caller.post(body_of(event, event)) for _ in range(10)))
    assert set(statuses) == {200}
    assert len(await town.news(user)) == 1


@pytest.mark.parametrize("moment", ["before the reply", "after the reply"])
async def test_a_crash_around_the_reply_neither_loses_nor_doubles_the_answer(
    town: Town, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    user = await aboard(town)
    real = town.line.reply
    crashes = [1]

    async def crashing(token: str, messages: Any) -> Any:
        if crashes and moment == "before the reply":
            crashes.clear()
            raise Crash
        accepted = await real(token, messages)
        if crashes:
            crashes.clear()
            raise Crash
        return accepted

    monkeypatch.setattr(town.line, "reply", crashing)
    awake = town.inbox.work

    async def dying(key: str) -> None:
        try:
            await awake(key)
        except Crash:
            return

    town.queue.register("bot.inbox", dying)
    town.simulator.phones.send_text(user, "menu")
    await town.settle()
    assert [event.state for event in await town.events()][-1] is EventState.ANSWERING
    successor = Inbox(town.context, town.line, town.folder)
    successor.register()
    assert await successor.recover() == 1
    news = await town.news(user)
    assert len(news) == 1
    assert await town.events(EventState.ANSWERING) == []


@pytest.fixture
async def faulty(make_town: Callable[..., Any]) -> AsyncIterator[Town]:
    yield await make_town()


@pytest.mark.parametrize("fault", ["5xx-before=100%", "5xx-after=100%", "drop=100%"])
async def test_lines_errors_delay_the_answer_and_never_double_it(faulty: Town, fault: str) -> None:
    user = await aboard(faulty)
    faulty.simulator.faults = FaultPlan.parse(fault)
    faulty.simulator.phones.send_text(user, "menu")
    await faulty.settle()
    faulty.simulator.faults = FaultPlan()
    await hurried(faulty)
    assert len(await faulty.news(user)) == 1


async def test_an_answer_that_matters_is_pushed_when_the_token_ran_out(
    make_town: Callable[..., Any],
) -> None:
    options = SimulatorOptions(
        channel_secret=SECRET, channel_access_token="a-token", reply_token_seconds=0.0
    )
    town: Town = await make_town(options=options)
    user = town.newcomer("en")
    town.simulator.phones.follow(user)
    news = await town.news(user)
    assert "Hello!" in words_in(news)
    town.simulator.phones.send_text(user, "menu")
    assert await town.news(user) == []
    assert await town.events(EventState.ANSWERING) == []


@pytest.mark.slow
async def test_a_poisonous_event_is_set_aside_and_blocks_nobody(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = await aboard(town)
    real = town.inbox.reader.read

    async def poisoned(event: WebhookEvent) -> Any:
        if "poison" in event.payload:
            raise ValueError("a mistake of ours")
        return await real(event)

    monkeypatch.setattr(town.inbox.reader, "read", poisoned)
    town.simulator.phones.send_text(user, "poison")
    town.simulator.phones.send_text(user, "menu")
    assert "What can I do" in words_in(await town.news(user))
    await hurried(town)
    (failed,) = await town.events(EventState.FAILED)
    assert failed.error == "a mistake of ours"
    assert "Sorry" in words_in(await town.news(user))


async def test_an_event_that_says_nothing_readable_fails_at_once(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = await aboard(town)

    async def unreadable(_event: WebhookEvent) -> Any:
        raise Permanent("The event has no message.")

    monkeypatch.setattr(town.inbox.reader, "read", unreadable)
    assert "Sorry" in words_in(await town.says(user, "hello"))
    assert len(await town.events(EventState.FAILED)) == 1


async def test_an_answer_that_line_does_not_take_becomes_an_apology(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mistake of ours in a message is no silence for the resident."""
    user = await aboard(town)
    real = town.line.reply

    async def refusing(token: str, messages: Any) -> Any:
        if "Sorry" not in str(messages):
            raise LineRefused(400, "A message (messages[0]) in the request body is invalid")
        return await real(token, messages)

    monkeypatch.setattr(town.line, "reply", refusing)
    assert "Sorry" in words_in(await town.says(user, "menu"))
    (failed,) = await town.events(EventState.FAILED)
    assert "is invalid" in (failed.error or "")


@pytest.mark.slow
async def test_a_photo_is_fetched_again_when_line_fails(faulty: Town) -> None:
    """Reports are not lost to a failing data host."""
    user = await aboard(faulty)
    faulty.simulator.faults = FaultPlan.parse("5xx-before=100%")
    faulty.simulator.phones.send_media(user, "image", Content(a_photo(), "image/jpeg"))
    await faulty.settle()
    faulty.simulator.faults = FaultPlan()
    await hurried(faulty)
    assert "1 of 4" in words_in(await faulty.news(user))
    assert await reports(faulty) == []


async def test_what_waits_is_taken_up_after_a_restart(make_town: Callable[..., Any]) -> None:
    town: Town = await make_town(awake=False)
    user = town.newcomer("en")
    town.simulator.phones.follow(user)
    await town.simulator.webhooks.idle()
    assert len(await town.events(EventState.WAITING)) == 1
    successor = Inbox(town.context, town.line, town.folder)
    await successor.work(str(bucket_of(user, is_sqlite=town.database.is_sqlite)))
    assert await town.events(EventState.WAITING) == []
    chat = town.simulator.users.get(user).chat
    assert "Hello!" in words_in([item.message for item in chat if item.side == "account"])


async def test_a_resident_who_wrote_before_the_service_came_is_welcomed(town: Town) -> None:
    """Somebody who followed the account before Todoke was installed."""
    user = town.newcomer("en")
    town.simulator.users.set_standing(user, "friend")
    assert "Hello!" in words_in(await town.says(user, "hi"))
    other = town.newcomer("en")
    town.simulator.users.set_standing(other, "friend")
    assert "broken" in words_in(await town.says(other, "report"))


async def test_an_event_waits_no_longer_than_it_must(town: Town) -> None:
    """A postponed event asks to be called again at its own time."""
    user = await aboard(town)
    town.simulator.faults = FaultPlan.parse("5xx-before=100%")
    town.simulator.phones.send_text(user, "menu")
    await town.settle()
    (waiting,) = await town.events(EventState.ANSWERING)
    assert waiting.not_before is not None
    assert waiting.not_before - waiting.received_at < timedelta(seconds=10)
    assert town.queue.busy
    town.simulator.faults = FaultPlan()
    await hurried(town)
