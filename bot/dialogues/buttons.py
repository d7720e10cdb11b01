"""Buttons that mean the same everywhere: typing a label is the same as pressing it.

The labels come from the catalogues, so a changed translation is understood too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

import structlog

from bot.catalogue import WORDS
from bot.messages import Message, decode_postback
from bot.understanding import Understanding
from bot.understanding.folding import fold
from bot.understanding.lexicon import BadWords, LexiconFile, checked_source
from city.words import Tables
from core.languages import LANGUAGES

log = structlog.get_logger(__name__)

BUTTONS: dict[str, tuple[str, str]] = {
    "Warnings now": ("now", "in-force"),
    "Evacuation sites": ("shelters", "shelter"),
    "Nearest evacuation sites": ("shelters", "shelter"),
    "I am safe": ("safe", "safe"),
    "Report damage": ("report", "report"),
    "Your reports": ("reports", "report-status"),
    "Repairs near me": ("repairs", "report-status"),
    "Rubbish days": ("rubbish", "collection-day"),
    "Questions": ("questions", "faq"),
    "How to use": ("help", "help"),
    "Language": ("language", "language"),
    "Settings": ("settings", "settings"),
    "Districts": ("areas", "settings"),
    "Topics": ("topics", "settings"),
    "Alert level": ("levels", "settings"),
    "Earthquake intensity": ("quakes", "settings"),
    "Quiet hours": ("quiet-hours", "fewer-messages"),
    "My data": ("data", "my-data"),
    "Erase everything": ("erase", "my-data"),
    "Cancel": ("cancel", "cancel"),
}
"""By English label: what pressing it does, and what it asks for."""


@cache
def _by_label() -> dict[str, str]:
    return {
        fold(WORDS.text(language, label)): do
        for language in LANGUAGES
        for label, (do, _) in BUTTONS.items()
        if do != "cancel"
    }


def typed_button(text: str) -> str | None:
    """Return what pressing the button with this label does, in any language, or None."""
    return _by_label().get(fold(text))


def pressed_by_typing(text: str, shown: Iterable[Message]) -> tuple[str, dict[str, str]] | None:
    """Return what the button on the screen with this label does, with its values."""
    wanted = fold(text)
    if not wanted:
        return None
    for label, data in _buttons_of(list(shown)):
        if fold(label) == wanted:
            return decode_postback(data)
    return None


def _buttons_of(part: object) -> Iterable[tuple[str, str]]:
    """Yield label and data of all postbacks; a tile's label is its display text."""
    if isinstance(part, dict):
        if part.get("type") == "postback":
            yield str(part.get("label") or part.get("displayText") or ""), str(part["data"])
        for inner in part.values():
            yield from _buttons_of(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from _buttons_of(inner)


@cache
def standard_understanding() -> Understanding:
    """The understanding without a city's own words."""
    return Understanding(labels())


def city_understanding(added: Mapping[str, Tables]) -> Understanding:
    """The understanding with a city's own words; an unreadable file is left out."""
    if not added:
        return standard_understanding()
    sources, wrong = read_added(added)
    for language, reason in wrong.items():
        log.error("words.skipped", language=language, reason=reason)
    return Understanding(labels(), sources)


def read_added(
    added: Mapping[str, Tables], folder: Path | None = None
) -> tuple[dict[str, LexiconFile], dict[str, str]]:
    """Return a city's own words by language, and by language why a file cannot be read.

    Parameters
    ----------
    folder
        Where the files are, to name the line of a mistake.
    """
    sources: dict[str, LexiconFile] = {}
    wrong: dict[str, str] = {}
    for language, tables in sorted(added.items()):
        try:
            sources[language] = checked_source(f"{language}.toml", tables)
        except BadWords as error:
            line = _line_of(folder / f"{language}.toml", error.sought) if folder else ""
            wrong[language] = str(error).replace(".toml:", f".toml:{line}", 1)
    return sources, wrong


def _line_of(path: Path, sought: str) -> str:
    """Return the number of the first line that has ``sought``, with a colon."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return next((f"{number}:" for number, line in enumerate(lines, 1) if sought in line), "")


@cache
def labels() -> dict[str, dict[str, list[str]]]:
    """Return the labels by language and intent."""
    found: dict[str, dict[str, list[str]]] = {}
    for language in LANGUAGES:
        for label, (_, intent) in BUTTONS.items():
            found.setdefault(language, {}).setdefault(intent, []).append(
                WORDS.text(language, label)
            )
        found[language].setdefault("language", []).append(LANGUAGES[language].name)
    return found
