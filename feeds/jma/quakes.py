"""Earthquakes: VXSE51 (flash by region), 52, 53 (by municipality), 61 and 62.

The flash comes about 90 seconds after the shaking and has only regions; the detail follows minutes
later and has municipalities. Both carry the same EventID: the first that reaches the city's
threshold is ``issued``; later ones are ``issued`` with ``update``, which replace the first and are
no second alarm. A repeat without changes for this city is ``continued``.

A weaker earthquake is stored and shown, and told to residents who asked for it. An update that does
not change what people should do (a magnitude, a depth) is quiet: it is published and pushed to
nobody.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from city.city import JmaCodes
from feeds.errors import Unreadable
from feeds.facts import Fact, Quake
from feeds.jma.building import (
    comments_of,
    descendants,
    is_cancellation,
    make_fact,
    unknown_cancellation,
)
from feeds.jma.codes import city_name, is_inland, is_part_of
from feeds.jma.levels import INTENSITY_LEVELS, LONG_PERIOD_LEVELS, is_weaker, stronger
from feeds.jma.state import Key, LatestWarning, Side, is_older
from feeds.jma.telegram import (
    Element,
    InfoType,
    Telegram,
    child,
    children,
    half_width,
    text,
    utc_moment,
)
from feeds.models import Status
from feeds.reasons import reason

TOPIC = "earthquake"
HAZARD = "earthquake"
UNCONFIRMED = "震度５弱以上未入電"
UNKNOWN = "不明"
OR_MORE = "以上"
UNREVISED = "unrevised"
"""The key under which an earthquake stores what a VXSE61 revised, for its 取消."""
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
        raise Unreadable(reason("telegram.no-intensities"))
    found = [
        (text(area, "Code"), text(area, "Name"), text(area, "MaxInt"))
        for area in descendants(telegram.body, "Area")
        if text(area, "Code") in codes.quake_regions and child(area, "MaxInt") is not None
    ]
    return _felt(telegram, codes, side, found, numbers_of(telegram), exact=False)


def intensity_detail(telegram: Telegram, codes: JmaCodes, side: Side) -> list[Fact]:
    """Facts of VXSE53: the intensity in the city itself, never the region's."""
    if is_cancellation(telegram):
        return _cancelled(telegram, codes, side)
    found = [
        (text(city, "Code"), text(city, "Name"), text(city, "MaxInt") or text(city, "Condition"))
        for city in descendants(telegram.body, "City")
        if is_part_of(text(city, "Code"), codes.municipality)
    ]
    return _felt(telegram, codes, side, found, numbers_of(telegram), exact=True)


def hypocentre(telegram: Telegram, codes: JmaCodes, side: Side) -> list[Fact]:
    """Facts of VXSE52 and VXSE61, which name no place.

    They matter only if the city was told of the earthquake. VXSE52 comes minutes before the detail
    that repeats it, so it is stored and not told. VXSE61 revises it hours later; that is published
    and pushed to nobody.
    """
    key = _key(telegram, codes)
    known = side.get(key)
    if is_cancellation(telegram):
        if known is None:
            return [_unknown(telegram)]
        if telegram.kind == "VXSE61":
            return _unrevised(telegram, codes, side, known)
        return _cancelled(telegram, codes, side)
    if is_older(known, telegram):
        return []
    revised = _merged(known, numbers_of(telegram))
    if known is None or not known.level:
        side.put(key, _standing(telegram, known, revised, told=False, level=0, place=""))
        return []
    same = known.detail == revised
    news = telegram.kind == "VXSE61" and known.told and not same
    if news:
        revised[UNREVISED] = {k: v for k, v in known.detail.items() if k != UNREVISED}
    # It adds to the state and replaces nothing, so a 取消 of the detail still finds it.
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
            quiet=True,
        )
    ]


def _unrevised(telegram: Telegram, codes: JmaCodes, side: Side, known: LatestWarning) -> list[Fact]:
    """A 取消 of VXSE61: the numbers before the revision are valid again; told if the revision was
    told.
    """
    before = known.detail.get(UNREVISED)
    if is_older(known, telegram):
        return []
    if not isinstance(before, dict):
        return [_unknown(telegram)]
    side.put(_key(telegram, codes), replace(known, detail=before, reported_at=telegram.reported_at))
    return [
        _fact(
            telegram,
            codes,
            before,
            areas=tuple(before.get("areas", ())),
            place=known.place,
            status=Status.CORRECTED,
            known=known,
            update=True,
            quiet=True,
        )
    ]


def long_period(telegram: Telegram, codes: JmaCodes, side: Side) -> list[Fact]:
    """Facts of VXSE62: long-period ground motion, felt on upper floors (class 1 to 4).

    The stations inside the city count; without one, its quake region counts.
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
        LatestWarning.said_by(
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
            inland=is_inland(codes),
            quake=quake_of(numbers_of(telegram) | {"long_period_class": best}),
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
            raise Unreadable(reason("telegram.unknown-intensity", value=value[:20]))
    if unconfirmed and stronger(best, "5-") == "5-":
        best = "5-"
    else:
        unconfirmed = False
    if not exact and known is not None and known.detail.get("exact"):
        # The city's own intensity is known: its region's counts only if it is later and stronger.
        said = str(known.detail.get("intensity") or "")
        if known.reported_at >= telegram.reported_at or stronger(said, best) == said:
            return []
    here = [
        (code, name)
        for code, name, value in found
        if value == best or (unconfirmed and value == UNCONFIRMED)
    ]
    told = known is not None and known.told
    heard_by_all = known is not None and _was_heard_by_all(known)
    reaches = bool(best) and not is_weaker(best, codes.quake_threshold)
    detail = _merged(known, numbers)
    detail.pop(UNREVISED, None)
    detail.update(
        intensity=best,
        unconfirmed=unconfirmed,
        areas=[code for code, _ in here],
        exact=exact,
        heard_by_all=heard_by_all or reaches,
    )
    wards = any(code != codes.municipality for code, _ in here) if exact else False
    place = city_name(codes) if wards else ""
    place = place or "、".join(name for _, name in here)
    side.put(
        key,
        _standing(
            telegram,
            known,
            detail,
            told=told or bool(best),
            level=INTENSITY_LEVELS.get(best, 0),
            place=place,
        ),
    )
    if not best:
        return []
    same = known is not None and known.detail == detail
    corrected = telegram.info_type is InfoType.CORRECTED and told and not same
    status = Status.CORRECTED if corrected else Status.ISSUED
    # A notice to residents who asked for it is not an alarm to the others.
    update = told and (heard_by_all or not reaches)
    return [
        _fact(
            telegram,
            codes,
            detail,
            areas=tuple(code for code, _ in here),
            place=place,
            status=Status.CONTINUED if told and same else status,
            known=known if told else None,
            update=update,
            quiet=update and known is not None and _asks_the_same(known.detail, detail),
        )
    ]


def _cancelled(telegram: Telegram, codes: JmaCodes, side: Side) -> list[Fact]:
    """Take back a whole telegram of an event: the telegram before it is valid again."""
    key = _key(telegram, codes)
    known = side.get(key)
    if is_older(known, telegram):
        return []
    if known is None:
        side.put(key, _standing(telegram, None, {}, told=False, level=0, place=""))
        return [_unknown(telegram)]
    if known.telegram != telegram.kind:
        # The detail is valid; only the flash before it was cancelled.
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
            standing_kind=before.kind if before and left else "",
        )
    ]


def _was_heard_by_all(known: LatestWarning) -> bool:
    """Whether the earthquake reached the threshold; states stored before this flag existed did."""
    return known.told and bool(known.detail.get("heard_by_all", True))


def _asks_the_same(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Whether everything that matters was known: the intensity here, the place, and the tsunami."""
    acted_on = ("intensity", "unconfirmed", "exact", "areas", "comment", "comment_codes")
    return bool(before.get("hypocentre")) and all(before.get(k) == after.get(k) for k in acted_on)


def _unknown(telegram: Telegram) -> Fact:
    return unknown_cancellation(telegram, topic=TOPIC, hazard=HAZARD, kind=telegram.title)


def _key(telegram: Telegram, codes: JmaCodes) -> Key:
    return Key(HAZARD, codes.municipality, telegram.event_id)


def _merged(known: LatestWarning | None, numbers: Mapping[str, Any]) -> dict[str, Any]:
    """Return the known numbers of the event; newer ones replace older ones.

    An unknown value (Ｍ不明) does not replace a number.
    """
    before = dict(known.detail) if known else {}
    said = {k: v for k, v in numbers.items() if v != ""}
    if UNKNOWN in str(said.get("magnitude", "")) and before.get("magnitude"):
        del said["magnitude"]
    if "depth_km" in before and said.get("depth_note") == UNKNOWN:
        del said["depth_note"]
    elif "depth_km" in said:
        before.pop("depth_note", None)
    return before | said


def _standing(
    telegram: Telegram,
    known: LatestWarning | None,
    detail: dict[str, Any],
    *,
    told: bool,
    level: int,
    place: str,
) -> LatestWarning:
    repeated = known is not None and known.telegram == telegram.kind
    intensity = str(detail.get("intensity", ""))
    past = known.before if repeated and known is not None else known
    return LatestWarning.said_by(
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
    known: LatestWarning | None,
    update: bool,
    quiet: bool = False,
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
        quiet=quiet,
        below_threshold=not detail.get("heard_by_all", True),
        inland=is_inland(codes),
        quake=quake_of(detail),
    )


def quake_of(detail: Mapping[str, Any]) -> Quake:
    """The earthquake of what :func:`numbers_of` read."""
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
        depth_note=str(detail.get("depth_note", "")),
        comment=str(detail.get("comment", "")),
        comment_codes=str(detail.get("comment_codes", "")),
        long_period_class=str(detail.get("long_period_class", "")),
        unconfirmed=bool(detail.get("unconfirmed", False)),
    )


def numbers_of(telegram: Telegram) -> dict[str, Any]:
    """The event's numbers as small JSON; missing values are left out."""
    numbers: dict[str, Any] = {}
    earthquake = child(telegram.body, "Earthquake")
    if earthquake is not None:
        origin = utc_moment(text(earthquake, "OriginTime"))
        area = child(earthquake, "Hypocenter", "Area")
        numbers |= {
            "hypocentre": text(area, "Name"),
            "hypocentre_code": text(area, "Code"),
            "magnitude": _magnitude(child(earthquake, "Magnitude")),
        }
        if origin is not None:
            numbers["origin_at"] = origin.isoformat()
        numbers |= _depth(area)
    elif telegram.target_at is not None:
        # The flash knows when it shook, to the minute.
        numbers["origin_at"] = telegram.target_at.isoformat()
    observation = child(telegram.body, "Intensity", "Observation")
    numbers["max_intensity"] = text(observation, "MaxInt")
    numbers |= comments_of(telegram)
    return {name: value for name, value in numbers.items() if value != ""}


def _magnitude(element: Element | None) -> str:
    """As the agency gives it: a number, or words if there is none (Ｍ不明)."""
    value = text(element)
    if element is None or value.lower() != "nan":
        return value
    return element.get("description", "").strip()


def _depth(area: Element | None) -> dict[str, Any]:
    """Depth in km and what qualifies it, from coordinates in degrees.

    The number is the third of ISO 6709, in metres; 以上 and 不明 are only in the description.
    """
    for coordinate in children(area, "Coordinate"):
        if coordinate.get("type"):
            continue
        described = half_width(coordinate.get("description", ""))
        found = _COORDINATE.match((coordinate.text or "").strip())
        if found and found.group(1):
            depth = {"depth_km": abs(int(found.group(1))) // 1000}
            return depth | ({"depth_note": OR_MORE} if OR_MORE in described else {})
        if UNKNOWN in described:
            return {"depth_note": UNKNOWN}
    return {}
