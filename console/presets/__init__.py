"""Ready answers to households in a disaster, in all residents' languages.

Staff choose from a list and get whole sentences from the catalogue. They read them before sending
and may change them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core.languages import Catalogue, reads_japanese
from feeds.texts import drill_mark

CATALOGUE = Catalogue(Path(__file__).parent / "locales")


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
WRITTEN_IN_JAPANESE = "This answer is in Japanese."


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
