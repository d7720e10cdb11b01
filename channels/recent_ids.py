"""User ids that planning has just read, so that sending need not read them again.

They are used only within seconds, and not for residents who changed since: a departed or erased
resident is skipped, as in a new query. Ids that do not fit are read again.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from core.clock import Clock
from subscriptions.models import ResidentChange

MOST_BYTES = 16_000_000
"""Some 450,000 residents: more than are sent to while this is fresh, at LINE's limit."""
ENTRY_BYTES = 600
"""What a batch takes besides its ids. A medium with one recipient a batch has little else."""
FRESH_SECONDS = 3.0


@dataclass(frozen=True)
class RecentIds:
    """A batch's user ids, joined by ``","``, as they were at ``mark``."""

    users: str
    mark: int
    read_at: float


class RecentIdsCache:
    """The user ids of batches that were planned here and are about to be sent here."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: dict[str, RecentIds] = {}
        self._size = 0

    def keep(self, retry_key: str, users: str, mark: int) -> None:
        """Store a batch's user ids if there is space."""
        size = len(users) + ENTRY_BYTES
        if self._size + size > MOST_BYTES:
            self._forget_stale()
        if self._size + size <= MOST_BYTES:
            self._kept[retry_key] = RecentIds(users, mark, self._clock.monotonic())
            self._size += size

    def take(self, retry_key: str) -> RecentIds | None:
        """Take out a batch's user ids, if they are still fresh."""
        found = self._kept.pop(retry_key, None)
        if found is None:
            return None
        self._size -= len(found.users) + ENTRY_BYTES
        stale = self._clock.monotonic() - found.read_at > FRESH_SECONDS
        return None if stale else found

    def _forget_stale(self) -> None:
        oldest = self._clock.monotonic() - FRESH_SECONDS
        # They stand in the order in which they were read.
        while self._kept:
            key, first = next(iter(self._kept.items()))
            if first.read_at >= oldest:
                return
            del self._kept[key]
            self._size -= len(first.users) + ENTRY_BYTES


async def mark_of(session: AsyncSession) -> int:
    """Return where the record of changed residents ends, as the session sees it."""
    return await session.scalar(select(func.max(col(ResidentChange.id)))) or 0


async def changed_since(session: AsyncSession, mark: int) -> set[int]:
    """Return the residents who changed after ``mark``."""
    statement = select(col(ResidentChange.resident_id)).where(col(ResidentChange.id) > mark)
    return set(await session.scalars(statement))
