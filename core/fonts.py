"""The font for Japanese letters on paper and in pictures, part of the service.

So a work order looks the same on every machine, also where no fonts are installed.
"""

from __future__ import annotations

import unicodedata
from functools import cache, lru_cache
from pathlib import Path

from PIL import ImageFont

FONTS = Path(__file__).parent / "data" / "fonts"
JAPANESE = FONTS / "BIZUDPGothic-Regular.ttf"
FAMILY = "BIZ UDPGothic"
UNKNOWN_LETTER = "〓"
"""What printers of Japanese set for a letter that they do not have."""


def writable(words: str) -> str:
    """Return words with :data:`UNKNOWN_LETTER` for the letters that the font does not have.

    Signs that only choose the form of the letter before them are left out.
    """
    return "".join(
        letter if letter in "\n\u200b" or _has(letter) else UNKNOWN_LETTER
        for letter in words
        if not _chooses_form(letter)
    )


def _chooses_form(letter: str) -> bool:
    return "\ufe00" <= letter <= "\ufe0f" or "\U000e0100" <= letter <= "\U000e01ef"


@cache
def _font() -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(JAPANESE, 32, layout_engine=ImageFont.Layout.BASIC)


@cache
def _missing() -> bytes:
    return bytes(_font().getmask("\U0010fffd"))


@lru_cache(20_000)
def _has(letter: str) -> bool:
    """Whether the font has a letter, or the parts that it is made of."""
    if letter == " " or bytes(_font().getmask(letter)) != _missing():
        return True
    parts = unicodedata.normalize("NFD", letter)
    return len(parts) > 1 and all(map(_has, parts))
