"""Find entries of the audit trail: by who, by what, by day.

Ten years of entries are searched without reading them: of each action or person that is wanted the
newest are looked up in an index, and the newest of these are shown.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, union_all
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from core.audit import AuditEntry
from core.clock import JAPAN
from core.database import Database

CHUNK = 500


@dataclass(frozen=True)
class TrailFilter:
    """Which entries are wanted; an empty part wants all.

    Parameters
    ----------
    who
        An actor; one without ``@`` also stands for all that begin with it and a colon: ``shell``.
    actions
        Actions, of which one fits.
    first, last
        Days in Japan, both included.
    """

    who: str = ""
    actions: tuple[str, ...] = ()
    first: date | None = None
    last: date | None = None

    @property
    def conditions(self) -> list[ColumnElement[bool]]:
        """What is asked of an entry, but for its action."""
        found: list[ColumnElement[bool]] = []
        actor = col(AuditEntry.actor)
        if "@" in self.who:
            found.append(actor == self.who)
        elif self.who:
            found.append((actor == self.who) | actor.startswith(f"{self.who}:", autoescape=True))
        if self.first is not None:
            found.append(col(AuditEntry.at) >= _midnight(self.first))
        if self.last is not None:
            found.append(col(AuditEntry.at) < _midnight(self.last + timedelta(days=1)))
        return found


async def newest(
    session: AsyncSession, wanted: TrailFilter, most: int, *, before: int | None = None
) -> list[AuditEntry]:
    """Return the newest entries that fit, or those older than the entry ``before``."""
    conditions = wanted.conditions
    if before is not None:
        conditions.append(col(AuditEntry.id) < before)
    query: Any = select(AuditEntry)
    if wanted.actions:
        number = col(AuditEntry.id)
        each: Any = [
            select(
                select(number)
                .where(col(AuditEntry.action) == action, *conditions)
                .order_by(number.desc())
                .limit(most)
                .subquery()
            )
            for action in wanted.actions
        ]
        query = query.where(number.in_(union_all(*each)))
    else:
        query = query.where(*conditions)
    return list(await session.scalars(query.order_by(col(AuditEntry.id).desc()).limit(most)))


async def all_of(
    database: Database, wanted: TrailFilter, through: int
) -> AsyncIterator[list[AuditEntry]]:
    """Yield the entries that fit up to ``through``, the oldest first, some hundred at a time."""
    last = 0
    conditions = wanted.conditions
    if wanted.actions:
        conditions.append(col(AuditEntry.action).in_(wanted.actions))
    while True:
        async with database.reading() as session:
            rows = list(
                await session.scalars(
                    select(AuditEntry)
                    .where(*conditions)
                    .where(col(AuditEntry.id) > last, col(AuditEntry.id) <= through)
                    .order_by(col(AuditEntry.id))
                    .limit(CHUNK)
                )
            )
        if not rows:
            return
        yield rows
        last = rows[-1].id or 0


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), JAPAN)
