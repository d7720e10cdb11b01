"""A lock that only one of several processes holds, for work that must not run twice.

On PostgreSQL it is an advisory lock of an open connection; it is released when the process ends,
however it ends. On SQLite, where all processes are on one machine, it is a lock on a file next to
the database.
"""

from __future__ import annotations

import asyncio
import fcntl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import structlog
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from core.database import Database

log = structlog.get_logger(__name__)


@asynccontextmanager
async def try_lead(database: Database, name: str) -> AsyncIterator[Callable[[], Awaitable[bool]]]:
    """Try to hold the lock ``name`` until the end of the block.

    Yields a function that says whether we lead, and still do. A database in memory has one
    process, which leads.
    """
    if database.is_sqlite:
        with file_lock(database.url.database, name) as leads:

            async def holds() -> bool:
                return leads

            yield holds
        return
    async with database.engine.connect() as connection:
        # Without an open transaction, which would block the vacuum.
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


class Leader:
    """Tries to lead: asks for the lock again whenever it does not have it.

    Use: ``async with Leader(database) as leader: …``, and before each act
    ``if await leader.leads(): …``.
    """

    def __init__(self, database: Database, name: str = "scheduler") -> None:
        self._database = database
        self._name = name
        self._stack = AsyncExitStack()
        self._holds: Callable[[], Awaitable[bool]] | None = None
        self._one_asks = asyncio.Lock()

    async def leads(self) -> bool:
        """Whether this process holds the lock now."""
        async with self._one_asks:
            if self._holds is not None and await self._holds():
                return True
            if self._holds is not None:
                log.warning("leader.lost", name=self._name)
            self._holds = None
            await self._stack.aclose()
            try:
                holds = await self._stack.enter_async_context(try_lead(self._database, self._name))
            except DBAPIError as error:
                log.warning("leader.unread", name=self._name, reason=str(error))
                return False
            if not await holds():
                await self._stack.aclose()
                return False
            log.info("leader.elected", name=self._name)
            self._holds = holds
            return True

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._holds = None
        await self._stack.aclose()


@contextmanager
def file_lock(place: str | None, name: str) -> Iterator[bool]:
    """Lock a file next to the database at ``place``; yield whether it was free."""
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
