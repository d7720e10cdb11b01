"""The great earthquakes to come: Nankai Trough (VYSE50-52) and off Hokkaido and Sanriku (60).

These name no areas. They concern the prefectures in which the law designates municipalities
that prepare for these earthquakes: 南海トラフ地震防災対策推進地域 and 日本海溝・千島海溝周辺
海溝型地震防災対策推進地域 (Cabinet Office). Where a prefecture is designated for its tsunami
alone, only municipalities on the sea are meant.
"""

from __future__ import annotations

from dataclasses import replace

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
    return _stage(telegram, side, "nankai-trough", level, name, code)


def off_sanriku(telegram: Telegram, codes: JmaCodes, side: Side) -> list[Fact]:
    """Facts of VYSE60 (北海道・三陸沖後発地震注意情報)."""
    if codes.municipality[:2] not in SANRIKU_PREFECTURES:
        return []
    level = 0 if is_cancellation(telegram) else SANRIKU_LEVEL
    return _stage(telegram, side, "off-sanriku", level, "北海道・三陸沖後発地震注意情報", "")


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
    telegram: Telegram, side: Side, hazard: str, level: int, name: str, code: str
) -> list[Fact]:
    """One step of the sequence 調査中 → 警戒 or 注意 → 調査終了, each of them news."""
    key = Key(hazard, "")
    known = side.get(key)
    if is_older(known, telegram):
        return []
    before = known.level if known is not None else 0
    if is_cancellation(telegram):
        if known is None or not before:
            return [unknown_cancellation(telegram, topic=TOPIC, hazard=hazard, kind=telegram.title)]
        side.put(key, _standing(telegram, 0, "", "", known))
        status, name, code = Status.CANCELLED, known.kind, known.kind_code
    else:
        side.put(key, _standing(telegram, level, name, code, known))
        if known is not None and known.kind_code == code and known.level == level:
            status = Status.CONTINUED
        elif telegram.info_type is InfoType.CORRECTED and before:
            status = Status.CORRECTED
        elif level == 0:
            status = Status.LIFTED
        elif before == 0:
            status = Status.ISSUED
        else:
            status = Status.RAISED if level > before else Status.LOWERED
    return [
        make_fact(
            telegram,
            topic=TOPIC,
            hazard=hazard,
            kind=name,
            kind_code=code,
            level=level,
            status=status,
            previous_kind=known.kind if known else "",
            previous_level=before,
        )
    ]


def _standing(
    telegram: Telegram, level: int, kind: str, code: str, known: Standing | None
) -> Standing:
    return Standing(
        level=level,
        kind=kind,
        kind_code=code,
        telegram=telegram.kind,
        reported_at=telegram.reported_at,
        published_at=telegram.published_at,
        serial=telegram.serial,
        told=level > 0,
        before=None if known is None else replace(known, before=None),
    )
