"""What everything stored relies on, on both databases."""

from __future__ import annotations

import asyncio
import sqlite3
import types
from collections.abc import Collection, Coroutine, Generator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, text, update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlmodel import col

from core.audit import record
from core.clock import ManualClock
from core.database import CHECKPOINT_COMMITS, Database, Turns
from core.sqlite_connection import AT_ONCE
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
        await session.execute(select(col(Resident.id)).order_by(col(Resident.id)))
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


async def test_an_error_of_the_database_does_not_say_what_was_to_be_stored(
    database: Database,
) -> None:
    with pytest.raises(SQLAlchemyError) as failed:
        async with database.writing() as session:
            await session.execute(text("INSERT INTO nowhere VALUES (:hash)"), {"hash": "s3cret"})
    assert "s3cret" not in str(failed.value)


async def test_the_log_of_sqlite_is_worked_off_while_others_go_on(
    database: Database, clock: ManualClock, tmp_path: Path
) -> None:
    """The commit that makes it long does not wait for the disk itself."""
    if not database.is_sqlite:
        pytest.skip("the log is SQLite's")
    for number in range(CHECKPOINT_COMMITS):
        async with database.writing() as session:
            await record(
                session, clock.now(), actor="a", action="note.made", subject=f"note:{number}"
            )
    assert database._checkpoint is not None
    await database._checkpoint
    alone = tmp_path / "alone.sqlite3"
    alone.write_bytes(Path(database.url.database or "").read_bytes())
    with closing(sqlite3.connect(alone)) as connection:
        found = connection.execute("SELECT count(*) FROM audit").fetchone()
    assert found == (CHECKPOINT_COMMITS,)


async def test_who_goes_first_waits_for_one_other_and_keeps_nobody_waiting_for_ever() -> None:
    """Webhooks are stored before what else waits to be written, and the rest gets its turns."""
    turns, order = Turns(), []

    async def act(name: str, *, first: bool) -> None:
        await turns.take(first=first)
        try:
            order.append(name)
            await asyncio.sleep(0)
        finally:
            turns.leave()

    names = ["a", "b", "c", "W1", "W2", "W3", "d"]
    acts = [asyncio.create_task(act(name, first=name.startswith("W"))) for name in names]
    await asyncio.gather(*acts)
    assert order == ["a", "W1", "b", "W2", "c", "W3", "d"]


async def test_a_turn_is_handed_on_by_who_does_not_want_it_any_more() -> None:
    turns, order = Turns(), []

    async def act(name: str) -> None:
        await turns.take()
        order.append(name)
        turns.leave()

    await turns.take()
    gone, late, last = (asyncio.create_task(act(name)) for name in ("gone", "late", "last"))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.sleep(0)
    turns.leave()
    # It has the turn already, and has not heard of it.
    late.cancel()
    await asyncio.wait([last], timeout=5)
    assert order == ["last"]
    assert gone.cancelled()
    assert late.cancelled()


async def test_a_cursor_of_sqlite_gives_all_rows_however_they_are_asked_for(
    tmp_path: Path,
) -> None:
    """Rows that come with the answer and rows that come later are one list, in order."""
    numbers = list(range(AT_ONCE * 2 + 10))
    database = Database(f"sqlite:///{tmp_path}/todoke.sqlite3")
    async with database.writing() as session:
        await session.execute(text("CREATE TABLE numbers (number INTEGER PRIMARY KEY)"))
        given = [{"number": number} for number in numbers]
        await session.execute(text("INSERT INTO numbers VALUES (:number)"), given)
    select_all = text("SELECT number FROM numbers ORDER BY number")
    for wanted in (0, 1, AT_ONCE - 1, AT_ONCE, AT_ONCE + 1, AT_ONCE * 2, len(numbers)):
        async with database.reading() as session:
            limited = text(f"SELECT number FROM numbers ORDER BY number LIMIT {wanted}")
            assert list(await session.scalars(limited)) == numbers[:wanted]
    async with database.reading() as session:
        streamed = await session.stream_scalars(select_all)
        assert [number async for number in streamed] == numbers
        streamed = await session.stream_scalars(select_all)
        assert await streamed.fetchmany(3) == numbers[:3]
        assert await streamed.fetchmany(AT_ONCE) == numbers[3 : AT_ONCE + 3]
        assert await streamed.fetchall() == numbers[AT_ONCE + 3 :]
    async with database.writing() as session:
        more = "INSERT INTO numbers SELECT number + 1000 FROM numbers RETURNING number"
        assert len((await session.execute(text(more))).all()) == len(numbers)
    async with database.reading() as session:
        assert await session.scalar(text("SELECT count(*) FROM numbers")) == 2 * len(numbers)
    await database.close()


async def test_a_stream_that_is_left_in_the_middle_holds_nothing(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/todoke.sqlite3")
    async with database.writing() as session:
        await session.execute(text("CREATE TABLE numbers (number INTEGER PRIMARY KEY)"))
        given = [{"number": number} for number in range(AT_ONCE * 3)]
        await session.execute(text("INSERT INTO numbers VALUES (:number)"), given)
    async with database.reading() as session:
        streamed = await session.stream_scalars(text("SELECT number FROM numbers"))
        assert await streamed.fetchmany(2) == [0, 1]
    async with database.writing() as session:
        await session.execute(text("DROP TABLE numbers"))
    await database.close()
