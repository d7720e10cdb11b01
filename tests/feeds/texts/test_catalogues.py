"""The package's words are whole: all messages and names in all languages, official ones marked."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from core.languages import EASY_JAPANESE, LANGUAGES
from feeds.texts import messages
from feeds.texts.compose import intensity_name
from feeds.texts.terms import (
    DIRECTORY,
    comparable_name,
    explained,
    left,
    level_name,
    lookup,
    term,
    terms,
)
from tests.support.proofreading import without_reading

ROOT = Path(__file__).parents[3]
LOCALES = Path(messages.__file__).parent.parent / "locales"
TRANSLATED = tuple(code for code in LANGUAGES if code != "en")
NAMED = tuple(code for code in LANGUAGES if code != "ja")


def placeholders(text: str) -> set[str]:
    return set(re.findall(r"{(\w*)}", text))


def without_stop(name: str) -> str:
    """A name as it is said: without the full stop of a sentence, with that of an abbreviation."""
    return name if re.search(r"\b(etc|dll|atbp)\.$", name) else name.removesuffix(".")


def test_no_message_stands_twice() -> None:
    everything = messages.all_messages()
    assert len(everything) == len(set(everything))


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_message_is_said_in_every_language(language: str) -> None:
    with (LOCALES / f"{language}.po").open("rb") as source:
        catalogue = read_po(source, abort_invalid=True)
    said = {(entry.context, entry.id): entry for entry in catalogue if entry.id}
    assert set(said) == set(messages.all_messages())
    for (_, message), entry in said.items():
        assert isinstance(entry.string, str)
        assert entry.string.strip(), message
        assert not entry.fuzzy, message
        assert placeholders(entry.string) == placeholders(str(message)), message
        assert entry.string == entry.string.strip(), message


@pytest.mark.parametrize("language", sorted(set(TRANSLATED) - {"ja", EASY_JAPANESE}))
def test_nothing_was_left_in_english_or_japanese(language: str) -> None:
    with (LOCALES / f"{language}.po").open("rb") as source:
        entries = [entry for entry in read_po(source) if entry.id]
    sentences = [entry for entry in entries if len(str(entry.id).split()) > 5]
    assert sentences
    for entry in sentences:
        assert entry.string != entry.id
        assert re.search(r"[ぁ-ゖァ-ヺ]", str(entry.string)) is None


def test_easy_japanese_reads_every_character_aloud() -> None:
    with (LOCALES / f"{EASY_JAPANESE}.po").open("rb") as source:
        spoken = [str(entry.string) for entry in read_po(source) if entry.id]
    spoken += [name.text for name in terms(EASY_JAPANESE).values()]
    spoken += [said for name in terms(EASY_JAPANESE) for said in explained(name, EASY_JAPANESE)]
    unread = {text: runs for text in spoken if (runs := without_reading(text))}
    assert not unread


def test_easy_japanese_says_what_to_do_before_it_explains_a_word() -> None:
    """What stands first is what a locked phone shows."""
    with (LOCALES / f"{EASY_JAPANESE}.po").open("rb") as source:
        spoken = [str(entry.string) for entry in read_po(source) if entry.id]
    explains_first = [text for text in spoken if re.match(r"[^。]+は、[^。]*ことです。.", text)]
    assert explains_first == []


def test_easy_japanese_keeps_sentences_short() -> None:
    with (LOCALES / f"{EASY_JAPANESE}.po").open("rb") as source:
        spoken = [str(entry.string) for entry in read_po(source) if entry.id]
    for text in spoken:
        for sentence in re.sub(r"（[ぁ-ゖー ]+）", "", text).split("。"):
            assert len(sentence) <= 75, sentence


@pytest.mark.parametrize("language", NAMED)
def test_every_language_has_the_same_names(language: str) -> None:
    assert set(terms("en")) <= set(terms(language))


@pytest.mark.parametrize("language", NAMED)
def test_promise_6_an_official_name_comes_from_the_official_dictionary(
    language: str, shared_data: Path
) -> None:
    if language == EASY_JAPANESE:
        return
    dictionary = json.loads((shared_data / "jma" / "multilingual.json").read_text("utf-8"))
    key = LANGUAGES[language].dictionary
    if key is None:
        assert not any(said.official for said in terms(language).values())
        return
    official = {f"警戒レベル{level}": names[key] for level, names in dictionary["levels"].items()}
    official |= {
        name: said[key]
        for part in ("words", "warnings_2026")
        for name, said in dictionary[part].items()
    }
    instead = dict(left(language))
    assert set(instead) <= set(official)
    said = {name: said.text for name, said in terms(language).items() if said.official}
    assert said == {
        comparable_name(name): without_stop(text.strip())
        for name, text in official.items()
        if name not in instead
    }
    documented = (ROOT / "docs" / "telegrams.md").read_text("utf-8")
    for name, text in instead.items():
        assert not term(name, language).official
        assert f"| {name} | {language} | {official[name].strip()} | {text} |" in documented


@pytest.mark.parametrize("language", NAMED)
def test_names_that_are_ours_can_be_listed_and_sources_are_credited(language: str) -> None:
    ours = [name for name, said in terms(language).items() if not said.official]
    if language == EASY_JAPANESE:
        assert ours == []
        return
    assert len(ours) > 80
    assert "出典：気象庁ホームページ" in (DIRECTORY / f"{language}.toml").read_text("utf-8")


def test_a_name_is_said_in_the_agencys_words_or_marked_as_ours() -> None:
    assert term("レベル４高潮危険警報", "en").text == "Level 4 Urgent Warning (Storm Surge)"
    assert term("レベル４高潮危険警報", "en").official
    assert term("レベル４大雨危険警報", "en").text == "Level 4 Urgent Warning (Heavy Rain)"
    assert not term("レベル４大雨危険警報", "en").official
    assert term("レベル４大雨危険警報", "ja").text == "レベル４大雨危険警報"


def test_a_name_that_ends_in_an_abbreviation_keeps_its_full_stop() -> None:
    assert term("高齢者等避難", "en").text == "Evacuation of the elderly, etc."
    assert term("高齢者等避難", "id").text.endswith("dll.")
    assert term("高齢者等避難", "tl").text.endswith("atbp.")
    assert not term("津波警報", "tl").text.endswith(".")


@pytest.mark.parametrize("language", NAMED)
def test_an_intensity_has_one_name(language: str) -> None:
    names = {"5-": "震度５弱", "5+": "震度５強", "6-": "震度６弱", "6+": "震度６強"}
    for level, name in names.items():
        assert term(name, language).text.endswith(intensity_name(level, language))


@pytest.mark.parametrize("language", NAMED)
def test_what_is_forecast_half_a_day_ahead_is_not_called_imminent(language: str) -> None:
    ahead, imminent = (
        term(f"気象防災速報（線状降水帯{when}）", language).text for when in ("予測", "直前予測")
    )
    assert ahead != imminent
    assert term("線状降水帯予測", language).text == ahead


def test_the_width_of_a_digit_makes_no_other_name() -> None:
    assert term("レベル4大雨危険警報", "my") == term("レベル４大雨危険警報", "my")


def test_a_river_before_its_forecast_is_no_part_of_the_name() -> None:
    assert term("利根川上流部氾濫警戒情報", "pt") == term("氾濫警戒情報", "pt")


def test_an_early_notice_names_the_hazards_it_is_about() -> None:
    said = lookup("早期注意情報（大雨、波）", "en")
    assert said is not None
    assert said.text == "Early Notice of a Possible Warning (Heavy rain, High Wave)"
    unknown = lookup("早期注意情報（大雨、砂嵐）", "en")
    assert unknown is not None
    assert unknown.text == "Early Notice of a Possible Warning"


def test_what_no_catalogue_knows_stays_in_japanese() -> None:
    assert term("新しい種類の警報", "en").text == "新しい種類の警報"


def test_levels_are_named_by_the_agency() -> None:
    assert level_name(4, "ja") == "警戒レベル４"
    assert level_name(4, EASY_JAPANESE) == "警戒（けいかい）レベル4"
    assert level_name(4, "en") == "Alert level 4"
    assert level_name(4, "ne") == "सतर्क श्रेणी ४"
