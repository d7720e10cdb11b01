"""One database, SQLite or PostgreSQL, behind one small class.

SQLite runs in WAL mode with foreign keys on. A transaction that will write says so at its
start (``BEGIN IMMEDIATE``), so that two writers queue instead of one failing half-way.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing, suppress
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import DateTime, Dialect, Enum, String, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, Engine, make_url
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.types import TypeDecorator
from sqlmodel import SQLModel

from core.errors import BadInput
from core.reason import Reason, loaded
from core.sqlite_connection import connect
from core.threads import in_own_thread

BUSY_TIMEOUT_MS = 10_000
CHECKPOINT_COMMITS, CHECKPOINT_SECONDS = 16, 0.3
"""The checkpoint of SQLite's log runs after so many commits, and not more often."""
LONGEST_LOG_PAGES = 16_000
"""Pages (4 KB each) of the log at which a commit itself runs the checkpoint."""
WRITES = {"todoke_writes": True}
DURABLY = {**WRITES, "todoke_durably": True}


class UtcDateTime(TypeDecorator[datetime]):
    """An aware moment, stored in UTC; naive values are refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a stored moment must say its time zone: {value!r}")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class ReasonText(TypeDecorator[Reason]):
    """A column of :class:`core.reason.Reason`, as JSON in a text.

    Parameters
    ----------
    empty
        The value for no reason: "" in a column that must not be NULL.
    """

    impl = String
    cache_ok = True

    def __init__(self, empty: str | None = None) -> None:
        super().__init__()
        self.empty = empty

    def process_bind_param(self, value: Reason | None, dialect: Dialect) -> str | None:
        return self.empty if value is None else value.dumped()

    def process_result_value(self, value: str | None, dialect: Dialect) -> Reason | None:
        return loaded(value) if value else None


def text_enum(members: type[StrEnum]) -> Enum:
    """A column of an enumeration's values as plain text, the same on both databases."""
    return Enum(
        members,
        native_enum=False,
        create_constraint=False,
        length=16,
        values_callable=lambda enumeration: [member.value for member in enumeration],
    )


def insert_into(session: AsyncSession, table: Any) -> Any:
    """Return an INSERT into a table that can say ``on_conflict_…``."""
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    return dialect.insert(table)


def insert_new(
    session: AsyncSession, table: type[SQLModel], unique: Sequence[str], *, where: Any = None
) -> Any:
    """Return an INSERT that leaves an existing row (same ``unique`` columns) as it is.

    ``where`` is the condition of the unique index, if it does not cover all rows.
    """
    return insert_into(session, table).on_conflict_do_nothing(
        index_elements=list(unique), index_where=where
    )


async def add_new(session: AsyncSession, row: object, taken: BadInput) -> None:
    """Store a new row, in the caller's transaction.

    Raises
    ------
    BadInput
        ``taken``: somebody else stored one of the same name at the same moment. What the caller did
        before is still there.
    """
    try:
        async with session.begin_nested():
            session.add(row)
            await session.flush()
    except IntegrityError as error:
        raise taken from error


class Database:
    """The engine and the two ways of using it: reading, and writing in one transaction.

    Parameters
    ----------
    url
        ``sqlite:///path`` or ``postgresql://…``; the asynchronous driver is chosen here.
    pool_size
        Connections kept open (PostgreSQL; SQLite opens as needed).
    """

    def __init__(self, url: str, *, pool_size: int = 8) -> None:
        self.url = _with_driver(make_url(url))
        self._writers: WeakKeyDictionary[asyncio.AbstractEventLoop, Turns] = WeakKeyDictionary()
        self._checkpoint: asyncio.Future[None] | None = None
        self._commits = 0
        self._checkpoint_at = 0.0
        # Errors are logged. The values of the statement (password hashes, LINE ids) must not be.
        options: dict[str, Any] = {"hide_parameters": True}
        if self.is_sqlite:
            if self.url.database and self.url.database != ":memory:":
                Path(self.url.database).parent.mkdir(parents=True, exist_ok=True)
            options["connect_args"] = {
                "timeout": BUSY_TIMEOUT_MS / 1000,
                "async_creator_fn": connect,
            }
        options["pool_size"] = pool_size
        options["max_overflow"] = pool_size
        self.engine: AsyncEngine = create_async_engine(self.url, **options)
        if self.is_sqlite:
            prepare_sqlite(self.engine.sync_engine)

    @property
    def is_sqlite(self) -> bool:
        return self.url.get_backend_name() == "sqlite"

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """A session over one snapshot; its changes are thrown away.

        On PostgreSQL the transaction is REPEATABLE READ; on SQLite every read transaction
        in WAL mode already sees one snapshot.
        """
        async with AsyncSession(self.engine, expire_on_commit=False) as session:
            if not self.is_sqlite:
                await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            yield session

    @asynccontextmanager
    async def writing(
        self, *, durably: bool = False, first: bool = False
    ) -> AsyncIterator[AsyncSession]:
        """A session whose changes are committed at the end, or not at all.

        A commit survives the end of the process. With ``durably`` it survives a power failure as
        well: SQLite then waits for the disk, as PostgreSQL always does. With ``first`` it waits for
        at most one other writer, on a database with one writer.
        """
        async with (
            self._turn_to_write(first),
            AsyncSession(self.engine, expire_on_commit=False) as session,
        ):
            await session.connection(execution_options=DURABLY if durably else WRITES)
            yield session
            await session.commit()
        if self.is_sqlite:
            self._work_off_log()

    def _work_off_log(self) -> None:
        """Run SQLite's checkpoint (log to file) in another thread.

        Otherwise the commit that makes the log long would do it and wait for the disk, and all
        writers would wait too.
        """
        self._commits += 1
        now = time.monotonic()
        running = self._checkpoint is not None and not self._checkpoint.done()
        due = self._commits >= CHECKPOINT_COMMITS
        if running or not due or now < self._checkpoint_at + CHECKPOINT_SECONDS:
            return
        self._commits, self._checkpoint_at = 0, now
        self._checkpoint = in_own_thread(_checkpoint, self.url.database or "")

    @asynccontextmanager
    async def _turn_to_write(self, first: bool) -> AsyncIterator[None]:
        """For SQLite, which has one writer: the writers of this process take turns.

        SQLite itself would let them sleep and retry, up to 100 ms at a time, in no order.
        """
        if not self.is_sqlite:
            yield
            return
        turns = self._writers.setdefault(asyncio.get_running_loop(), Turns())
        await turns.take(first=first)
        try:
            yield
        finally:
            turns.leave()

    async def close(self) -> None:
        if self._checkpoint is not None:
            await asyncio.wait([self._checkpoint])
        await self.engine.dispose()


class Turns:
    """A lock that is granted in order.

    Callers with ``first`` overtake the others. They wait for the current holder. Between two of
    them, one of the others gets its turn, so nobody waits forever.
    """

    def __init__(self) -> None:
        self._taken = False
        self._first_had_it = False
        self._lines: dict[bool, deque[asyncio.Future[None]]] = {True: deque(), False: deque()}

    async def take(self, *, first: bool = False) -> None:
        """Wait for a turn; the caller must leave it again."""
        if not self._taken:
            self._taken, self._first_had_it = True, first
            return
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._lines[first].append(mine)
        try:
            await mine
        except asyncio.CancelledError:
            if not mine.cancelled():
                # The turn was given to a caller that was cancelled.
                self.leave()
            raise

    def leave(self) -> None:
        """Give the turn to the next caller."""
        for line in self._lines.values():
            while line and line[0].cancelled():
                line.popleft()
        first = bool(self._lines[True]) and not (self._first_had_it and self._lines[False])
        if not self._lines[first]:
            self._taken = False
            return
        self._first_had_it = first
        self._lines[first].popleft().set_result(None)


def _checkpoint(file: str) -> None:
    """Run the checkpoint as far as no reader needs an older snapshot; others can write."""
    with suppress(sqlite3.Error), closing(sqlite3.connect(file, timeout=0.0)) as connection:
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)")


def _with_driver(url: URL) -> URL:
    backend = url.get_backend_name()
    return url.set(drivername="sqlite+aiosqlite" if backend == "sqlite" else "postgresql+psycopg")


def prepare_sqlite(engine: Engine) -> None:
    """Begin transactions ourselves: the driver's implicit BEGIN is switched off.

    Source: SQLAlchemy's notes on SQLite transaction isolation.
    """

    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (
            "journal_mode=WAL",
            "synchronous=NORMAL",
            f"wal_autocheckpoint={LONGEST_LOG_PAGES}",
            "foreign_keys=ON",
            f"busy_timeout={BUSY_TIMEOUT_MS}",
            "temp_store=MEMORY",
            "cache_size=-8000",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def on_begin(connection: Any) -> None:
        options = connection.get_execution_options()
        if not options.get("todoke_writes"):
            connection.exec_driver_sql("BEGIN")
            return
        # Before the transaction, because SQLite ignores it within one.
        level = "FULL" if options.get("todoke_durably") else "NORMAL"
        connection.exec_driver_sql(f"PRAGMA synchronous={level}")
        connection.exec_driver_sql("BEGIN IMMEDIATE")
