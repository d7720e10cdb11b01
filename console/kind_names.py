"""What the values of a kind of reports are called for staff: in its form, in what is wrong with
it, and in what a change would change.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from city.kinds import DAYS, AnswerType
from city.toml_lines import KeyPath
from console import words
from console.kind_form import DANGER_WORDS
from core.languages import LANGUAGES, mark
from reports.names import priority_names

TYPE_NAMES = {
    AnswerType.TEXT: mark("In words"),
    AnswerType.NUMBER: mark("Number"),
    AnswerType.ONE: mark("One of several"),
    AnswerType.SEVERAL: mark("Any of several"),
    AnswerType.YES_NO: mark("Yes or no"),
}
AS_FOUND = mark("As the service finds")
DAY_NAMES = dict(
    zip(
        DAYS,
        (
            *(mark("Mon"), mark("Tue"), mark("Wed"), mark("Thu"), mark("Fri")),
            *(mark("Sat"), mark("Sun"), mark("Holiday")),
        ),
        strict=True,
    )
)
FIELD_NAMES = {
    "names": mark("Name of the kind"),
    "department": mark("Department"),
    "owner": mark("Other office"),
    "areas": mark("Elsewhere in some districts"),
    "questions": mark("Questions"),
    "message": mark("Message instead of a report"),
    "published": mark("May be published"),
    "priority": mark("Priority"),
    "due_days": mark("Due in working days"),
    "retention_days": mark("Words and photos are kept (days)"),
    "season": mark("Season"),
    "off_from": mark("Switched off from"),
    "off_until": mark("Switched off until"),
    "order": mark("Place in the list"),
    "picture": mark("Picture"),
    "danger": mark("Dangerous: emergency numbers first"),
    "at_homes": mark("Usually at somebody's home"),
    "danger_words": mark("Words of danger"),
    "code": mark("Code"),
}
"""What a value of a kind is called for staff, by its key."""
PART_NAMES = {
    **FIELD_NAMES,
    **DANGER_WORDS,
    "type": mark("How it is answered"),
    "needed": mark("It cannot be skipped"),
    "choices": mark("Choices"),
    "districts": mark("Districts"),
    "phone": mark("Telephone"),
    "url": mark("Page with more about it (https://…)"),
    "hours": mark("Hours"),
    "days": mark("On the days"),
    "start": mark("from"),
    "end": mark("to"),
    "closed_texts": mark("At all other hours"),
    "closed_phone": mark("Telephone at all other hours"),
}
"""What a part of a value is called, by its key."""
TEXTS = ("names", "texts")
"""Keys that say nothing: a language follows."""
CODED = ("questions", "choices")
"""Keys that are followed by the code of a question or choice."""


def is_told(place: KeyPath, old: Any, new: Any) -> bool:
    """Whether a difference says something: not the code and the place of what is new or gone."""
    return len(place) == 1 or place[-1] not in ("code", "order") or None not in (old, new)


def place_name(place: KeyPath, language: str) -> str:
    """Return where a value of a kind stands, as staff call it."""

    def say(message: str) -> str:
        return words.CATALOGUE.text(language, message)

    if not place:
        return say(mark("Kind"))
    first = str(place[0])
    found = [say(FIELD_NAMES[first]) if first in FIELD_NAMES else first]
    for before, part in pairwise(place):
        if isinstance(part, int):
            found.append(str(part + 1))
        elif before in CODED:
            found.append(part)
        elif part in LANGUAGES:
            found.append(words.language_name(part, language))
        elif part not in TEXTS:
            found.append(say(PART_NAMES[part]) if part in PART_NAMES else part)
    return " › ".join(found)


def value_name(
    place: KeyPath, value: Any, *, language: str, known: Mapping[str, Mapping[str, str]]
) -> str:
    """Return a value as staff call it; ``known`` has the names of codes, by the key of a value."""

    def say(message: str) -> str:
        return words.CATALOGUE.text(language, message)

    if isinstance(value, list):
        shown = [value_name(place, one, language=language, known=known) for one in value]
        return words.listed(shown, language) or "–"
    match str(place[-1]), value:
        case _, None | "":
            return "–"
        case _, bool():
            return say(mark("Yes")) if value else say(mark("No"))
        case "priority", int():
            return priority_names(language).get(value, say(AS_FOUND))
        case "type", _:
            return say(TYPE_NAMES[AnswerType(value)])
        case "days", _:
            return say(DAY_NAMES[value])
        case "start" | "end", _:
            return str(value).removesuffix(":00") if str(value).count(":") == 2 else str(value)
        case key, _:
            return known.get(key, {}).get(str(value), str(value))
