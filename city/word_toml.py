"""Words of ``city.toml`` that offices change: names of topics, telephone numbers.

A value is changed in the text of the file, so that its comments and order stay. What the text then
says is compared with what was meant; if that differs, nothing is written.
"""

from __future__ import annotations

import copy
import json
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from city.reasons import reason
from city.toml_lines import KeyPath, key_lines
from city.word_parts import Cells, Part, Records
from core.errors import BadInput

FILE = "city.toml"
_LINE = re.compile(r'^([\w."\s-]+?=\s*)"(?:[^"\\]|\\.)*"(\s*(?:#.*)?)$')


@dataclass(frozen=True, kw_only=True)
class TomlPart(Part):
    """Rows of ``city.toml``; offices change them, and neither add nor remove one.

    Parameters
    ----------
    table
        The list whose entries are the rows, by ``code``; empty if the only row is a table.
    places
        Where the value of each column stands in the entry.
    """

    table: str
    places: Mapping[str, KeyPath]
    fixed: bool = True

    def read(self, folder: Path) -> Records:
        document = _document(_text(folder))
        return {key: self._cells(document, key, at) for key, at in self._entries(document)}

    def write(self, folder: Path, records: Records) -> Mapping[tuple[str, int | None], str]:
        text = _text(folder)
        entries = dict(self._entries(_document(text)))
        for key, cells in records.items():
            if key not in entries:
                continue
            before = self._cells(_document(text), key, entries[key])
            for name, place in self.places.items():
                if cells.get(name, "") != before.get(name, ""):
                    text = with_value(text, (*entries[key], *place), cells.get(name, ""))
        (folder / FILE).write_text(text, "utf-8")
        return self._lines(text, entries)

    def _entries(self, document: Mapping[str, Any]) -> Iterable[tuple[str, KeyPath]]:
        if not self.table:
            yield self.code, ()
            return
        for n, entry in enumerate(document.get(self.table, ())):
            if isinstance(entry, dict) and isinstance(entry.get("code"), str):
                yield entry["code"], (self.table, n)

    def _cells(self, document: Mapping[str, Any], key: str, at: KeyPath) -> Cells:
        found = {name: _at(document, (*at, *place)) for name, place in self.places.items()}
        cells = {name: value for name, value in found.items() if isinstance(value, str) and value}
        return {self.keys[0]: key, **cells}

    def _lines(
        self, text: str, entries: Mapping[str, KeyPath]
    ) -> dict[tuple[str, int | None], str]:
        lines = key_lines(text)
        ours = {place[:1] for place in self.places.values()}
        return {
            (FILE, line): key
            for key, at in entries.items()
            for place, line in lines.items()
            if (place[: len(at)] == at if at else place[:1] in ours)
        }


def with_value(text: str, path: KeyPath, value: str) -> str:
    """Return the text of a TOML file with a string changed, added, or (empty) removed.

    Raises
    ------
    BadInput
        It is written in a way in which it cannot be changed here.
    """
    meant = _with(_document(text), path, value)
    lines = text.splitlines(keepends=True)
    at = key_lines(text).get(path)
    written = json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if at is not None:
        found = _LINE.match(lines[at - 1].rstrip("\r\n"))
        if found is not None:
            lines[at - 1] = f"{found[1]}{written}{found[2]}\n" if value else ""
    else:
        head, keys = _head(lines, path, key_lines(text))
        lines.insert(head, f"{'.'.join(map(str, keys))} = {written}\n")
    made = "".join(lines)
    try:
        if _document(made) == meant:
            return made
    except tomllib.TOMLDecodeError:
        pass
    raise BadInput(reason("toml.by-hand", name=".".join(map(str, path))))


def _head(
    lines: Sequence[str], path: KeyPath, known: Mapping[KeyPath, int]
) -> tuple[int, Sequence[str | int]]:
    """Return after how many lines a new key can stand, and how it is called there."""
    for length in range(len(path) - 1, 0, -1):
        line = known.get(path[:length])
        if line is not None and lines[line - 1].lstrip().startswith("["):
            return line, path[length:]
    # At the top of the file, before the first table.
    first = next((n for n, line in enumerate(lines) if line.lstrip().startswith("[")), len(lines))
    return first, path


def _with(document: dict[str, Any], path: KeyPath, value: str) -> dict[str, Any]:
    made = copy.deepcopy(document)
    parent: Any = made
    for key in path[:-1]:
        parent = parent[key] if isinstance(key, int) else parent.setdefault(key, {})
    if value:
        parent[path[-1]] = value
    else:
        parent.pop(path[-1], None)
    return made


def _at(document: Any, path: KeyPath) -> Any:
    for key in path:
        if isinstance(document, dict):
            document = document.get(key)
        elif isinstance(document, list) and isinstance(key, int) and key < len(document):
            document = document[key]
        else:
            return None
    return document


def _text(folder: Path) -> str:
    return (folder / FILE).read_text("utf-8-sig")


def _document(text: str) -> dict[str, Any]:
    return tomllib.loads(text)
