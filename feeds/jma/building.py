"""Facts out of reports: the part all families share."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from dataclasses import replace
from itertools import groupby
from typing import Any

from feeds.facts import Fact
from feeds.jma.state import Change, Report, Side, Standing, is_older, standing_of, weigh
from feeds.jma.telegram import Element, InfoType, Telegram
from feeds.models import Status


def make_fact(telegram: Telegram, *, topic: str, hazard: str, **values: Any) -> Fact:
    """A fact with what every fact of this telegram shares filled in."""
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


def take(telegram: Telegram, reports: Iterable[Report], side: Side) -> list[tuple[Report, Change]]:
    """Weigh each report against the board and put it there; older ones change nothing."""
    changes = []
    for report in reports:
        known = side.get(report.key)
        if is_older(known, telegram):
            continue
        if report.level == 0 and known is not None and known.hazard:
            # What ends is called what it was: a gale advisory, not the storm scale.
            report = replace(report, hazard=known.hazard)
        change = weigh(known, report, telegram.info_type)
        side.put(report.key, standing_of(telegram, report, change, known))
        changes.append((report, change))
    return changes


def as_facts(
    telegram: Telegram, changes: Iterable[tuple[Report, Change]], *, topic: str
) -> list[Fact]:
    """One fact for each distinct change: parts of the city that share it are named together."""

    def sort_key(pair: tuple[Report, Change]) -> tuple[str, ...]:
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
    """Undo the telegram that a 取消 takes back, and say so where residents were told.

    A 取消 names the kind and EventID of what it takes back; where EventID is empty (weather
    warnings) it is the last telegram of its kind. Each standing that this telegram set goes
    back to what was known before it. ``areas`` limits it where the EventID names the area
    (a river's section, a volcano).
    """
    facts = []
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
        facts.append(
            make_fact(
                telegram,
                topic=topic,
                hazard=standing.hazard or key.hazard,
                kind=standing.kind or (before.kind if before else ""),
                kind_code=standing.kind_code or (before.kind_code if before else ""),
                level=now,
                status=Status.CANCELLED,
                previous_kind=standing.kind,
                previous_level=then,
                areas=(key.area,),
                place=standing.place,
                untold=not standing.told,
            )
        )
    return facts


def _restored(standing: Standing, telegram: Telegram) -> Standing:
    before = standing.before
    if before is None:
        return Standing.said_by(telegram, level=0, hazard=standing.hazard, place=standing.place)
    return Standing.said_by(
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
    """A 取消 of something this city was never told: staff see it, residents do not."""
    return make_fact(
        telegram,
        topic=topic,
        hazard=hazard,
        kind=kind or telegram.title or telegram.kind,
        level=0,
        status=Status.CANCELLED,
        untold=True,
    )


def is_cancellation(telegram: Telegram) -> bool:
    return telegram.info_type is InfoType.CANCELLED


def descendants(element: Element | None, name: str) -> Iterator[Element]:
    """All elements called ``name`` below ``element``, in document order."""
    return iter(()) if element is None else element.iter("{*}" + name)
