"""The lines of a call-up's table in words, so that a template of a thousand lines only inserts."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

from console import words
from core.languages import mark
from response.call_up_table import Line, Table
from response.models import StaffAnswer, StaffMessageState
from response.staff_messages import Outcome
from response.words import CHOICES, choice_of

STATES = {
    StaffMessageState.WAITING: mark("waiting"),
    StaffMessageState.TRYING: mark("waiting"),
    StaffMessageState.SENT: mark("Reached"),
    StaffMessageState.FAILED: mark("failed"),
    StaffMessageState.STOPPED: mark("stopped"),
}
TAGS = {
    StaffAnswer.COMING: "tag-good",
    StaffAnswer.AT_OFFICE: "tag-good",
    StaffAnswer.CANNOT: "tag-bad",
    StaffAnswer.SAFE: "tag-warn",
}
"""The look of an answer."""
NO_ANSWER, ASKED = mark("No answer"), mark("asked {n} times")
MAIL, BY_MAIL = mark("Mail"), mark("mail")


class Way(NamedTuple):
    """What became of a message: by LINE or mail, its state, and why it is not there."""

    name: str
    state: str
    error: str


class Row(NamedTuple):
    """One member of staff; all but ``member_id`` as it is shown, "" for nothing.

    ``tag`` is the look of the answer, and ``asked`` is empty for who was asked once.
    """

    member_id: int
    name: str
    team: str
    is_silent: bool
    tag: str
    answer: str
    due: str
    answered: str
    by: str
    ways: tuple[Way, ...]
    asked: str


def rows_of(table: Table, language: str) -> dict[str, list[Row]]:
    """Return the lines by department."""

    def say(message: str, /, **values: object) -> str:
        return words.CATALOGUE.text(language, message, **values)

    # Most lines say the same: each answer and each state is put into words once.
    answer = cache(lambda code: say(CHOICES[code].label) if code else say(NO_ANSWER))
    way = cache(lambda name, outcome: _way(name, outcome, language, say))
    asked = cache(lambda number: say(ASKED, n=number) if number > 1 else "")
    by = {"line": "LINE", "mail": say(BY_MAIL)}
    mail = say(MAIL)

    def row(line: Line) -> Row:
        called = line.called
        return Row(
            member_id=line.member.id,
            name=line.member.name,
            team=line.member.team,
            is_silent=called.answer is None,
            tag=TAGS[called.answer] if called.answer is not None else "",
            answer=answer(choice_of(called.answer, called.minutes)),
            due=words.moment(line.due_at, language) if line.due_at else "",
            answered=words.moment(called.answered_at, language) if called.answered_at else "",
            by=by.get(called.answered_by, called.answered_by),
            ways=tuple(
                way(name, outcome)
                for name, outcome in (("LINE", line.line), (mail, line.mail))
                if outcome is not None
            ),
            asked=asked(called.asked),
        )

    return {code: [row(line) for line in lines] for code, lines in table.departments.items()}


def _way(name: str, outcome: Outcome, language: str, say: Callable[..., str]) -> Way:
    failed = outcome.state is not StaffMessageState.SENT and outcome.error
    return Way(
        name,
        say(STATES[outcome.state]),
        words.said(outcome.error, language) if failed else "",
    )
