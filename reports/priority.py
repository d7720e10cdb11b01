"""How soon a case is to be looked at, worked out from facts, with the reasons.

A person's word stands above it: ``Report.priority_by`` names them, and then nothing here changes
the priority. The reasons are codes, ``code`` or ``code:value``, in the order in which they counted;
staff read them as words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from city.city import City
from city.danger_words import DangerWords
from reports.danger_words import danger_in
from reports.models import Priority, Report

SEVERAL, MANY = 3, 8
"""Reporters of one thing from which it counts more."""
BUSY = frozenset({"national", "prefectural", "main"})
QUIET = "path"
WORSE = "worse"
"""What residents said later of a report, if they wrote no word of danger (:func:`graver`)."""
WAITED = timedelta(days=14)
"""How long a case may wait before that alone makes it more urgent."""


@dataclass(frozen=True)
class WorkedOut:
    """A priority and why."""

    priority: Priority
    why: tuple[str, ...]


def worked_out(
    report: Report, city: City, now: datetime, joined: Sequence[Report] = ()
) -> WorkedOut:
    """Return the priority that the facts of a case give: of its leading report and the joined ones.

    A kind that endangers people, and words that somebody came to harm, are looked at at once.
    Everything else is raised or lowered from the kind's usual priority, and never to "at once"
    without a word of danger. What a resident says later raises it: it got worse.
    """
    kind = city.kind(report.category)
    usual = int((kind.priority if kind is not None else 0) or Priority.NORMAL)
    level = usual
    why: list[str] = []
    if level != Priority.NORMAL:
        why.append(f"kind:{report.category}")
    tables = [city.danger_words] if kind is None else [city.danger_words, kind.danger_words]
    grave, word = _gravest([report, *joined], tables)
    at_once = False
    kinds = [kind, *(city.kind(one.category) for one in joined)]
    if any(one is not None and one.danger for one in kinds):
        at_once = True
        why.append("kind-danger")
    if grave == "hurt":
        at_once = True
        why.append(f"hurt:{word}")
    elif grave == "danger":
        level -= 1
        why.append(f"danger:{word}")
    if any(one.said_later for one in (report, *joined)):
        level -= 1
        why.append(WORSE)
    if report.reporters >= SEVERAL:
        level -= 2 if report.reporters >= MANY else 1
        why.append(f"reporters:{report.reporters}")
    if report.road_class in BUSY:
        level -= 1
        why.append(f"road:{report.road_class}")
    elif report.road_class == QUIET:
        level += 1
        why.append(f"road:{report.road_class}")
    if report.state.is_open and now - report.created_at >= WAITED:
        level -= 1
        why.append(f"waits:{WAITED.days}")
    least = Priority.AT_ONCE if grave else Priority.SOON
    level = max(level, min(least, usual))
    if at_once:
        level = Priority.AT_ONCE
    level = min(level, Priority.WHEN_THERE_IS_TIME)
    return WorkedOut(Priority(level), tuple(why or ["usual"]))


def _gravest(reports: Sequence[Report], tables: Sequence[DangerWords]) -> tuple[str, str]:
    """Return the gravest that somebody said of a case, and the word."""
    found = [danger_in(f"{one.description}\n{one.japanese}", *tables) for one in reports]
    for one in reports:
        which, _, word = one.said_later.partition(":")
        found.append((which, word))
    for which in ("hurt", "danger"):
        for grave, word in found:
            if grave == which:
                return grave, word
    return "", ""


def graver(one: str, other: str) -> str:
    """Return the graver of two things that were said later: nothing, worse, danger, harm."""
    return max(one, other, key=lambda said: _GRAVER.index(said.partition(":")[0]))


_GRAVER = ("", WORSE, "danger", "hurt")


def settle(report: Report, city: City, now: datetime, joined: Sequence[Report] = ()) -> bool:
    """Give a case the priority of its facts, unless a person gave one; say whether it changed."""
    if report.priority_by:
        return False
    made = worked_out(report, city, now, joined)
    changed = (report.priority, list(report.priority_why)) != (made.priority, list(made.why))
    if changed:
        report.priority, report.priority_why = int(made.priority), list(made.why)
    return changed
