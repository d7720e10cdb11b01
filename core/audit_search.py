"""Find entries of the audit trail: by who, by what, by day."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, or_
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
        An actor, or the part of one before a colon: ``shell`` for all of ``shell:…``.
    actions
        Actions (``alert.sent``) and nouns with a full stop (``alert.``), of which one fits.
    first, last
        Days in Japan, both included.
    """

    who: str = ""
    actions: tuple[str, ...] = ()
    first: date | None = None
    last: date | None = None

    @property
    def conditions(self) -> list[ColumnElement[bool]]:
        found: list[ColumnElement[bool]] = []
        if self.who:
            actor = col(AuditEntry.actor)
            found.append(or_(actor == self.who, actor.startswith(f"{self.who}:", autoescape=True)))
        if self.actions:
            action = col(AuditEntry.action)
            found.append(
                or_(
                    *(
                        action.startswith(each, autoescape=True)
                        if each.endswith(".")
                        else action == each
                        for each in self.actions
                    )
                )
            )
        if self.first is not None:
            found.append(col(AuditEntry.at) >= _midnight(self.first))
        if self.last is not None:
            found.append(col(AuditEntry.at) < _midnight(self.last + timedelta(days=1)))
        return found


async def newest(
    session: AsyncSession, wanted: TrailFilter, most: int, *, before: int | None = None
) -> list[AuditEntry]:
    """Return the newest entries that fit, or those older than the entry ``before``."""
    query: Any = select(AuditEntry).where(*wanted.conditions)
    if before is not None:
        query = query.where(col(AuditEntry.id) < before)
    return list(await session.scalars(query.order_by(col(AuditEntry.id).desc()).limit(most)))


async def all_of(
    database: Database, wanted: TrailFilter, through: int
) -> AsyncIterator[list[AuditEntry]]:
    """Yield the entries that fit up to ``through``, the oldest first, some hundred at a time."""
    last = 0
    while True:
        async with database.reading() as session:
            rows = list(
                await session.scalars(
                    select(AuditEntry)
                    .where(*wanted.conditions)
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
