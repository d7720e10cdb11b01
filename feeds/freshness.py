"""Decide whether a source still publishes, and does not only answer.

A server may answer 200 or 304 with content from months ago. The times that a source states (when
the feed was renewed, its newest entry, Last-Modified) are stored with the gaps between them, and
compared with its usual rhythm: the agency's files are renewed every minute or two; a city hall is
quiet at weekends and over New Year.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from city.city import SourceConfig
from feeds import limits
from feeds.fetch import SourceAnswer
from feeds.models import Source

FUTURE = timedelta(seconds=limits.FUTURE_TOLERANCE)
FACTOR = 4
"""So many times the longest usual gap may go by."""
FORGETS = 0.9
"""The longest gap shrinks by this factor at each sign of life, so that a week's failure does not
count as usual for long.
"""
FLOOR = {"jma": timedelta(hours=1)}
QUIET = timedelta(days=10)
"""How long every other source may be silent; city halls close for nine days at New Year."""
UNKNOWN = {"jma": timedelta(hours=6), "rss": timedelta(days=30)}
"""Limits while the usual rhythm is not known; other kinds may never have published yet."""
CEILING = {"jma": timedelta(days=1)}


class Trouble(StrEnum):
    """Why a source is stale: it does not answer, or its answers are old."""

    NONE = ""
    SILENT = "silent"
    FROZEN = "frozen"


def said_by(
    stated: Iterable[datetime | None], answer: SourceAnswer, now: datetime
) -> datetime | None:
    """Return the newest time that a source states about itself, or None.

    Parameters
    ----------
    stated
        Times of the feed and its entries. A time ahead of our clock counts only if there is no
        other: it may be the day of an event, or a wrong clock.
    answer
        Its Last-Modified counts too; the content of a cache is no newer than that. The server's own
        clock (``Date``) says nothing about what it publishes.
    """
    known = [moment for moment in (*stated, answer.modified_at) if moment is not None]
    past = [moment for moment in known if moment <= now + FUTURE]
    said = max(past, default=max(known, default=None))
    if said is not None and answer.age_s:
        said = min(said, now - timedelta(seconds=answer.age_s))
    return said


def noted(state: Source, said: datetime | None, now: datetime) -> dict[str, Any]:
    """Return the changes of a source's rhythm after an answer."""
    if said is None:
        return {}
    if state.said_at is None:
        return {"said_at": said, "renewed_at": now}
    if said <= state.said_at:
        # It went back in time: the new time counts, but is no sign of life.
        return {"said_at": said}
    values: dict[str, Any] = {"said_at": said, "renewed_at": now}
    # A gap is measured between two stated times, or by our clock if these are in the future.
    last = state.said_at if said <= now + FUTURE else (state.renewed_at or now)
    gap = (min(said, now) - min(last, now)).total_seconds()
    values["usual_gap_s"] = max(gap, FORGETS * (state.usual_gap_s or 0.0))
    return values


def allowed(source: SourceConfig, state: Source) -> timedelta | None:
    """Return how old a source's stated time may be; None if nobody can tell."""
    answers = timedelta(seconds=source.stale_after_seconds)
    if state.usual_gap_s is None:
        unknown = UNKNOWN.get(source.kind)
        return None if unknown is None else max(unknown, answers)
    usual = timedelta(seconds=FACTOR * state.usual_gap_s)
    longest = max(FLOOR.get(source.kind, QUIET), answers, usual)
    ceiling = CEILING.get(source.kind)
    return longest if ceiling is None else min(longest, max(ceiling, answers))


def last_sign(state: Source, now: datetime) -> datetime | None:
    """Return when a source last published something new, by its own time or else by our clock."""
    if state.said_at is not None and state.said_at <= now + FUTURE:
        return state.said_at
    return state.renewed_at or state.last_new_at


def trouble(source: SourceConfig, state: Source | None, now: datetime) -> Trouble:
    """Judge a source. A source that was never polled is silent.

    A webhook and piped mail arrive only when there is something to say: they are judged only by
    their own rhythm.
    """
    if source.kind != "webhook" and source.url:
        seen = state.last_succeeded_at if state is not None else None
        if seen is None or now - seen > timedelta(seconds=source.stale_after_seconds):
            return Trouble.SILENT
    if state is None:
        return Trouble.NONE
    longest, sign = allowed(source, state), last_sign(state, now)
    if longest is not None and sign is not None and now - sign > longest:
        return Trouble.FROZEN
    return Trouble.NONE
