"""How dates look in a language: day of the month, day and month, and month by name."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bot.understanding.folding import without_accents

_DAY = r"(?P<day>[12]\d|3[01]|0?[1-9])(?!\d)"
_MONTH = r"(?P<month>1[0-2]|0?[1-9])(?!\d)"
_AFTER_DAY = r"(?:st|nd|rd|th|o|º|\.|,)?\s*(?:of |de |del |ng |ika-?)?\s*"


def plain(text: str) -> str:
    """Return text for reading dates: digits of all scripts as 0 to 9, without case and accents."""
    digits = "".join(
        str(unicodedata.decimal(c)) if c.isdecimal() else c
        for c in unicodedata.normalize("NFKC", text).casefold()
    )
    return without_accents(digits)


@dataclass(frozen=True)
class DateForms:
    """The forms of one language; each pattern has a group ``day``."""

    days: tuple[re.Pattern[str], ...] = ()
    with_month: tuple[re.Pattern[str], ...] = ()
    """With a group ``month``: a number or a name in ``months``."""
    months: Mapping[str, int] | None = None

    @classmethod
    def read(
        cls, marks: Iterable[str], month_marks: Iterable[str], months: Mapping[str, int]
    ) -> DateForms:
        """Read the lists of a file.

        Parameters
        ----------
        marks, month_marks
            Such as ``the #th`` and ``#d tháng #m``.
        months
            Names of months with their numbers.
        """
        days = tuple(_pattern(mark.replace("#", "#d")) for mark in marks)
        with_month = [_pattern(mark) for mark in month_marks]
        names = {plain(name): number for name, number in months.items()}
        if names:
            any_name = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
            name = rf"(?P<month>{any_name})"
            spaced = all(one.isascii() or "\u0400" <= one < "\u0500" for one in names)
            start, end = (r"\b", r"\b") if spaced else ("", "")
            with_month += [
                re.compile(rf"(?<!\d){_DAY}{_AFTER_DAY}{start}{name}{end}"),
                re.compile(rf"{start}{name}{end}\.?\s*(?:the )?{_DAY}"),
            ]
        return cls(days, tuple(with_month), names)

    def month_and_day(self, text: str) -> tuple[int, int] | None:
        """Return month and day in ``text`` (:func:`plain`); a day without a month has month 0."""
        for pattern in self.with_month:
            if found := pattern.search(text):
                month = (self.months or {}).get(found["month"]) or int(found["month"])
                return month, int(found["day"])
        for pattern in self.days:
            if found := pattern.search(text):
                return 0, int(found["day"])
        return None


def _pattern(mark: str) -> re.Pattern[str]:
    escaped = re.escape(plain(mark)).replace(r"\#d", _DAY, 1).replace(r"\#m", _MONTH, 1)
    return re.compile(rf"(?<!\w){escaped}".replace(r"\ ", r"\s*"))
