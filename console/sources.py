"""How well each source is: fresh, late, failing, or not heard of yet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from core.city import City, SourceConfig
from feeds.health import is_stale
from feeds.models import Item, ItemState, Source


class Health(StrEnum):
    FRESH = "fresh"
    FAILING = "failing"
    STALE = "stale"
    WAITING = "waiting"


@dataclass(frozen=True)
class SourceHealth:
    """One configured source, and its state when it has one. ``items`` are all it ever gave."""

    config: SourceConfig
    state: Source | None
    health: Health
    items: int = 0
    set_aside: int = 0


def health_of(config: SourceConfig, state: Source | None, now: datetime) -> Health:
    """Judge one source; whether it is late, ``feeds.health`` says."""
    if state is None or (state.last_polled_at is None and state.last_succeeded_at is None):
        return Health.WAITING
    if is_stale(config, state.last_succeeded_at, now):
        return Health.STALE
    return Health.FAILING if state.failures else Health.FRESH


async def healths(session: AsyncSession, city: City, now: datetime) -> list[SourceHealth]:
    """Return every configured source in the order of ``city.toml``."""
    states = {source.code: source for source in await session.scalars(select(Source))}
    rows = await session.execute(
        select(Item.source, Item.state, func.count()).group_by(col(Item.source), col(Item.state))
    )
    items: dict[str, int] = {}
    aside: dict[str, int] = {}
    for source, state, number in rows:
        items[source] = items.get(source, 0) + number
        if state is ItemState.SET_ASIDE:
            aside[source] = number
    return [
        SourceHealth(
            config,
            states.get(config.code),
            health_of(config, states.get(config.code), now),
            items.get(config.code, 0),
            aside.get(config.code, 0),
        )
        for config in city.sources
    ]


async def set_aside_count(session: AsyncSession) -> int:
    """Return how many items nobody could read or sort."""
    found = await session.scalar(
        select(func.count()).select_from(Item).where(col(Item.state) == ItemState.SET_ASIDE)
    )
    return int(found or 0)
