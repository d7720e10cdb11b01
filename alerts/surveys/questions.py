"""The questions of a survey: kinds, words by language, and which words a reader gets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from core.languages import EASY_JAPANESE, LANGUAGES
from core.text import clean

MOST_QUESTIONS = 10
MOST_OPTIONS = 9
MOST_QUESTION, MOST_OPTION = 200, 60
MOST_NUMBER = 1_000_000
MOST_WORDS = 5000
"""What LINE lets a resident write in one message."""
YES, NO = "yes", "no"


class QuestionKind(StrEnum):
    """How a question is answered."""

    ONE = "one"
    SEVERAL = "several"
    YES_NO = "yes-no"
    NUMBER = "number"
    WORDS = "words"

    @property
    def has_options(self) -> bool:
        """Whether staff write the answers."""
        return self in (QuestionKind.ONE, QuestionKind.SEVERAL)


@dataclass(frozen=True)
class Words:
    """A question in one language: its sentence, and its answers in the order of the Japanese."""

    text: str = ""
    options: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.text or self.options)


@dataclass(frozen=True)
class Question:
    """One question. An answer is stored by its place among the options.

    Parameters
    ----------
    words
        By language; Japanese decides how many answers there are.
    optional
        Whether it can be skipped.
    lowest, highest
        The numbers that are taken.
    engines
        By language: the machine that wrote its words, which nobody changed since.
    """

    kind: QuestionKind = QuestionKind.ONE
    words: Mapping[str, Words] = field(default_factory=dict)
    optional: bool = False
    lowest: int = 0
    highest: int = 100
    engines: Mapping[str, str] = field(default_factory=dict)

    @property
    def japanese(self) -> Words:
        return self.words.get("ja", Words())

    def spoken(self, language: str) -> str:
        """Return the language whose words a reader gets: their own, easy Japanese or Japanese."""
        return next((one for one in (language, EASY_JAPANESE) if self.words.get(one)), "ja")

    def said(self, language: str) -> Words:
        """Return the words that a reader gets."""
        return self.words.get(self.spoken(language), Words())

    def codes(self) -> tuple[str, ...]:
        """Return what stands for each answer that can be tapped."""
        if self.kind is QuestionKind.YES_NO:
            return (YES, NO)
        if self.kind.has_options:
            return tuple(str(place) for place in range(len(self.japanese.options)))
        return ()

    def to_json(self) -> dict[str, Any]:
        """Return it in the form of ``Survey.questions``."""
        return {
            "kind": str(self.kind),
            "optional": self.optional,
            "lowest": self.lowest,
            "highest": self.highest,
            "words": {
                code: {"text": own.text, "options": list(own.options)}
                for code, own in self.words.items()
            },
            "engines": dict(self.engines),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Question:
        """Read what :meth:`to_json` wrote."""
        return cls(
            QuestionKind(stored["kind"]),
            {
                code: Words(own["text"], tuple(own["options"]))
                for code, own in stored["words"].items()
            },
            stored["optional"],
            stored["lowest"],
            stored["highest"],
            stored["engines"],
        )

    def cleaned(self) -> Question:
        """Return it as it is stored: clean lines, no empty languages, answers where they belong."""
        has = self.kind.has_options
        words = {
            code: Words(
                clean(own.text, line=True),
                tuple(line for one in own.options if (line := clean(one, line=True)))
                if has
                else (),
            )
            for code, own in self.words.items()
            if code in LANGUAGES
        }
        kept = {code: own for code, own in words.items() if own}
        engines = {code: one for code, one in self.engines.items() if code in kept}
        return Question(self.kind, kept, self.optional, self.lowest, self.highest, engines)


def questions_of(stored: Sequence[Mapping[str, Any]]) -> tuple[Question, ...]:
    """Return the questions that a survey stores."""
    return tuple(Question.from_json(one) for one in stored)


def with_engines(now: Sequence[Question], before: Sequence[Question]) -> list[Question]:
    """Return questions with a machine's mark on the words that nobody changed since."""
    known = {
        (code, own): one.engines[code]
        for one in before
        for code, own in one.words.items()
        if code in one.engines
    }
    return [
        Question(
            one.kind,
            one.words,
            one.optional,
            one.lowest,
            one.highest,
            {
                code: engine
                for code, own in one.words.items()
                if (engine := one.engines.get(code) or known.get((code, own), ""))
            },
        )
        for one in now
    ]
