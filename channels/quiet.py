"""Quiet hours: when a resident wants only emergencies (promise 4)."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from city.city import QuietHours
from core.clock import in_japan


def _minutes(moment: time) -> int:
    return moment.hour * 60 + moment.minute


def quiet_until(
    now: datetime, city: QuietHours, start: int | None, end: int | None
) -> datetime | None:
    """Return when the current quiet hours end, or None if ``now`` is not in quiet hours.

    Parameters
    ----------
    start, end
        A resident's own, in minutes after midnight in Japan; None means the city's. Equal ones mean
        no quiet hours.
    """
    first = _minutes(city.start) if start is None else start
    last = _minutes(city.end) if end is None else end
    here = in_japan(now)
    minute = here.hour * 60 + here.minute
    if first < last:
        quiet, tomorrow = first <= minute < last, False
    else:
        quiet, tomorrow = first != last and (minute >= first or minute < last), minute >= first
    if not quiet:
        return None
    midnight = here.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + timedelta(days=tomorrow, minutes=last)
