"""Which district somebody means: by kana, kanji or romaji, in any width, nearly right."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from difflib import SequenceMatcher

from bot.dialogues.words import fold
from city.city import City, District
from core.languages import EASY_JAPANESE
from feeds.texts.romaji import romanise

CLOSE_ENOUGH = 0.75
"""Ratio of equal letters (difflib) from which a misspelt name is offered."""
_SUFFIX = re.compile(
    r"(?:[ -]?(?:chiku|district|area|ward|cho|machi|shi|mura))$|(?:地区|地域|町|ちく|ちいき)$"
)
_READ = re.compile(r"[\u3400-\u9fff々]+（([\u3041-\u3096ー]+)）")
_KANA = re.compile(r"[\u3041-\u3096\u30a1-\u30f6ー]+")
MAX_OFFERED = 8


def is_name(city: City, text: str) -> bool:
    """Whether a text is a district's name and nothing else."""
    wanted = _key(text)
    return any(wanted == _key(name) for one in city.districts for name in _written(one))


def find_districts(city: City, text: str) -> tuple[District, ...]:
    """Return the districts that a text may mean, the likeliest first; only one if it is clear.

    Exact names come before beginnings, those before parts, those before near misses.
    """
    wanted = _key(text)
    if not wanted:
        return ()
    names = {
        district.code: {_key(name) for name in _written(district)} for district in city.districts
    }

    def those(fits: object) -> tuple[District, ...]:
        assert callable(fits)
        return tuple(d for d in city.districts if any(fits(name) for name in names[d.code]))

    for fits in (
        lambda name: name == wanted,
        lambda name: name.startswith(wanted),
        lambda name: wanted in name or (len(name) > 1 and name in wanted),
    ):
        if found := those(fits):
            return found[:MAX_OFFERED]
    if len(wanted) < 3:
        return ()
    near = [
        (max(SequenceMatcher(None, wanted, name).ratio() for name in names[d.code]), d)
        for d in city.districts
    ]
    near = sorted((pair for pair in near if pair[0] >= CLOSE_ENOUGH), key=lambda pair: -pair[0])
    return tuple(district for _, district in near[:MAX_OFFERED])


def _written(district: District) -> Iterator[str]:
    """Yield the names of a district, and its reading in kana and in Latin letters."""
    yield from district.names.values()
    easy = district.names.get(EASY_JAPANESE, "")
    if reading := "".join(_KANA.findall(_READ.sub(r"\1", easy))):
        yield reading
        yield romanise(reading)


def _key(text: str) -> str:
    """A name without the parts that people leave out: accents, spaces, the word for district."""
    folded = unicodedata.normalize("NFD", fold(text))
    bare = "".join(c for c in folded if c not in _LATIN_ACCENTS)
    bare = _SUFFIX.sub("", unicodedata.normalize("NFC", bare).strip())
    return re.sub(r"[\s\-‐’']", "", bare).replace("ou", "o").replace("uu", "u").replace("oo", "o")


_LATIN_ACCENTS = frozenset("\u0300\u0301\u0302\u0303\u0304\u0306\u0308\u030c")
