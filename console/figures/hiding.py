"""Small numbers are hidden, also when they follow from the others by subtraction."""

from __future__ import annotations

from collections.abc import Mapping

LEAST = 10
"""A number of people below this is not shown, as for audiences of news."""
Shown = int | None
"""A number of people; None is "under 10"."""


def single(number: int) -> Shown:
    """Return a number that stands alone, or None if it is small."""
    return None if 0 < number < LEAST else number


def apart(numbers: Mapping[str, int]) -> dict[str, Shown]:
    """Return numbers that are no parts of a whole, small ones hidden."""
    return {key: single(number) for key, number in numbers.items()}


def together(parts: Mapping[str, int]) -> dict[str, Shown]:
    """Return the parts of a whole whose sum is shown, small ones hidden.

    If only one part is small, or the small ones are fewer than :data:`LEAST` together, the sum less
    the others tells them. Then the next smallest are hidden as well.
    """
    small = {key for key, number in parts.items() if 0 < number < LEAST}
    if small:
        left = sorted((number, key) for key, number in parts.items() if number >= LEAST)
        while left and (len(small) < 2 or sum(parts[key] for key in small) < LEAST):
            small.add(left.pop(0)[1])
    return {key: None if key in small else number for key, number in parts.items()}
