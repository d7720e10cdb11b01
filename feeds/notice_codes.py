"""Codes of notices: short, read aloud and typed, and never another notice's by mistake.

A code is stored with its notice (``notices.code``) when the notice is stored, and is never worked
out again. So it stays the same when the secret key is changed. After a restore, a number that is
given a second time does not open another notice under an old code.

A code is seven random characters and one that checks them. 31 letters and digits are used; those
that look alike (0 O, 1 I L) are not among them. The last character is chosen so that ``sum(place *
value)`` is 0 modulo 31, with places 1 to 8. 31 is prime and no two places have the same weight. So
one wrong character, or any two that changed places, always make a code that no notice has.

A code says nothing about how many notices there are, nor about the ones before and after it.
"""

from __future__ import annotations

import re
import secrets
import unicodedata

ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
LENGTH = 8
PLACEHOLDER = "0" * LENGTH
"""Stands in previews of what is not stored yet. No notice ever has it: 0 is not in the alphabet."""
_VALUES = {letter: value for value, letter in enumerate(ALPHABET)}
_WORD = re.compile(r"[A-Z]{3}")
_SEPARATORS = re.compile(r"[\s\-‐‑–.]+")
_LONGEST_TYPED = 64


def new_code() -> str:
    """Return a random code. It has no three letters in a row, so it never spells a word."""
    while True:
        drawn = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH - 1))
        code = drawn + _check(drawn)
        if _WORD.search(code) is None:
            return code


def read_code(typed: str) -> str | None:
    """Return the code that somebody typed, as it is stored; None if it cannot be one.

    Small letters, wide letters and characters that set groups apart are read. A letter that is not
    in the alphabet is never replaced by one that looks like it.
    """
    if len(typed) > _LONGEST_TYPED:
        return None
    code = _SEPARATORS.sub("", unicodedata.normalize("NFKC", typed)).upper()
    if len(code) != LENGTH or not all(letter in _VALUES for letter in code):
        return None
    return code if _check(code[:-1]) == code[-1] else None


def _check(drawn: str) -> str:
    """Return the last character of a code."""
    total = sum(place * _VALUES[letter] for place, letter in enumerate(drawn, start=1))
    return ALPHABET[-total * pow(LENGTH, -1, len(ALPHABET)) % len(ALPHABET)]
