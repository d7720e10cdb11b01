"""Two people, or a person and a crew, at once: neither waits for the other for ever, and the second
of two is told what the first did. On PostgreSQL both hold what they have until they have ended.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import select

from city.city import City
from city.folder import load_city
from core.database import Database
from core.errors import BadInput
from reports import (
    alarm_settings,
    answer_templates,
    api_keys,
    cases,
    crew_acts,
    following,
    forwarding,
    kinds,
    order_links,
    orders,
    register,
    saved_filters,
    teams,
    together,
    webhooks,
    work,
)
from reports.alarm_settings import Wish
from reports.crew_said import Act, ActKind
from reports.models import (
    Addition,
    Forward,
    ForwardWay,
    OrderItem,
    OrderKind,
    OrderLink,
    Outcome,
    Report,
    ReportUpdate,
    Sending,
    TeamKind,
    WorkOrder,
)
from reports.outside import PublicHosts
from reports.register import Draft
from reports.states import ReportState
from reports.teams import Entry
from reports.together import Pick, Together
from reports.withdrawn import withdraw_report
from reports.work import Change
from subscriptions.models import Resident, ResidentState
from tests.support.project import SAMPLE_CITY
from tests.support.races import one_in_the_others_way, until_it_waits

BY = "roads@city.example"
NOW = datetime(2026, 6, 16, 1, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)
Do = Callable[[AsyncSession], Awaitable[Any]]


@pytest.fixture(scope="module")
def city() -> City:
    return load_city(SAMPLE_CITY)


async def filed(database: Database, city: City, n: int, resident: int | None = None) -> Report:
    async with database.writing() as session:
        draft = Draft(category="pothole", origin=f"{n}", longitude=140.11, latitude=36.07)
        return await register.create_report(
            session, city, draft, resident_id=resident, language="ja", now=NOW
        )


async def somebody(database: Database) -> int:
    async with database.writing() as session:
        made = Resident(
            line_user_id=f"U{1:032x}",
            state=ResidentState.FOLLOWING,
            language="ja",
            followed_at=NOW,
            updated_at=NOW,
        )
        session.add(made)
        await session.flush()
        assert made.id is not None
        return made.id


async def crossing(database: Database, begins: Do, other: Do, goes_on: Do) -> tuple[Any, Any]:
    """Begin one transaction, have another wait for it, and go on with the first.

    Returns what both gave; an error is returned, not raised.
    """

    async def second() -> Any:
        try:
            async with database.writing() as session:
                return await other(session)
        except Exception as error:
            return error

    async with asyncio.timeout(60):
        try:
            async with database.writing() as session:
                await begins(session)
                task = asyncio.create_task(second())
                await until_it_waits(database, task)
                given = await goes_on(session)
        except Exception as error:
            given = error
        return given, await task


def no_deadlock(found: tuple[Any, Any]) -> None:
    broken = [one for one in found if isinstance(one, Exception) and not isinstance(one, BadInput)]
    assert not broken, broken


async def test_a_crew_says_done_while_the_office_ends_the_case(
    database: Database, city: City
) -> None:
    report = await filed(database, city, 1)
    async with database.writing() as session:
        entry = Entry(name="第1班", kind=TeamKind.TEAM.value)
        team = await teams.add(session, city, entry, NOW, known=(), actor=BY)
        order = await orders.make_order(
            session,
            city,
            kind=OrderKind.WORK,
            team_id=team.id or 0,
            on_day=date(2026, 6, 16),
            numbers=[report.number],
            by=BY,
            now=NOW,
        )
        link = await order_links.make(session, order, NOW, actor=BY)
        [item] = await orders.items_of(session, order.id or 0)

    async def tell(*_: Any) -> None:
        return None

    async def crew(session: AsyncSession) -> list[str]:
        there = await session.get_one(OrderLink, link.id)
        sort = Act(key="s", at=NOW, kind=ActKind.SORT, ids=(item.id or 0,))
        done = Act(key="d", at=NOW, kind=ActKind.DONE, item_id=item.id)
        return await crew_acts.take(session, city, there, [sort, done], NOW, tell=tell)

    async def hold(session: AsyncSession) -> None:
        await work.leading(session, report.number)

    async def end(session: AsyncSession) -> None:
        wanted = Change(state=ReportState.DONE)
        await work.change(session, city, report.number, wanted, by=BY, now=NOW)

    no_deadlock(await crossing(database, hold, crew, end))
    async with database.reading() as session:
        kept = await session.get_one(OrderItem, item.id)
        assert kept.outcome is Outcome.DONE
        assert (await session.scalars(select(WorkOrder))).one().id == order.id


async def test_a_resident_takes_a_report_back_while_staff_join_it(
    database: Database, city: City
) -> None:
    resident = await somebody(database)
    one, two = await filed(database, city, 1), await filed(database, city, 2, resident)

    async def join(session: AsyncSession) -> Any:
        return await cases.join(session, city, one.number, two.number, by=BY, now=NOW)

    async def take_back(session: AsyncSession) -> bool:
        own = await following.own_report(session, two.number, resident, leaves=True)
        assert own is not None
        return await withdraw_report(session, own, NOW)

    joined, taken_back = await crossing(database, cases.turn, take_back, join)
    assert not isinstance(joined, Exception), joined
    assert taken_back is False, "staff decided on it first"


async def test_staff_join_many_while_a_colleague_joins_two(database: Database, city: City) -> None:
    some = [await filed(database, city, n) for n in range(4)]
    picks = tuple(Pick(one.number, one.updated_at.isoformat()) for one in some[:3])

    async def join_two(session: AsyncSession) -> Any:
        return await cases.join(session, city, some[0].number, some[3].number, by=BY, now=LATER)

    async def join_many(session: AsyncSession) -> Any:
        wanted = Together(act=together.Act.JOIN, picks=picks)
        means: Any = None  # nobody hears: these reports have no resident
        return await together.do(session, means, city, wanted, by=BY, now=NOW)

    found = await crossing(database, cases.turn, join_many, join_two)
    no_deadlock(found)
    assert len(found[1].left_out) == 1, "the case of the colleague was changed meanwhile"


async def test_a_reporter_says_more_while_the_case_of_their_report_is_closed(
    database: Database, city: City
) -> None:
    resident = await somebody(database)
    one, two = await filed(database, city, 1), await filed(database, city, 2, resident)
    async with database.writing() as session:
        await cases.join(session, city, one.number, two.number, by=BY, now=NOW)

    async def own(session: AsyncSession) -> None:
        await following.own_report(session, two.number, resident)

    async def say(session: AsyncSession) -> None:
        report = await following.own_report(session, two.number, resident)
        assert report is not None
        await following.tell(session, report, Addition.MENDED, NOW)

    async def close(session: AsyncSession) -> None:
        wanted = Change(state=ReportState.DONE)
        changed = await work.change(session, city, one.number, wanted, by=BY, now=NOW)
        # As ``answers.tell`` notes what was answered, in each report of the case.
        for report in changed.joined:
            report.updated_at = LATER
            session.add(report)
            session.add(
                ReportUpdate(report_id=report.id or 0, by=BY, answer="直しました", created_at=NOW)
            )
        await session.flush()

    no_deadlock(await crossing(database, own, close, say))


async def test_an_order_of_several_cases_is_made_while_one_of_them_is_changed(
    database: Database, city: City
) -> None:
    some = [await filed(database, city, n) for n in range(2)]
    async with database.writing() as session:
        entry = Entry(name="第1班", kind=TeamKind.TEAM.value)
        team = await teams.add(session, city, entry, NOW, known=(), actor=BY)

    async def hold(session: AsyncSession) -> None:
        await work.leading(session, some[1].number)

    async def make(session: AsyncSession) -> None:
        await orders.make_order(
            session,
            city,
            kind=OrderKind.WORK,
            team_id=team.id or 0,
            on_day=date(2026, 6, 16),
            numbers=[one.number for one in some],
            by=BY,
            now=NOW,
        )

    async def change(session: AsyncSession) -> None:
        await work.change(session, city, some[1].number, Change(note="x"), by=BY, now=NOW)

    no_deadlock(await crossing(database, hold, make, change))
    async with database.reading() as session:
        assert {one.team_id for one in await session.scalars(select(Report))} == {team.id}


async def test_staff_take_up_what_an_office_says_while_a_colleague_changes_the_case(
    database: Database, city: City
) -> None:
    report = await filed(database, city, 1)
    async with database.writing() as session:
        forward = Forward(
            report_id=report.id or 0,
            key="1",
            owner="prefecture",
            way=ForwardWay.MAIL,
            address="roads@pref.example",
            by=BY,
            state=Sending.DONE,
            closed_at=NOW,
            not_before=NOW,
            created_at=NOW,
        )
        session.add(forward)

    async def hold(session: AsyncSession) -> None:
        await work.leading(session, report.number)

    async def settle(session: AsyncSession) -> None:
        number = forward.id or 0
        await forwarding.settle(session, city, number, done=True, by=BY, now=NOW)

    async def change(session: AsyncSession) -> None:
        await work.change(session, city, report.number, Change(note="x"), by=BY, now=NOW)

    no_deadlock(await crossing(database, hold, settle, change))
    async with database.reading() as session:
        assert (await session.get_one(Report, report.id)).state is ReportState.DONE


def _team(session: AsyncSession, city: City) -> Awaitable[Any]:
    entry = Entry(name="第1班", kind=TeamKind.TEAM.value)
    return teams.add(session, city, entry, NOW, known=(), actor=BY)


def _alarm(session: AsyncSession, city: City) -> Awaitable[Any]:
    wish = Wish(mails=("a@city.example",))
    return alarm_settings.change(session, city, "roads", wish, seen=0, actor=BY, now=NOW)


async def _template(session: AsyncSession, city: City) -> Any:
    found = await answer_templates.every(session, city)
    builtin = replace(next(one for one in found if one.is_built_in), name="済")
    return await answer_templates.store(session, city, builtin, seen=0, actor=BY, now=NOW)


def _key(session: AsyncSession, _city: City) -> Awaitable[Any]:
    return api_keys.add_key(session, "A city app", actor=BY, now=NOW)


def _webhook(session: AsyncSession, _city: City) -> Awaitable[Any]:
    return webhooks.add(
        session,
        PublicHosts(),
        "GIS",
        "https://gis.example/hook",
        with_words=False,
        actor=BY,
        now=NOW,
    )


def _place(session: AsyncSession, _city: City) -> Awaitable[Any]:
    return orders.add_patrol_place(session, name="大橋", position=None, words="", by=BY, now=NOW)


def _kind(session: AsyncSession, city: City) -> Awaitable[Any]:
    kind = city.report_categories[0]
    content = kinds.dump_kind(kind)
    return kinds.propose(session, city, kind.code, content, seen="0.0", note="", actor=BY, now=NOW)


@pytest.mark.parametrize(
    "act", [_team, _alarm, _template, _key, _webhook, _place, _kind], ids=lambda act: act.__name__
)
async def test_the_second_of_two_who_make_the_same_is_told_so(
    database: Database, city: City, act: Callable[[AsyncSession, City], Awaitable[Any]]
) -> None:
    def make(session: AsyncSession) -> Awaitable[Any]:
        return act(session, city)

    first, second = await one_in_the_others_way(database, make, make)
    assert not isinstance(first, Exception), first
    assert isinstance(second, BadInput), second


async def test_a_filter_that_two_save_under_one_name_is_there_once(database: Database) -> None:
    def save(query: str) -> Do:
        return lambda session: saved_filters.save(
            session, "朝", query, shared=True, counted=False, by=BY, now=NOW
        )

    found = await one_in_the_others_way(database, save("state=new"), save("state=open"))
    assert not [one for one in found if isinstance(one, Exception)], found
    async with database.reading() as session:
        assert [one.query for one in await saved_filters.seen_by(session, BY)] == ["state=open"]
