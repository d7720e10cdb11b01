"""Readings of places: the agency's codes, names and kana, and what kind of place a name is.

The table is ``data/readings.csv``. Its first column is the agency's code, or for names that
are ours a word for the kind of place: river, volcano, island, sea, lake, place.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

READINGS = Path(__file__).parent / "data" / "readings.csv"

PREFECTURE_DIGITS = 2
FORECAST_AREA_DIGITS = 6
MUNICIPALITY_DIGITS = 7
MUNICIPAL = {"市": ("し",), "区": ("く",), "町": ("まち", "ちょう"), "村": ("むら", "そん")}
"""Words at the end of a municipality's name, and how they can be read."""


@dataclass(frozen=True)
class Readings:
    """Readings by name and code, and by name where all of that name read the same."""

    by_code: dict[tuple[str, str], str] = field(default_factory=dict)
    by_name: dict[str, str] = field(default_factory=dict)
    by_stem: dict[str, str] = field(default_factory=dict)
    """Of municipalities and prefectures without 市, 町, 村 or 県 (水戸, みと)."""
    prefectures: dict[str, str] = field(default_factory=dict)
    municipalities: dict[str, tuple[str, str]] = field(default_factory=dict)
    municipal: set[str] = field(default_factory=set)
    kinds: dict[str, str] = field(default_factory=dict)
    """What kind of place a name is, where the name alone does not tell (桜川 may be a town)."""

    def of(self, japanese: str, areas: Sequence[str] = ()) -> str | None:
        """Return a name's reading; codes tell two places of one name apart."""
        name = comparable_place(japanese)
        for code in areas:
            if (name, code) in self.by_code:
                return self.by_code[name, code]
        return self.by_name.get(name)

    def municipality(self, areas: Sequence[str]) -> tuple[str, str] | None:
        """Return name and reading of the one municipality that is meant."""
        codes = [code for code in areas if len(code) == MUNICIPALITY_DIGITS]
        return self.municipalities.get(codes[0]) if len(codes) == 1 else None

    def is_municipality(self, japanese: str) -> bool:
        """Whether the agency's list of municipalities has this name."""
        return comparable_place(japanese) in self.municipal


@cache
def readings() -> Readings:
    """Return the table, read once for the life of the process."""
    found = Readings()
    doubtful: set[str] = set()
    stems: dict[str, set[str]] = {}
    with READINGS.open(encoding="utf-8", newline="") as source:
        for row in csv.DictReader(line for line in source if not line.startswith("#")):
            code, name, reading = row["code"], comparable_place(row["name"]), row["reading"]
            found.by_code[name, code] = reading
            if code.isalpha() and code != "place":
                found.kinds[name] = code
            if len(code) == PREFECTURE_DIGITS:
                found.prefectures[code] = name
                stems.setdefault(name[:-1], set()).add(reading.split("-")[0])
            if len(code) == MUNICIPALITY_DIGITS and code.isdigit():
                found.municipalities[code] = (row["name"], reading)
                found.municipal.add(name)
                for stem, read in _stem(name, reading):
                    stems.setdefault(stem, set()).add(read)
            if found.by_name.setdefault(name, reading) != reading:
                doubtful.add(name)
    for name in doubtful:
        del found.by_name[name]
    found.by_stem.update({stem: read.pop() for stem, read in stems.items() if len(read) == 1})
    return found


def _stem(name: str, reading: str) -> Iterable[tuple[str, str]]:
    for ending in MUNICIPAL.get(name[-1], ()):
        if reading.endswith(ending) and len(name) > 1:
            yield name[:-1], reading.removesuffix(ending)


def comparable_place(japanese: str) -> str:
    """Return a name with the small ヶ that some lists write large, and without spaces."""
    return _LARGE_KE.sub("ヶ", unicodedata.normalize("NFC", japanese).replace("\u3000", "").strip())


_LARGE_KE = re.compile("(?<=[一-鿿])ケ(?=[一-鿿])")
