"""The questions of a kind, and what was answered: read, checked, shown, described to programs.

An answer is kept in ``reports.attributes`` as ``{"code": …, "values": […]}``. A value is the code
of a choice, ``yes`` or ``no``, a number such as ``12.5``, or words. An answer that a resident wrote
also has the ``message`` of LINE's, so that it goes when they take the message back.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from city.kinds import LONGEST_TEXT, NO, YES, AnswerType, Question, ReportCategory
from city.parts import sentence_in
from core.languages import LANGUAGES, mark
from core.text import clean
from core.web import Form
from reports.states import CATALOGUE

ANSWER = "answer"
"""The context of the catalogue."""
YES_NO = {YES: mark("Yes"), NO: mark("No")}
LONGEST_NUMBER = 15
FIELD = re.compile(r"attribute\[([^\[\]]{1,60})\](\[\d{0,3}\])?")
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")
_DATATYPES = {
    AnswerType.TEXT: "string",
    AnswerType.NUMBER: "number",
    AnswerType.ONE: "singlevaluelist",
    AnswerType.SEVERAL: "multivaluelist",
    AnswerType.YES_NO: "singlevaluelist",
}
_DESCRIPTIONS = {
    AnswerType.TEXT: f"Words, at most {LONGEST_TEXT} characters.",
    AnswerType.NUMBER: "A number such as 12 or 3.5.",
    AnswerType.ONE: "One of the values.",
    AnswerType.SEVERAL: "One or more of the values.",
    AnswerType.YES_NO: "One of the values.",
}


@dataclass(frozen=True)
class Answered:
    """The answer to one question; ``message`` is LINE's message that said it."""

    code: str
    values: tuple[str, ...]
    message: str = ""

    def to_json(self) -> dict[str, Any]:
        kept: dict[str, Any] = {"code": self.code, "values": list(self.values)}
        return kept | ({"message": self.message} if self.message else {})

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Answered:
        values = tuple(str(value) for value in kept.get("values", ()))
        return cls(str(kept.get("code", "")), values, str(kept.get("message", "")))


def answers_of(attributes: Sequence[Mapping[str, Any]] | None) -> tuple[Answered, ...]:
    """Return the answers that a report keeps (``Report.attributes``)."""
    return tuple(Answered.from_json(one) for one in attributes or ())


def choices_of(question: Question, language: str) -> list[tuple[str, str]]:
    """Return the code and the name of each answer that can be chosen."""
    if question.type is AnswerType.YES_NO:
        return [(code, yes_no(code, language)) for code in YES_NO]
    return [(one.code, sentence_in(one.names, language)) for one in question.choices]


def read_answer(question: Question, said: str) -> tuple[str, ...] | None:
    """Return what a resident's words answer; None if they are no answer to this question.

    A choice may be said by its name in any language; several with commas between them.
    """
    text = clean(said)
    match question.type:
        case AnswerType.TEXT:
            return (text[:LONGEST_TEXT],) if text else None
        case AnswerType.NUMBER:
            number = read_number(text)
            return (number,) if number is not None else None
        case AnswerType.SEVERAL:
            parts = [part for part in re.split(r"[,、，;；\n]", text) if part.strip()]
            found = [_choice_called(question, part) for part in parts]
            if not found or None in found:
                return None
            return tuple(dict.fromkeys(code for code in found if code is not None))
    chosen = _choice_called(question, text)
    return (chosen,) if chosen is not None else None


def read_number(text: str) -> str | None:
    """Return a number as it is kept: half-width digits, no thousands commas; None if it is none."""
    plain = unicodedata.normalize("NFKC", text).strip().replace(",", "").replace("−", "-")
    if len(plain) > LONGEST_NUMBER or not _NUMBER.fullmatch(plain) or not plain.isascii():
        return None
    sign = "-" if plain.startswith("-") else ""
    whole, _, part = plain.lstrip("+-").partition(".")
    number = (whole.lstrip("0") or "0") + (f".{part}" if part else "")
    return f"{sign}{number}"


def fits(question: Question, values: Sequence[str]) -> bool:
    """Whether values are an answer to the question as it is now."""
    known = {code for code, _ in choices_of(question, "ja")}
    match question.type:
        case AnswerType.TEXT:
            return len(values) == 1 and 0 < len(values[0]) <= LONGEST_TEXT
        case AnswerType.NUMBER:
            return len(values) == 1 and read_number(values[0]) == values[0]
        case AnswerType.SEVERAL:
            return bool(values) and set(values) <= known and len(set(values)) == len(values)
    return len(values) == 1 and values[0] in known


def fitting(kind: ReportCategory, answers: Iterable[Answered]) -> tuple[Answered, ...]:
    """Return the answers to the kind's own questions, in their order; all others are left out."""
    given = {one.code: one for one in answers}
    return tuple(
        given[question.code]
        for question in kind.questions
        if question.code in given and fits(question, given[question.code].values)
    )


def shown_value(question: Question | None, values: Sequence[str], language: str) -> str:
    """Return an answer as people read it."""
    names = dict(choices_of(question, language)) if question is not None else {}
    return (
        "、".join(names.get(value, value) for value in values)
        if (language.startswith(("ja", "zh")))
        else ", ".join(names.get(value, value) for value in values)
    )


def shown(
    kind: ReportCategory | None, attributes: Sequence[Mapping[str, Any]] | None, language: str
) -> list[tuple[str, str]]:
    """Return question and answer of a report, as people read them, in the order of the kind.

    An answer to a question that the kind no longer has is shown under its code.
    """
    answers = [one for one in answers_of(attributes) if one.values]
    order = [question.code for question in kind.questions] if kind is not None else []
    answers.sort(key=lambda one: order.index(one.code) if one.code in order else len(order))
    made = []
    for one in answers:
        question = kind.question(one.code) if kind is not None else None
        name = sentence_in(question.names, language) if question is not None else one.code
        made.append((name, shown_value(question, one.values, language)))
    return made


def definition(kind: ReportCategory, language: str) -> list[dict[str, Any]]:
    """Return the attributes of a service definition (Open311 GeoReport v2).

    Each has ``variable``, ``code``, ``datatype``, ``required``, ``datatype_description``,
    ``order``, ``description`` and ``values`` (of ``key`` and ``name``; empty if there are none).
    """
    return [
        {
            "variable": True,
            "code": question.code,
            "datatype": _DATATYPES[question.type],
            "required": question.needed,
            "datatype_description": _DESCRIPTIONS[question.type],
            "order": order,
            "description": sentence_in(question.names, language),
            "values": [
                {"key": code, "name": name} for code, name in choices_of(question, language)
            ],
        }
        for order, question in enumerate(kind.questions, start=1)
    ]


def posted(kind: ReportCategory, form: Form) -> tuple[tuple[Answered, ...], list[str]]:
    """Read ``attribute[CODE]`` and ``attribute[CODE][]`` of a post, and say what is wrong.

    A list with several values may come as several fields. What is empty counts as not given.
    """
    given: dict[str, list[str]] = {}
    wrong: list[str] = []
    for name in form:
        if not name.startswith("attribute["):
            continue
        parts = FIELD.fullmatch(name)
        if parts is None:
            wrong.append("An attribute is written attribute[CODE], or attribute[CODE][] of a list.")
            continue
        values = [value for text in form.all(name) if (value := clean(text))]
        given.setdefault(parts[1], []).extend(values)
    answers = []
    for code, values in given.items():
        question = kind.question(code)
        if question is None:
            wrong.append(
                f"attribute[{code[:40]}] is not one of this service's; see its definition."
            )
            continue
        if not values:
            continue
        answer = _posted_values(question, values)
        if not fits(question, answer):
            wrong.append(f"attribute[{code}]: {_wanted(question)}")
        answers.append(Answered(code, answer))
    for question in kind.questions:
        if question.needed and not given.get(question.code):
            wrong.append(f"attribute[{question.code}] was not provided.")
    return tuple(answers), wrong


def _posted_values(question: Question, values: Sequence[str]) -> tuple[str, ...]:
    if question.type is AnswerType.NUMBER and len(values) == 1:
        return (read_number(values[0]) or values[0],)
    if question.type is AnswerType.SEVERAL:
        return tuple(dict.fromkeys(values))
    return tuple(values)


def _wanted(question: Question) -> str:
    codes = [code for code, _ in choices_of(question, "ja")]
    words = _DESCRIPTIONS[question.type]
    return f"{words} They are {', '.join(codes)}." if codes else words


def _choice_called(question: Question, said: str) -> str | None:
    wanted = _folded(said)
    if question.type is AnswerType.YES_NO:
        names = {code: [yes_no(code, one) for one in LANGUAGES] for code in YES_NO}
    else:
        names = {one.code: list(one.names.values()) for one in question.choices}
    for code, called in names.items():
        if wanted in {_folded(name) for name in (code, *called)}:
            return code
    return None


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip(" .。!！").casefold()


def yes_no(code: str, language: str) -> str:
    """Return "yes" or "no" in a language."""
    return CATALOGUE.context_text(ANSWER, language, YES_NO[code])
