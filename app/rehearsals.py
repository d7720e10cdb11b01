"""What the console's pages of rehearsals show: days, and results in ``TODOKE_MEDIA_DIR``."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from app.kept_days import kept_days
from app.rehearsal import result, results
from app.rehearsal_report import as_csv
from city.context import Context
from console.rehearsal_pages import RehearsalDay
from simulator.agency.days import DAYS


class RehearsalResults:
    """``app.state.rehearsals``; see ``console.rehearsal_pages.Rehearsals``."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def days(self) -> Sequence[RehearsalDay]:
        own = await kept_days(self._context.database, self._context.city, self._context.clock.now())
        return [
            *(RehearsalDay(day.name, len(day.events), True) for day in DAYS.values()),
            *(RehearsalDay(day.isoformat(), number, False) for day, number in own),
        ]

    async def results(self) -> Sequence[tuple[str, dict[str, Any]]]:
        return await asyncio.to_thread(results, self._context.settings.media_dir)

    async def result(self, name: str) -> dict[str, Any]:
        return await asyncio.to_thread(result, self._context.settings.media_dir, name)

    def as_csv(self, report: dict[str, Any]) -> str:
        return as_csv(report)
