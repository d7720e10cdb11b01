"""Every text exists in all sixteen languages and fits LINE's limits."""

from __future__ import annotations

import ast
import string
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

import bot
from bot.catalogue import WORDS
from bot.dialogues.buttons import BUTTONS
from bot.dialogues.onboarding import MENU
from core.languages import LANGUAGES
from response import household_names

PACKAGE = Path(bot.__file__).parent
TRANSLATED = [language for language in LANGUAGES if language != "en"]


def said() -> set[tuple[str | None, str]]:
    """Return every message in the code, by context."""
    found: set[tuple[str | None, str]] = {(None, name) for _, name in MENU}
    files = [*(PACKAGE / "dialogues").glob("*.py"), *(PACKAGE / "richmenu").glob("*.py")]
    for path in [
        *files,
        Path(household_names.__file__),
        *(
            PACKAGE / f"{name}.py"
            for name in ("inbox", "reminders", "repairs", "report_verdict", "unfinished")
        ),
    ]:
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Call(ast.Name("mark"), [ast.Constant(str(message))]):
                    found.add((None, message))
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            texts = [a.value if isinstance(a, ast.Constant) else None for a in node.args]
            match node.func.attr, texts:
                case "say", [str(message), *_]:
                    found.add((None, message))
                case "text", [_, str(message)]:
                    found.add((None, message))
                case "context_text", [str(context), _, str(message)]:
                    found.add((context, message))
    return found


def settings_names() -> set[tuple[str | None, str]]:
    """Names that the settings and the buttons that can be typed take from a list."""
    listed = ("Language", "Districts", "Topics", "Alert level", "Quiet hours", "My data")
    return {(None, name) for name in (*listed, *BUTTONS)}


def places_in(message: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(message) if name}


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_language_says_all_of_it_with_the_same_places(language: str) -> None:
    wanted = said() | settings_names()
    assert len(wanted) > 90
    missing = [message for context, message in wanted if not WORDS.has(language, message, context)]
    assert missing == []
    with (PACKAGE / "locales" / f"{language}.po").open("rb") as source:
        entries = [entry for entry in read_po(source) if entry.id]
    for entry in entries:
        assert not entry.fuzzy
        assert isinstance(entry.id, str)
        assert isinstance(entry.string, str)
        assert places_in(entry.id) == places_in(entry.string)
        assert (entry.context, entry.id) in wanted, f"nobody says {entry.id!r}"


def test_easy_japanese_reads_every_kanji() -> None:
    with (PACKAGE / "locales" / "ja-x-easy.po").open("rb") as source:
        entries = [entry for entry in read_po(source) if entry.id]
    for entry in entries:
        words = str(entry.string)
        for number, character in enumerate(words):
            if not "\u4e00" <= character <= "\u9fff":
                continue
            rest = words[number:].lstrip("".join(c for c in words if "\u4e00" <= c <= "\u9fff"))
            opening = words[number:].find("（")
            assert rest and 0 < opening <= 6, (words, character)
