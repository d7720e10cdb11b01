"""Kinds of reports written as ``[[report_categories]]`` of a ``city.toml``."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from city.danger_words import DangerWords
from city.kinds import ReportCategory
from core.languages import LANGUAGES

_AFTER = ("areas", "questions", "message", "danger_words")
"""Tables, which stand below the values of a kind."""
_DATES = ("off_from", "off_until")
_TIMES = ("start", "end")


def as_toml(kinds: Iterable[ReportCategory]) -> str:
    """Return kinds as a part of ``city.toml``, in their order."""
    return "\n".join(_kind(kind) for kind in kinds)


def words_as_toml(words: DangerWords) -> str:
    """Return the words of danger for all kinds as a part of ``city.toml``; nothing if none."""
    tables = words.model_dump(mode="json", exclude_defaults=True)
    lines = _danger_words("danger_words", tables)[1:]
    return "\n".join((*lines, "", "")) if lines else ""


def with_kinds(text: str, kinds: Iterable[ReportCategory]) -> str:
    """Return the text of a ``city.toml`` with these kinds in the place of its own."""
    kept: list[str] = []
    ours = False
    place: int | None = None
    for line in text.splitlines(keepends=True):
        if line.startswith("["):
            ours = re.match(r"\[+\s*report_categories\b", line) is not None
            if ours and place is None:
                place = len(kept)
        if not ours:
            kept.append(line)
    at = len(kept) if place is None else place
    return "".join([*kept[:at], as_toml(kinds), "\n", *kept[at:]])


def _kind(kind: ReportCategory) -> str:
    content = kind.model_dump(mode="json", exclude_defaults=True)
    content.pop("order", None)  # they stand in their order
    lines = ["[[report_categories]]"]
    for key, value in content.items():
        if key == "names":
            continue
        if key in _DATES:
            lines.append(f"{key} = {value}")
        elif key not in _AFTER:
            lines.append(f"{key} = {_value(value)}")
    lines += _texts("names", content["names"])
    for area in content.get("areas", ()):
        lines += ["", "[[report_categories.areas]]"]
        lines += [f"{key} = {_value(value)}" for key, value in area.items()]
    for question in content.get("questions", ()):
        lines += ["", "[[report_categories.questions]]", *_plain(question)]
        for choice in question.get("choices", ()):
            lines += ["", "[[report_categories.questions.choices]]", *_plain(choice)]
    lines += _danger_words("report_categories.danger_words", content.get("danger_words", {}))
    if message := content.get("message"):
        lines += ["", "[report_categories.message]"]
        lines += [f"{key} = {_value(message[key])}" for key in message if key in _STRINGS]
        if hours := message.get("hours"):
            lines += ["hours = [", *(f"    {_hours(one)}," for one in hours), "]"]
        for key in ("texts", "closed_texts"):
            lines += _texts(key, message.get(key, {}))
    return "\n".join(lines) + "\n"


def _danger_words(name: str, tables: Mapping[str, Any]) -> list[str]:
    lines: list[str] = []
    for which, words in tables.items():
        lines += ["", f"[{name}.{which}]"]
        lines += [f"{code} = {_value(some)}" for code, some in words.items()]
    return lines


_STRINGS = ("phone", "url", "closed_phone")


def _plain(table: Mapping[str, Any]) -> list[str]:
    lines = [
        f"{key} = {_value(value)}"
        for key, value in table.items()
        if key not in ("names", "choices")
    ]
    return lines + _texts("names", table["names"])


def _texts(key: str, texts: Mapping[str, str]) -> list[str]:
    return [f"{key}.{code} = {_value(texts[code])}" for code in LANGUAGES if code in texts]


def _hours(hours: Mapping[str, Any]) -> str:
    parts = [f"{key} = {hours[key] if key in _TIMES else _value(hours[key])}" for key in hours]
    return f"{{ {', '.join(parts)} }}"


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{key} = {_value(one)}' for key, one in value.items())} }}"
    if isinstance(value, str):
        # A JSON string is a basic string of TOML, apart from this one character.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return str(value)
