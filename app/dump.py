"""Write and read a table as lines of text, for both databases.

The form is that of PostgreSQL's COPY (tab-separated, ``\\N`` for NULL, backslash escapes), with
times in UTC as ``YYYY-MM-DD HH:MM:SS.ffffff``, booleans as 0 and 1, and bytes as ``\\x`` and hex.
PostgreSQL writes and reads it itself; for SQLite it is done here.
"""

from __future__ import annotations

import contextlib
import re
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import psycopg
from psycopg import sql
from sqlalchemy import Boolean, Column, DateTime, LargeBinary, Table
from sqlalchemy.engine import URL, make_url

from core.database import BUSY_TIMEOUT_MS
from core.errors import BadInput

BLOCK = 1 << 20
ROWS = 500
"""Rows held at once; some have kilobytes each."""
LOCK_WAIT_MS, LOCK_ATTEMPTS = 200, 300
"""Below the second after which PostgreSQL looks for deadlocks; a minute in all."""
_SPECIAL = re.compile(r"[\\\t\n\r]")
_ESCAPES = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_UNESCAPES = {"t": "\t", "n": "\n", "r": "\r", "b": "\b", "f": "\f", "v": "\v"}


BOOLEAN, MOMENT, BYTES, PLAIN = "boolean", "moment", "bytes", "plain"


@dataclass(frozen=True)
class TableForm:
    """The properties of a table that are needed to write it and to read it in a later version.

    ``columns`` maps names to kinds; ``key`` orders the rows; ``numbered`` tables give their
    rows an ``id``.
    """

    name: str
    columns: dict[str, str]
    key: tuple[str, ...]
    numbered: bool

    @classmethod
    def of(cls, table: Table) -> TableForm:
        counter = table.autoincrement_column
        return cls(
            table.name,
            {column.name: _kind(column) for column in table.columns},
            tuple(column.name for column in table.primary_key),
            counter is not None and counter.name == "id",
        )


def _kind(column: Column[Any]) -> str:
    kinds = (column.type, getattr(column.type, "impl", None))
    for base, name in ((Boolean, BOOLEAN), (DateTime, MOMENT), (LargeBinary, BYTES)):
        if any(isinstance(kind, base) for kind in kinds):
            return name
    return PLAIN


class Store(Protocol):
    """One of the two databases, within one transaction."""

    def rows(self, table: str) -> int:
        """Return how many rows a table has; 0 when there is no such table."""

    def has_rows(self, table: str) -> bool:
        """Whether a table exists and has a row."""

    def write(self, form: TableForm, target: BinaryIO) -> int:
        """Write all rows of a table to ``target``; return how many."""

    def read(self, form: TableForm, source: BinaryIO) -> None:
        """Add the rows that :meth:`write` wrote."""

    def empty(self, tables: Sequence[str]) -> None:
        """Delete all rows of these tables, all at once."""

    def last_number(self, form: TableForm) -> int:
        """Return the highest id that the table ever used; 0 if it has no ids."""

    def raise_number(self, form: TableForm, last: int) -> None:
        """Let the table's next id be above ``last``."""


@contextlib.contextmanager
def reading(url: str) -> Iterator[Store]:
    """One consistent picture of the database, while others go on writing."""
    address = make_url(url)
    if address.get_backend_name() == "sqlite":
        with contextlib.closing(_sqlite(address)) as connection:
            connection.execute("BEGIN")
            yield SqliteStore(connection)
            connection.rollback()
        return
    with psycopg.connect(_conninfo(address)) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        connection.execute("SET TIME ZONE 'UTC'")
        yield PostgresStore(connection)


@contextlib.contextmanager
def writing(url: str) -> Iterator[Store]:
    """A transaction for reading a backup in: everything is committed at the end, or nothing."""
    address = make_url(url)
    if address.get_backend_name() == "sqlite":
        with contextlib.closing(_sqlite(address)) as connection:
            connection.execute("PRAGMA foreign_keys=ON")
            connection.execute("BEGIN IMMEDIATE")
            # Rows may come before the rows that they refer to; missing rows are found at the end.
            connection.execute("PRAGMA defer_foreign_keys=ON")
            yield SqliteStore(connection)
            connection.commit()
        return
    with psycopg.connect(_conninfo(address)) as connection:
        connection.execute("SET TIME ZONE 'UTC'")
        yield PostgresStore(connection)


def copy_sqlite(url: str, copy: Path, *, without: Sequence[str]) -> None:
    """Write a snapshot of an SQLite database to a new file, while others write.

    Deleted content is not in the copy. ``without`` names tables that are left empty.
    """
    with contextlib.closing(_sqlite(make_url(url))) as connection:
        # The copy need not survive a crash; only the archive must.
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute("VACUUM INTO ?", (str(copy),))
    with contextlib.closing(sqlite3.connect(copy, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute("PRAGMA secure_delete=ON")
        for table in without:
            connection.execute(f'DELETE FROM "{table}"')  # noqa: S608


def _sqlite(address: URL) -> sqlite3.Connection:
    if not address.database or address.database == ":memory:":
        raise BadInput("A database in memory alone cannot be backed up.")
    return sqlite3.connect(address.database, timeout=BUSY_TIMEOUT_MS / 1000, isolation_level=None)


def _conninfo(address: URL) -> str:
    return address.set(drivername="postgresql").render_as_string(hide_password=False)


class SqliteStore:
    """Names of tables and columns in its statements come from our own models."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def rows(self, table: str) -> int:
        if not self._has(table):
            return 0
        found = self.connection.execute(f'SELECT count(*) FROM "{table}"')  # noqa: S608
        return int(found.fetchone()[0])

    def has_rows(self, table: str) -> bool:
        if not self._has(table):
            return False
        found = self.connection.execute(f'SELECT 1 FROM "{table}" LIMIT 1')  # noqa: S608
        return found.fetchone() is not None

    def write(self, form: TableForm, target: BinaryIO) -> int:
        names, order = _quoted(form.columns), _quoted(form.key)
        cursor = self.connection.execute(
            f'SELECT {names} FROM "{form.name}" ORDER BY {order}'  # noqa: S608
        )
        written = 0
        while rows := cursor.fetchmany(ROWS):
            written += len(rows)
            lines = ("\t".join(map(_text, row)) + "\n" for row in rows)
            target.write("".join(lines).encode())
        return written

    def read(self, form: TableForm, source: BinaryIO) -> None:
        marks = ", ".join("?" * len(form.columns))
        kinds = list(form.columns.values())
        rows = (_values(line, kinds) for line in source)
        while chunk := list(islice(rows, ROWS)):
            self.connection.executemany(
                f'INSERT INTO "{form.name}" ({_quoted(form.columns)}) '  # noqa: S608
                f"VALUES ({marks})",
                chunk,
            )

    def empty(self, tables: Sequence[str]) -> None:
        for table in reversed(tables):
            self.connection.execute(f'DELETE FROM "{table}"')  # noqa: S608

    def last_number(self, form: TableForm) -> int:
        if not form.numbered:
            return 0
        if self._has("sqlite_sequence"):
            found = self.connection.execute(
                "SELECT seq FROM sqlite_sequence WHERE name = ?", (form.name,)
            ).fetchone()
            if found:
                return int(found[0])
        found = self.connection.execute(f'SELECT max(id) FROM "{form.name}"')  # noqa: S608
        return int(found.fetchone()[0] or 0)

    def raise_number(self, form: TableForm, last: int) -> None:
        written = self.connection.execute(
            "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?", (form.name,)
        ).fetchone()
        if not last or "AUTOINCREMENT" not in written[0].upper():
            return  # such a table goes on from its greatest row
        self.connection.execute("DELETE FROM sqlite_sequence WHERE name = ?", (form.name,))
        self.connection.execute(
            "INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (form.name, last)
        )

    def _has(self, table: str) -> bool:
        found = self.connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,))
        return found.fetchone() is not None


class PostgresStore:
    """PostgreSQL, which has this format built in."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.connection = connection

    def rows(self, table: str) -> int:
        found = self.connection.execute("SELECT to_regclass(%s)", (table,)).fetchone()
        if found is None or found[0] is None:
            return 0
        query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))
        counted = self.connection.execute(query).fetchone()
        assert counted is not None
        return int(counted[0])

    def has_rows(self, table: str) -> bool:
        found = self.connection.execute("SELECT to_regclass(%s)", (table,)).fetchone()
        if found is None or found[0] is None:
            return False
        query = sql.SQL("SELECT 1 FROM {} LIMIT 1").format(sql.Identifier(table))
        return self.connection.execute(query).fetchone() is not None

    def write(self, form: TableForm, target: BinaryIO) -> int:
        query = sql.SQL("COPY (SELECT {} FROM {} ORDER BY {}) TO STDOUT").format(
            sql.SQL(", ").join(_expression(*column) for column in form.columns.items()),
            sql.Identifier(form.name),
            sql.SQL(", ").join(map(sql.Identifier, form.key)),
        )
        with self.connection.cursor() as cursor:
            with cursor.copy(query) as copy:
                for block in copy:
                    target.write(block)
            return cursor.rowcount

    def read(self, form: TableForm, source: BinaryIO) -> None:
        query = sql.SQL("COPY {} ({}) FROM STDIN").format(
            sql.Identifier(form.name), sql.SQL(", ").join(map(sql.Identifier, form.columns))
        )
        with self.connection.cursor() as cursor, cursor.copy(query) as copy:
            while block := source.read(BLOCK):
                copy.write(block)

    def empty(self, tables: Sequence[str]) -> None:
        names = sql.SQL(", ").join(map(sql.Identifier, tables))
        self._take(names)
        self.connection.execute(sql.SQL("TRUNCATE {} RESTART IDENTITY").format(names))

    def _take(self, names: sql.Composable) -> None:
        """Lock tables against a service that runs.

        They are locked one after another. If that conflicts with a transaction of the service, we
        release the locks and start again, before PostgreSQL aborts the other one.
        """
        for _ in range(LOCK_ATTEMPTS):
            with (
                contextlib.suppress(psycopg.errors.LockNotAvailable),
                self.connection.transaction(),
            ):
                self.connection.execute(sql.SQL("SET LOCAL lock_timeout = {}").format(LOCK_WAIT_MS))
                self.connection.execute(
                    sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(names)
                )
                self.connection.execute("SET LOCAL lock_timeout = 0")
                return
        raise BadInput("The database is in use without a pause; please stop the service first.")

    def last_number(self, form: TableForm) -> int:
        sequence = self._sequence(form)
        if sequence is None:
            return 0
        found = self.connection.execute(
            "SELECT coalesce(pg_sequence_last_value(%s::regclass), 0)", (sequence,)
        ).fetchone()
        assert found is not None
        return int(found[0])

    def raise_number(self, form: TableForm, last: int) -> None:
        sequence = self._sequence(form)
        if sequence is not None and last:
            self.connection.execute("SELECT setval(%s::regclass, %s)", (sequence, last))

    def _sequence(self, form: TableForm) -> str | None:
        if not form.numbered:
            return None
        found = self.connection.execute(
            "SELECT pg_get_serial_sequence(%s, 'id')", (form.name,)
        ).fetchone()
        return found[0] if found else None


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _expression(column: str, kind: str) -> sql.Composable:
    name = sql.Identifier(column)
    if kind == BOOLEAN:
        return sql.SQL("{}::int").format(name)
    if kind == MOMENT:
        return sql.SQL("to_char({}, 'YYYY-MM-DD HH24:MI:SS.US')").format(name)
    return name


def _text(value: Any) -> str:
    """Return one cell of SQLite as COPY writes it."""
    if value is None:
        return "\\N"
    if isinstance(value, bytes):
        return "\\\\x" + value.hex()
    if isinstance(value, float):
        return repr(value)
    text = str(value)
    return _SPECIAL.sub(lambda found: _ESCAPES[found[0]], text) if _SPECIAL.search(text) else text


def _values(line: bytes, kinds: Sequence[str]) -> list[Any]:
    """Return one line's cells as SQLite stores them."""
    cells = line.decode().rstrip("\n").split("\t")
    if len(cells) != len(kinds):
        raise BadInput(f"a line has {len(cells)} cells for {len(kinds)} columns.")
    return [_value(cell, kind) for cell, kind in zip(cells, kinds, strict=True)]


def _value(cell: str, kind: str) -> Any:
    if cell == "\\N":
        return None
    if "\\" in cell:
        cell = _ESCAPED.sub(lambda found: _UNESCAPES.get(found[1], found[1]), cell)
    return bytes.fromhex(cell.removeprefix("\\x")) if kind == BYTES else cell


def sqlite_path(url: str) -> Path | None:
    """Return the file of a SQLite address, None for PostgreSQL."""
    address = make_url(url)
    return Path(address.database or "") if address.get_backend_name() == "sqlite" else None
