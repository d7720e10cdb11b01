"""Ready answers to reports and to households in a disaster, in all residents' languages.

Staff choose from a list and get whole sentences from the catalogue. They read them before sending
and may change them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core.languages import LANGUAGES, Catalogue, reads_japanese
from feeds.texts import drill_mark
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


@dataclass(frozen=True)
class HouseholdAnswer:
    """A ready answer to a household. ``names_site``: it names an evacuation site."""

    code: str
    message: str
    names_site: bool = False


TO_HOUSEHOLDS = (
    HouseholdAnswer("coming", "We have read what you told us. Somebody is coming to you."),
    HouseholdAnswer(
        "call",
        "We have read what you told us. Please call the city now. If you are in danger, call 119.",
    ),
    HouseholdAnswer(
        "go", "Please go to this evacuation site if the way is safe: {site}", names_site=True
    ),
    HouseholdAnswer(
        "waiting",
        "We have read what you told us. Help takes some time. If you are in danger, call 119.",
    ),
    HouseholdAnswer(
        "done", "What you needed has been done. If you need something else, write again."
    ),
)
ABOUT_HOUSEHOLD = "About what you told the city in the disaster"
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


def household_answer(code: str, language: str, site: str = "") -> str:
    """Return a ready answer to a household in ``language``; "" if there is none."""
    found = next((ready for ready in TO_HOUSEHOLDS if ready.code == code), None)
    if found is None or (found.names_site and not site):
        return ""
    return CATALOGUE.text(language, found.message, **({"site": site} if found.names_site else {}))


def household_message(words: str, language: str, *, drill: bool, japanese: bool) -> str:
    """Return the message to a household; in a drill it begins with the language's mark.

    Parameters
    ----------
    japanese
        Whether staff wrote ``words`` in Japanese themselves.
    """
    title = CATALOGUE.text(language, ABOUT_HOUSEHOLD)
    lines = [f"{drill_mark(language)}{title}" if drill else title, "", words]
    if japanese and not reads_japanese(language):
        lines += ["", CATALOGUE.text(language, WRITTEN_IN_JAPANESE)]
    return "\n".join(lines)
