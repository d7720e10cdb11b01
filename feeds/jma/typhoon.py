"""Typhoons: VPTI50-52 (全般台風情報), plain Japanese about the whole country.

No code says whom they concern. A bulletin concerns the city if its headline names the city's
prefecture or its part of the country, or if one of its circles (storm, gale, forecast) reaches the
city. Places in the typhoon's *position* (沖縄の南を, チェジュ島の東北東約８０キロ) do not count.
The first such bulletin of a typhoon is news. The later ones, every three hours, are stored for
staff: each danger here has its own warning.
"""

from __future__ import annotations

import re
from dataclasses import replace

from city.city import JmaCodes
from feeds.facts import Fact
from feeds.jma.building import is_cancellation, make_fact, unknown_cancellation
from feeds.jma.bulletin import comes_to, read_typhoon
from feeds.jma.codes import municipalities, place_of
from feeds.jma.naming import names_in
from feeds.jma.positions import points_of
from feeds.jma.state import Key, LatestWarning, Side, is_older
from feeds.jma.telegram import Telegram, descendants_text
from feeds.models import Status

TOPIC = "weather"
KIND = "台風情報"
LEVEL = 2
"""Our rule: look, and prepare."""
_POSITION = re.compile(
    r"[一-龥々ァ-ヴーヶ・]{1,12}の(?:[東西南北]{1,3})(?:の?海上)?(?:約?[0-9０-９]+キロ)?"
    r"(?=[をにでへ、。])|[一-龥々ァ-ヴーヶ・]{1,12}(?:近海|沖(?!縄))"
)
"""A position: a compass point (of sixteen) or the sea near a place. 沖縄 is not a sea."""
_BLOCKS: tuple[tuple[frozenset[str], tuple[str, ...]], ...] = (
    (frozenset(("01",)), ("北海道", "北日本")),
    (frozenset(("02", "03", "04", "05", "06", "07")), ("東北", "北日本", "本州")),
    (frozenset(("08", "09", "10", "11", "12", "13", "14")), ("関東", "東日本", "本州")),
    (frozenset(("19", "20")), ("甲信", "東日本", "本州")),
    (frozenset(("15", "16", "17", "18")), ("北陸", "東日本", "本州")),
    (frozenset(("21", "22", "23", "24")), ("東海", "東日本", "本州")),
    (frozenset(("25", "26", "27", "28", "29", "30")), ("近畿", "西日本", "本州")),
    (frozenset(("31", "32", "33", "34", "35")), ("中国地方", "中国・四国", "西日本", "本州")),
    (frozenset(("36", "37", "38", "39")), ("四国", "中国・四国", "西日本")),
    (frozenset(("35", "40", "41", "42", "43", "44")), ("九州", "九州北部", "西日本")),
    (frozenset(("45", "46")), ("九州", "九州南部", "西日本")),
)
_ISLANDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("13002", ("伊豆諸島",)),
    ("13003", ("伊豆諸島",)),
    ("13004", ("小笠原",)),
    ("46003", ("種子島", "屋久島")),
    ("46004", ("奄美", "トカラ")),
    ("471", ("沖縄本島", "沖縄地方", "沖縄")),
    ("472", ("大東島", "沖縄地方", "沖縄")),
    ("473", ("宮古島", "先島諸島", "沖縄地方", "沖縄")),
    ("474", ("八重山", "先島諸島", "沖縄地方", "沖縄")),
)
_EVERY_NAME = frozenset(name for _, names in (*_BLOCKS, *_ISLANDS) for name in names)


def typhoon(telegram: Telegram, codes: JmaCodes, side: Side) -> list[Fact]:
    """Facts of VPTI50, 51 and 52."""
    key = Key("typhoon", "", telegram.event_id)
    known = side.get(key)
    if is_older(known, telegram):
        return []
    stands = known is not None and known.level > 0
    if is_cancellation(telegram):
        return _taken_back(telegram, side, key) if stands else []
    if not _names(_words(telegram), codes) and not comes_to(telegram, points_of(codes)):
        return []
    past = replace(known, before=None) if known is not None else None
    side.put(key, LatestWarning.said_by(telegram, level=LEVEL, kind=KIND, told=True, before=past))
    return [
        make_fact(
            telegram,
            topic=TOPIC,
            hazard="typhoon",
            kind=KIND,
            level=LEVEL,
            status=Status.CONTINUED if stands else Status.ISSUED,
            previous_level=LEVEL if stands else 0,
            previous_kind=KIND if stands else "",
            standing=(key.area,),
            typhoon=read_typhoon(telegram),
        )
    ]


def _taken_back(telegram: Telegram, side: Side, key: Key) -> list[Fact]:
    """A 取消 takes back one bulletin; earlier ones stay valid, if there are any."""
    known = side.get(key)
    same = known is not None and (known.telegram, known.serial) == (telegram.kind, telegram.serial)
    if known is None or not same or (known.before is not None and known.before.level):
        return [unknown_cancellation(telegram, topic=TOPIC, hazard="typhoon", kind=KIND)]
    side.put(key, LatestWarning.said_by(telegram, level=0))
    return [
        make_fact(
            telegram,
            topic=TOPIC,
            hazard="typhoon",
            kind=KIND,
            level=0,
            status=Status.CANCELLED,
            previous_level=LEVEL,
            previous_kind=KIND,
            standing=(key.area,),
        )
    ]


def _words(telegram: Telegram) -> str:
    """The text that may name places in danger; VPTI52 has only positions."""
    if telegram.headline or telegram.kind == "VPTI52":
        return telegram.headline
    return descendants_text(telegram.body)


def _names(words: str, codes: JmaCodes) -> bool:
    """Whether a bulletin names the city's part of the country."""
    every = {place.name for place in municipalities().values()} | {
        place.prefecture for place in municipalities().values()
    }
    return bool(names_in(_POSITION.sub("", words), _names_of(codes), _EVERY_NAME | every))


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
        # Islands have their own names in bulletins; 東京都 or 関東 does not mean them. Okinawa has
        # only islands.
        return islands + (own if prefecture == "47" else own[1:])
    blocks = [name for members, names in _BLOCKS if prefecture in members for name in names]
    return [*blocks, *own, "全国"]
