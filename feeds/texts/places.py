"""Names of places as a resident can read them.

Japanese stays as it is; easy Japanese gets the reading of every name. In the other languages
a name is spelled as its readers write Japanese names (letters, hangul, Chinese characters) and
the words around it (prefecture, bay, off the coast of) are in the language. A name that cannot
be taken apart stays in Japanese, because a name read wrongly is another place.

``data/places/<language>.toml`` holds the words; what it calls ``official`` is the agency's own
English, everything else is ours.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from babel.lists import format_list

from core.city import City, Names
from core.languages import EASY_JAPANESE, LANGUAGES
from feeds.texts.hangul import hangul
from feeds.texts.readings import FORECAST_AREA_DIGITS, folded, readings
from feeds.texts.romaji import romanise
from feeds.texts.toponyms import Kind, Place, analyse

DIRECTORY = Path(__file__).parent / "data"
_COMMAS = {"ja": "、", EASY_JAPANESE: "、", "zh-Hans": "、", "zh-Hant": "、", "my": "၊ "}
_CHINESE = ("zh-Hans", "zh-Hant")
"""Readers who know a Japanese place by its characters, as on its signs, if it has no kana."""
_KANA = re.compile(r"[ぁ-ゖァ-ヺ]")
_OF = re.compile("(?<=[㐀-鿿])[のノ](?=[㐀-鿿])")
_SMALL_KE = re.compile("(?<=[㐀-鿿])[ヶケ](?=[㐀-鿿])")
_KANJI = re.compile(r"[㐀-鿿々〆]")
_REMARKS = {"除く": "を 除（のぞ）く", "含む": "を 含（ふく）む", "区間": ""}
_DIRECTIONS = re.compile("[中北南東西]{1,2}部")
_WHOLE_IN_CHINESE = (*"県府都市区町村川湖山島湾", "水道", "海峡")
"""Words that Chinese keeps with the name, character for character."""
_UNSPACED = {"th": "\u0e00-\u0e7f", "km": "\u1780-\u17ff", "ne": "\u0900-\u097f"}
"""Scripts whose words touch each other, but not the Latin letters of a name."""
_INVISIBLE_SPACE = "\u200b"


@dataclass(frozen=True)
class Words:
    """One language's words for places; see the files' heads."""

    official: Mapping[str, str]
    names: Mapping[str, str]
    words: Mapping[str, str]
    parts: Mapping[str, str]
    sides: Mapping[str, str]
    joins: Mapping[str, str]


def place_name(japanese: str, language: str, city: City, areas: Sequence[str] = ()) -> str:
    """Return an official Japanese place name for readers of ``language``.

    Parameters
    ----------
    japanese
        As the telegram has it: つくば市, 茨城県南部, 利根川上流部; several parted by 、.
    city
        Its own names, and its districts', come first.
    areas
        The telegram's codes; they tell two places of one name apart.
    """
    names = [_with_prefecture(name, areas) for name in japanese.split("、")]
    said = [_place(name, language, city, areas) for name in names]
    return joined(dict.fromkeys(said), language)


def joined(names: Iterable[str], language: str) -> str:
    """Return names as a list, with the comma of ``language``."""
    return _COMMAS.get(language, ", ").join(names)


def office_name(japanese: str, language: str) -> str:
    """Return the name of an office that publishes; empty when the language has none for it."""
    if language == "ja":
        return japanese
    said = spoken_name(japanese, language)
    return said or ""


def area_names(codes: Iterable[str], language: str, city: City) -> list[str]:
    """Return the names of the city's districts; the city's own name when there are none."""
    districts = [city.district_by_code[code].names for code in codes]
    return [name_for(names, language) for names in districts or [city.name]]


@lru_cache(maxsize=4096)
def _analysed(japanese: str, areas: tuple[str, ...]) -> Place | None:
    return analyse(japanese, place_words("en").names, areas)


def spoken_name(japanese: str, language: str, areas: Sequence[str] = ()) -> str | None:
    """Return a name in ``language``, or None when it cannot be taken apart."""
    if language == EASY_JAPANESE and _KANJI.search(japanese) is None:
        return japanese
    place = _analysed(japanese, tuple(areas))
    if place is None:
        return None
    if language == EASY_JAPANESE:
        return _aloud(japanese, place)
    said = _said(place, language)
    return said[:1].upper() + said[1:] if language in ("en", "pt", "es", "id", "tl") else said


def load_places() -> None:
    """Read all tables of places, once for the life of the process."""
    readings()
    for language in LANGUAGES:
        if language not in ("ja", EASY_JAPANESE):
            place_words(language)
            _characters(language)


def _place(japanese: str, language: str, city: City, areas: Sequence[str]) -> str:
    if not japanese or language == "ja":
        return japanese
    own = _own_name(japanese, language, city)
    if own is not None:
        return own
    said = spoken_name(japanese, language, areas)
    if said is None:
        named = readings().municipality(areas)
        said = None if named is None else spoken_name(named[0], language, areas)
    return japanese if said is None else said


def _with_prefecture(japanese: str, areas: Sequence[str]) -> str:
    """Return 茨城県南部 for the forecast area 南部 (080020), which says nothing alone."""
    codes = [code for code in areas if len(code) == FORECAST_AREA_DIGITS]
    if _DIRECTIONS.fullmatch(japanese) is None or not codes:
        return japanese
    prefecture = readings().prefectures.get(codes[0][:2], "")
    return f"{prefecture}{japanese}"


def _own_name(japanese: str, language: str, city: City) -> str | None:
    for names in (city.name, *(district.names for district in city.districts)):
        if names["ja"] == japanese and language in names:
            return names[language]
    districts = (district.names for district in city.districts)
    own = next((names for names in districts if names["ja"] == japanese), None)
    return name_for(own, language) if own is not None and "en" in own else None


def name_for(names: Names, language: str) -> str:
    """Return a name the city gave, else English, for easy Japanese with its reading if known."""
    if language in names:
        return names[language]
    if language == EASY_JAPANESE:
        return spoken_name(names["ja"], language) or names["ja"]
    return names.get("en") or spoken_name(names["ja"], language) or names["ja"]


def _said(place: Place, language: str) -> str:
    words = place_words(language)
    for table in (words.official, words.names):
        if place.japanese in table:
            return table[place.japanese]
    match place.kind:
        case Kind.PROPER:
            said = _spelled(place.japanese, place.reading, language)
        case Kind.WORD:
            said = _with_word(place, words, language)
        case Kind.WITHIN:
            whole, part = (_said(piece, language) for piece in place.pieces)
            said = words.words["within"].format(whole=whole, part=part)
        case Kind.NOTE:
            whole, part = (_said(piece, language) for piece in place.pieces)
            said = words.words[place.word].format(whole=whole, part=part)
        case Kind.LIST:
            pieces = [_said(piece, language) for piece in place.pieces]
            locale = LANGUAGES[language].locale
            said = format_list(pieces, locale=locale).replace(_INVISIBLE_SPACE, "")
    return _fitted(said, words, language)


def _with_word(place: Place, words: Words, language: str) -> str:
    (inner,) = place.pieces
    kept = place.word in _WHOLE_IN_CHINESE and inner.kind is Kind.PROPER
    if language in _CHINESE and kept and not _has_kana(place.japanese):
        return _in_characters(place.japanese, language)
    side = words.parts if place.word == "部" else {**words.parts, **words.sides}
    return words.words[place.word].format(_said(inner, language), side=side.get(place.side, ""))


def _fitted(said: str, words: Words, language: str) -> str:
    """Return a name with the articles and the spaces that its language wants between words."""
    for apart, together in words.joins.items():
        said = re.sub(rf"\b{re.escape(apart)}\b", together, said)
    script = _UNSPACED.get(language)
    if script is not None:
        said = re.sub(rf"(?<=[{script}])(?=[A-Za-z0-9])|(?<=[A-Za-z0-9])(?=[{script}])", " ", said)
    return said


def _spelled(japanese: str, reading: str, language: str) -> str:
    if language == "ko":
        return hangul(reading, japanese)
    if language in _CHINESE and not _has_kana(japanese):
        return _in_characters(japanese, language)
    letters = romanise(reading, japanese)
    return re.sub(r"(?:^|(?<=[ -]))[a-z]", lambda first: first.group().upper(), letters)


def _in_characters(japanese: str, language: str) -> str:
    """Return kanji as Chinese readers write them (竜 is 龙 or 龍)."""
    return _join(japanese).translate(_characters(language))


def _join(japanese: str) -> str:
    """Return a name as Chinese writes the の and ヶ within it: 之, and nothing."""
    return _SMALL_KE.sub("", _OF.sub("之", japanese))


def _has_kana(japanese: str) -> bool:
    return _KANA.search(_join(japanese)) is not None


def _aloud(japanese: str, place: Place) -> str:
    """Return a name with its reading behind it, for easy Japanese."""
    if place.kind is Kind.NOTE:
        whole, part = (_aloud(piece.japanese, piece) for piece in place.pieces)
        return f"{whole}（{part}{_REMARKS.get(place.word, '')}）"
    written = japanese if folded(japanese) == place.japanese else place.japanese
    if _KANJI.search(written) is None:
        return written
    spoken = re.sub(r"[ -]", "", place.reading)  # the marks part words in letters only
    return f"{written}（{spoken}）"


@cache
def place_words(language: str) -> Words:
    """Return a language's words for places."""
    path = DIRECTORY / "places" / f"{language}.toml"
    tables = tomllib.loads(path.read_text(encoding="utf-8"))
    return Words(
        official=tables.get("official", {}),
        names=tables["names"],
        words=tables["words"],
        parts=tables["parts"],
        sides=tables["sides"],
        joins=tables["joins"],
    )


@cache
def _characters(language: str) -> dict[int, int]:
    tables = tomllib.loads((DIRECTORY / "characters.toml").read_text(encoding="utf-8"))
    pairs = tables.get(language, {})
    return str.maketrans(pairs.get("japanese", ""), pairs.get("chinese", ""))
