"""What templates of answers, and when they are said, are called for staff."""

from __future__ import annotations

from console import words
from core.languages import mark
from reports.answer_templates import Template
from reports.answer_words import ANY, REOPENED
from reports.states import ReportState

BUILT_IN_NAMES = {
    "thanks": mark("Thanks"),
    "accepted": mark("We have read it"),
    "planned": mark("We will repair it"),
    "planned-day": mark("Day of the repair"),
    "working": mark("Work has begun"),
    "finished": mark("Work is finished"),
    "mended": mark("It is repaired"),
    "not-taken": mark("We cannot take it up"),
    "private": mark("Private property"),
    "no-damage": mark("No damage found"),
    "passed-on": mark("Passed on"),
    "other-office": mark("Another office looks after it"),
    "joined": mark("Somebody else reported the same"),
    "again": mark("We work on it again"),
    "photo": mark("Place not found"),
}
ANY_TIME, OPENED_AGAIN = mark("At any time"), mark("Opened again")
BLANK_NAMES = {
    "number": mark("number of the report"),
    "kind": mark("kind of damage"),
    "place": mark("place"),
    "date": mark("day of the work"),
    "office": mark("department"),
}


def template_name(template: Template, language: str) -> str:
    """Return a template's name: the office's own, or that of a built-in one."""
    if template.name:
        return template.name
    known = BUILT_IN_NAMES.get(template.code)
    return words.CATALOGUE.text(language, known) if known else template.code


def when_name(said_when: str, language: str) -> str:
    """Return when a template is said."""
    if said_when == ANY:
        return words.CATALOGUE.text(language, ANY_TIME)
    if said_when == REOPENED:
        return words.CATALOGUE.text(language, OPENED_AGAIN)
    return ReportState(said_when).staff_name(language)
