"""Early notices: VPFD61 (早期注意情報) and VPWP50 (the warnings' time series).

VPFD61 is by forecast area, VPWP50 by municipality; both come several times a day. A danger is news
if neither expected it before and it is not in force already.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta

from city.city import JmaCodes
from core.clock import in_japan
from feeds.facts import Expected, Fact
from feeds.jma.building import descendants, is_cancellation, make_fact
from feeds.jma.codes import is_part_of
from feeds.jma.state import Key, LatestWarning, Side, is_older
from feeds.jma.telegram import Element, Telegram, child, children, half_width, text, utc_moment
from feeds.models import Status

TOPIC = "weather"
LEVEL = 1
"""早期注意情報 corresponds to alert level 1: prepare for a possible danger."""
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
LONGEST = timedelta(days=7)
"""A period that is longer is no period of these telegrams."""
_DURATION = re.compile(r"P(?:(\d{1,3})D)?(?:T(\d{1,3})H)?")
_When = dict[tuple[str, str], set[date]]
"""The days by danger and rank."""
STILL_NEW = timedelta(hours=24)
"""How long a danger that one kind has told need not be told by the other."""


def early_notice(telegram: Telegram, codes: JmaCodes, side: Side) -> list[Fact]:
    """Facts of VPFD61: the possibility (高, 中) that a warning will be needed."""
    if is_cancellation(telegram):
        return []
    found: dict[str, int] = {}
    when: _When = {}
    areas: dict[str, str] = {}
    for item, periods in _items(telegram):
        code = text(item, "Area", "Code")
        if code not in codes.forecast_areas:
            continue
        areas[code] = text(item, "Area", "Name")
        for rank in descendants(item, "PossibilityRankOfWarning"):
            name = rank.get("type", "").removesuffix("の警報級の可能性")
            if not name:
                continue
            found[name] = max(found.get(name, 0), _RANKS.get(text(rank), 0))
            if text(rank) in _RANKS:
                days = periods.get(rank.get("refID", ""), ())
                when.setdefault((name, text(rank)), set()).update(days)
    if not areas:
        return []
    return _expected(telegram, codes, side, found, when, areas, title="早期注意情報")


def time_series(telegram: Telegram, codes: JmaCodes, side: Side) -> list[Fact]:
    """Facts of VPWP50: a danger of warning grade ahead for which no warning is in force."""
    if is_cancellation(telegram):
        return []
    found: dict[str, int] = {}
    when: _When = {}
    areas: dict[str, str] = {}
    for item, periods in _items(telegram):
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
            if level:
                days = periods.get(danger.get("refID", ""), ())
                when.setdefault((short, ""), set()).update(days)
    if not areas:
        return []
    return _expected(telegram, codes, side, found, when, areas, title="気象警報・注意報時系列情報")


def _items(telegram: Telegram) -> Iterator[tuple[Element, dict[str, tuple[date, ...]]]]:
    """Each item with the days in Japan that its periods (refID) touch."""
    for infos in children(telegram.body, "MeteorologicalInfos"):
        for series in children(infos, "TimeSeriesInfo"):
            periods = {
                each.get("timeId", ""): _days(each)
                for each in children(child(series, "TimeDefines"), "TimeDefine")
            }
            for item in children(series, "Item"):
                if child(item, "Area") is not None:
                    yield item, periods


def _days(period: Element) -> tuple[date, ...]:
    begins = utc_moment(text(period, "DateTime"))
    if begins is None:
        return ()
    lasting = _DURATION.fullmatch(text(period, "Duration"))
    days, hours = (int(part or 0) for part in lasting.groups()) if lasting else (0, 0)
    ends = begins + min(timedelta(days=days, hours=hours), LONGEST) - timedelta(seconds=1)
    first, last = in_japan(begins).date(), in_japan(max(begins, ends)).date()
    return tuple(first + timedelta(days=n) for n in range((last - first).days + 1))


def _expected(
    telegram: Telegram,
    codes: JmaCodes,
    side: Side,
    found: dict[str, int],
    when: _When,
    areas: dict[str, str],
    *,
    title: str,
) -> list[Fact]:
    """One fact for a telegram: the newly expected dangers, or none."""
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
        LatestWarning.said_by(
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
            expected=tuple(
                Expected(name, rank, tuple(sorted(days)))
                for (name, rank), days in sorted(
                    when.items(), key=lambda pair: (-_RANKS.get(pair[0][1], 0), pair[0])
                )
            ),
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
    """The scales for which the other kind has lately announced a warning."""
    other = side.get(Key("early-notice", OTHERS[telegram.kind]))
    if other is None or abs(telegram.reported_at - other.reported_at) > STILL_NEW:
        return set()
    return {_GROUPS.get(name, name) for name in other.detail}
