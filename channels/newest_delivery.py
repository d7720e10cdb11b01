"""Read the id of the newest delivery in an SQLite file, cheaply enough for constant polling.

Another process that writes a delivery (an alert from the shell) cannot notify this one. The query
takes some microseconds, less than passing it to a thread, so it runs in this thread. On PostgreSQL
the queue notifies everybody.
"""

from __future__ import annotations

import sqlite3
from types import TracebackType
from typing import Self

from core.database import Database

_NEWEST = "SELECT max(id) FROM deliveries"


class NewestDelivery:
    """A connection for one query; use it as a context manager, in one thread."""

    def __init__(self, database: Database) -> None:
        place = database.url.database if database.is_sqlite else None
        self._connection: sqlite3.Connection | None = None
        if place and place != ":memory:":
            # Never waits; if it is busy, the caller asks again.
            self._connection = sqlite3.connect(place, isolation_level=None, timeout=0)

    def id(self) -> int | None:
        """Return its id, 0 if there is no delivery, None if it cannot be read now."""
        if self._connection is None:
            return None
        try:
            (newest,) = self._connection.execute(_NEWEST).fetchone()
        except sqlite3.DatabaseError:
            return None
        return newest or 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._connection is not None:
            self._connection.close()
