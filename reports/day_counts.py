"""How many reports came on a day, how many were answered, and how many within their due day."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlalchemy import func
from sqlalchemy import select as sql_select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from core.clock import in_japan
from reports.models import Report
from reports.states import ReportState

LOOKED_BACK = timedelta(days=730)
"""A report that is older when it ends is not counted: the index is by when reports came."""


async def reports_between(session: AsyncSession, start: datetime, end: datetime) -> dict[str, int]:
    """Return ``came``, ``answered`` (taken up, refused or handed on), ``ended`` and, of the ended
    that had a due day, ``due`` and ``in_time``.
    """
    counted = col(Report.state) != ReportState.WITHDRAWN
    came = await session.scalar(
        sql_select(func.count()).where(
            counted, col(Report.created_at) >= start, col(Report.created_at) < end
        )
    )
    lately = (counted, col(Report.created_at) >= end - LOOKED_BACK, col(Report.created_at) < end)
    answered = await session.scalar(
        sql_select(func.count()).where(
            *lately, col(Report.accepted_at) >= start, col(Report.accepted_at) < end
        )
    )
    ended = await session.execute(
        sql_select(col(Report.due_on), col(Report.ended_at)).where(
            *lately, col(Report.ended_at) >= start, col(Report.ended_at) < end
        )
    )
    days: list[tuple[date | None, date]] = [
        (due, in_japan(at).date()) for due, at in ended if at is not None
    ]
    due = [(wanted, day) for wanted, day in days if wanted is not None]
    return {
        "came": came or 0,
        "answered": answered or 0,
        "ended": len(days),
        "due": len(due),
        "in_time": sum(day <= wanted for wanted, day in due),
    }
