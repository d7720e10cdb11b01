"""Everything the public pages say exists in all sixteen languages, and nothing else is kept."""

from __future__ import annotations

import re
import string
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

import public
from core.languages import LANGUAGES
from response import household_names

PACKAGE = Path(public.__file__).parent
SAID = re.compile(r"""(?:\b_|\bmark|\bCATALOGUE\.text)\((?:language, )?\s*(["'])(.+?)\1\s*[,)]""")


def said() -> set[str]:
    files = [
        *(PACKAGE / "templates").glob("*.html"),
        *PACKAGE.glob("*.py"),
        Path(household_names.__file__),
    ]
    return {found[1] for path in files for found in SAID.findall(path.read_text("utf-8"))}


def places_in(message: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(message) if name}


@pytest.mark.parametrize("language", [code for code in LANGUAGES if code != "en"])
def test_a_language_says_all_of_it_with_the_same_places(language: str) -> None:
    with (PACKAGE / "locales" / f"{language}.po").open("rb") as source:
        entries = {str(entry.id): entry for entry in read_po(source) if entry.id}
    wanted = said()
    assert len(wanted) > 30
    assert set(entries) == wanted
    for message, entry in entries.items():
        assert entry.string
        assert not entry.fuzzy
        assert places_in(message) == places_in(str(entry.string))
