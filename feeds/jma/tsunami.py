"""Tsunami: VTSE41 (warnings by coast), VTSE51 and 52 (times, heights, observations).

Each coast of the city has its own state. VTSE51 and 52 repeat the warnings with more numbers. Their
warnings are compared like those of VTSE41. So they replace a lost VTSE41, and a repeat is no news.
"""

from __future__ import annotations

from dataclasses import replace

from city.city import JmaCodes
from feeds.errors import Unreadable
from feeds.facts import Fact, Quake, Tsunami
from feeds.jma.building import (
    as_facts,
    comments_of,
    is_cancellation,
    put_on_board,
    taken_back,
    unknown_cancellation,
)
from feeds.jma.levels import TSUNAMI
from feeds.jma.quakes import numbers_of, quake_of
from feeds.jma.state import HazardReport, Side, StatedChange, Transition
from feeds.jma.telegram import Element, Telegram, child, children, name_of, text, utc_moment
from feeds.models import Status
from feeds.reasons import reason

TOPIC = "tsunami"
_WITHOUT_HEIGHT = {"観測中": (-1.0, "観測中"), "微弱": (-2.0, "微弱")}
"""Words in place of a height; they rank below every height."""


def tsunami(telegram: Telegram, codes: JmaCodes, side: Side) -> list[Fact]:
    """Facts of VTSE41, 51 and 52 for the city's coasts."""
    if is_cancellation(telegram):
        if not codes.tsunami_regions:
            return []
        if telegram.kind != "VTSE41":
            return []
        mine = [
            key.area
            for key, standing in side.about(("tsunami",))
            if standing.detail.get("event_id") == telegram.event_id
        ]
        return taken_back(telegram, ("tsunami",), side, topic=TOPIC, areas=mine) or [
            unknown_cancellation(telegram, topic=TOPIC, hazard="tsunami", kind=telegram.head_title)
        ]
    forecasts: dict[str, Tsunami] = {}
    reports = []
    observed, comments = _observed(telegram, codes), comments_of(telegram)
    forecast = child(telegram.body, "Tsunami", "Forecast")
    if forecast is None and telegram.kind == "VTSE41":
        raise Unreadable(reason("telegram.no-coasts"))
    for item in children(forecast, "Item"):
        code = text(item, "Area", "Code")
        if code not in codes.tsunami_regions:
            continue
        report = _report(item)
        if report is None:
            continue
        reports.append(report)
        forecasts[code] = replace(
            _forecast(item),
            observed_height=observed.get(code, ""),
            comment=comments["comment"],
            comment_codes=comments["comment_codes"],
        )
    facts = []
    source = _earthquake(telegram)
    warned = {report.key: side.get(report.key) for report in reports}
    for report, change in put_on_board(telegram, reports, side):
        standing, before = side.get(report.key), warned[report.key]
        if standing is not None:
            if before is not None and before.telegram != telegram.kind and _repeats(change):
                # Heights and times repeat the warning: a 取消 must still find the warning.
                standing = replace(before, reported_at=telegram.reported_at)
            side.put(report.key, replace(standing, detail={"event_id": telegram.event_id}))
        facts += [
            replace(fact, tsunami=forecasts[report.area], quake=source)
            for fact in as_facts(telegram, [(report, change)], topic=TOPIC)
        ]
    return sorted(facts, key=lambda fact: (-fact.heard_level, fact.areas))


def _earthquake(telegram: Telegram) -> Quake | None:
    """The earthquake behind it: where and how strong; its comments are the tsunami's."""
    if child(telegram.body, "Earthquake") is None:
        return None
    numbers = numbers_of(telegram)
    told = ("origin_at", "hypocentre", "hypocentre_code", "magnitude", "depth_km", "depth_note")
    return quake_of({name: numbers[name] for name in told if name in numbers})


def _repeats(change: Transition) -> bool:
    return change.status is Status.CONTINUED


def _report(item: Element) -> HazardReport | None:
    kind = child(item, "Category", "Kind")
    last = child(item, "Category", "LastKind")
    if kind is None:
        return None
    code, name = text(kind, "Code"), name_of(kind)
    if code not in TSUNAMI:
        raise Unreadable(reason("telegram.unknown-grade", name=name[:40], code=code[:8]))
    level = TSUNAMI[code]
    last_level = TSUNAMI.get(text(last, "Code"), 0)
    if level == 0:
        said = StatedChange.LIFTED if last_level else StatedChange.NOTHING
    elif level == last_level:
        said = StatedChange.CONTINUED
    else:
        said = StatedChange.CHANGED
    return HazardReport(
        group="tsunami",
        hazard="tsunami",
        area=text(item, "Area", "Code"),
        place=text(item, "Area", "Name"),
        level=level,
        kind=name.removesuffix("：発表"),
        kind_code=code,
        said=said,
        last_level=last_level,
        last_kind=text(last, "Name").removesuffix("：発表"),
    )


def _forecast(item: Element) -> Tsunami:
    first = child(item, "FirstHeight")
    height = child(item, "MaxHeight", "TsunamiHeight")
    return Tsunami(
        coast=text(item, "Area", "Name"),
        coast_code=text(item, "Area", "Code"),
        height=height.get("description", "") if height is not None else "",
        arrival_at=utc_moment(text(first, "ArrivalTime")),
        arrival_condition=text(first, "Condition"),
    )


def _observed(telegram: Telegram, codes: JmaCodes) -> dict[str, str]:
    """The greatest height observed on each of the city's coasts, in the agency's wording.

    A station without a height says why (観測中, 微弱); that is told if no station has one.
    """
    heights: dict[str, tuple[float, str]] = {}
    for item in children(child(telegram.body, "Tsunami", "Observation"), "Item"):
        coast = text(item, "Area", "Code")
        if coast not in codes.tsunami_regions:
            continue
        for station in children(item, "Station"):
            height = child(station, "MaxHeight", "TsunamiHeight")
            if height is None:
                found = _WITHOUT_HEIGHT.get(text(station, "MaxHeight", "Condition"), (-3.0, ""))
            else:
                found = (_metres(text(height)), height.get("description", ""))
            heights[coast] = max(heights.get(coast, (-3.0, "")), found)
    return {coast: words for coast, (_, words) in heights.items() if words}


def _metres(value: str) -> float:
    try:
        metres = float(value)
    except ValueError:
        return 0.0
    return metres if metres == metres else 0.0
