"""Decimals, lists and names of months as each language writes them (``data/times``).

The tables are ours: a library rewords its own from one version to the next, and nobody would see
that a warning reads differently. They began as those of CLDR, by way of Babel 2.18.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

from core.languages import EASY_JAPANESE, LANGUAGES, read_table

PATTERNS = Path(__file__).parent / "data" / "times"


@dataclass(frozen=True, kw_only=True)
class Forms:
    """How a language writes numbers and lists: ``[forms]`` of ``data/times/<language>.toml``.

    Parameters
    ----------
    decimal
        The sign before decimals.
    two
        A list of two.
    several
        A longer list (``list`` in the file): how it begins, goes on and ends.
    months
        Every name of a month that a text may have, January first, in lower case and without full
        stops; none for a language that writes months as numbers.
    month_names
        As a calendar heads them, January first (``[calendar]`` of the file).
    month_of_year
        Of ``{month}``, a name of the above, and ``{year}``.
    """

    decimal: str
    two: str
    several: tuple[str, str, str]
    months: tuple[frozenset[str], ...] = ()
    month_names: tuple[str, ...]
    month_of_year: str


JAPANESE = Forms(
    decimal=".",
    two="{0}、{1}",
    several=("{0}、{1}",) * 3,
    month_names=tuple(f"{month}月" for month in range(1, 13)),
    month_of_year="{year}年{month}",
)


@cache
def forms_of(language: str) -> Forms:
    """Return the forms of a language."""
    if LANGUAGES[language].is_japanese:
        return JAPANESE
    tables = read_table(PATTERNS, language)
    table, calendar = tables["forms"], tables["calendar"]
    start, middle, end = table["list"]
    return Forms(
        decimal=table["decimal"],
        two=table["two"],
        several=(start, middle, end),
        months=tuple(frozenset(names) for names in table.get("months", ())),
        month_names=tuple(calendar["months"]),
        month_of_year=calendar["of_year"],
    )


def month_name(month: date, language: str, *, year: bool = True) -> str:
    """Return a month in words, with its year or alone."""
    if language == EASY_JAPANESE:
        name = f"{month.month}月（がつ）"
        return f"{month.year}年（ねん）{name}" if year else name
    form = forms_of(language)
    name = form.month_names[month.month - 1]
    return form.month_of_year.format(month=name, year=month.year) if year else name


def enumerated(parts: Sequence[str], language: str) -> str:
    """Return parts as a list in a sentence: "a, b, and c"."""
    if len(parts) < 2:
        return "".join(parts)
    form = forms_of(language)
    if len(parts) == 2:
        return form.two.format(*parts)
    start, middle, end = form.several
    said = start.format(*parts[:2])
    for part in parts[2:-1]:
        said = middle.format(said, part)
    return end.format(said, parts[-1])
