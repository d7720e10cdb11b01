"""What everything stored relies on, on both databases."""

from __future__ import annotations

import asyncio
import types
from collections.abc import Collection, Coroutine, Generator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from core.audit import AuditEntry, first_broken, record
from core.clock import ManualClock
from core.database import Database
from subscriptions.models import Resident, ResidentState, Subscription

USER = "U" + "0" * 32


async def test_a_moment_comes_back_as_the_same_moment_in_utc(
    database: Database, clock: ManualClock
) -> None:
    async with database.writing() as session:
        session.add(
            Resident(
                line_user_id=USER, language="my", followed_at=clock.now(), updated_at=clock.now()
            )
        )
    async with database.reading() as session:
        resident = (await session.scalars(select(Resident))).one()
    assert resident.followed_at == datetime(2026, 6, 15, 3, 0, tzinfo=UTC)
    assert resident.state is ResidentState.FOLLOWING


async def test_foreign_keys_are_on(database: Database) -> None:
    with pytest.raises(IntegrityError):
        async with database.writing() as session:
            session.add(Subscription(topic="weather", resident_id=4711))


async def test_promise_7_the_audit_trail_shows_tampering(
    database: Database, clock: ManualClock
) -> None:
    async with database.writing() as session:
        for number in range(5):
            await record(
                session, clock.now(), actor="a@city", action="alert.sent", subject=str(number)
            )
    async with database.reading() as session:
        assert await first_broken(session) is None
    async with database.writing() as session:
        entry = (await session.scalars(select(AuditEntry).where(AuditEntry.id == 3))).one()
        entry.actor = "somebody.else@city"
    async with database.reading() as session:
        assert await first_broken(session) == 3


@types.coroutine
def cancelled_at(
    points: Collection[int], work: Coroutine[Any, Any, Any], seen: list[int], *, late: bool
) -> Generator[Any, Any, None]:
    """Do ``work`` in the current task and cancel it where it waits for these times, from 1.

    ``late``: not as it begins to wait, but as what it waits for comes. How often it waited is
    put into ``seen``.
    """
    task = asyncio.current_task()
    assert task is not None
    step, trouble = 0, None
    while True:
        try:
            waits_for = work.send(None) if trouble is None else work.throw(trouble)
        except StopIteration:
            return
        finally:
            seen[:] = [step]
        step, trouble = step + 1, None
        if step in points:
            if late and isinstance(waits_for, asyncio.Future):
                waits_for.add_done_callback(lambda _: task.cancel())
            else:
                task.cancel()
        try:
            yield waits_for
        except BaseException as error:
            trouble = error


async def read_and_write(database: Database) -> None:
    async with database.writing() as session:
        await session.execute(update(Resident).values(language="ja"))
        await session.execute(select(Resident.id).order_by(Resident.id))
        await session.execute(update(Resident).values(language="my"))


@pytest.mark.parametrize("again_after", [0, 1, 2], ids=lambda n: f"and-again-after-{n}")
@pytest.mark.parametrize("late", [False, True], ids=["at-once", "late"])
@pytest.mark.parametrize("taken", [False, True], ids=["free", "while-another-writes"])
async def test_a_write_that_is_cancelled_anywhere_keeps_nobody_else_from_writing(
    database: Database, clock: ManualClock, taken: bool, late: bool, again_after: int
) -> None:
    async with database.writing() as session:
        moments = {"followed_at": clock.now(), "updated_at": clock.now()}
        await session.execute(
            insert(Resident),
            [
                {"line_user_id": f"U{number:032x}", "language": "ja", **moments}
                for number in range(300)
            ],
        )
    other = Database(database.url.render_as_string(hide_password=False))
    # What was raised is kept, as a log or a debugger would keep it, with all it refers to.
    kept: list[Any] = []
    point, last = 0, [10**6]
    while point < last[0]:
        point += 1
        points = {point, point + again_after}
        holding, release = asyncio.Event(), asyncio.Event()

        async def hold(holding: asyncio.Event, release: asyncio.Event) -> None:
            async with other.writing() as session:
                await session.execute(update(Resident).values(language="en"))
                holding.set()
                await release.wait()

        holder = asyncio.create_task(hold(holding, release)) if taken else None
        if holder is not None:
            await holding.wait()
        write = asyncio.create_task(cancelled_at(points, read_and_write(database), last, late=late))
        if holder is not None:
            for _ in range(10 * point):
                await asyncio.sleep(0)
            release.set()
            await holder
        kept += await asyncio.gather(write, return_exceptions=True)
        async with asyncio.timeout(3):
            await read_and_write(other)
            await read_and_write(database)
    assert any(isinstance(each, asyncio.CancelledError) for each in kept)
    assert point > 5
    await other.close()
