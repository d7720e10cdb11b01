"""What every part of a city is made of: names by language, and values that nobody changes."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

Names = dict[str, str]
"""A name by language code; ``ja`` is always there."""


class Part(BaseModel):
    """A part of a city: frozen, and without keys that nobody knows."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def name_in(names: Names, language: str) -> str:
    """Return a name in ``language``; Latin-script readers get English, then Japanese."""
    if language in names:
        return names[language]
    if language == "ja-x-easy":
        return names["ja"]
    return names.get("en", names["ja"])


def sentence_in(names: Names, language: str) -> str:
    """Return a sentence in ``language``, else in the language that its reader is nearest to.

    Readers of easy Japanese get Japanese. Others get English, or easy Japanese, or Japanese.
    """
    nearest = (language,) if language == "ja-x-easy" else (language, "en", "ja-x-easy")
    return next((names[code] for code in nearest if code in names), names["ja"])
