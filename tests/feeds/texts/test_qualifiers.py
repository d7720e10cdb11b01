"""Numbers keep what qualifies them (以上, 超, 約, 不明 …), in every language.

The wordings are those of the agency's XML format (technical description of 地震・津波 telegrams).
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace
from typing import Any

import pytest

from core.languages import LANGUAGES
from feeds.facts import Fact
from feeds.texts import compose
from feeds.texts import messages as m
from feeds.texts.compose import CATALOGUE
from feeds.texts.terms import number
from tests.support.worked_facts import CITY, fact

JAPANESE = re.compile(r"[ぁ-んァ-ヴ]")
HEIGHTS = (
    ("３ｍ", m.HEIGHT_METRES, "3"),
    ("１０ｍ超", m.HEIGHT_OVER, "10"),
    ("３．５ｍ以上", m.HEIGHT_OR_MORE, "3.5"),
    ("０．２ｍ未満", m.HEIGHT_UNDER, "0.2"),
    ("１ｍ程度", m.HEIGHT_ABOUT, "1"),
    ("約１ｍ", m.HEIGHT_ABOUT, "1"),
    ("巨大", m.HEIGHT_HUGE, ""),
    ("高い", m.HEIGHT_HIGH, ""),
    ("微弱", m.HEIGHT_SLIGHT, ""),
    ("観測中", m.HEIGHT_MEASURING, ""),
)
MAGNITUDES = (
    ("7.2", m.MAGNITUDE, "7.2"),
    ("Ｍ８を超える巨大地震", m.MAGNITUDE_OVER, "8"),
    ("Ｍ不明", m.MAGNITUDE_UNKNOWN, ""),
)
DEPTHS = (
    (10, "", m.DEPTH, "10"),
    (0, "", m.VERY_SHALLOW, ""),
    (700, "以上", m.DEPTH_OR_MORE, "700"),
    (None, "不明", m.DEPTH_UNKNOWN, ""),
)
ARRIVALS = (
    ("ただちに津波来襲と予測", m.ARRIVAL_AT_ONCE),
    ("津波到達中と推測", m.ARRIVING),
    ("第１波の到達を確認", m.ARRIVED),
    ("早いところでは既に津波到達と推定", m.ARRIVING),
)


def tsunami(**values: Any) -> Fact:
    told = fact("tsunami", "大津波警報", 5)
    assert told.tsunami is not None
    return replace(told, tsunami=replace(told.tsunami, **values))


def quake(**values: Any) -> Fact:
    told = fact("earthquake", "震度５弱", 4)
    assert told.quake is not None
    return replace(told, quake=replace(told.quake, **values))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("wording", "message", "metres"), HEIGHTS)
@pytest.mark.parametrize("field", ["height", "observed_height"])
def test_a_height_keeps_its_qualifier(
    field: str, wording: str, message: str, metres: str, language: str
) -> None:
    line = m.HEIGHT if field == "height" else m.OBSERVED_HEIGHT
    height = CATALOGUE.text(language, message, metres=number(metres, language))
    text = compose(tsunami(**{field: wording}), CITY, languages=[language])[language]["text"]
    assert CATALOGUE.text(language, line, height=height) in text.splitlines()
    assert len({CATALOGUE.text(language, each, metres="3") for _, each, _ in HEIGHTS}) == 9


def test_a_height_in_words_that_are_not_known_is_left_out_where_it_cannot_be_read() -> None:
    for language, said in compose(tsunami(height="３ｍ弱かも"), CITY).items():
        start = CATALOGUE.text(language, m.HEIGHT, height="\0").partition("\0")[0]
        lines = [line for line in said["text"].splitlines() if line.startswith(start)]
        assert bool(lines) is (language == "ja")
        assert language in ("ja", "ja-x-easy") or not JAPANESE.search(said["text"])


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("wording", "message", "value"), MAGNITUDES)
def test_a_magnitude_that_is_no_number_is_said(
    wording: str, message: str, value: str, language: str
) -> None:
    line = CATALOGUE.text(language, message, magnitude=number(value, language))
    text = compose(quake(magnitude=wording), CITY, languages=[language])[language]["text"]
    assert line in text.splitlines()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("depth", "note", "message", "value"), DEPTHS)
def test_a_depth_keeps_its_qualifier(
    depth: int | None, note: str, message: str, value: str, language: str
) -> None:
    line = CATALOGUE.text(language, message, depth=number(value, language))
    said = compose(quake(depth_km=depth, depth_note=note), CITY, languages=[language])
    assert line in said[language]["text"].splitlines()


@pytest.mark.parametrize(("condition", "message"), ARRIVALS)
def test_how_near_a_tsunami_is_said(condition: str, message: str) -> None:
    for language, said in compose(tsunami(arrival_condition=condition), CITY).items():
        assert CATALOGUE.text(language, message) in said["text"]


def test_a_height_reads_in_japanese_as_the_agency_writes_it() -> None:
    for wording, _, _ in HEIGHTS:
        text = compose(tsunami(height=wording), CITY, languages=["ja"])["ja"]["text"]
        expected = unicodedata.normalize("NFKC", wording).replace("約1m", "1m程度")
        assert f"予想される高さ：{expected}\n" in text


@pytest.mark.parametrize("intensity", ["5-", "5+", "6-", "6+"])
def test_lower_and_upper_are_told_apart_and_no_report_is_no_guess(intensity: str) -> None:
    for language in LANGUAGES:
        told = quake(intensity=intensity, unconfirmed=True)
        said = compose(told, CITY, languages=[language])[language]["text"]
        both = {
            CATALOGUE.text(language, each)
            for each in (
                m.INTENSITY_5_LOWER,
                m.INTENSITY_5_UPPER,
                m.INTENSITY_6_LOWER,
                m.INTENSITY_6_UPPER,
            )
        }
        assert len(both) == 4
        start = CATALOGUE.text(language, m.INTENSITY, intensity="\0").partition("\0")[0]
        assert start not in said
