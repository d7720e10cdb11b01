"""One thing has one word: in warnings, in the chat, on the public page and in ready words."""

from __future__ import annotations

import re

import pytest

from bot.catalogue import WORDS
from core.languages import EASY_JAPANESE, LANGUAGES
from feeds.texts.compose import CATALOGUE, drill_mark
from feeds.texts.terms import term
from public import words as public_words

EVERY = tuple(LANGUAGES)
AS_THE_AGENCY = (
    "ja",
    EASY_JAPANESE,
    "en",
    "zh-Hans",
    "zh-Hant",
    "ko",
    "pt",
    "es",
    "vi",
    "id",
    "ne",
)
"""Languages whose word for the level the agency's dictionary has in a form that can stand alone."""


def stems(text: str) -> set[str]:
    """The beginnings of a text's words, which singular and plural have in common."""
    return {word[:4] for word in re.findall(r"[\w（）]+[^\s:：/]*", text.casefold())}


@pytest.mark.parametrize("language", EVERY)
def test_where_one_flees_to_is_called_the_same_everywhere(language: str) -> None:
    said = [
        CATALOGUE.text(language, "Evacuation sites: {url}", url=""),
        WORDS.text(language, "Evacuation sites"),
        public_words.CATALOGUE.text(language, "Evacuation sites"),
    ]
    found = sorted((stems(each) for each in said), key=len)
    assert all(found[0] <= other for other in found), said


@pytest.mark.parametrize("language", EVERY)
def test_a_landslide_is_called_the_same_on_the_page_of_sites_and_in_its_warning(
    language: str,
) -> None:
    page = public_words.CATALOGUE.text(language, "Landslide")
    warning = term("レベル３土砂災害警報", language).text
    assert all(stem in warning.casefold() for stem in stems(page)), (page, warning)


@pytest.mark.parametrize("language", AS_THE_AGENCY)
def test_the_settings_call_a_level_as_the_agency_does(language: str) -> None:
    official = re.sub(r"\s*[1-9१-९１-９]$", "", term("警戒レベル1", language).text)
    for setting in (
        WORDS.text(language, "Alert level"),
        public_words.CATALOGUE.text(language, "Alert level {level} and above", level=3),
    ):
        assert official.casefold() in setting.casefold()


@pytest.mark.parametrize("language", EVERY)
def test_the_note_of_a_drill_says_the_word_of_its_mark(language: str) -> None:
    word = drill_mark(language).strip("【】[]").casefold()
    assert (
        word
        in CATALOGUE.text(language, "This is a drill. It is not a real announcement.").casefold()
    )
