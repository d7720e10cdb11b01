"""Numbers by day that a process counts as it works: visits of pages, how long webhooks took.

A process adds to its memory, and writes what it has every half minute while there is something.
Nothing about who is kept. A process that is killed loses at most its last half minute.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Mapping
from datetime import date

import structlog
from sqlalchemy import delete
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel, col, select
from starlette.datastructures import State

from core.chunks import rows_of
from core.clock import Clock, in_japan
from core.database import Database, insert_into

EVERY_SECONDS = 30.0
MOST_KEYS = 10_000
"""Different numbers that wait in memory; more of them are dropped."""

log = structlog.get_logger(__name__)


class DayTally(SQLModel, table=True):
    """One number of a day in Japan. ``name`` says what is counted, ``key`` of which thing."""

    __tablename__ = "day_tallies"

    day: date = Field(primary_key=True)
    name: str = Field(primary_key=True, max_length=16)
    key: str = Field(primary_key=True, max_length=64)
    number: int = 0


class Tallies:
    """What one process counts."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._waiting: Counter[tuple[date, str, str]] = Counter()
        self._writer: asyncio.Task[None] | None = None

    def add(self, name: str, key: str, number: int = 1) -> None:
        """Count something today; it is stored within half a minute."""
        day = in_japan(self._clock.now()).date()
        if len(self._waiting) >= MOST_KEYS and (day, name, key) not in self._waiting:
            return
        self._waiting[day, name, key] += number
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._later(), name="tallies")

    async def _later(self) -> None:
        while self._waiting:
            await asyncio.sleep(EVERY_SECONDS)
            await self.store()

    async def store(self) -> None:
        """Write what waits. If the database cannot take it now, it goes on waiting."""
        taken, self._waiting = self._waiting, Counter()
        if not taken:
            return
        rows = [
            {"day": day, "name": name, "key": key[:64], "number": number}
            for (day, name, key), number in sorted(taken.items())
        ]
        try:
            async with self._database.writing() as session:
                await add_tallies(session, rows)
        except (SQLAlchemyError, OSError) as error:
            log.warning("tallies.unsaved", numbers=len(rows), reason=str(error))
            self._waiting.update(taken)

    async def stop(self) -> None:
        """Write what waits, and end."""
        if self._writer is not None:
            self._writer.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._writer
            self._writer = None
        await self.store()


def note(state: State, name: str, key: str) -> None:
    """Count something in a web application that counts (``app.state.tallies``)."""
    tallies: Tallies | None = getattr(state, "tallies", None)
    if tallies is not None:
        tallies.add(name, key)


async def add_tallies(session: AsyncSession, rows: list[dict[str, object]]) -> None:
    """Add numbers to those of their days; each row has all columns of :class:`DayTally`."""
    table = DayTally.__table__  # type: ignore[attr-defined]
    added = insert_into(session, table)
    statement = added.on_conflict_do_update(
        index_elements=[table.c.day, table.c.name, table.c.key],
        set_={"number": table.c.number + added.excluded["number"]},
    )
    for row in rows:
        await session.execute(statement, row)


async def tallies_of(session: AsyncSession, day: date) -> Mapping[str, dict[str, int]]:
    """Return the numbers of a day, by name and key."""
    found: dict[str, dict[str, int]] = {}
    rows = await session.execute(
        select(col(DayTally.name), col(DayTally.key), col(DayTally.number)).where(
            col(DayTally.day) == day
        )
    )
    for name, key, number in rows:
        found.setdefault(name, {})[key] = number
    return found


async def forget_tallies(database: Database, before: date) -> int:
    """Delete the numbers of days before one; the daily figures have them by then."""
    async with database.writing() as session:
        return rows_of(await session.execute(delete(DayTally).where(col(DayTally.day) < before)))
