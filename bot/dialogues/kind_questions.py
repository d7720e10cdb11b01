"""The questions of a kind of damage, asked one after another in a report.

``data`` of the report has ``asks`` (the codes of the kind's questions), ``answers`` (by code, with
the message that said it; no values for a skipped question), ``asking`` (the question that is being
changed) and ``picked`` (what is ticked so far where several can be chosen).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bot import messages
from bot.dialogues.kinds import DialogueOutcome, DialogueState, Known
from bot.messages import Action, Message, Part
from city.kinds import AnswerType, Question, ReportCategory
from city.parts import sentence_in
from reports.questions import Answered, choices_of, fits, fitting, read_answer, shown_value

ASK = "ask"
NO_CHANGE: dict[str, None] = {"asking": None, "picked": None}

Press = Callable[..., Action]
"""Makes a button of the report: label, action, values."""


def noted(state: DialogueState, kind: ReportCategory | None) -> DialogueState:
    """Return the report with the questions that its kind has now, and answers that fit them.

    In a disaster nothing is asked but what is needed to find the danger.
    """
    asked = () if kind is None or state.data.get("danger") else kind.questions
    kept = {
        question.code: answer
        for question in asked
        if (answer := (state.data.get("answers") or {}).get(question.code)) is not None
        and _stands(question, answer)
    }
    codes = [question.code for question in asked]
    changes: dict[str, Any] = {"asks": codes, "answers": kept}
    if state.data.get("asking") not in codes:
        changes |= NO_CHANGE
    if not codes and "asks" not in state.data:
        return state
    return state.at(state.step, **changes)


def is_open(data: Mapping[str, Any]) -> bool:
    """Whether a question waits for its answer."""
    answers = data.get("answers") or {}
    return bool(data.get("asking")) or any(code not in answers for code in data.get("asks") or ())


def without(data: Mapping[str, Any], message_id: str) -> dict[str, Any]:
    """Return the data of a report without the answers that a message gave."""
    answers = data.get("answers") or {}
    kept = {code: one for code, one in answers.items() if one.get("message") != message_id}
    return dict(data) if kept == answers else {**data, "answers": kept}


def answered(state: DialogueState, kind: ReportCategory | None) -> tuple[Answered, ...]:
    """Return the answers of a report, in the order of the questions."""
    if kind is None or state.data.get("danger"):
        return ()
    kept = (state.data.get("answers") or {}).items()
    return fitting(kind, [Answered.from_json({**one, "code": code}) for code, one in kept])


def said(
    state: DialogueState, kind: ReportCategory, words: str, message_id: str
) -> DialogueState | None:
    """Return the report with what a text answers; None if it does not answer the open question."""
    question = _asked(state, kind)
    values = read_answer(question, words) if question is not None else None
    if question is None or values is None:
        return None
    return _with_answer(state, question, values, message_id)


def pressed(
    state: DialogueState, kind: ReportCategory, do: str, values: Mapping[str, str]
) -> DialogueState:
    """Return the report after a button of a question; one that is gone changes nothing.

    A button of an earlier question changes the answer to that one.
    """
    question = kind.question(values.get("q", ""))
    if question is None or question.code not in (state.data.get("asks") or ()):
        return state
    value, message = values.get("v", ""), values.get("said_in", "")
    match do:
        case "r-skip" if not question.needed:
            return _with_answer(state, question, (), message)
        case "r-tick":
            return _ticked(state, question, value)
        case "r-ticked":
            ticked = _ticks(state, question)
            return _with_answer(state, question, ticked, message) if ticked else state
        case "r-answer" if fits(question, (value,)) and question.type is not AnswerType.TEXT:
            return _with_answer(state, question, (value,), message)
    return state


def change(state: DialogueState, code: str) -> DialogueState:
    """Return the report as it asks one of its questions again."""
    return state.at(ASK, asking=code, picked=None)


def which(state: DialogueState, kind: ReportCategory, known: Known, press: Press) -> Message:
    """Ask which answer is to be changed."""
    tiles = [
        messages.tile(
            press(sentence_in(question.names, known.language)[:300], "r-change", to=ASK, q=code)
        )
        for code in state.data.get("asks") or ()
        if (question := kind.question(code)) is not None
    ]
    back = press(known.say("Cancel"), "r-cancel")
    return messages.card(known.say("Which answer do you want to change?"), tiles, quick=[back])


def facts(state: DialogueState, kind: ReportCategory, known: Known) -> list[Part]:
    """Return what was answered, for the card on which the resident checks the report."""
    return [
        messages.fact(
            sentence_in(question.names, known.language),
            shown_value(question, one.values, known.language),
        )
        for one in answered(state, kind)
        if one.values and (question := kind.question(one.code)) is not None
    ]


def prompt(
    state: DialogueState, kind: ReportCategory | None, known: Known, press: Press, cancel: Action
) -> Message | None:
    """Ask (again) the question that is open; None if there is none."""
    question = _asked(state, kind) if kind is not None else None
    return None if question is None else card(question, state, known, press, cancel)


def card(
    question: Question, state: DialogueState, known: Known, press: Press, cancel: Action
) -> Message:
    """Return a question with what can be pressed to answer it."""
    title, code = sentence_in(question.names, known.language), question.code
    skip = [] if question.needed else [press(known.say("Skip"), "r-skip", q=code)]
    quick = [*skip, cancel]
    match question.type:
        case AnswerType.TEXT:
            return messages.text(title, *quick)
        case AnswerType.NUMBER:
            return messages.text(f"{title}\n{known.say('Write a number, such as 12.')}", *quick)
        case AnswerType.SEVERAL:
            ticks = _ticks(state, question)
            rows = [
                messages.switch(name, value in ticks, press(name, "r-tick", q=code, v=value))
                for value, name in choices_of(question, known.language)
            ]
            done = messages.tile(press(known.say("Done"), "r-ticked", q=code), strong=True)
            intro = known.say("Choose all that fit. Then press “Done”.")
            return messages.card(title, rows, intro=intro, footer=[done], quick=quick)
    tiles = [
        messages.tile(press(name, "r-answer", q=code, v=value))
        for value, name in choices_of(question, known.language)
    ]
    return messages.card(title, messages.columns(tiles), quick=quick)


def not_read(state: DialogueState, kind: ReportCategory, known: Known) -> Message:
    """Say that a text does not answer the question."""
    question = _asked(state, kind)
    if question is not None and question.type is AnswerType.NUMBER:
        return messages.text(known.say("That is not a number."))
    return messages.text(known.say("Please choose one of the answers."))


def outcome_of_change(
    state: DialogueState, kind: ReportCategory, code: str, known: Known, press: Press
) -> DialogueState | DialogueOutcome:
    """Return the report that asks again, or the card that asks which question is meant."""
    asks = list(state.data.get("asks") or ())
    if code in asks:
        return change(state, code)
    if len(asks) == 1:
        return change(state, asks[0])
    return DialogueOutcome(state, (which(state, kind, known, press),))


def _asked(state: DialogueState, kind: ReportCategory) -> Question | None:
    """Return the question that is open: the one being changed, or the first without an answer."""
    asking, answers = state.data.get("asking"), state.data.get("answers") or {}
    if asking:
        return kind.question(str(asking))
    codes = (code for code in state.data.get("asks") or () if code not in answers)
    return next((question for code in codes if (question := kind.question(code))), None)


def _with_answer(
    state: DialogueState, question: Question, values: tuple[str, ...], message_id: str
) -> DialogueState:
    kept = dict(state.data.get("answers") or {})
    kept[question.code] = {"values": list(values), "message": message_id}
    return state.at(state.step, answers=kept, **NO_CHANGE)


def _ticks(state: DialogueState, question: Question) -> tuple[str, ...]:
    """Return what is ticked: so far, or else in the answer that is being changed."""
    picked = state.data.get("picked") or {}
    if question.code in picked:
        return tuple(picked[question.code])
    answer = (state.data.get("answers") or {}).get(question.code) or {}
    return tuple(answer.get("values", ()))


def _ticked(state: DialogueState, question: Question, value: str) -> DialogueState:
    """Return the report with a choice ticked, or no longer, in the order of the question."""
    known = [choice.code for choice in question.choices]
    if question.type is not AnswerType.SEVERAL or value not in known:
        return state
    ticks = {*_ticks(state, question)} ^ {value}
    picked = {question.code: [code for code in known if code in ticks]}
    return state.at(state.step, asking=question.code, picked=picked)


def _stands(question: Question, answer: Mapping[str, Any]) -> bool:
    """Whether an answer still fits its question; a needed one cannot be skipped any more."""
    values = [str(value) for value in answer.get("values", ())]
    return fits(question, values) if values else not question.needed
