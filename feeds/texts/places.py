"""Names of places as a resident can read them: Japanese, with a reading, or in letters.

The table ``data/readings.csv`` has the agency's codes, names and readings; a name that is not
in it stays in Japanese, because a name read wrongly is another place.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from core.city import City, Names
from core.languages import EASY_JAPANESE
from feeds.texts.romaji import romanise

READINGS = Path(__file__).parent / "data" / "readings.csv"

PREFECTURE_DIGITS = 2
FORECAST_AREA_DIGITS = 6
MUNICIPALITY_DIGITS = 7
_COMMAS = {"ja": "、", EASY_JAPANESE: "、", "zh-Hans": "、", "zh-Hant": "、", "my": "၊ "}
_READS_KANJI = ("zh-Hans", "zh-Hant")
"""Readers who know a Japanese place by its characters, as on its signs, if it has no kana."""
_KANA = re.compile(r"[ぁ-ゖァ-ヺ]")
_PARTS = {
    "北部": "ほくぶ",
    "南部": "なんぶ",
    "東部": "とうぶ",
    "西部": "せいぶ",
    "中部": "ちゅうぶ",
    "北東部": "ほくとうぶ",
    "北西部": "ほくせいぶ",
    "南東部": "なんとうぶ",
    "南西部": "なんせいぶ",
    "東方": "とうほう",
    "西方": "せいほう",
    "南方": "なんぽう",
    "北方": "ほっぽう",
    "南東": "なんとう",
    "南西": "なんせい",
    "北東": "ほくとう",
    "北西": "ほくせい",
    "沖": "おき",
    "沿岸": "えんがん",
    "地方": "ちほう",
    "近海": "きんかい",
    "付近": "ふきん",
    "湾": "わん",
    "地方気象台": "ちほうきしょうだい",
    "管区気象台": "かんくきしょうだい",
    "上流部": "じょうりゅうぶ",
    "中流部": "ちゅうりゅうぶ",
    "下流部": "かりゅうぶ",
    "上流": "じょうりゅう",
    "中流": "ちゅうりゅう",
    "下流": "かりゅう",
}
"""Words that follow a place's name in the agency's names of regions, epicentres and rivers."""
_PART = re.compile("|".join(sorted(_PARTS, key=len, reverse=True)))
_DIRECTIONS = frozenset(name for name in _PARTS if name.endswith("部") and "流" not in name)
_MUNICIPAL = (
    ("市", ("し",), "{} City"),
    ("区", ("く",), "{} Ward"),
    ("町", ("まち", "ちょう"), "{} Town"),
    ("村", ("むら", "そん"), "{} Village"),
)


def place_name(japanese: str, language: str, city: City, areas: Sequence[str] = ()) -> str:
    """Return an official Japanese place name for readers of ``language``.

    Parameters
    ----------
    japanese
        As the telegram has it: つくば市, 茨城県南部, 利根川上流部.
    city
        Its own names, and its districts', come first.
    areas
        The telegram's codes; they tell two places of one name apart.
    """
    names = [_with_prefecture(name, areas) for name in japanese.split("、")]
    return joined((_place(name, language, city, areas) for name in names), language)


def joined(names: Iterable[str], language: str) -> str:
    """Return names as a list, with the comma of ``language``."""
    return _COMMAS.get(language, ", ").join(names)


def _place(japanese: str, language: str, city: City, areas: Sequence[str]) -> str:
    if not japanese or language == "ja":
        return japanese
    own = _own_name(japanese, language, city)
    if own is not None:
        return own
    reading = _reading(japanese, areas)
    if reading is None:
        japanese, reading = _by_code(areas) or (japanese, _by_parts(japanese))
    if reading is None:
        return japanese
    if language == EASY_JAPANESE:
        return _with_reading(japanese, reading)
    if language in _READS_KANJI and _KANA.search(japanese) is None:
        return japanese
    return in_letters(japanese, reading)


def office_name(japanese: str, language: str) -> str:
    """Return an office's name as its own people write it, for easy Japanese with a reading."""
    spoken = language == EASY_JAPANESE
    reading = (_reading(japanese, ()) or _by_parts(japanese)) if spoken else None
    return japanese if reading is None else _with_reading(japanese, reading)


def _with_prefecture(japanese: str, areas: Sequence[str]) -> str:
    """Return 茨城県南部 for the forecast area 南部 (080020), which says nothing alone."""
    codes = [code for code in areas if len(code) == FORECAST_AREA_DIGITS]
    if japanese not in _DIRECTIONS or not codes:
        return japanese
    prefecture = _tables().prefectures.get(codes[0][:2], "")
    return f"{prefecture}{japanese}"


def area_names(codes: Iterable[str], language: str, city: City) -> list[str]:
    """Return the names of the city's districts; the city's own name when there are none."""
    districts = [city.district_by_code[code].names for code in codes]
    return [_named(names, language) for names in districts or [city.name]]


def in_letters(japanese: str, reading: str) -> str:
    """Return a name in Latin letters, with City, Town or Village where it says so."""
    for written, endings, form in _MUNICIPAL:
        for ending in endings:
            if japanese.endswith(written) and reading.endswith(ending) and " " not in reading:
                stem = _capital(romanise(reading.removesuffix(ending), japanese))
                return form.format(stem)
    return _capital(romanise(reading.replace("・", " / "), japanese))


def _own_name(japanese: str, language: str, city: City) -> str | None:
    for names in (city.name, *(district.names for district in city.districts)):
        if names["ja"] == japanese and (language in names or language != EASY_JAPANESE):
            if language in names or "en" in names:
                return _named(names, language)
            return None
    return None


def _named(names: Names, language: str) -> str:
    if language in names:
        return names[language]
    if language == EASY_JAPANESE:
        reading = _reading(names["ja"], ())
        return names["ja"] if reading is None else _with_reading(names["ja"], reading)
    return names.get("en", names["ja"])


def _capital(letters: str) -> str:
    """Return each word with a capital; a prefecture is a word of its own."""
    return " ".join(word[:1].upper() + word[1:] for word in letters.split())


def _kana_only(text: str) -> bool:
    return re.search(r"[㐀-鿿々〆ヶ]", text) is None


def _with_reading(japanese: str, reading: str) -> str:
    if _kana_only(japanese):
        return japanese
    spoken = re.sub(r"[ -]", "", reading)  # the marks part words in letters only
    return f"{japanese}（{spoken}）"


def _reading(japanese: str, areas: Sequence[str]) -> str | None:
    tables = _tables()
    for code in areas:
        if (japanese, code) in tables.by_code:
            return tables.by_code[japanese, code]
    return tables.by_name.get(japanese)


def _by_code(areas: Sequence[str]) -> tuple[str, str] | None:
    """Return name and reading of the one municipality meant, whose name may have changed."""
    codes = [code for code in areas if len(code) == MUNICIPALITY_DIGITS]
    return _tables().municipalities.get(codes[0]) if len(codes) == 1 else None


def _by_parts(japanese: str) -> str | None:
    """Return the reading of a name made of a known place and known words (茨城県沖), or None."""
    by_name = _tables().by_name
    for length in range(len(japanese) - 1, 0, -1):
        known = japanese[:length]
        start = by_name.get(known) or by_name.get(f"{known}市", "").removesuffix("し")
        if not start:
            continue
        rest = _PART.sub(lambda found: f" {_PARTS[found.group()]}", japanese[length:])
        if _kana_only(rest):
            return start + rest
    return None


def load_readings() -> None:
    """Read the table of readings, once for the life of the process."""
    _tables()


@dataclass(frozen=True)
class _Tables:
    """Readings by name and code, and by name where all of that name read the same."""

    by_code: dict[tuple[str, str], str]
    by_name: dict[str, str]
    prefectures: dict[str, str]
    municipalities: dict[str, tuple[str, str]]


@cache
def _tables() -> _Tables:
    by_code: dict[tuple[str, str], str] = {}
    by_name: dict[str, str] = {}
    prefectures: dict[str, str] = {}
    municipalities: dict[str, tuple[str, str]] = {}
    doubtful: set[str] = set()
    with READINGS.open(encoding="utf-8", newline="") as source:
        for row in csv.DictReader(line for line in source if not line.startswith("#")):
            code, name, reading = row["code"], row["name"], row["reading"]
            by_code[name, code] = reading
            if len(code) == PREFECTURE_DIGITS:
                prefectures[code] = name
            if len(code) == MUNICIPALITY_DIGITS and code.isdigit():
                municipalities[code] = (name, reading)
            if by_name.setdefault(name, reading) != reading:
                doubtful.add(name)
    for name in doubtful:
        del by_name[name]
    return _Tables(by_code, by_name, prefectures, municipalities)
