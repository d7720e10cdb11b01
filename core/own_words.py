"""What staff lay over the files of a city's folder: rows of tables, in versions.

A version says what one row (``part``, ``key``) contains from a day on. Nothing is ever written
over: a change is another version, and taking one back marks it. The folder stays the base
(``city.own_words``). What holds on a day is the newest version of those that began.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import JSON, BigInteger, Column, Index, Integer, func, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel, col, select

from core import audit
from core.changes import Changes
from core.database import UtcDateTime
from core.errors import Refusal
from core.languages import mark

UNDONE = text("undone_at IS NOT NULL")
"""A query must use exactly this condition to use the index."""
MOST_SHOWN = 50
MOST_IN_TRAIL = 200
"""Rows of one act whose words are in the audit trail; all of them are in the versions."""
CHANGED_MEANWHILE = mark("Somebody changed this meanwhile. Look at it again.")

Cells = dict[str, str]
"""A row: text by column."""


class WordVersion(SQLModel, table=True):
    """What a row contains from a day on.

    Parameters
    ----------
    part, key
        The table and the row in it, as ``city.word_parts`` names them.
    cells
        The row; None if it is taken away, or is the folder's own again.
    of_folder
        Whether the folder's own row holds again.
    holds_from
        The first day on which it holds, in Japan.
    batch
        The same for all rows that came with one file; empty for a single row.
    """

    __tablename__ = "word_versions"
    __table_args__ = (
        Index("ix_word_versions_row", "part", "key"),
        Index("ix_word_versions_undone", "undone_at", sqlite_where=UNDONE, postgresql_where=UNDONE),
    )

    id: int | None = Field(
        default=None,
        sa_column=Column(
            BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=True
        ),
    )
    part: str = Field(max_length=32)
    key: str = Field(max_length=200)
    cells: dict[str, str] | None = Field(
        default=None, sa_column=Column(JSON(none_as_null=True), nullable=True)
    )
    of_folder: bool = False
    holds_from: date
    note: str = ""
    batch: str = Field(default="", max_length=32, index=True)
    by: str
    at: datetime = Field(sa_type=UtcDateTime)
    undone_by: str | None = None
    undone_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


changes = Changes(WordVersion)

Overlay = Mapping[str, Mapping[str, Sequence[WordVersion]]]
"""The versions that are not taken back, by part and key, in the order in which they begin."""


@dataclass(frozen=True)
class Change:
    """What one row is to contain. Neither ``cells`` nor ``of_folder`` takes it away."""

    key: str
    before: Cells | None
    cells: Cells | None = None
    of_folder: bool = False


async def state_of(session: AsyncSession) -> tuple[int, int]:
    """Return what is another with every act, so that a process knows what it has read already.

    The trail's lock orders the writers, so a lower number never appears after a higher one.
    """
    last = await session.scalar(select(func.max(col(WordVersion.id))))
    undone = await session.scalar(select(func.count()).select_from(WordVersion).where(UNDONE))
    return last or 0, undone or 0


async def overlay(session: AsyncSession) -> Overlay:
    """Return all that staff laid over the folder, with what is still to come."""
    found: defaultdict[str, defaultdict[str, list[WordVersion]]] = defaultdict(
        lambda: defaultdict(list)
    )
    query = (
        select(WordVersion)
        .where(col(WordVersion.undone_at).is_(None))
        .order_by(col(WordVersion.holds_from), col(WordVersion.id))
    )
    for version in await session.scalars(query):
        found[version.part][version.key].append(version)
    return {part: dict(rows) for part, rows in found.items()}


async def history(session: AsyncSession, part: str, key: str) -> list[WordVersion]:
    """Return the versions of a row, the newest first, those taken back too."""
    query = (
        select(WordVersion)
        .where(col(WordVersion.part) == part, col(WordVersion.key) == key)
        .order_by(col(WordVersion.id).desc())
        .limit(MOST_SHOWN)
    )
    return list(await session.scalars(query))


def seen(versions: Iterable[WordVersion]) -> str:
    """Return what a form has seen of a row, so that nobody writes over a colleague's words."""
    found = list(versions)
    last = max((one.id or 0 for one in found), default=0)
    return f"{last}.{sum(one.undone_at is not None for one in found)}"


async def write(
    session: AsyncSession,
    part: str,
    wanted: Sequence[Change],
    *,
    holds_from: date,
    note: str,
    actor: str,
    now: datetime,
    batch: str = "",
    saw: str | None = None,
) -> list[WordVersion]:
    """Store versions of rows, and the act in the trail, in the caller's transaction.

    Parameters
    ----------
    saw
        :func:`seen` when a form with one row was opened.

    Raises
    ------
    Refusal
        Somebody changed the row since.
    """
    if saw is not None and saw != seen(await history(session, part, wanted[0].key)):
        raise Refusal(CHANGED_MEANWHILE)
    made = [
        WordVersion(
            part=part,
            key=one.key,
            cells=one.cells,
            of_folder=one.of_folder,
            holds_from=holds_from,
            note=note,
            batch=batch,
            by=actor,
            at=now,
        )
        for one in wanted
    ]
    # The trail orders the writers, so that versions become visible in the order of their numbers.
    await audit.record(
        session,
        now,
        actor=actor,
        action="words.imported" if batch else "words.changed",
        subject=f"words:{part}/{batch or wanted[0].key}",
        holds_from=holds_from.isoformat(),
        note=note,
        rows=len(wanted),
        changes=[
            {"row": one.key, "before": one.before, "after": _after(one)}
            for one in wanted[:MOST_IN_TRAIL]
        ],
    )
    session.add_all(made)
    await session.flush()
    return made


async def undo(
    session: AsyncSession, part: str, number: int, *, actor: str, now: datetime
) -> WordVersion:
    """Take back a version of a part, or with it all rows that came with its file.

    Raises
    ------
    Refusal
        It is taken back already, or there is none.
    """
    found = await session.get(WordVersion, number, with_for_update=True)
    if found is None or found.part != part or found.undone_at is not None:
        raise Refusal(CHANGED_MEANWHILE)
    together = [found]
    if found.batch:
        query = select(WordVersion).where(
            col(WordVersion.batch) == found.batch, col(WordVersion.undone_at).is_(None)
        )
        together = list(await session.scalars(query.with_for_update()))
    await audit.record(
        session,
        now,
        actor=actor,
        action="words.undone",
        subject=f"words:{found.part}/{found.batch or found.key}",
        rows=len(together),
        versions=[one.id for one in together[:MOST_IN_TRAIL]],
        taken_back=[{"row": one.key, "words": one.cells} for one in together[:MOST_IN_TRAIL]],
    )
    for one in together:
        one.undone_by, one.undone_at = actor, now
        session.add(one)
    await session.flush()
    return found


async def files(session: AsyncSession, part: str) -> list[Any]:
    """Return the files that were taken in, the newest first: batch, number, rows, who, when."""
    query = (
        sa.select(
            col(WordVersion.batch),
            func.min(WordVersion.id).label("number"),
            func.count().label("rows"),
            func.min(WordVersion.by).label("by"),
            func.min(WordVersion.at).label("at"),
            func.min(WordVersion.holds_from).label("holds_from"),
        )
        .where(
            col(WordVersion.part) == part,
            col(WordVersion.batch) != "",
            col(WordVersion.undone_at).is_(None),
        )
        .group_by(col(WordVersion.batch))
        .order_by(func.min(WordVersion.id).desc())
        .limit(10)
    )
    return list(await session.execute(query))


def _after(change: Change) -> Cells | str | None:
    return "folder" if change.of_folder else change.cells
