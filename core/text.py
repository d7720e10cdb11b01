"""Make what people type safe to keep and to show."""

from __future__ import annotations

import unicodedata

_JOINERS = "\u200c\u200d"
"""Zero-width, but needed within words by Burmese, Khmer, Nepali and emoji."""
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co"})


def clean(text: str, *, line: bool = False) -> str:
    """Return ``text`` in NFC without control and zero-width characters, direction overrides,
    private characters, lone surrogates, and what is no character (U+FFFE, U+FFFF and the like).

    Parameters
    ----------
    line
        Whether line breaks and runs of spaces become one space.
    """
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    joined = unicodedata.normalize("NFC", whole.replace("\r\n", "\n").replace("\r", "\n"))
    if line:
        joined = " ".join(joined.split())
    kept = (
        character
        for character in joined
        if character in "\n" + _JOINERS or not _is_unseen(character)
    )
    return "".join(kept).strip().strip(_JOINERS).strip()


def _is_unseen(character: str) -> bool:
    """Whether nobody can see a character, or XML cannot write it (Unicode 23.7, XML 1.0 2.2)."""
    number = ord(character)
    is_none = number & 0xFFFE == 0xFFFE or 0xFDD0 <= number <= 0xFDEF
    return is_none or unicodedata.category(character) in _UNSEEN


_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")


def spreadsheet_cell(value: str) -> str:
    """Return ``value`` so that a spreadsheet shows it and does not take it for a formula."""
    bare = value.lstrip()
    return f"'{value}" if bare.startswith(_FORMULA) or bare != value else value


def whole_number(text: str) -> int | None:
    """Return a whole number as people type it (full-width digits, commas), or None."""
    digits = text.strip().replace(",", "").replace("，", "")
    return int(digits) if digits.isdecimal() and len(digits) <= 18 else None
