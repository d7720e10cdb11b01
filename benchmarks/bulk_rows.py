"""Write rows of the models' tables in bulk, past the service."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC
from enum import Enum
from itertools import chain, islice
from typing import Any

import psycopg
from pydantic_core import PydanticUndefined
from sqlalchemy import JSON
from sqlalchemy.engine import URL
from sqlmodel import SQLModel

from core.database import ReasonText, UtcDateTime

CHUNK = 20_000
Row = dict[str, Any]


class Writer:
    """Writes rows of the models' tables, in the way each database takes them fastest."""

    def __init__(self, connection: Any, *, sqlite: bool) -> None:
        self.connection = connection
        self.sqlite = sqlite

    def write(self, model: type[SQLModel], rows: Iterable[Row]) -> int:
        """Add rows; missing values are the model's defaults, ids are the database's."""
        every = iter(rows)
        first = next(every, None)
        if first is None:
            return 0
        table = model.__table__  # type: ignore[attr-defined]
        columns = [
            column
            for column in table.columns
            if column.name in first or _has_default(model, column.name) or _is_empty(column)
        ]
        made = [self._form_of(column) for column in columns]
        names = [column.name for column in columns]
        usual = [
            form(_default(model, column.name))
            if _has_default(model, column.name) or _is_empty(column)
            else None
            for column, form in zip(columns, made, strict=True)
        ]

        def values(row: Row) -> tuple[Any, ...]:
            return tuple(
                form(row[name]) if name in row else default
                for name, form, default in zip(names, made, usual, strict=True)
            )

        written = 0
        every = chain([first], every)
        while some := [values(row) for row in islice(every, CHUNK)]:
            written += self._put(table.name, names, some)
        return written

    def _form_of(self, column: Any) -> Callable[[Any], Any]:
        if isinstance(column.type, UtcDateTime) and self.sqlite:
            return lambda value: value and f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}"
        if isinstance(column.type, JSON):
            return lambda value: None if value is None else json.dumps(value, ensure_ascii=False)
        if isinstance(column.type, ReasonText):
            return lambda value: value.dumped() if value else column.type.empty
        return lambda value: value.value if isinstance(value, Enum) else value

    def _put(self, table: str, names: list[str], rows: list[tuple[Any, ...]]) -> int:
        # Names of tables and columns are the models' own.
        columns = ", ".join(f'"{name}"' for name in names)
        if self.sqlite:
            marks = ", ".join("?" * len(names))
            sql = f"INSERT INTO {table} ({columns}) VALUES ({marks})"
            self.connection.executemany(sql, rows)
            self.connection.commit()
        else:
            with (
                self.connection.cursor() as cursor,
                cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy,
            ):
                for row in rows:
                    copy.write_row(row)
            self.connection.commit()
        return len(rows)

    def read(self, sql: str) -> list[tuple[Any, ...]]:
        return list(self.connection.execute(sql).fetchall())

    def finish(self, models: Iterable[type[SQLModel]]) -> None:
        """Move the id sequences past the used ids, and update the statistics."""
        if self.sqlite:
            self.connection.execute("ANALYZE")
            self.connection.commit()
            self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            return
        for model in models:
            table = model.__tablename__
            self.connection.execute(
                f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), "
                f"(SELECT coalesce(max(id), 0) + 1 FROM {table}), false)"
            )
        self.connection.commit()
        self.connection.autocommit = True
        self.connection.execute("VACUUM (ANALYZE)")


@contextmanager
def writer(url: URL) -> Iterator[Writer]:
    """Open a database of ours for writing in bulk."""
    if url.get_backend_name() == "sqlite":
        connection: Any = sqlite3.connect(url.database or "")
        for pragma in ("synchronous=OFF", "cache_size=-200000", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")
        sqlite = True
    else:
        plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
        connection, sqlite = psycopg.connect(plain), False
        connection.execute("SET synchronous_commit = off")
    try:
        yield Writer(connection, sqlite=sqlite)
    finally:
        connection.close()


def _has_default(model: type[SQLModel], name: str) -> bool:
    return name != "id" and name in model.model_fields and _default(model, name) is not None


def _is_empty(column: Any) -> bool:
    """Whether a column says "nothing" with a value of its own instead of NULL."""
    return isinstance(column.type, ReasonText) and column.type.empty is not None


def _default(model: type[SQLModel], name: str) -> Any:
    found = model.model_fields[name].get_default(call_default_factory=True)
    return None if found is PydanticUndefined else found
