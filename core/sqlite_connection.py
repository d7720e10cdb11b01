"""SQLite connections for SQLAlchemy's asynchronous driver.

The driver, aiosqlite, has a thread for each connection and sends it every call: make a cursor,
execute, fetch, close. Each is a round trip to the thread through the event loop. A page with thirty
statements made 230 of them. :class:`OneTripCursor` does all four in one.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import suppress
from typing import Any, Self

import aiosqlite

AT_ONCE = 256
"""Rows that are fetched with ``execute``; more are fetched on demand."""


class OneTripCursor:
    """A cursor whose ``execute`` also fetches, and closes a result that is read completely.

    It has the parts of ``aiosqlite.Cursor`` that SQLAlchemy uses. The cursor of ``sqlite3`` is made
    and used in the connection's thread alone.
    """

    arraysize = 1

    def __init__(self, connection: SqliteThread) -> None:
        self._connection = connection
        self._cursor: sqlite3.Cursor | None = None
        self._rows: list[Any] = []
        self.description: Any = None
        self.rowcount = -1
        self.lastrowid: int | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.close()

    async def execute(self, sql: str, parameters: Iterable[Any] = ()) -> Self:
        """Execute a statement and fetch its first rows."""

        def work() -> None:
            cursor = self._begun()
            cursor.execute(sql, parameters)  # type: ignore[arg-type]
            self.description = cursor.description
            if cursor.description is not None:
                self._rows = cursor.fetchmany(AT_ONCE)
            self._ended(cursor, whole=len(self._rows) < AT_ONCE)

        await self._in_thread(work)
        return self

    async def executemany(self, sql: str, parameters: Iterable[Iterable[Any]]) -> Self:
        """Execute a statement once for each set of parameters."""

        def work() -> None:
            cursor = self._begun()
            cursor.executemany(sql, parameters)  # type: ignore[arg-type]
            self._ended(cursor, whole=True)

        await self._in_thread(work)
        return self

    async def fetchone(self) -> Any | None:
        """Return the next row, or None."""
        rows = await self.fetchmany(1)
        return rows[0] if rows else None

    async def fetchmany(self, size: int | None = None) -> list[Any]:
        """Return up to ``size`` rows."""
        size = self.arraysize if size is None else size
        if len(self._rows) < size and self._cursor is not None:
            cursor, missing = self._cursor, max(size - len(self._rows), AT_ONCE)

            def work() -> None:
                more = cursor.fetchmany(missing)
                self._rows += more
                self._ended(cursor, whole=len(more) < missing)

            await self._in_thread(work)
        rows, self._rows = self._rows[:size], self._rows[size:]
        return rows

    async def fetchall(self) -> list[Any]:
        """Return all rows that are left."""
        if self._cursor is not None:
            cursor = self._cursor

            def work() -> None:
                self._rows += cursor.fetchall()
                self._ended(cursor, whole=True)

            await self._in_thread(work)
        rows, self._rows = self._rows, []
        return rows

    async def __aiter__(self) -> AsyncIterator[Any]:
        while rows := await self.fetchmany(AT_ONCE):
            for row in rows:
                yield row

    async def close(self) -> None:
        """Close an unfinished result."""
        if (cursor := self._cursor) is not None:
            self._cursor = None
            self._connection.unfinished.discard(cursor)
            await self._in_thread(cursor.close)

    async def _in_thread(self, work: Callable[[], None]) -> None:
        await self._connection._execute(work)  # type: ignore[no-untyped-call]

    def _begun(self) -> sqlite3.Cursor:
        """Return a new cursor; in the connection's thread."""
        if self._cursor is not None:
            self._cursor.close()
            self._connection.unfinished.discard(self._cursor)
        self._cursor, self._rows = self._connection._conn.cursor(), []
        self._connection.unfinished.add(self._cursor)
        return self._cursor

    def _ended(self, cursor: sqlite3.Cursor, *, whole: bool) -> None:
        """Note what a statement did so far, and close it at its end; in the thread."""
        self.rowcount, self.lastrowid = cursor.rowcount, cursor.lastrowid
        if whole:
            cursor.close()
            self._connection.unfinished.discard(cursor)
            self._cursor = None


class SqliteConnection(sqlite3.Connection):
    """A connection that really ends its transaction when it is closed.

    SQLite postpones the closing, and with it the end of the transaction, while a statement is
    unfinished. A task that is cancelled within a statement may leave such a statement behind.
    The lock would stay forever.

    Source: https://www.sqlite.org/c3ref/close.html
    """

    def close(self) -> None:
        # A second close does nothing.
        with suppress(sqlite3.ProgrammingError):
            self.rollback()
        super().close()


class SqliteThread(aiosqlite.Connection):
    """A connection whose thread ends once, and whose transaction ends with all its statements.

    A stream that is not read to its end keeps its tables locked for the connection's next user.
    Told to end a second time, aiosqlite waits for a thread that has ended. A task that is cancelled
    twice while a connection closes would then keep the process from ending.
    """

    _ending: asyncio.Future[Any] | None = None

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.unfinished: set[sqlite3.Cursor] = set()
        """Cursors with unfetched rows; changed in the thread, or while it is idle."""

    def stop(self) -> asyncio.Future[Any] | None:
        if self._ending is None:
            self._ending = super().stop()
        return self._ending

    async def rollback(self) -> None:
        """Roll back the transaction; unfinished results are closed first."""

        def work() -> None:
            while self.unfinished:
                self.unfinished.pop().close()
            self._conn.rollback()

        await self._execute(work)  # type: ignore[no-untyped-call]

    def cursor(self) -> OneTripCursor:  # type: ignore[override]
        """Return a cursor, without using the thread yet."""
        return OneTripCursor(self)


def connect(path: str, **options: Any) -> SqliteThread:
    """Return a connection for SQLAlchemy (``async_creator_fn``), with options of ``sqlite3``."""

    def made() -> sqlite3.Connection:
        return sqlite3.connect(path, factory=SqliteConnection, **options)

    connection = SqliteThread(made, iter_chunk_size=AT_ONCE)
    # As SQLAlchemy does for its own connections: they do not keep the process from ending.
    connection._thread.daemon = True
    return connection
