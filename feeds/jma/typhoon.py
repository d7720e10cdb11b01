"""Typhoons: VPTI50-52 (全般台風情報), plain Japanese about the whole country.

No code says whom they concern. A bulletin concerns the city when its headline names the city's
prefecture or the part of the country it lies in; where the typhoon merely *is* (沖縄の南を) is
left out. The first such bulletin of a typhoon is news; those that follow every three hours are
kept for staff: what becomes dangerous here comes as a warning.
"""

from __future__ import annotations

import re

from core.city import JmaCodes
from feeds.facts import Fact
from feeds.jma.building import is_cancellation, make_fact, unknown_cancellation
from feeds.jma.codes import place_of
from feeds.jma.state import Key, Side, Standing, is_older
from feeds.jma.telegram import Telegram, descendants_text
from feeds.models import Status

TOPIC = "weather"
LEVEL = 2
"""Our rule: look, and prepare."""
_POSITION = re.compile(r"[^、。　\s]{1,12}の(?:南東|南西|北東|北西|東|西|南|北)(?:海上)?[をにで]")
_BLOCKS: tuple[tuple[frozenset[str], tuple[str, ...]], ...] = (
    (frozenset(("01",)), ("北海道", "北日本")),
    (frozenset(("02", "03", "04", "05", "06", "07")), ("東北", "北日本", "本州")),
    (frozenset(("08", "09", "10", "11", "12", "13", "14")), ("関東", "東日本", "本州")),
    (frozenset(("19", "20")), ("甲信", "東日本", "本州")),
    (frozenset(("15", "16", "17", "18")), ("北陸", "東日本", "本州")),
    (frozenset(("21", "22", "23", "24")), ("東海", "東日本", "本州")),
    (frozenset(("25", "26", "27", "28", "29", "30")), ("近畿", "西日本", "本州")),
    (frozenset(("31", "32", "33", "34", "35")), ("中国地方", "西日本", "本州")),
    (frozenset(("36", "37", "38", "39")), ("四国", "西日本")),
    (frozenset(("35", "40", "41", "42", "43", "44")), ("九州", "西日本")),
    (frozenset(("45", "46")), ("九州", "西日本")),
)
_ISLANDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("13002", ("伊豆諸島",)),
    ("13003", ("伊豆諸島",)),
    ("13004", ("小笠原",)),
    ("46003", ("種子島", "屋久島")),
    ("46004", ("奄美", "トカラ")),
    ("471", ("沖縄本島", "沖縄地方")),
    ("472", ("大東島", "沖縄地方")),
    ("473", ("宮古島", "先島諸島", "沖縄地方")),
    ("474", ("八重山", "先島諸島", "沖縄地方")),
)


def typhoon(telegram: Telegram, codes: JmaCodes, side: Side) -> list[Fact]:
    """Facts of VPTI50, 51 and 52."""
    key = Key("typhoon", "", telegram.event_id)
    known = side.get(key)
    if is_older(known, telegram):
        return []
    if is_cancellation(telegram):
        if known is None:
            return []
        return [
            unknown_cancellation(telegram, topic=TOPIC, hazard="typhoon", kind=telegram.head_title)
        ]
    if not _names(telegram.headline or descendants_text(telegram.body), codes):
        return []
    side.put(key, Standing.said_by(telegram, level=LEVEL, kind="台風情報", told=True))
    return [
        make_fact(
            telegram,
            topic=TOPIC,
            hazard="typhoon",
            kind="台風情報",
            level=LEVEL,
            status=Status.ISSUED if known is None else Status.CONTINUED,
            previous_level=LEVEL if known is not None else 0,
            previous_kind="台風情報" if known is not None else "",
        )
    ]


def _names(words: str, codes: JmaCodes) -> bool:
    """Whether a bulletin names the part of the country in which the city lies."""
    remaining = _POSITION.sub("", words)
    return any(name in remaining for name in _names_of(codes))


def _names_of(codes: JmaCodes) -> list[str]:
    prefecture = codes.municipality[:2]
    islands = [
        name
        for start, names in _ISLANDS
        if any(area.startswith(start) for area in codes.forecast_areas)
        for name in names
    ]
    place = place_of(codes)
    own = [place.prefecture, place.name] if place else []
    if islands:
        # Islands are spoken of by their own names; 東京都 or 関東 does not mean them.
        return islands + own[1:]
    blocks = [name for members, names in _BLOCKS if prefecture in members for name in names]
    return [*blocks, *own, "全国"]
