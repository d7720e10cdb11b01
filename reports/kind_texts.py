"""The texts of a kind of reports in all languages: what there is, what is missing, written anew.

A text is named by its path in the kind's content; questions and choices go by their code. Codes
have no slash, so that a path can be written ``questions/side/names``.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from city.parts import Names

Content = dict[str, Any]


def texts_of(content: Mapping[str, Any]) -> dict[str, Names]:
    """Return the texts of a kind by path, in the order in which residents meet them."""
    return {path: dict(names) for path, names in _tables(content)}


def missing(content: Mapping[str, Any], languages: Iterable[str]) -> dict[str, int]:
    """Return how many texts each language lacks; a language that lacks none is left out."""
    texts = texts_of(content)
    counts = {
        language: sum(not names.get(language) for names in texts.values()) for language in languages
    }
    return {language: count for language, count in counts.items() if count}


def with_texts(content: Mapping[str, Any], language: str, said: Mapping[str, str]) -> Content:
    """Return the kind with these texts in a language, by path; an empty one is taken away."""
    made = copy.deepcopy(dict(content))
    for path, names in _tables(made):
        if path not in said:
            continue
        if said[path]:
            names[language] = said[path]
        else:
            names.pop(language, None)
    return made


def _tables(content: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, str]]]:
    yield "names", content.get("names") or {}
    message = content.get("message") or {}
    for key in ("texts", "closed_texts"):
        if message.get(key):
            yield f"message/{key}", message[key]
    for question in content.get("questions") or ():
        yield f"questions/{question['code']}/names", question.get("names") or {}
        for choice in question.get("choices") or ():
            path = f"questions/{question['code']}/choices/{choice['code']}/names"
            yield path, choice.get("names") or {}
