"""The words that staff read on their phones, in all languages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from core.languages import Catalogue, mark
from response.models import StaffAnswer

WORDS = Catalogue(Path(__file__).parent / "locales")


@dataclass(frozen=True)
class Choice:
    """An answer that can be given: what it means, in how many minutes, and its label."""

    answer: StaffAnswer
    label: str
    minutes: int | None = None


CHOICES: Mapping[str, Choice] = {
    "coming-10": Choice(StaffAnswer.COMING, mark("Coming, in 10 minutes"), 10),
    "coming-30": Choice(StaffAnswer.COMING, mark("Coming, in 30 minutes"), 30),
    "coming-60": Choice(StaffAnswer.COMING, mark("Coming, in 1 hour"), 60),
    "coming-120": Choice(StaffAnswer.COMING, mark("Coming, 2 hours or more"), 120),
    "at-office": Choice(StaffAnswer.AT_OFFICE, mark("At work already")),
    "safe": Choice(StaffAnswer.SAFE, mark("Safe, but cannot come")),
    "cannot": Choice(StaffAnswer.CANNOT, mark("Cannot come")),
}
"""By the code in buttons and links, in the order of the buttons."""
CALL = mark("Call-up: please come to work")
REMINDER = mark("The call-up has no answer from you yet")
OVER = mark("The call-up has ended")
HOW = mark("Please answer with a button. You can change your answer later.")
THANKS = mark("Thank you.")
ANSWER_PAGE = mark("Answer on a page")


def say(language: str, message: str, /, **values: object) -> str:
    """Return a message in ``language``."""
    return WORDS.text(language, message, **values)


def choice_of(answer: StaffAnswer | None, minutes: int | None) -> str:
    """Return the code of an answer; "" for none."""
    for code, choice in CHOICES.items():
        if (choice.answer, choice.minutes) == (answer, minutes):
            return code
    return ""


ASK = mark("Are you {name} ({department})?")
ASK_MORE = mark(
    "The city will then call you here when staff must come to work. Your own notices stay the same."
)
YES = mark("Yes, join the staff list")
NO = mark("No")
NOTHING = mark("Nothing was changed.")
JOINED = mark("You joined the staff list as {name}. Write STAFF here to see it or to leave.")
ALREADY = mark("You have joined as {name} already.")
WRONG = mark("This code is not valid. Ask the person who gave it to you.")
OLD = mark("This code is too old. Ask for a new one.")
USED = mark("This code was used before. Ask for a new one.")
OTHER = mark("This LINE account joined as {name}. Leave the staff list first.")
TOO_MANY = mark("Too many wrong codes. Try again in an hour.")
LISTED = mark("You are on the staff list as {name} ({department}).")
NOT_LISTED = mark("You are not on the staff list.")
LEAVE = mark("Leave the staff list")
LEFT = mark("You left the staff list. Your own notices stay the same.")
NOTED = mark("Noted: {answer}")
ENDED = mark("This call-up has ended.")
NOT_CALLED = mark("You are not called in this call-up.")
YOUR_ANSWER = mark("Your answer")
SEND_IT = mark("Send this answer")
CHANGED = mark("Your answer has changed meanwhile. Look at it and send again.")
NO_LINK = mark("This link is not valid any more.")
