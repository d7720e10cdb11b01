"""LINE's own statistics: a name for each notice, and what LINE says of it the next days."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta

import aiohttp
import pytest
from sqlmodel import col, select

from app.figures import ask_line, watch_quota
from channels.line import units
from channels.line.insight import demographic, messages_of, unit_numbers
from channels.line.models import LineUnit, QuotaReading
from channels.line.units import ask_units, next_ask, unit_name, without_unit
from channels.models import Delivery
from city.context import Context
from console.figures.models import DayFigures
from core.clock import JAPAN, SystemClock, in_japan
from core.database import Database
from core.errors import Permanent
from response.held_alarms import wish
from response.models import StaffMember, StaffMessage
from simulator.line import FaultPlan, SimulatorOptions
from tests.support.engine import EngineWorld, add_residents, engine_world, make_notice

DAY = timedelta(days=1)
PEOPLE = 100


class AheadClock(SystemClock):
    """A clock that a test sets ahead by whole days, beside the simulator's."""

    def __init__(self) -> None:
        # At noon in Japan, so that no test runs over midnight.
        noon = datetime.now(JAPAN).replace(hour=12, minute=0, second=0, microsecond=0)
        self.ahead = noon - datetime.now(JAPAN)

    def now(self) -> datetime:
        return super().now() + self.ahead


@asynccontextmanager
async def account(database: Database, **options: object) -> AsyncIterator[EngineWorld]:
    clock = AheadClock()
    made = SimulatorOptions(any_user=True, ledger="full", **options)  # type: ignore[arg-type]
    async with engine_world(database, options=made, clock=clock) as world:
        world.simulator.time.advance(clock.ahead.total_seconds())
        yield world


def pass_days(world: EngineWorld, days: int) -> None:
    assert isinstance(world.clock, AheadClock)
    world.clock.ahead += days * DAY
    world.simulator.time.advance(days * DAY.total_seconds())


def today(world: EngineWorld) -> date:
    return in_japan(world.clock.now()).date()


def parts_of(world: EngineWorld) -> Context:
    """Return the parts of the service that the jobs take."""
    return Context(
        settings=world.settings,
        city=world.city,
        database=world.database,
        clock=world.clock,
        queue=world.queue,
        http=None,  # type: ignore[arg-type]
    )


async def sent(world: EngineWorld) -> int:
    """Send a notice; return its id."""
    delivery = await world.send(make_notice(now=world.clock.now()))
    await world.ended(delivery)
    row = await world.row(delivery)
    assert row.notice_id is not None
    return row.notice_id


async def unit(world: EngineWorld, notice: int) -> LineUnit:
    async with world.database.reading() as session:
        return await session.get_one(LineUnit, unit_name(notice))


async def test_all_requests_of_a_notice_carry_its_name(database: Database) -> None:
    async with account(database) as world:
        await add_residents(database, 1, PEOPLE)
        notice = await sent(world)
        names = {entry.aggregation_unit for entry in world.simulator.ledger.entries}
        assert names == {f"todoke_n{notice}"}
        assert sum(entry.recipients for entry in world.simulator.ledger.entries) == PEOPLE
        row = await unit(world, notice)
        assert (row.since, row.next_ask) == (today(world), today(world) + DAY)


async def test_what_line_says_is_asked_for_on_the_days_after(database: Database) -> None:
    """Of 100, seven in ten saw it and two in ten tapped: 70 and 20, as LINE gives from 20 on."""
    async with account(database) as world:
        await add_residents(database, 1, PEOPLE)
        notice = await sent(world)
        assert await ask_units(database, world.clock, world.line) == 0
        pass_days(world, 1)
        assert await ask_units(database, world.clock, world.line) == 1
        row = await unit(world, notice)
        assert (row.opened, row.tapped, row.asked_on) == (70, 20, today(world))
        assert row.next_ask == today(world) + 2 * DAY
        assert await ask_units(database, world.clock, world.line) == 0
        # After fourteen days nobody asks any more, also if the service slept meanwhile.
        pass_days(world, 20)
        assert await ask_units(database, world.clock, world.line) == 1
        assert (await unit(world, notice)).next_ask is None


async def test_fewer_than_twenty_are_not_said(database: Database) -> None:
    async with account(database) as world:
        await add_residents(database, 1, 60)
        notice = await sent(world)
        pass_days(world, 1)
        await ask_units(database, world.clock, world.line)
        row = await unit(world, notice)
        assert (row.opened, row.tapped) == (42, None)  # 12 tapped


@pytest.mark.parametrize("fault", ["429=100%", "5xx-before=100%", "drop-after=100%"])
async def test_a_question_that_got_no_answer_is_asked_again(database: Database, fault: str) -> None:
    async with account(database) as world:
        await add_residents(database, 1, PEOPLE)
        notice = await sent(world)
        pass_days(world, 1)
        world.simulator.faults = FaultPlan.parse(f"{fault},only=insight-unit")
        assert await ask_units(database, world.clock, world.line) == 0
        assert (await unit(world, notice)).asked_on is None
        world.simulator.faults = FaultPlan()
        assert await ask_units(database, world.clock, world.line) == 1


async def test_beyond_our_names_of_the_month_a_notice_goes_without(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(units, "MOST_A_MONTH", 1)
    async with account(database) as world:
        await add_residents(database, 1, 4)
        first = await sent(world)
        await sent(world)
        names = [entry.aggregation_unit for entry in world.simulator.ledger.entries]
        assert sorted(map(str, set(names))) == ["None", f"todoke_n{first}"]
        assert set(world.simulator.ledger.recipients().values()) == {2}


async def test_a_name_that_line_refuses_holds_nothing_back(database: Database) -> None:
    """Other programs of the account used up the month's thousand names. Many requests are under
    way when the first is refused.
    """
    many = 4_000
    async with account(database) as world:
        await add_residents(database, 1, many)
        world.simulator.faults = FaultPlan.parse("latency=50ms,only=multicast")
        api = f"{world.simulator.url}/v2/bot/message/push"
        headers = {"Authorization": f"Bearer {world.settings.line_channel_access_token}"}
        text = [{"type": "text", "text": "x"}]
        async with aiohttp.ClientSession(headers=headers) as http:
            for n in range(1_000):
                body = {"to": f"U{999:032x}", "messages": text, "customAggregationUnits": [f"o{n}"]}
                async with http.post(api, json=body) as answer:
                    assert answer.status == 200
        world.simulator.ledger.entries.clear()
        await sent(world)
        assert set(world.simulator.ledger.recipients().values()) == {1}
        assert len(world.simulator.ledger.recipients()) == many
        assert {entry.aggregation_unit for entry in world.simulator.ledger.entries} == {None}


def test_a_request_without_its_name_is_whole() -> None:
    named = (
        b'{"to":["U1"],"messages":[],"notificationDisabled":false,"customAggregationUnits":["a"]}'
    )
    assert without_unit(named) == b'{"to":["U1"],"messages":[],"notificationDisabled":false}'
    assert without_unit(without_unit(named)) == without_unit(named)


def test_line_is_asked_after_one_three_seven_and_fourteen_days() -> None:
    since = date(2026, 12, 28)
    asked, day = [], next_ask(since, since)
    while day is not None:
        asked.append(day)
        day = next_ask(since, day)
    assert asked == [
        date(2026, 12, 29),
        date(2026, 12, 31),
        date(2027, 1, 4),
        date(2027, 1, 11),
    ]


async def test_numbers_of_a_day_are_there_the_next_one(database: Database) -> None:
    async with account(database, friends=25) as world:
        day = today(world)
        await add_residents(database, 1, PEOPLE)
        await sent(world)
        assert await messages_of(world.line, day) is None
        pass_days(world, 1)
        numbers = await messages_of(world.line, day)
        assert numbers is not None and numbers["apiMulticast"] + numbers["apiPush"] == PEOPLE
        assert (await demographic(world.line))["age:from50"] == 50.0


async def test_line_takes_no_more_than_thirty_days(database: Database) -> None:
    async with account(database) as world:
        with pytest.raises(Permanent):
            await unit_numbers(world.line, "a", today(world) - 40 * DAY, today(world))


async def test_line_s_day_is_added_when_it_is_ready(database: Database) -> None:
    async with account(database, friends=30) as world:
        context = parts_of(world)
        yesterday = today(world) - DAY
        async with database.writing() as session:
            session.add(DayFigures(day=yesterday, counted_at=world.clock.now()))
        world.simulator.faults = FaultPlan.parse("429=100%,only=insight-delivery")
        await ask_line(context, world.line)
        async with database.reading() as session:
            assert (await session.get_one(DayFigures, yesterday)).line == {}
        world.simulator.faults = FaultPlan()
        await ask_line(context, world.line)
        async with database.reading() as session:
            line = (await session.get_one(DayFigures, yesterday)).line
        assert line["friends"] == {"followers": 30, "reach": 27, "blocks": 0}
        assert line["friends-are"]["gender:male"] == 27.5
        asked = len(world.simulator.limiter.moments("insight-followers"))
        await ask_line(context, world.line)
        assert len(world.simulator.limiter.moments("insight-followers")) == asked


async def test_the_quota_is_kept_by_day(database: Database) -> None:
    async with account(database, quota=1_000) as world:
        context = parts_of(world)
        await add_residents(database, 1, PEOPLE)
        await watch_quota(context, world.line)
        await sent(world)
        await watch_quota(context, world.line)  # not due yet
        pass_days(world, 1)
        await watch_quota(context, world.line)
        async with database.reading() as session:
            rows = list(await session.scalars(select(QuotaReading).order_by(col(QuotaReading.day))))
            assert await session.scalar(select(Delivery.unit).limit(1)) == "todoke_n1"
        assert [(row.most, row.used) for row in rows] == [(1_000, 0), (1_000, PEOPLE)]


async def test_staff_are_told_once_that_the_month_will_not_suffice(database: Database) -> None:
    async with account(database, quota=1_000) as world:
        context = parts_of(world)
        now = world.clock.now()
        async with database.writing() as session:
            member = StaffMember(
                name="佐藤",
                mail="sato@city.example",
                language="ja",
                department="crisis",
                added_at=now,
                changed_at=now,
            )
            session.add(member)
            await session.flush()
            assert member.id is not None
            await wish(session, member.id, now, told=True)
            # All but one message were used this month before today.
            session.add(QuotaReading(day=today(world) - DAY, most=1_000, used=999, read_at=now))
            session.add(QuotaReading(day=today(world) - 2 * DAY, most=1_000, used=9, read_at=now))
        world.simulator.ledger.quota_used = 999
        for _ in range(3):
            await watch_quota(context, world.line)
            assert isinstance(world.clock, AheadClock)
            world.clock.ahead += timedelta(hours=1)
        async with database.reading() as session:
            told = list(await session.scalars(select(StaffMessage)))
        assert [(one.about, one.way.value) for one in told] == [
            (f"quota:{today(world):%Y-%m}", "mail")
        ]
        assert "1,000通のうち999通" in str(told[0].content)
