"""Facts out of reports: the part all families share."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from dataclasses import replace
from itertools import groupby
from typing import Any

from feeds.facts import Fact
from feeds.jma.state import (
    HazardReport,
    LatestWarning,
    Side,
    Transition,
    is_older,
    standing_of,
    weigh,
)
from feeds.jma.telegram import Element, InfoType, Telegram, child, children, text
from feeds.models import Status


def make_fact(telegram: Telegram, *, topic: str, hazard: str, **values: Any) -> Fact:
    """Return a fact with the values that all facts of this telegram share."""
    defaults: dict[str, Any] = {
        "reported_at": telegram.reported_at,
        "valid_until": telegram.valid_until,
        "event_id": telegram.event_id,
        "serial": telegram.serial,
        "telegram": telegram.kind,
        "drill": telegram.drill,
        "headline": telegram.headline,
        "office": telegram.office,
    }
    return Fact(topic=topic, hazard=hazard, **(defaults | values))


def put_on_board(
    telegram: Telegram, reports: Iterable[HazardReport], side: Side
) -> list[tuple[HazardReport, Transition]]:
    """Compare each report with the board and store it there; older ones change nothing."""
    changes = []
    for report in reports:
        known = side.get(report.key)
        if is_older(known, telegram):
            continue
        if report.level == 0 and known is not None and known.hazard:
            # Something that ends keeps its own name: a gale advisory, not the storm scale.
            report = replace(report, hazard=known.hazard)
        change = weigh(known, report, telegram.info_type)
        side.put(report.key, standing_of(telegram, report, change, known))
        changes.append((report, change))
    return changes


def as_facts(
    telegram: Telegram, changes: Iterable[tuple[HazardReport, Transition]], *, topic: str
) -> list[Fact]:
    """One fact for each distinct change: parts of the city that share it are named together."""

    def sort_key(pair: tuple[HazardReport, Transition]) -> tuple[str, ...]:
        report, change = pair
        return (
            report.group,
            report.hazard,
            change.status.value,
            change.kind_code,
            change.kind,
            change.previous_kind,
            str(change.previous_level),
        )

    facts = []
    ordered = sorted((pair for pair in changes if pair[1].status is not Status.NONE), key=sort_key)
    for _, pairs in groupby(ordered, key=sort_key):
        group = list(pairs)
        report, change = group[0]
        facts.append(
            make_fact(
                telegram,
                topic=topic,
                hazard=report.hazard,
                kind=change.kind,
                kind_code=change.kind_code,
                level=change.level,
                status=change.status,
                previous_kind=change.previous_kind,
                previous_level=change.previous_level,
                areas=tuple(sorted({r.area for r, _ in group})),
                place="、".join(dict.fromkeys(r.place for r, _ in group if r.place)),
            )
        )
    return sorted(facts, key=lambda fact: (-fact.heard_level, fact.hazard, fact.areas))


def taken_back(
    telegram: Telegram,
    hazards: Iterable[str],
    side: Side,
    *,
    topic: str,
    areas: Container[str] | None = None,
) -> list[Fact]:
    """Undo the telegram that a 取消 takes back; make facts if residents were told.

    A 取消 names the kind and EventID of the telegram that it takes back; if EventID is empty
    (weather warnings), it is the last telegram of its kind. Each state that this telegram set is
    restored. ``areas`` limits it if the EventID names the area (a river's section, a volcano). If
    an end or a lower level is taken back, it is a correction: the name before it is in force.
    """
    facts: list[Fact] = []
    for key, standing in side.about(hazards):
        if standing.telegram != telegram.kind or is_older(standing, telegram):
            continue
        if areas is not None and key.area not in areas:
            continue
        before = standing.before
        side.put(key, _restored(standing, telegram))
        now, then = (before.level if before else 0), standing.level
        if now == then:
            continue
        shared: dict[str, Any] = {
            "hazard": standing.hazard or key.hazard,
            "level": now,
            "previous_kind": standing.kind,
            "previous_level": then,
            "areas": (key.area,),
            "place": standing.place,
            "untold": not standing.told,
        }
        if before is not None and now > then:
            shared |= {
                "status": Status.CORRECTED,
                "kind": before.kind,
                "kind_code": before.kind_code,
            }
        else:
            shared |= {
                "status": Status.CANCELLED,
                "kind": standing.kind,
                "kind_code": standing.kind_code,
                "standing_kind": before.kind if before and before.level else "",
            }
        facts.append(make_fact(telegram, topic=topic, **shared))
    return _of_all_parts(facts)


def _of_all_parts(facts: Iterable[Fact]) -> list[Fact]:
    """Facts that differ in their areas alone, as one."""
    alike: dict[Fact, list[Fact]] = {}
    for fact in facts:
        alike.setdefault(replace(fact, areas=(), place=""), []).append(fact)
    return [
        replace(
            shared,
            areas=tuple(area for each in found for area in each.areas),
            place="、".join(dict.fromkeys(each.place for each in found if each.place)),
        )
        for shared, found in alike.items()
    ]


def _restored(standing: LatestWarning, telegram: Telegram) -> LatestWarning:
    before = standing.before
    if before is None:
        return LatestWarning.said_by(
            telegram, level=0, hazard=standing.hazard, place=standing.place
        )
    return LatestWarning.said_by(
        telegram,
        level=before.level,
        kind=before.kind,
        kind_code=before.kind_code,
        hazard=before.hazard,
        told=before.told,
        place=standing.place,
        valid_until=before.valid_until,
        detail=before.detail,
    )


def unknown_cancellation(telegram: Telegram, *, topic: str, hazard: str, kind: str) -> Fact:
    """A 取消 of something that this city was never told: staff see it, residents do not."""
    return make_fact(
        telegram,
        topic=topic,
        hazard=hazard,
        kind=kind or telegram.title or telegram.kind,
        level=0,
        status=Status.CANCELLED,
        untold=True,
    )


def comments_of(telegram: Telegram) -> dict[str, str]:
    """The telegram's fixed comments (固定付加文) as ``comment`` and ``comment_codes``.

    They are in three elements, each with all its sentences and codes.
    """
    comments = child(telegram.body, "Comments")
    found = [
        element
        for name in ("WarningComment", "ForecastComment", "VarComment")
        for element in children(comments, name)
    ]
    return {
        "comment": "\n".join(filter(None, (text(each, "Text") for each in found))),
        "comment_codes": " ".join(filter(None, (text(each, "Code") for each in found))),
    }


def is_cancellation(telegram: Telegram) -> bool:
    return telegram.info_type is InfoType.CANCELLED


def descendants(element: Element | None, name: str) -> Iterator[Element]:
    """All elements called ``name`` below ``element``, in document order."""
    return iter(()) if element is None else element.iter("{*}" + name)
