"""Write names of places for readers of each language.

Japanese stays as it is; easy Japanese gets the reading of every name. In the other languages a name
is written as its readers write Japanese names (Latin letters, hangul, Chinese characters), and the
words around it (prefecture, bay, off the coast of) are translated. A name that cannot be analysed
stays in Japanese, because a name read wrongly is another place.

``data/places/<language>.toml`` has the words. The table ``official`` is the agency's own English;
the rest is ours.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from city.city import City, Names
from core.languages import EASY_JAPANESE, LANGUAGES, read_table, reads_japanese, script_of
from feeds.texts.forms import enumerated
from feeds.texts.hangul import hangul
from feeds.texts.readings import FORECAST_AREA_DIGITS, comparable_place, readings
from feeds.texts.romaji import romanise
from feeds.texts.toponyms import Toponym, ToponymKind, analyse

DIRECTORY = Path(__file__).parent / "data"
_KANA = re.compile(r"[ぁ-ゖァ-ヺ]")
_OF = re.compile("(?<=[㐀-鿿])[のノ](?=[㐀-鿿])")
_SMALL_KE = re.compile("(?<=[㐀-鿿])[ヶケ](?=[㐀-鿿])")
_KANJI = re.compile(r"[㐀-鿿々〆]")
_REMARKS = {"除く": "を 除（のぞ）く", "含む": "を 含（ふく）む", "区間": ""}
_DIRECTIONS = re.compile("[中北南東西]{1,2}部")
_WHOLE_IN_CHINESE = (*"県府都市区町村川湖山島湾", "水道", "海峡")
"""Words that Chinese keeps with the name, character for character."""


@dataclass(frozen=True)
class PlaceWords:
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
        As in the telegram: つくば市, 茨城県南部, 利根川上流部; several are separated by 、.
    city
        Its own names and those of its districts are tried first.
    areas
        The telegram's codes; they distinguish two places of one name.
    """
    names = [_with_prefecture(name, areas) for name in japanese.split("、")]
    said = [_place(name, language, city, areas) for name in names]
    return joined(dict.fromkeys(said), language)


def joined(names: Iterable[str], language: str) -> str:
    """Return names as a list, with the comma of ``language``."""
    return script_of(language).comma.join(names)


def office_name(japanese: str, language: str) -> str:
    """Return the name of an office that publishes; empty when the language has none for it."""
    if language == "ja":
        return japanese
    said = spoken_name(japanese, language)
    return said or ""


def area_names(codes: Iterable[str], language: str, city: City) -> list[str]:
    """Return the names of the districts, or the city's name if there are none."""
    districts = [city.district_by_code[code].names for code in codes]
    return [name_for(names, language) for names in districts or [city.name]]


@lru_cache(maxsize=4096)
def _analysed(japanese: str, areas: tuple[str, ...]) -> Toponym | None:
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
    return said[:1].upper() + said[1:] if LANGUAGES[language].capital_names else said


def load_places() -> None:
    """Read all tables of places, once for the life of the process."""
    readings()
    for language in LANGUAGES:
        if not reads_japanese(language):
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


def _said(place: Toponym, language: str) -> str:
    words = place_words(language)
    for table in (words.official, words.names):
        if place.japanese in table:
            return table[place.japanese]
    match place.kind:
        case ToponymKind.PROPER:
            said = _spelled(place.japanese, place.reading, language)
        case ToponymKind.WORD:
            said = _with_word(place, words, language)
        case ToponymKind.WITHIN:
            whole, part = (_said(piece, language) for piece in place.pieces)
            said = words.words["within"].format(whole=whole, part=part)
        case ToponymKind.NOTE:
            whole, part = (_said(piece, language) for piece in place.pieces)
            said = words.words[place.word].format(whole=whole, part=part)
        case ToponymKind.LIST:
            pieces = [_said(piece, language) for piece in place.pieces]
            said = enumerated(pieces, language)
    return _fitted(said, words, language)


def _with_word(place: Toponym, words: PlaceWords, language: str) -> str:
    (inner,) = place.pieces
    kept = place.word in _WHOLE_IN_CHINESE and inner.kind is ToponymKind.PROPER
    if script_of(language).names_in_characters and kept and not _has_kana(place.japanese):
        return _in_characters(place.japanese, language)
    side = words.parts if place.word == "部" else {**words.parts, **words.sides}
    return words.words[place.word].format(_said(inner, language), side=side.get(place.side, ""))


def _fitted(said: str, words: PlaceWords, language: str) -> str:
    """Return a name with the articles and the spaces that its language wants between words."""
    for apart, together in words.joins.items():
        said = re.sub(rf"\b{re.escape(apart)}\b", together, said)
    script = script_of(language)
    if script.spaced_from_latin:
        own = "".join(letters.characters for letters in script.letters)
        said = re.sub(rf"(?<=[{own}])(?=[A-Za-z0-9])|(?<=[A-Za-z0-9])(?=[{own}])", " ", said)
    return said


def _spelled(japanese: str, reading: str, language: str) -> str:
    if language == "ko":
        return hangul(reading, japanese)
    if script_of(language).names_in_characters and not _has_kana(japanese):
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


def _aloud(japanese: str, place: Toponym) -> str:
    """Return a name with its reading behind it, for easy Japanese."""
    if place.kind is ToponymKind.NOTE:
        whole, part = (_aloud(piece.japanese, piece) for piece in place.pieces)
        return f"{whole}（{part}{_REMARKS.get(place.word, '')}）"
    written = japanese if comparable_place(japanese) == place.japanese else place.japanese
    if _KANJI.search(written) is None:
        return written
    spoken = re.sub(r"[ -]", "", place.reading)  # the marks part words in letters only
    return f"{written}（{spoken}）"


@cache
def place_words(language: str) -> PlaceWords:
    """Return a language's words for places."""
    tables = read_table(DIRECTORY / "places", language)
    return PlaceWords(
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
