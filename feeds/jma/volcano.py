"""Volcanoes: VFVO50 (alert level), 53-55 (ash), 56 (eruption flash).

A volcano concerns the city when the telegram names the municipality, or ``city.toml`` lists the
volcano. The alert level (噴火警戒レベル) is the agency's scale for volcanoes, not an evacuation
level; it orders by the same numbers.
"""

from __future__ import annotations

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
from feeds.jma.codes import city_name, is_part_of
from feeds.jma.levels import ASH, ERUPTION_LEVEL, VOLCANO
from feeds.jma.state import HazardReport, Key, LatestWarning, Side, StatedChange, is_older
from feeds.jma.telegram import Element, Telegram, child, children, name_of, text
from feeds.models import Status
from feeds.reasons import reason

TOPIC = "weather"
CONTINUED = "継続"
REGULAR = "VFVO53"
_PREFECTURES: dict[str, str] = {
    "301": "07 09",
    "302": "09 10",
    **dict.fromkeys(("303", "304"), "10"),
    **dict.fromkeys(("305", "306", "350", "351"), "10 20"),
    **dict.fromkeys(("307", "308"), "15 20"),
    "309": "16 20",
    **dict.fromkeys(("310", "311", "312", "335"), "20 21"),
    "313": "17 18 21",
    "314": "19 22",
    **dict.fromkeys(("315", "316"), "14 22"),
    **dict.fromkeys(("333", "342"), "09"),
    "334": "20",
    "401": "32",
    **dict.fromkeys(("502", "503"), "43 44"),
    **dict.fromkeys(("504", "515"), "42"),
    **dict.fromkeys(("505", "550", "551", "552", "553"), "45 46"),
    "512": "35",
    **dict.fromkeys(("513", "514"), "44"),
}
_BY_FIRST_DIGIT = {
    "1": "01",
    "2": "02 03 04 05 06 07",
    "3": "13",
    "5": "46",
    "6": "47",
}
"""Prefectures of the volcanoes by the agency's code of each (312 御嶽山), and of those that
remain by its first digit: Hokkaido, Tohoku, the islands of Tokyo, Kagoshima, Okinawa."""


def alert_level(telegram: Telegram, codes: JmaCodes, side: Side) -> list[Fact]:
    """Facts of VFVO50 噴火警報・予報."""
    if is_cancellation(telegram):
        return _taken_back(telegram, codes, side)
    reports = []
    for item in _items(telegram, "（対象火山）"):
        volcano = child(item, "Areas", "Area")
        code, name = text(volcano, "Code")[:32], text(volcano, "Name")
        if not _concerns(telegram, code, codes, side):
            continue
        kind, last = child(item, "Kind"), child(item, "LastKind")
        level = _level(kind)
        reports.append(
            HazardReport(
                group="volcano",
                hazard="volcano",
                area=code,
                place=name,
                level=level,
                kind=text(kind, "Name"),
                kind_code=text(kind, "Code"),
                said=StatedChange.CONTINUED
                if text(kind, "Condition") == CONTINUED
                else StatedChange.CHANGED,
                last_level=VOLCANO.get(text(last, "Code"), 0),
                last_kind=text(last, "Name"),
            )
        )
    changes = put_on_board(telegram, reports, side)
    return [replace(fact, volcano=fact.place) for fact in as_facts(telegram, changes, topic=TOPIC)]


def eruption(telegram: Telegram, codes: JmaCodes, side: Side) -> list[Fact]:
    """Facts of VFVO56 噴火速報: once for an eruption."""
    key = Key("eruption", codes.municipality, telegram.event_id)
    known = side.get(key)
    if is_older(known, telegram):
        return []
    if is_cancellation(telegram):
        if known is None or known.level == 0:
            return _unknown(telegram, codes, "eruption")
        side.put(key, _event(telegram, 0, known.kind, known.kind_code, known.place))
        taken = _single(telegram, "eruption", Status.CANCELLED, known, known.place, 0)
        return [replace(taken, areas=(codes.municipality,), standing=(key.area,))]
    item = next(_items(telegram, "噴火速報"), None)
    volcano = child(item, "Areas", "Area")
    code, name = text(volcano, "Code")[:32], text(volcano, "Name")
    if not _concerns(telegram, code, codes, side):
        return []
    standing = _event(
        telegram, ERUPTION_LEVEL, "噴火速報", text(item, "Kind", "Code"), name, told=True
    )
    side.put(key, standing)
    repeated = known is not None and known.level > 0
    status = Status.CONTINUED if repeated else Status.ISSUED
    fact = _single(telegram, "eruption", status, standing, name, ERUPTION_LEVEL)
    areas = _own_areas(telegram.body, codes) or (code,)
    return [replace(fact, areas=areas, standing=(key.area,))]


def ash(telegram: Telegram, codes: JmaCodes, side: Side) -> list[Fact]:
    """Facts of VFVO53 (regular), 54 (flash) and 55 (detail) on falling ash in the city.

    The regular forecast comes eight times a day and says "if it erupts". So the text says that
    there is a forecast, not that stones fall. It is news if there was none before.
    """
    event_id = "" if telegram.kind == REGULAR else telegram.event_id
    volcano = (
        text(child(next(_items(telegram, "（対象火山）"), None), "Areas", "Area"), "Name")
        or telegram.head_title
    )
    key = Key("ash-fall", f"{codes.municipality}/{_volcano_code(telegram)}"[:32], event_id)
    known = side.get(key)
    if is_older(known, telegram):
        return []
    if is_cancellation(telegram):
        if known is None or known.level == 0:
            return _unknown(telegram, codes, "ash-fall")
        side.put(key, _event(telegram, 0, known.kind, known.kind_code, known.place))
        taken = _single(telegram, "ash-fall", Status.CANCELLED, known, volcano, 0)
        return [replace(taken, areas=(codes.municipality,), standing=(key.area,))]
    kinds = sorted(_ash_here(telegram, codes), key=lambda kind: (ASH[kind[0]], kind[0]))
    if not kinds:
        if known is not None and known.level:
            side.put(key, _event(telegram, 0, "", "", known.place))
        return []
    code, name = kinds[-1]
    level = ASH[code]
    if telegram.kind == REGULAR:
        code, name, level = "06", "降灰予報（定時）", 1
    before = known.level if known is not None and _still(known, telegram) else 0
    standing = _event(telegram, level, name, code, city_name(codes), told=True)
    side.put(key, standing)
    worse = level > before or (level == before and known is not None and known.kind_code < code)
    status = Status.ISSUED if before == 0 else Status.RAISED if worse else Status.CONTINUED
    fact = _single(telegram, "ash-fall", status, standing, volcano, level)
    return [
        replace(
            fact,
            areas=_own_areas(telegram.body, codes),
            standing=(key.area,),
            place=city_name(codes),
            previous_level=before,
            previous_kind=known.kind if known is not None and before else "",
            update=before > 0,
        )
    ]


def _ash_here(telegram: Telegram, codes: JmaCodes) -> Iterator[tuple[str, str]]:
    for item in _items(telegram, "（対象市町村等）"):
        if any(
            is_part_of(text(area, "Code"), codes.municipality)
            for area in children(child(item, "Areas"), "Area")
        ):
            code, name = text(item, "Kind", "Code"), name_of(child(item, "Kind"))
            if code not in ASH:
                raise Unreadable(reason("telegram.unknown-ash-code", name=name[:40], code=code[:8]))
            yield code, name


def _still(known: LatestWarning, telegram: Telegram) -> bool:
    return known.valid_until is None or known.valid_until > telegram.reported_at


def _items(telegram: Telegram, suffix: str) -> Iterator[Element]:
    for info in children(telegram.body, "VolcanoInfo"):
        if info.get("type", "").endswith(suffix):
            yield from children(info, "Item")


def _concerns(telegram: Telegram, volcano: str, codes: JmaCodes, side: Side) -> bool:
    """Whether the telegram names the city, or is about a volcano the city follows."""
    if volcano in codes.volcanoes or side.get(Key("volcano", volcano)) is not None:
        return True
    return bool(_own_areas(telegram.body, codes))


def _own_areas(body: Element | None, codes: JmaCodes) -> tuple[str, ...]:
    """The codes of the city and its parts that a telegram names anywhere."""
    named = (text(area, "Code") for area in descendants(body, "Area"))
    return tuple(sorted({code for code in named if is_part_of(code, codes.municipality)}))


def _level(kind: Element | None) -> int:
    code, name = text(kind, "Code"), name_of(kind)
    if code not in VOLCANO:
        raise Unreadable(reason("telegram.unknown-volcano-code", name=name[:40], code=code[:8]))
    return VOLCANO[code]


def _volcano_code(telegram: Telegram) -> str:
    area = child(next(_items(telegram, "（対象火山）"), None), "Areas", "Area")
    return text(area, "Code") or telegram.event_id.rpartition("_")[2]


def _event(
    telegram: Telegram, level: int, kind: str, code: str, place: str, *, told: bool = False
) -> LatestWarning:
    return LatestWarning.said_by(
        telegram,
        level=level,
        kind=kind,
        kind_code=code,
        told=told,
        place=place,
        valid_until=telegram.valid_until,
    )


def _single(
    telegram: Telegram,
    hazard: str,
    status: Status,
    standing: LatestWarning,
    volcano: str,
    level: int,
) -> Fact:
    return make_fact(
        telegram,
        topic=TOPIC,
        hazard=hazard,
        kind=standing.kind,
        kind_code=standing.kind_code,
        level=level,
        status=status,
        previous_level=standing.level if status is Status.CANCELLED else 0,
        previous_kind=standing.kind if status is Status.CANCELLED else "",
        place=standing.place,
        volcano=volcano,
    )


def _taken_back(telegram: Telegram, codes: JmaCodes, side: Side) -> list[Fact]:
    facts = taken_back(telegram, ("volcano",), side, topic=TOPIC, areas=(telegram.event_id,))
    return [replace(fact, volcano=fact.place) for fact in facts] or _unknown(
        telegram, codes, "volcano"
    )


def _unknown(telegram: Telegram, codes: JmaCodes, hazard: str) -> list[Fact]:
    """A 取消 names no places: it is shown in the volcano's prefectures and in cities that list the
    volcano.
    """
    volcano = telegram.event_id.rpartition("_")[2]
    near = _PREFECTURES.get(volcano) or _BY_FIRST_DIGIT.get(volcano[:1], "")
    if volcano not in codes.volcanoes and codes.municipality[:2] not in near.split():
        return []
    return [unknown_cancellation(telegram, topic=TOPIC, hazard=hazard, kind=telegram.title)]
