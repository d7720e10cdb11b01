"""One of several: a lock that only one process holds, for what must not be done twice.

On PostgreSQL it is an advisory lock of a connection that is kept open; it falls free with the
process, however that ends. On SQLite, where all processes are on one machine, it is a lock on
a file beside the database.
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


class Leader:
    """Leads while it can: asks for the lock again whenever it does not hold it.

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
        """Whether this process is the one, now."""
        async with self._one_asks:
            if self._holds is not None and await self._holds():
                return True
            if self._holds is not None:
                log.warning("no longer leading", name=self._name)
            self._holds = None
            await self._stack.aclose()
            try:
                holds = await self._stack.enter_async_context(try_lead(self._database, self._name))
            except DBAPIError as error:
                log.warning("cannot ask for the lead", name=self._name, error=str(error))
                return False
            if not await holds():
                await self._stack.aclose()
                return False
            log.info("leading", name=self._name)
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
