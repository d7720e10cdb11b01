"""The states of a report, and everything that a state decides.

A new state is one entry here and its words in ``locales``: the ways in which it is listed,
counted, shown, published, coloured and told to residents follow from the entry.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, StrEnum, auto
from pathlib import Path
from typing import Literal

from core.languages import Catalogue, mark

CATALOGUE = Catalogue(Path(__file__).parent / "locales")
TO_STAFF, TO_RESIDENT, TO_EVERYBODY = "staff", "resident", "everybody"
"""Contexts of the catalogue: who reads a state's name."""


class Stage(Enum):
    """How far the city has come with a report."""

    WAITING = auto()
    """Nobody has decided on it yet."""
    TAKEN_UP = auto()
    """The city means to do something."""
    ENDED = auto()


@dataclass(frozen=True, kw_only=True)
class StateFacts:
    """The facts about a state.

    Parameters
    ----------
    staff, resident
        Its name for them (msgids of their contexts).
    everybody
        The heading above its reports on the public page; empty if they are not published.
    shown_for
        How long after its last change a report is on the public page; None means while it is in the
        state.
    news
        The message to a resident when a report gets this state and staff wrote no answer.
    colour
        The colour of its dot and its pin in the console.
    """

    stage: Stage
    staff: str
    resident: str
    everybody: str = ""
    shown_for: timedelta | None = None
    news: str = ""
    colour: Literal["red", "orange", "blue", "green", "grey"]


class ReportState(StrEnum):
    """The state of a report; :attr:`facts` says what it means."""

    _value_: str
    facts: StateFacts

    NEW = (
        "new",
        StateFacts(stage=Stage.WAITING, staff=mark("New"), resident=mark("Received"), colour="red"),
    )
    ACCEPTED = (
        "accepted",
        StateFacts(
            stage=Stage.TAKEN_UP,
            staff=mark("Accepted"),
            resident=mark("Accepted"),
            everybody=mark("Accepted"),
            colour="orange",
        ),
    )
    IN_PROGRESS = (
        "in-progress",
        StateFacts(
            stage=Stage.TAKEN_UP,
            staff=mark("Being mended"),
            resident=mark("Being mended"),
            everybody=mark("Under repair"),
            colour="blue",
        ),
    )
    DONE = (
        "done",
        StateFacts(
            stage=Stage.ENDED,
            staff=mark("Mended"),
            resident=mark("Mended"),
            everybody=mark("Repaired in the last 90 days"),
            shown_for=timedelta(days=90),
            news=mark("The city has finished its work on your report. Thank you for your help."),
            colour="green",
        ),
    )
    DECLINED = (
        "declined",
        StateFacts(
            stage=Stage.ENDED,
            staff=mark("Not ours"),
            resident=mark("Not for the city"),
            news=mark(
                "The city cannot take up your report. If you have a question, please ask the city."
            ),
            colour="grey",
        ),
    )

    WITHDRAWN = (
        "withdrawn",
        StateFacts(
            stage=Stage.ENDED,
            staff=mark("Withdrawn"),
            resident=mark("Withdrawn"),
            colour="grey",
        ),
    )

    def __new__(cls, value: str, facts: StateFacts | None = None) -> ReportState:
        assert facts is not None, "only the members above are made"
        member = str.__new__(cls, value)
        member._value_ = value
        member.facts = facts
        return member

    @property
    def is_open(self) -> bool:
        """Whether the city is not finished with it."""
        return self.facts.stage is not Stage.ENDED

    @property
    def is_published(self) -> bool:
        """Whether everybody may see it; not before staff have looked, nor what they declined."""
        return bool(self.facts.everybody)

    def staff_name(self, language: str) -> str:
        """Return its name for staff who read ``language`` (Japanese or English)."""
        return CATALOGUE.context_text(TO_STAFF, language, self.facts.staff)

    def resident_name(self, language: str) -> str:
        """Return its name for the resident who reported."""
        return CATALOGUE.context_text(TO_RESIDENT, language, self.facts.resident)

    def heading(self, language: str) -> str:
        """Return the heading above its reports on the public page."""
        return CATALOGUE.context_text(TO_EVERYBODY, language, self.facts.everybody)


def _at(*stages: Stage) -> tuple[ReportState, ...]:
    return tuple(state for state in ReportState if state.facts.stage in stages)


WAITING = _at(Stage.WAITING)
TAKEN_UP = _at(Stage.TAKEN_UP)
OPEN = _at(Stage.WAITING, Stage.TAKEN_UP)
ENDED = _at(Stage.ENDED)
FIRST = WAITING[0]
"""What a report is when it comes in."""
PUBLISHED = tuple(state for state in (*reversed(TAKEN_UP), *ENDED) if state.is_published)
"""In the order in which they are shown: the most advanced first, finished ones last."""
TOLD = tuple(state for state in ReportState if state.facts.news)
"""States of which a resident hears though staff wrote no answer."""
SET_BY_STAFF = tuple(state for state in ReportState if state is not ReportState.WITHDRAWN)
"""Only a resident takes a report back."""
REOPENED = mark("The city is working on your report again.")


def every_news() -> tuple[str, ...]:
    """Return all messages to residents about a change of state (msgids)."""
    return (*(state.facts.news for state in TOLD), REOPENED)


def news(before: ReportState, after: ReportState) -> str:
    """Return the message to a resident about a change of state (a msgid), or "".

    The receipt promised to tell the result: the end of the report, and if work begins again.
    """
    if before is after:
        return ""
    return after.facts.news or (REOPENED if before.facts.news else "")
