"""Draft the questions of a survey by machine where a language has no words yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from alerts.surveys.questions import MOST_OPTION, MOST_QUESTION, Question, Words
from core.languages import reads_japanese
from feeds.translate import ArticleTranslations


async def drafted(
    machine: ArticleTranslations, questions: Sequence[Question], languages: Sequence[str]
) -> tuple[tuple[Question, ...], dict[str, str]]:
    """Translate the Japanese questions; return them and by language why one was not drafted.

    A language is drafted for each question that has no words of its own in it.
    """
    wanted = [code for code in languages if not reads_japanese(code)]
    lines = [line for one in questions for line in _lines(one.japanese)]
    made = list(questions)
    problems: dict[str, str] = {}
    if not lines:
        return tuple(made), problems
    for code, found in (await machine.words(list(dict.fromkeys(lines)), wanted)).items():
        if found.problem:
            problems[code] = found.problem
            continue
        for place, one in enumerate(made):
            if one.words.get(code) or not one.japanese.text:
                continue
            said = found.texts
            own = Words(said[one.japanese.text], tuple(said[each] for each in one.japanese.options))
            longest = max(map(len, own.options), default=0)
            if len(own.text) > MOST_QUESTION or longest > MOST_OPTION:
                problems[code] = "length"
                continue
            made[place] = replace(
                one,
                words={**one.words, code: own},
                engines={**one.engines, code: machine.engine},
            )
    return tuple(made), problems


def _lines(words: Words) -> list[str]:
    return [line for line in (words.text, *words.options) if line.strip()]
