"""Teams: who does the work, and what is overdue told to them each morning of a working day."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from city.city import City
from city.folder import load_city
from core.clock import JAPAN, ManualClock
from core.database import Database
from core.errors import BadInput
from core.mail_settings import SmtpSettings
from reports import overdue, register, teams, work
from reports.models import Report, Team, TeamKind
from reports.register import Draft
from reports.states import ReportState
from reports.teams import Entry
from reports.work import Change
from simulator.mail import Mailbox
from tests.support.project import SAMPLE_CITY

BY = "roads@city.example"
KNOWN = ("a@city.example", "b@city.example")
MONDAY = datetime(2026, 6, 22, 8, 30, tzinfo=JAPAN)
URL = "https://line.city.example"


@pytest.fixture(scope="module")
def city() -> City:
    return load_city(SAMPLE_CITY)


@pytest.fixture
async def mails() -> AsyncIterator[Mailbox]:
    async with Mailbox() as box:
        yield box


def smtp(box: Mailbox) -> SmtpSettings:
    return SmtpSettings(host="127.0.0.1", port=box.port, tls=False, mail_from="todoke@city.example")


async def made(database: Database, city: City, now: datetime, **fields: Any) -> Team:
    async with database.writing() as session:
        return await teams.add(session, city, Entry(**fields), now, known=KNOWN, actor=BY)


async def late(
    database: Database, city: City, number: int, due: date, team: Team | None = None
) -> Report:
    async with database.writing() as session:
        report = await register.create_report(
            session,
            city,
            Draft(
                category="pothole",
                origin=f"late-{number}",
                description="my name is Aung, call 090-0000-0000",
                address="secret lane 1",
                longitude=140.11,
                latitude=36.07,
            ),
            resident_id=None,
            language="my",
            now=datetime(2026, 6, 1, 9, 0, tzinfo=JAPAN).astimezone(UTC),
        )
        await work.change(
            session,
            city,
            report.number,
            Change(due_on=due, team_id=team.id if team else None),
            by=BY,
            now=datetime(2026, 6, 1, 9, 1, tzinfo=JAPAN).astimezone(UTC),
        )
    return report


async def test_a_team_is_added_renamed_and_switched_off(
    database: Database, city: City, clock: ManualClock
) -> None:
    team = await made(
        database,
        city,
        clock.now(),
        name=" 道路　補修班 ",
        kind="team",
        department="roads",
        mail="crew@city.example",
        accounts=KNOWN[:1],
    )
    assert (team.name, team.kind) == ("道路 補修班", TeamKind.TEAM)
    report = await late(database, city, 1, date(2026, 6, 10), team)
    async with database.writing() as session:
        await teams.change(
            session,
            city,
            team.id or 0,
            Entry(name="第一班", kind="contractor", active=False, accounts=KNOWN),
            clock.now(),
            known=KNOWN,
            actor=BY,
        )
    async with database.reading() as session:
        stored = await session.get_one(Team, team.id)
        assert (stored.name, stored.kind, stored.active) == ("第一班", TeamKind.CONTRACTOR, False)
        assert await teams.accounts_of(session, team.id or 0) == list(KNOWN)
        assert await teams.teams_of(session, KNOWN[1]) == [team.id]
        assert await teams.to_assign(session) == []
        assert (await session.get_one(Report, report.id)).team_id == team.id, "it keeps its cases"
    other = await late(database, city, 2, date(2026, 6, 10))
    with pytest.raises(BadInput):
        async with database.writing() as session:
            await work.change(
                session, city, other.number, Change(team_id=team.id), by=BY, now=clock.now()
            )


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"name": "x" * 61},
        {"name": "第一班"},
        {"name": "b", "kind": "army"},
        {"name": "b", "department": "none"},
        {"name": "b", "mail": "no address"},
        {"name": "b", "mail": "a@b.example\nBcc: c@d.example"},
        {"name": "b", "accounts": ("stranger@city.example",)},
    ],
)
async def test_a_wrong_team_is_refused(
    database: Database, city: City, clock: ManualClock, wrong: dict[str, Any]
) -> None:
    await made(database, city, clock.now(), name="第一班")
    with pytest.raises(BadInput):
        await made(database, city, clock.now(), **wrong)


async def test_what_is_overdue_is_told_once_each_morning_of_a_working_day(
    database: Database, city: City, clock: ManualClock, mails: Mailbox
) -> None:
    team = await made(database, city, clock.now(), name="第一班", mail="crew@city.example")
    mine = await late(database, city, 1, date(2026, 6, 18), team)
    today = await late(database, city, 2, MONDAY.date(), team)
    done = await late(database, city, 3, date(2026, 6, 10), team)
    async with database.writing() as session:
        await work.change(
            session,
            city,
            done.number,
            Change(state=ReportState.DONE),
            by=BY,
            now=MONDAY.astimezone(UTC),
        )

    async def morning(now: datetime) -> int:
        return await overdue.tell_teams(database, city, smtp(mails), URL, now)

    assert await morning(MONDAY.replace(hour=7)) == 0
    assert await morning(MONDAY.replace(day=21)) == 0, "a Sunday"
    assert await morning(MONDAY.replace(hour=13)) == 0
    assert await morning(MONDAY) == 1
    assert await morning(MONDAY.replace(hour=9)) == 0, "once a morning"
    assert await morning(MONDAY.replace(day=23)) == 1
    first = mails.to("crew@city.example")[0]
    text = first.get_content()
    assert first["To"] == "crew@city.example"
    assert mine.number in text and f"{URL}/console/reports/{mine.number}" in text
    assert "2営業日超過" in text  # due on Thursday: Friday, Monday
    assert today.number not in text and done.number not in text
    for personal in ("Aung", "090", "secret lane"):
        assert personal not in text


async def test_the_department_hears_of_what_is_overdue_with_a_team_that_no_mail_reaches(
    database: Database, city: City, clock: ManualClock, mails: Mailbox
) -> None:
    silent = await made(database, city, clock.now(), name="第一班")
    gone = await made(database, city, clock.now(), name="業者", mail="gone@city.example")
    told = await made(database, city, clock.now(), name="第二班", mail="crew@city.example")
    owner = next(one for one in city.departments if one.code == "roads")
    cases = {
        name: await late(database, city, n, date(2026, 6, 18), team)
        for n, (name, team) in enumerate(
            {"silent": silent, "gone": gone, "told": told, "none": None}.items()
        )
    }
    async with database.writing() as session:
        await teams.change(
            session,
            city,
            gone.id or 0,
            Entry(name="業者", mail="gone@city.example", active=False),
            clock.now(),
            known=KNOWN,
            actor=BY,
        )
    assert await overdue.tell_teams(database, city, smtp(mails), URL, MONDAY) == 2
    [office] = mails.to(owner.email)
    text = office.get_content()
    assert {name for name, one in cases.items() if one.number in text} == {"silent", "gone", "none"}
    assert "期限を過ぎた案件 3件" in office["Subject"]
    assert f"{URL}/console/reports?department=roads&overdue=yes&sort=due" in text
    assert not mails.to("gone@city.example")


async def test_the_subject_says_how_many_are_overdue_though_not_all_are_listed(
    database: Database, city: City, clock: ManualClock, mails: Mailbox
) -> None:
    team = await made(database, city, clock.now(), name="第一班", mail="crew@city.example")
    for n in range(overdue.MOST_LISTED + 2):
        await late(database, city, n, date(2026, 6, 18), team)
    assert await overdue.tell_teams(database, city, smtp(mails), URL, MONDAY) == 1
    [mail] = mails.to("crew@city.example")
    text = mail.get_content()
    assert f"期限を過ぎた案件 {overdue.MOST_LISTED + 2}件" in mail["Subject"]
    assert "ほかに2件あります。" in text
    assert f"{URL}/console/reports?team={team.id}&overdue=yes&sort=due" in text


async def test_a_mail_server_that_is_away_is_asked_again(
    database: Database, city: City, clock: ManualClock, tmp_path: Path
) -> None:
    team = await made(database, city, clock.now(), name="第一班", mail="crew@city.example")
    await late(database, city, 1, date(2026, 6, 18), team)
    away = SmtpSettings(host="127.0.0.1", port=9, tls=False, mail_from="todoke@city.example")
    assert await overdue.tell_teams(database, city, away, URL, MONDAY) == 0
    async with Mailbox() as box:
        assert await overdue.tell_teams(database, city, smtp(box), URL, MONDAY) == 1
    assert await overdue.tell_teams(database, city, None, URL, MONDAY) == 0


async def test_a_case_that_waits_long_becomes_more_urgent_once(
    database: Database, city: City, clock: ManualClock
) -> None:
    report = await late(database, city, 1, date(2026, 12, 1))
    assert (
        await overdue.settle_waiting(
            database, city, datetime(2026, 6, 14, tzinfo=JAPAN).astimezone(UTC)
        )
        == 0
    )
    assert await overdue.settle_waiting(database, city, MONDAY) == 1
    assert await overdue.settle_waiting(database, city, MONDAY.replace(day=28)) == 0
    async with database.reading() as session:
        stored = await session.get_one(Report, report.id)
    assert (stored.priority, stored.priority_why) == (2, ["waits:14"])
    async with database.writing() as session:
        followed = await session.get_one(Report, report.id)
        followed.reporters = 4
    assert await overdue.settle_waiting(database, city, MONDAY) == 1
    assert await overdue.settle_waiting(database, city, MONDAY) == 0
    async with database.reading() as session:
        stored = await session.get_one(Report, report.id)
    assert (stored.priority, stored.priority_why) == (2, ["reporters:4", "waits:14"])
