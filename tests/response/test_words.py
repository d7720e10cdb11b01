"""Every word that staff read on their phones exists in all sixteen languages."""

from __future__ import annotations

import re
import string
from pathlib import Path

import pytest

import response
from core.languages import LANGUAGES
from response.words import WORDS

SAID = re.findall(
    r'mark\(\s*"([^"]+)"', (Path(response.__file__).parent / "words.py").read_text("utf-8")
)


def places_in(message: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(message) if name}


@pytest.mark.parametrize("language", [code for code in LANGUAGES if code != "en"])
def test_a_language_says_all_of_it_with_the_same_places(language: str) -> None:
    assert len(SAID) > 30
    for message in SAID:
        assert WORDS.has(language, message), message
        values = dict.fromkeys(places_in(message), "…")
        assert WORDS.text(language, message, **values).count("…") >= len(values)
