"""Staff are reached by LINE and by mail, once, whatever LINE and the mail server do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import aiohttp
import pytest
from sqlmodel import col, select

from app import restored
from app.staff_sender import StaffSender
from channels.line.client import LineClient
from channels.models import ChannelSilence
from city.context import Context
from city.folder import CityFolder
from console.silence_words import silence_words
from core import mail
from core.clock import ManualClock
from core.database import Database
from core.errors import BadInput
from core.mail_settings import SmtpSettings
from core.settings import Settings
from core.work import LocalQueue
from response import held_alarms, staff, staff_messages
from response.models import StaffLineLink, StaffMember, StaffMessage, StaffMessageState, StaffWay
from response.silence_alarms import tell_of_silence
from response.staff import Entry
from response.staff_messages import Button, Words, tell
from simulator.line import FaultPlan, Simulator, SimulatorOptions
from simulator.mail import Mailbox
from tests.support.town import words_in

SENT, FAILED, WAITING = (
    StaffMessageState.SENT,
    StaffMessageState.FAILED,
    StaffMessageState.TRYING,
)
NOW = datetime(2026, 9, 1, 3, 0, tzinfo=UTC)
WORDS = Words(
    "地震: 参集してください",
    "震度６弱。市役所３階へ。",
    buttons=(
        Button("30分で行ける", data="do=staff-answer&call=1", url="https://city.example/a?30"),
        Button("行けない", data="do=staff-answer&call=1", url="https://city.example/a?no"),
    ),
)


def smtp_of(mails: Mailbox) -> SmtpSettings:
    """Settings with which mail goes to this server."""
    return SmtpSettings(
        host="127.0.0.1", port=mails.port, tls=False, mail_from="試験市 <todoke@city.example>"
    )


@dataclass
class Office:
    """Staff, the simulator of LINE, a mail server, and the sender."""

    database: Database
    clock: ManualClock
    queue: LocalQueue
    context: Context
    simulator: Simulator
    mails: Mailbox
    sender: StaffSender

    async def add(self, name: str, *, mail: str = "", user: str = "", **more: str) -> StaffMember:
        async with self.database.writing() as session:
            entry = Entry(name, more.pop("department", "crisis"), mail, **more)
            member = await staff.add(
                session, self.context.city, entry, self.clock.now(), actor="a@city.example"
            )
            if user:
                assert member.id is not None
                session.add(
                    StaffLineLink(
                        member_id=member.id, line_user_id=user, joined_at=self.clock.now()
                    )
                )
        return member

    async def tell(self, *members: StaffMember, **more: Any) -> staff_messages.Told:
        told = {"occasion": "call_up:1:first", "about": "call_up:1", "drill": False, **more}
        words = told.pop("words", WORDS)
        async with self.database.writing() as session:
            return await tell(session, self.queue, members, words, self.clock.now(), **told)

    async def messages(self) -> list[StaffMessage]:
        async with self.database.reading() as session:
            query = select(StaffMessage).order_by(col(StaffMessage.id))
            return list(await session.scalars(query))

    async def states(self) -> list[tuple[StaffWay, StaffMessageState]]:
        return [(StaffWay(each.way), each.state) for each in await self.messages()]

    def follower(self, name: str) -> str:
        user = self.simulator.users.add_user(name, "ja")
        self.simulator.phones.follow(user)
        return user

    def got(self, user: str) -> list[Any]:
        return [
            each.message for each in self.simulator.users.get(user).chat if each.side == "account"
        ]


@asynccontextmanager
async def office(
    database: Database,
    settings: Settings,
    sample: CityFolder,
    clock: ManualClock,
    options: SimulatorOptions | None = None,
) -> AsyncIterator[Office]:
    async with (
        Simulator(options or SimulatorOptions(channel_access_token="a-token")) as simulator,
        Mailbox() as mails,
        aiohttp.ClientSession() as http,
    ):
        ours = replace(settings, line_api_url=simulator.url, smtp=smtp_of(mails))
        queue = LocalQueue(clock, seed=1)
        context = Context(
            settings=ours,
            city=sample.city,
            database=database,
            clock=clock,
            queue=queue,
            http=http,
        )
        sender = StaffSender(context, LineClient(http, ours, clock), seed=1)
        sender.register()
        stop = asyncio.Event()
        running = asyncio.create_task(queue.run(stop))
        try:
            yield Office(database, clock, queue, context, simulator, mails, sender)
        finally:
            stop.set()
            await running


async def test_a_colleague_is_told_by_line_and_mail_and_a_drill_says_so(
    database: Database, settings: Settings, sample: CityFolder, clock: ManualClock
) -> None:
    async with office(database, settings, sample, clock) as desk:
        user = desk.follower("職員")
        both = await desk.add("佐藤 花子", mail="sato@city.example", user=user)
        nobody = await desk.add("鈴木 次郎")
        told = await desk.tell(both, nobody, drill=True)
        await desk.queue.drained()
        assert (told.reachable, [each.name for each in told.unreachable]) == (1, ["鈴木 次郎"])
        assert await desk.states() == [(StaffWay.LINE, SENT), (StaffWay.MAIL, SENT)]
        [shown], [letter] = desk.got(user), desk.mails.mails
        assert shown["altText"].startswith("【訓練】 地震: 参集してください\n【訓練】 震度６弱。")
        assert "30分で行ける" in words_in(shown)
        assert letter["Subject"] == "【訓練】 地震: 参集してください"
        assert letter["To"] == "sato@city.example"
        assert letter["From"].addresses[0].addr_spec == "todoke@city.example"
        assert letter["Auto-Submitted"] == "auto-generated"
        text = letter.get_content().replace("\r\n", "\n")
        assert text.startswith("【訓練】 震度６弱。市役所３階へ。")
        assert "30分で行ける\nhttps://city.example/a?30" in text
        assert all(each.address == "" for each in await desk.messages())


async def test_an_occasion_is_told_once_however_often_it_is_asked_for(
    database: Database, settings: Settings, sample: CityFolder, clock: ManualClock
) -> None:
    async with office(database, settings, sample, clock) as desk:
        user = desk.follower("職員")
        one = await desk.add("佐藤", mail="sato@city.example", user=user)
        for _ in range(3):
            await desk.tell(one)
            await desk.queue.drained()
        assert (len(desk.got(user)), len(desk.mails.mails)) == (1, 1)
        await desk.tell(one, occasion="call_up:1:again")
        await desk.queue.drained()
        assert (len(desk.got(user)), len(desk.mails.mails)) == (2, 2)


async def test_nobody_gets_it_twice_by_line_though_line_fails_after_it_took_it(
    database: Database, settings: Settings, sample: CityFolder, clock: ManualClock
) -> None:
    options = SimulatorOptions(
        channel_access_token="a-token", faults=FaultPlan.parse("5xx-after=60%,429=20%,seed=3")
    )
    async with office(database, settings, sample, clock, options) as desk:
        users = [desk.follower(f"職員{n}") for n in range(20)]
        staff = [await desk.add(f"職員{n}", user=user) for n, user in enumerate(users)]
        await desk.tell(*staff)
        for _ in range(2000):
            if all(state is SENT for _, state in await desk.states()):
                break
            # The limit, too, waits by this clock.
            await clock.advance(0.5)
            await asyncio.sleep(0.005)
        assert {state for _, state in await desk.states()} == {SENT}
        assert [len(desk.got(user)) for user in users] == [1] * 20


async def test_greylisting_is_waited_for_and_a_refused_address_is_not_tried_again(
    database: Database, settings: Settings, sample: CityFolder, clock: ManualClock
) -> None:
    async with office(database, settings, sample, clock) as desk:
        grey = await desk.add("佐藤", mail="grey@city.example")
        gone = await desk.add("鈴木", mail="gone@city.example")
        desk.mails.faults.later["grey@city.example"] = 2
        desk.mails.faults.refused.add("gone@city.example")
        await desk.tell(grey, gone)
        for _ in range(4):
            await desk.queue.drained()
            await clock.advance(60)
        await desk.queue.drained()
        first, second = await desk.messages()
        assert (first.state, first.attempts) == (SENT, 3)
        assert (second.state, second.attempts) == (FAILED, 1)
        assert second.error is not None
        assert second.error.code == "mail.refused" and "550" in str(second.error)
        assert len(desk.mails.to("grey@city.example")) == 1


async def test_an_address_that_cannot_be_is_tried_once(
    database: Database, settings: Settings, sample: CityFolder, clock: ManualClock
) -> None:
    async with office(database, settings, sample, clock) as desk:
        await desk.tell(await desk.add("佐藤", user="no id of LINE's"))
        await desk.queue.drained()
        [message] = await desk.messages()
        assert (message.state, message.attempts) == (FAILED, 1)
        assert message.error is not None and "no id of LINE's" in str(message.error)


async def test_what_waits_follows_to_a_new_address_and_stops_for_who_is_not_called_any_more(
    database: Database, settings: Settings, sample: CityFolder, clock: ManualClock
) -> None:
    async with office(database, settings, sample, clock) as desk:
        wrong = await desk.add("佐藤", mail="wrong@city.example")
        gone = await desk.add("鈴木", mail="gone@city.example")
        for address in ("wrong@city.example", "gone@city.example"):
            desk.mails.faults.later[address] = 1
        await desk.tell(wrong, gone)
        await desk.queue.drained()
        for member, mail_, active in ((wrong, "right@city.example", True), (gone, "", False)):
            assert member.id is not None
            async with database.writing() as session:
                await staff.change(
                    session,
                    desk.context.city,
                    member.id,
                    Entry(member.name, member.department, mail_),
                    clock.now(),
                    active=active,
                    actor="a@city.example",
                )
        await clock.advance(60)
        await desk.queue.drained()
        assert [mail_["To"] for mail_ in desk.mails.mails] == ["right@city.example"]
        assert await desk.states() == [
            (StaffWay.MAIL, SENT),
            (StaffWay.MAIL, StaffMessageState.STOPPED),
        ]


async def test_a_server_that_takes_a_mail_and_then_fails_gets_the_same_message_id_again(
    database: Database, settings: Settings, sample: CityFolder, clock: ManualClock
) -> None:
    async with office(database, settings, sample, clock) as desk:
        one = await desk.add("佐藤", mail="sato@city.example")
        desk.mails.faults.takes_and_fails = 1
        await desk.tell(one)
        await desk.queue.drained()
        await clock.advance(60)
        await desk.queue.drained()
        assert await desk.states() == [(StaffWay.MAIL, SENT)]
        first, again = desk.mails.mails
        assert first["Message-ID"] == again["Message-ID"]
        [stored] = await desk.messages()
        assert first["Message-ID"] == f"<{stored.retry_key}@city.example>"


async def test_a_mail_server_that_hangs_holds_up_no_line_message(
    database: Database,
    settings: Settings,
    sample: CityFolder,
    clock: ManualClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(mail, "STEP_SECONDS", 0.2)
    async with office(database, settings, sample, clock) as desk:
        user = desk.follower("職員")
        one = await desk.add("佐藤", mail="sato@city.example", user=user)
        desk.mails.faults.hangs = 1
        await desk.tell(one)
        await desk.queue.drained()
        assert await desk.states() == [(StaffWay.LINE, SENT), (StaffWay.MAIL, WAITING)]
        await clock.advance(60)
        await desk.queue.drained()
        assert await desk.states() == [(StaffWay.LINE, SENT), (StaffWay.MAIL, SENT)]


async def test_what_nobody_takes_in_time_ends_and_says_why(
    database: Database, settings: Settings, sample: CityFolder, clock: ManualClock
) -> None:
    async with office(database, settings, sample, clock) as desk:
        one = await desk.add("佐藤", mail="sato@city.example")
        desk.mails.faults.later["sato@city.example"] = 10**6
        await desk.tell(one, kept_trying=timedelta(minutes=5))
        for _ in range(12):
            await desk.queue.drained()
            await clock.advance(60)
        await desk.queue.drained()
        [stored] = await desk.messages()
        assert stored.state is FAILED and stored.error is not None
        assert stored.error.code == "staff-message.expired"


async def test_what_a_clock_that_was_ahead_put_off_is_sent_once_it_is_back(
    database: Database, settings: Settings, sample: CityFolder, clock: ManualClock
) -> None:
    """Also by a process that knows it from the table alone; what waits by rule goes on waiting."""
    async with office(database, settings, sample, clock) as desk:
        one = await desk.add("佐藤", mail="sato@city.example")
        for occasion, ahead in (("o:1", timedelta(days=1)), ("o:2", timedelta(minutes=5))):
            async with database.writing() as session:
                await tell(
                    session,
                    LocalQueue(clock),
                    [one],
                    WORDS,
                    clock.now() + ahead,
                    occasion=occasion,
                    about="call_up:1",
                    drill=False,
                )
        async with database.reading() as session:
            assert await staff_messages.has_due(session, clock.now())
        await desk.sender.look()
        await desk.queue.drained()
        async with database.reading() as session:
            rows = await session.scalars(select(StaffMessage))
            assert {row.occasion: row.ended_at is not None for row in rows} == {
                "o:1": True,
                "o:2": False,
            }
        assert len(desk.mails.mails) == 1


async def test_what_only_the_table_knows_is_taken_up_by_whoever_looks(
    database: Database, settings: Settings, sample: CityFolder, clock: ManualClock
) -> None:
    async with office(database, settings, sample, clock) as desk:
        one = await desk.add("佐藤", mail="sato@city.example")
        lost = LocalQueue(clock)
        async with database.writing() as session:
            await tell(
                session,
                lost,
                [one],
                WORDS,
                clock.now(),
                occasion="o:1",
                about="call_up:1",
                drill=False,
            )
        await desk.queue.drained()
        assert not desk.mails.mails
        await desk.sender.look()
        await desk.queue.drained()
        assert len(desk.mails.mails) == 1


async def test_a_restored_database_sends_nothing_again_by_itself(
    database: Database, settings: Settings, sample: CityFolder, clock: ManualClock
) -> None:
    async with office(database, settings, sample, clock) as desk:
        one = await desk.add("佐藤", mail="sato@city.example")
        desk.mails.faults.later["sato@city.example"] = 1
        await desk.tell(one)
        await desk.queue.drained()
        async with database.writing() as session:
            await restored.hold_back(session, clock.now(), clock.now())
        await clock.advance(3600)
        await desk.sender.look()
        await desk.queue.drained()
        assert not desk.mails.mails
        assert await desk.states() == [(StaffWay.MAIL, StaffMessageState.STOPPED)]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (Words("", "x"), "staff.words"),
        (Words("t" * 101, "x"), "staff.words"),
        (Words("t", "x" * 2001), "staff.words"),
    ],
)
async def test_words_that_cannot_be_sent_are_refused_before_anything_is_stored(
    database: Database,
    settings: Settings,
    sample: CityFolder,
    clock: ManualClock,
    words: Words,
    code: str,
) -> None:
    async with office(database, settings, sample, clock) as desk:
        one = await desk.add("佐藤", mail="sato@city.example")
        with pytest.raises(BadInput) as refused:
            await desk.tell(one, words=words)
        assert refused.value.reason.code == code
        assert await desk.messages() == []


@pytest.mark.parametrize(
    "change",
    [
        {"name": ""},
        {"name": "長" * 65},
        {"department": "nowhere"},
        {"mail": "sato@city.example\nBcc: all@city.example"},
        {"mail": "sato at city.example"},
        {"mail": "佐藤@city.example"},
        {"language": "xx"},
        {"account": "no address"},
    ],
)
async def test_an_entry_that_cannot_be_is_refused(
    database: Database, sample: CityFolder, clock: ManualClock, change: dict[str, str]
) -> None:
    entry = replace(Entry("佐藤", "crisis", "sato@city.example"), **change)
    async with database.writing() as session:
        with pytest.raises(BadInput):
            await staff.add(session, sample.city, entry, clock.now(), actor="a@city.example")


async def test_a_subject_cannot_add_a_header() -> None:
    server = smtp_of(Mailbox(port=25))
    written = mail.message(
        server,
        to="sato@city.example",
        subject="会議\r\nBcc: all@city.example",
        text="本文",
        key="k",
        now=NOW,
    )
    assert written["Subject"] == "会議 Bcc: all@city.example"
    assert written["Bcc"] is None


async def test_a_password_is_used_and_a_wrong_one_is_tried_again_later() -> None:
    async with Mailbox(password="right") as server:
        for password, fine in (("right", True), ("wrong", False)):
            settings = replace(smtp_of(server), user="todoke", password=password)
            letter = mail.message(
                settings,
                to="sato@city.example",
                subject="件名",
                text="本文",
                key="k",
                now=NOW,
            )
            if fine:
                await mail.send(settings, letter)
            else:
                with pytest.raises(mail.MailUnavailable) as refused:
                    await mail.send(settings, letter)
                assert refused.value.reason.code == "mail.refuses-us"
        assert (len(server.mails), server.connections) == (1, 2)


@pytest.mark.parametrize(
    ("channel", "dead", "by", "title"),
    [
        ("line", "line", StaffWay.MAIL, "LINEがメッセージを受け付けません"),
        ("email", "mail", StaffWay.LINE, "メール：メッセージが受け付けられません"),
        ("webpush", "", None, "ウェブプッシュ：メッセージが受け付けられません"),
    ],
)
async def test_of_a_silent_medium_staff_hear_by_another_way(
    database: Database,
    settings: Settings,
    sample: CityFolder,
    clock: ManualClock,
    channel: str,
    dead: str,
    by: StaffWay | None,
    title: str,
) -> None:
    async with office(database, settings, sample, clock) as desk:
        user = desk.follower("職員")
        one = await desk.add("佐藤", mail="sato@city.example", user=user)
        await desk.add("鈴木", mail="suzuki@city.example")
        assert one.id is not None
        silence = ChannelSilence(
            channel=channel, since=clock.now() - timedelta(seconds=61), noticed_at=clock.now()
        )
        async with database.writing() as session:
            await held_alarms.wish(session, one.id, clock.now(), told=True)
            session.add(silence)
        if dead == "line":
            desk.simulator.faults = FaultPlan.parse("proxy=503")
        if dead == "mail":
            desk.mails.faults.turns_away = "451 4.3.0 not now"
        words = partial(silence_words, "https://city.example")
        told = partial(tell_of_silence, database, desk.queue, now=clock.now(), words=words)
        assert await told(silences=[silence]) == 1
        assert await told(silences=[silence]) == 0
        await desk.queue.drained()
        arrived = {way for way, state in await desk.states() if state is SENT}
        assert arrived == ({by} if by else set(StaffWay))
        if StaffWay.MAIL in arrived:
            [letter] = desk.mails.mails
            assert (letter["To"], letter["Subject"]) == ("sato@city.example", title)
        if StaffWay.LINE in arrived:
            [shown] = desk.got(user)
            assert title in words_in(shown)
        # It works again: what still waits is not said any more.
        await told(silences=[])
        open_still = [state for _, state in await desk.states() if state is WAITING]
        assert not open_still
