"""Decimals, lists and names of months as each language writes them (``data/times``).

The tables are ours: a library rewords its own from one version to the next, and nobody would see
that a warning reads differently. They began as those of CLDR, by way of Babel 2.18.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from core.languages import LANGUAGES, read_table

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
    """

    decimal: str
    two: str
    several: tuple[str, str, str]
    months: tuple[frozenset[str], ...] = ()


JAPANESE = Forms(decimal=".", two="{0}、{1}", several=("{0}、{1}",) * 3)


@cache
def forms_of(language: str) -> Forms:
    """Return the forms of a language."""
    if LANGUAGES[language].is_japanese:
        return JAPANESE
    table = read_table(PATTERNS, language)["forms"]
    start, middle, end = table["list"]
    return Forms(
        decimal=table["decimal"],
        two=table["two"],
        several=(start, middle, end),
        months=tuple(frozenset(names) for names in table.get("months", ())),
    )


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
