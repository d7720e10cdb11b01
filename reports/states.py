"""The states of a report, and everything that a state decides.

A new state is one entry here and its words in ``locales``: the ways in which it is listed,
counted, shown, published, coloured and told to residents follow from the entry.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum, StrEnum, auto
from pathlib import Path
from typing import Literal

from core.languages import Catalogue, mark

CATALOGUE = Catalogue(Path(__file__).parent / "locales")
TO_STAFF, TO_RESIDENT, TO_EVERYBODY = "staff", "resident", "everybody"
"""Contexts of the catalogue: who reads a state's name."""
WHY = "reason"
"""Context of the catalogue for reasons, which staff read."""


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
    reasons
        Why a report gets this state, by code; staff choose one. Empty if the state needs none.
    set_by
        Who gives a report this state: staff; only the resident; or whoever joins it to another.
    """

    stage: Stage
    staff: str
    resident: str
    everybody: str = ""
    shown_for: timedelta | None = None
    news: str = ""
    colour: Literal["red", "orange", "blue", "green", "grey"]
    reasons: Mapping[str, str] = field(default_factory=dict)
    set_by: Literal["staff", "resident", "joining"] = "staff"


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
            reasons={
                "not-found": mark("Not found at the place"),
                "no-damage": mark("No damage"),
                "private": mark("On private property"),
                "watched": mark("No repair needed now; will be watched"),
                "unclear": mark("Cannot be understood, or a prank"),
                "other": mark("Another reason"),
            },
        ),
    )
    REFERRED = (
        "referred",
        StateFacts(
            stage=Stage.ENDED,
            staff=mark("Passed on"),
            resident=mark("Passed to another office"),
            everybody=mark("Passed to another office in the last 90 days"),
            shown_for=timedelta(days=90),
            news=mark(
                "Another office looks after this. The city has passed your report on to that "
                "office."
            ),
            colour="grey",
            reasons={
                "nation": mark("National road or facility"),
                "prefecture": mark("Prefectural road or facility"),
                "other-city": mark("In another city"),
                "police": mark("Police (signals, signs)"),
                "utility": mark("Electricity, gas, water, telephone"),
                "railway": mark("Railway"),
                "other": mark("Another reason"),
            },
        ),
    )
    DUPLICATE = (
        "duplicate",
        StateFacts(
            stage=Stage.ENDED,
            staff=mark("Same as another"),
            resident=mark("Same as another report"),
            news=mark("Somebody else reported the same. You will hear what becomes of it."),
            colour="grey",
            reasons={"same": mark("The same thing")},
            set_by="joining",
        ),
    )
    WITHDRAWN = (
        "withdrawn",
        StateFacts(
            stage=Stage.ENDED,
            staff=mark("Withdrawn"),
            resident=mark("Withdrawn"),
            colour="grey",
            set_by="resident",
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

    def reason_name(self, reason: str, language: str) -> str:
        """Return the name of a reason for this state, for staff; the code if it is unknown."""
        name = self.facts.reasons.get(reason)
        return CATALOGUE.context_text(WHY, language, name) if name else reason

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
SET_BY_STAFF = tuple(state for state in ReportState if state.facts.set_by == "staff")
"""Only a resident takes a report back, and only joining makes one the same as another."""
REOPENED = mark("The city is working on your report again.")


def may_follow(before: ReportState, after: ReportState) -> bool:
    """Whether staff may change a report from one state to another.

    A report on which staff decided is never again one that nobody looked at. What a resident took
    back stays so, and a joined report changes with the one that leads.
    """
    if before is after:
        return True
    free = before.facts.set_by == "staff" and after.facts.set_by == "staff"
    return free and after.facts.stage is not Stage.WAITING


def every_reason() -> tuple[str, ...]:
    """Return the names of all reasons (msgids), each once."""
    return tuple(
        dict.fromkeys(name for state in ReportState for name in state.facts.reasons.values())
    )


def every_news() -> tuple[str, ...]:
    """Return all messages to residents about a change of state (msgids)."""
    return (*(state.facts.news for state in TOLD), REOPENED)
