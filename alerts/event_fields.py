"""The day and time of an event, as staff type them into a draft: day, last day, from, until.

What is typed is stored as it is, so that nothing is lost while somebody is still writing. An alert
with a wrong day is not sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta

from core.clock import JAPAN, in_japan
from core.languages import mark
from feeds.event_days import EventDay, whole_days

FIELDS = ("event_day", "event_last", "event_from", "event_until")
MOST_LETTERS = 10
NO_DAY = mark("The event has no day that exists. Write it as 2026-07-12.")
NO_TIME = mark("The event has no time that exists. Write it as 10:00.")
END_FIRST = mark("The event ends before it begins.")
SEVERAL_DAYS = mark("An event of several days has no times. Write them into the text.")

Typed = Mapping[str, str]
"""By the name of a field; what is empty is left out."""


class WrongDay(ValueError):
    """The typed day or time does not exist; ``args`` has the sentence that says so."""


def typed(fields: Mapping[str, str]) -> dict[str, str]:
    """Return what was typed, as a draft stores it."""
    said = {name: fields.get(name, "").strip()[:MOST_LETTERS] for name in FIELDS}
    return {name: value for name, value in said.items() if value}


def typed_of(event: EventDay | None) -> dict[str, str]:
    """Return the fields for the event of a notice, for a follow-up."""
    if event is None:
        return {}
    begins = in_japan(event.begins_at)
    found = {"event_day": begins.date().isoformat()}
    ends = None if event.ends_at is None else in_japan(event.ends_at)
    if not event.whole_day:
        found["event_from"] = f"{begins:%H:%M}"
        if ends is not None:
            found["event_until"] = f"{ends:%H:%M}"
    elif ends is not None and ends - begins > timedelta(days=1):
        found["event_last"] = (ends - timedelta(days=1)).date().isoformat()
    return found


def event_of(fields: Typed) -> EventDay | None:
    """Return the event that was typed; None if nothing was.

    Raises
    ------
    WrongDay
        There is no such day or time, or it ends before it begins.
    """
    if not fields:
        return None
    try:
        day = date.fromisoformat(fields.get("event_day", ""))
        last = date.fromisoformat(fields.get("event_last") or day.isoformat())
    except ValueError as error:
        raise WrongDay(NO_DAY) from error
    try:
        begin, end = (
            time.fromisoformat(fields[name]) if name in fields else None
            for name in ("event_from", "event_until")
        )
    except ValueError as error:
        raise WrongDay(NO_TIME) from error
    if begin is None:
        if end is not None:
            raise WrongDay(NO_TIME)
        if last < day:
            raise WrongDay(END_FIRST)
        return whole_days(day, last)
    if last != day:
        raise WrongDay(SEVERAL_DAYS)
    if end is not None and end <= begin:
        raise WrongDay(END_FIRST)
    begins, ends = (
        None if one is None else datetime.combine(day, one, JAPAN) for one in (begin, end)
    )
    assert begins is not None
    return EventDay(begins, ends)
