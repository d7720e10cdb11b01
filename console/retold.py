"""Sentences of other rooms, which speak English, as staff read them.

They reach the console in four ways: as what a room refuses, as why a notice was ruled on as it
was, as why something could not be read (``console.reasons``), and as why a delivery stands still.
What is not listed is left as it is.
"""

from __future__ import annotations

import re
from functools import cache

from console.reasons import kind_of_trouble
from console.words import CATALOGUE, STATUS_NAMES, mark
from feeds.models import Status

SENTENCES = (
    mark("The form is too large."),
    mark("The form is not in the form that a browser sends."),
    mark("The form cannot be read."),
    mark("A drill or test telegram is never sent as news."),
    mark("An exercise or test is never sent as news."),
    mark("An emergency does not wait for the digest."),
    mark("It has expired."),
    mark("It is dated ahead of our clock."),
    mark("It is over {hours} hours old."),
    mark("It was there before this service was."),
    mark("Listed at the first poll."),
    mark("Not meant for the public."),
    mark("Nothing residents were told has changed."),
    mark("Something newer came with it."),
    mark("There is nothing to take back."),
    mark("No rule fits; everything else of {source} is {topic}."),
    mark("No rule of {source} fits; somebody has to decide."),
    mark("Rule {number} of {source}: {reason}."),
    mark("word {word}"),
    mark("category {category}"),
    mark("it takes everything"),
    mark("The same news as notice {id}."),
    mark("The same as item {id} of {source}."),
    mark("Listed twice in one feed."),
    mark("Nothing in it for this city."),
    mark("{n} articles to send in one poll; the web site was rebuilt, perhaps."),
    mark("paused by {name}"),
    mark("stopped by {name}"),
    mark("replaced by notice {id}"),
    mark("corrected"),
    mark("expired"),
    mark("LINE refused {n} residents one by one: {error}"),
    mark("LINE answered 429: You have reached your monthly limit."),
    mark("the month's quota has {left} messages left, this needs {needed}"),
)


def retold(sentence: str, language: str) -> str | None:
    """Return another room's sentence in the staff's language, or None when it is not listed."""
    for message, pattern in _patterns():
        if found := pattern.fullmatch(sentence):
            values = {
                name: retold(value, language) or value for name, value in found.groupdict().items()
            }
            return CATALOGUE.text(language, message, **values)
    if language == "en":
        return None
    return _changes(sentence, language) or kind_of_trouble(sentence, language)


def _changes(sentence: str, language: str) -> str | None:
    """Return what a telegram changed (``issued: 雷注意報; lifted: 大雨警報``)."""
    said = []
    for part in sentence.split("; "):
        status, _, kind = part.partition(": ")
        if not kind or status not in set(Status):
            return None
        said.append(f"{CATALOGUE.text(language, STATUS_NAMES[Status(status)])}：{kind}")
    return "、".join(said)


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple(
        (message, re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>.{1,200})", re.escape(message))))
        for message in SENTENCES
    )
