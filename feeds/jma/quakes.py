"""Earthquakes: VXSE51 (flash by region), 52, 53 (by municipality), 61 and 62.

The flash comes about 90 seconds after the shaking and knows regions only; the detail follows
minutes later and knows municipalities. Both carry the same EventID: the first that reaches the
city's threshold is ``issued``, everything after it is ``issued`` with ``update`` set, which
replaces the first and is no second alarm. A repeat that changes nothing here is ``continued``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from core.city import JmaCodes
from feeds.errors import Unreadable
from feeds.facts import Fact, Quake
from feeds.jma.building import (
    descendants,
    is_cancellation,
    make_fact,
    unknown_cancellation,
)
from feeds.jma.codes import city_name, is_part_of
from feeds.jma.levels import INTENSITIES, INTENSITY_LEVELS, LONG_PERIOD_LEVELS, stronger
from feeds.jma.state import Key, Side, Standing, is_older
from feeds.jma.telegram import Element, InfoType, Telegram, child, children, moment, text
from feeds.models import Status

TOPIC = "earthquake"
HAZARD = "earthquake"
UNCONFIRMED = "震度５弱以上未入電"
NAMES = {
    "1": "震度１",
    "2": "震度２",
    "3": "震度３",
    "4": "震度４",
    "5-": "震度５弱",
    "5+": "震度５強",
    "6-": "震度６弱",
    "6+": "震度６強",
    "7": "震度７",
}
_COORDINATE = re.compile(r"^[+-][0-9.]+[+-][0-9.]+([+-][0-9]+)?/$")


def intensity_flash(telegram: Telegram, codes: JmaCodes, side: Side) -> list[Fact]:
    """Facts of VXSE51: the intensity in the city's quake region."""
    if is_cancellation(telegram):
        return _cancelled(telegram, codes, side)
    if child(telegram.body, "Intensity", "Observation") is None:
        raise Unreadable("An intensity flash without intensities.")
    found = [
        (text(area, "Code"), text(area, "Name"), text(area, "MaxInt"))
        for area in descendants(telegram.body, "Area")
        if text(area, "Code") in codes.quake_regions and child(area, "MaxInt") is not None
    ]
    return _felt(telegram, codes, side, found, _numbers(telegram), exact=False)


def intensity_detail(telegram: Telegram, codes: JmaCodes, side: Side) -> list[Fact]:
    """Facts of VXSE53: the intensity in the city itself, never the region's."""
    if is_cancellation(telegram):
        return _cancelled(telegram, codes, side)
    found = [
        (text(city, "Code"), text(city, "Name"), text(city, "MaxInt") or text(city, "Condition"))
        for city in descendants(telegram.body, "City")
        if is_part_of(text(city, "Code"), codes.municipality)
    ]
    return _felt(telegram, codes, side, found, _numbers(telegram), exact=True)


def hypocentre(telegram: Telegram, codes: JmaCodes, side: Side) -> list[Fact]:
    """Facts of VXSE52 and VXSE61, which say nothing of any place.

    They matter here only if the city was told of the earthquake. VXSE52 comes minutes before
    the detail that repeats it, so it is kept and not told; VXSE61 revises afterwards and is.
    """
    if is_cancellation(telegram):
        known = side.get(_key(telegram, codes))
        if telegram.kind == "VXSE61" or known is None:
            return [_unknown(telegram)]
        return _cancelled(telegram, codes, side)
    key = _key(telegram, codes)
    known = side.get(key)
    if is_older(known, telegram):
        return []
    revised = _merged(known, _numbers(telegram))
    if known is None or not known.level:
        side.put(key, _standing(telegram, known, revised, told=False, level=0, place=""))
        return []
    same = known.detail == revised
    news = telegram.kind == "VXSE61" and known.told and not same
    # It adds to what stands and takes nothing's place: a 取消 of the detail still finds it.
    side.put(key, replace(known, detail=revised, reported_at=telegram.reported_at))
    return [
        _fact(
            telegram,
            codes,
            revised,
            areas=tuple(revised.get("areas", ())),
            place=known.place,
            status=Status.ISSUED if news else Status.CONTINUED,
            known=known,
            update=news,
        )
    ]


def long_period(telegram: Telegram, codes: JmaCodes, side: Side) -> list[Fact]:
    """Facts of VXSE62: long-period ground motion, felt on upper floors (class 1 to 4).

    Stations inside the city speak for it; without one, its quake region does.
    """
    key = Key("long-period", codes.municipality, telegram.event_id)
    known = side.get(key)
    if is_older(known, telegram):
        return []
    if is_cancellation(telegram):
        if known is None or not known.level:
            return [
                unknown_cancellation(
                    telegram, topic=TOPIC, hazard="long-period", kind=telegram.title
                )
            ]
        found: list[tuple[str, str, str]] = []
    else:
        found = _long_period_places(telegram, codes)
    best = max((value for _, _, value in found), default="")
    level = LONG_PERIOD_LEVELS.get(best, 0)
    here = [place for place in found if place[2] == best]
    before = known.level if known is not None else 0
    if level == before:
        status = Status.CONTINUED if level else Status.NONE
    elif is_cancellation(telegram):
        status = Status.CANCELLED
    elif telegram.info_type is InfoType.CORRECTED and known is not None:
        status = Status.CORRECTED if level else Status.CANCELLED
    else:
        status = Status.ISSUED if level else Status.CANCELLED
    name = f"長周期地震動階級{'０１２３４'[int(best)]}" if best else ""
    place = "、".join(dict.fromkeys(name for _, name, _ in here))
    side.put(
        key,
        Standing.said_by(
            telegram,
            level=level,
            kind=name,
            kind_code=best,
            hazard="long-period",
            told=level > 0,
            place=place,
        ),
    )
    if status is Status.NONE:
        return []
    return [
        make_fact(
            telegram,
            topic=TOPIC,
            hazard="long-period",
            kind=name or (known.kind if known else ""),
            kind_code=best or (known.kind_code if known else ""),
            level=level,
            status=status,
            previous_kind=known.kind if known else "",
            previous_level=before,
            areas=tuple(code for code, _, _ in here),
            standing=(key.area,),
            place=place or (known.place if known else ""),
            update=before > 0,
            quake=_quake(_numbers(telegram) | {"long_period_class": best}),
        )
    ]


def _long_period_places(telegram: Telegram, codes: JmaCodes) -> list[tuple[str, str, str]]:
    stations = [
        (text(station, "Code"), city_name(codes), text(station, "LgInt"))
        for station in descendants(telegram.body, "IntensityStation")
        if is_part_of(text(station, "Code"), codes.municipality)
    ]
    regions = [
        (text(area, "Code"), text(area, "Name"), text(area, "MaxLgInt"))
        for area in descendants(telegram.body, "Area")
        if text(area, "Code") in codes.quake_regions
    ]
    found = [place for place in stations or regions if place[2] in LONG_PERIOD_LEVELS]
    if stations and found:
        best = max(value for _, _, value in found)
        return [(codes.municipality, city_name(codes), best)]
    return found


def _felt(
    telegram: Telegram,
    codes: JmaCodes,
    side: Side,
    found: list[tuple[str, str, str]],
    numbers: dict[str, Any],
    *,
    exact: bool,
) -> list[Fact]:
    """Facts from the intensities in the city's own places (wards, or the region)."""
    key = _key(telegram, codes)
    known = side.get(key)
    if is_older(known, telegram):
        return []
    best = ""
    unconfirmed = False
    for _, _, value in found:
        if value == UNCONFIRMED:
            unconfirmed = True
        elif value in INTENSITY_LEVELS:
            best = stronger(best, value)
        elif value:
            raise Unreadable(f"The telegram gives the intensity {value[:20]!r}.")
    if unconfirmed and stronger(best, "5-") == "5-":
        best = "5-"
    else:
        unconfirmed = False
    if not exact and known is not None and known.detail.get("exact"):
        # The city's own intensity is known: its region's says more only if later and stronger.
        said = str(known.detail.get("intensity") or "")
        if known.reported_at >= telegram.reported_at or stronger(said, best) == said:
            return []
    here = [
        (code, name)
        for code, name, value in found
        if value == best or (unconfirmed and value == UNCONFIRMED)
    ]
    detail = _merged(known, numbers)
    detail.update(
        intensity=best,
        unconfirmed=unconfirmed,
        areas=[code for code, _ in here],
        exact=exact,
    )
    wards = any(code != codes.municipality for code, _ in here) if exact else False
    place = city_name(codes) if wards else ""
    place = place or "、".join(name for _, name in here)
    told = known is not None and known.told
    reaches = bool(best) and _reaches(best, codes.quake_threshold)
    side.put(
        key,
        _standing(
            telegram,
            known,
            detail,
            told=told or reaches,
            level=INTENSITY_LEVELS.get(best, 0),
            place=place,
        ),
    )
    if not best or not (told or reaches):
        return []
    same = known is not None and known.detail == detail
    corrected = telegram.info_type is InfoType.CORRECTED and told and not same
    status = Status.CORRECTED if corrected else Status.ISSUED
    return [
        _fact(
            telegram,
            codes,
            detail,
            areas=tuple(code for code, _ in here),
            place=place,
            status=Status.CONTINUED if told and same else status,
            known=known if told else None,
            update=told,
        )
    ]


def _cancelled(telegram: Telegram, codes: JmaCodes, side: Side) -> list[Fact]:
    """Take back a whole telegram of an event: what the one before it said stands again."""
    key = _key(telegram, codes)
    known = side.get(key)
    if is_older(known, telegram):
        return []
    if known is None:
        side.put(key, _standing(telegram, None, {}, told=False, level=0, place=""))
        return [_unknown(telegram)]
    if known.telegram != telegram.kind:
        # The detail stands; only the flash before it is gone, and is not gone back to.
        side.put(key, replace(known, before=None))
        return []
    before = known.before
    left = bool(before and before.told and before.level)
    side.put(
        key,
        _standing(
            telegram,
            None,
            dict(before.detail) if before else {},
            told=left,
            level=before.level if before else 0,
            place=before.place if before else "",
        ),
    )
    if not known.told:
        return [_unknown(telegram)]
    return [
        replace(
            _fact(
                telegram,
                codes,
                known.detail,
                areas=tuple(known.detail.get("areas", ())),
                place=known.place,
                status=Status.CANCELLED,
                known=known,
                update=False,
            ),
            level=before.level if before and left else 0,
        )
    ]


def _unknown(telegram: Telegram) -> Fact:
    return unknown_cancellation(telegram, topic=TOPIC, hazard=HAZARD, kind=telegram.title)


def _key(telegram: Telegram, codes: JmaCodes) -> Key:
    return Key(HAZARD, codes.municipality, telegram.event_id)


def _reaches(intensity: str, threshold: str) -> bool:
    return INTENSITIES.index(intensity) >= INTENSITIES.index(threshold)


def _merged(known: Standing | None, numbers: Mapping[str, Any]) -> dict[str, Any]:
    """What is known of the event, newer numbers over older ones; a flash knows almost none."""
    return (dict(known.detail) if known else {}) | {k: v for k, v in numbers.items() if v != ""}


def _standing(
    telegram: Telegram,
    known: Standing | None,
    detail: dict[str, Any],
    *,
    told: bool,
    level: int,
    place: str,
) -> Standing:
    repeated = known is not None and known.telegram == telegram.kind
    intensity = str(detail.get("intensity", ""))
    past = known.before if repeated and known is not None else known
    return Standing.said_by(
        telegram,
        level=level,
        kind=NAMES.get(intensity, ""),
        kind_code=intensity,
        hazard=HAZARD,
        told=told,
        place=place or (known.place if known else ""),
        detail=detail,
        before=None if past is None else replace(past, before=None),
    )


def _fact(
    telegram: Telegram,
    codes: JmaCodes,
    detail: Mapping[str, Any],
    *,
    areas: tuple[str, ...],
    place: str,
    status: Status,
    known: Standing | None,
    update: bool,
) -> Fact:
    intensity = str(detail.get("intensity", ""))
    return make_fact(
        telegram,
        topic=TOPIC,
        hazard=HAZARD,
        kind=NAMES.get(intensity, ""),
        kind_code=intensity,
        level=INTENSITY_LEVELS.get(intensity, 0),
        status=status,
        previous_kind=known.kind if known else "",
        previous_level=known.level if known else 0,
        areas=areas,
        standing=(codes.municipality,),
        place=place,
        update=update,
        quake=_quake(detail),
    )


def _quake(detail: Mapping[str, Any]) -> Quake:
    origin = detail.get("origin_at")
    depth = detail.get("depth_km")
    return Quake(
        origin_at=datetime.fromisoformat(origin) if isinstance(origin, str) else None,
        intensity=str(detail.get("intensity", "")),
        max_intensity=str(detail.get("max_intensity", "")),
        hypocentre=str(detail.get("hypocentre", "")),
        hypocentre_code=str(detail.get("hypocentre_code", "")),
        magnitude=str(detail.get("magnitude", "")),
        depth_km=depth if isinstance(depth, int) else None,
        tsunami_comment=str(detail.get("tsunami_comment", "")),
        tsunami_comment_code=str(detail.get("tsunami_comment_code", "")),
        long_period_class=str(detail.get("long_period_class", "")),
        unconfirmed=bool(detail.get("unconfirmed", False)),
    )


def _numbers(telegram: Telegram) -> dict[str, Any]:
    """The event's own numbers as small JSON; what the telegram does not say is left out."""
    numbers: dict[str, Any] = {}
    earthquake = child(telegram.body, "Earthquake")
    if earthquake is not None:
        origin = moment(text(earthquake, "OriginTime"))
        area = child(earthquake, "Hypocenter", "Area")
        numbers |= {
            "hypocentre": text(area, "Name"),
            "hypocentre_code": text(area, "Code"),
            "magnitude": _magnitude(child(earthquake, "Magnitude")),
        }
        if origin is not None:
            numbers["origin_at"] = origin.isoformat()
        depth = next(_depths(area), None)
        if depth is not None:
            numbers["depth_km"] = depth
    elif telegram.target_at is not None:
        # The flash knows when it shook, to the minute.
        numbers["origin_at"] = telegram.target_at.isoformat()
    observation = child(telegram.body, "Intensity", "Observation")
    numbers["max_intensity"] = text(observation, "MaxInt")
    comment = child(telegram.body, "Comments", "ForecastComment")
    numbers["tsunami_comment"] = text(comment, "Text")
    numbers["tsunami_comment_code"] = text(comment, "Code")
    return {name: value for name, value in numbers.items() if value != ""}


def _magnitude(element: Element | None) -> str:
    """As the agency gives it; 不明 and Ｍ８を超える巨大地震 are no number and stay unsaid."""
    value = text(element)
    return "" if value.lower() == "nan" else value


def _depths(area: Element | None) -> Iterator[int]:
    """Depths in km from ISO 6709 coordinates in degrees (the third number, in metres)."""
    for coordinate in children(area, "Coordinate"):
        if coordinate.get("type"):
            continue
        found = _COORDINATE.match((coordinate.text or "").strip())
        if found and found.group(1):
            yield abs(int(found.group(1))) // 1000
