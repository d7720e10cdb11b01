"""Forgetting residents who left, after the days that ``city.toml`` says (promise 9)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

import structlog
from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from core.chunks import in_chunks, rows_of
from core.database import Database
from subscriptions.models import (
    HAS_LEFT,
    GoneFriend,
    Resident,
    ResidentChange,
    ResidentChild,
    ResidentState,
)
from subscriptions.residents import erase_rows

CHUNK = 500
"""Highest number of residents in one transaction."""

_log = structlog.get_logger(__name__)


async def forget_left(
    database: Database,
    days: int,
    now: datetime,
    *,
    also: Callable[[AsyncSession, Sequence[int]], Awaitable[None]] | None = None,
) -> int:
    """Erase everybody who left more than ``days`` ago and did not come back; return how many.

    Parameters
    ----------
    also
        Called with their ids in the same transaction, to erase what other packages store about
        them.
    """
    gone_before = now - timedelta(days=days)
    number = col(Resident.id)
    old = (
        col(Resident.state) == ResidentState.LEFT,
        HAS_LEFT,
        col(Resident.left_at) < gone_before,
    )

    async def change(session: AsyncSession, chunk: Sequence[int]) -> int:
        # Somebody who is just coming back is left to do so.
        locked = select(number).where(number.in_(chunk), *old).with_for_update(skip_locked=True)
        ids = [each for each in await session.scalars(locked) if each is not None]
        if also is not None:
            await also(session, ids)
        await erase_rows(session, ids)
        return len(ids)

    erased = await in_chunks(database, select(number).where(*old), change, most=CHUNK)
    async with database.writing() as session:
        await session.execute(
            delete(GoneFriend).where(
                col(GoneFriend.erased).is_(False), col(GoneFriend.at) < gone_before
            )
        )
    if erased:
        _log.info("residents.erased", residents=erased, days=days)
    return erased


async def forget_grown(database: Database, first_needed: str) -> int:
    """Erase months of birth before ``first_needed`` (``YYYY-MM``); return how many."""
    number, grown = col(ResidentChild.resident_id), col(ResidentChild.born) < first_needed

    async def change(session: AsyncSession, ids: Sequence[int]) -> int:
        gone = await session.execute(delete(ResidentChild).where(number.in_(ids), grown))
        session.add_all(ResidentChange(resident_id=each) for each in ids)
        return rows_of(gone)

    return await in_chunks(database, select(number).where(grown).distinct(), change, most=CHUNK)
