"""Weather warnings: VPWW55-61 since 2026-05-29, and the old forms that say the same again.

An old form (VPWW53/54, VXWW50, VPNO50) never speaks of what a new form has spoken of, but for
one thing: where it is newer and graver, it is told, since the new one may have been lost on
the way. It never lowers or lifts what a new form raised: the old names know no level 4, so
that its 警報 cannot be told from a lowering.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

from core.city import JmaCodes
from feeds.errors import Unreadable
from feeds.facts import Fact
from feeds.jma.building import (
    as_facts,
    is_cancellation,
    take,
    taken_back,
    unknown_cancellation,
)
from feeds.jma.codes import is_part_of, may_concern
from feeds.jma.levels import ALL_GROUPS, COVERED, OLD_FORMS, WARNINGS, level_in_name
from feeds.jma.state import Key, Report, Said, Side, Standing
from feeds.jma.telegram import Element, Telegram, child, children, half_width, name_of, text

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
OLD_CONDITIONS = (("土砂災害", "landslide"), ("浸水害", "heavy-rain"))


def weather_warnings(telegram: Telegram, codes: JmaCodes, side: Side) -> list[Fact]:
    """Facts of VPWW55-61 and of VPWW53/54."""
    groups = COVERED.get(telegram.kind, ALL_GROUPS)
    if is_cancellation(telegram):
        facts = taken_back(telegram, groups, side, topic=TOPIC)
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
        return taken_back(telegram, ALL_GROUPS, side, topic=TOPIC)
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
    """Facts of VXWW50 (土砂災害警戒情報), which corresponds to level 4."""
    if is_cancellation(telegram):
        return taken_back(telegram, ("landslide",), side, topic=TOPIC) or _unknown(
            telegram, frozenset({"landslide"}), codes
        )
    reports = []
    for warning in children(telegram.body, "Warning"):
        for item in children(warning, "Item"):
            code = text(item, "Area", "Code")
            if not is_part_of(code, codes.municipality):
                continue
            nothing = text(item, "Kind", "Status") == Said.NOTHING.value
            said = Said.NOTHING if nothing else _said(text(item, "Kind", "Status"))
            active = text(item, "Kind", "Code") == "3" and said in (Said.CHANGED, Said.CONTINUED)
            reports.append(
                Report(
                    group="landslide",
                    hazard="landslide",
                    area=code,
                    place=text(item, "Area", "Name"),
                    level=4 if active else 0,
                    kind="土砂災害警戒情報" if said is not Said.NOTHING else "",
                    kind_code="3" if said is not Said.NOTHING else "",
                    said=said,
                    last_level=4 if said is Said.LIFTED else 0,
                )
            )
    return _told(telegram, reports, side)


def _settle_notified(telegram: Telegram, reports: list[Report], side: Side) -> None:
    """Put a 大雨特別警報 that VPNO50 told first on the hazard it is meant for.

    VPNO50 does not say whether it is for floods or landslides; the warnings of the same moment
    do: VPWW53/54 for both, VPWW55 for floods, VPWW56 for landslides.
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
        # What was there before the emergency says nothing of it.
        since = later >= timedelta(0)
        not_for_rain = since and levels.get((area, rain.hazard), EMERGENCY) != EMERGENCY
        if not_for_rain or (for_slope and (area, rain.hazard) not in levels):
            known = side.get(slope)
            if known is None or known.level != EMERGENCY:
                before = None if known is None else replace(known, before=None)
                side.put(slope, replace(notified, hazard="landslide", before=before))
            nothing = replace(notified, level=0, kind="", kind_code="", told=False)
            side.put(rain, notified.before or nothing)


def _told(telegram: Telegram, reports: list[Report], side: Side) -> list[Fact]:
    if telegram.kind in OLD_FORMS:
        reports = [report for report in reports if _may_speak(report, telegram, side)]
    facts = as_facts(telegram, take(telegram, reports, side), topic=TOPIC)
    return _once(facts) if telegram.kind in OLD_FORMS else facts


def _once(facts: list[Fact]) -> list[Fact]:
    """Leave out the landslide half of an old 大雨 warning that is for both dangers.

    It is one warning with one name; on the board both hazards stand for themselves.
    """
    rain = {
        (fact.status, fact.kind_code, fact.areas) for fact in facts if fact.hazard == "heavy-rain"
    }
    return [
        fact
        for fact in facts
        if fact.hazard != "landslide" or (fact.status, fact.kind_code, fact.areas) not in rain
    ]


def _may_speak(report: Report, telegram: Telegram, side: Side) -> bool:
    """Whether an old form may be heard on what it reports."""
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


def _weaker_family(known: Standing, report: Report, telegram: Telegram) -> bool:
    """Whether one old form would undo another that knows more.

    VPWW53/54 know landslides as 大雨警報（土砂災害） (3) while VXWW50 says the level 4 beside it,
    and the reverse: VXWW50's なし says nothing of the 大雨警報.
    """
    mixed = "VXWW50" in (known.telegram, telegram.kind)
    return mixed and report.level < known.level


def _unknown(telegram: Telegram, groups: frozenset[str], codes: JmaCodes) -> list[Fact]:
    if not may_concern(telegram.head_title, codes):
        return []
    hazard = next(iter(groups)) if len(groups) == 1 else "other-advisory"
    return [unknown_cancellation(telegram, topic=TOPIC, hazard=hazard, kind=telegram.head_title)]


def _items(telegram: Telegram, codes: JmaCodes) -> Iterator[Element]:
    """The items of the city and its parts, and those of its designated coasts.

    Coarser areas stand beside them in every telegram and are never taken: a municipality that
    is not named is one that the telegram does not speak of.
    """
    if child(telegram.body, "Warning") is None:
        raise Unreadable("A warning without a Warning part.")
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
    """Code and name of the area an item is about; a designated coast may stand as a Station."""
    for tag in ("Area", "Station"):
        code = text(item, tag, "Code")
        if code:
            return code, text(item, tag, "Name")
    return "", ""


def _reports(
    item: Element, telegram: Telegram, groups: frozenset[str], side: Side
) -> Iterator[Report]:
    """What one item says, and the silence it keeps about the rest of what it covers."""
    code, place = _where(item)
    old = telegram.kind in OLD_FORMS
    reports: dict[str, Report] = {}
    if child(item, "Kind") is None:
        raise Unreadable("The telegram names the city and says nothing of it.")
    for kind in children(item, "Kind"):
        for report in _of_kind(kind, code, place, old=old):
            before = reports.get(report.group)
            # 解除 of an advisory beside a warning of the same hazard: what is in force counts.
            if before is None or report.level > before.level:
                reports[report.group] = report
    yield from reports.values()
    for group in sorted(groups - reports.keys()):
        if not old or side.get(Key(group, code)) is not None:
            yield Report(
                group=group, hazard=group, area=code, place=place, level=0, said=Said.NOTHING
            )


def _of_kind(kind: Element, area: str, place: str, *, old: bool) -> Iterator[Report]:
    status = text(kind, "Status")
    if status == NOTHING:
        return
    code = text(kind, "Code")
    if code == "00" and status == Said.LIFTED.value:
        # 解除 without a name: LastKind says what has ended; without it everything the
        # telegram covers has, which its silence says already.
        if text(kind, "LastKind", "Code") in ("", "00"):
            return
        code, name = text(kind, "LastKind", "Code"), name_of(child(kind, "LastKind"))
    else:
        name = name_of(kind)
    known = WARNINGS.get(code)
    if known is None:
        raise Unreadable(f"The warning {name[:40]!r} has the unknown code {code[:8]!r}.")
    said = _said(status or "発表")
    last = child(kind, "LastKind")
    last_kind = WARNINGS.get(text(last, "Code"))
    level = level_in_name(name) or known.level
    report = Report(
        group=known.group,
        hazard=known.hazard,
        area=area,
        place=place,
        level=0 if said is Said.LIFTED else level,
        kind=name,
        kind_code=code,
        said=said,
        last_level=_last_level(last, last_kind.level if last_kind else _stepped_from(status)),
        last_kind=text(last, "Name"),
    )
    if said is Said.LIFTED and not report.last_kind:
        report = replace(report, last_kind=name, last_level=level)
    if not old or known.group != "heavy-rain":
        yield report
        return
    condition = text(kind, "Condition")
    hazards = [hazard for word, hazard in OLD_CONDITIONS if word in condition]
    for hazard in hazards or ["heavy-rain"]:
        yield replace(report, group=hazard, hazard=hazard)


def _stepped_from(status: str) -> int:
    """The level a step such as 警報から注意報 begins at; the old forms have no LastKind."""
    before, step, _ = status.partition("から")
    return STEPS.get(before, 0) if step else 0


def _last_level(last: Element | None, by_code: int) -> int:
    return level_in_name(text(last, "Name")) or by_code


def _said(status: str) -> Said:
    """The agency's word for the change (発表, 継続, 解除, 警報から注意報 …)."""
    for said in (Said.CHANGED, Said.CONTINUED, Said.LIFTED):
        if status == said.value:
            return said
    if "から" in status:
        return Said.CHANGED
    raise Unreadable(f"A warning has the unknown status {status[:40]!r}.")
