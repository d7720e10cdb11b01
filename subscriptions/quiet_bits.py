"""Residents' own quiet hours as bits, so that a million are compared with the clock at once.

A start and an end are minutes of the day, of 11 binary digits. There is one bitmap for each digit
of the starts and of the ends, and one of everybody with hours of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

DIGITS = 11
"""A day has 1,440 minutes."""
OWN = "quiet"
_START, _END = "quiet:start:", "quiet:end:"


def all_keys() -> set[str]:
    """Return the keys of all these bitmaps."""
    return {OWN, *(f"{name}{digit}" for name in (_START, _END) for digit in range(DIGITS))}


def keys_of(start: int, end: int) -> list[str]:
    """Return the keys of the bitmaps in which a resident with these hours stands."""
    return [
        OWN,
        *(f"{_START}{digit}" for digit in range(DIGITS) if start >> digit & 1),
        *(f"{_END}{digit}" for digit in range(DIGITS) if end >> digit & 1),
    ]


@dataclass(frozen=True)
class QuietBits:
    """Residents with hours of their own, and those of them who are in these hours, as bits."""

    own: int
    now: int

    def of(self, residents: int, *, city_is_quiet: bool) -> int:
        """Return those of ``residents`` who are in their own quiet hours or in the city's."""
        return residents & (~self.own | self.now if city_is_quiet else self.now)


def quiet_at(bits: Mapping[str, int], minute: int) -> QuietBits:
    """Return who is in their own quiet hours at a minute of the day in Japan.

    A missing bitmap has nobody. Equal hours are none; hours that end before they start go on after
    midnight.
    """
    own = bits.get(OWN, 0)
    starts = [bits.get(f"{_START}{digit}", 0) for digit in range(DIGITS)]
    ends = [bits.get(f"{_END}{digit}", 0) for digit in range(DIGITS)]
    the_minute = [own if minute >> digit & 1 else 0 for digit in range(DIGITS)]
    has_begun = own & ~_less(the_minute, starts, own)
    has_not_ended = _less(the_minute, ends, own)
    within_a_day = _less(starts, ends, own)
    over_midnight = _less(ends, starts, own)
    now = (within_a_day & has_begun & has_not_ended) | (over_midnight & (has_begun | has_not_ended))
    return QuietBits(own, now)


def _less(some: list[int], others: list[int], among: int) -> int:
    """Return those ``among`` whose first number is less than their second; by binary digits."""
    less, equal = 0, among
    for one, other in zip(reversed(some), reversed(others), strict=True):
        less |= equal & ~one & other
        equal &= ~(one ^ other)
    return less
