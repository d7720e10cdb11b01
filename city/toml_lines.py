"""The line of each value of a TOML document, so that a mistake can be shown with its line.

``tomllib`` gives the values of a document but not their lines. This walks a document that
``tomllib`` has already accepted and notes the line of each key, table and array element; it
therefore need not check anything itself.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from collections.abc import Mapping

KeyPath = tuple[str | int, ...]
"""Keys and array positions from the top, such as ``("sources", 2, "rules", 0, "topic")``."""

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_SCALAR = re.compile(r"[^\s,\]}#]+(?: \d\d:[^\s,\]}#]+)?")


def line_of(lines: Mapping[KeyPath, int], path: KeyPath) -> int:
    """Return the line of ``path``, or of the nearest table around it that the document has."""
    for length in range(len(path), 0, -1):
        if path[:length] in lines:
            return lines[path[:length]]
    return 1


def key_lines(document: str) -> dict[KeyPath, int]:
    """Return the line (from 1) on which each key, table and array element begins.

    Parameters
    ----------
    document
        Text that ``tomllib.loads`` accepts.
    """
    return _Walk(document).run()


class _Walk:
    def __init__(self, document: str) -> None:
        self.text = document
        self.at = 0
        self.lines: dict[KeyPath, int] = {}
        self.starts = [0, *(m.end() for m in re.finditer("\n", document))]
        self.array_lengths: dict[KeyPath, int] = {}

    def run(self) -> dict[KeyPath, int]:
        table: KeyPath = ()
        while True:
            self._skip(_BLANK)
            if self.at >= len(self.text):
                return self.lines
            if self.text[self.at] == "[":
                table = self._header()
            else:
                self._pair(table)

    def _header(self) -> KeyPath:
        start = self.at
        is_array = self.text.startswith("[[", self.at)
        self.at += 2 if is_array else 1
        path: KeyPath = ()
        keys = self._dotted_key()
        for position, key in enumerate(keys):
            path += (key,)
            self._note(path, start)
            last = position == len(keys) - 1
            if last and is_array:
                path += (self._next_element(path),)
                self._note(path, start)
            elif path in self.array_lengths:
                path += (self.array_lengths[path] - 1,)
        self.at += 2 if is_array else 1
        return path

    def _next_element(self, path: KeyPath) -> int:
        number = self.array_lengths.get(path, 0)
        self.array_lengths[path] = number + 1
        return number

    def _pair(self, table: KeyPath) -> None:
        start = self.at
        path = table
        for key in self._dotted_key():
            path += (key,)
            self._note(path, start)
        self.at += 1  # the equals sign
        self._skip(_SPACE)
        self._value(path)

    def _dotted_key(self) -> list[str]:
        """Read ``a."b c".d`` and stop at what follows it (``=`` or ``]``)."""
        keys = []
        while True:
            self._skip(_SPACE)
            if self.text[self.at] in "\"'":
                start = self.at
                self._string()
                raw = self.text[start : self.at]
                keys.append(raw[1:-1] if raw[0] == "'" else _unescaped(raw))
            else:
                keys.append(self._skip(_BARE_KEY))
            self._skip(_SPACE)
            if self.text[self.at] != ".":
                return keys
            self.at += 1

    def _value(self, path: KeyPath) -> None:
        character = self.text[self.at]
        if character in "\"'":
            self._string()
        elif character == "[":
            self._array(path)
        elif character == "{":
            self._inline_table(path)
        else:
            self._skip(_SCALAR)

    def _array(self, path: KeyPath) -> None:
        self.at += 1
        number = 0
        while True:
            self._skip(_BLANK)
            if self.text[self.at] == "]":
                self.at += 1
                return
            self._note((*path, number), self.at)
            self._value((*path, number))
            number += 1
            self._skip(_BLANK)
            if self.text[self.at] == ",":
                self.at += 1

    def _inline_table(self, path: KeyPath) -> None:
        self.at += 1
        while True:
            self._skip(_BLANK)
            if self.text[self.at] == "}":
                self.at += 1
                return
            self._pair(path)
            self._skip(_BLANK)
            if self.text[self.at] == ",":
                self.at += 1

    def _string(self) -> None:
        quote = self.text[self.at]
        if self.text.startswith(quote * 3, self.at):
            self._long_string(quote)
            return
        self.at += 1
        while self.text[self.at] != quote:
            self.at += 2 if quote == '"' and self.text[self.at] == "\\" else 1
        self.at += 1

    def _long_string(self, quote: str) -> None:
        self.at += 3
        while not self.text.startswith(quote * 3, self.at):
            self.at += 2 if quote == '"' and self.text[self.at] == "\\" else 1
        self.at += 3
        while self.text.startswith(quote, self.at):  # up to two quotes may end the text itself
            self.at += 1

    def _skip(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self.text, self.at)
        assert found is not None
        self.at = found.end()
        return found.group()

    def _note(self, path: KeyPath, offset: int) -> None:
        self.lines.setdefault(path, bisect_right(self.starts, offset))


def _unescaped(raw: str) -> str:
    """Return the value of a basic string with its quotes."""
    value = tomllib.loads(f"key = {raw}")["key"]
    assert isinstance(value, str)
    return value
