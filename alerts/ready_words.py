"""Ready words for alerts, in all residents' languages, so that nobody writes them at night.

Staff choose from a list and get whole sentences from the catalogue. They read them before sending
and may change them.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from core.languages import Catalogue
from feeds.models import Status
from feeds.texts import moment

CATALOGUE = Catalogue(Path(__file__).parent / "locales")

MISTAKE = "The message we sent on {time} was a mistake. Please disregard it. We are very sorry."
OVER = (
    "The danger we told you about on {time} has passed. If another evacuation order is still in "
    "effect, do not go back yet."
)
"""It does not tell people to go home, because another order may be in force."""
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
    "practice": "This is only a drill. You do not need to do anything.",
}
"""Ready words for alerts. Drills have one of their own, which names no danger and no place."""
DRILL_ALERTS = ("practice",)


def taking_back(
    status: Status, languages: Iterable[str], sent_at: datetime
) -> dict[str, dict[str, str]]:
    """Return words that withdraw the alert sent at ``sent_at``, or say that it is over."""
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
    """Return ready words in every language as (title, text), or None if there are none."""
    message = alerts_for(drill=drill).get(code)
    if message is None:
        return None
    return {language: ("", CATALOGUE.text(language, message)) for language in languages}
