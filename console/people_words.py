"""Names of what households say and what becomes of it, in one place."""

from __future__ import annotations

from datetime import datetime

from console import words
from core.languages import mark
from response import cases
from response.household_names import NEEDS as NEEDS
from response.household_names import WHEREABOUTS as WHEREABOUTS
from response.models import CaseState, CaseStep, Condition


def waited(since: datetime, now: datetime, language: str) -> str:
    """Return how long somebody has been waiting, to the minute."""
    minutes = max(0, int((now - since).total_seconds() // 60))
    if minutes < 60:
        return words.CATALOGUE.text(language, "{m} min", m=minutes)
    hours, minutes = divmod(minutes, 60)
    return words.CATALOGUE.text(language, "{h} h {m} min", h=hours, m=minutes)


STATES = {
    CaseState.OPEN: mark("Waits"),
    CaseState.TAKEN: mark("Somebody is on it"),
    CaseState.DONE: mark("Done"),
    CaseState.NOTHING: mark("Needs nothing"),
}
URGENCIES = {
    cases.CANNOT_MOVE: mark("Cannot move"),
    cases.MEDICINE: mark("Medicine"),
    cases.THINGS: mark("Needs things"),
    cases.SOMETHING: mark("Needs something"),
    cases.NOTHING: mark("Safe"),
}
"""By ``HouseholdCase.urgency``, the gravest first."""
CONDITIONS = {
    Condition.CANNOT_MOVE: mark("Cannot move"),
    Condition.IN_NEED: mark("Needs something"),
    Condition.EVACUATED: mark("Evacuated"),
    Condition.SAFE: mark("Safe"),
}
STEPS = {
    CaseStep.NOTED: mark("Note"),
    CaseStep.TAKEN: mark("Given to {words}"),
    CaseStep.DONE: mark("Done"),
    CaseStep.REOPENED: mark("Opened again"),
    CaseStep.WORSE: mark("The household's answer got worse, or asks for more"),
    CaseStep.SAFE: mark("The household says that it is safe now"),
    CaseStep.SENT: mark("Message to the household"),
}
