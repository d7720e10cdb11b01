"""Patterns: what a message must contain to have a meaning, as translators write them.

=============  ==================================================================
``word``       anywhere in the message; as whole words in scripts with spaces
``word*``      words that begin so (Latin and Cyrillic letters)
``=word``      nothing else in the message but kind words such as "please"
``a + b``      all of these, in any order
``<name>``     any word of the list of that name
``-<name>``    none of that list
=============  ==================================================================
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from bot.understanding.folding import Heard, hear
from core.errors import BadInput

_NAME = re.compile(r"(-?)<([a-z-]+)>")
_VOICING = ("\u3099", "\u309a")
"""Marks behind a kana that make another one of it: はし is not in はじめ."""
_UNSPACED = re.compile(r"[^\x00-\u036f\u0400-\u04ff\u1e00-\u1eff\u2000-\u206f]")


class BadPattern(BadInput):
    """A pattern that cannot be read."""


@dataclass(frozen=True)
class WordRun:
    """Words in a row, or letters in a row where a script has no spaces.

    ``tokens`` is empty for letters in a row, which are in ``packed``. ``opens`` is set if the last
    token is only the beginning of a word. ``marked`` has each token with its Vietnamese marks: a
    word typed with marks must have the same ones.
    """

    tokens: tuple[str, ...]
    packed: str
    opens: bool = False
    marked: tuple[str, ...] = ()

    @classmethod
    @cache
    def read(cls, text: str) -> WordRun:
        """Read an entry of a list.

        Raises
        ------
        BadPattern
            It has no letter.
        """
        heard = hear(text.rstrip("*"))
        if not heard.packed:
            raise BadPattern(f"{text!r} has no letter.")
        if _UNSPACED.search(text):
            return cls((), heard.packed)
        return cls(heard.words, heard.packed, text.endswith("*"), heard.marked)

    @property
    def size(self) -> int:
        """Letters; a Chinese character says as much as two."""
        return len(self.packed) + sum("\u3400" <= letter <= "\u9fff" for letter in self.packed)

    def stands_at(self, at: int, heard: Heard) -> bool:
        """Whether the words are in a message at word ``at``."""
        said = heard.words[at : at + len(self.tokens)]
        if len(said) < len(self.tokens):
            return False
        last = said[-1].startswith(self.tokens[-1]) if self.opens else said[-1] == self.tokens[-1]
        if not last or said[:-1] != self.tokens[:-1]:
            return False
        if self.tokens == (self.packed,) and len(self.packed) == 1 and any(self.marked):
            # One letter is ambiguous: "o" is also ở, "in".
            return heard.marked[at] == self.marked[0]
        return all(
            not (wanted and marks) or marks == wanted
            for wanted, marks in zip(self.marked, heard.marked[at:], strict=False)
        )


@dataclass(frozen=True)
class WordPattern:
    """One line of a list; ``whole`` if it must be the whole message."""

    words: tuple[WordRun, ...]
    names: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    whole: bool = False

    @classmethod
    @cache
    def read(cls, text: str) -> WordPattern:
        """Read a pattern.

        Raises
        ------
        BadPattern
            It is empty or has a part that cannot be read.
        """
        whole = text.startswith("=")
        words: list[WordRun] = []
        names: list[str] = []
        absent: list[str] = []
        for part in text.removeprefix("=").split(" + "):
            if found := _NAME.fullmatch(part.strip()):
                (absent if found[1] else names).append(found[2])
            elif "<" in part or not part.strip():
                raise BadPattern(f"{text!r} cannot be read.")
            else:
                words.append(WordRun.read(part.strip()))
        if not words and not names:
            raise BadPattern(f"{text!r} asks for nothing.")
        if whole and (len(words) != 1 or names):
            raise BadPattern(f"{text!r}: only one part can be all that is said.")
        return cls(tuple(words), tuple(names), tuple(absent), whole)

    @property
    def parts(self) -> int:
        return len(self.words) + len(self.names)


class Finder:
    """Finds which of many words a message has, looking at each of its letters once."""

    def __init__(self, entries: Iterable[WordRun]) -> None:
        self._first: dict[str, list[WordRun]] = defaultdict(list)
        self._opening: dict[str, list[WordRun]] = defaultdict(list)
        self._letters: dict[str, list[WordRun]] = defaultdict(list)
        for entry in dict.fromkeys(entries):
            if not entry.tokens:
                self._letters[entry.packed[:2]].append(entry)
            elif entry.opens and len(entry.tokens) == 1:
                self._opening[entry.tokens[0][:3]].append(entry)
            else:
                self._first[entry.tokens[0]].append(entry)

    def find(self, heard: Heard) -> set[WordRun]:
        """Return the words that a message has."""
        return {entry for entry, _ in self.places(heard)}

    def places(self, heard: Heard) -> Iterator[tuple[WordRun, int]]:
        """Yield the words with their positions: the index of a word, or of a letter."""
        for at, word in enumerate(heard.words):
            for entry in self._first.get(word, ()):
                if entry.stands_at(at, heard):
                    yield entry, at
            for length in (1, 2, 3):
                for entry in self._opening.get(word[:length], ()):
                    if len(entry.tokens[0][:3]) == length and entry.stands_at(at, heard):
                        yield entry, at
        packed = heard.packed
        for at in range(len(packed)):
            for key in (packed[at : at + 2], packed[at : at + 1]):
                for entry in self._letters.get(key, ()):
                    after = packed[at + len(entry.packed) :][:1]
                    if (
                        len(entry.packed[:2]) == len(key)
                        and after not in _VOICING
                        and packed.startswith(entry.packed, at)
                    ):
                        yield entry, at
                if len(key) == 1:
                    break


@dataclass(frozen=True)
class Found:
    """The words of a language in a message, and the length of the longest one of each list."""

    words: frozenset[WordRun]
    lists: Mapping[str, int]

    def having(self, name: str) -> Found:
        """Return the same with a word of one more list."""
        return self if name in self.lists else Found(self.words, {**self.lists, name: 2})

    def fits(self, pattern: WordPattern) -> bool:
        """Whether all parts of a pattern are there."""
        return (
            all(word in self.words for word in pattern.words)
            and all(name in self.lists for name in pattern.names)
            and not any(name in self.lists for name in pattern.absent)
        )

    def size(self, pattern: WordPattern) -> int:
        """Return how many letters of the message a pattern is about."""
        return sum(word.size for word in pattern.words) + sum(
            self.lists[name] for name in pattern.names
        )
