"""How the sources are: when each last answered, and whether that is too long ago."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from core.city import City, SourceConfig, name_in
from core.clock import in_japan
from feeds.metrics import INCIDENTS, STALE, STALE_SECONDS
from feeds.models import Item, ItemState, Source

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class SourceState:
    """One source as staff see it. ``age`` is seconds since it last answered properly."""

    code: str
    kind: str
    name: str
    url: str
    last_polled_at: datetime | None
    last_succeeded_at: datetime | None
    last_new_at: datetime | None
    next_poll_at: datetime | None
    failures: int
    error: str
    age: float | None
    stale: bool
    set_aside: int
    """Items of this source that wait for staff."""

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
            "error": self.error,
            "age_s": None if self.age is None else round(self.age),
            "stale": self.stale,
            "set_aside": self.set_aside,
        }


def _shown(moment: datetime | None) -> str | None:
    return None if moment is None else in_japan(moment).isoformat(timespec="seconds")


def is_stale(source: SourceConfig, seen: datetime | None, now: datetime) -> bool:
    """Whether a source has not answered for longer than its ``stale_after_seconds``.

    For the agency's warnings that is an incident. What was never polled is stale at once; a
    webhook and mail that is piped to us, which speak when they have something to say, never are.
    """
    if source.kind == "webhook" or not source.url:
        return False
    return seen is None or now - seen > timedelta(seconds=source.stale_after_seconds)


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
        stale = is_stale(source, seen, now)
        STALE.labels(source.code).set(stale)
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
                error=(row.last_error or "") if row else "",
                age=age,
                stale=stale,
                set_aside=waiting.get(source.code, 0),
            )
        )
    return found


class Watch:
    """Looks at the sources again and again, and raises the alarm once when one goes stale."""

    def __init__(self) -> None:
        self._stale: set[str] = set()

    async def look(self, session: AsyncSession, city: City, now: datetime) -> list[SourceState]:
        """Return the sources that went stale since the last look.

        Each is logged as an error and counted (``todoke_source_incidents_total``); its coming
        back is logged too. A source that never answered yet is given its time first.
        """
        gone = []
        for state in await states(session, city, now):
            if not state.stale:
                if state.code in self._stale:
                    self._stale.discard(state.code)
                    log.info("source is back", source=state.code)
            elif state.code not in self._stale and (state.age is not None or state.failures):
                self._stale.add(state.code)
                gone.append(state)
                INCIDENTS.labels(state.code).inc()
                log.error(
                    "source is stale", source=state.code, age_s=state.age, why=state.error or None
                )
        return gone
