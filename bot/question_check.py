"""What a new answer changes in the conversation, before it is saved.

The conversation itself is asked, with the city's questions as they are and as they would be.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from bot.dialogues import answers, questions
from bot.dialogues.buttons import city_understanding, labels
from bot.dialogues.kinds import DialogueOutcome, DialogueState, Known, Said
from bot.understanding import Understanding
from bot.word_preview import known_with
from city.city import City
from city.folder import CityFolder
from city.words import Tables

LONGEST_SHOWN = 80


class Heard(StrEnum):
    """What a sentence gets: the answer, the question to tap, or neither."""

    ANSWERED = "answered"
    OFFERED = "offered"
    NOT = "not"


@dataclass(frozen=True)
class ChangedAnswer:
    """A sentence that gets something else than before; the beginning of both."""

    text: str
    language: str
    before: str
    after: str


@dataclass(frozen=True)
class QuestionCheck:
    """What becomes of the sentences of a group, and of all that was understood before.

    Parameters
    ----------
    tried
        How many known sentences were tried.
    """

    heard: dict[tuple[str, str], Heard]
    changed: tuple[ChangedAnswer, ...]
    tried: int


@dataclass
class QuestionChecker:
    """Checks for one city; it keeps the words that it read."""

    _of: tuple[object, Understanding] | None = field(default=None)

    def check(
        self,
        before: CityFolder,
        after: CityFolder,
        city: City,
        key: str,
        asked: Sequence[tuple[str, str]],
        now: datetime,
    ) -> QuestionCheck:
        """Compare the two.

        Parameters
        ----------
        key
            The name of the question that is new or changed.
        asked
            The sentences of the group, with their languages.
        """
        own = self._understanding(after.words)
        old, new = (
            {code: known_with(folder, city, code, now, own) for code in city.languages}
            for folder in (before, after)
        )
        heard = {
            (text, language): _heard(text, new.get(language, new["ja"]), key)
            for text, language in asked
        }
        known = dict.fromkeys(_known_sentences(before, city, key))
        changed = [
            found
            for text, language in known
            if (found := _changed(text, language, old[language], new[language])) is not None
        ]
        return QuestionCheck(heard, tuple(changed), len(known))

    def _understanding(self, words: Mapping[str, Tables]) -> Understanding:
        if self._of is None or self._of[0] is not words:
            self._of = words, city_understanding(words)
        return self._of[1]


def _known_sentences(before: CityFolder, city: City, key: str) -> Iterable[tuple[str, str]]:
    """Yield all that the conversation is known to understand: questions, other sentences for them,
    labels of buttons, and the city's own words.
    """
    for entry in before.answers:
        if entry.language in city.languages and entry.name != key:
            yield entry.question, entry.language
            for text in entry.asked:
                yield text, "ja"
    for language in city.languages:
        for names in labels()[language].values():
            for name in names:
                yield name, language
    for language, tables in before.words.items():
        for patterns in tables.get("intents", {}).values():
            for pattern in patterns:
                if language in city.languages and not {"<", "*"} & set(pattern):
                    yield pattern.removeprefix("=").replace(" + ", " "), language


def _said(text: str, known: Known) -> DialogueOutcome:
    meaning = known.meaning(text)
    return answers.answered(DialogueState(), Said(text), meaning, known)


def _heard(text: str, known: Known, key: str) -> Heard:
    said = _said(text, known).messages
    whole = questions.answered(DialogueState(), known, key)
    if whole is not None and whole.messages[0] in said:
        return Heard.ANSWERED
    return Heard.OFFERED if f"name={key}" in json.dumps(said) else Heard.NOT


def _changed(text: str, language: str, old: Known, new: Known) -> ChangedAnswer | None:
    state = DialogueState()
    # What the questions say is the same: then the whole answer is, too. This is quick to find out.
    if all(
        _shown(find(state, old, text)) == _shown(find(state, new, text))
        for find in (questions.exactly, questions.near)
    ):
        return None
    was, becomes = (_shown(_said(text, known)) for known in (old, new))
    return None if was == becomes else ChangedAnswer(text, language, was, becomes)


def _shown(outcome: DialogueOutcome | None) -> str:
    """Return in a line what is answered: the words, or the title of a card with its questions."""
    if outcome is None or not outcome.messages:
        return ""
    first = outcome.messages[0]
    title = str(first.get("text") or first.get("altText") or "")
    buttons = [str(one) for one in _labels(first.get("contents"))]
    return " · ".join([title.replace("\n", " ")[:LONGEST_SHOWN], *buttons])


def _labels(part: object) -> Iterable[str]:
    if isinstance(part, dict):
        if part.get("type") == "postback":
            yield str(part.get("label") or part.get("displayText") or "")
        for inner in part.values():
            yield from _labels(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from _labels(inner)
