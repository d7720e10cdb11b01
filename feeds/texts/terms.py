"""Names of warnings in each language: the agency's own words, or ours, which are marked.

``data/terms/<language>.toml`` has a table ``official`` (from the Meteorological Agency's
multilingual dictionary) and a table ``ours`` (made after the dictionary's pattern where it has no
name). A full stop at the end of a name is left out, except that of an abbreviation. A table
``left`` has the few names for which we deviate from the dictionary, because its word endangers or
misleads. Japanese needs no file: texts use the agency's name unchanged.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from prometheus_client import Counter

from core.languages import LANGUAGES
from feeds.texts.forms import forms_of

MISSING_TERMS = Counter(
    "todoke_missing_terms_total",
    "Names of warnings that no catalogue has; said in Japanese as the agency writes them",
    ["language"],
)

DIRECTORY = Path(__file__).parent / "data" / "terms"
LEVEL_TERM = "警戒レベル{level}"


@dataclass(frozen=True)
class Term:
    """A name in one language.

    ``official`` is whether the agency itself calls it so in this language; a name that is
    ours follows the agency's pattern but is not the agency's.
    """

    text: str
    official: bool


def term(kind: str, language: str) -> Term:
    """Return the name of ``kind`` (the agency's Japanese name) in ``language``.

    A name that is in no catalogue stays in Japanese and is counted: we do not translate what we do
    not know. A volcano's level is called 噴火警戒レベル, as the agency does outside its telegrams;
    レベル alone would look like an evacuation level.
    """
    if language == "ja":
        volcanic = _VOLCANIC.match(comparable_name(kind)) is not None
        return Term(f"噴火警戒{kind}" if volcanic else kind, official=True)
    found = lookup(kind, language)
    if found is None:
        MISSING_TERMS.labels(language).inc()
        return Term(kind, official=True)
    return found


def lookup(kind: str, language: str) -> Term | None:
    """Return the catalogue's name of ``kind``, or None; a river's name before it is no part."""
    known = terms(language)
    key = comparable_name(kind)
    if key in known:
        return known[key]
    suffix = next((suffix for suffix in _SUFFIXES if key.endswith(suffix)), "")
    if suffix in known:
        return known[suffix]
    if "・" in key:
        several = [known.get(part) for part in key.split("・")]
        if None not in several:
            found = [each for each in several if each is not None]
            text = " / ".join(each.text for each in found)
            return Term(text, official=all(each.official for each in found))
    listing = _LISTING.match(key)
    head = known.get(listing.group("head")) if listing else None
    if listing is None or head is None:
        return None
    parts = [known.get(part) for part in _NOTE.sub("", listing.group("parts")).split("、")]
    named = [part for part in parts if part is not None]
    if len(named) < len(parts):
        return head
    text = f"{head.text} ({', '.join(part.text for part in named)})"
    return Term(text, official=all(part.official for part in (head, *named)))


_LISTING = re.compile(r"^(?P<head>[^(]+)\((?P<parts>.+)\)$")
"""A name with the hazards it is about in brackets: 早期注意情報(大雨、波)."""
_NOTE = re.compile(r"\([^()]*\)")

_SUFFIXES = (
    "氾濫注意情報",
    "氾濫警戒情報",
    "氾濫危険情報",
    "氾濫発生情報",
)
"""Names that the old river telegrams write after the river's (利根川上流部氾濫警戒情報)."""


def terms(language: str) -> Mapping[str, Term]:
    """Return all names of a language by the agency's Japanese name (digits half width)."""
    return _terms(language)


def level_name(level: int, language: str) -> str:
    """Return the agency's name of the evacuation level ``level`` (1 to 5) in ``language``."""
    if language == "ja":
        return f"警戒レベル{str(level).translate(_FULL_WIDTH)}"
    return term(LEVEL_TERM.format(level=level), language).text


def explained(kind: str, language: str) -> tuple[str, ...]:
    """Return an explanation of an official name in sentences; only easy Japanese has them."""
    name = comparable_name(kind)
    if _VOLCANIC.match(name):
        name = "噴火警戒レベル"
    found = (_longest(table, name) for table in _explanations(language))
    return tuple(sentence for sentence in found if sentence)


def _longest(table: Mapping[str, str], name: str) -> str:
    word = max((word for word in table if word in name), key=len, default="")
    return table.get(word, "")


_VOLCANIC = re.compile(r"レベル[1-5]\(")
"""A volcano's alert level as telegrams name it: レベル3(入山規制)."""


@cache
def _explanations(language: str) -> tuple[dict[str, str], ...]:
    tables = _file(language)
    return tuple(
        {comparable_name(word): sentence for word, sentence in tables.get(table, {}).items()}
        for table in ("hazards", "grades")
    )


def comparable_name(kind: str) -> str:
    """Return a Japanese name with width and spaces evened out, for comparing only."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", kind))


def number(value: object, language: str) -> str:
    """Return a number as ``language`` writes it: its digits, and its sign before decimals."""
    text = str(value)
    if _DECIMAL.fullmatch(text):
        text = text.replace(".", forms_of(language).decimal)
    return in_digits(text, language)


def in_digits(text: str, language: str) -> str:
    """Return a text with the digits that ``language`` writes."""
    digits = LANGUAGES[language].digits if language in LANGUAGES else ""
    return text if not digits else text.translate(str.maketrans("0123456789", digits))


_DECIMAL = re.compile(r"[0-9]+\.[0-9]+")

_FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")


_ABBREVIATIONS = ("etc.", "dll.", "atbp.")


def _without_stop(text: str) -> str:
    return text if text.endswith(_ABBREVIATIONS) else text.rstrip(".")


@cache
def _terms(language: str) -> dict[str, Term]:
    tables = _file(language)
    known = {
        comparable_name(kind): Term(_without_stop(text), official=table == "official")
        for table in ("ours", "official")
        for kind, text in tables.get(table, {}).items()
    }
    return known | {
        comparable_name(kind): Term(text, official=False) for kind, text in left(language)
    }


def left(language: str) -> list[tuple[str, str]]:
    """Return the names for which we deviate from the agency's dictionary, with our words."""
    return list(_file(language).get("left", {}).items())


@cache
def _file(language: str) -> dict[str, dict[str, str]]:
    path = DIRECTORY / f"{language}.toml"
    if language not in LANGUAGES or not path.exists():
        return {}
    return tomllib.loads(path.read_text(encoding="utf-8"))
