"""The words that Todoke brings for answers to reports, in all residents' languages.

They are where an office begins: it changes them, and adds its own, in ``reports.answer_templates``.
A blank is written ``{number}``, ``{kind}``, ``{place}``, ``{date}`` (the day of the work) or
``{office}`` (the department).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core.languages import LANGUAGES, Catalogue, mark
from reports import states
from reports.states import ReportState

CATALOGUE = Catalogue(Path(__file__).parent / "locales")
REOPENED = "reopened"
"""When it is said: the city works again on a report that had ended."""
ANY = ""
"""When it is said: at any time, if staff choose it."""
BLANKS = ("number", "kind", "place", "date", "office")

ABOUT_REPORT = mark("About your report {number}")
ABOUT_FOLLOWED = mark("About report {number}, which you follow")
WRITTEN_IN_JAPANESE = mark("This answer is in Japanese.")
SHOWS_AFTER = mark("The photo shows the place after the work.")
IS_IT_RIGHT = mark("Is the place all right now?")
RIGHT = mark("Yes, it is all right")
NOT_RIGHT = mark("No, not yet")


@dataclass(frozen=True)
class BuiltIn:
    """One ready answer.

    Parameters
    ----------
    code
        Its name in forms and in what is kept.
    message
        Its words: a msgid of ``catalogue``.
    when
        The state that a report gets, :data:`REOPENED` or :data:`ANY`.
    by_itself
        Whether residents hear it when a report gets this state and staff chose nothing else.
    """

    code: str
    message: str
    when: str = ANY
    by_itself: bool = False
    catalogue: Catalogue = CATALOGUE

    def text(self, language: str) -> str:
        """Return its words, with the blanks as they are."""
        return self.catalogue.text(
            language, self.message, **{name: f"{{{name}}}" for name in BLANKS}
        )


def _news(code: str, state: ReportState) -> BuiltIn:
    return BuiltIn(code, state.facts.news, state.value, True, states.CATALOGUE)


BUILT_IN = (
    BuiltIn("thanks", mark("Thank you for your report. We will look at the place.")),
    BuiltIn(
        "accepted",
        mark("The city has read your report and will look after it."),
        ReportState.ACCEPTED.value,
        by_itself=True,
    ),
    BuiltIn(
        "planned",
        mark("Thank you for your report. We have looked at the place and will repair it."),
        ReportState.ACCEPTED.value,
    ),
    BuiltIn(
        "planned-day",
        mark("We plan to repair the place you told us about on {date}."),
        ReportState.ACCEPTED.value,
    ),
    BuiltIn(
        "working",
        mark("Repair work at the place you told us about has begun."),
        ReportState.IN_PROGRESS.value,
        by_itself=True,
    ),
    _news("finished", ReportState.DONE),
    BuiltIn(
        "mended",
        mark("The place you told us about has been repaired. Thank you for your help."),
        ReportState.DONE.value,
    ),
    _news("not-taken", ReportState.DECLINED),
    BuiltIn(
        "private",
        mark("The place you told us about is private property, so the city cannot repair it."),
        ReportState.DECLINED.value,
    ),
    BuiltIn(
        "no-damage",
        mark(
            "We looked at the place but found no damage. If we looked in the wrong place, "
            "please send us a new report with a photo."
        ),
        ReportState.DECLINED.value,
    ),
    _news("passed-on", ReportState.REFERRED),
    BuiltIn(
        "other-office",
        mark(
            "The place you told us about is looked after by another office. "
            "We have passed your report on to them."
        ),
        ReportState.REFERRED.value,
    ),
    _news("joined", ReportState.DUPLICATE),
    BuiltIn("again", states.REOPENED, REOPENED, True, states.CATALOGUE),
    BuiltIn(
        "photo",
        mark(
            "We could not find the place. Please send us a new report with a photo and the "
            "location."
        ),
    ),
)
SAID_HERE = (
    *(one.message for one in BUILT_IN if one.catalogue is CATALOGUE),
    *(ABOUT_REPORT, ABOUT_FOLLOWED, WRITTEN_IN_JAPANESE),
    *(SHOWS_AFTER, IS_IT_RIGHT, RIGHT, NOT_RIGHT),
)
"""Every msgid of this catalogue."""


def built_in(code: str) -> BuiltIn | None:
    """Return a ready answer by its code."""
    return next((one for one in BUILT_IN if one.code == code), None)


def meaning(words: str, staff_language: str) -> str:
    """Return what was said by a ready answer in the language of staff, or ""."""
    for one in BUILT_IN:
        if words in {one.text(language) for language in LANGUAGES}:
            return one.text(staff_language)
    return ""
