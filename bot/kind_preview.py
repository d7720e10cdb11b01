"""What the conversation would show of a kind of reports, for the office that shapes it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import partial

from bot import messages
from bot.catalogue import WORDS
from bot.dialogues import kind_questions, report
from bot.dialogues.kind_message import card
from bot.dialogues.kinds import REPORT, DialogueState, Known
from bot.messages import Message
from city.city import City
from city.kinds import AnswerType, Question, ReportCategory
from reports.questions import choices_of
from subscriptions.residents import Preferences

_EXAMPLES = {AnswerType.TEXT: "A-123", AnswerType.NUMBER: "12"}


def cards(city: City, kind: ReportCategory, language: str, now: datetime) -> list[Message]:
    """Return the messages in their order: the questions and the check, or what is told instead."""
    only = city.model_copy(update={"report_categories": (kind,)})
    known = previewed(only, language, now)
    if kind.message is not None:
        always = kind.message.model_copy(update={"hours": ()})
        shown = [card(kind, always, known)]
        if kind.message.hours:
            closed = {"texts": kind.message.closed_texts, "phone": kind.message.closed_phone}
            shown.append(card(kind, always.model_copy(update=closed), known))
        return shown
    press = partial(messages.press, shown=True)
    cancel = messages.press(WORDS.text(language, "Cancel"), "r-cancel")
    state = kind_questions.noted(DialogueState(REPORT, "confirm", {"kind": kind.code}), kind)
    asked = [
        kind_questions.card(question, state, known, press, cancel) for question in kind.questions
    ]
    answers = {one.code: {"values": _example(one)} for one in kind.questions}
    ready = state.at("confirm", answers=answers, draft="preview", photos=[{}], note="")
    return [*asked, *report.prompt(ready, known)]


def _example(question: Question) -> list[str]:
    if question.type in _EXAMPLES:
        return [_EXAMPLES[question.type]]
    return [choices_of(question, "ja")[0][0]]


def previewed(city: City, language: str, now: datetime) -> Known:
    """Return what is known of a reader of a language who is nobody."""
    preferences = Preferences(
        resident_id=0,
        following=True,
        language=language,
        language_chosen=True,
        areas=(),
        topics={},
        topics_chosen=True,
        quiet_start=0,
        quiet_end=0,
        digest_hour=None,
    )
    return replace(Known(city=city, preferences=preferences, now=now), event_id="preview")
