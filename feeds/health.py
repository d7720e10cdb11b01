"""How the sources are: when each last answered, how old that is, and whether it is too old."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from city.city import City, name_in
from core.clock import in_japan
from core.reason import Reason
from feeds.freshness import Trouble, last_sign, trouble
from feeds.metrics import FROZEN, INCIDENTS, SAID_SECONDS, STALE, STALE_SECONDS
from feeds.models import Item, ItemState, Source

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class SourceState:
    """One source for staff. ``age`` is seconds since its last good answer.

    ``said_at`` is the newest time that it states; ``stale`` is true if it is silent or frozen, and
    ``trouble`` says which.
    """

    code: str
    kind: str
    name: str
    url: str
    last_polled_at: datetime | None
    last_succeeded_at: datetime | None
    last_new_at: datetime | None
    next_poll_at: datetime | None
    failures: int
    why: Reason | None
    """Why the last poll failed."""
    age: float | None
    said_at: datetime | None
    trouble: Trouble
    set_aside: int
    """Items of this source that wait for staff."""

    @property
    def stale(self) -> bool:
        return self.trouble is not Trouble.NONE

    def to_json(self) -> dict[str, Any]:
        return {
            "code": self.code,
            "kind": self.kind,
            "name": self.name,
            "url": self.url,
            "last_polled_at": _shown(self.last_polled_at),
            "last_succeeded_at": _shown(self.last_succeeded_at),
            "last_new_at": _shown(self.last_new_at),
            "next_poll_at": _shown(self.next_poll_at),
            "failures": self.failures,
            "error": str(self.why or ""),
            "error_code": self.why.code if self.why else None,
            "age_s": None if self.age is None else round(self.age),
            "said_at": _shown(self.said_at),
            "stale": self.stale,
            "trouble": self.trouble.value,
            "set_aside": self.set_aside,
        }


def _shown(moment: datetime | None) -> str | None:
    return None if moment is None else in_japan(moment).isoformat(timespec="seconds")


async def states(session: AsyncSession, city: City, now: datetime) -> list[SourceState]:
    """Return the state of every configured source, in the city's order.

    The gauges are set on the way.
    """
    rows = {row.code: row for row in await session.scalars(select(Source))}
    waiting = dict(
        (
            await session.execute(
                select(col(Item.source), func.count())
                .where(col(Item.state) == ItemState.SET_ASIDE)
                .group_by(col(Item.source))
            )
        ).all()
    )
    found = []
    for source in city.sources:
        row = rows.get(source.code)
        seen = row.last_succeeded_at if row is not None else None
        age = None if seen is None else (now - seen).total_seconds()
        found_wrong = trouble(source, row, now)
        STALE.labels(source.code).set(found_wrong is not Trouble.NONE)
        FROZEN.labels(source.code).set(found_wrong is Trouble.FROZEN)
        sign = last_sign(row, now) if row is not None else None
        if sign is not None:
            SAID_SECONDS.labels(source.code).set((now - sign).total_seconds())
        if age is not None:
            STALE_SECONDS.labels(source.code).set(age)
        found.append(
            SourceState(
                code=source.code,
                kind=source.kind,
                name=name_in(source.names, "ja"),
                url=source.url,
                last_polled_at=row.last_polled_at if row else None,
                last_succeeded_at=seen,
                last_new_at=row.last_new_at if row else None,
                next_poll_at=row.next_poll_at if row else None,
                failures=row.failures if row else 0,
                why=row.last_error if row else None,
                age=age,
                said_at=row.said_at if row else None,
                trouble=found_wrong,
                set_aside=waiting.get(source.code, 0),
            )
        )
    return found


class SourceWatch:
    """Checks the sources regularly, and reports once when one becomes stale."""

    def __init__(self) -> None:
        self._stale: set[str] = set()

    async def look(self, session: AsyncSession, city: City, now: datetime) -> list[SourceState]:
        """Return the sources that became stale since the last check.

        Each is logged as an error and counted (``todoke_source_incidents_total``); its recovery is
        logged too. A source that never answered gets its usual time first.
        """
        gone = []
        for state in await states(session, city, now):
            if not state.stale:
                if state.code in self._stale:
                    self._stale.discard(state.code)
                    log.info("source.recovered", source=state.code)
            elif state.code not in self._stale and (state.age is not None or state.failures):
                self._stale.add(state.code)
                gone.append(state)
                INCIDENTS.labels(state.code).inc()
                log.error(
                    "source.stale",
                    source=state.code,
                    state=state.trouble.value,
                    age_s=state.age,
                    said_at=_shown(state.said_at),
                    reason=str(state.why) if state.why else None,
                )
        return gone
