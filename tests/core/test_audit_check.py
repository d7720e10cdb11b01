"""Promise 7: the audit trail shows tampering, and the check delays nobody."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlmodel import col, select

from core import audit_check
from core.audit import GENESIS, AuditCheck, AuditEntry, entry_hash, record
from core.audit_check import (
    ask_for_whole,
    check_new,
    check_while_waiting,
    check_whole,
    keep_checked,
    state,
)
from core.clock import ManualClock
from core.database import Database


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_check, "CHUNK", 3)
    monkeypatch.setattr(audit_check, "NOTED", 3)


async def write(database: Database, clock: ManualClock, entries: int = 10) -> None:
    async with database.writing() as session:
        for number in range(entries):
            await record(
                session,
                clock.now(),
                actor="a@city",
                action="alert.sent",
                subject=f"notice:{number}",
                n=1,
            )


async def tamper(database: Database, statement: str) -> None:
    async with database.writing() as session:
        await session.execute(text(statement))


@contextmanager
def entries_read(database: Database) -> Iterator[list[int]]:
    """The ids from which on the trail is read meanwhile, one for each chunk."""
    seen: list[int] = []

    def note(
        _connection: object, _cursor: object, statement: str, parameters: Any, *_: object
    ) -> None:
        if "audit.actor" in statement and "FROM audit" in statement:
            values = parameters.values() if isinstance(parameters, dict) else parameters
            seen.append(next(iter(values)))

    engine = database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


@pytest.mark.parametrize(
    ("statement", "broken"),
    [
        ("UPDATE audit SET actor = 'somebody.else@city' WHERE id = 3", 3),
        ("UPDATE audit SET detail = '{\"n\": 2}' WHERE id = 1", 1),
        ("UPDATE audit SET at = '2020-01-01 00:00:00' WHERE id = 10", 10),
        ("DELETE FROM audit WHERE id = 5", 6),
        ("DELETE FROM audit WHERE id = 1", 2),
    ],
)
async def test_promise_7_the_audit_trail_shows_tampering(
    database: Database, clock: ManualClock, statement: str, broken: int
) -> None:
    await write(database, clock)
    known = await check_whole(database, clock)
    assert (known.broken, known.through) == (None, 10)
    assert known.whole_at == clock.now()
    await tamper(database, statement)
    # Above the last entry that was right, or before it: what was seen once is read again.
    assert (await check_whole(database, clock)).broken == broken
    assert (await state(database)).broken == broken


async def test_entries_cut_off_at_the_end_are_missed(
    database: Database, clock: ManualClock
) -> None:
    await write(database, clock)
    await check_new(database, clock)
    await tamper(database, "DELETE FROM audit WHERE id > 7")
    assert (await check_new(database, clock)).broken == 10
    assert (await check_whole(database, clock)).broken == 10


async def test_a_chain_that_was_made_anew_from_a_changed_entry_on_shows(
    database: Database, clock: ManualClock
) -> None:
    await write(database, clock)
    await check_new(database, clock)
    async with database.writing() as session:
        previous = GENESIS
        for entry in await session.scalars(select(AuditEntry).order_by(col(AuditEntry.id))):
            entry.actor = "nobody@city" if entry.id == 4 else entry.actor
            entry.previous_hash = previous
            entry.hash = entry.expected_hash()
            previous = entry.hash
            session.add(entry)
    assert (await check_whole(database, clock)).broken == 10


async def test_what_was_read_before_is_not_read_again(
    database: Database, clock: ManualClock
) -> None:
    await write(database, clock)
    await check_new(database, clock)
    await write(database, clock, 2)
    with entries_read(database) as seen:
        assert (await check_new(database, clock)).through == 12
    assert min(seen) == 10


async def test_tampering_with_what_was_read_before_shows_the_next_night(
    database: Database, clock: ManualClock
) -> None:
    await write(database, clock)
    await keep_checked(database, clock)
    await tamper(database, "UPDATE audit SET subject = 'x' WHERE id = 2")
    await clock.advance(60)
    await keep_checked(database, clock)
    assert (await state(database)).broken is None
    await clock.advance(timedelta(days=1).total_seconds())
    await keep_checked(database, clock)
    assert (await state(database)).broken == 2
    # It stays broken, whatever is found right behind it.
    await write(database, clock, 2)
    await keep_checked(database, clock)
    assert (await state(database)).broken == 2


async def test_a_check_that_was_broken_off_goes_on_where_it_was(
    database: Database, clock: ManualClock
) -> None:
    await write(database, clock)

    def end(through: int) -> None:
        if through > 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await check_whole(database, clock, noted=end)
    with entries_read(database) as seen:
        await keep_checked(database, clock)
    assert min(seen) > 1
    known = await state(database)
    assert (known.whole_since, known.through, known.broken) == (None, 10, None)


async def test_staff_who_ask_have_the_whole_read_again(
    database: Database, clock: ManualClock
) -> None:
    await write(database, clock)
    await keep_checked(database, clock)
    await tamper(database, "UPDATE audit SET subject = 'x' WHERE id = 2")
    await ask_for_whole(database, clock.now())
    await keep_checked(database, clock)
    assert (await state(database)).broken == 2


async def test_who_waits_for_a_page_has_only_so_many_entries_read(
    database: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_check, "SMALL", 6)
    await write(database, clock, 20)
    known = await check_while_waiting(database, clock)
    assert 0 < known.through <= 7
    assert known.checked_at is None
    await keep_checked(database, clock)
    known = await check_while_waiting(database, clock)
    assert (known.through, known.checked_at) == (20, clock.now())


async def test_an_entry_that_cannot_be_read_is_one_that_does_not_fit(
    database: Database, clock: ManualClock
) -> None:
    if not database.is_sqlite:
        pytest.skip("PostgreSQL stores nothing that is none")
    await write(database, clock)
    await tamper(database, "UPDATE audit SET detail = '{' WHERE id = 8")
    assert (await check_whole(database, clock)).broken == 8
    await tamper(database, "UPDATE audit SET at = 'yesterday' WHERE id = 5")
    assert (await check_whole(database, clock)).broken == 5


async def test_an_empty_trail_is_whole(database: Database, clock: ManualClock) -> None:
    known = await check_while_waiting(database, clock)
    assert (known.broken, known.through) == (None, 0)
    assert isinstance(known, AuditCheck)


def test_an_entry_is_chained_by_the_one_before_it(clock: ManualClock) -> None:
    one = entry_hash(GENESIS, clock.now(), "a", "b", "c", {})
    assert one != entry_hash("1" * 64, clock.now(), "a", "b", "c", {})
