"""The great earthquakes to come: Nankai Trough (VYSE50-52) and off Hokkaido and Sanriku (60).

These name no areas. They concern the prefectures in which the law designates municipalities
that prepare for these earthquakes: 南海トラフ地震防災対策推進地域 and 日本海溝・千島海溝周辺
海溝型地震防災対策推進地域 (Cabinet Office). Where a prefecture is designated for its tsunami
alone, only municipalities on the sea are meant.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from core.city import JmaCodes
from feeds.errors import Unreadable
from feeds.facts import Fact
from feeds.jma.building import is_cancellation, make_fact, unknown_cancellation
from feeds.jma.levels import NANKAI
from feeds.jma.state import Key, Side, Standing, is_older
from feeds.jma.telegram import InfoType, Telegram, child, text
from feeds.models import Status

TOPIC = "earthquake"
NANKAI_PREFECTURES = frozenset(
    [
        *("08", "12", "13", "14", "19", "20", "21", "22", "23", "24"),
        *("25", "26", "27", "28", "29", "30", "33", "34", "35", "36"),
        *("37", "38", "39", "40", "42", "43", "44", "45", "46", "47"),
    ]
)
SEASIDE_ONLY = frozenset(("08", "12", "13", "40", "42", "43", "46", "47"))
SANRIKU_PREFECTURES = frozenset(("01", "02", "03", "04", "07", "08", "12"))
SANRIKU_LEVEL = 3
"""Be ready to leave at once, for a week: our rule, beside 巨大地震注意."""
INQUIRY = frozenset(("111", "112", "113"))
"""調査中, for a quake, a slow slip or something else."""
NANKAI_LASTS = timedelta(days=14)
"""巨大地震警戒 asks for a week of heightened and a week of ordinary care, 注意 for one week."""
SANRIKU_LASTS = timedelta(days=7)


def nankai(telegram: Telegram, codes: JmaCodes, side: Side) -> list[Fact]:
    """Facts of VYSE50 (臨時情報) and of VYSE51/52 (関連解説情報)."""
    prefecture = codes.municipality[:2]
    if prefecture not in NANKAI_PREFECTURES:
        return []
    if prefecture in SEASIDE_ONLY and not codes.tsunami_regions:
        return []
    serial = child(telegram.body, "EarthquakeInfo", "InfoSerial")
    code = text(serial, "Code")
    if is_cancellation(telegram):
        level, keyword = 0, ""
    elif code in NANKAI:
        level, keyword = NANKAI[code]
    else:
        raise Unreadable(f"南海トラフ地震に関連する情報 with the unknown code {code[:8]!r}.")
    if telegram.kind != "VYSE50":
        return _commentary(telegram, side, code)
    name = f"南海トラフ地震臨時情報（{keyword}）"
    return _stage(telegram, side, "nankai-trough", level, name, code, lasting=NANKAI_LASTS)


def off_sanriku(telegram: Telegram, codes: JmaCodes, side: Side) -> list[Fact]:
    """Facts of VYSE60 (北海道・三陸沖後発地震注意情報)."""
    if codes.municipality[:2] not in SANRIKU_PREFECTURES:
        return []
    level = 0 if is_cancellation(telegram) else SANRIKU_LEVEL
    name = "北海道・三陸沖後発地震注意情報"
    return _stage(telegram, side, "off-sanriku", level, name, "", lasting=SANRIKU_LASTS)


def _commentary(telegram: Telegram, side: Side, code: str) -> list[Fact]:
    """An explanation, monthly or after an event: information, told once each."""
    if is_cancellation(telegram):
        return [
            unknown_cancellation(telegram, topic=TOPIC, hazard="nankai-trough", kind=telegram.title)
        ]
    key = Key("nankai-comment", "", telegram.event_id)
    known = side.get(key)
    if is_older(known, telegram):
        return []
    name = "南海トラフ地震関連解説情報"
    side.put(key, _standing(telegram, 1, name, code, None))
    return [
        make_fact(
            telegram,
            topic=TOPIC,
            hazard="nankai-trough",
            kind=name,
            kind_code=code,
            level=1,
            status=Status.ISSUED if known is None else Status.CONTINUED,
        )
    ]


def _stage(
    telegram: Telegram,
    side: Side,
    hazard: str,
    level: int,
    name: str,
    code: str,
    *,
    lasting: timedelta,
) -> list[Fact]:
    """One step of the sequence 調査中 → 警戒 or 注意 → 調査終了, each of them news.

    Each telegram has an EventID of its own, so the steps are told apart by their codes. No
    telegram ends 警戒 and 注意: after ``lasting`` they are over, and what comes then begins anew.
    """
    key = Key(hazard, "")
    known = side.get(key)
    if is_older(known, telegram):
        return []
    if is_cancellation(telegram):
        return _taken_back(telegram, side, key, known)
    active = (
        known if known is not None and known.level and _lasts(known, telegram, lasting) else None
    )
    before = active.level if active is not None else 0
    repeated = known is not None and (known.kind_code, known.level) == (code, level)
    same_event = known is not None and known.detail.get("event_id") == telegram.event_id
    if repeated and (same_event or (code and (active is not None or level == 0))):
        status = Status.CONTINUED
    elif telegram.info_type is InfoType.CORRECTED and before:
        status = Status.CORRECTED
    elif level == 0:
        status = Status.LIFTED
    elif before == 0 or code in INQUIRY or not code:
        status = Status.ISSUED
    else:
        status = Status.RAISED if level > before else Status.LOWERED
    side.put(key, _standing(telegram, level, name, code, known))
    return [
        make_fact(
            telegram,
            topic=TOPIC,
            hazard=hazard,
            kind=name,
            kind_code=code,
            level=level,
            status=status,
            standing=(key.area,),
            previous_kind=active.kind if active is not None else "",
            previous_level=before,
        )
    ]


def _lasts(known: Standing, telegram: Telegram, lasting: timedelta) -> bool:
    return telegram.reported_at - known.reported_at <= lasting


def _taken_back(telegram: Telegram, side: Side, key: Key, known: Standing | None) -> list[Fact]:
    """Take back the step with this EventID; the one before it stands again."""
    event = known.detail.get("event_id") if known is not None else None
    if known is None or not known.told or (telegram.event_id and event != telegram.event_id):
        return [unknown_cancellation(telegram, topic=TOPIC, hazard=key.hazard, kind=telegram.title)]
    before = known.before
    side.put(
        key,
        replace(
            before or replace(known, level=0, kind="", kind_code="", told=False, detail={}),
            reported_at=telegram.reported_at,
            published_at=telegram.published_at,
            serial=telegram.serial,
            telegram=telegram.kind,
            before=None,
        ),
    )
    return [
        make_fact(
            telegram,
            topic=TOPIC,
            hazard=key.hazard,
            kind=known.kind,
            kind_code=known.kind_code,
            level=before.level if before is not None else 0,
            status=Status.CANCELLED,
            standing=(key.area,),
            previous_kind=known.kind,
            previous_level=known.level,
        )
    ]


def _standing(
    telegram: Telegram, level: int, kind: str, code: str, known: Standing | None
) -> Standing:
    repeated = known is not None and known.order == telegram.order
    past = known.before if repeated and known is not None else known
    return Standing(
        level=level,
        kind=kind,
        kind_code=code,
        telegram=telegram.kind,
        reported_at=telegram.reported_at,
        published_at=telegram.published_at,
        serial=telegram.serial,
        told=True,
        detail={"event_id": telegram.event_id},
        before=None if past is None else replace(past, before=None),
    )
