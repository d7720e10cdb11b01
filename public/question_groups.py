"""Sentences in groups of similar ones, by the letters that they have in common.

A sentence is the set of its pairs of neighbouring letters. A pair that few sentences have says
more than one of "どこですか", so pairs count by how rare they are. A sentence joins the group whose
first sentence is most like it. Of all groups only those are compared that share a rare pair with
it (prefix filtering), so that thousands of sentences are grouped in well under a second.
"""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from math import log

SIMILAR = 0.38
"""Weight that two sentences of one group have in common, of both together (0 to 1)."""
SHARE = SIMILAR / (2 - SIMILAR)
"""Of the weight of one sentence at least so much is shared then."""
_KATAKANA = {code: code - 0x60 for code in range(0x30A1, 0x30F7)}


@dataclass(frozen=True)
class Sentence:
    """What was asked.

    Parameters
    ----------
    askers
        By a quarter of the year, the tokens of those who asked; 0 is somebody of whom there is
        none.
    """

    text: str
    language: str
    count: int
    last: date
    askers: frozenset[tuple[int, int]] = frozenset()


@dataclass(frozen=True)
class Group:
    """Similar sentences, the most frequent one first."""

    sentences: tuple[Sentence, ...]

    @property
    def lead(self) -> Sentence:
        return self.sentences[0]

    @property
    def count(self) -> int:
        return sum(sentence.count for sentence in self.sentences)

    @property
    def last(self) -> date:
        return max(sentence.last for sentence in self.sentences)

    @property
    def languages(self) -> tuple[str, ...]:
        counts: Counter[str] = Counter()
        for one in self.sentences:
            counts[one.language] += one.count
        return tuple(code for code, _ in counts.most_common())

    @property
    def askers(self) -> int:
        """How many different residents asked at least: those of the quarter with most of them.

        Tokens of different quarters cannot be compared, so they are not added up.
        """
        quarters = Counter(
            quarter for quarter, _ in frozenset().union(*(one.askers for one in self.sentences))
        )
        return max(quarters.values(), default=0)


@lru_cache(maxsize=20_000)
def letter_pairs(text: str) -> frozenset[str]:
    """Return the pairs of neighbouring letters of a text, without spaces and case."""
    packed = "".join(c for c in text.casefold() if c.isalnum() or ord(c) > 0x2FF)
    return frozenset(packed[n : n + 2] for n in range(max(1, len(packed) - 1)))


def likeness(one: frozenset[str], other: frozenset[str]) -> float:
    """Return from 0 to 1 how much two sets have in common (the coefficient of Dice)."""
    return 2 * len(one & other) / max(1, len(one) + len(other))


def grouped(sentences: Sequence[Sentence]) -> list[Group]:
    """Return sentences in groups of similar ones, the most frequent group first."""
    pairs = [letter_pairs(_folded(one.text)) for one in sentences]
    weigh = _weights(pairs)
    order = sorted(range(len(sentences)), key=lambda n: (-sentences[n].count, sentences[n].text))
    weights = [sum(map(weigh.__getitem__, one)) for one in pairs]
    groups: dict[int, list[int]] = {}
    by_pair: defaultdict[str, list[int]] = defaultdict(list)
    for n in order:
        told = _telling(pairs[n], weigh, weights[n])
        near = {lead for pair in told for lead in by_pair[pair]}
        best, most = -1, SIMILAR
        for lead in sorted(near):
            shared = sum(map(weigh.__getitem__, pairs[n] & pairs[lead]))
            alike = 2 * shared / (weights[n] + weights[lead])
            if alike >= most:
                best, most = lead, alike
        if best >= 0:
            groups[best].append(n)
            continue
        groups[n] = [n]
        for pair in told:
            by_pair[pair].append(n)
    made = [Group(tuple(sentences[n] for n in members)) for members in groups.values()]
    return sorted(made, key=lambda group: (-group.count, group.lead.text))


def _weights(pairs: Sequence[frozenset[str]]) -> dict[str, float]:
    number = Counter(pair for one in pairs for pair in one)
    # In few sentences no pair is common yet.
    return {pair: log(1 + (len(pairs) + 50) / (count + 5)) for pair, count in number.items()}


def _telling(pairs: Iterable[str], weigh: dict[str, float], weight: float) -> list[str]:
    """Return the rarest pairs: of any sentence that is similar enough, one is among its own."""
    left, told = weight, []
    for pair in sorted(pairs, key=lambda one: (-weigh[one], one)):
        if left < SHARE * weight:
            break
        told.append(pair)
        left -= weigh[pair]
    return told


def _folded(text: str) -> str:
    """Return a text in one width and case, with hiragana for katakana."""
    return unicodedata.normalize("NFKC", text).casefold().translate(_KATAKANA)
