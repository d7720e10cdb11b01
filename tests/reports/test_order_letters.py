"""A work order on paper has the letters of every language in which residents write."""

from __future__ import annotations

import unicodedata

import pytest
from babel.messages.pofile import read_po

from core.fonts import FILES, FONTS, UNKNOWN_LETTER, family_for, writable
from core.languages import LANGUAGES
from reports.order_pdf import Sheet, SheetItem, make_pdf, printing_workshop
from tests.support.papers import fonts_of, pages_of
from tests.support.project import PROJECT

SAID = {
    "my": ("လမ်းမပေါ်တွင် တွင်းကြီးရှိသည်။", "Noto Sans Myanmar"),
    "ne": ("सडकमा ठूलो खाल्डो परेको छ।", "Noto Sans Devanagari"),
    "ko": ("도로에 큰 구멍이 있습니다. 똠 펲", "Noto Sans CJK KR"),
    "zh-Hans": ("红绿灯坏了，路边的护栏也晃动。", "Noto Sans CJK SC"),
    "zh-Hant": ("紅綠燈壞了，騎車經過很危險。", "BIZ UDPGothic"),
    "th": ("มีหลุมขนาดใหญ่บนถนน", "Noto Sans Thai"),
    "km": ("មានរន្ធធំមួយនៅលើផ្លូវ។", "Noto Sans Khmer"),
    "mn": ("Замд том нүх байна. Өглөө.", "Noto Sans"),
    "vi": ("Có một ổ gà lớn trên đường Nguyễn Huệ.", "Noto Sans"),
    "ja": ("道路に「穴」があります。①髙﨑", "BIZ UDPGothic"),
}


@pytest.mark.parametrize("language", sorted(set(LANGUAGES) - {"ja"}))
def test_no_letter_of_our_own_texts_is_missing(language: str) -> None:
    """The catalogues were written by people who write the language: they are the measure."""
    letters: set[str] = set(LANGUAGES[language].name)
    for part in ("bot", "public", "reports"):
        path = PROJECT / part / "locales" / f"{language}.po"
        if path.exists():
            catalogue = read_po(path.open("rb"), locale=None)
            letters |= {one for message in catalogue for one in str(message.string)}
    missing = {
        one
        for one in letters
        if unicodedata.category(one)[0] in "LMNP" and writable(one) == UNKNOWN_LETTER
    }
    assert not missing


@pytest.mark.parametrize("language", SAID)
def test_words_are_set_in_one_font(language: str) -> None:
    """Two fonts in one word look like a mistake, and Cyrillic letters of a Japanese font are
    as wide as kanji."""
    words, family = SAID[language]
    assert writable(words) == words
    assert family_for(words) == family


def test_a_letter_that_no_font_has_is_marked() -> None:
    assert writable("ᚠ穴") == f"{UNKNOWN_LETTER}穴"


def test_every_font_has_its_licence_beside_it() -> None:
    assert {path.name for path in FONTS.glob("*.?tf")} == set(FILES.values())
    for name in ("OFL.txt", "OFL-Noto.txt"):
        text = (FONTS / name).read_text("utf-8")
        assert "SIL OPEN FONT LICENSE Version 1.1" in text


def sheet_of(items: tuple[SheetItem, ...]) -> Sheet:
    return Sheet(
        language="ja",
        title="作業指示書",
        city="つくば市",
        number="W-1",
        facts=(),
        columns=("番号", "受付番号", "種別", "場所", "作業", "期限", "済"),
        items=items,
    )


async def test_the_paper_is_set_in_the_fonts_of_its_words() -> None:
    items = tuple(
        SheetItem(title="穴", facts=(("内容", words),), row=("1", "穴", words, "", ""))
        for words, _ in SAID.values()
    )
    pdf = await make_pdf(printing_workshop(), sheet_of(items), {})
    assert fonts_of(pdf) == {name.partition("-")[0] for name in FILES.values()}


async def test_a_row_of_the_list_is_on_one_page() -> None:
    """A row that goes on overleaf is read as two places. Each of these is more than half a page."""
    row = ("2026-000001", "穴", "\n".join(["つくば市中央一丁目"] * 40), "", "")
    items = (SheetItem(title="穴", row=row),) * 4
    pdf = await make_pdf(printing_workshop(), sheet_of(items), {})
    assert pages_of(pdf) == 4 + 4
