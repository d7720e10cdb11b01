"""Sudden dangers: VPBS50 (気象防災速報), VPOA50 (record rain), VPHW50/51 (tornado).

These are single reports, not a state that is raised and lifted. The first for the city is
``issued``; a later number of the same report, or the old form of it, is ``continued``. A new one
after the last has ended is issued again.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from city.city import JmaCodes
from feeds.errors import Unreadable
from feeds.facts import Fact, Fallen
from feeds.jma.building import (
    descendants,
    is_cancellation,
    make_fact,
    unknown_cancellation,
)
from feeds.jma.codes import city_name, is_part_of, municipalities, names_region_of
from feeds.jma.levels import SUDDEN
from feeds.jma.naming import names_in
from feeds.jma.state import Key, LatestWarning, Side, is_older
from feeds.jma.telegram import Element, InfoType, Telegram, child, children, half_width, text
from feeds.models import Status
from feeds.reasons import reason

TOPIC = "weather"
_NAME = re.compile("気象防災速報（([^（）]{1,20})）")
LASTING: dict[str, timedelta] = {
    "record-rain": timedelta(hours=1),
    "linear-rain-band": timedelta(hours=3),
    "short-heavy-snow": timedelta(hours=6),
    "tornado": timedelta(hours=1),
}
"""How long a report is in force if it gives no end: our rule, about as long as the agency reports
on it. Within it a repeat is no second alarm.
"""
SIGHTED = "【目撃情報あり】"
NEW_FORMS = datetime(2026, 5, 28, 15, 0, tzinfo=UTC)
"""From when VPBS50 has VPOA50's content by municipality (midnight of 29 May in Japan)."""


def prompt_report(telegram: Telegram, codes: JmaCodes, side: Side) -> list[Fact]:
    """Facts of VPBS50. 情報タグ gives the kind; the named municipalities decide."""
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
                raise Unreadable(reason("telegram.unknown-tag", tag=tag[:40]))
            hazard, level, keyword = SUDDEN[tag]
            found.append((here, hazard, level, f"気象防災速報（{keyword}）"))
    return [
        fact
        for here, hazard, level, kind in found
        for fact in _single(telegram, codes, side, here, hazard=hazard, level=level, kind=kind)
    ]


def record_rain(telegram: Telegram, codes: JmaCodes, side: Side) -> list[Fact]:
    """Facts of VPOA50, the old form, which has codes of prefectures only.

    Its headline names the municipalities in words. Each of these telegrams repeats a VPBS50 for
    these municipalities only, so the others of the prefecture are not told.
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
        kind=_titled(telegram, "記録的短時間大雨情報"),
        code="1",
    )


def _names_others(headline: str, codes: JmaCodes) -> bool:
    """Whether a headline names municipalities of the prefecture, and not this one."""
    own = [p.name for p in municipalities().values() if p.code[:2] == codes.municipality[:2]]
    named = names_in(headline, own)
    return bool(named) and city_name(codes) not in named


def tornado(telegram: Telegram, codes: JmaCodes, side: Side) -> list[Fact]:
    """Facts of VPHW50 and VPHW51; a sighting is more serious than the possibility.

    VPHW51 is sent with every VPHW50. 目撃情報付き in its title only names the format; a tornado was
    seen only if the headline says so.
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
    """The name in the title (○○県気象防災速報（竜巻注意）), if it is a known one."""
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
    """The city's areas: its own if municipalities are named, else the item's areas."""
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
        LatestWarning.said_by(
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
            fallen=_fallen(telegram.headline, codes),
        )
    ]


_FALLEN = (
    re.compile(r"(?:で|に)(?P<about>約|およそ)?(?P<amount>\d{2,3})(?P<unit>ミリ)(?P<more>以上)?"),
    re.compile(
        r"(?P<hours>\d{1,2})時間[でに](?P<about>約|およそ)?"
        r"(?P<amount>\d{1,3})(?P<unit>センチ)(?P<more>以上)?"
    ),
)


def _fallen(headline: str, codes: JmaCodes) -> Fallen | None:
    """The largest amount that fell in this city: its name is before the amount in the headline."""
    words = re.sub(r"[\s、]+", "", half_width(headline))
    own = [p.name for p in municipalities().values() if p.code[:2] == codes.municipality[:2]]
    fallen = []
    for pattern in _FALLEN:
        begins = 0
        for found in pattern.finditer(words):
            clause, begins = words[begins : found.start()], found.end()
            if city_name(codes) not in names_in(clause.rpartition("。")[2], own):
                continue
            snow = found["unit"] == "センチ"
            fallen.append(
                Fallen(
                    amount=found["amount"],
                    hours=found["hours"] if snow else "1",
                    snow=snow,
                    about=found["about"] is not None,
                    or_more=found["more"] is not None,
                )
            )
    return max(fallen, key=lambda each: int(each.amount), default=None)


def _is_sharper(before: str, now: str) -> bool:
    """Whether an expected danger has begun (線状降水帯直前予測 → 発生), or was seen."""
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
    if not names_region_of(telegram.head_title, codes):
        return []
    return [
        unknown_cancellation(
            telegram, topic=TOPIC, hazard=_guess(telegram), kind=half_width(telegram.head_title)
        )
    ]


def _guess(telegram: Telegram) -> str:
    """The hazard in a report's title; a 取消 has nothing else."""
    words = {keyword: hazard for hazard, _, keyword in SUDDEN.values()}
    title = telegram.head_title + telegram.title
    for keyword, hazard in words.items():
        if keyword in title:
            return hazard
    return "tornado" if "竜巻" in title else "record-rain"
