"""The files that a language needs in addition to its entry in ``core.languages``.

For a language it returns the missing files. ``todoke check`` names them for the languages of a
city, and no service starts without them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib.resources import files
from pathlib import Path

from core.errors import BadInput
from core.languages import EASY_JAPANESE, LANGUAGES, Language

CATALOGUES = (
    *("alerts", "bot", "channels.email", "console.presets", "feeds", "public"),
    *("reports", "reports.answer_words", "response"),
)
"""Packages with ``locales`` for residents; English is in the code."""
MENUS = ("news", "daily", "tell", "mine", "disaster", "drill")
"""Folders of ``bot/richmenu/data`` with a picture for each language."""
NAMES = ("terms", "places", "times", "directions")
"""Tables of ``feeds/texts/data``."""
WRITTEN_BY_CODE = {"ja": frozenset(NAMES), EASY_JAPANESE: frozenset({"places", "times"})}
"""Tables that a language does not need, as Japanese is the language of the source."""


def missing_files(codes: Iterable[str]) -> list[str]:
    """Return the missing files of languages."""
    return [
        f"{path}: the language {code} needs it; docs/languages.md says how it is made."
        for code in codes
        for path in needed_files(LANGUAGES[code])
        if not path.exists()
    ]


def require_files(codes: Iterable[str]) -> None:
    """Refuse languages with missing files.

    Raises
    ------
    BadInput
        Files are missing; it names them.
    """
    missing = missing_files(codes)
    if missing:
        raise BadInput("\n".join(missing))


def needed_files(language: Language) -> Iterator[Path]:
    """Yield the files that hold a language's words, and the picture of its menu."""
    if language.code != "en":
        for package in CATALOGUES:
            yield _folder(package) / "locales" / f"{language.code}.po"
    for name in NAMES:
        if name not in WRITTEN_BY_CODE.get(language.code, ()):
            yield _folder("feeds.texts") / "data" / name / f"{language.code}.toml"
    for folder in ("data", "data/danger"):
        yield _folder("bot.understanding") / folder / f"{language.vocabulary_file}.toml"
    for kind in MENUS:
        yield _folder("bot.richmenu") / "data" / kind / f"{language.code}.png"


def _folder(package: str) -> Path:
    return Path(str(files(package)))
