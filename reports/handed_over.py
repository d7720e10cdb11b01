"""A department hears, by its own mail or chat, of cases that were given to it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from core.languages import mark
from reports import alarm_settings
from reports.kinds import city_now
from reports.models import Report, Rhythm
from reports.notices_to_staff import SHOWN, Desk, about_one, about_some, put
from reports.work import Changed

GIVEN = mark("Given to your department: report {number}")
SOME_GIVEN = mark("Given to your department: {n} reports")


def given(changed: Sequence[Changed]) -> list[Report]:
    """Return the cases that another department has now."""
    return [
        one.report
        for one in changed
        if one.update is not None
        and "department" in one.update.changes
        and one.report.state.is_open
    ]


async def tell(session: AsyncSession, desk: Desk, cases: Sequence[Report], now: datetime) -> int:
    """Store the messages to the departments that have these cases now; return how many.

    They go at once, or after the department's quiet hours. Who hears nothing of new reports hears
    nothing of these.
    """
    told = 0
    city = await city_now(session, desk.city)
    alarms = await alarm_settings.every(session, city, now)
    for department in dict.fromkeys(case.department for case in cases):
        theirs = [case for case in cases if case.department == department]
        alarm = alarms.get(department) or alarm_settings.from_city(city, department, now)
        if alarm.rhythm is Rhythm.NEVER:
            continue
        if len(theirs) == 1:
            content = about_one(desk, theirs[0], GIVEN)
        else:
            content = about_some(desk, theirs[:SHOWN], SOME_GIVEN, len(theirs))
        occasion = f"given:{theirs[0].id}-{theirs[-1].id}-{len(theirs)}:{now:%m%d%H%M%S%f}"
        until = alarm_settings.quiet_end(alarm, city, now)
        told += await put(session, alarm, content, occasion, now, not_before=until)
    return told
