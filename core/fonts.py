"""The fonts for paper and pictures, part of the service.

So a work order looks the same on every machine, also where no fonts are installed, and has what
residents and crews write in any of the languages of the service.
"""

from __future__ import annotations

import unicodedata
from functools import cache, lru_cache
from pathlib import Path

from PIL import ImageFont

FONTS = Path(__file__).parent / "data" / "fonts"
FILES = {
    "BIZ UDPGothic": "BIZUDPGothic-Regular.ttf",
    "Noto Sans": "NotoSans-Regular.ttf",
    "Noto Sans CJK KR": "NotoSansCJKkr-Regular.otf",
    "Noto Sans CJK SC": "NotoSansCJKsc-Regular.otf",
    "Noto Sans Myanmar": "NotoSansMyanmar-Regular.ttf",
    "Noto Sans Devanagari": "NotoSansDevanagari-Regular.ttf",
    "Noto Sans Khmer": "NotoSansKhmer-Regular.ttf",
    "Noto Sans Thai": "NotoSansThai-Regular.ttf",
}
"""Files by family; for each letter the first one that has it is taken."""
FAMILIES = tuple(FILES)
LANGUAGES = {
    "Noto Sans CJK KR": "ko",
    "Noto Sans CJK SC": "zh",
    "Noto Sans Myanmar": "my",
    "Noto Sans Devanagari": "ne",
    "Noto Sans Khmer": "km",
    "Noto Sans Thai": "th",
}
"""The language of the families that are for one: it chooses between forms of a letter."""
JAPANESE = FONTS / FILES[FAMILIES[0]]
UNKNOWN_LETTER = "〓"
"""What printers of Japanese set for a letter that they do not have."""
_CYRILLIC = ("\u0400", "\u052f")
"""In a Japanese font each of these letters is as wide as a kanji."""


def writable(words: str) -> str:
    """Return words with :data:`UNKNOWN_LETTER` for the letters that no font has.

    Signs that only choose the form of the letter before them are left out.
    """
    return "".join(
        letter if letter in "\n\u200b" or _has(letter) else UNKNOWN_LETTER
        for letter in words
        if not _chooses_form(letter)
    )


def family_for(words: str) -> str:
    """Return the family in which words look like one: that of their first letter that the Japanese
    font lacks; the Japanese font if it has them all.

    What that family lacks comes from the others, in the order of :data:`FAMILIES`.
    """
    letters = (one for one in words if unicodedata.category(one)[0] in "LMN")
    others = (one for one in map(_family, letters) if one not in ("", FAMILIES[0]))
    return next(others, FAMILIES[0])


def _chooses_form(letter: str) -> bool:
    return "\ufe00" <= letter <= "\ufe0f" or "\U000e0100" <= letter <= "\U000e01ef"


@cache
def _font(family: str) -> ImageFont.FreeTypeFont:
    path = FONTS / FILES[family]
    return ImageFont.truetype(path, 32, layout_engine=ImageFont.Layout.BASIC)


@cache
def _missing(family: str) -> bytes:
    return bytes(_font(family).getmask("\U0010fffd"))


@lru_cache(20_000)
def _family(letter: str) -> str:
    """Return the first family that has a letter; "" for none."""
    is_cyrillic = _CYRILLIC[0] <= letter <= _CYRILLIC[1]
    listed = FAMILIES[1:] if is_cyrillic else FAMILIES
    has = (one for one in listed if bytes(_font(one).getmask(letter)) != _missing(one))
    return next(has, "")


def _has(letter: str) -> bool:
    """Whether a font has a letter, or the parts that it is made of."""
    if letter == " " or _family(letter):
        return True
    parts = unicodedata.normalize("NFD", letter)
    return len(parts) > 1 and all(map(_has, parts))
