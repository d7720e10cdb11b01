"""Ready answers to reports, in all residents' languages.

Staff choose from a list and get whole sentences from the catalogue. They read them before sending
and may change them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core.languages import LANGUAGES, Catalogue, reads_japanese
from reports import states
from reports.states import ReportState

CATALOGUE = Catalogue(Path(__file__).parent / "locales")


@dataclass(frozen=True)
class PresetAnswer:
    """A ready answer to a report. ``state`` is the state it belongs to, None for any."""

    code: str
    message: str
    state: ReportState | None


ANSWERS = (
    PresetAnswer("thanks", "Thank you for your report. We will look at the place.", None),
    PresetAnswer(
        "planned",
        "Thank you for your report. We have looked at the place and will repair it.",
        ReportState.ACCEPTED,
    ),
    PresetAnswer(
        "working",
        "Repair work at the place you told us about has begun.",
        ReportState.IN_PROGRESS,
    ),
    PresetAnswer(
        "mended",
        "The place you told us about has been repaired. Thank you for your help.",
        ReportState.DONE,
    ),
    PresetAnswer(
        "other-office",
        "The place you told us about is looked after by another office. "
        "We have passed your report on to them.",
        ReportState.DECLINED,
    ),
    PresetAnswer(
        "private",
        "The place you told us about is private property, so the city cannot repair it.",
        ReportState.DECLINED,
    ),
    PresetAnswer(
        "no-damage",
        "We looked at the place but found no damage. If we looked in the wrong place, "
        "please send us a new report with a photo.",
        ReportState.DECLINED,
    ),
    PresetAnswer(
        "photo",
        "We could not find the place. Please send us a new report with a photo and the location.",
        None,
    ),
)
ABOUT_REPORT = "About your report {number}"
WRITTEN_IN_JAPANESE = "This answer is in Japanese."


def answer(code: str, language: str) -> str | None:
    """Return a ready answer in ``language``, or None when there is no such answer."""
    found = next((ready for ready in ANSWERS if ready.code == code), None)
    return CATALOGUE.text(language, found.message) if found else None


def meaning(words: str, staff_language: str) -> str:
    """Return a ready answer in the language of staff, or "" if there is none."""
    for catalogue, message in (
        *((CATALOGUE, ready.message) for ready in ANSWERS),
        *((states.CATALOGUE, message) for message in states.every_news()),
    ):
        if words in {catalogue.text(language, message) for language in LANGUAGES}:
            return catalogue.text(staff_language, message)
    return ""


def answer_message(number: str, words: str, language: str, *, japanese: bool) -> str:
    """Return the message to a resident: which report, the city's answer, and in which language it
    is.

    Parameters
    ----------
    japanese
        Whether staff wrote ``words`` in Japanese themselves.
    """
    lines = [CATALOGUE.text(language, ABOUT_REPORT, number=number), "", words]
    if japanese and not reads_japanese(language):
        lines += ["", CATALOGUE.text(language, WRITTEN_IN_JAPANESE)]
    return "\n".join(lines)
