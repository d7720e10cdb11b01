"""How LINE counts text: UTF-16 units for messages, grapheme clusters for labels.

Rules: LINE's "Character counting in a text" for UTF-16 units; Unicode Annex 29 for grapheme
clusters, without its rule GB9c (Indic conjuncts), so that a count may be higher than LINE's and
never lower. A text that passes here passes there.
"""

from __future__ import annotations

import unicodedata

_ZWJ = "\u200d"
_REGIONAL_FIRST, _REGIONAL_LAST = 0x1F1E6, 0x1F1FF
_SKIN_FIRST, _SKIN_LAST = 0x1F3FB, 0x1F3FF
_TAG_FIRST, _TAG_LAST = 0xE0020, 0xE007F
# Thai and Lao SARA AM are letters by category and yet never stand alone.
_SPACING_LETTERS = frozenset("\u0e33\u0eb3")
_HANGUL_VOWEL_OR_FINAL = range(0x1160, 0x1200)


def utf16_units(text: str) -> int:
    """Length of ``text`` in UTF-16 code units, the unit of LINE's text limits."""
    if text.isascii():
        return len(text)
    return len(text) + sum(1 for character in text if ord(character) > 0xFFFF)


def _extends(character: str) -> bool:
    """Whether ``character`` belongs to the cluster before it, whatever that is."""
    if character == _ZWJ or character in _SPACING_LETTERS:
        return True
    code = ord(character)
    if _SKIN_FIRST <= code <= _SKIN_LAST or _TAG_FIRST <= code <= _TAG_LAST:
        return True
    return unicodedata.category(character) in ("Mn", "Me", "Mc") or code in _HANGUL_VOWEL_OR_FINAL


def grapheme_clusters(text: str) -> int:
    """Number of grapheme clusters in ``text``, the unit of LINE's label limits."""
    if text.isascii():
        return len(text) - text.count("\r\n")
    count = 0
    previous = ""
    regional_run = 0
    for character in text:
        is_regional = _REGIONAL_FIRST <= ord(character) <= _REGIONAL_LAST
        joins = bool(previous) and (
            _extends(character)
            or previous == _ZWJ
            or (previous == "\r" and character == "\n")
            or (is_regional and regional_run % 2 == 1)
        )
        regional_run = regional_run + 1 if is_regional else 0
        if not joins:
            count += 1
        previous = character
    return count
