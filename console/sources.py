"""How well each source is: fresh, late, frozen, failing, or not heard of yet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncSession

from city.city import City, SourceConfig
from core.counting import NONE, Size
from feeds import lists
from feeds.freshness import Trouble, trouble
from feeds.models import Source


class Health(StrEnum):
    FRESH = "fresh"
    FAILING = "failing"
    STALE = "stale"
    FROZEN = "frozen"
    WAITING = "waiting"


@dataclass(frozen=True)
class SourceHealth:
    """One configured source, and its state if it has one. ``items`` is the number of all its items,
    if counted.
    """

    config: SourceConfig
    state: Source | None
    health: Health
    items: Size = NONE
    set_aside: int = 0

    @property
    def alarming(self) -> bool:
        """Whether warnings may be missing by it."""
        return self.config.kind in ("jma", "cap") and self.health in (
            Health.STALE,
            Health.FROZEN,
        )


def health_of(config: SourceConfig, state: Source | None, now: datetime) -> Health:
    """Judge one source; ``feeds.freshness`` decides whether it is silent or frozen."""
    if state is None or (state.last_polled_at is None and state.last_succeeded_at is None):
        return Health.WAITING
    wrong = trouble(config, state, now)
    if wrong is not Trouble.NONE:
        return Health.FROZEN if wrong is Trouble.FROZEN else Health.STALE
    return Health.FAILING if state.failures else Health.FRESH


async def healths(
    session: AsyncSession, city: City, now: datetime, *, counted: bool = False
) -> list[SourceHealth]:
    """Return every configured source in the order of ``city.toml``.

    ``counted`` adds the number of items of each.
    """
    states = await lists.source_states(session)
    items: dict[str, Size] = {}
    aside: dict[str, int] = {}
    if counted:
        for config in city.sources:
            items[config.code] = await lists.items_given(session, config.code)
        aside = await lists.set_aside_by_source(session)
    return [
        SourceHealth(
            config,
            states.get(config.code),
            health_of(config, states.get(config.code), now),
            items.get(config.code, NONE),
            aside.get(config.code, 0),
        )
        for config in city.sources
    ]
