"""The lines about a typhoon: where and when, how strong, which way it moves."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache

from city.city import City
from core.languages import EASY_JAPANESE, read_table, script_of
from feeds.facts import Typhoon
from feeds.texts import messages as m
from feeds.texts.places import DIRECTORY, place_name
from feeds.texts.terms import number
from feeds.texts.times import moment

Say = Callable[..., str]
_SIZES = {"大型": m.SIZE_LARGE, "超大型": m.SIZE_VERY_LARGE}
_STRENGTHS = {
    "強い": m.STRENGTH_STRONG,
    "非常に強い": m.STRENGTH_VERY_STRONG,
    "猛烈な": m.STRENGTH_VIOLENT,
}
_AT_DISTANCE = re.compile(r"(?P<of>.+)の(?P<way>[東西南北]{1,3})約(?P<distance>\d+)キロ")
_KANJI = re.compile("[㐀-鿿]")
_KANA = re.compile("[ぁ-ゖァ-ヺ]")


def typhoon_lines(typhoon: Typhoon, language: str, city: City, say: Say) -> list[str]:
    """Return the lines; missing values make no line."""
    lines = [_centre(typhoon, language, city, say)] if typhoon.at is not None else []
    if typhoon.size in _SIZES:
        lines.append(say(_SIZES[typhoon.size]))
    if typhoon.strength in _STRENGTHS:
        lines.append(say(_STRENGTHS[typhoon.strength]))
    if typhoon.wind and typhoon.gust:
        wind, gust = number(typhoon.wind, language), number(typhoon.gust, language)
        lines.append(say(m.TYPHOON_WIND, wind=wind, gust=gust))
    if typhoon.stays:
        lines.append(say(m.TYPHOON_STAYS))
    elif typhoon.direction and typhoon.speed:
        moves = m.TYPHOON_MOVES_ABOUT if typhoon.speed_is_about else m.TYPHOON_MOVES
        way = direction(typhoon.direction, language)
        lines.append(say(moves, direction=way, speed=number(typhoon.speed, language)))
    elif typhoon.direction:
        lines.append(say(m.TYPHOON_SLOW, direction=direction(typhoon.direction, language)))
    return [line for line in lines if line]


def direction(point: str, language: str) -> str:
    """Return one of the sixteen compass points (東北東) in a language."""
    return point if language == "ja" else _directions(language).get(point, point)


def _centre(typhoon: Typhoon, language: str, city: City, say: Say) -> str:
    place = _place(typhoon, language, city, say)
    if not place or typhoon.at is None:
        return ""
    return say(m.TYPHOON_CENTRE, time=moment(typhoon.at, language), place=place)


def _place(typhoon: Typhoon, language: str, city: City, say: Say) -> str:
    """Where the centre is: by a place that can be named in the language, else in degrees."""
    if language == "ja":
        return typhoon.place
    apart = _AT_DISTANCE.fullmatch(typhoon.place)
    named = place_name(apart["of"] if apart else typhoon.place, language, city)
    if _is_readable(named, language):
        if apart is None:
            return named
        return say(
            m.AT_DISTANCE,
            distance=number(apart["distance"], language),
            direction=direction(apart["way"], language),
            place=named,
        )
    if typhoon.position is None:
        return ""
    latitude, longitude = (number(f"{degrees:.1f}", language) for degrees in typhoon.position)
    return say(m.AT_DEGREES, latitude=latitude, longitude=longitude)


def _is_readable(name: str, language: str) -> bool:
    """Whether a name is in the language's own script, and so is one that we know."""
    if language == EASY_JAPANESE:
        # Every known name is followed by its reading.
        return not _KANJI.search(name) or "（" in name
    if script_of(language).names_in_characters:
        return not _KANA.search(name)
    return not _KANJI.search(name) and not _KANA.search(name)


@cache
def _directions(language: str) -> Mapping[str, str]:
    return read_table(DIRECTORY / "directions", language)
