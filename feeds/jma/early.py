"""What may come: VPFD61 (早期注意情報) and VPWP50 (the warnings' time series).

VPFD61 is told by forecast area, VPWP50 by municipality, both several times a day. News is what
neither expected before and what is not in force already.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from core.city import JmaCodes
from feeds.facts import Fact
from feeds.jma.building import descendants, is_cancellation, make_fact
from feeds.jma.codes import is_part_of
from feeds.jma.state import Key, Side, Standing, is_older
from feeds.jma.telegram import Element, Telegram, child, children, half_width, text
from feeds.models import Status

TOPIC = "weather"
LEVEL = 1
"""早期注意情報 corresponds to alert level 1: be mindful of what may come."""
_RANKS = {"中": 1, "高": 2}
_DANGERS = {"30": 3, "31": 3, "41": 4, "50": 5, "51": 5}
"""危険度 codes of 警報級 and above."""
_RANK_GROUPS = {
    "大雨": "heavy-rain",
    "雨": "heavy-rain",
    "土砂災害": "landslide",
    "潮位": "storm-surge",
    "風（風雪）": "storm",
    "波": "high-waves",
    "雪": "heavy-snow",
}
_DANGER_GROUPS = {
    "大雨浸水危険度": "heavy-rain",
    "土砂災害危険度": "landslide",
    "高潮危険度": "storm-surge",
    "風危険度": "storm",
    "波危険度": "high-waves",
    "雪危険度": "heavy-snow",
}


_GROUPS = _RANK_GROUPS | {
    name.removesuffix("危険度"): group for name, group in _DANGER_GROUPS.items()
}
"""The scale of warnings that each danger belongs to, by its short name in either kind."""
WARNING_LEVEL = 3
OTHERS = {"VPFD61": "VPWP50", "VPWP50": "VPFD61"}
STILL_NEW = timedelta(hours=24)
"""How long what one kind has said need not be said by the other."""


def early_notice(telegram: Telegram, codes: JmaCodes, side: Side) -> list[Fact]:
    """Facts of VPFD61: the possibility (高, 中) that a warning will be needed."""
    if is_cancellation(telegram):
        return []
    found: dict[str, int] = {}
    areas: dict[str, str] = {}
    for item in _items(telegram):
        code = text(item, "Area", "Code")
        if code not in codes.forecast_areas:
            continue
        areas[code] = text(item, "Area", "Name")
        for rank in descendants(item, "PossibilityRankOfWarning"):
            name = rank.get("type", "").removesuffix("の警報級の可能性")
            if name:
                found[name] = max(found.get(name, 0), _RANKS.get(text(rank), 0))
    if not areas:
        return []
    return _expected(telegram, codes, side, found, areas, title="早期注意情報")


def time_series(telegram: Telegram, codes: JmaCodes, side: Side) -> list[Fact]:
    """Facts of VPWP50: a danger of warning grade ahead for which no warning is in force."""
    if is_cancellation(telegram):
        return []
    found: dict[str, int] = {}
    areas: dict[str, str] = {}
    for item in _items(telegram):
        code = text(item, "Area", "Code")
        if not is_part_of(code, codes.municipality):
            continue
        areas[code] = text(item, "Area", "Name")
        for danger in descendants(item, "Significancy"):
            name = danger.get("type", "")
            group = _DANGER_GROUPS.get(name)
            level = _DANGERS.get(text(danger, "Code"), 0)
            if group is None:
                continue
            standing = side.get(Key(group, code))
            if standing is not None and standing.level >= level:
                level = 0
            short = name.removesuffix("危険度")
            found[short] = max(found.get(short, 0), level)
    if not areas:
        return []
    return _expected(telegram, codes, side, found, areas, title="気象警報・注意報時系列情報")


def _items(telegram: Telegram) -> Iterator[Element]:
    for infos in children(telegram.body, "MeteorologicalInfos"):
        for series in children(infos, "TimeSeriesInfo"):
            for item in children(series, "Item"):
                if child(item, "Area") is not None:
                    yield item


def _expected(
    telegram: Telegram,
    codes: JmaCodes,
    side: Side,
    found: dict[str, int],
    areas: dict[str, str],
    *,
    title: str,
) -> list[Fact]:
    """One fact for a telegram: what is newly expected, or that nothing is."""
    key = Key("early-notice", telegram.kind)
    known = side.get(key)
    if is_older(known, telegram):
        return []
    before: dict[str, int] = dict(known.detail) if known is not None else {}
    expected = {name: rank for name, rank in sorted(found.items()) if rank}
    said = _in_force(codes, side) | _said_by_other(telegram, side)
    risen = [
        name
        for name, rank in expected.items()
        if rank > before.get(name, 0)
        and (rank > WARNING_LEVEL or _GROUPS.get(name, name) not in said)
    ]
    side.put(
        key,
        Standing.said_by(
            telegram,
            level=LEVEL if expected else 0,
            kind=title if expected else "",
            told=bool(risen) or (known is not None and known.told and bool(expected)),
            detail=expected,
        ),
    )
    if not expected:
        return []
    return [
        make_fact(
            telegram,
            topic=TOPIC,
            hazard="early-notice",
            kind=f"{title}（{'、'.join(risen or expected)}）",
            level=LEVEL,
            status=Status.ISSUED if risen else Status.CONTINUED,
            previous_level=LEVEL if before else 0,
            previous_kind=half_width(known.kind) if known is not None else "",
            areas=tuple(sorted(areas)),
            place="、".join(areas[code] for code in sorted(areas)),
        )
    ]


def _in_force(codes: JmaCodes, side: Side) -> set[str]:
    """The scales on which a warning is in force in the city."""
    return {
        key.hazard
        for key, standing in side.about(_GROUPS.values())
        if standing.level >= WARNING_LEVEL and is_part_of(key.area, codes.municipality)
    }


def _said_by_other(telegram: Telegram, side: Side) -> set[str]:
    """The scales for which the other kind expects a warning, and has lately said so."""
    other = side.get(Key("early-notice", OTHERS[telegram.kind]))
    if other is None or abs(telegram.reported_at - other.reported_at) > STILL_NEW:
        return set()
    return {_GROUPS.get(name, name) for name in other.detail}
