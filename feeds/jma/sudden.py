"""What comes suddenly: VPBS50 (気象防災速報), VPOA50 (record rain), VPHW50/51 (tornado).

These are single reports, not a state that is raised and lifted. The first for the city is
``issued``; a later number of the same report, or the old form saying the same, is
``continued``. A new one after the last has run out is issued again.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from core.city import JmaCodes
from feeds.errors import Unreadable
from feeds.facts import Fact
from feeds.jma.building import (
    descendants,
    is_cancellation,
    make_fact,
    unknown_cancellation,
)
from feeds.jma.codes import city_name, is_part_of, may_concern, places
from feeds.jma.levels import SUDDEN
from feeds.jma.state import Key, Side, Standing, is_older
from feeds.jma.telegram import Element, InfoType, Telegram, child, children, half_width, text
from feeds.models import Status

TOPIC = "weather"
_NAME = re.compile("気象防災速報（([^（）]{1,20})）")
LASTING: dict[str, timedelta] = {
    "record-rain": timedelta(hours=1),
    "linear-rain-band": timedelta(hours=3),
    "short-heavy-snow": timedelta(hours=6),
    "tornado": timedelta(hours=1),
}
"""How long a report stands when it gives no end itself: our rule, about as long as the agency
speaks of it; within it a repeat is no second alarm."""
SIGHTED = "【目撃情報あり】"
NEW_FORMS = datetime(2026, 5, 28, 15, 0, tzinfo=UTC)
"""From when on VPBS50 says what VPOA50 says, to the municipality (midnight of 29 May in Japan)."""


def prompt_report(telegram: Telegram, codes: JmaCodes, side: Side) -> list[Fact]:
    """Facts of VPBS50. Each 情報タグ tells what it is about; municipalities it names decide."""
    if is_cancellation(telegram):
        return _cancelled(telegram, codes, side)
    found: list[tuple[list[tuple[str, str]], str, int, str]] = []
    for information in children(child(telegram.head, "Headline"), "Information"):
        if information.get("type") != "情報タグ":
            continue
        for item in children(information, "Item"):
            here = _named_areas(telegram, item, codes)
            if not here:
                continue
            tag = text(item, "Kind", "Condition")
            if tag not in SUDDEN:
                raise Unreadable(f"A 気象防災速報 has the unknown tag {tag[:40]!r}.")
            hazard, level, keyword = SUDDEN[tag]
            found.append((here, hazard, level, f"気象防災速報（{keyword}）"))
    return [
        fact
        for here, hazard, level, kind in found
        for fact in _single(telegram, codes, side, here, hazard=hazard, level=level, kind=kind)
    ]


def record_rain(telegram: Telegram, codes: JmaCodes, side: Side) -> list[Fact]:
    """Facts of VPOA50, the old form, whose codes name nothing finer than a prefecture.

    Its headline names the municipalities in words. Since each of these telegrams repeats a
    VPBS50 that concerns them alone, the others of the prefecture are not told by the repeat.
    """
    if is_cancellation(telegram):
        return _cancelled(telegram, codes, side)
    if telegram.reported_at >= NEW_FORMS and _names_others(telegram.headline, codes):
        return []
    here = [
        (code, name)
        for code, name, active in _warned(telegram)
        if active and code in codes.forecast_areas
    ]
    if not here:
        return []
    return _single(
        telegram,
        codes,
        side,
        here,
        hazard="record-rain",
        level=SUDDEN["記録雨"][1],
        kind="記録的短時間大雨情報",
        code="1",
    )


def _names_others(headline: str, codes: JmaCodes) -> bool:
    """Whether a headline names municipalities of the prefecture, and not this one."""
    named = {
        place.name
        for place in places().values()
        if place.code[:2] == codes.municipality[:2] and place.name in headline
    }
    return bool(named) and city_name(codes) not in named


def tornado(telegram: Telegram, codes: JmaCodes, side: Side) -> list[Fact]:
    """Facts of VPHW50 and VPHW51; a sighting is graver than the possibility.

    VPHW51 is sent beside every VPHW50. That its title says 目撃情報付き names its format; a
    tornado was seen only where the headline says so.
    """
    if is_cancellation(telegram):
        return _cancelled(telegram, codes, side)
    here = [
        (code, name)
        for code, name, active in _warned(telegram)
        if active and is_part_of(code, codes.municipality)
    ]
    if not here:
        return []
    seen = _is_sighting(telegram)
    plain = "竜巻注意情報（目撃情報付き）" if seen else "竜巻注意情報"
    return _single(
        telegram,
        codes,
        side,
        list(dict.fromkeys(here)),
        hazard="tornado",
        level=SUDDEN["竜巻目撃"][1] if seen else SUDDEN["竜巻注意"][1],
        kind=_titled(telegram, plain),
        code="1",
    )


def _is_sighting(telegram: Telegram) -> bool:
    """Whether somebody saw the tornado: by its own part of VPHW51, by the new title, or by the
    mark with which the headline of both forms begins."""
    return (
        "竜巻目撃" in telegram.head_title
        or telegram.headline.startswith(SIGHTED)
        or any(
            information.get("type", "").endswith("（目撃情報あり）")
            for information in children(child(telegram.head, "Headline"), "Information")
        )
    )


def _titled(telegram: Telegram, otherwise: str) -> str:
    """The name in the title (○○県気象防災速報（竜巻注意）), where it is one of the known ones."""
    found = _NAME.search(telegram.head_title)
    known = {keyword for _, _, keyword in SUDDEN.values()}
    return found.group(0) if found and found.group(1) in known else otherwise


def _warned(telegram: Telegram) -> list[tuple[str, str, bool]]:
    """Every area of the body with its name and whether the report is in force there."""
    return [
        (
            text(item, "Area", "Code"),
            text(item, "Area", "Name"),
            text(item, "Kind", "Code") not in ("", "0"),
        )
        for warning in children(telegram.body, "Warning")
        for item in children(warning, "Item")
    ]


def _named_areas(telegram: Telegram, item: Element, codes: JmaCodes) -> list[tuple[str, str]]:
    """The city's areas: its own where municipalities are named, else the item's that hold it."""
    named = [
        (text(area, "Code"), text(area, "Name"))
        for part in (telegram.head, telegram.body)
        for area in descendants(part, "Area")
    ]
    listed = [(text(area, "Code"), text(area, "Name")) for area in descendants(item, "Area")]
    around = [area for area in listed or named if area[0] in codes.forecast_areas]
    if any(len(code) == 7 for code, _ in named):
        own = [area for area in named if is_part_of(area[0], codes.municipality)]
        around = own if around or not listed or any(area in listed for area in own) else []
    return list(dict.fromkeys(around))


def _single(
    telegram: Telegram,
    codes: JmaCodes,
    side: Side,
    here: list[tuple[str, str]],
    *,
    hazard: str,
    level: int,
    kind: str,
    code: str = "",
) -> list[Fact]:
    key = Key(hazard, codes.municipality)
    known = side.get(key)
    if is_older(known, telegram):
        return []
    ends = telegram.valid_until or telegram.reported_at + LASTING[hazard]
    standing = (
        known is not None
        and known.level > 0
        and known.valid_until is not None
        and known.valid_until > telegram.reported_at
    )
    before = known if standing else None
    graver = before is not None and (level > before.level or _is_sharper(before.kind, kind))
    if before is None:
        status = Status.ISSUED
    elif graver:
        status = Status.RAISED
    elif telegram.info_type is InfoType.CORRECTED and before.kind != kind:
        status = Status.CORRECTED
    else:
        status = Status.CONTINUED
    place = "、".join(name for _, name in here)
    side.put(
        key,
        Standing.said_by(
            telegram,
            level=max(level, before.level) if before and not graver else level,
            kind=before.kind if before and not graver else kind,
            kind_code=code,
            hazard=hazard,
            told=True,
            place=place,
            valid_until=ends,
            detail={"event_id": telegram.event_id},
            before=None if known is None else replace(known, before=None),
        ),
    )
    return [
        make_fact(
            telegram,
            topic=TOPIC,
            hazard=hazard,
            kind=kind,
            kind_code=code,
            level=level,
            status=status,
            previous_kind=before.kind if before else "",
            previous_level=before.level if before else 0,
            areas=tuple(code for code, _ in here),
            standing=(key.area,),
            place=place,
            valid_until=ends,
        )
    ]


def _is_sharper(before: str, now: str) -> bool:
    """Whether what was only expected has begun (線状降水帯直前予測 → 発生), or been seen."""
    return ("直前予測" in before and "発生" in now) or ("目撃" in now and "目撃" not in before)


def _cancelled(telegram: Telegram, codes: JmaCodes, side: Side) -> list[Fact]:
    """Take back a report: the one of this EventID, or the last one of this kind."""
    for hazard in LASTING:
        key = Key(hazard, codes.municipality)
        known = side.get(key)
        if known is None or known.telegram != telegram.kind or is_older(known, telegram):
            continue
        if telegram.event_id and known.detail.get("event_id") != telegram.event_id:
            continue
        if known.level == 0:
            continue
        side.put(
            key,
            replace(
                known,
                level=0,
                kind="",
                reported_at=telegram.reported_at,
                published_at=telegram.published_at,
                serial=telegram.serial,
                told=False,
                before=None,
            ),
        )
        return [
            make_fact(
                telegram,
                topic=TOPIC,
                hazard=hazard,
                kind=known.kind,
                kind_code=known.kind_code,
                level=0,
                status=Status.CANCELLED,
                previous_kind=known.kind,
                previous_level=known.level,
                areas=(codes.municipality,),
                place=known.place,
            )
        ]
    if not may_concern(telegram.head_title, codes):
        return []
    return [
        unknown_cancellation(
            telegram, topic=TOPIC, hazard=_guess(telegram), kind=half_width(telegram.head_title)
        )
    ]


def _guess(telegram: Telegram) -> str:
    """The hazard a report's title names; a 取消 carries nothing else."""
    words = {keyword: hazard for hazard, _, keyword in SUDDEN.values()}
    title = telegram.head_title + telegram.title
    for keyword, hazard in words.items():
        if keyword in title:
            return hazard
    return "tornado" if "竜巻" in title else "record-rain"
