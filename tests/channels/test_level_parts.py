"""One alert with several levels: the gravest first on the wire, everybody once, and what follows
it follows all of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import case, update
from sqlmodel import col, select

from channels import dispatch, outbox
from channels.chain import chain_of
from channels.dispatch import priority_of
from channels.level_parts import LowerLevel, priority_of_part
from channels.line.medium import LINE
from channels.members import unpack
from channels.models import Batch, BatchState, Delivery, Priority, Variant, Wording
from city.city import City, District
from core.clock import ManualClock
from core.database import Database
from feeds.in_force import in_force
from feeds.models import Notice, Status
from simulator.line import SimulatorOptions
from simulator.line.faults import FaultPlan
from subscriptions.models import Resident
from tests.support.engine import EngineWorld, add_residents, engine_world, make_notice, small_city

A, B, C = "a", "b", "c"
HOMES = {0: A, 1: B, 2: ",a,b,", 3: "", 4: C}
"""Where residents live, by the last digit of their id in the base of five."""


def city_of_three() -> City:
    districts = tuple(
        District(code=code, names={"ja": f"地区{code}", "en": f"District {code}"}, polygons=())
        for code in (A, B, C)
    )
    return small_city().model_copy(update={"districts": districts})


async def people(database: Database, count: int) -> None:
    await add_residents(database, 1, count, events=False)
    async with database.writing() as session:
        home = case(HOMES, value=col(Resident.id) % len(HOMES))
        await session.execute(update(Resident).values(area_list=home))


@asynccontextmanager
async def world(database: Database, **options: Any) -> AsyncIterator[EngineWorld]:
    async with engine_world(database, **options) as home:
        home.city = city_of_three()
        home.engine.channels["line"].planner._city = home.city
        yield home


def levels(home: EngineWorld, at: dict[int, Sequence[str]], **changes: Any) -> list[Notice]:
    """Return a notice for each level, the gravest first, with its level in its text."""
    made = []
    for level, areas in at.items():
        notice = make_notice(level=level, now=home.clock.now(), languages=("ja",), **changes)
        notice.areas = list(areas)
        notice.texts = {"ja": {"title": f"LEVEL-{level}", "text": f"LEVEL-{level}"}}
        made.append(notice)
    return made


async def send(home: EngineWorld, notices: Sequence[Notice]) -> int:
    """Send notices of several levels; each is new for who has heard nothing before."""
    first, *lower = notices
    new = first.replaces_id is not None
    return await home.send(
        first,
        as_new=first.texts if new else None,
        lower=[LowerLevel(each, each.texts if new else None) for each in lower],
    )


async def got(home: EngineWorld, delivery: int) -> dict[tuple[str, int], set[int]]:
    """Return who gets which wording of which level, in batches; nobody is in two."""
    heard: dict[tuple[str, int], set[int]] = defaultdict(set)
    seen: set[int] = set()
    async with home.database.reading() as session:
        rows = await session.execute(
            select(col(Variant.wording), col(Variant.part), col(Batch.members))
            .join(Variant, col(Variant.id) == col(Batch.variant_id))
            .where(col(Batch.delivery_id) == delivery)
        )
        for wording, part, members in rows:
            ids = set(unpack(members))
            assert not ids & seen, "somebody gets it twice"
            seen |= ids
            heard[wording.value, part] |= ids
    return dict(heard)


async def arrived(home: EngineWorld, delivery: int) -> None:
    now = home.clock.now()
    async with home.database.writing() as session:
        await session.execute(
            update(Batch)
            .where(col(Batch.delivery_id) == delivery)
            .values(state=BatchState.SENT, first_tried_at=now, sent_at=now)
        )


def homes(count: int, *kinds: str) -> set[int]:
    return {each for each in range(1, count + 1) if HOMES[each % len(HOMES)] in kinds}


async def test_everybody_of_the_gravest_level_gets_it_before_anybody_of_a_lower_one(
    database: Database,
) -> None:
    count = 12_000
    await people(database, count)
    options = SimulatorOptions(any_user=True, faults=FaultPlan.parse("latency=20ms..60ms"))
    async with world(database, options=options, line_rate_multicast=200) as home:
        delivery = await send(home, levels(home, {5: [A], 4: [B]}))
        done = await home.ended(delivery)
        entries = home.simulator.ledger.entries
        graver = [b"LEVEL-5" in entry.body for entry in entries]
        assert not any(b"LEVEL-5" in entry.body and b"LEVEL-4" in entry.body for entry in entries)
        assert graver == sorted(graver, reverse=True)
        heard = await got(home, delivery)
    assert heard == {
        ("main", 0): homes(count, A, ",a,b,", ""),
        ("main", 1): homes(count, B),
    }
    assert (done.sent, done.failed, done.skipped) == (count * 4 // 5, 0, 0)
    assert done.by_level == {5: {"sent": count * 3 // 5}, 4: {"sent": count // 5}}


async def test_a_graver_alert_overtakes_the_rest_of_one_that_is_being_sent(
    database: Database,
) -> None:
    """Once the first of level 5 has left, none of level 4 goes until all of level 5 have left."""
    count = 20_000
    await people(database, count)
    options = SimulatorOptions(any_user=True, faults=FaultPlan.parse("latency=20ms..60ms"))
    async with world(database, options=options, line_rate_multicast=40) as home:
        first = await send(home, levels(home, {4: [A, B, C]}))
        await home.simulator.wait_until(lambda: home.simulator.ledger.requests >= 4, timeout=30)
        second = await send(home, levels(home, {5: [A]}))
        await home.ended(second)
        await home.ended(first)
        graver = [b"LEVEL-5" in entry.body for entry in home.simulator.ledger.entries]
    begun = graver.index(True)
    assert graver[begun:] == sorted(graver[begun:], reverse=True)
    assert graver.count(False) > begun


async def test_a_refused_message_of_the_gravest_level_holds_back_no_lower_one(
    database: Database,
) -> None:
    """LINE answers 500 to some: those are tried again, and the others get theirs meanwhile."""
    await people(database, 3_000)
    options = SimulatorOptions(any_user=True, faults=FaultPlan.parse("5xx-before=40%,seed=3"))
    async with world(database, options=options, line_rate_multicast=200) as home:
        delivery = await send(home, levels(home, {5: [A], 4: [B]}))
        done = await home.ended(delivery)
    assert (done.sent, done.failed) == (2_400, 0)


async def test_who_is_counted_before_is_who_gets_it_and_a_restart_takes_nobody_twice(
    database: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = 9_000  # read in two ranges
    await people(database, count)
    async with world(database, running=False, clock=clock) as home:
        notices = levels(home, {5: [A], 4: [B], 3: [C]})
        async with database.reading() as session:
            seen = await dispatch.preview(
                session,
                notices[0],
                home.city,
                clock.now(),
                medium=LINE,
                lower=[LowerLevel(each) for each in notices[1:]],
            )
        assert [(part.level, part.recipients) for part in seen.parts] == [
            (5, count * 3 // 5),
            (4, count // 5),
            (3, count // 5),
        ]
        delivery = await send(home, notices)
        planner = home.engine.channels["line"].planner
        stored, real = 0, outbox.insert_batches

        async def dies(session: Any, rows: Any) -> None:
            nonlocal stored
            stored += 1
            if stored % 2 == 0:
                raise ConnectionError
            await real(session, rows)

        monkeypatch.setattr(outbox, "insert_batches", dies)
        deaths = 0
        while True:
            try:
                await planner.plan(str(delivery))
                break
            except ConnectionError:
                deaths += 1
            async with database.writing() as session:
                # Somebody moves from the lowest to the gravest level meanwhile, and back.
                home_now = A if deaths % 2 else C
                await session.execute(
                    update(Resident).where(col(Resident.id) == 4).values(area_list=home_now)
                )
        assert deaths >= 3
        heard = await got(home, delivery)
        row = await home.row(delivery)
    everybody = set().union(*heard.values())
    assert everybody == set(range(1, count + 1))
    assert row.recipients == count
    assert heard["main", 0] - {4} == homes(count, A, ",a,b,", "")


async def test_a_restart_between_two_levels_asks_for_no_quota_that_was_there(
    database: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = 500
    await people(database, count)
    async with world(database, running=False, clock=clock) as home:
        left = count

        async def room() -> int:
            return left

        planner = home.engine.channels["line"].planner
        monkeypatch.setattr(planner._medium, "room", room)
        delivery = await send(home, levels(home, {2: [A], 1: [B, C]}, emergency=False))
        stored, real = 0, outbox.insert_batches

        async def dies(session: Any, rows: Any) -> None:
            nonlocal stored
            stored += 1
            if stored == 2:
                raise ConnectionError
            await real(session, rows)

        monkeypatch.setattr(outbox, "insert_batches", dies)
        with pytest.raises(ConnectionError):
            await planner.plan(str(delivery))
        assert (await home.row(delivery)).part == 1
        left = count * 2 // 5  # what the first level needed is used
        await planner.plan(str(delivery))
        row = await home.row(delivery)
    assert (row.planning_done, row.state.value) == (True, "sending")


@pytest.mark.parametrize("priority", [Priority.GRAVEST, Priority.EMERGENCY, Priority.CORRECTION])
def test_a_lower_level_of_an_emergency_stays_one(priority: int) -> None:
    order = [priority_of_part(priority, part) for part in range(4)]
    assert order == sorted(order)
    assert order[-1] == Priority.EMERGENCY
    assert priority_of_part(Priority.WARNING, 2) == Priority.WARNING


@pytest.mark.parametrize("corrects", [False, True])
def test_promise_4_a_drill_never_goes_before_what_is_real(corrects: bool) -> None:
    real, drill = (
        make_notice("evacuation", level=5, now=datetime.now(UTC), drill=drill)
        for drill in (False, True)
    )
    assert priority_of(real) == Priority.GRAVEST
    assert priority_of(drill, corrects_warning=corrects) == Priority.EMERGENCY


async def test_what_follows_an_alert_with_two_levels_follows_both(
    database: Database, clock: ManualClock
) -> None:
    """A correction leaves out one of the districts, an all-clear ends all that is left."""
    count = 500
    await people(database, count)
    async with world(database, running=False, clock=clock) as home:
        planner = home.engine.channels["line"].planner
        first = await send(home, levels(home, {5: [A], 4: [B]}))
        await planner.plan(str(first))
        await arrived(home, first)
        async with database.reading() as session:
            alert = (await session.get_one(Delivery, first)).notice_id
            chain = await chain_of(session, alert)
            assert chain.standing(home.city) == {A: 5, B: 4}
            assert len(chain.delivered) == 1
            told = await in_force(session, "0822000", clock.now())
            assert [(one.level, one.notice and one.notice.areas) for one in told] == [
                (5, [A]),
                (4, [B]),
            ]
        assert chain.tip is not None
        # B gets the graver level, C is new at the lower one, and A was a mistake.
        notices = levels(home, {5: [B], 4: [C]}, replaces_id=chain.tip.notice_id)
        for each in notices:
            each.status = Status.CORRECTED
        second = await send(home, notices)
        await planner.plan(str(second))
        heard = await got(home, second)
        assert heard == {
            ("main", 0): homes(count, B, ",a,b,", ""),
            ("new", 1): homes(count, C),
            ("elsewhere", 0): homes(count, A),
        }
        await arrived(home, second)
        async with database.reading() as session:
            chain = await chain_of(session, alert)
            assert chain.standing(home.city) == {B: 5, C: 4}
            assert (await home.row(first)).state.value == "stopped"
        assert chain.tip is not None
        [end] = levels(home, {5: [B, C]}, replaces_id=chain.tip.notice_id)
        end.status = Status.LIFTED
        third = await send(home, [end])
        await planner.plan(str(third))
        heard = await got(home, third)
        assert heard == {
            ("main", 0): homes(count, B, C, ",a,b,", ""),
            ("elsewhere", 0): homes(count, A),
        }
        async with database.reading() as session:
            assert (await chain_of(session, alert)).standing(home.city) == {}
            assert await in_force(session, "0822000", clock.now()) == []


async def test_a_change_with_two_levels_says_to_each_district_what_it_is_there(
    database: Database, clock: ManualClock
) -> None:
    """A is raised to 5 and B lowered to 3; who lives in both gets the graver, C stays as it was."""
    count = 500
    await people(database, count)
    async with world(database, running=False, clock=clock) as home:
        planner = home.engine.channels["line"].planner
        [order] = levels(home, {4: [A, B, C]})
        first = await send(home, [order])
        await planner.plan(str(first))
        await arrived(home, first)
        notices = levels(home, {5: [A], 3: [B]}, replaces_id=order.id)
        notices[0].status, notices[1].status = Status.RAISED, Status.LOWERED
        async with database.reading() as session:
            seen = await dispatch.preview(
                session,
                notices[0],
                home.city,
                clock.now(),
                medium=LINE,
                as_new=notices[0].texts,
                lower=[LowerLevel(each, each.texts) for each in notices[1:]],
            )
        second = await send(home, notices)
        await planner.plan(str(second))
        heard = await got(home, second)
        assert heard == {
            ("main", 0): homes(count, A, ",a,b,", ""),
            ("main", 1): homes(count, B),
            ("still", 0): homes(count, C),
        }
        counted = {(part.wording, part.level): part.recipients for part in seen.parts}
        assert counted == {
            (Wording.MAIN, 5): count * 3 // 5,
            (Wording.MAIN, 3): count // 5,
            (Wording.STILL, None): count // 5,
        }
        async with database.reading() as session:
            chain = await chain_of(session, order.id)
        assert chain.standing(home.city) == {A: 5, B: 3, C: 4}
