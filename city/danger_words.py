"""Words of danger that a city, or one of its kinds of damage, adds or takes away, by language.

Todoke's own words are in ``reports.danger_words``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import Field

from city.faults import suggestion
from city.parts import Part
from city.reasons import reason
from city.toml_lines import KeyPath
from core.languages import LANGUAGES
from core.reason import Reason

Words = dict[str, tuple[str, ...]]
"""Plain words by language."""
LONGEST_WORD, MOST_WORDS = 60, 200
_WHICH = ("hurt", "danger", "harmless")


class DangerWords(Part):
    """What a city says of words in reports.

    Parameters
    ----------
    hurt
        Somebody came to harm.
    danger
        Somebody may come to harm.
    harmless
        Words and phrases in which nothing is dangerous, whatever words of danger they have.
    """

    hurt: Words = Field(default_factory=dict)
    danger: Words = Field(default_factory=dict)
    harmless: Words = Field(default_factory=dict)


def broken_danger_words(table: Any, place: KeyPath) -> Iterator[tuple[KeyPath, Reason]]:
    """Yield what is wrong with a table of words of danger: where, and why.

    Values of a wrong type are skipped; types are checked elsewhere.
    """
    seen: dict[str, str] = {}
    for which in _WHICH:
        by_language = table.get(which) if isinstance(table, dict) else None
        for language, words in by_language.items() if isinstance(by_language, dict) else ():
            here = (*place, which, language)
            if language not in LANGUAGES:
                hint = suggestion(language, LANGUAGES)
                yield here, reason("language.unknown", language=language, hint=hint)
            some = words if isinstance(words, list | tuple) else ()
            if len(some) > MOST_WORDS:
                yield here, reason("value.most-danger-words", most=MOST_WORDS)
            for position, word in enumerate(some):
                if isinstance(word, str):
                    yield from _broken_word(word, which, (*here, position), seen)


def _broken_word(
    word: str, which: str, place: KeyPath, seen: dict[str, str]
) -> Iterator[tuple[KeyPath, Reason]]:
    if not word.strip() or len(word) > LONGEST_WORD or (len(word) < 2 and word.isascii()):
        yield place, reason("value.danger-word", most=LONGEST_WORD, value=word[:LONGEST_WORD])
        return
    other = seen.setdefault(word.casefold(), which)
    if other != which:
        yield place, reason("twice.danger-word", word=word, which=which, other=other)
