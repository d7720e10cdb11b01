"""The public page and the answer to a resident agree on what holds now, and nothing else does."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from core.city import Decision
from core.clock import ManualClock
from core.database import Database
from feeds.in_force import in_force
from feeds.models import HazardState, Item, Notice, Source, Status
from feeds.telegrams import take_telegrams
from tests.feeds.conftest import FeedWorld, a_city, sample_sources
from tests.feeds.jma.telegrams import CODES, at
from tests.feeds.jma.test_rivers import BROKEN, ELSEWHERE, FEARED, overflowing, river

HERE = "0822000"


def notice(clock: ManualClock, identity: str, **changes: Any) -> Notice:
    values: dict[str, Any] = {
        "identity": identity,
        "topic": "evacuation",
        "level": 4,
        "status": Status.ISSUED,
        "drill": False,
        "reported_at": clock.now(),
        "decision": Decision.SEND,
        "decided_by": "rule:test",
        "created_at": clock.now(),
        **changes,
    }
    return Notice(**values)


async def said(database: Database, clock: ManualClock, *notices: Notice) -> list[str]:
    async with database.writing() as session:
        session.add_all(notices)
    async with database.reading() as session:
        return [found.identity for found in await in_force(session, HERE, clock.now())]


async def test_a_danger_holds_until_it_ends_expires_or_is_forgotten(
    database: Database, clock: ManualClock
) -> None:
    now = clock.now()
    assert await said(
        database,
        clock,
        notice(clock, "advisory", level=2, decision=Decision.PUBLISH),
        notice(clock, "order"),
        notice(clock, "quake", level=0, emergency=True, expires_at=now + timedelta(hours=6)),
        notice(clock, "drill", drill=True),
        notice(clock, "held", decision=Decision.HOLD),
        notice(clock, "news", level=0),
        notice(clock, "expired", expires_at=now - timedelta(seconds=1)),
        notice(clock, "old", reported_at=now - timedelta(hours=49)),
        notice(clock, "lifted", status=Status.LIFTED),
    ) == ["quake", "order", "advisory"]


async def test_what_was_followed_is_not_in_force_unless_nobody_was_told_what_follows(
    database: Database, clock: ManualClock
) -> None:
    first, second = notice(clock, "first"), notice(clock, "second", emergency=True)
    assert await said(database, clock, first, second) == ["second", "first"]
    held = notice(clock, "held", replaces_id=first.id, decision=Decision.HOLD)
    over = notice(clock, "over", replaces_id=second.id, status=Status.CANCELLED, level=0)
    assert await said(database, clock, held, over) == ["first"]
    raised = notice(clock, "raised", replaces_id=first.id, status=Status.RAISED, level=5)
    assert await said(database, clock, raised) == ["raised"]


async def test_what_telegrams_left_standing_here_holds_however_long_ago(
    database: Database, clock: ManualClock
) -> None:
    ago = clock.now() - timedelta(days=20)
    here, elsewhere = (
        notice(clock, name, level=0, reported_at=ago, expires_at=ago) for name in ("a", "b")
    )
    assert await said(database, clock, here, elsewhere) == []
    states = [
        HazardState(
            municipality=code, hazard="thunder", area=code, level=2, reported_at=ago, notice_id=id_
        )
        for code, id_ in ((HERE, here.id), ("0820100", elsewhere.id))
    ]
    async with database.writing() as session:
        session.add_all(states)
    assert await said(database, clock) == ["a"]


async def test_a_river_that_has_overflowed_is_in_force_once_and_over_when_it_is(
    database: Database,
) -> None:
    clock = ManualClock(at(0))
    [agency, *_] = sample_sources("https://www.data.jma.example")
    city = a_city(agency).model_copy(update={"jma": CODES})
    world = FeedWorld(city, database, clock)
    async with database.writing() as session:
        session.add(Source(code=agency.code, kind=agency.kind))
    held: list[list[str]] = []
    for telegram in (
        river(0, "40"),
        overflowing(10, "51", FEARED),
        overflowing(20, "51", BROKEN),
        overflowing(30, "51", ELSEWHERE),
        river(40, "31"),
        river(50, "10"),
    ):
        item = Item(
            source=agency.code,
            identity=clock.now().isoformat(),
            kind="VXKO58",
            fetched_at=clock.now(),
            payload=telegram,
        )
        async with database.writing() as session:
            session.add(item)
            await session.flush()
            await take_telegrams(
                session, [item], agency, city, clock.now(), world.publish, first_poll=False
            )
        async with database.reading() as session:
            held.append([n.kind for n in await in_force(session, HERE, clock.now())])
        await clock.advance(600)
    worst = "レベル５氾濫特別警報"
    assert held == [["レベル４氾濫危険警報"], [worst], [worst], [worst], ["レベル３氾濫警報"], []]
    assert len(world.sent) == 6
    assert not any(notice.silent for notice in world.sent)
