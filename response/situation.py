"""What goes on in the disaster, read once for many residents who ask."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from core.changes import Changes
from core.database import Database
from response.lifelines import listed_now
from response.models import DisasterMode, Lifeline, ShelterStatus
from response.modes import open_modes
from response.shelters import statuses

HOLDS = timedelta(seconds=1)
"""For how long what was read is used again. Changes by this process are seen at once."""
_CHANGES = Changes(ShelterStatus, DisasterMode, Lifeline)


@dataclass(frozen=True)
class Situation:
    """What staff say of the evacuation sites, by the site's code, the modes that are on, and what
    is listed as lifelines.
    """

    shelters: Mapping[str, ShelterStatus] = field(default_factory=dict)
    drill_shelters: Mapping[str, ShelterStatus] = field(default_factory=dict)
    modes: tuple[DisasterMode, ...] = ()
    lifelines: tuple[Lifeline, ...] = ()
    drill_lifelines: tuple[Lifeline, ...] = ()

    def mode_for(self, areas: Iterable[str]) -> DisasterMode | None:
        """Return the mode for somebody with these districts; the real one first."""
        chosen = tuple(areas)
        return next((mode for mode in self.modes if mode.concerns(chosen)), None)


class SituationNow:
    """Gives the situation at this moment."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._situation = Situation()
        self._of: tuple[int, datetime] | None = None
        self._reading = asyncio.Lock()

    async def now(self, now: datetime) -> Situation:
        """Return the situation, read within the last second."""
        async with self._reading:
            if self._of is None or not self._is_fresh(*self._of, now):
                # Counted before the read, so that a change meanwhile causes another read.
                count = _CHANGES.count
                async with self._database.reading() as session:
                    self._situation = Situation(
                        await statuses(session, drill=False),
                        await statuses(session, drill=True),
                        tuple(await open_modes(session)),
                        tuple(await listed_now(session, now, drill=False)),
                        tuple(await listed_now(session, now, drill=True)),
                    )
                self._of = (count, now)
            return self._situation

    def _is_fresh(self, count: int, read_at: datetime, now: datetime) -> bool:
        return count == _CHANGES.count and abs(now - read_at) < HOLDS
