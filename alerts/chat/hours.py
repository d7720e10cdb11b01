"""When the desk answers, on Japan's clock."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import jpholiday

from city.chat import ChatRules
from core.clock import JAPAN, in_japan

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MOST_DAYS_AHEAD = 60
DAY = timedelta(days=1)


def is_desk_day(rules: ChatRules, day: date) -> bool:
    """Whether the desk begins to answer on a day: no closed day, and no holiday it keeps."""
    closed = day.isoformat() in rules.closed or day.strftime("%m-%d") in rules.closed
    holiday = rules.holidays_closed and jpholiday.is_holiday(day)
    return DAYS[day.weekday()] in rules.days and not closed and not holiday


def shift(rules: ChatRules, day: date) -> tuple[datetime, datetime]:
    """Return when the shift of a day begins and ends; hours over midnight end on the next day."""
    begin = _at(day, rules.opens)
    return begin, _at(day if rules.closes > rules.opens else day + DAY, rules.closes)


def is_open(rules: ChatRules, now: datetime) -> bool:
    """Whether the desk answers now."""
    today = in_japan(now).date()
    return any(
        is_desk_day(rules, day) and shift(rules, day)[0] <= now < shift(rules, day)[1]
        for day in (today - DAY, today)
    )


def next_opening(rules: ChatRules, now: datetime) -> datetime | None:
    """Return when the desk answers next; None if it is not within two months."""
    today = in_japan(now).date()
    for n in range(MOST_DAYS_AHEAD):
        day = today + n * DAY
        begin = shift(rules, day)[0]
        if begin > now and is_desk_day(rules, day):
            return begin
    return None


def _at(day: date, clock: time) -> datetime:
    return datetime.combine(day, clock, tzinfo=JAPAN)
