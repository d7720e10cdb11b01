"""The public notices of the dangers in force, read once for many residents who ask.

After a warning hundreds of residents ask the same within seconds. Changes by this process in
notices or the hazard board are seen at once, changes by other processes after at most a second.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar, cast

from core.changes import Changes
from core.database import Database
from feeds.in_force import public_notices
from feeds.models import HazardState, Notice

HOLDS = timedelta(seconds=1)
"""For how long an answer is given again."""
Made = TypeVar("Made")
_CHANGES = Changes(Notice, HazardState)


@dataclass(frozen=True)
class Told:
    """Public notices of the dangers in force at one moment, the most serious first."""

    notices: tuple[Notice, ...] = ()
    _made: dict[Hashable, Any] = field(default_factory=dict, repr=False)

    def once(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """Return what ``make`` returns, made once for each ``key``."""
        if key not in self._made:
            self._made[key] = make()
        return cast(Made, self._made[key])


class ToldNow:
    """Gives the public notices of the dangers in force now.

    Parameters
    ----------
    database, municipality
        The database and the municipality to read.
    """

    def __init__(self, database: Database, municipality: str) -> None:
        self._database = database
        self._municipality = municipality
        self._told = Told()
        self._of: tuple[int, datetime] | None = None
        self._reading = asyncio.Lock()

    async def now(self, now: datetime) -> Told:
        """Return the notices in force at ``now``, read within the last second."""
        async with self._reading:
            if self._of is None or not self._is_fresh(*self._of, now):
                # Counted before the read, so that a change meanwhile causes another read.
                count = _CHANGES.count
                async with self._database.reading() as session:
                    notices = await public_notices(session, self._municipality, now)
                self._told, self._of = Told(tuple(notices)), (count, now)
            return self._told

    def _is_fresh(self, count: int, read_at: datetime, now: datetime) -> bool:
        return count == _CHANGES.count and abs(now - read_at) < HOLDS
