"""One database, SQLite or PostgreSQL, behind one small class.

SQLite runs in WAL mode with foreign keys on. A transaction that will write says so at its
start (``BEGIN IMMEDIATE``), so that two writers queue instead of one failing half-way.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import aiosqlite
from sqlalchemy import DateTime, Dialect, Enum, event
from sqlalchemy.engine import URL, Engine, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.types import TypeDecorator

BUSY_TIMEOUT_MS = 10_000
WRITES = {"todoke_writes": True}
DURABLY = {**WRITES, "todoke_durably": True}


class UtcDateTime(TypeDecorator[datetime]):
    """An aware moment, stored in UTC; naive values are refused rather than guessed at."""

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


def text_enum(members: type[StrEnum]) -> Enum:
    """A column of an enumeration's values as plain text, the same on both databases."""
    return Enum(
        members,
        native_enum=False,
        create_constraint=False,
        length=16,
        values_callable=lambda enumeration: [member.value for member in enumeration],
    )


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
        self._writers: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = (
            WeakKeyDictionary()
        )
        options: dict[str, Any] = {}
        if self.is_sqlite:
            if self.url.database and self.url.database != ":memory:":
                Path(self.url.database).parent.mkdir(parents=True, exist_ok=True)
            options["connect_args"] = {
                "timeout": BUSY_TIMEOUT_MS / 1000,
                "async_creator_fn": _connect_sqlite,
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
        """A session over one consistent picture; what it changes is thrown away.

        On PostgreSQL the transaction is REPEATABLE READ; on SQLite every read transaction
        in WAL mode already sees one snapshot.
        """
        async with AsyncSession(self.engine, expire_on_commit=False) as session:
            if not self.is_sqlite:
                await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            yield session

    @asynccontextmanager
    async def writing(self, *, durably: bool = False) -> AsyncIterator[AsyncSession]:
        """A session whose changes are committed at the end, or not at all.

        A commit survives the end of the process. With ``durably`` it survives a power failure
        as well: SQLite then waits for the disk, as PostgreSQL always does.
        """
        async with (
            self._turn_to_write(),
            AsyncSession(self.engine, expire_on_commit=False) as session,
        ):
            await session.connection(execution_options=DURABLY if durably else WRITES)
            yield session
            await session.commit()

    @asynccontextmanager
    async def _turn_to_write(self) -> AsyncIterator[None]:
        """On SQLite, which has one writer: the writers of this process stand in line.

        Left to SQLite they would sleep and try again, for up to 100 ms at a time, and the
        last to come could be the first.
        """
        if not self.is_sqlite:
            yield
            return
        loop = asyncio.get_running_loop()
        async with self._writers.setdefault(loop, asyncio.Lock()):
            yield

    async def close(self) -> None:
        await self.engine.dispose()


class _SqliteConnection(sqlite3.Connection):
    """A connection that ends its transaction when it is closed, as everybody thinks it does.

    SQLite puts off the closing while a statement is not finished, and with it the end of the
    transaction. Who is cancelled within a statement closes its connection and leaves such a
    statement behind, in a cursor that nobody can reach; the lock would stay for ever.

    Source: https://www.sqlite.org/c3ref/close.html
    """

    def close(self) -> None:
        # Closed twice is closed.
        with suppress(sqlite3.ProgrammingError):
            self.rollback()
        super().close()


class _SqliteThread(aiosqlite.Connection):
    """A connection whose thread ends once, however often it is told to.

    Told a second time, aiosqlite waits for a thread that is no more: whoever is cancelled
    twice while a connection closes would keep the process from ending.
    """

    _ending: asyncio.Future[Any] | None = None

    def stop(self) -> asyncio.Future[Any] | None:
        if self._ending is None:
            self._ending = super().stop()
        return self._ending


def _connect_sqlite(path: str, **options: Any) -> _SqliteThread:
    def connect() -> sqlite3.Connection:
        return sqlite3.connect(path, factory=_SqliteConnection, **options)

    made = _SqliteThread(connect, iter_chunk_size=64)
    # As SQLAlchemy does for connections it makes itself: none keeps the process from ending.
    made._thread.daemon = True
    return made


def _with_driver(url: URL) -> URL:
    backend = url.get_backend_name()
    return url.set(drivername="sqlite+aiosqlite" if backend == "sqlite" else "postgresql+psycopg")


def prepare_sqlite(engine: Engine) -> None:
    """Hand transactions over to us: the driver's own implicit BEGIN is switched off.

    Source: SQLAlchemy's notes on SQLite transaction isolation.
    """

    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (
            "journal_mode=WAL",
            "synchronous=NORMAL",
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
        # Said before the transaction, as SQLite ignores it within one.
        level = "FULL" if options.get("todoke_durably") else "NORMAL"
        connection.exec_driver_sql(f"PRAGMA synchronous={level}")
        connection.exec_driver_sql("BEGIN IMMEDIATE")
