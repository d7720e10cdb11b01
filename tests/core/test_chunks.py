"""Many rows are changed a few at a time, and others write between."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, func, select

from core import chunks
from core.audit import AuditEntry, record
from core.chunks import in_chunks, next_size, rows_of
from core.clock import ManualClock
from core.database import Database

KEYS = select(col(AuditEntry.id))


async def fill(database: Database, clock: ManualClock, rows: int) -> None:
    async with database.writing() as session:
        for number in range(rows):
            await record(
                session, clock.now(), actor="a", action="note.made", subject=f"note:{number}"
            )


async def remove(session: AsyncSession, ids: Sequence[int]) -> int:
    return rows_of(await session.execute(delete(AuditEntry).where(col(AuditEntry.id).in_(ids))))


def seconds(each: float) -> Iterator[float]:
    """A clock on which all that is measured takes ``each`` seconds."""
    at = 0.0
    while True:
        yield at
        at += each


async def test_all_rows_are_changed_and_none_twice(database: Database, clock: ManualClock) -> None:
    await fill(database, clock, 120)
    sizes: list[int] = []

    async def change(session: AsyncSession, ids: Sequence[int]) -> int:
        sizes.append(len(ids))
        return await remove(session, ids)

    assert await in_chunks(database, KEYS, change, most=50) == 120
    assert sum(sizes) == 120
    assert max(sizes) <= 50
    async with database.reading() as session:
        assert await session.scalar(select(func.count()).select_from(AuditEntry)) == 0


async def test_slow_transactions_become_smaller(database: Database, clock: ManualClock) -> None:
    await fill(database, clock, 60)
    sizes: list[int] = []
    slow = seconds(chunks.AIM_SECONDS * 5)

    async def change(session: AsyncSession, ids: Sequence[int]) -> int:
        sizes.append(len(ids))
        return await remove(session, ids)

    await in_chunks(database, KEYS, change, timer=lambda: next(slow))
    assert sizes == [50, 10]


async def test_what_nobody_can_change_ends_the_work(database: Database, clock: ManualClock) -> None:
    await fill(database, clock, 3)

    async def refuse(_session: AsyncSession, _ids: Sequence[int]) -> int:
        return 0

    assert await in_chunks(database, KEYS, refuse, most=2) == 0


async def test_who_waits_to_write_goes_between_two_transactions(
    database: Database, clock: ManualClock
) -> None:
    await fill(database, clock, 10)
    waiting: list[asyncio.Task[None]] = []
    done: list[bool] = []

    async def write() -> None:
        async with database.writing() as session:
            await session.execute(delete(AuditEntry).where(col(AuditEntry.id) == -1))

    async def change(session: AsyncSession, ids: Sequence[int]) -> int:
        done.extend(task.done() for task in waiting)
        waiting[:] = [asyncio.create_task(write())]
        # It stands in line before this transaction ends.
        await asyncio.sleep(0)
        return await remove(session, ids)

    await in_chunks(database, KEYS, change, most=2)
    await asyncio.gather(*waiting)
    if database.is_sqlite:
        assert len(done) >= 4 and all(done)


def test_the_next_transaction_never_grows_by_more_than_twice() -> None:
    assert next_size(10, 10, 0.000001, 5_000) == 20
    assert next_size(10, 10, 0.0, 15) == 15
    assert next_size(1_000, 1_000, 100.0, 5_000) == 1
