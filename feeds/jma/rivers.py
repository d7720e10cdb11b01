"""Designated rivers (VXKO50 to 89) and rivers with announced water levels (VXSU50 to 59).

There is one state for each section of a river. A section concerns the city if ``city.toml`` has its
code (or, if it lists none, the agency's table), or if the telegram names the municipality among the
places that may be flooded.

Level 5 is announced when an overflow is imminent or has happened, under one code (51). Only its
sentences say what has overflowed, and where. The first overflow, and an overflow at a new place, is
news even if the level stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from city.city import JmaCodes
from feeds.errors import Unreadable
from feeds.facts import Fact
from feeds.jma.building import (
    as_facts,
    descendants,
    is_cancellation,
    make_fact,
    put_on_board,
    taken_back,
    unknown_cancellation,
)
from feeds.jma.codes import is_part_of
from feeds.jma.levels import RIVERS, level_in_name, levelled_name
from feeds.jma.state import HazardReport, Key, LatestWarning, Side, StatedChange, Transition
from feeds.jma.telegram import Element, InfoType, Telegram, child, children, name_of, text
from feeds.models import Status
from feeds.reasons import reason

TOPIC = "weather"
GROUP = "river-flood"
"""Rivers have their own scale: the old forms' 洪水警報 is by municipality."""
SECTIONS = ("（予報区域）", "（発表区間）")
"""Endings of the Information types that name the section: VXKO's and VXSU's."""
CONTINUING = "〔継続〕"
_CONTINUING = frozenset({"21", "31", "41"})
WORST = 5
SPREADING = frozenset({"52", "53"})
"""氾濫水の予報: where the flood water will go."""
_OVERFLOWED = re.compile("氾濫が(?:既に|すでに)?発生(?!する)|氾濫発生|越水|溢水|決壊|破堤")
_NOT_SURE = re.compile(
    "おそれ|恐れ|可能性|切迫|見込み|場合|または|又は|警戒|注意|危険|に備え|を防|ていな|ません"
)
_LABEL = re.compile("【[^】]*】")
_SPOT = re.compile(r"[^、。，．\s「」『』（）()【】［］]{2,40}?(?:地先|付近)")


def river(telegram: Telegram, codes: JmaCodes, side: Side) -> list[Fact]:
    """Facts of a designated river's flood forecast."""
    if is_cancellation(telegram):
        if not _is_ours(telegram, {telegram.event_id}, codes, side):
            return []
        return [_named(fact) for fact in _undone(telegram, side)] or [
            unknown_cancellation(telegram, topic=TOPIC, hazard="flood", kind=telegram.head_title)
        ]
    reports = _reports(telegram, codes, side)
    before = {report.key: side.get(report.key) for report in reports}
    facts = [
        fact
        for report, change in put_on_board(telegram, reports, side)
        for fact in _told(telegram, report, change, before[report.key], side)
    ]
    return sorted(facts, key=lambda fact: (-fact.heard_level, fact.areas))


def _reports(telegram: Telegram, codes: JmaCodes, side: Side) -> list[HazardReport]:
    """The headline's words about each section that concerns the city."""
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
                if _is_ours(telegram, {section}, codes, side):
                    name = text(area, "Name")
                    reports.append(_report(telegram, kind, section, name))
    if not sections:
        raise Unreadable(reason("telegram.no-section"))
    return reports


def _told(
    telegram: Telegram,
    report: HazardReport,
    change: Transition,
    known: LatestWarning | None,
    side: Side,
) -> list[Fact]:
    """The facts of one section: a change of level, or a new overflow at level 5."""
    spots = _overflow(telegram, report)
    stays = known is not None and known.level == report.level == WORST
    heard = dict(known.detail) if known is not None and stays else {}
    corrected = telegram.info_type is InfoType.CORRECTED
    news = stays and (spots.keys() != heard.keys() if corrected else spots.keys() - heard.keys())
    if news:
        change = replace(change, status=Status.CORRECTED if corrected else Status.ISSUED)
    standing = side.get(report.key)
    if standing is not None:
        side.put(
            report.key,
            replace(
                standing,
                told=standing.told or bool(news),
                detail=spots if corrected else heard | spots,
            ),
        )
    places = tuple(spot for spot in spots if spot)
    return [
        replace(_named(fact), overflow=bool(spots), overflow_at=places)
        for fact in as_facts(telegram, [(report, change)], topic=TOPIC)
    ]


def _undone(telegram: Telegram, side: Side) -> list[Fact]:
    section = telegram.event_id
    wrong = _known(section, side)
    facts = taken_back(telegram, (GROUP,), side, topic=TOPIC, areas=(section,))
    before = wrong.before if wrong is not None else None
    if facts or wrong is None or before is None or _known(section, side) is wrong:
        return facts
    if not wrong.told or not wrong.detail.keys() - before.detail.keys():
        return []
    # The level stays, and the overflow that was told did not happen.
    return [
        make_fact(
            telegram,
            topic=TOPIC,
            hazard="flood",
            kind=wrong.kind,
            kind_code=wrong.kind_code,
            level=before.level,
            status=Status.CANCELLED,
            previous_kind=wrong.kind,
            previous_level=wrong.level,
            areas=(section,),
            place=wrong.place,
        )
    ]


def _overflow(telegram: Telegram, report: HazardReport) -> dict[str, bool]:
    """The places where a level 5 telegram says that the river overflows; "" for an unnamed place.

    Its sentences are read; a clause that only fears or denies it does not count. The older name
    氾濫発生情報 and a forecast of the flood water imply it.
    """
    if report.level != WORST:
        return {}
    sure = "氾濫発生" in report.kind or report.kind_code in SPREADING
    spots: dict[str, bool] = {"": True} if sure else {}
    for sentence in _sentences(telegram):
        clauses = [each for each in sentence.split("、") if not _NOT_SURE.search(each)]
        if any(_OVERFLOWED.search(each) for each in clauses):
            named = (spot for each in clauses for spot in _SPOT.findall(each))
            spots |= dict.fromkeys(["", *named], True)
    return spots


def _sentences(telegram: Telegram) -> Iterator[str]:
    """The sentences of the headline and of the main text (主文), without their labels."""
    main = (
        text(each, "Text")
        for each in descendants(telegram.body, "Property")
        if text(each, "Type") == "主文"
    )
    for words in (telegram.headline, *main):
        yield from re.split("[。\n]", _LABEL.sub("", words))


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


def _known(section: str, side: Side) -> LatestWarning | None:
    return side.get(Key(GROUP, section))


def _report(telegram: Telegram, kind: Element | None, section: str, name: str) -> HazardReport:
    code, words = text(kind, "Code"), name_of(kind)
    if code not in RIVERS:
        raise Unreadable(reason("telegram.unknown-flood-code", name=words[:40], code=code[:8]))
    condition = text(kind, "Condition")
    level = level_in_name(words) if RIVERS[code] and level_in_name(words) else RIVERS[code]
    titled = levelled_name(telegram.head_title)
    if not level_in_name(words) and level and level_in_name(titled) == level:
        words = titled
    if level == 0:
        said = StatedChange.LIFTED
    elif code in _CONTINUING or "継続" in condition or CONTINUING in telegram.headline:
        said = StatedChange.CONTINUED
    else:
        said = StatedChange.CHANGED
    return HazardReport(
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
