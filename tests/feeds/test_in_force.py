"""The public page and the answer to a resident agree on what holds now, and nothing else does."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from core.city import Decision
from core.clock import ManualClock
from core.database import Database
from feeds.in_force import in_force
from feeds.models import HazardState, Notice, Status

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
