"""Names of places as a resident can read them: Japanese, with a reading, or in letters.

The table ``data/readings.csv`` has the agency's codes, names and readings; a name that is not
in it stays in Japanese, because a name read wrongly is another place.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

from core.city import City, Names
from core.languages import EASY_JAPANESE
from feeds.texts.romaji import romanise

READINGS = Path(__file__).parent / "data" / "readings.csv"

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
    if not japanese or language == "ja":
        return japanese
    own = _own_name(japanese, language, city)
    if own is not None:
        return own
    reading = _reading(japanese, areas)
    if reading is None:
        return japanese
    if language == EASY_JAPANESE:
        return japanese if _kana_only(japanese) else f"{japanese}（{_spoken(reading)}）"
    return in_letters(japanese, reading)


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
    return _capital(romanise(reading, japanese))


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
        if reading is not None and not _kana_only(names["ja"]):
            return f"{names['ja']}（{_spoken(reading)}）"
        return names["ja"]
    return names.get("en", names["ja"])


def _capital(letters: str) -> str:
    """Return each word with a capital; a prefecture is a word of its own."""
    return " ".join(word[:1].upper() + word[1:] for word in letters.split())


def _kana_only(text: str) -> bool:
    return re.search(r"[㐀-鿿々〆ヶ]", text) is None


def _spoken(reading: str) -> str:
    """Return a reading without the marks that part its words in letters."""
    return re.sub(r"[ -]", "", reading)


def _reading(japanese: str, areas: Sequence[str]) -> str | None:
    by_code, by_name = _tables()
    for code in areas:
        if (japanese, code) in by_code:
            return by_code[japanese, code]
    return by_name.get(japanese)


@cache
def _tables() -> tuple[dict[tuple[str, str], str], dict[str, str]]:
    """Return readings by name and code, and by name where all of that name read the same."""
    by_code: dict[tuple[str, str], str] = {}
    by_name: dict[str, str] = {}
    doubtful: set[str] = set()
    with READINGS.open(encoding="utf-8", newline="") as source:
        for row in csv.DictReader(line for line in source if not line.startswith("#")):
            name, reading = row["name"], row["reading"]
            by_code[name, row["code"]] = reading
            if by_name.setdefault(name, reading) != reading:
                doubtful.add(name)
    for name in doubtful:
        del by_name[name]
    return by_code, by_name
