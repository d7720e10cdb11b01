"""Places can be read aloud, times are Japan's, in every language."""

from __future__ import annotations

import re
from datetime import datetime

import pytest

from core.clock import JAPAN
from core.languages import EASY_JAPANESE, LANGUAGES
from feeds.texts import moment, place_name
from feeds.texts.romaji import romanise
from tests.support.proofreading import without_reading
from tests.support.worked_facts import CITY


@pytest.mark.parametrize(
    ("japanese", "reading", "letters"),
    [
        ("大阪", "おおさか", "osaka"),
        ("東京", "とうきょう", "tokyo"),
        ("神戸", "こうべ", "kobe"),
        ("札幌", "さっぽろ", "sapporo"),
        ("新宿", "しんじゅく", "shinjuku"),
        ("松浦", "まつうら", "matsuura"),
        ("山ノ内", "やまのうち", "yamanouchi"),
        ("豊岡", "とよおか", "toyooka"),
        ("新潟", "にいがた", "niigata"),
        ("八丁", "はっちょう", "hatcho"),
        ("南陽", "なんよう", "nan'yo"),
        ("ニセコ", "ニセコ", "niseko"),
        ("滝上", "たきのうえ", "takinoue"),
        ("群馬", "ぐんま", "gunma"),
    ],
)
def test_kana_become_letters_as_on_the_signs(japanese: str, reading: str, letters: str) -> None:
    assert romanise(reading, japanese) == letters


@pytest.mark.parametrize(
    ("japanese", "areas", "english", "easy"),
    [
        ("つくば市", (), "Tsukuba City", "つくば市（つくばし）"),
        ("土浦市", (), "Tsuchiura City", "土浦市（つちうらし）"),
        ("茨城県南部", (), "Southern Ibaraki Prefecture", "茨城県南部（いばらきけんなんぶ）"),
        ("南部", ("080020",), "Southern Ibaraki Prefecture", "茨城県南部（いばらきけんなんぶ）"),
        ("茨城県沖", (), "Off the coast of Ibaraki Prefecture", "茨城県沖（いばらきけんおき）"),
        ("東京大田区", ("1311100",), "Ota Ward", "大田区（おおたく）"),
        ("東町", (), "Higashimachi", "東町（ひがしまち）"),
        (
            "北西部、北東部",
            ("120010", "120020"),
            "Northwestern Chiba Prefecture, Northeastern Chiba Prefecture",
            "千葉県北西部（ちばけんほくせいぶ）、千葉県北東部（ちばけんほくとうぶ）",
        ),
        ("利根川上流部", (), "Upper Tone River", "利根川上流部（とねがわじょうりゅうぶ）"),
    ],
)
def test_a_place_is_named_for_its_reader(
    japanese: str, areas: tuple[str, ...], english: str, easy: str
) -> None:
    assert place_name(japanese, "en", CITY, areas) == english
    assert place_name(japanese, EASY_JAPANESE, CITY, areas) == easy


def test_a_place_that_is_not_known_keeps_its_own_name() -> None:
    for language in LANGUAGES:
        assert place_name("字見知らぬ谷", language, CITY) == "字見知らぬ谷"


def test_who_reads_chinese_sees_the_characters_of_the_signs() -> None:
    assert place_name("土浦市", "zh-Hans", CITY) == "土浦市"
    assert place_name("竜王町", "zh-Hans", CITY) == "龙王町"
    assert place_name("竜王町", "zh-Hant", CITY) == "龍王町"
    assert place_name("龍ケ崎市", "zh-Hans", CITY) == "龙崎市"
    assert place_name("紀の川市", "zh-Hans", CITY) == "纪之川市"
    assert place_name("かすみがうら市", "zh-Hant", CITY) == "Kasumigaura市"


def test_two_towns_of_one_name_are_told_apart_by_their_codes() -> None:
    assert place_name("日野町", "en", CITY, ("2538300",)) == "Hino Town"


def test_times_are_japans_in_the_languages_own_form() -> None:
    utc = datetime.fromisoformat("2026-07-03T07:05:00+00:00")
    said = {language: moment(utc, language) for language in LANGUAGES}
    assert said["ja"] == "7月3日（金）午後4時05分"
    assert said[EASY_JAPANESE] == (
        "7月（がつ）3日（みっか） 金曜日（きんようび） 午後（ごご）4時（じ）5分（ふん）"
    )
    assert said["en"] == "Fri, Jul 3, 4:05 p.m."
    assert said["my"] == "ဇူလိုင်လ ၃ ရက် (သောကြာနေ့) ညနေ ၄:၀၅"
    assert said["ne"] == "जुलाई ३, शुक्रबार, दिउँसो ४:०५"
    assert said["pt"] == "sexta-feira, 3 de julho, 16h05"


def test_no_time_of_the_morning_can_be_taken_for_the_evening() -> None:
    """A tsunami's arrival at 6:05: two digits of 24 hours, or the half of the day."""
    two_digits = {"vi", "id", "th", "km", "mn", "pt"}
    for hour in range(12):
        morning, evening = (
            {code: moment(datetime(2026, 12, 3, at, 5, tzinfo=JAPAN), code) for code in LANGUAGES}
            for at in (hour, hour + 12)
        )
        for code in LANGUAGES:
            assert morning[code] != evening[code]
            if code in two_digits:
                assert re.search(rf"\b{hour:02}[:.h]05\b", morning[code]), morning[code]
            else:
                # The same clock in words: only the part of the day tells them apart.
                parts = [
                    re.sub(r"[\d०-९၀-၉]+[:時][\d०-९၀-၉]+", "", each[code])
                    for each in (morning, evening)
                ]
                assert parts[0] != parts[1], (code, hour, parts)
    six = {code: moment(datetime(2026, 12, 3, 6, 5, tzinfo=JAPAN), code) for code in LANGUAGES}
    assert six["ja"].endswith("午前6時05分")
    assert six["en"].endswith("6:05 a.m.")
    assert six["zh-Hans"].endswith("上午6:05")
    assert six["zh-Hant"].endswith("上午6:05")
    assert six["ko"].endswith("오전 6:05")
    assert six["es"].endswith("6:05 a. m.")
    assert six["id"].endswith("06.05")
    midnight = moment(datetime(2026, 12, 3, 0, 3, tzinfo=JAPAN), "ja")
    assert midnight.endswith("午前0時03分")
    assert moment(datetime(2026, 12, 3, 0, 3, tzinfo=JAPAN), "en").endswith("12:03 a.m.")
    assert moment(datetime(2026, 12, 3, 12, 3, tzinfo=JAPAN), "en").endswith("12:03 p.m.")


def test_every_minute_of_a_day_can_be_read_aloud() -> None:
    for minute in range(0, 24 * 60, 7):
        at = datetime(2026, 1, 1 + minute % 28, minute // 60, minute % 60, tzinfo=JAPAN)
        assert without_reading(moment(at, EASY_JAPANESE)) == []
    midnight = moment(datetime(2026, 1, 20, 0, 0, tzinfo=JAPAN), EASY_JAPANESE)
    assert midnight.endswith("20日（はつか） 火曜日（かようび） 午前（ごぜん）0時（じ）")
