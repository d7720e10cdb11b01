"""Readings for kanji in easy Japanese: 通行（つうこう）.

Needs the extra ``todoke[furigana]`` (fugashi with unidic-lite); without it there are no readings,
and an article is sent as it was written.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Protocol

_KANJI = re.compile(r"[一-龥々〆ヶ]")
_TO_HIRAGANA = {katakana: katakana - 0x60 for katakana in range(ord("ァ"), ord("ヴ"))}

_AFTER_NUMBER = {"年": "ネン", "月": "ガツ", "時": "ジ", "円": "エン"}
"""How other counters are read depends on the number (一日, 三人); a wrong reading helps nobody."""


class FuriganaReader(Protocol):
    """Puts readings behind kanji."""

    def __call__(self, text: str) -> str: ...


def with_reading(surface: str, reading: str) -> str:
    """Return a word with its reading in brackets after the kanji, not after its kana.

    >>> with_reading("通行止め", "ツウコウドメ")
    '通行止（つうこうど）め'

    A word without kanji is returned unchanged. If the reading does not fit the kana, the whole
    reading comes after the word.
    """
    if not _KANJI.search(surface) or not reading:
        return surface
    kana = reading.translate(_TO_HIRAGANA)
    start, end = 0, len(surface)
    while start < end and not _KANJI.match(surface[start]):
        start += 1
    while end > start and not _KANJI.match(surface[end - 1]):
        end -= 1
    before = surface[:start].translate(_TO_HIRAGANA)
    after = surface[end:].translate(_TO_HIRAGANA)
    if not (kana.startswith(before) and kana.endswith(after)):
        return f"{surface}（{kana}）"
    middle = kana[len(before) : len(kana) - len(after)]
    if not middle:
        return surface
    return f"{surface[:start]}{surface[start:end]}（{middle}）{surface[end:]}"


@cache
def reader() -> FuriganaReader | None:
    """Return the reader of kanji, or None if the extra is not installed."""
    try:
        import fugashi
        import unidic_lite
    except ImportError:
        return None
    tagger = fugashi.Tagger(f'-d "{unidic_lite.DICDIR}"')

    def read(text: str) -> str:
        return "\n".join(_line(line) for line in text.split("\n"))

    def _line(line: str) -> str:
        made, position = [], 0
        for word in tagger(line):
            surface = str(word.surface)
            found = line.find(surface, position)
            # The spaces that the tagger leaves out stay where they were.
            made.append(line[position:found])
            if found and line[found - 1].isdecimal():
                made.append(with_reading(surface, _AFTER_NUMBER.get(surface, "")))
            else:
                made.append(with_reading(surface, str(word.feature.kana or "")))
            position = found + len(surface)
        made.append(line[position:])
        return "".join(made)

    return read
