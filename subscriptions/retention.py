"""Forgetting residents who left, after the days that ``city.toml`` says (promise 9)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from core.database import Database
from subscriptions.models import Resident, ResidentState
from subscriptions.service import erase_rows

CHUNK = 500
"""Residents a transaction, so that nobody who writes meanwhile waits long."""

_log = structlog.get_logger(__name__)


async def forget_left(
    database: Database,
    days: int,
    now: datetime,
    *,
    also: Callable[[AsyncSession, Sequence[int]], Awaitable[None]] | None = None,
) -> int:
    """Erase everybody who left more than ``days`` ago and did not come back; say how many.

    Parameters
    ----------
    also
        Called with their ids, in the same transaction, to erase what other rooms keep of them.
    """
    erased = 0
    old = (
        select(Resident.id)
        .where(
            col(Resident.state) == ResidentState.LEFT,
            col(Resident.left_at) < now - timedelta(days=days),
        )
        .order_by(col(Resident.id))
        .limit(CHUNK)
        # Somebody who is just coming back is left to do so.
        .with_for_update(skip_locked=True)
    )
    while True:
        async with database.writing() as session:
            ids = [number for number in await session.scalars(old) if number is not None]
            if also is not None:
                await also(session, ids)
            await erase_rows(session, ids)
        erased += len(ids)
        if len(ids) < CHUNK:
            break
    if erased:
        _log.info("residents.forgotten", residents=erased, days=days)
    return erased
