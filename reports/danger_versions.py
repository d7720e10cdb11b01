"""The words of danger for all kinds that staff lay over the city's folder.

They are kept as a version like those of kinds (:mod:`reports.kinds`), under a code that no kind can
have, and so are written, looked at, confirmed and undone in the same way, and hold for every
process at once. What staff cannot do is to take away a word that Todoke itself knows.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from city.danger_words import DangerWords, broken_danger_words
from city.kind_rules import Finding
from city.reasons import reason
from city.toml_lines import KeyPath
from reports.danger_words import is_built_in

ALL_KINDS = "*"
"""The code of the versions; a kind's has letters."""


def read_words(content: Mapping[str, Any]) -> DangerWords:
    """Return the words of danger that a version has.

    Raises
    ------
    ValidationError
        It has a key or a value that this release does not know.
    """
    return DangerWords.model_validate_json(json.dumps(content), strict=True)


def dump_words(words: DangerWords) -> dict[str, Any]:
    """Return the content of a version: the words without what is empty."""
    found: dict[str, Any] = words.model_dump(mode="json", exclude_defaults=True)
    return found


def unreadable(error: ValidationError) -> list[Finding]:
    """Return where a version's content cannot be read, and why."""
    found: list[Finding] = []
    for detail in error.errors(include_url=False):
        place: KeyPath = tuple(detail["loc"])
        message = detail["msg"][0].lower() + detail["msg"][1:]
        name, value = ".".join(map(str, place)), f"{detail['input']!r:.60}"
        found.append((place, reason("value.wrong", name=name, error=message, value=value)))
    return found


def word_faults(content: Mapping[str, Any]) -> list[Finding]:
    """Return what is wrong with words of danger: where, and why."""
    try:
        words = read_words(content)
    except ValidationError as error:
        return unreadable(error)
    found = list(broken_danger_words(content, ()))
    for language, some in words.harmless.items():
        found += [
            (("harmless", language), reason("value.built-in-danger-word", word=word))
            for word in some
            if is_built_in(word)
        ]
    return found
