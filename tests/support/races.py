"""Two people who do something at once, in two transactions on the same rows."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from city.context import Context
from core.database import Database
from core.work import NoWorkers

Act = Callable[[AsyncSession], Awaitable[Any]]

_WAITS = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
    "AND wait_event_type = 'Lock'"
)


async def one_in_the_others_way(database: Database, first: Act, second: Act) -> tuple[Any, Any]:
    """Do ``first``, then ``second`` before the first has committed; return what each gave.

    The first commits as soon as the second waits for it, or has ended without having to. On
    SQLite the second waits at its beginning. An error is returned, not raised.
    """
    begun = asyncio.Event()

    async def later() -> Any:
        await begun.wait()
        try:
            async with database.writing() as session:
                return await second(session)
        except Exception as error:
            return error

    other = asyncio.create_task(later())
    try:
        async with database.writing() as session:
            given = await first(session)
            await session.flush()
            begun.set()
            await until_it_waits(database, other)
    except Exception as error:
        given = error
        begun.set()
    async with asyncio.timeout(30):
        return given, await other


async def two_runs(
    context: Context, run: Callable[[Context], Coroutine[Any, Any, int]]
) -> tuple[int, int]:
    """Run a rule in two processes at once; return what each gave.

    The second begins when the first has queued its first message and has not committed.
    """
    queue = _SecondRun(lambda: run(replace(context, queue=NoWorkers())), context.database)
    given = await run(replace(context, queue=queue))
    assert queue.other is not None, "the first run queued nothing"
    async with asyncio.timeout(30):
        return given, await queue.other


class _SecondRun(NoWorkers):
    """A queue that begins another run at its first piece of work."""

    def __init__(self, run: Callable[[], Coroutine[Any, Any, int]], database: Database) -> None:
        self._run, self._database = run, database
        self.other: asyncio.Task[int] | None = None

    async def put(self, *args: Any, **options: Any) -> None:
        if self.other is None:
            self.other = asyncio.create_task(self._run())
            await until_it_waits(self._database, self.other)


async def until_it_waits(database: Database, other: asyncio.Task[Any]) -> None:
    if database.is_sqlite:
        return
    async with asyncio.timeout(30):
        while not other.done():
            async with database.reading() as session:
                if await session.scalar(_WAITS):
                    return
            await asyncio.sleep(0)
