"""Read a typhoon bulletin's Japanese: which typhoon, where, when, how strong, how wide.

VPTI50 and 51 are sentences, VPTI52 is a list of labels; both name places and numbers in the same
words. Missing values are left empty and never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

from core.clock import in_japan
from feeds.facts import Typhoon
from feeds.jma.positions import Point, reaches
from feeds.jma.telegram import Telegram, descendants_text, half_width

_NUMBER = re.compile(r"台風第(\d+)号")
_NAMED = re.compile(r"台風第\d+号\(([ァ-ヴー]+)\)")
_POSITION = re.compile(r"北緯(\d+)度(?:(\d+)分)?、?東経(\d+)度(?:(\d+)分)?")
_CENTRE = re.compile(
    r"(?:(?P<day>\d+)日(?P<hour>\d+)時)"
    r"(?:の観測によると、熱帯低気圧が|には、?|、)?"
    r"(?P<place>[^、。\d:]{1,20}?(?:の[東西南北]{1,3}約?\d+キロ)?)"
    r"(?:の北緯|にあって|大きさ階級|強さ階級|中心位置|、?北緯)"
)
_SPANS = re.compile(r"(?:半径|全域)(\d+)キロ|((?:[東西南北]{1,3}側\d+キロ(?:以内)?(?:と|、)?)+)")
_SIDE = re.compile(r"([東西南北]{1,3})側(\d+)キロ")
_OF_TYPHOON = re.compile(r"((?:超?大型)?)(?:で)?(猛烈な|非常に強い|強い)?(?:の)?台風")
_LABELLED = {
    "size": re.compile("大きさ階級(超大型|大型)"),
    "strength": re.compile("強さ階級(猛烈な|非常に強い|強い)"),
}
_PRESSURE = re.compile(r"中心(?:の)?気圧は?(\d+)ヘクトパスカル")
_WIND = re.compile(r"最大風速は?(?:中心付近)?(\d+)メートル")
_GUST = re.compile(r"最大瞬間風速は?(\d+)メートル")
_MOVES = re.compile(
    r"1時間に(?P<about>およそ)?(?P<speed>\d+)キロの速さで(?P<way>[東西南北]{1,3})"
    r"|移動(?P<way2>[東西南北]{1,3})毎時(?P<speed2>\d+)キロ"
)
_SLOWLY = re.compile(
    r"ゆっくり(?:した速さで)?(?P<way>[東西南北]{1,3})|移動(?P<way2>[東西南北]{1,3})ゆっくり"
)
_STILL = re.compile("ほとんど停滞|移動停滞")


def read_typhoon(telegram: Telegram) -> Typhoon:
    """The current state of the typhoon in a bulletin."""
    body = _plain(descendants_text(telegram.body))
    words = _plain(telegram.head_title) + "。" + _plain(telegram.headline) + "。" + body
    number = _NUMBER.search(words)
    named = _NAMED.search(words)
    now = _now(body)
    centre = _CENTRE.search(now)
    at = _moment(centre, telegram.reported_at) if centre else None
    position = _POSITION.search(now)
    moves, slowly = _MOVES.search(now), _SLOWLY.search(now)
    size, strength = _grade(_plain(telegram.headline) + "。" + now)
    return Typhoon(
        number=number.group(1) if number else "",
        name=named.group(1) if named else "",
        place=centre["place"].strip() if centre else "",
        at=at,
        position=_point(position) if position else None,
        size=size,
        strength=strength,
        pressure=_found(_PRESSURE, now),
        wind=_found(_WIND, now),
        gust=_found(_GUST, now),
        direction=(moves["way"] or moves["way2"])
        if moves
        else (slowly["way"] or slowly["way2"])
        if slowly
        else "",
        speed=(moves["speed"] or moves["speed2"]) if moves else "",
        speed_is_about=bool(moves and moves["about"]),
        stays=_STILL.search(now) is not None,
    )


def comes_to(telegram: Telegram, points: tuple[Point, ...]) -> bool:
    """Whether one of the bulletin's circles, now or forecast, reaches one of the points.

    They are the storm's and the gale's area, the forecast circle, and the area that may come
    into the storm (暴風警戒域).
    """
    return any(reaches(centre, radii, points) for centre, radii in _areas(telegram))


def _areas(telegram: Telegram) -> Iterator[tuple[Point, list[tuple[str, float]]]]:
    words = _plain(descendants_text(telegram.body))
    found = list(_POSITION.finditer(words))
    ends = [each.start() for each in found[1:]] + [len(words)]
    for position, end in zip(found, ends, strict=False):
        for spans in _SPANS.finditer(words[position.end() : end]):
            if spans.group(1):
                yield _point(position), [("", float(spans.group(1)))]
            else:
                sides = _SIDE.findall(spans.group(2))
                yield _point(position), [(side, float(width)) for side, width in sides]


def _plain(words: str) -> str:
    """Digits in half width, and no breaks: the lines are folded anywhere, within a number too."""
    return re.sub(r"\s+", "", half_width(words))


def _now(body: str) -> str:
    """The part about the present: before the estimate and the forecasts."""
    for end in ("推定1時間後", "この台風は", "予報", "今後の予想", "その中心は", "台風の中心は、"):
        head, found, _ = body.partition(end)
        if found and head:
            body = head
    return body


def _grade(words: str) -> tuple[str, str]:
    for found in _OF_TYPHOON.finditer(words):
        if found.group(1) or found.group(2):
            return found.group(1), found.group(2) or ""
    size, strength = (each.search(words) for each in _LABELLED.values())
    return size.group(1) if size else "", strength.group(1) if strength else ""


def _found(pattern: re.Pattern[str], words: str) -> str:
    found = pattern.search(words)
    return found.group(1) if found else ""


def _point(found: re.Match[str]) -> Point:
    degrees = [float(part or 0) for part in found.groups()]
    return Point(degrees[0] + degrees[1] / 60, degrees[2] + degrees[3] / 60)


def _moment(found: re.Match[str], reported_at: datetime) -> datetime | None:
    """The moment of a day and hour lately before the report."""
    day, hour = int(found["day"]), int(found["hour"])
    for back in range(4):
        local = in_japan(reported_at) - timedelta(days=back)
        if local.day == day and hour < 24:
            return local.replace(hour=hour, minute=0, second=0, microsecond=0)
    return None
