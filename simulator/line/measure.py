"""How LINE counts text: UTF-16 units for messages, grapheme clusters for labels.

Rules: LINE's "Character counting in a text" for UTF-16 units; Unicode Annex 29 for grapheme
clusters, without its rule GB9c (Indic conjuncts), which LINE may not follow yet. So a count may be
higher than LINE's and never lower. A text that passes here passes there.
"""

from __future__ import annotations

import regex

_CLUSTER = regex.compile(r"\X")
_LINKER = regex.compile(r"\p{Canonical_Combining_Class=Virama}")
_MARK = "\u0301"
"""Extends a cluster as a linker does, and does not draw the next letter into it."""


def utf16_units(text: str) -> int:
    """Length of ``text`` in UTF-16 code units, the unit of LINE's text limits."""
    if text.isascii():
        return len(text)
    return len(text) + sum(1 for character in text if ord(character) > 0xFFFF)


def grapheme_clusters(text: str) -> int:
    """Number of grapheme clusters in ``text``, the unit of LINE's label limits."""
    return len(_CLUSTER.findall(_LINKER.sub(_MARK, text)))
