"""Promise 1 for many residents at once: each event acts once and is answered once, in LINE's order.

Residents share transactions; a fault in one event does not affect others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest
from sqlmodel import select

from bot.account import OwnAccount
from bot.models import BUCKETS, IS_OPEN, EventState, WebhookEvent, bucket_of
from channels.line.errors import LineBusy, LineUnavailable
from city.city import Decision
from core.clock import SystemClock
from feeds.models import Notice, Status
from feeds.told import ToldNow
from reports.nearby import open_near
from simulator.line import SimulatorOptions
from simulator.line.phones import Content
from tests.support.chats import a_photo, aboard, hurried
from tests.support.plans import listening, whole_tables_read
from tests.support.queues import install_schema
from tests.support.town import SECRET, Town, words_in
from tests.support.webhook_calls import Caller, body_of, event

MANY = 40
OPEN_BUCKETS = select(WebhookEvent.bucket).where(IS_OPEN).distinct()


async def worked_off(town: Town) -> None:
    """Work through every bucket that has something open, as a process that starts does."""
    while True:
        async with town.database.reading() as session:
            keys = [str(bucket) for bucket in await session.scalars(OPEN_BUCKETS)]
        if not keys:
            return
        await asyncio.gather(*(town.inbox.work(key) for key in keys))


def answers(town: Town, user: str) -> list[dict[str, Any]]:
    chat = town.simulator.users.get(user).chat
    return [item.message for item in chat if item.side == "account"]


def an_order(now: datetime) -> Notice:
    return Notice(
        identity="order",
        topic="evacuation",
        level=4,
        status=Status.ISSUED,
        drill=False,
        reported_at=now,
        decision=Decision.SEND,
        decided_by="staff@city.example",
        created_at=now,
    )


@pytest.mark.slow
async def test_many_at_once_are_answered_once_each_and_in_lines_order(
    make_town: Callable[..., Any],
) -> None:
    town: Town = await make_town(awake=False)
    users = [town.newcomer("en") for _ in range(MANY)]
    for user in users:
        town.simulator.phones.follow(user)
        town.simulator.phones.send_text(user, "thank you")
        town.simulator.phones.send_text(user, "menu")
    await town.simulator.webhooks.idle()
    await worked_off(town)
    first = words_in(answers(town, users[0]))
    said = [first.index(part) for part in ("Hello!", "You are welcome", "What can I do")]
    assert said == sorted(said)
    assert {words_in(answers(town, user)) for user in users} == {first}
    assert {row.state for row in await town.events()} == {EventState.DONE}


@pytest.mark.slow
async def test_a_fault_in_one_event_undoes_nobody_elses(
    make_town: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It fails after others acted in the same transaction; they still act, once."""
    options = SimulatorOptions(
        channel_secret=SECRET, channel_access_token="a-token", reply_token_seconds=3600.0
    )
    town: Town = await make_town(options=options)
    users = [await aboard(town) for _ in range(6)]
    real = town.inbox.actor.act

    async def faulty(session: Any, event: WebhookEvent, *rest: Any) -> bool:
        changed = await real(session, event, *rest)
        if event.line_user_id == users[3]:
            raise ValueError("a mistake of ours")
        return changed

    monkeypatch.setattr(town.inbox.actor, "act", faulty)
    for user in users:
        town.simulator.phones.postback(user, "do=quiet&start=1300&end=360")
    await town.settle()
    for user in users:
        choices = await town.preferences(user)
        assert choices.quiet_start == (None if user == users[3] else 1300)
        assert len(await town.news(user)) == (0 if user == users[3] else 1)
    monkeypatch.setattr(town.inbox.actor, "act", real)
    await hurried(town)
    assert (await town.preferences(users[3])).quiet_start == 1300
    assert len(await town.news(users[3])) == 1


@pytest.mark.slow
async def test_who_waits_for_line_keeps_nobody_else_waiting(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A photo that LINE does not give away: others of the same bucket have their answers."""
    user, other = await aboard(town), await aboard(town)
    while bucket_of(user, is_sqlite=False) != bucket_of(other, is_sqlite=False):
        other = await aboard(town)
    gate, real = asyncio.Event(), town.inbox.reader.read

    async def slow(event: WebhookEvent) -> Any:
        if event.line_user_id == user:
            await gate.wait()
        return await real(event)

    monkeypatch.setattr(town.inbox.reader, "read", slow)
    town.simulator.phones.send_media(user, "image", Content(a_photo(), "image/jpeg"))
    town.simulator.phones.send_text(user, "menu")
    await town.simulator.webhooks.idle()
    before = len(answers(town, other))
    town.simulator.phones.send_text(other, "menu")
    await town.simulator.wait_until(lambda: len(answers(town, other)) > before, timeout=60)
    gate.set()
    said = words_in(await town.news(user))
    assert said.index("1 of 4") < said.index("What can I do")


@pytest.mark.parametrize("ends", ["busy lost", "lost busy"])
async def test_a_busy_line_does_not_make_an_answer_that_arrived_arrive_twice(
    town: Town, monkeypatch: pytest.MonkeyPatch, ends: str
) -> None:
    """429 before, or after, a try that arrived without our hearing of it; it matters, so that it
    would be pushed."""
    real, left = town.line.reply, ends.split()

    async def reply(token: str, messages: Any) -> Any:
        match left.pop(0) if left else "":
            case "busy":
                raise LineBusy("too many requests", retry_after=0.0)
            case "lost":
                await real(token, messages)
                raise LineUnavailable("no answer from LINE")
        return await real(token, messages)

    monkeypatch.setattr(town.line, "reply", reply)
    user = town.newcomer("en")
    town.simulator.phones.follow(user)
    await hurried(town)
    assert len(town.simulator.ledger.deliveries(user)) == 1
    assert not left


async def test_a_start_asks_for_the_buckets_in_which_something_is_open(
    make_town: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    town: Town = await make_town(awake=False)
    users = [f"U{number:032x}" for number in range(30)]
    async with aiohttp.ClientSession() as http:
        caller = Caller(town, http)
        sources = [{"type": "user", "userId": user} for user in users]
        made = [event(number, source=source) for number, source in enumerate(sources)]
        assert await caller.post(body_of(*made)) == 200
    wanted = {bucket_of(user, is_sqlite=town.database.is_sqlite) for user in users}
    assert len(wanted) == (1 if town.database.is_sqlite else BUCKETS)
    asked: list[str] = []

    async def put_many(_session: Any, task: str, keys: Sequence[str]) -> None:
        assert task == "bot.inbox"
        asked.extend(keys)

    monkeypatch.setattr(town.queue, "put_many", put_many)
    assert await town.inbox.recover() == len(wanted)
    assert {int(key) for key in asked} == wanted


async def test_work_put_by_an_earlier_version_is_taken_up(make_town: Callable[..., Any]) -> None:
    """Its key was a resident; postponed work requests its bucket."""
    town: Town = await make_town()
    user = await aboard(town)
    asked: list[str] = []
    real = town.queue.put

    async def put(session: Any, task: str, key: str, **when: Any) -> None:
        asked.append(key)
        await real(session, task, key, **when)

    town.queue.put = put  # type: ignore[method-assign]
    await town.inbox.work(user)
    await town.inbox.work("later-0")
    await town.settle()
    assert asked == [str(bucket_of(user, is_sqlite=town.database.is_sqlite)), "0"]


@pytest.mark.new_database
async def test_the_way_in_reads_no_growing_table_whole(town: Town) -> None:
    """Webhook, inbox, start, warnings in force and reports nearby: all by indexes."""
    if not town.database.is_sqlite:
        await install_schema(town.database.url)
    user = await aboard(town)
    with listening(town.database) as asked:
        town.simulator.phones.send_text(user, "warnings")
        town.simulator.phones.postback(user, "do=quiet&start=1300&end=360")
        town.simulator.phones.send_location(user, 36.0825, 140.1115)
        town.simulator.phones.send_text(user, "my reports")
        await town.settle()
        message = town.simulator.phones.send_text(user, "menu")
        town.simulator.phones.unsend(user, message["message"]["id"])
        await town.settle()
        town.simulator.phones.block(user)
        await town.settle()
        await town.inbox.recover()
        async with town.database.reading() as session:
            await open_near(session, town.city, 140.1115, 36.0825)
    everything = {**asked.reads, **asked.writes}
    assert len(everything) > 20
    assert await whole_tables_read(town.database, everything) == []


async def test_what_was_told_is_read_once_and_anew_after_each_change(town: Town) -> None:
    """A question after the commit of a notice hears of it; one before causes no query."""
    told, now = ToldNow(town.database, town.city.jma.municipality), datetime.now(UTC)
    before = await told.now(now)
    assert before.notices == ()
    assert await told.now(now) is before
    async with town.database.writing() as session:
        session.add(an_order(now))
        await session.flush()
        assert (await told.now(now)).notices == ()
    (notice,) = (await told.now(now)).notices
    async with town.database.writing() as session:
        kept = await session.get(Notice, notice.id)
        assert kept is not None
        await session.delete(kept)
    assert (await told.now(now)).notices == ()


async def test_events_for_another_account_are_kept_and_not_acted_on(
    make_town: Callable[..., Any],
) -> None:
    """LINE's ``destination`` names the account. Until LINE has said ours, all are taken."""
    town: Town = await make_town(awake=False)
    account = OwnAccount(town.line, SystemClock())
    town.store.account = account
    ours = town.simulator.webhooks.destination
    async with aiohttp.ClientSession() as http:
        caller = Caller(town, http)
        assert await caller.post(body_of(event(1))) == 200
        await town.simulator.wait_until(lambda: account.user_id is not None)
        assert account.user_id == ours
        assert await caller.post(body_of(event(2))) == 200
        assert await caller.post(body_of(event(3), destination=ours)) == 200
        # The button "Verify" of LINE's console sends no event.
        assert await caller.post(body_of()) == 200
    found = {row.event_id[-1]: (row.state, row.error) for row in await town.events()}
    assert found == {
        "1": (EventState.WAITING, None),
        "2": (EventState.IGNORED, "for another account"),
        "3": (EventState.WAITING, None),
    }
    await account.end()
