"""The keys of the list of reports and of the intake, as their help shows them."""

from __future__ import annotations

from collections.abc import Sequence

from console import words
from core.languages import mark

Keys = Sequence[tuple[tuple[str, ...], str]]

LIST_KEYS: Keys = (
    (("j", "↓"), mark("The next case")),
    (("k", "↑"), mark("The case before")),
    (("Enter", "o"), mark("Open the case")),
    (("x",), mark("Mark the case, or take the mark off")),
    (("X",), mark("Mark all of the page, or none")),
    (("a",), mark("Assign the marked ones, or this one")),
    (("r",), mark("Answer the marked ones, or this one")),
    (("s",), mark("Set the state of the marked ones, or of this one")),
    (("c",), mark("Go to “Join into one case”")),
    (("Esc",), mark("Back to the list")),
    (("n", "p"), mark("The next page, the page before")),
    (("/",), mark("Search")),
    (("i",), mark("Morning's intake")),
    (("?",), mark("These keys")),
)
"""``static/reports.js`` says what each does."""
INBOX_KEYS: Keys = (
    (("1", "…", "9"), mark("Take it up and assign it to this team")),
    (("a",), mark("Take it up without a team")),
    (("m",), mark("It is the same as the suggested case: join them")),
    (("d",), mark("Choose a reason to decline it; Enter to decline")),
    (("f",), mark("Choose the office that looks after it; Enter to pass it on")),
    (("u",), mark("Urgent: set the priority to “at once”")),
    (("n",), mark("Later: the next one")),
    (("o",), mark("Open the case")),
    (("l",), mark("To the list")),
    (("?",), mark("These keys")),
)


def key_help(keys: Keys, language: str) -> list[tuple[tuple[str, ...], str]]:
    """Return the keys with what they do in words."""
    return [(key, words.CATALOGUE.text(language, does)) for key, does in keys]
