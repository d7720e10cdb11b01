"""No text that residents read changes with a library's tables: dates, numbers and lists are ours.

The texts below were written out and read once in every language; a change of any of them is a
change of what residents read, and is made on purpose.
"""

from __future__ import annotations

import ast
from datetime import UTC, date, datetime

import pytest

import todoke
from core.clock import JAPAN
from core.languages import EASY_JAPANESE, LANGUAGES
from feeds.fidelity import numbers_kept
from feeds.texts import moment
from feeds.texts.forms import enumerated, forms_of, month_name
from feeds.texts.terms import number
from tests.support.project import PROJECT

NOON = datetime(2026, 7, 3, 12, 0, tzinfo=JAPAN)
LAST_MINUTE = datetime(2026, 12, 31, 23, 59, tzinfo=JAPAN)
NEW_YEAR = datetime(2027, 1, 1, 0, 0, tzinfo=JAPAN)
"""What the agency calls 31日24時; nobody is to look for it on the evening of the 1st."""

MOMENTS: dict[datetime, dict[str, str]] = {
    NOON: {
        "ja": "7月3日（金）午後0時00分",
        "ja-x-easy": "7月（がつ）3日（みっか） 金曜日（きんようび） 午後（ごご）0時（じ）",
        "en": "Fri, Jul 3, 12:00 p.m.",
        "zh-Hans": "7月3日（周五）中午12:00",
        "zh-Hant": "7月3日（週五）中午12:00",
        "ko": "7월 3일 (금) 오후 12:00",
        "vi": "12:00 thứ Sáu, ngày 3 tháng 7",
        "pt": "sexta-feira, 3 de julho, 12h00",
        "es": "viernes 3 de julio, 12:00 p. m.",
        "id": "Jumat, 3 Juli, pukul 12.00",
        "tl": "Biyernes, Hulyo 3, 12:00 ng tanghali",
        "th": "วันศุกร์ที่ 3 กรกฎาคม เวลา 12.00 น.",
        "ne": "जुलाई ३, शुक्रबार, दिउँसो १२:००",
        "km": "ថ្ងៃសុក្រ ទី3 ខែកក្កដា ម៉ោង 12:00",
        "my": "ဇူလိုင်လ ၃ ရက် (သောကြာနေ့) နေ့လယ် ၁၂:၀၀",
        "mn": "7-р сарын 3, Баасан, 12:00",
    },
    LAST_MINUTE: {
        "ja": "12月31日（木）午後11時59分",
        "ja-x-easy": "12月（がつ）31日（にち） 木曜日（もくようび） "
        "午後（ごご）11時（じ）59分（ふん）",
        "en": "Thu, Dec 31, 11:59 p.m.",
        "zh-Hans": "12月31日（周四）晚上11:59",
        "zh-Hant": "12月31日（週四）晚上11:59",
        "ko": "12월 31일 (목) 오후 11:59",
        "vi": "23:59 thứ Năm, ngày 31 tháng 12",
        "pt": "quinta-feira, 31 de dezembro, 23h59",
        "es": "jueves 31 de diciembre, 11:59 p. m.",
        "id": "Kamis, 31 Desember, pukul 23.59",
        "tl": "Huwebes, Disyembre 31, 11:59 ng gabi",
        "th": "วันพฤหัสบดีที่ 31 ธันวาคม เวลา 23.59 น.",
        "ne": "डिसेम्बर ३१, बिहीबार, राति ११:५९",
        "km": "ថ្ងៃព្រហស្បតិ៍ ទី31 ខែធ្នូ ម៉ោង 23:59",
        "my": "ဒီဇင်ဘာလ ၃၁ ရက် (ကြာသပတေးနေ့) ည ၁၁:၅၉",
        "mn": "12-р сарын 31, Пүрэв, 23:59",
    },
    NEW_YEAR: {
        "ja": "1月1日（金）午前0時00分",
        "ja-x-easy": "1月（がつ）1日（ついたち） 金曜日（きんようび） 午前（ごぜん）0時（じ）",
        "en": "Fri, Jan 1, 12:00 a.m.",
        "zh-Hans": "1月1日（周五）凌晨0:00",
        "zh-Hant": "1月1日（週五）凌晨0:00",
        "ko": "1월 1일 (금) 오전 0:00",
        "vi": "00:00 thứ Sáu, ngày 1 tháng 1",
        "pt": "sexta-feira, 1 de janeiro, 00h00",
        "es": "viernes 1 de enero, 12:00 a. m.",
        "id": "Jumat, 1 Januari, pukul 00.00",
        "tl": "Biyernes, Enero 1, 12:00 ng madaling-araw",
        "th": "วันศุกร์ที่ 1 มกราคม เวลา 00.00 น.",
        "ne": "जनवरी १, शुक्रबार, राति १२:००",
        "km": "ថ្ងៃសុក្រ ទី1 ខែមករា ម៉ោង 00:00",
        "my": "ဇန်နဝါရီလ ၁ ရက် (သောကြာနေ့) ည ၁၂:၀၀",
        "mn": "1-р сарын 1, Баасан, 00:00",
    },
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("at", MOMENTS)
def test_moments_read_as_they_always_did(at: datetime, language: str) -> None:
    assert moment(at, language) == MOMENTS[at][language]
    assert moment(at.astimezone(UTC), language) == MOMENTS[at][language]


TWO_AND_THREE = {
    "ja": ("あ、い", "あ、い、う"),
    EASY_JAPANESE: ("あ、い", "あ、い、う"),
    "en": ("A and B", "A, B, and C"),
    "zh-Hans": ("A和B", "A、B和C"),
    "zh-Hant": ("A和B", "A、B和C"),
    "ko": ("A 및 B", "A, B 및 C"),
    "vi": ("A và B", "A, B và C"),
    "pt": ("A e B", "A, B e C"),
    "es": ("A y B", "A, B y C"),
    "id": ("A dan B", "A, B, dan C"),
    "tl": ("A at B", "A, B, at C"),
    "th": ("AและB", "A B และC"),
    "ne": ("A र B", "A,B र C"),
    "km": ("A និងB", "A, B និង C"),
    "my": ("Aနှင့် B", "A - Bနှင့် C"),
    "mn": ("A, B", "A, B, C"),
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_lists_read_as_they_always_did(language: str) -> None:
    parts = ["あ", "い", "う"] if language in ("ja", EASY_JAPANESE) else ["A", "B", "C"]
    assert enumerated([], language) == ""
    assert enumerated(parts[:1], language) == parts[0]
    assert (enumerated(parts[:2], language), enumerated(parts, language)) == TWO_AND_THREE[language]


def test_a_long_list_goes_on() -> None:
    assert enumerated(["A", "B", "C", "D"], "es") == "A, B, C y D"


@pytest.mark.parametrize("language", LANGUAGES)
def test_decimals_read_as_they_always_did(language: str) -> None:
    written = {"ne": "७.५", "my": "၇.၅"}
    comma = {"vi", "pt", "es", "id"}
    expected = "7,5" if language in comma else written.get(language, "7.5")
    assert number("7.5", language) == expected


def test_every_language_has_its_forms() -> None:
    for code, language in LANGUAGES.items():
        assert len(forms_of(code).months) == (0 if language.numbered_months else 12), code


def test_a_month_is_recognised_by_its_name_in_a_translation() -> None:
    assert numbers_kept("9月1日", "1 de septiembre", "es")
    assert not numbers_kept("9月1日", "1 de octubre", "es")


def test_babel_only_reads_catalogues() -> None:
    used = {
        node.module
        for package in todoke.PACKAGES
        for path in (PROJECT / package).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("babel")
    }
    assert used == {"babel.messages.pofile"}


@pytest.mark.parametrize(
    ("language", "alone", "with_year"),
    [
        ("ja", "9月", "2026年9月"),
        ("ja-x-easy", "9月（がつ）", "2026年（ねん）9月（がつ）"),
        ("en", "September", "September 2026"),
        ("ko", "9월", "2026년 9월"),
        ("vi", "Tháng 9", "Tháng 9 năm 2026"),
        ("pt", "setembro", "setembro de 2026"),
        ("my", "စက်တင်ဘာ", "2026 စက်တင်ဘာ"),
        ("mn", "9-р сар", "2026 оны 9-р сар"),
    ],
)
def test_a_calendar_is_headed_in_the_readers_language(
    language: str, alone: str, with_year: str
) -> None:
    assert month_name(date(2026, 9, 1), language, year=False) == alone
    assert month_name(date(2026, 9, 1), language) == with_year


def test_each_language_has_twelve_months_of_its_own() -> None:
    for language in LANGUAGES:
        assert len({month_name(date(2026, n, 1), language) for n in range(1, 13)}) == 12
