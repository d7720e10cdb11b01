"""Who of the staff opened a report first, and who looked at a case after an alarm of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from core.chunks import rows_of
from reports.models import NEW_REPORT, Heard, Report


async def note_opened(session: AsyncSession, report: Report, *, by: str, now: datetime) -> bool:
    """Note who opened a report; return whether somebody waited for that.

    It is no change of the report: a colleague's page is not out of date by it. Who entered a report
    has not looked after it by that: the department still hears of it.
    """
    first = await session.execute(
        update(Report)
        .where(
            col(Report.id) == report.id,
            col(Report.opened_at).is_(None),
            col(Report.entered_by) != by,
        )
        .values(opened_at=now, opened_by=by)
        .execution_options(synchronize_session=False)
    )
    of_others = [col(Heard.occasion) != NEW_REPORT] if report.entered_by == by else []
    heard = await _looked_after(session, report, of_others, by=by, now=now)
    return rows_of(first) > 0 or heard > 0


async def looked_after(session: AsyncSession, report: Report, *, by: str, now: datetime) -> None:
    """Note that somebody looks after all that the office was told of a case."""
    await _looked_after(session, report, [], by=by, now=now)


async def _looked_after(
    session: AsyncSession,
    report: Report,
    which: Sequence[ColumnElement[bool]],
    *,
    by: str,
    now: datetime,
) -> int:
    noted = await session.execute(
        update(Heard)
        .where(col(Heard.report_id) == report.id, col(Heard.opened_at).is_(None), *which)
        .values(opened_at=now, opened_by=by)
        .execution_options(synchronize_session=False)
    )
    return rows_of(noted)
