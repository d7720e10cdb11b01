"""A mapping file: from another product's headings and words to ours (TOML).

::

    [columns]
    user_id = "ユーザーID"
    language = "言語"
    topics = ["情報区分"]
    districts = ["地区"]

    # or, for a file with one answer a row:
    [rows]
    user_id = "userId"
    item = "itemKey"
    value = "value"
    items = { "area" = "districts", "category" = "topics" }

    [topics]
    "防災" = ["weather", "earthquake"]
    "その他" = []          # means nothing, on purpose

    [districts]
    "北地区" = "north"

    [languages]
    "日本語" = "ja"
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from city.city import City
from core.errors import Refusal
from core.languages import mark, match_language

FIELDS = ("language", "topics", "districts")
SEPARATORS = re.compile(r"[、，,;；|｜/／\n]+")
_HEADINGS = {
    "user_id": ("user_id", "userid", "user id", "line user id", "ユーザーid", "lineユーザーid"),
    "language": ("language", "lang", "言語"),
    "topics": ("topics", "topic", "情報区分"),
    "districts": ("districts", "district", "areas", "area", "地区"),
}


def comparable_word(word: str) -> str:
    """Return a word in the form for comparison: width, case and outer spaces do not matter."""
    return unicodedata.normalize("NFKC", word).strip().casefold()


@dataclass(frozen=True)
class WordMapping:
    """The meaning of the columns and of their words.

    ``words`` has codes by field and folded word. ``item`` and ``value`` are headings of a file with
    one answer in each row; its ``items`` say which field an answer belongs to.
    """

    user_id: str = ""
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    item: str = ""
    value: str = ""
    items: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)

    @property
    def answer_a_row(self) -> bool:
        return bool(self.item)


def plain_mapping(city: City) -> WordMapping:
    """Return the mapping of a file that has our own headings and codes."""
    return WordMapping(words=_own_words(city))


def read_mapping(file: Path, city: City) -> WordMapping:
    """Read a mapping file.

    Raises
    ------
    Refusal
        It cannot be read, or names something that the city does not have.
    """
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Refusal(mark("{file}: {error}"), file=file, error=error) from error
    _only(document, ("columns", "rows", "topics", "districts", "languages"), str(file))
    columns, rows = _table(document, "columns", file), _table(document, "rows", file)
    if columns and rows:
        raise Refusal(mark("{file}: either [columns] or [rows], not both."), file=file)
    _only(columns, ("user_id", *FIELDS), f"{file}: columns")
    _only(rows, ("user_id", "item", "value", "items"), f"{file}: rows")
    words = {name: dict(codes) for name, codes in _own_words(city).items()}
    for name, part in (("topics", "topics"), ("districts", "districts"), ("language", "languages")):
        known = _codes(city)[name]
        for word, meant in _table(document, part, file).items():
            codes = tuple(_texts(meant, f"{file}: {part}.{word}"))
            for code in codes:
                if code not in known:
                    raise Refusal(
                        mark("{file}: {place}: the city has no “{code}”; it has {known}."),
                        file=file,
                        place=f"{part}.{word}",
                        code=code,
                        known=", ".join(known),
                    )
            if name == "language" and len(codes) != 1:
                raise Refusal(
                    mark("{file}: {place}: a word means one language."),
                    file=file,
                    place=f"{part}.{word}",
                )
            words[name][comparable_word(word)] = codes
    if not rows:
        return WordMapping(
            user_id=_text(columns, "user_id", file),
            columns={
                name: tuple(_texts(columns[name], f"{file}: columns.{name}"))
                for name in FIELDS
                if name in columns
            },
            words=words,
        )
    items = _table(rows, "items", file)
    for item, name in items.items():
        if name not in FIELDS:
            raise Refusal(
                mark("{file}: {place} is one of {known}, not “{code}”."),
                file=file,
                place=f"rows.items.{item}",
                known=", ".join(FIELDS),
                code=name,
            )
    made = WordMapping(
        user_id=_text(rows, "user_id", file),
        item=_text(rows, "item", file),
        value=_text(rows, "value", file),
        items={comparable_word(item): name for item, name in items.items()},
        words=words,
    )
    if not (made.user_id and made.item and made.value and made.items):
        raise Refusal(mark("{file}: rows needs user_id, item, value and items."), file=file)
    return made


@dataclass(frozen=True)
class Layout:
    """The positions of values in a row; ``fields`` has them by field."""

    user_id: int
    fields: Mapping[str, tuple[int, ...]]
    item: int = -1
    value: int = -1


def layout_of(header: Sequence[str], mapping: WordMapping) -> Layout:
    """Find the columns in a file's first row.

    Raises
    ------
    Refusal
        A column that is needed, or that the mapping names, is not there.
    """
    places: dict[str, int] = {}
    for place, heading in enumerate(header):
        places.setdefault(comparable_word(heading), place)

    def place_of(heading: str) -> int:
        found = places.get(comparable_word(heading))
        if found is None:
            raise Refusal(
                mark("The file has no column “{heading}”; it has {known}."),
                heading=heading,
                known=", ".join(each[:40] for each in header[:20]),
            )
        return found

    def guessed(name: str) -> tuple[int, ...]:
        return tuple(places[each] for each in _HEADINGS[name] if each in places)[:1]

    if mapping.user_id:
        user = place_of(mapping.user_id)
    else:
        found = guessed("user_id")
        if not found:
            place_of("user_id")
        user = found[0]
    if mapping.answer_a_row:
        return Layout(user, {}, place_of(mapping.item), place_of(mapping.value))
    return Layout(
        user,
        {
            name: tuple(map(place_of, mapping.columns[name]))
            if name in mapping.columns
            else guessed(name)
            for name in FIELDS
        },
    )


def _own_words(city: City) -> dict[str, dict[str, tuple[str, ...]]]:
    """Return our own codes and names as words; a name that two share is left out."""
    words: dict[str, dict[str, tuple[str, ...]]] = {name: {} for name in FIELDS}
    for name, parts in (("topics", city.topics), ("districts", city.districts)):
        seen: dict[str, set[str]] = {}
        for part in parts:
            for word in (part.code, *part.names.values()):
                seen.setdefault(comparable_word(word), set()).add(part.code)
        words[name] = {word: tuple(codes) for word, codes in seen.items() if len(codes) == 1}
    words["language"] = {comparable_word(code): (code,) for code in city.languages}
    return words


def language_code(word: str, mapping: WordMapping, city: City) -> str | None:
    """Return the city's language for a word or a language tag, or None."""
    known = mapping.words["language"].get(comparable_word(word))
    if known:
        return known[0]
    matched = match_language(word.strip()) if word.isascii() else None
    return matched if matched in city.languages else None


def _codes(city: City) -> dict[str, tuple[str, ...]]:
    return {
        "topics": tuple(city.topic_by_code),
        "districts": tuple(city.district_by_code),
        "language": tuple(city.languages),
    }


def _table(document: Mapping[str, Any], name: str, file: Path) -> dict[str, Any]:
    found = document.get(name, {})
    if not isinstance(found, dict):
        raise Refusal(mark("{place} is a table."), place=f"{file}: {name}")
    return found


def _text(table: Mapping[str, Any], name: str, file: Path) -> str:
    found = table.get(name, "")
    if not isinstance(found, str):
        raise Refusal(mark("{place} is a text."), place=f"{file}: {name}")
    return found


def _texts(value: Any, place: str) -> list[str]:
    found = [value] if isinstance(value, str) else value
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise Refusal(mark("{place} is a text or a list of texts."), place=place)
    return found


def _only(table: Mapping[str, Any], known: Sequence[str], place: str) -> None:
    for name in table:
        if name not in known:
            raise Refusal(
                mark("{place}: there is no “{name}”; there are {known}."),
                place=place,
                name=name,
                known=", ".join(known),
            )
