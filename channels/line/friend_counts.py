"""The number of friends by LINE's count, requested now and then and stored, so that no page must
ask.

Source: https://developers.line.biz/en/reference/messaging-api/#get-number-of-followers
(a day's numbers are there from about nine the next morning; 60 requests an hour).
"""

from __future__ import annotations

from datetime import timedelta

import structlog

from channels.line.client import LineClient
from channels.line.friends_api import friend_numbers
from channels.line.hourly import admit
from channels.line.models import FriendCount
from core.clock import Clock, in_japan
from core.database import Database
from core.errors import Permanent, Retryable

DAYS_BACK = 3
"""Highest number of days to ask for until one is ready."""
ASK_AGAIN = timedelta(hours=3)
AFTER_FAILURE = timedelta(minutes=15)

log = structlog.get_logger(__name__)


async def count_friends(database: Database, clock: Clock, line: LineClient) -> None:
    """Ask LINE for its newest number of friends if it is due; store an error."""
    now = clock.now()
    async with database.reading() as session:
        before = await session.get(FriendCount, 1)
    if before is not None:
        pause = AFTER_FAILURE if before.error else ASK_AGAIN
        if abs(now - before.asked_at) < pause:
            return
    try:
        for back in range(1, DAYS_BACK + 1):
            day = f"{in_japan(now) - timedelta(days=back):%Y%m%d}"
            await admit(database, "insight-followers", now)
            found = await friend_numbers(line, day)
            if found.status == "ready":
                break
    except (Retryable, Permanent) as error:
        log.warning("friends.uncounted", reason=str(error))
        async with database.writing() as session:
            row = await session.get(FriendCount, 1) or FriendCount(asked_at=now)
            row.asked_at, row.error = now, error.reason
            session.add(row)
        return
    async with database.writing() as session:
        row = await session.get(FriendCount, 1) or FriendCount(asked_at=now)
        row.asked_at, row.error, row.status = now, None, found.status
        if found.status == "ready":
            row.day, row.followers = day, found.followers
            row.targeted_reaches, row.blocks = found.targeted_reaches, found.blocks
        session.add(row)
    log.info("friends.counted", day=day, line_status=found.status, followers=found.followers)
