"""What another office says of a case that it has: kept in the history, taken up or put to staff."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from city.city import City
from core.errors import BadInput
from reports import work
from reports.forwarding import RULE, note
from reports.models import Forward, Report, ReportUpdate
from reports.states import ReportState
from reports.work import Change, Changed

ENDED_LOOK = timedelta(days=1)
"""After which an office that closed a case is asked whether it stays closed."""
OPEN, CLOSED = "open", "closed"

Tell = Callable[[AsyncSession, Changed, datetime], Awaitable[object]]
"""Tells residents what became of a case, in the transaction of the change."""


@dataclass(frozen=True)
class Said:
    """What another office says of a case.

    Parameters
    ----------
    status
        ``open`` or ``closed``.
    at
        Its own time of the last change, as it wrote it.
    """

    status: str
    notes: str
    at: str


def keep(forward: Forward, said: Said) -> bool:
    """Keep what an office says; return whether it has not said it before."""
    before = (forward.remote_status, forward.remote_notes)
    says_nothing = before == ("", "") and said.status == OPEN and not said.notes
    forward.remote_status, forward.remote_notes = said.status, said.notes
    forward.remote_at = said.at
    return (said.status, said.notes) != before and not says_nothing


async def take_up(
    session: AsyncSession,
    city: City,
    forward: Forward,
    said: Said,
    now: datetime,
    *,
    tell: Tell,
    origin: str | None = None,
) -> ReportUpdate:
    """Keep what an office says in the case's history; return that step.

    Where it closes the case, staff are asked whether it is done here as well, or it is done by
    itself if the city's folder says so (``closes``).

    Parameters
    ----------
    forward
        Locked.
    origin
        What made the step; see :attr:`ReportUpdate.origin`.
    """
    keep(forward, said)
    session.add(forward)
    words = f"{said.status}: {said.notes}" if said.notes else said.status
    by = f"office:{forward.owner}"
    step = await note(session, forward.report_id, words, by=by, now=now, origin=origin)
    if said.status != CLOSED:
        forward.closed_at = None
        return step
    if forward.closed_at is not None:
        return step
    forward.closed_at, forward.settled_at, forward.settled_by = now, None, ""
    if forward.look_at is not None:
        forward.look_at = now + ENDED_LOOK
    owner = city.owner(forward.owner)
    if owner is None or owner.open311 is None or not owner.open311.closes:
        return step
    report = await session.get_one(Report, forward.report_id)
    try:
        async with session.begin_nested():
            wanted = Change(state=ReportState.DONE)
            changed = await work.change(session, city, report.number, wanted, by=by, now=now)
    except BadInput:
        return step
    forward.settled_at, forward.settled_by = now, RULE
    await tell(session, changed, now)
    return step
