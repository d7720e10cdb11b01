"""Two decisions at once: the first one counts, and the second person is told.

Each pair runs in both orders, the second beginning before the first has committed, on PostgreSQL
and SQLite. The table of the pairs covers all states.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import SQLModel, col, select

from alerts import drafts, held_notices
from alerts.models import AlertDraft
from channels import outbox, restored
from channels.line.client import LineClient
from channels.line.unknown_sender import UnknownSender
from channels.models import (
    Batch,
    BatchState,
    Delivery,
    DeliveryState,
    Priority,
    UnknownSend,
    UnknownState,
    Variant,
)
from channels.reasons import reason as dispatch_reason
from city.city import Decision, Way
from console import accounts
from console.attempts import Limits, Origin, note_failure
from console.models import Role, SignInAttempts, Staff
from console.passwords import Password
from core.audit import AuditEntry
from core.clock import ManualClock
from core.database import Database
from core.errors import BadInput, Refusal
from core.reason import Reason
from core.restored import RESTORED, RestoreHold
from core.work import NoWorkers
from feeds.models import Notice
from feeds.notices import submit_notice
from subscriptions import arrivals, residents
from subscriptions.arrivals import Newcomer
from subscriptions.models import Arrival, ArrivalKind, ArrivalState, Resident, ResidentState
from tests.support.alerts import BY_LINE
from tests.support.engine import make_notice, small_city
from tests.support.races import Act, one_in_the_others_way

NOW = datetime(2026, 6, 15, 3, 0, tzinfo=UTC)
CITY = small_city()
SOME = Password("nobody signs in with it")
USER = f"U{1:032x}"


def delivery(state: DeliveryState, reason: Reason | None = None) -> Delivery:
    return Delivery(
        channel="line",
        state=state,
        priority=Priority.ROUTINE,
        reason=reason,
        planning_done=True,
        created_by="test",
        created_at=NOW,
    )


def draft() -> AlertDraft:
    return AlertDraft(
        topic="evacuation",
        level=4,
        whole_city=True,
        drill=True,
        texts={"ja": {"title": "訓練", "text": "これは避難の訓練です。"}},
        written_by="author",
        edited_by="author",
        created_at=NOW,
        updated_at=NOW,
    )


def held() -> Notice:
    return make_notice(now=NOW, decision=Decision.HOLD, decided_by="rule:flood")


def person(name: str, role: Role = Role.ADMIN) -> Staff:
    return Staff(email=name, roles=(role,), password_hash="x", created_at=NOW)


def resident(state: ResidentState) -> Resident:
    return Resident(line_user_id=USER, state=state, language="ja", followed_at=NOW, updated_at=NOW)


def stop(session: AsyncSession) -> Awaitable[Any]:
    return outbox.stop(session, 1, dispatch_reason("delivery.stopped", name="somebody"))


def pause(session: AsyncSession) -> Awaitable[Any]:
    return outbox.pause(session, 1, dispatch_reason("delivery.paused", name="somebody"))


def resume(session: AsyncSession) -> Awaitable[Any]:
    return outbox.resume(session, 1)


def finish_delivery(session: AsyncSession) -> Awaitable[Any]:
    return outbox.finish_if_done(session, 1)


def release(session: AsyncSession) -> Awaitable[Any]:
    kind = delivery(DeliveryState.PAUSED).kind
    return restored.release(session, NoWorkers(), kind, "one", NOW, send=True)


def drop_released(session: AsyncSession) -> Awaitable[Any]:
    kind = delivery(DeliveryState.PAUSED).kind
    return restored.release(session, NoWorkers(), kind, "other", NOW, send=False)


def discard(session: AsyncSession) -> Awaitable[Any]:
    return drafts.discard(session, 1, 1, actor="one", now=NOW)


def confirm(session: AsyncSession) -> Awaitable[Any]:
    return drafts.confirm(session, 1, 1, CITY, actor="other", now=NOW)


def change(session: AsyncSession) -> Awaitable[Any]:
    words = {"ja": ("訓練", "これは別の訓練です。")}
    written = drafts.Written("evacuation", 4, whole_city=True, areas=(), texts=words)
    return drafts.change(session, 1, written, CITY, actor="other", now=NOW)


WHY = "別の放送で伝えたため、ここでは出さない"


def decide(decision: Decision, actor: str) -> Act:
    return lambda session: held_notices.decide(
        session,
        NoWorkers(),
        CITY,
        BY_LINE,
        1,
        decision,
        typed=None,
        reason=WHY,
        actor=actor,
        now=NOW,
    )


def told_by_a_rule(session: AsyncSession) -> Awaitable[Any]:
    async def publish(_session: AsyncSession, _notice: Notice) -> None:
        raise AssertionError("it was dropped")

    again = make_notice(now=NOW, decision=Decision.SEND, decided_by="rule:topic", identity="news")
    return submit_notice(session, again, publish)


def demote(staff_id: int) -> Act:
    return lambda session: accounts.change_staff(
        session, staff_id, roles=(Role.VIEWER,), active=True, now=NOW, actor="somebody"
    )


def close(staff_id: int) -> Act:
    return lambda session: accounts.change_staff(
        session, staff_id, roles=(Role.ADMIN,), active=False, now=NOW, actor="somebody"
    )


def follow(session: AsyncSession) -> Awaitable[Any]:
    return residents.follow(session, CITY, USER, "ja", NOW)


def unfollow(session: AsyncSession) -> Awaitable[Any]:
    return residents.unfollow(session, CITY, USER, NOW)


def finish_arrival(session: AsyncSession) -> Awaitable[Any]:
    return arrivals.finish(session, 1, NOW)


def undo_arrival(session: AsyncSession) -> Awaitable[Any]:
    return arrivals.undo(session, 1, NOW, actor="somebody")


def take_in(session: AsyncSession) -> Awaitable[Any]:
    return arrivals.take_in(session, CITY, 1, [Newcomer(USER)], NOW)


def hire(session: AsyncSession) -> Awaitable[Any]:
    return accounts.add_staff(session, "new@city.example", Role.VIEWER, SOME, now=NOW)


def seen(session: AsyncSession) -> Awaitable[Any]:
    return restored.note_seen(session, "somebody", NOW)


@dataclass(frozen=True)
class Race:
    """Initial rows; first and second act; the result of the second; the final state.

    ``given`` is a value, or the kind of error that the second gets.
    """

    rows: Callable[[], list[SQLModel]]
    first: Act
    second: Act
    given: object
    ends: dict[type[SQLModel], list[tuple[str, object]]]


def arrival() -> list[SQLModel]:
    return [Arrival(kind=ArrivalKind.FILE, actor="test", started_at=NOW)]


def deliveries(*ends: object) -> dict[type[SQLModel], list[tuple[str, object]]]:
    return {Delivery: [("state", end) for end in ends]}


def _delivery(state: DeliveryState, reason: Reason | None = None) -> Callable[[], list[SQLModel]]:
    return lambda: [delivery(state, reason)]


STOPPED, PAUSED, SENDING = DeliveryState.STOPPED, DeliveryState.PAUSED, DeliveryState.SENDING
RACES = {
    "stopped, then resumed": Race(_delivery(PAUSED), stop, resume, False, deliveries(STOPPED)),
    "resumed, then stopped": Race(_delivery(PAUSED), resume, stop, True, deliveries(STOPPED)),
    "stopped, then paused": Race(_delivery(SENDING), stop, pause, False, deliveries(STOPPED)),
    "paused, then stopped": Race(_delivery(SENDING), pause, stop, True, deliveries(STOPPED)),
    "stopped, then done": Race(
        _delivery(SENDING), stop, finish_delivery, False, deliveries(STOPPED)
    ),
    "done, then stopped": Race(
        _delivery(SENDING), finish_delivery, stop, False, deliveries(DeliveryState.DONE)
    ),
    "done, then paused": Race(
        _delivery(SENDING), finish_delivery, pause, False, deliveries(DeliveryState.DONE)
    ),
    "stopped twice": Race(_delivery(SENDING), stop, stop, False, deliveries(STOPPED)),
    "released after a restore, then dropped": Race(
        _delivery(PAUSED, RESTORED), release, drop_released, 0, deliveries(DeliveryState.DONE)
    ),
    "dropped after a restore, then released": Race(
        _delivery(PAUSED, RESTORED), drop_released, release, 0, deliveries(STOPPED)
    ),
    "a draft thrown away, then confirmed": Race(
        lambda: [draft()], discard, confirm, Refusal, {AlertDraft: [("confirmed_by", None)]}
    ),
    "a draft thrown away, then saved": Race(
        lambda: [draft()], discard, change, Refusal, {AlertDraft: [("version", 1)]}
    ),
    "a draft saved, then thrown away": Race(
        lambda: [draft()], change, discard, Refusal, {AlertDraft: [("discarded_at", None)]}
    ),
    "a draft saved, then confirmed": Race(
        lambda: [draft()], change, confirm, Refusal, {AlertDraft: [("confirmed_by", None)]}
    ),
    "a held notice dropped, then published": Race(
        lambda: [held()],
        decide(Decision.DROP, "one"),
        decide(Decision.PUBLISH, "other"),
        Refusal,
        {Notice: [("decision", Decision.DROP)]},
    ),
    "a held notice published, then dropped": Race(
        lambda: [held()],
        decide(Decision.PUBLISH, "one"),
        decide(Decision.DROP, "other"),
        Refusal,
        {Notice: [("decision", Decision.PUBLISH)]},
    ),
    "a held notice dropped, then told by a rule": Race(
        lambda: [
            make_notice(now=NOW, decision=Decision.HOLD, decided_by="rule:default", identity="news")
        ],
        decide(Decision.DROP, "one"),
        told_by_a_rule,
        None,
        {Notice: [("decision", Decision.DROP)]},
    ),
    "administrators who demote each other": Race(
        lambda: [person("one"), person("two")],
        demote(1),
        demote(2),
        Refusal,
        {Staff: [("roles", (Role.VIEWER,)), ("roles", (Role.ADMIN,))]},
    ),
    "administrators who close each other": Race(
        lambda: [person("one"), person("two")],
        close(2),
        close(1),
        Refusal,
        {Staff: [("active", True), ("active", False)]},
    ),
    "one demoted, the other closed": Race(
        lambda: [person("one"), person("two")],
        demote(2),
        close(1),
        Refusal,
        {Staff: [("active", True), ("roles", (Role.VIEWER,))]},
    ),
    "three, of whom two are closed by each other": Race(
        lambda: [person("one"), person("two"), person("three")],
        close(1),
        close(2),
        None,
        {Staff: [("active", False), ("active", False), ("active", True)]},
    ),
    "an account made twice": Race(
        list, hire, hire, Refusal, {Staff: [("email", "new@city.example")]}
    ),
    "a resident who left, then came back": Race(
        lambda: [resident(ResidentState.FOLLOWING)],
        unfollow,
        follow,
        None,
        {Resident: [("state", ResidentState.FOLLOWING)]},
    ),
    "a resident who came back, then left": Race(
        lambda: [resident(ResidentState.LEFT)],
        follow,
        unfollow,
        None,
        {Resident: [("state", ResidentState.LEFT)]},
    ),
    "a resident who came twice": Race(
        list, follow, follow, None, {Resident: [("state", ResidentState.FOLLOWING)]}
    ),
    "an import undone, then ended": Race(
        arrival, undo_arrival, finish_arrival, BadInput, {Arrival: [("state", ArrivalState.UNDONE)]}
    ),
    "an import ended, then undone": Race(
        arrival, finish_arrival, undo_arrival, None, {Arrival: [("state", ArrivalState.UNDONE)]}
    ),
    "an import undone while it takes people in": Race(
        arrival, undo_arrival, take_in, BadInput, {Resident: []}
    ),
    "an import that takes people in while it is undone": Race(
        arrival, take_in, undo_arrival, None, {Resident: []}
    ),
    "a restore seen twice": Race(
        lambda: [RestoreHold(id=1, until=NOW, restored_at=NOW)],
        seen,
        seen,
        None,
        {AuditEntry: [("action", "restore.seen")]},
    ),
}


@pytest.mark.parametrize("name", RACES)
async def test_the_second_of_two_sees_what_the_first_did(database: Database, name: str) -> None:
    race = RACES[name]
    async with database.writing() as session:
        for row in race.rows():
            session.add(row)
            await session.flush()
    first, second = await one_in_the_others_way(database, race.first, race.second)
    assert not isinstance(first, Exception), first
    if isinstance(race.given, type):
        assert isinstance(second, race.given), second
    else:
        assert not isinstance(second, Exception), second
        assert race.given in (None, second)
    async with database.reading() as session:
        for table, ends in race.ends.items():
            key: Any = table
            rows = list(await session.scalars(select(table).order_by(col(key.id))))
            assert [getattr(row, e[0]) for row, e in zip(rows, ends, strict=True)] == [
                end for _, end in ends
            ]


async def test_strangers_who_try_first_at_the_same_moment_are_both_counted(
    database: Database,
) -> None:
    limits = Limits.of(Origin("203.0.113.9"), "duty@city.example", None)

    async def count(session: AsyncSession) -> None:
        await limits.count(session, NOW)
        await note_failure(session, Origin("203.0.113.9"), NOW)

    assert await one_in_the_others_way(database, count, count) == (None, None)
    async with database.reading() as session:
        rows = list(await session.scalars(select(SignInAttempts)))
    assert rows and {row.count for row in rows} == {2}


def outcome(state: BatchState) -> outbox.BatchOutcome:
    return outbox.BatchOutcome(
        batch_id=1,
        delivery_id=1,
        state=state,
        attempts=1,
        size=1,
        at=NOW,
        first_tried_at=NOW,
        not_before=NOW + timedelta(seconds=5) if state is BatchState.WAITING else None,
    )


@pytest.mark.parametrize(
    ("was", "told", "ends"),
    [
        (BatchState.SENDING, BatchState.WAITING, BatchState.WAITING),
        (BatchState.SENDING, BatchState.SENT, BatchState.SENT),
        (BatchState.SENDING, BatchState.FAILED, BatchState.FAILED),
        # Given up meanwhile: it does not wait again, but what LINE took is known to be taken.
        (BatchState.SKIPPED, BatchState.WAITING, BatchState.SKIPPED),
        (BatchState.SKIPPED, BatchState.FAILED, BatchState.SKIPPED),
        (BatchState.SKIPPED, BatchState.SENT, BatchState.SENT),
        # Two workers had it, and one of them knows that it arrived.
        (BatchState.SENT, BatchState.WAITING, BatchState.SENT),
        (BatchState.SENT, BatchState.FAILED, BatchState.SENT),
    ],
)
async def test_what_becomes_of_a_batch_undoes_no_end(
    database: Database, was: BatchState, told: BatchState, ends: BatchState
) -> None:
    async with database.writing() as session:
        session.add(delivery(DeliveryState.SENDING))
        await session.flush()
        session.add(Variant(delivery_id=1, language="ja", digest="", messages=b"[]"))
        await session.flush()
        session.add(
            Batch(
                delivery_id=1,
                variant_id=1,
                retry_key="x",
                endpoint="multicast",
                size=1,
                members=b"\x01\0\0\0",
                state=was,
            )
        )
    async with database.writing() as session:
        await outbox.record_outcomes(session, [outcome(told)])
    async with database.reading() as session:
        assert (await session.get_one(Batch, 1)).state is ends


def unknown_send(state: UnknownState) -> UnknownSend:
    return UnknownSend(
        delivery_id=1,
        way=Way.BROADCAST,
        state=state,
        messages=b"[]",
        narrowcast_key="a",
        broadcast_key="b",
        created_by="test",
        created_at=NOW,
    )


@pytest.mark.parametrize(
    ("read", "stands", "told", "is_fact", "ends"),
    [
        (UnknownState.SENDING, UnknownState.DONE, UnknownState.WAITING, False, UnknownState.DONE),
        (UnknownState.SENDING, UnknownState.DONE, UnknownState.FAILED, False, UnknownState.DONE),
        (UnknownState.SENDING, UnknownState.STOPPED, UnknownState.DONE, True, UnknownState.DONE),
        (UnknownState.ACCEPTED, UnknownState.DONE, UnknownState.FAILED, False, UnknownState.DONE),
        (UnknownState.SENDING, UnknownState.SENDING, UnknownState.DONE, True, UnknownState.DONE),
    ],
)
async def test_what_becomes_of_an_order_to_the_unknown_undoes_no_end(
    database: Database,
    read: UnknownState,
    stands: UnknownState,
    told: UnknownState,
    is_fact: bool,
    ends: UnknownState,
) -> None:
    async with database.writing() as session:
        session.add(delivery(DeliveryState.SENDING))
        await session.flush()
        session.add(unknown_send(stands))
    nothing: Any = None
    line: LineClient = nothing
    sender = UnknownSender(database, ManualClock(NOW), NoWorkers(), line, nothing, nothing)
    written = await sender._set(unknown_send(read), is_fact=is_fact, state=told)
    assert written is (ends is told)
    async with database.reading() as session:
        assert (await session.get_one(UnknownSend, 1)).state is ends
