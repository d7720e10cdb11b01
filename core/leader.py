"""One of several: a lock that only one process holds, for what must not be done twice.

On PostgreSQL it is an advisory lock of a connection that is kept open; it falls free with the
process, however that ends. On SQLite, where all processes are on one machine, it is a lock on
a file beside the database.
"""

from __future__ import annotations

import asyncio
import fcntl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import structlog
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from core.clock import Clock
from core.database import Database

LOOK_SECONDS = 2.0

log = structlog.get_logger(__name__)


@asynccontextmanager
async def try_lead(database: Database, name: str) -> AsyncIterator[Callable[[], Awaitable[bool]]]:
    """Try to be the one who does ``name``, for the length of the block.

    Yields a function that says whether we lead, and still do. A database in memory has one
    process, which leads.
    """
    if database.is_sqlite:
        with _file_lock(database, name) as leads:

            async def holds() -> bool:
                return leads

            yield holds
        return
    async with database.engine.connect() as connection:
        # Without a transaction that stays open: it would hold back the vacuum.
        connection = await connection.execution_options(isolation_level="AUTOCOMMIT")
        key = {"name": f"todoke.{name}"}
        leads = bool(
            await connection.scalar(text("SELECT pg_try_advisory_lock(hashtext(:name))"), key)
        )

        async def still() -> bool:
            if not leads:
                return False
            try:
                await connection.scalar(text("SELECT 1"))
            except DBAPIError:
                return False
            return True

        try:
            yield still
        finally:
            if leads and await still():
                await connection.execute(text("SELECT pg_advisory_unlock(hashtext(:name))"), key)


async def lead(
    database: Database,
    name: str,
    clock: Clock,
    stop: asyncio.Event,
    work: Callable[[asyncio.Event], Awaitable[None]],
) -> None:
    """Do ``work`` while we are the one who may, and wait for our turn while we are not.

    Parameters
    ----------
    work
        Runs until the event it is given is set: we were told to stop, or lost the lock.
    """
    while not stop.is_set():
        async with try_lead(database, name) as leads:
            if await leads():
                log.info("leading", name=name)
                lost = asyncio.Event()
                working = asyncio.ensure_future(work(lost))
                try:
                    while not stop.is_set() and not working.done() and await leads():
                        await _either(clock, stop, working)
                finally:
                    lost.set()
                await working
        if not stop.is_set():
            await _either(clock, stop)


async def _either(
    clock: Clock, stop: asyncio.Event, working: asyncio.Future[None] | None = None
) -> None:
    """Wait a while, or less when told to stop or when the work ends."""
    nap = asyncio.ensure_future(clock.sleep(LOOK_SECONDS))
    told = asyncio.ensure_future(stop.wait())
    waited: set[asyncio.Future[object]] = {nap, told}  # type: ignore[arg-type]
    if working is not None:
        waited.add(working)  # type: ignore[arg-type]
    await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
    for each in (nap, told):
        each.cancel()


@contextmanager
def _file_lock(database: Database, name: str) -> Iterator[bool]:
    """Hold a lock on a file beside the database; yields whether it was free."""
    place = database.url.database
    if not place or place == ":memory:":
        yield True
        return
    with Path(f"{place}.{name}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
