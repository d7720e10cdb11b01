"""LINE's limits by the second.

Source: https://developers.line.biz/en/reference/messaging-api/#rate-limits
"""

from __future__ import annotations

from channels.limiter import Limiter
from channels.rate_leases import shared_limiter
from core.clock import Clock
from core.database import Database
from core.settings import Settings

OTHER_ENDPOINTS = 2000
"""Requests a second for each endpoint that has no limit of its own."""


def line_limits(settings: Settings) -> dict[str, int | None]:
    """Return the limits of the endpoints that deliveries go by; a setting of 0 switches one off."""
    return {
        "multicast": settings.line_rate_multicast or None,
        "push": settings.line_rate_push or None,
    }


def line_limiter(
    database: Database | None, clock: Clock, settings: Settings, *, worker: str | None = None
) -> Limiter:
    """Return the limiter for a process; with a database the limit is shared with others there."""
    limits = line_limits(settings)
    if database is None:
        return Limiter(clock, limits, others=OTHER_ENDPOINTS)
    return shared_limiter(database, clock, limits, others=OTHER_ENDPOINTS, worker=worker)
