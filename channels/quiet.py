"""Quiet hours: when a resident wants to hear of nothing but an emergency (promise 4)."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from core.city import QuietHours
from core.clock import in_japan


def _minutes(moment: time) -> int:
    return moment.hour * 60 + moment.minute


def quiet_until(
    now: datetime, city: QuietHours, start: int | None, end: int | None
) -> datetime | None:
    """Return when the quiet hours that hold ``now`` end, or None when they do not.

    Parameters
    ----------
    start, end
        A resident's own, in minutes after midnight in Japan; None the city's. Hours that end
        when they start are none.
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
