"""Two people who do something at once, in two transactions on the same rows."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.database import Database

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
            await _in_the_way(database, other)
    except Exception as error:
        given = error
        begun.set()
    async with asyncio.timeout(30):
        return given, await other


async def _in_the_way(database: Database, other: asyncio.Task[Any]) -> None:
    if database.is_sqlite:
        return
    async with asyncio.timeout(30):
        while not other.done():
            async with database.reading() as session:
                if await session.scalar(_WAITS):
                    return
            await asyncio.sleep(0)
