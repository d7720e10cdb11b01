"""Keep LINE's limits by hour and minute, for any number of processes.

Each request is stored in the database before it is sent. So few are allowed that a row for each
costs little. Neither a crash nor another process can exceed the limit.

Source: https://developers.line.biz/en/reference/messaging-api/#rate-limits
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete, func, text
from sqlalchemy import select as sql_select
from sqlmodel import col

from channels.line.models import LineCall
from channels.line.reasons import reason
from core.database import Database
from core.errors import Retryable

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
LIMITS: dict[str, tuple[int, timedelta]] = {
    "narrowcast": (60, HOUR),
    "broadcast": (60, HOUR),
    "insight-followers": (60, HOUR),
    "insight-delivery": (60, HOUR),
    "insight-demographic": (60, HOUR),
    "insight-unit": (60, HOUR),
    "audience-create": (60, MINUTE),
    "audience-add": (60, MINUTE),
    "audience": (60, MINUTE),
    "audience-delete": (60, MINUTE),
}
ON_THE_WAY = timedelta(seconds=15)
"""A request may arrive as much later than it was noted: longer than we wait for an answer."""


async def admit(database: Database, endpoint: str, now: datetime) -> None:
    """Store a request before it is sent.

    Raises
    ------
    Retryable
        It would exceed the limit; ``retry_after`` says when it will not.
    """
    most, length = LIMITS[endpoint]
    window = length + ON_THE_WAY
    async with database.writing() as session:
        if not database.is_sqlite:
            lock = text("SELECT pg_advisory_xact_lock(hashtext(:name))")
            await session.execute(lock, {"name": f"todoke.line.{endpoint}"})
        await session.execute(
            delete(LineCall).where(
                col(LineCall.endpoint) == endpoint,
                # An entry in the future was written by a wrong clock.
                (col(LineCall.at) <= now - window) | (col(LineCall.at) > now + ON_THE_WAY),
            )
        )
        used, oldest = (
            await session.execute(
                sql_select(func.count(), func.min(col(LineCall.at), type_=_MOMENT)).where(
                    col(LineCall.endpoint) == endpoint
                )
            )
        ).one()
        if used < most:
            session.add(LineCall(endpoint=endpoint, at=now))
            return
    wait = (oldest + window - now).total_seconds()
    why = reason("line.call-limit", most=most, endpoint=endpoint, length=length)
    raise Retryable(why, retry_after=max(1.0, wait))


_MOMENT = LineCall.__table__.c.at.type  # type: ignore[attr-defined]
