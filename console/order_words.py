"""Work orders in words: a place of an order, its outcome, its day."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from urllib.parse import urlencode

from city.city import City, name_in
from console import words
from core.languages import LANGUAGES, mark, reads_japanese
from reports import questions
from reports.models import (
    OrderKind,
    Outcome,
    Photo,
    PhotoRole,
    Priority,
    WorkOrder,
    WorkUsed,
)
from reports.names import priority_name
from reports.orders import Stop
from reports.states import Stage

OUTCOMES = {
    Outcome.WAITING: mark("To do"),
    Outcome.DONE: mark("Done"),
    Outcome.COULD_NOT: mark("Could not"),
    Outcome.NEEDS_MORE: mark("Needs more"),
}
KINDS = {OrderKind.WORK: mark("Work order"), OrderKind.PATROL: mark("Road patrol")}
WEEKDAYS_JA = "月火水木金土日"
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
ROUTINE = mark("Routine place")
OURS = (PhotoRole.BEFORE, PhotoRole.AFTER)


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A place of an order as people read it; nothing about who reported.

    Parameters
    ----------
    what
        The kind of damage, or the name of a routine place.
    where
        Address, district and road.
    said, said_language
        What the reporter wrote, in Japanese if there is a translation; the tag of its language.
    ended
        The state of a case that ended elsewhere, so that the crew need not go; else "".
    facts
        Questions of the kind, and their answers.
    map_link, geo_link
        Addresses for a map on the phone; empty without a position.
    """

    id: int
    number: str
    report_number: str
    what: str
    where: str
    road: str
    latitude: float | None
    longitude: float | None
    priority: str
    urgent: bool
    due: str
    overdue: bool
    words: str
    said: str
    said_language: str
    ended: str
    facts: tuple[tuple[str, str], ...]
    photos: tuple[Photo, ...]
    ours: tuple[Photo, ...]
    outcome: Outcome
    outcome_words: str
    outcome_at: datetime | None
    settled_at: datetime | None
    settled_by: str
    found: bool
    used: WorkUsed | None
    state: str
    map_link: str
    geo_link: str


def shown_stop(stop: Stop, city: City, language: str, today: date) -> Shown:
    """Return a place of an order in the words of ``language``."""
    item, report = stop.item, stop.report
    assert item.id is not None
    at = stop.position
    kind = city.kind(report.category) if report else None
    what = city.kind_name(report.category, language) if report else item.name
    district = city.district_by_code.get(report.area or "") if report else None
    place = [
        report.address if report else "",
        name_in(district.names, language) if district else "",
    ]
    due = report.due_on if report else None
    urgent = report is not None and report.priority <= Priority.SOON
    said, said_language = _said(stop)
    is_over = report is not None and report.state.facts.stage is Stage.ENDED
    ended = is_over and item.outcome is Outcome.WAITING
    return Shown(
        id=item.id,
        number=report.number if report else words.CATALOGUE.text(language, ROUTINE),
        report_number=report.number if report else "",
        what=what,
        where=" · ".join(part for part in place if part),
        road=report.road if report else "",
        latitude=at[1] if at else None,
        longitude=at[0] if at else None,
        priority=priority_name(report.priority, language) if report and urgent else "",
        urgent=report is not None and report.priority == Priority.AT_ONCE,
        due=day_name(due, language) if due else "",
        overdue=due is not None and due < today and item.outcome is Outcome.WAITING,
        words=item.words,
        said=said,
        said_language=said_language,
        ended=report.state.staff_name(language) if report and ended else "",
        facts=tuple(questions.shown(kind, report.attributes, language)) if report else (),
        photos=tuple(one for one in stop.photos if one.role not in OURS),
        ours=tuple(one for one in stop.photos if one.role in OURS),
        outcome=item.outcome,
        outcome_words=item.outcome_words,
        outcome_at=item.outcome_at,
        settled_at=item.settled_at,
        settled_by=item.settled_by,
        found=item.found,
        used=stop.used,
        state=report.state.staff_name(language) if report else "",
        map_link=_map_link(at),
        geo_link=f"geo:{at[1]:.6f},{at[0]:.6f}?q={at[1]:.6f},{at[0]:.6f}" if at else "",
    )


def _said(stop: Stop) -> tuple[str, str]:
    """Return the reporter's words for a crew that reads Japanese, and the tag of their language."""
    report = stop.report
    if report is None:
        return "", "ja"
    if report.japanese and not reads_japanese(report.language):
        return report.japanese, "ja"
    known = LANGUAGES.get(report.language)
    return report.description, known.tag if known else report.language


def _map_link(at: tuple[float, float] | None) -> str:
    if at is None:
        return ""
    query = urlencode({"api": "1", "destination": f"{at[1]:.6f},{at[0]:.6f}"})
    return f"https://www.google.com/maps/dir/?{query}"


def signature(order: WorkOrder, stops: Sequence[Shown]) -> str:
    """Return a short name for what the office wrote on an order: another list has another name.

    What the crew itself says and photographs is not in it.
    """
    listed = [
        (one.id, one.what, one.where, one.road, one.words, one.said, one.map_link, one.ended)
        for one in stops
    ]
    told = json.dumps([order.words, order.by_hand, listed])
    return hashlib.blake2b(told.encode(), digest_size=8).hexdigest()


def day_name(day: date, language: str) -> str:
    """Return a day with its weekday, such as 11月30日(月)."""
    if language == "ja":
        return f"{day.month}月{day.day}日({WEEKDAYS_JA[day.weekday()]})"
    return f"{WEEKDAYS[day.weekday()]} {day.day}/{day.month}"


def used_words(used: WorkUsed | None, language: str) -> str:
    """Return what was used at a place, in one line; "" if nothing was said."""
    if used is None:
        return ""
    say = words.CATALOGUE.text
    parts = [
        say(language, "{n} min", n=used.minutes) if used.minutes is not None else "",
        say(language, "{n} people", n=used.people) if used.people is not None else "",
        used.materials,
    ]
    return " · ".join(part for part in parts if part)
