"""What a question to the city is about, by words in any language: a certificate, tax, a library.

``data/city_topics.csv`` has a row for each topic and a column for each file of words, with several
words divided by "/". Through it a question that the city wrote in Japanese is found in every
language.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Mapping
from functools import cache, lru_cache

from bot.understanding.folding import hear, traditional
from bot.understanding.lexicon import DATA, FILES
from bot.understanding.patterns import Finder, WordRun
from core.languages import LANGUAGES

TOPICS = DATA / "city_topics.csv"


@cache
def words_of_topics() -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    """Return the words by topic and by file; the first is the name to show."""
    with TOPICS.open(encoding="utf-8", newline="") as file:
        return {
            row["topic"]: {name: tuple(row[name].split("/")) for name in FILES}
            for row in csv.DictReader(file)
        }


@lru_cache(maxsize=10_000)
def topics_in(text: str) -> frozenset[str]:
    """Return the topics that a text in any language is about.

    Of words within one another, only the longest count: a tax certificate is not about tax.
    """
    finder, topics = _finder()
    heard = hear(text)
    spans: list[tuple[int, int, WordRun]] = []
    for word, at in finder.places(heard):
        # Words are counted apart from letters, which stand behind the last word.
        size = len(word.tokens) or len(word.packed)
        start = at if word.tokens else at + len(heard.words)
        spans.append((start, start + size, word))
    whole = [
        word
        for start, end, word in spans
        if not any(
            first <= start and end <= last and (first, last) != (start, end)
            for first, last, _ in spans
        )
    ]
    return frozenset(topic for word in whole for topic in topics[word])


def name_of(topic: str, language: str) -> str:
    """Return what a topic is called in one of the sixteen languages."""
    name = words_of_topics()[topic][LANGUAGES[language].vocabulary_file][0]
    return traditional(name) if language == "zh-Hant" else name


@cache
def _finder() -> tuple[Finder, Mapping[WordRun, list[str]]]:
    topics: dict[WordRun, list[str]] = defaultdict(list)
    for topic, by_file in words_of_topics().items():
        for words in by_file.values():
            for word in map(WordRun.read, words):
                if topic not in topics[word]:
                    topics[word].append(topic)
    return Finder(topics), topics
