"""Designated rivers (VXKO50 to 89) and those with told water levels (VXSU50 to 59).

One standing for each section of a river. A section concerns the city when ``city.toml`` lists
its code, or when the telegram itself names the municipality among the places it expects to be
flooded.
"""

from __future__ import annotations

from dataclasses import replace

from core.city import JmaCodes
from feeds.errors import Unreadable
from feeds.facts import Fact
from feeds.jma.building import (
    as_facts,
    descendants,
    is_cancellation,
    take,
    taken_back,
    unknown_cancellation,
)
from feeds.jma.codes import is_part_of
from feeds.jma.levels import RIVERS, level_in_name
from feeds.jma.state import Key, Report, Said, Side, Standing
from feeds.jma.telegram import Element, Telegram, child, children, name_of, text

TOPIC = "weather"
GROUP = "river-flood"
"""Rivers stand on a scale of their own: the old forms' 洪水警報 is by municipality."""
SECTIONS = ("（予報区域）", "（発表区間）")
"""Endings of the Information types that name the section: VXKO's and VXSU's."""
CONTINUING = "〔継続〕"
_CONTINUING = frozenset({"21", "31", "41"})


def river(telegram: Telegram, codes: JmaCodes, side: Side) -> list[Fact]:
    """Facts of a designated river's flood forecast."""
    if is_cancellation(telegram):
        if not _is_ours(telegram, {telegram.event_id}, codes, side):
            return []
        return [_named(fact) for fact in _undone(telegram, side)] or [
            unknown_cancellation(telegram, topic=TOPIC, hazard="flood", kind=telegram.head_title)
        ]
    reports = []
    sections = 0
    for information in children(child(telegram.head, "Headline"), "Information"):
        if not information.get("type", "").endswith(SECTIONS):
            continue
        for item in children(information, "Item"):
            kind = child(item, "Kind")
            for area in children(child(item, "Areas"), "Area"):
                section = text(area, "Code")[:32]
                sections += 1
                if _is_ours(telegram, {section, telegram.event_id}, codes, side):
                    name = text(area, "Name")
                    reports.append(_report(kind, section, name, telegram.headline))
    if not sections:
        raise Unreadable("A flood forecast without a section of a river.")
    changes = take(telegram, reports, side)
    return [_named(fact) for fact in as_facts(telegram, changes, topic=TOPIC)]


def _undone(telegram: Telegram, side: Side) -> list[Fact]:
    return taken_back(telegram, (GROUP,), side, topic=TOPIC, areas=(telegram.event_id,))


def _is_ours(telegram: Telegram, sections: set[str], codes: JmaCodes, side: Side) -> bool:
    if sections & set(codes.rivers):
        return True
    if any(_known(section, side) for section in sections):
        return True
    return any(
        is_part_of(text(area, name), codes.municipality)
        for area in (*descendants(telegram.body, "Area"), *descendants(telegram.head, "Area"))
        for name in ("CityCode", "Code")
    )


def _known(section: str, side: Side) -> Standing | None:
    return side.get(Key(GROUP, section))


def _report(kind: Element | None, section: str, name: str, headline: str) -> Report:
    code, words = text(kind, "Code"), name_of(kind)
    if code not in RIVERS:
        raise Unreadable(f"The flood forecast {words[:40]!r} has the unknown code {code[:8]!r}.")
    condition = text(kind, "Condition")
    level = level_in_name(words) if RIVERS[code] and level_in_name(words) else RIVERS[code]
    if level == 0:
        said = Said.LIFTED
    elif code in _CONTINUING or "継続" in condition or CONTINUING in headline:
        said = Said.CONTINUED
    else:
        said = Said.CHANGED
    return Report(
        group=GROUP,
        hazard="flood",
        area=section,
        place=name,
        level=level,
        kind=words,
        kind_code=code,
        said=said,
        last_level=2 if level == 0 else 3 if code == "22" else 0,
        last_kind=words.removesuffix("解除") if level == 0 else "",
    )


def _named(fact: Fact) -> Fact:
    return replace(fact, hazard="flood", river=fact.place)
