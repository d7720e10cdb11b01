"""``words/<language>.toml``: a city's own words for the conversation.

Three tables of lists, ``[words]``, ``[intents]`` and ``[dates]``, as in the product's own files
(docs/understanding.md). The conversation reads the lists.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

from city.faults import FolderFault, leaving_out, read_text, suggestion
from city.reasons import reason
from core.languages import LANGUAGES

MAX_BYTES = 200_000
TABLES = ("words", "intents", "dates")

Tables = Mapping[str, Mapping[str, list[str]]]
"""The lists of a file by table and name."""


def read_words(folder: Path, faults: list[FolderFault]) -> dict[str, Tables]:
    """Return a city's own words by language; a file with a mistake is left out."""
    wrong: list[FolderFault] = []
    found: dict[str, Tables] = {}
    for path in sorted(folder.glob("*.toml")) if folder.is_dir() else ():
        if path.stem not in LANGUAGES:
            hint = suggestion(path.stem, LANGUAGES) or reason("hint.such-as", name="ja.toml")
            wrong.append(FolderFault(path, None, reason("words.name-language", hint=hint)))
        elif (tables := _tables(path, wrong)) is not None:
            found[path.stem] = tables
    faults += leaving_out(wrong, reason("part.file"))
    return found


def _tables(path: Path, faults: list[FolderFault]) -> Tables | None:
    text = read_text(path, faults, limit=MAX_BYTES)
    if text is None:
        return None
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        faults.append(FolderFault(path, None, reason("file.not-toml", error=error)))
        return None
    for name, table in document.items():
        if name not in TABLES or not isinstance(table, dict):
            why = reason("words.unknown-table", name=name, tables=", ".join(TABLES))
            faults.append(FolderFault(path, None, why))
            return None
        for key, listed in table.items():
            if not (isinstance(listed, list) and all(isinstance(word, str) for word in listed)):
                faults.append(FolderFault(path, None, reason("value.list", name=f"{name}.{key}")))
                return None
    return document
