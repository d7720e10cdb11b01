"""A Japanese place name is taken apart, and said in the words of each language."""

from __future__ import annotations

import csv
import time
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.languages import EASY_JAPANESE, LANGUAGES
from feeds.jma.codes import DATA
from feeds.texts import compose
from feeds.texts.hangul import hangul
from feeds.texts.places import office_name, place_words, spoken_name
from feeds.texts.terms import number
from feeds.texts.toponyms import LONGEST, WORDS, analyse
from tests.support.worked_facts import CITY, fact

SPEAKING = tuple(code for code in LANGUAGES if code not in ("ja", EASY_JAPANESE))


@pytest.mark.parametrize(
    ("reading", "written", "korean"),
    [
        ("つくば", "つくば", "쓰쿠바"),
        ("とうきょう", "東京", "도쿄"),
        ("おおさか", "大阪", "오사카"),
        ("にいがた", "新潟", "니가타"),
        ("さっぽろ", "札幌", "삿포로"),
        ("ぐんま", "群馬", "군마"),
        ("まつうら", "松浦", "마쓰우라"),
        ("とっとり", "鳥取", "돗토리"),
        ("きたきゅうしゅう", "北九州", "기타큐슈"),
        ("いず-おおしま", "伊豆大島", "이즈오시마"),
        ("ちば なんぶ", "千葉南部", "지바 난부"),
    ],
)
def test_korean_writes_names_by_its_own_orthography(
    reading: str, written: str, korean: str
) -> None:
    assert hangul(reading, written) == korean


@pytest.mark.parametrize(
    ("japanese", "said"),
    [
        (
            "茨城県沖",
            {
                "en": "Off the coast of Ibaraki Prefecture",
                "ko": "이바라키현 앞바다",
                "zh-Hans": "茨城县近海",
                "es": "Frente a la costa de la Prefectura de Ibaraki",
                "pt": "Ao largo da Província de Ibaraki",
                "vi": "ngoài khơi tỉnh Ibaraki",
                "th": "นอกชายฝั่งจังหวัด Ibaraki",
                "ne": "Ibaraki प्रिफेक्चरको तटपारिको समुद्र",
                "mn": "Ibaraki префектур, эргийн ойролцоох далай",
            },
        ),
        (
            "千葉県東方沖",
            {
                "en": "Off the east coast of Chiba Prefecture",
                "zh-Hant": "千葉縣東方近海",
                "id": "Lepas pantai timur Prefektur Chiba",
            },
        ),
        (
            "青森県津軽北部",
            {"en": "Northern Tsugaru, Aomori Prefecture", "ko": "아오모리현 쓰가루 북부"},
        ),
        (
            "新島・神津島近海",
            {"en": "Sea near Niijima Island and Kozushima Island"},
        ),
        ("相模湾・三浦半島", {"es": "Bahía de Sagami y Península de Miura"}),
        (
            "水戸地方気象台",
            {
                "en": "Mito Local Meteorological Office",
                "zh-Hans": "水户地方气象台",
                "km": "ការិយាល័យឧតុនិយមមូលដ្ឋាន Mito",
                EASY_JAPANESE: "水戸地方気象台（みとちほうきしょうだい）",
            },
        ),
        ("浅間山", {"en": "Mt. Asama", "ko": "아사마산", "my": "Asama တောင်"}),
        ("桜島", {"en": "Sakurajima", "zh-Hant": "櫻島"}),
        ("信濃川水系千曲川上流", {"en": "Upper Chikuma River", "vi": "thượng lưu sông Chikuma"}),
        ("荒川", {"en": "Arakawa River"}),
        ("霧島山（新燃岳）", {"en": "Mt. Kirishima (Mt. Shinmoedake)"}),
        (
            "草津白根山（白根山（湯釜付近））",
            {
                "en": "Mt. Kusatsu-Shirane (Mt. Shirane)",
                EASY_JAPANESE: "草津白根山（くさつしらねさん）（白根山（しらねさん））",
            },
        ),
        ("福島広野町", {"en": "Hirono Town", EASY_JAPANESE: "広野町（ひろのまち）"}),
        (
            "佐世保市（宇久地域を除く）",
            {
                "en": "Sasebo City (except Uku area)",
                EASY_JAPANESE: "佐世保市（させぼし）（宇久地域（うくちいき）を 除（のぞ）く）",
            },
        ),
    ],
)
def test_a_name_is_said_with_the_words_of_the_language(japanese: str, said: dict[str, str]) -> None:
    assert {language: spoken_name(japanese, language) for language in said} == said


def test_a_place_less_a_part_that_nobody_can_read_stays_in_japanese() -> None:
    assert spoken_name("佐世保市（見知らぬ谷を除く）", "en") is None


def test_the_agencys_own_english_of_coasts_is_kept_and_marked() -> None:
    assert len(place_words("en").official) > 75
    for language in SPEAKING:
        assert language == "en" or not place_words(language).official
    assert spoken_name("愛知県外海", "en") == "Pacific Coast of Aichi Prefecture"


def test_every_language_has_every_word() -> None:
    english = place_words("en")
    for language in SPEAKING:
        words = place_words(language)
        assert set(words.words) == set(english.words)
        assert set(words.names) == set(english.names)
        assert set(words.parts) == set(english.parts)
        assert set(WORDS) - {"上流部", "中流部", "下流部"} <= set(words.words)


def test_the_sections_of_designated_rivers_are_named_in_every_language() -> None:
    """Those of the agency's table; what remains is said as it is written."""
    with (DATA / "rivers.csv").open(encoding="utf-8", newline="") as source:
        names = [row["name"] for row in csv.DictReader(source)]
    unread = {name for name in names if spoken_name(name, "en") is None}
    assert unread == {"丹生川", "札幌市新川水系　新川"}
    for name in set(names) - unread:
        assert "Suikei" not in (spoken_name(name, "en") or "")
        assert all(spoken_name(name, language) for language in SPEAKING)


def test_an_office_nobody_knows_is_left_out_beside_the_agency() -> None:
    assert office_name("見知らぬ谷事務所", "en") == ""
    told = replace(fact("heavy-rain", "大雨警報", 3), office="見知らぬ谷事務所 気象庁")
    assert compose(told, CITY)["en"]["text"].endswith("Source: Japan Meteorological Agency")
    assert "見知らぬ谷事務所" in compose(told, CITY)["ja"]["text"]


def test_what_is_no_decimal_is_left_as_it_is() -> None:
    assert number("6.4", "pt") == "6,4"
    assert number("5-", "pt") == "5-"


@settings(max_examples=200, deadline=None)
@given(
    st.text("茨城県都府市区町村南北東西中部沖方湾島川海・地方気象台水系（を除く）あア", max_size=60)
)
def test_any_row_of_words_is_taken_apart_or_not_but_quickly(name: str) -> None:
    started = time.perf_counter()
    place = analyse(name, place_words("en").names)
    assert time.perf_counter() - started < 2
    assert place is None or (place.reading and len(name) <= LONGEST)
