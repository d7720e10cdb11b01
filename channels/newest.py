"""The newest delivery in an SQLite file, asked for so cheaply that it can be asked all the time.

Whoever writes a delivery in another process (an alert from the shell) cannot tell this one. The
question takes some microseconds, less than handing it to a thread would, so it is asked right
here. On PostgreSQL the queue tells everybody.
"""

from __future__ import annotations

import sqlite3
from types import TracebackType
from typing import Self

from core.database import Database

_NEWEST = "SELECT max(id) FROM deliveries"


class NewestDelivery:
    """A connection for one question; use it as a context manager, in one thread."""

    def __init__(self, database: Database) -> None:
        place = database.url.database if database.is_sqlite else None
        self._connection: sqlite3.Connection | None = None
        if place and place != ":memory:":
            # Never waits: who finds it busy asks again.
            self._connection = sqlite3.connect(place, isolation_level=None, timeout=0)

    def id(self) -> int | None:
        """Return its id, 0 where there is no delivery; None when it cannot be known now."""
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
