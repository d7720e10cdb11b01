"""When news leaves: its first time, the times after it, and how late is too late."""

from __future__ import annotations

import calendar
from datetime import date, datetime, timedelta

from alerts.news.models import News, Repeat, When
from core.clock import JAPAN, in_japan

TOO_LATE = timedelta(hours=3)
"""News that could not leave for so long waits for a decision: its words may be wrong by now."""
FARTHEST = timedelta(days=400)
"""Nothing is planned farther ahead."""


def first_time(news: News, now: datetime) -> datetime:
    """Return when news leaves first, if it is planned now."""
    if news.when is When.AT and news.send_at is not None:
        return news.send_at
    return now


def time_after(news: News, planned: datetime) -> datetime | None:
    """Return the next time of repeated news; None if that was the last."""
    if news.repeat is Repeat.ONCE:
        return None
    day = in_japan(planned)
    if news.repeat is Repeat.WEEKLY:
        following = day + timedelta(days=7)
    else:
        first = in_japan(news.send_at) if news.send_at else day
        following = _next_month(day, first.day)
    if news.until is not None and following.date() > news.until:
        return None
    return following.astimezone(planned.tzinfo)


def times_between(news: News, first: datetime, last: datetime) -> list[datetime]:
    """Return the times at which planned news leaves, from one moment until before another."""
    found = []
    at = news.next_at
    while at is not None and at < last:
        if at >= first:
            found.append(at)
        at = time_after(news, at)
    return found


def _next_month(moment: datetime, day: int) -> datetime:
    """Return the same hour on this day of the next month, or on its last day if it is shorter."""
    year, month = (moment.year + moment.month // 12, moment.month % 12 + 1)
    last = calendar.monthrange(year, month)[1]
    return datetime.combine(date(year, month, min(day, last)), moment.time(), JAPAN)
