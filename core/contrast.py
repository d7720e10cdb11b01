"""Contrast of two colours, as the Web Content Accessibility Guidelines count it."""

from __future__ import annotations

import re

AA_TEXT = 4.5
"""The least contrast of text and its ground (WCAG 2.2, 1.4.3)."""
AA_SHAPE = 3.0
"""The least contrast of what must be seen and its surroundings (1.4.11)."""
COLOUR = re.compile("#[0-9a-fA-F]{6}")
DARK, LIGHT = "#000000", "#ffffff"


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours such as ``#0017c1``: 1 (the same) to 21."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def text_on(ground: str) -> str:
    """Return the colour of text that is read best on ``ground``; it has always 4.5 or more."""
    return max(LIGHT, DARK, key=lambda text: contrast(ground, text))


def _luminance(colour: str) -> float:
    if COLOUR.fullmatch(colour) is None:
        raise ValueError(f"{colour!r} is no colour such as #0017c1.")
    red, green, blue = (_linear(int(colour[n : n + 2], 16) / 255) for n in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)
