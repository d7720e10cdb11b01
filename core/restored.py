"""The state after a restore: the database is older than what was sent."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel

from core.database import UtcDateTime
from core.reasons import reason

RESTORED = reason("restore.held")
RULE = "rule:restored"


class RestoreHold(SQLModel, table=True):
    """The last restore of a backup; one row.

    Parameters
    ----------
    until
        The last time at which the service may have sent something. Earlier news is held.
    seen_at
        When somebody has seen what may have been sent. Hourly messages wait until then.
    """

    __tablename__ = "restore_holds"

    id: int = Field(default=1, primary_key=True)
    until: datetime = Field(sa_type=UtcDateTime)
    restored_at: datetime = Field(sa_type=UtcDateTime)
    seen_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    seen_by: str = ""


async def held_until(session: AsyncSession) -> datetime | None:
    """Return until when news may have been told already; None if nothing was restored."""
    hold = await session.get(RestoreHold, 1)
    return None if hold is None else hold.until


async def is_unseen(session: AsyncSession) -> bool:
    """Whether somebody still has to see what may have been sent before a restore."""
    hold = await session.get(RestoreHold, 1)
    return hold is not None and hold.seen_at is None
