"""What the desk's chat says by itself, in all residents' languages."""

from __future__ import annotations

from datetime import datetime
from functools import cache

from alerts.ready_words import CATALOGUE
from core.clock import in_japan
from core.languages import LANGUAGES
from feeds.texts import day_name

WRITE = "Write to a person"
END = "End the chat"
BEGUN = "A person of the city will answer you here. Write your question."
LATELY = "Lately the first answer took about {minutes} minutes."
HOW_TO_END = "To end the chat, write “{word}”."
AGAIN_FROM = "Nobody is at the desk now. A person answers again from {when}."
NOBODY = "Nobody is at the desk now."
ENDED = "The chat has ended. A machine answers here again."
IDLE = "The chat was closed because you did not write for some time. A machine answers here again."
SENTENCES = (WRITE, END, BEGUN, LATELY, HOW_TO_END, AGAIN_FROM, NOBODY, ENDED, IDLE)


def text(language: str, message: str, **values: object) -> str:
    """Return a sentence in a language."""
    return CATALOGUE.text(language, message, **values)


def begun(language: str, minutes: int | None) -> str:
    """Return what somebody reads whose chat begins."""
    lately = [text(language, LATELY, minutes=minutes)] if minutes else []
    how = text(language, HOW_TO_END, word=text(language, END))
    return "\n".join((text(language, BEGUN), *lately, how))


def closed(language: str, again: datetime | None) -> str:
    """Return what somebody reads while nobody is at the desk."""
    if again is None:
        return text(language, NOBODY)
    local = in_japan(again)
    when = f"{day_name(local.date(), language)} {local:%H:%M}"
    return text(language, AGAIN_FROM, when=when)


@cache
def end_words() -> frozenset[str]:
    """Return the words that end a chat, folded, in all languages."""
    return frozenset(text(language, END).casefold() for language in LANGUAGES)
