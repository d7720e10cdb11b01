"""Everything that staff and residents read is in every language it must be in."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir, extract_from_file

import channels.alert_checks
import channels.public
import console
from channels.public import pages as public_pages
from console import ready, words
from core.languages import LANGUAGES, Catalogue

KEYWORDS: dict[str, tuple[int, ...] | None] = {
    "_": None,
    "mark": None,
    "say": None,
    "Refusal": None,
    "text": (2,),
}
PLACEHOLDER = re.compile(r"{\w+}")
KANJI_WITHOUT_READING = re.compile(r"[一-龥々]+(?![一-龥々ぁ-んァ-ヶー]*（)")


def said_in(folder: Path, *, without: str = "") -> set[str]:
    """Return every message that code and templates under a folder say."""
    found = extract_from_dir(
        folder,
        method_map=[("**.py", "python"), ("**/templates/**.html", "jinja2")],
        keywords=KEYWORDS,
    )
    return {
        message if isinstance(message, str) else message[0]
        for name, _, message, _, _ in found
        if not (without and name.startswith(without))
    }


def check(catalogue: Catalogue, messages: set[str], languages: list[str]) -> None:
    for language in languages:
        for message in messages:
            assert catalogue.has(language, message), (language, message)
            if language == "en":
                continue
            text = catalogue._lookup(language, message, None) or ""
            assert set(PLACEHOLDER.findall(text)) == set(PLACEHOLDER.findall(message)), text


def test_the_console_speaks_japanese() -> None:
    said = said_in(Path(console.__file__).parent, without="ready/")
    assert len(said) > 250
    check(words.CATALOGUE, said, ["ja"])


def test_the_console_says_in_japanese_why_an_alert_may_not_leave() -> None:
    file = Path(channels.alert_checks.__file__)
    found = extract_from_file("python", file, keywords={"mark": None})
    said = {str(message) for _, message, _, _ in found}
    assert len(said) >= 14
    check(words.CATALOGUE, said, ["ja"])


def test_the_public_page_speaks_all_languages() -> None:
    said = said_in(Path(channels.public.__file__).parent)
    assert len(said) >= 29
    check(public_pages.CATALOGUE, said, list(LANGUAGES))


def test_ready_words_speak_all_languages() -> None:
    said = {answer.message for answer in ready.ANSWERS}
    said |= set(ready.ALERTS.values())
    said |= {ready.MISTAKE, ready.OVER, ready.ABOUT_REPORT, ready.WRITTEN_IN_JAPANESE}
    check(ready.CATALOGUE, said, list(LANGUAGES))


@pytest.mark.parametrize("catalogue", [public_pages.CATALOGUE, ready.CATALOGUE])
def test_no_language_says_what_nobody_asks(catalogue: Catalogue) -> None:
    catalogue.has("ja", "")
    expected = set(catalogue._loaded["ja"])
    for language in LANGUAGES:
        catalogue.has(language, "")
        if language != "en":
            assert set(catalogue._loaded[language]) == expected, language


@pytest.mark.parametrize("catalogue", [public_pages.CATALOGUE, ready.CATALOGUE])
def test_easy_japanese_gives_a_reading_for_every_kanji(catalogue: Catalogue) -> None:
    catalogue.has("ja-x-easy", "")
    for text in catalogue._loaded["ja-x-easy"].values():
        bare = re.sub(r"（[^）]*）", "（）", text)
        assert not KANJI_WITHOUT_READING.search(bare), text
