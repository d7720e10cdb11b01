"""Everything that staff and residents read is in every language it must be in."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir

import alerts
import console
import public
import reports
from alerts import ready_words
from channels.email import words as mail_words
from console import presets, words
from core.languages import LANGUAGES, Catalogue
from feeds.texts import drill_mark
from public import words as public_words
from reports import answer_words

KEYWORDS: dict[str, tuple[int, ...] | None] = {
    "_": None,
    "mark": None,
    "say": None,
    "Refusal": None,
    "text": (2,),
}
PLACEHOLDER = re.compile(r"{\w+}")
RESIDENTS_CATALOGUES = [
    public_words.CATALOGUE,
    mail_words.CATALOGUE,
    presets.CATALOGUE,
    ready_words.CATALOGUE,
    answer_words.CATALOGUE,
]
KANJI_WITHOUT_READING = re.compile(r"[一-龥々]+(?![一-龥々ぁ-んァ-ヶー]*（)")


def said_in(
    folder: Path, *, without: str = "", keywords: dict[str, tuple[int, ...] | None] = KEYWORDS
) -> set[str]:
    """Return every message that code and templates under a folder say."""
    found = extract_from_dir(
        folder,
        method_map=[("**.py", "python"), ("**/templates/**.html", "jinja2")],
        keywords=keywords,
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
    said = said_in(Path(console.__file__).parent, without="presets/")
    assert len(said) > 250
    check(words.CATALOGUE, said, ["ja"])


def test_the_console_says_in_japanese_why_an_alert_may_not_leave() -> None:
    said = said_in(Path(alerts.__file__).parent, keywords={"mark": None, "Refusal": None})
    assert len(said) >= 40
    check(words.CATALOGUE, said, ["ja"])


def test_the_console_says_in_japanese_what_is_refused_of_a_report() -> None:
    said = said_in(Path(reports.__file__).parent, keywords={"Refusal": None})
    assert len(said) >= 15
    check(words.CATALOGUE, said, ["ja"])


def test_the_public_page_speaks_all_languages() -> None:
    said = said_in(Path(public.__file__).parent)
    assert len(said) >= 29
    check(public_words.CATALOGUE, said, list(LANGUAGES))


def test_ready_words_speak_all_languages() -> None:
    said = {answer.message for answer in presets.TO_HOUSEHOLDS}
    said |= {presets.ABOUT_HOUSEHOLD, presets.WRITTEN_IN_JAPANESE}
    check(presets.CATALOGUE, said, list(LANGUAGES))
    check(answer_words.CATALOGUE, {*answer_words.SAID_HERE}, list(LANGUAGES))
    said = {*ready_words.ALERTS.values(), ready_words.MISTAKE, ready_words.OVER}
    check(ready_words.CATALOGUE, said, list(LANGUAGES))


@pytest.mark.parametrize("catalogue", RESIDENTS_CATALOGUES)
def test_no_language_says_what_nobody_asks(catalogue: Catalogue) -> None:
    catalogue.has("ja", "")
    expected = set(catalogue._loaded["ja"])
    for language in LANGUAGES:
        catalogue.has(language, "")
        if language != "en":
            assert set(catalogue._loaded[language]) == expected, language


@pytest.mark.parametrize("catalogue", RESIDENTS_CATALOGUES)
def test_easy_japanese_gives_a_reading_for_every_kanji(catalogue: Catalogue) -> None:
    catalogue.has("ja-x-easy", "")
    for text in catalogue._loaded["ja-x-easy"].values():
        bare = re.sub(r"（[^）]*）", "（）", text)
        assert not KANJI_WITHOUT_READING.search(bare), text


def test_a_drills_ready_words_say_the_word_of_the_drill_mark() -> None:
    """Who reads the mark alone and who reads the words alone must think of the same thing."""
    for language in LANGUAGES:
        word = drill_mark(language).strip("【】[]").casefold()
        said = ready_words.CATALOGUE.text(language, ready_words.ALERTS["practice"]).casefold()
        assert word in said, language


def test_an_all_clear_sends_nobody_home_while_another_order_stands() -> None:
    for language, stay in {
        "ja": "まだ戻らないでください",
        "en": "do not go back yet",
        "my": "မပြန်ပါနှင့်",
        "vi": "đừng quay về",
        "pt": "não volte ainda",
    }.items():
        said = ready_words.CATALOGUE.text(language, ready_words.OVER, time="9:05")
        assert stay in said
        assert "帰宅" not in said


def test_no_catalogue_of_the_console_or_of_alerts_says_a_message_twice() -> None:
    """Two who add the same message at once leave it there twice, with two translations."""
    for file in (
        *Path(console.__file__).parent.rglob("locales/*.po"),
        *Path(alerts.__file__).parent.rglob("locales/*.po"),
    ):
        said = re.findall(r'^msgid ((?:".*"\n)+)', file.read_text(encoding="utf-8"), re.MULTILINE)
        assert [one for one, number in Counter(said).items() if number > 1] == [], file
