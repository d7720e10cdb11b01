"""The office hears of a new report: at once, by the hour or in the morning; of a danger until
somebody opens it; once, and nothing personal.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from aiohttp import web
from sqlmodel import select

from app import restored
from app.report_notice_sender import ReportNoticeSender
from console import words
from core.clock import JAPAN
from core.errors import Refusal
from core.restored import RestoreHold
from reports import alarm_settings, chat_forms, notices_to_staff, verdicts
from reports.alarm_settings import Wish
from reports.models import (
    CameBy,
    ChatForm,
    Heard,
    NoticeState,
    Priority,
    Report,
    Rhythm,
    StaffNotice,
)
from reports.notices_to_staff import Desk
from reports.outside import internal_of, outside_session
from response import staff
from response.models import StaffMessage, StaffMessageState, StaffWay
from response.staff import Entry
from tests.support.filed_reports import reported
from tests.support.office import Office
from tests.support.plans import listening, whole_tables_read

MAIL = "roads@city.example"
DESCRIPTION = "山田太郎の家の前 090-1234-5678"


def desk(office: Office) -> Desk:
    context = office.context
    return Desk(context.city, context.queue, context.settings.public_url, words.CATALOGUE)


def named(url: str) -> tuple[str, ...]:
    """What ``TODOKE_INTERNAL_HOSTS`` says of a chat on this machine."""
    return (urlsplit(url).netloc,)


async def choose(office: Office, **wish: Any) -> None:
    internal = internal_of(named(wish["chat_url"])) if "chat_url" in wish else frozenset()
    async with office.database.writing() as session:
        before = await alarm_settings.of_department(
            session, office.context.city, "roads", office.clock.now()
        )
        await alarm_settings.change(
            session,
            office.context.city,
            "roads",
            Wish(**{"mails": (MAIL,), **wish}),
            seen=before.version,
            internal=internal,
            actor="admin@city.example",
            now=office.clock.now(),
        )


async def look(office: Office) -> int:
    return await notices_to_staff.look(office.database, desk(office), office.clock.now())


async def sent(office: Office, chat_url: str = "") -> None:
    """Send what waits, as the job does; the chat is a host that the operator named."""
    hosts = named(chat_url) if chat_url else ()
    settings = replace(office.context.settings, internal_hosts=hosts)
    async with outside_session(internal_of(hosts)) as http:
        await ReportNoticeSender(replace(office.context, settings=settings), http, seed=1).look()


def mails(office: Office) -> list[tuple[str, str, str]]:
    """Return to whom, subject and text of each mail."""
    return [
        (str(mail["To"]), str(mail["Subject"]), str(mail.get_content()))
        for mail in office.mails.mails
    ]


async def notices(office: Office) -> list[StaffNotice]:
    return await office.rows(StaffNotice)


async def all_heard(office: Office) -> list[Heard]:
    async with office.database.reading() as session:
        return list(await session.scalars(select(Heard)))


def at(office: Office, hour: int, minute: int = 0, *, day: int = 16) -> None:
    office.clock.ahead += datetime(2026, 6, day, hour, minute, tzinfo=JAPAN) - office.clock.now()


async def changed(office: Office, report: Report, **values: Any) -> None:
    async with office.database.writing() as session:
        row = await session.get_one(Report, report.id, with_for_update=True)
        for name, value in values.items():
            setattr(row, name, value)
        session.add(row)


@asynccontextmanager
async def chat(status: int = 200) -> AsyncIterator[tuple[str, list[Any]]]:
    """A chat's webhook: its address, and what came in."""
    came: list[Any] = []

    async def take(request: web.Request) -> web.Response:
        came.append(await request.json())
        return web.Response(status=status, headers={"Location": "http://127.0.0.1:1/"})

    app = web.Application()
    app.router.add_post("/hook", take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        yield f"http://127.0.0.1:{port}/hook", came
    finally:
        await runner.cleanup()


async def test_a_new_report_is_told_once_with_number_kind_place_and_link_alone(
    office: Office,
) -> None:
    user = await office.resident("ne")
    report = await reported(office, user, category="pothole", description=DESCRIPTION)
    async with chat() as (url, came):
        await choose(office, chat_url=url)
        assert await look(office) == 1
        assert await look(office) == 0
        await sent(office, url)
        await sent(office, url)
    [(to, subject, text)] = mails(office)
    assert to == MAIL
    assert report.number in subject
    assert "道路の穴・段差" in text and "つくば市中央1-1" in text
    assert f"{office.context.settings.public_url}/console/reports/{report.number}" in text
    [message] = came
    for told in (subject + text, json.dumps(message, ensure_ascii=False)):
        assert "山田" not in told and "090" not in told and user not in told
    assert {one.state for one in await notices(office)} == {NoticeState.SENT}
    assert {one.address for one in await notices(office)} == {""}


async def test_somebodys_home_is_named_by_its_district(office: Office) -> None:
    report = await reported(office)
    await changed(office, report, is_home=True)
    await choose(office)
    await look(office)
    [notice] = await notices(office)
    assert "中央1-1" not in json.dumps(notice.content, ensure_ascii=False)


async def test_by_the_hour_all_come_in_one_message(office: Office) -> None:
    await choose(office, rhythm=Rhythm.HOURLY)
    at(office, 10, 5)
    first = await reported(office)
    assert await look(office) == 1
    at(office, 10, 20)
    second, third = await reported(office), await reported(office)
    assert await look(office) == 0
    at(office, 11, 0)
    assert await look(office) == 2
    told = [one.content for one in await notices(office)]
    assert first.number in told[0]["title"]
    assert second.number in told[1]["text"] and third.number in told[1]["text"]
    assert len(told) == 2


@pytest.mark.parametrize("ahead", [timedelta(hours=3), timedelta(days=1)])
async def test_by_the_hour_goes_on_when_a_clock_that_was_ahead_comes_back(
    office: Office, ahead: timedelta
) -> None:
    """The message of the wrong hour lies ahead of every hour until then."""
    await choose(office, rhythm=Rhythm.HOURLY)
    at(office, 10, 5)
    office.clock.ahead += ahead
    await reported(office)
    assert await look(office) == 1
    office.clock.ahead -= ahead
    later = await reported(office)
    assert await look(office) == 1
    await reported(office)
    assert await look(office) == 0
    at(office, 11, 0)
    assert await look(office) == 1
    told = [one.content["title"] for one in await notices(office)]
    assert later.number in told[1] and len(told) == 3


async def test_at_night_it_waits_for_the_morning_and_a_danger_does_not(office: Office) -> None:
    await choose(office, quiet=(time(22, 0), time(7, 0)))
    at(office, 23, 30)
    calm = await reported(office)
    dangerous = await reported(office)
    await changed(office, dangerous, priority=Priority.AT_ONCE)
    assert await look(office) == 1
    [notice] = await notices(office)
    assert "危険" in notice.content["title"] and dangerous.number in notice.content["title"]
    at(office, 6, 59, day=17)
    await look(office)
    assert calm.number not in json.dumps([one.content for one in await notices(office)])
    at(office, 7, 0, day=17)
    await look(office)
    assert calm.number in json.dumps([one.content for one in await notices(office)])


@pytest.mark.parametrize("calm", [Rhythm.AT_ONCE, Rhythm.HOURLY], ids=["night", "hour"])
async def test_a_flood_that_waits_hides_no_danger_and_no_other_department(
    office: Office, monkeypatch: pytest.MonkeyPatch, calm: Rhythm
) -> None:
    monkeypatch.setattr(notices_to_staff, "MOST", 5)
    at(office, 23, 30)
    if calm is Rhythm.HOURLY:
        await choose(office, quiet=(time(3, 0), time(4, 0)), rhythm=calm)
        await reported(office)
        await look(office)
    else:
        await choose(office, quiet=(time(22, 0), time(7, 0)))
    for _ in range(6):
        await reported(office)
    other = await reported(office)
    await changed(office, other, department="parks")
    async with office.database.writing() as session:
        await alarm_settings.change(
            session,
            office.context.city,
            "parks",
            Wish(mails=("parks@city.example",), quiet=(time(3, 0), time(4, 0))),
            seen=0,
            actor="admin@city.example",
            now=office.clock.now(),
        )
    dangerous = await reported(office)
    await changed(office, dangerous, priority=Priority.AT_ONCE)
    before = len(await notices(office))
    assert await look(office) == 2
    told = {one.department: one.content["title"] for one in (await notices(office))[before:]}
    assert dangerous.number in told["roads"] and other.number in told["parks"]


async def test_a_flood_of_reports_is_one_message(office: Office) -> None:
    await choose(office)
    some = [await reported(office) for _ in range(25)]
    assert await look(office) == 25
    [notice] = await notices(office)
    assert "25" in notice.content["title"]
    assert some[0].number in notice.content["text"]
    assert "ほか5件" in notice.content["text"]


async def member_of_roads(office: Office) -> None:
    async with office.database.writing() as session:
        entry = Entry("道路 太郎", "roads", "taro@city.example")
        await staff.add(
            session, office.context.city, entry, office.clock.now(), actor="a@city.example"
        )


async def test_a_danger_told_by_a_clock_that_was_ahead_is_told_again_when_it_comes_back(
    office: Office,
) -> None:
    await member_of_roads(office)
    await choose(office)
    office.clock.ahead += timedelta(days=1)
    await changed(office, await reported(office), priority=Priority.AT_ONCE)
    await look(office)
    assert len(await office.rows(StaffMessage)) == 1
    office.clock.ahead -= timedelta(days=1)
    await look(office)
    await look(office)
    assert len(await office.rows(StaffMessage)) == 2
    office.clock.ahead += timedelta(minutes=11)
    await look(office)
    assert len(await office.rows(StaffMessage)) == 3


async def test_a_danger_calls_the_members_again_until_somebody_opens_it(office: Office) -> None:
    """By a second way: their own LINE and mail."""
    await member_of_roads(office)
    async with office.database.writing() as session:
        other = Entry("広報 花子", "public-relations", "hana@city.example")
        if "public-relations" in {d.code for d in office.context.city.departments}:
            await staff.add(
                session, office.context.city, other, office.clock.now(), actor="a@city.example"
            )
    await choose(office, again_minutes=10)
    report = await reported(office)
    await changed(office, report, priority=Priority.AT_ONCE)
    await look(office)
    await look(office)

    async def called() -> list[StaffMessage]:
        found = await office.rows(StaffMessage)
        assert {one.about for one in found} <= {f"report:{report.id}"}
        return found

    [first] = await called()
    assert (first.way, first.urgent) == (StaffWay.MAIL, True)
    assert report.number in first.content["title"]
    office.clock.ahead += timedelta(minutes=9)
    await look(office)
    assert len(await called()) == 1
    office.clock.ahead += timedelta(minutes=2)
    await look(office)
    assert len(await called()) == 2
    assert len(await notices(office)) == 2
    now = office.clock.now()
    await changed(office, report, opened_at=now, opened_by="a@city.example")
    async with office.database.writing() as session:
        row = await session.get_one(Report, report.id)
        await notices_to_staff.opened(session, row, now)
    office.clock.ahead += timedelta(minutes=30)
    await look(office)
    assert len(await called()) == 2
    waiting = {NoticeState.WAITING, NoticeState.TRYING}
    assert not waiting & {one.state for one in await notices(office)}
    open_states = {StaffMessageState.WAITING}
    assert not open_states & {one.state for one in await called()}


async def test_what_the_office_made_itself_or_took_over_tells_nobody(office: Office) -> None:
    await choose(office)
    for way in (CameBy.PATROL, CameBy.IMPORT):
        await changed(office, await reported(office), came_by=way)
    # A spreadsheet can say that a row came by telephone.
    await changed(office, await reported(office, origin="import:1"), came_by=CameBy.TELEPHONE)
    seen = await reported(office)
    await changed(office, seen, opened_at=office.clock.now())
    assert await look(office) == 0
    await changed(office, await reported(office), came_by=CameBy.TELEPHONE)
    assert await look(office) == 1


async def test_what_a_crew_finds_on_its_way_is_told_to_the_department(office: Office) -> None:
    """A crew may be a contractor, and nobody in the office knows of it."""
    await choose(office)
    await reported(office, came_by=CameBy.PATROL, origin="order:7:key0000001")
    await look(office)
    await sent(office)
    assert [to for to, _, _ in mails(office)] == [MAIL]


async def test_two_processes_that_look_at_once_tell_once(office: Office) -> None:
    """The rows of what was told are in the transaction of the messages."""
    await choose(office)
    await reported(office)
    await look(office)
    # A process that died before it sent has left its messages; another sends them, once.
    async with office.database.writing() as session:
        [notice] = await notices(office)
        row = await session.get_one(StaffNotice, notice.id, with_for_update=True)
        row.state, row.attempts = NoticeState.TRYING, 1
        session.add(row)
    await sent(office)
    await sent(office)
    assert len(mails(office)) == 1
    [heard] = await all_heard(office)
    assert heard.occasion == "new"


async def test_a_mail_server_or_chat_that_is_away_is_tried_again(office: Office) -> None:
    async with chat(503) as (url, came):
        await choose(office, mails=(), chat_url=url)
        await reported(office)
        await look(office)
        await sent(office, url)
        await sent(office, url)
        assert len(came) == 1, "not at once"
        office.clock.ahead += timedelta(minutes=6)
        await sent(office, url)
        assert len(came) == 2
    [notice] = await notices(office)
    assert notice.state is NoticeState.TRYING and notice.error is not None
    assert "503" in words.said(notice.error, "ja")
    office.clock.ahead += timedelta(hours=13)
    await sent(office, url)
    [notice] = await notices(office)
    assert notice.state is NoticeState.FAILED
    assert "hook" not in str(notice.error), "the address is a secret"


@pytest.mark.parametrize("status", [302, 404, 410])
async def test_a_chat_that_refuses_is_not_asked_again_nor_followed(
    office: Office, status: int
) -> None:
    async with chat(status) as (url, came):
        await choose(office, mails=(), chat_url=url)
        await reported(office)
        await look(office)
        await sent(office, url)
        office.clock.ahead += timedelta(minutes=30)
        await sent(office, url)
        assert len(came) == 1
    assert [one.state for one in await notices(office)] == [NoticeState.FAILED]


async def test_a_restore_sends_nothing_by_itself(office: Office) -> None:
    await choose(office)
    waiting = await reported(office)
    await look(office)
    dangerous = await reported(office)
    await changed(office, dangerous, priority=Priority.AT_ONCE)
    await look(office)
    untold = await reported(office)
    now = office.clock.now()
    async with office.database.writing() as session:
        session.add(RestoreHold(until=now, restored_at=now))
        await restored.hold_back(session, now, now)
    office.clock.ahead += timedelta(minutes=20)
    assert await look(office) == 0
    await sent(office)
    assert mails(office) == []
    assert {one.state for one in await notices(office)} == {NoticeState.STOPPED}
    newer = await reported(office)
    await look(office)
    await sent(office)
    [(_, subject, text)] = mails(office)
    assert newer.number in subject
    assert not any(one.number in text for one in (waiting, untold, dangerous))


@pytest.mark.parametrize(
    "url",
    [
        "http://chat.example/x",
        "https://10.0.0.1/x",
        "https://[::1]/x",
        "https://169.254.169.254/latest",
        "https://user:pw@chat.example/x",
        "ftp://chat.example/x",
        "https://localhost./x",
        "https://a.localhost/x",
        "https:///x",
    ],
)
async def test_an_address_inside_or_without_encryption_is_refused(office: Office, url: str) -> None:
    with pytest.raises(Refusal):
        Wish(chat_url=url).checked()
    assert Wish(chat_url="https://chat.example/x").checked()


async def test_a_chat_inside_that_the_operator_did_not_name_is_not_called(office: Office) -> None:
    """Not even if its address came into the database by other means."""
    async with chat() as (url, came):
        await choose(office, mails=(), chat_url=url)
        await reported(office)
        await look(office)
        await sent(office)
        assert came == []
    [notice] = await notices(office)
    assert notice.state is NoticeState.FAILED


def test_what_a_place_is_called_cannot_call_everybody_in_a_chat() -> None:
    evil = "<!channel> [x](https://evil.example) *b*"
    slack = chat_forms.body(ChatForm.SLACK, "t", evil, "https://city.example", "open", key="k")
    assert "<!" not in slack["text"]
    teams = chat_forms.body(ChatForm.TEAMS, "t", evil, "https://city.example", "open", key="k")
    assert "[x](" not in json.dumps(teams)
    assert teams["attachments"][0]["content"]["actions"][0]["url"] == "https://city.example"
    works = chat_forms.body(ChatForm.LINE_WORKS, "t", evil, "https://city.example", "open", key="k")
    assert works["body"]["text"] == evil


@pytest.mark.new_database
async def test_no_table_that_grows_is_read_as_a_whole(office: Office) -> None:
    """The job looks every five seconds."""
    await choose(office)
    dangerous = await reported(office)
    await changed(office, dangerous, priority=Priority.AT_ONCE)
    with listening(office.database) as asked:
        await look(office)
        office.clock.ahead += timedelta(minutes=20)
        await look(office)
        async with office.database.reading() as session:
            await notices_to_staff.due(session, office.clock.now())
            await verdicts.said_no(session, 10)
    # The kinds that staff shaped are few, and read by every part.
    everything = {
        statement: value
        for statement, value in {**asked.reads, **asked.writes}.items()
        if "kind_versions" not in str(statement)
    }
    assert await whole_tables_read(office.database, everything) == []
