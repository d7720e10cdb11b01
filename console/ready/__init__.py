"""Ready words for residents, in all their languages, so that nobody has to write them at night.

In comes what staff chose from a list; out go whole sentences from the catalogue. Staff read
them before they go and may change them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from core.languages import Catalogue
from feeds.models import Status
from feeds.texts import moment
from reports.models import ReportState

CATALOGUE = Catalogue(Path(__file__).parent / "locales")

MISTAKE = "The message we sent on {time} was a mistake. Please disregard it. We are very sorry."
OVER = (
    "The danger we told you about on {time} has passed. Please stay careful on your way home "
    "and near rivers, slopes and damaged buildings."
)


@dataclass(frozen=True)
class Answer:
    """A ready answer to a report. ``state`` is the state it belongs to, None for any."""

    code: str
    message: str
    state: ReportState | None


ANSWERS = (
    Answer("thanks", "Thank you for your report. We will look at the place.", None),
    Answer(
        "planned",
        "Thank you for your report. We have looked at the place and will repair it.",
        ReportState.ACCEPTED,
    ),
    Answer(
        "working",
        "Repair work at the place you told us about has begun.",
        ReportState.IN_PROGRESS,
    ),
    Answer(
        "mended",
        "The place you told us about has been repaired. Thank you for your help.",
        ReportState.DONE,
    ),
    Answer(
        "other-office",
        "The place you told us about is looked after by another office. "
        "We have passed your report on to them.",
        ReportState.DECLINED,
    ),
    Answer(
        "private",
        "The place you told us about is private property, so the city cannot repair it.",
        ReportState.DECLINED,
    ),
    Answer(
        "no-damage",
        "We looked at the place but found no damage. If we looked in the wrong place, "
        "please send us a new report with a photo.",
        ReportState.DECLINED,
    ),
    Answer(
        "photo",
        "We could not find the place. Please send us a new report with a photo and the location.",
        None,
    ),
)
ALERTS = {
    "river": (
        "The river may overflow. People near the river: leave now and go to a safe, high place."
    ),
    "slope": (
        "There is a danger of landslides. People near slopes and cliffs: leave now and go to a "
        "safe place."
    ),
    "shelters": (
        "Evacuation shelters are open. Bring drinking water, food, medicine and your mobile phone."
    ),
    "upstairs": (
        "It is dangerous to go outside now. Go to an upper floor, away from slopes, and stay there."
    ),
    "water": "The water supply has stopped. We will tell you when it is back.",
    "practice": "We are only practising. You do not need to do anything.",
}
"""Ready words for alerts. Drills have one of their own, which names no danger and no place."""
DRILL_ALERTS = ("practice",)
ABOUT_REPORT = "About your report {number}"
WRITTEN_IN_JAPANESE = "This answer is in Japanese."


def taking_back(
    status: Status, languages: Iterable[str], sent_at: datetime
) -> dict[str, dict[str, str]]:
    """Return words that withdraw what was sent at ``sent_at``, or say that it is over."""
    message = OVER if status is Status.LIFTED else MISTAKE
    return {
        language: {
            "title": "",
            "text": CATALOGUE.text(language, message, time=moment(sent_at, language)),
        }
        for language in languages
    }


def alerts_for(*, drill: bool) -> dict[str, str]:
    """Return the ready words that fit a drill, or a real alert: never the same ones."""
    return {code: words for code, words in ALERTS.items() if (code in DRILL_ALERTS) is drill}


def alert(code: str, languages: Iterable[str], *, drill: bool) -> dict[str, tuple[str, str]] | None:
    """Return ready words in every language as (title, text), or None when there are none."""
    message = alerts_for(drill=drill).get(code)
    if message is None:
        return None
    return {language: ("", CATALOGUE.text(language, message)) for language in languages}


def answer(code: str, language: str) -> str | None:
    """Return a ready answer in ``language``, or None when there is no such answer."""
    found = next((ready for ready in ANSWERS if ready.code == code), None)
    return CATALOGUE.text(language, found.message) if found else None


def meaning(words: str, language: str, staff_language: str) -> str:
    """Return what a ready answer says in the language of staff, or "" when it is none."""
    return next(
        (
            CATALOGUE.text(staff_language, ready.message)
            for ready in ANSWERS
            if CATALOGUE.text(language, ready.message) == words
        ),
        "",
    )


def answer_message(number: str, words: str, language: str, *, japanese: bool) -> str:
    """Return what a resident reads: which report, what the city says, and in which language.

    Parameters
    ----------
    japanese
        Whether staff wrote ``words`` in Japanese themselves.
    """
    lines = [CATALOGUE.text(language, ABOUT_REPORT, number=number), "", words]
    if japanese and language not in ("ja", "ja-x-easy"):
        lines += ["", CATALOGUE.text(language, WRITTEN_IN_JAPANESE)]
    return "\n".join(lines)
