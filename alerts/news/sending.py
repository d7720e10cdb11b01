"""Send planned news when its time comes; the scheduler does this every few seconds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import structlog

from alerts.news import release
from alerts.news.release import Door
from core.clock import Clock
from core.database import Database
from core.errors import BadInput

log = structlog.get_logger(__name__)


async def send_due(database: Database, door: Door, clock: Clock) -> int:
    """Send all news that is due, each in a transaction of its own; return how many left."""
    async with database.reading() as session:
        waiting = await release.due(session, clock.now())
    left = 0
    for news_id in waiting:
        left += await _one(database, door, news_id, clock.now)
    return left


async def _one(database: Database, door: Door, news_id: int, now: Callable[[], datetime]) -> bool:
    try:
        async with database.writing() as session:
            left = await release.send_due(session, door, news_id, now=now())
    except BadInput as refusal:
        # It waits for a person, and holds up no other news.
        log.warning("news.refused", news_id=news_id, reason=str(refusal))
        async with database.writing() as session:
            await release.set_aside(session, news_id, "refused", now())
        return False
    if left:
        log.info("news.sent", news_id=news_id)
    return left
