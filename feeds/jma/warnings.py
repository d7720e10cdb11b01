"""Weather warnings: VPWW55-61 since 2026-05-29, and the old forms that repeat them.

An old form (VPWW53/54, VXWW50, VPNO50) does not count for a hazard that a new form has reported.
One exception: if it is newer and more serious, it is told, because the new one may have been lost.
It never lowers or lifts what a new form raised: the old names have no level 4, so its 警報 may mean
no lowering.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import timedelta

from city.city import JmaCodes
from feeds.errors import Unreadable
from feeds.facts import Fact
from feeds.jma.building import (
    as_facts,
    is_cancellation,
    put_on_board,
    taken_back,
    unknown_cancellation,
)
from feeds.jma.codes import is_part_of, names_region_of
from feeds.jma.levels import (
    ALL_GROUPS,
    COVERED,
    OLD_FORMS,
    WARNINGS,
    code_of,
    level_in_name,
    levelled_name,
)
from feeds.jma.same_name import DANGERS, by_danger, by_part
from feeds.jma.state import HazardReport, Key, LatestWarning, Side, StatedChange
from feeds.jma.telegram import Element, Telegram, child, children, half_width, name_of, text
from feeds.reasons import reason

TOPIC = "weather"
NOT_OURS = (
    "(府県予報区等)",
    "(一次細分区域等)",
    "(市町村等をまとめた地域等)",
    "(警報注意報種別毎)",
)
"""Endings of Warning types that repeat the municipalities' items by coarser areas or by kind."""
NOTHING = "発表警報・注意報はなし"
EMERGENCY = 5
SAME_MOMENT = timedelta(minutes=10)
"""Between VPNO50 and the warnings it announces, which are sent together."""
STEPS = {"注意報": 2, "警報": 3, "危険警報": 4, "特別警報": 5}
LANDSLIDE_ALERT = "3"
"""VXWW50's own code for 警戒."""
AREA_WARNINGS = frozenset({"VPWW53", "VPWW54"})
"""The old forms that tell every warning of an area."""
BELOW = "below"
"""The key under which the board stores the weaker warning that continues below an alert for
landslides.
"""
OLD_CONDITIONS = (("土砂災害", "landslide"), ("浸水害", "heavy-rain"))


def weather_warnings(telegram: Telegram, codes: JmaCodes, side: Side) -> list[Fact]:
    """Facts of VPWW55-61 and of VPWW53/54."""
    groups = COVERED.get(telegram.kind, ALL_GROUPS)
    if is_cancellation(telegram):
        facts = _taken_back(telegram, groups, side)
        return facts or _unknown(telegram, groups, codes)
    reports = [
        report
        for item in _items(telegram, codes)
        for report in _reports(item, telegram, groups, side)
    ]
    _settle_notified(telegram, reports, side)
    return _told(telegram, reports, side)


def emergency_notification(telegram: Telegram, codes: JmaCodes, side: Side) -> list[Fact]:
    """Facts of VPNO50, which repeats special warnings in its headline alone."""
    if is_cancellation(telegram):
        return _taken_back(telegram, ALL_GROUPS, side)
    reports = []
    for information in children(child(telegram.head, "Headline"), "Information"):
        if not information.get("type", "").endswith("（市町村等）"):
            continue
        for item in children(information, "Item"):
            for area in children(child(item, "Areas"), "Area"):
                code = text(area, "Code")
                if is_part_of(code, codes.municipality):
                    reports += [
                        report
                        for kind in children(item, "Kind")
                        for report in _of_kind(kind, code, text(area, "Name"), old=True)
                    ]
    return _told(telegram, reports, side)


def landslide_alert(telegram: Telegram, codes: JmaCodes, side: Side) -> list[Fact]:
    """Facts of VXWW50 (土砂災害警戒情報), which corresponds to level 4.

    Since 2026-05-29 its title is レベル４土砂災害危険警報. Then that is its name, with the code
    that VPWW56 uses for the same.
    """
    if is_cancellation(telegram):
        return _taken_back(telegram, ("landslide",), side) or _unknown(
            telegram, frozenset({"landslide"}), codes
        )
    titled = levelled_name(telegram.head_title)
    kind, level = titled or "土砂災害警戒情報", level_in_name(titled) or 4
    kind_code = code_of("landslide", level) if titled else LANDSLIDE_ALERT
    reports = []
    for warning in children(telegram.body, "Warning"):
        for item in children(warning, "Item"):
            code = text(item, "Area", "Code")
            if not is_part_of(code, codes.municipality):
                continue
            nothing = text(item, "Kind", "Status") == StatedChange.NOTHING.value
            said = StatedChange.NOTHING if nothing else _said(text(item, "Kind", "Status"))
            active = text(item, "Kind", "Code") == LANDSLIDE_ALERT and said in (
                StatedChange.CHANGED,
                StatedChange.CONTINUED,
            )
            reports.append(
                HazardReport(
                    group="landslide",
                    hazard="landslide",
                    area=code,
                    place=text(item, "Area", "Name"),
                    level=level if active else 0,
                    kind=kind if said is not StatedChange.NOTHING else "",
                    kind_code=kind_code if said is not StatedChange.NOTHING else "",
                    said=said,
                    last_level=level if said is StatedChange.LIFTED else 0,
                )
            )
    reports = [_down_to_what_stands(report, side) for report in reports]
    before = {report.key: side.get(report.key) for report in reports}
    facts = _told(telegram, reports, side)
    for key, known in before.items():
        _remember_below(key, known, side)
    return facts


def _down_to_what_stands(report: HazardReport, side: Side) -> HazardReport:
    """The end of an alert for landslides, down to the 大雨警報 that continues below it."""
    known = side.get(report.key)
    below = known.detail.get(BELOW) if known is not None and known.level else None
    if report.level or below is None:
        return report
    return replace(
        report,
        level=below["level"],
        kind=below["kind"],
        kind_code=below["kind_code"],
        said=StatedChange.CHANGED,
        last_level=known.level if known is not None else 0,
    )


def _remember_below(key: Key, known: LatestWarning | None, side: Side) -> None:
    """Store, with an accepted alert, the old warning below it."""
    standing = side.get(key)
    if standing is None or known is None or not standing.level:
        return
    if known.telegram in AREA_WARNINGS and known.level < standing.level:
        below = _below(known.level, known.kind, known.kind_code)
        side.put(key, replace(standing, detail=below))
    elif known.telegram == standing.telegram:
        side.put(key, replace(standing, detail=known.detail))


def _below(level: int, kind: str, kind_code: str) -> dict[str, dict[str, int | str]]:
    return {BELOW: {"level": level, "kind": kind, "kind_code": kind_code}} if level else {}


def _settle_notified(telegram: Telegram, reports: list[HazardReport], side: Side) -> None:
    """Move a 大雨特別警報 that VPNO50 told first to the hazard that it is meant for.

    VPNO50 does not say whether it is for floods or landslides. The warnings of the same moment do:
    VPWW53/54 for both, VPWW55 for floods, VPWW56 for landslides.
    """
    levels = {(report.area, report.group): report.level for report in reports}
    for area in {report.area for report in reports}:
        rain, slope = Key("heavy-rain", area), Key("landslide", area)
        notified = side.get(rain)
        if notified is None or notified.telegram != "VPNO50" or notified.level != EMERGENCY:
            continue
        later = telegram.reported_at - notified.reported_at
        if abs(later) > SAME_MOMENT:
            continue
        for_slope = levels.get((area, slope.hazard)) == EMERGENCY
        # A state from before the emergency does not count.
        since = later >= timedelta(0)
        not_for_rain = since and levels.get((area, rain.hazard), EMERGENCY) != EMERGENCY
        if not_for_rain or (for_slope and (area, rain.hazard) not in levels):
            known = side.get(slope)
            if known is None or known.level != EMERGENCY:
                before = None if known is None else replace(known, before=None)
                side.put(slope, replace(notified, hazard="landslide", before=before))
            nothing = replace(notified, level=0, kind="", kind_code="", told=False)
            side.put(rain, notified.before or nothing)


def _told(telegram: Telegram, reports: list[HazardReport], side: Side) -> list[Fact]:
    heard = reports
    if telegram.kind in AREA_WARNINGS:
        for report in reports:
            known = side.get(report.key)
            if known is not None and known.telegram == "VXWW50" and report.level < known.level:
                below = _below(report.level, report.kind, report.kind_code)
                side.put(report.key, replace(known, detail=below))
    if telegram.kind in OLD_FORMS:
        heard = [report for report in reports if _may_speak(report, telegram, side)]
    facts = as_facts(telegram, put_on_board(telegram, heard, side), topic=TOPIC)
    return by_part(_once(telegram, facts, reports, side), side)


def _taken_back(telegram: Telegram, groups: Iterable[str], side: Side) -> list[Fact]:
    facts = taken_back(telegram, groups, side, topic=TOPIC)
    return by_part(_once(telegram, facts, (), side), side)


def _once(
    telegram: Telegram, facts: list[Fact], reports: Iterable[HazardReport], side: Side
) -> list[Fact]:
    """Only the old forms have one name for floods and landslides."""
    return by_danger(facts, reports, side) if telegram.kind in OLD_FORMS else facts


def _may_speak(report: HazardReport, telegram: Telegram, side: Side) -> bool:
    """Whether a report of an old form counts."""
    known = side.get(report.key)
    if telegram.kind == "VPNO50" and report.kind_code == "33" and not level_in_name(report.kind):
        slope = side.get(Key("landslide", report.area))
        if slope is not None and slope.level == 5:
            return False
    if known is None or known.telegram in OLD_FORMS:
        if report.hazard == "flood":
            # Since 2026-05-29 the flooding of small rivers is part of the heavy rain warning.
            rain = side.get(Key("heavy-rain", report.area))
            return rain is None or rain.telegram in OLD_FORMS
        return not (
            known is not None
            and known.telegram != telegram.kind
            and _weaker_family(known, report, telegram)
        )
    return report.level > known.level and telegram.reported_at > known.reported_at


def _weaker_family(known: LatestWarning, report: HazardReport, telegram: Telegram) -> bool:
    """Whether one old form would undo another that has more detail.

    VPWW53/54 have landslides as 大雨警報（土砂災害） (3) while VXWW50 has level 4; and VXWW50's
    なし does not mean the 大雨警報.
    """
    mixed = "VXWW50" in (known.telegram, telegram.kind)
    return mixed and report.level < known.level


def _unknown(telegram: Telegram, groups: frozenset[str], codes: JmaCodes) -> list[Fact]:
    if not names_region_of(telegram.head_title, codes):
        return []
    hazard = next(iter(groups)) if len(groups) == 1 else "other-advisory"
    return [unknown_cancellation(telegram, topic=TOPIC, hazard=hazard, kind=telegram.head_title)]


def _items(telegram: Telegram, codes: JmaCodes) -> Iterator[Element]:
    """The items of the city, its parts and its designated coasts.

    Every telegram also has coarser areas, which are never used: a telegram says nothing about a
    municipality that it does not name.
    """
    if child(telegram.body, "Warning") is None:
        raise Unreadable(reason("telegram.no-warning"))
    for warning in children(telegram.body, "Warning"):
        name = half_width(warning.get("type", ""))
        if name.endswith(NOT_OURS):
            continue
        own_coasts = () if name.endswith("(市町村等)") else codes.forecast_areas
        for item in children(warning, "Item"):
            code, _ = _where(item)
            if is_part_of(code, codes.municipality) or code in own_coasts:
                yield item


def _where(item: Element) -> tuple[str, str]:
    """Code and name of an item's area; a designated coast may be a Station."""
    for tag in ("Area", "Station"):
        code = text(item, tag, "Code")
        if code:
            return code, text(item, tag, "Name")
    return "", ""


def _reports(
    item: Element, telegram: Telegram, groups: frozenset[str], side: Side
) -> Iterator[HazardReport]:
    """The reports of one item; hazards that it covers and does not name are not in force."""
    code, place = _where(item)
    old = telegram.kind in OLD_FORMS
    reports: dict[str, HazardReport] = {}
    if child(item, "Kind") is None:
        raise Unreadable(reason("telegram.silent-on-city"))
    for kind in children(item, "Kind"):
        for report in _of_kind(kind, code, place, old=old):
            before = reports.get(report.group)
            # 解除 of an advisory together with a warning of the same hazard: what is in force
            # counts.
            if before is None or report.level > before.level:
                reports[report.group] = report
    yield from reports.values()
    for group in sorted(groups - reports.keys()):
        # An old 大雨 warning that is for one danger says that it is not for the other.
        spoken = group in DANGERS and any(each in reports for each in DANGERS)
        if not old or spoken or side.get(Key(group, code)) is not None:
            yield HazardReport(
                group=group,
                hazard=group,
                area=code,
                place=place,
                level=0,
                said=StatedChange.NOTHING,
            )


def _of_kind(kind: Element, area: str, place: str, *, old: bool) -> Iterator[HazardReport]:
    status = text(kind, "Status")
    if status == NOTHING:
        return
    code = text(kind, "Code")
    if code == "00" and status == StatedChange.LIFTED.value:
        # 解除 without a name: LastKind says what has ended. Without it, everything that the
        # telegram covers has ended.
        if text(kind, "LastKind", "Code") in ("", "00"):
            return
        code, name = text(kind, "LastKind", "Code"), name_of(child(kind, "LastKind"))
    else:
        name = name_of(kind)
    known = WARNINGS.get(code)
    if known is None:
        raise Unreadable(reason("telegram.unknown-warning-code", name=name[:40], code=code[:8]))
    said = _said(status or "発表")
    last = child(kind, "LastKind")
    last_kind = WARNINGS.get(text(last, "Code"))
    level = level_in_name(name) or known.level
    report = HazardReport(
        group=known.group,
        hazard=known.hazard,
        area=area,
        place=place,
        level=0 if said is StatedChange.LIFTED else level,
        kind=name,
        kind_code=code,
        said=said,
        last_level=_last_level(last, last_kind.level if last_kind else _stepped_from(status)),
        last_kind=text(last, "Name"),
    )
    if said is StatedChange.LIFTED and not report.last_kind:
        report = replace(report, last_kind=name, last_level=level)
    if not old or known.group != "heavy-rain":
        yield report
        return
    condition = text(kind, "Condition")
    hazards = [hazard for word, hazard in OLD_CONDITIONS if word in condition]
    for hazard in hazards or ["heavy-rain"]:
        yield replace(report, group=hazard, hazard=hazard)


def _stepped_from(status: str) -> int:
    """The first level of a step such as 警報から注意報; the old forms have no LastKind."""
    before, step, _ = status.partition("から")
    return STEPS.get(before, 0) if step else 0


def _last_level(last: Element | None, by_code: int) -> int:
    return level_in_name(text(last, "Name")) or by_code


def _said(status: str) -> StatedChange:
    """The agency's word for the change (発表, 継続, 解除, 警報から注意報 …)."""
    for said in (StatedChange.CHANGED, StatedChange.CONTINUED, StatedChange.LIFTED):
        if status == said.value:
            return said
    if "から" in status:
        return StatedChange.CHANGED
    raise Unreadable(reason("telegram.unknown-status", status=status[:40]))
