"""A case's history in words: who did what and when, what it was before, and who heard of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from console import words
from console.report_names import Names
from core.languages import mark
from reports import later
from reports.models import RESIDENT, Report, ReportUpdate
from reports.names import priority_name, road_class_name
from reports.residents_told import BY as SERVICE
from reports.states import ReportState

SAID = {
    "department": mark("Department: {before} → {after}"),
    "team": mark("Given to: {before} → {after}"),
    "priority": mark("Priority: {before} → {after}"),
    "due": mark("Due: {before} → {after}"),
    "category": mark("Kind: {before} → {after}"),
    "owner": mark("Looked after by: {before} → {after}"),
    "address": mark("Address: {before} → {after}"),
    "place": mark("Place: {before} → {after}"),
    "is_home": mark("Somebody's home: {before} → {after}"),
    "hidden": mark("Kept off the public pages: {before} → {after}"),
    "reopened": mark("Opened again after: {before}"),
    "joined": mark("Joined to it: {after}"),
    "joined-to": mark("Joined to {after}"),
    "parted": mark("Parted from it: {after}"),
    "parted-from": mark("Parted from {after}"),
    "leads-after": mark("Leads the case, as {after} was taken back"),
    "turned": mark("A photo was turned"),
}
WHY = {
    "usual": mark("nothing unusual"),
    "kind": mark("usual for this kind"),
    "kind-danger": mark("this kind endangers people"),
    "hurt": mark("the words say that somebody came to harm: “{value}”"),
    "danger": mark("the words speak of danger: “{value}”"),
    "worse": mark("a resident says that it got worse"),
    "reporters": mark("{value} people reported it"),
    "waits": mark("waits for more than {value} days"),
}
BODY_NAMES = {
    "": mark("another office"),
    "city": mark("the city"),
    "prefecture": mark("the prefecture"),
    "nation": mark("the nation"),
    "private": mark("a private owner"),
}
WAYS = {
    "line": "LINE",
    "open311": mark("another program (Open311)"),
    "telephone": mark("by telephone"),
    "counter": mark("at the counter"),
    "mail": mark("by mail"),
    "patrol": mark("the office's own patrol"),
    "import": mark("taken in from a list"),
}


@dataclass(frozen=True)
class Step:
    """One step of a history as people read it; ``who`` did it, in words.

    ``number`` is the joined report of which it is a step; "" for the case's own.
    """

    update: ReportUpdate
    title: str
    lines: tuple[str, ...]
    who: str
    number: str = ""


def why_priority(report: Report, language: str) -> list[str]:
    """Return why a case has its priority, in words."""
    return [reason_in_words(code, language) for code in report.priority_why]


def reason_in_words(code: str, language: str) -> str:
    """Return one reason of a priority (``reports.priority``) in words."""
    name, _, value = code.partition(":")
    if name == "road":
        return road_class_name(value, language)
    return said(WHY.get(name, code), language, value=value)


def said(message: str, language: str, **values: object) -> str:
    return words.CATALOGUE.text(language, message, **values)


def history(
    updates: Sequence[ReportUpdate],
    names: Names,
    language: str,
    *,
    newest_first: bool = True,
    numbers: Mapping[int, str] | None = None,
) -> list[Step]:
    """Return the steps of a case in words; ``numbers`` has those of joined reports, by id."""
    of = numbers or {}
    steps = [
        replace(_step(one, names, language), number=of.get(one.report_id, "")) for one in updates
    ]
    return steps[::-1] if newest_first else steps


def _step(update: ReportUpdate, names: Names, language: str) -> Step:
    def say(message: str) -> str:
        return said(message, language)

    if update.withdrawn:
        title = say(words.WITHDRAWN_NAMES[update.withdrawn])  # type: ignore[index]
    elif update.added:
        title = say(words.ADDITION_NAMES[update.added])  # type: ignore[index]
    elif update.state is not None:
        title = update.state.staff_name(language)
        if update.reason:
            title += f" ({update.state.reason_name(update.reason, language)})"
    elif update.answer:
        title = say(mark("Answer to the resident"))
    elif update.changes:
        title = say(mark("Changed"))
    else:
        title = say(mark("Note"))
    lines = tuple(changed(name, pair, names, language) for name, pair in update.changes.items())
    return Step(update, title, lines, _who(update, names, language))


def _who(update: ReportUpdate, names: Names, language: str) -> str:
    """Return who did a step; what is answered to a resident's own act is said by no person."""
    kind, _, name = update.by.partition(":")
    if kind == "office":
        return names.office(name)
    if kind == "open311":
        return f"{name} (Open311)"
    by_itself = update.by in (RESIDENT, SERVICE) and update.answer and not update.added
    if by_itself and not update.withdrawn:
        return said(mark("Sent by itself"), language)
    if update.by == later.FOLLOWER:
        return said(mark("Somebody who follows it"), language)
    if update.by != RESIDENT:
        return update.by.removeprefix("crew:")
    return said(mark("The resident"), language)


def changed(name: str, pair: Sequence[Any], names: Names, language: str) -> str:
    """Return in words what changed from what to what."""
    before, after = (pair[0], pair[1]) if len(pair) > 1 else (None, None)
    show = _SHOWN.get(name, _plain)
    message = SAID.get(name, f"{name}: {{before}} → {{after}}")
    return said(
        message,
        language,
        before=show(before, names, language),
        after=show(after, names, language),
    )


def _plain(value: Any, _names: Names, _language: str) -> str:
    return "–" if value in (None, "") else str(value)


def _department(value: Any, names: Names, _language: str) -> str:
    return names.department(str(value)) if value else "–"


def _category(value: Any, names: Names, _language: str) -> str:
    return names.category(str(value)) if value else "–"


def _owner(value: Any, names: Names, language: str) -> str:
    return names.owners.get(str(value), str(value)) if value else said(BODY_NAMES["city"], language)


def _priority(value: Any, _names: Names, language: str) -> str:
    return priority_name(value, language)


def _due(value: Any, _names: Names, language: str) -> str:
    return day(date.fromisoformat(value), language) if value else "–"


def day(value: date, language: str) -> str:
    """Return a day as staff read it."""
    moment = datetime(value.year, value.month, value.day)  # noqa: DTZ001 - only its day is shown
    if language == "ja":
        return (
            f"{moment.year}年{moment.month}月{moment.day}日({'月火水木金土日'[moment.weekday()]})"
        )
    return f"{moment:%a} {moment.day} {moment:%b %Y}"


def _place(value: Any, _names: Names, _language: str) -> str:
    if not isinstance(value, list) or len(value) < 2 or value[0] is None:
        return "–"
    where = f"{value[1]:.5f}, {value[0]:.5f}"
    name = value[2] if len(value) > 2 else ""
    return f"{name} ({where})" if name else where


def _yes_no(value: Any, _names: Names, language: str) -> str:
    return said(mark("yes") if value else mark("no"), language)


def _state(value: Any, _names: Names, language: str) -> str:
    return ReportState(value).staff_name(language) if value in {*ReportState} else str(value)


_SHOWN: dict[str, Callable[[Any, Names, str], str]] = {
    "department": _department,
    "category": _category,
    "owner": _owner,
    "priority": _priority,
    "due": _due,
    "place": _place,
    "is_home": _yes_no,
    "hidden": _yes_no,
    "reopened": _state,
}
