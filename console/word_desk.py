"""The city's own words as a desk sees them: what holds, what is to come, what is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Protocol

from city.city import City
from city.collection_files import CALLED_OFF, EXTRA, MOVED
from city.folder import CityFolder
from city.own_words import FolderWords, held_row
from city.word_parts import Cells, Column, Kind, Part, Records
from console.web import Visit
from core.clock import in_japan
from core.errors import Refusal
from core.japanese_dates import read_date
from core.languages import mark
from core.own_words import Overlay, WordVersion
from core.reason import Reason
from core.text import clean

MOST_AHEAD = timedelta(days=3 * 366)
"""How far ahead a change can begin."""
NO_YEAR_AHEAD = timedelta(days=300)
"""A date without a year is the last such day up to so many days ahead."""
NEEDED = mark("“{column}” is needed.")
FORMULA = mark("“{column}” is a formula. Write the text itself.")
TOO_LONG = mark("“{column}” has more than {most} characters.")
THERE = mark("There is a row with these values already.")
FIXED = mark("Rows of this table are neither added nor taken away, and keep their code.")


class OwnWords(Protocol):
    """The words of now of this process (``app.own_words.WordsNow``)."""

    @property
    def words(self) -> FolderWords: ...
    @property
    def overlay(self) -> Overlay: ...
    async def refresh(self) -> CityFolder: ...


@dataclass(frozen=True)
class Row:
    """A row of a list.

    Parameters
    ----------
    changed
        Whether it is another than the folder's.
    later
        The day from which another version holds.
    missing, older
        Languages without a text, and with one that is older than the Japanese.
    """

    key: str
    cells: Cells
    changed: bool
    later: date | None
    missing: tuple[str, ...] = ()
    older: tuple[str, ...] = ()


@dataclass(frozen=True)
class Desk:
    """What one visit knows of the words."""

    words: FolderWords
    overlay: Overlay
    city: City
    today: date

    @classmethod
    async def of(cls, visitor: Visit) -> Desk:
        now: OwnWords = visitor.request.app.state.own_words
        await now.refresh()
        today = in_japan(visitor.context.clock.now()).date()
        return cls(now.words, now.overlay, visitor.context.city, today)

    def held(self, part: Part, day: date | None = None) -> Records:
        return self.words.held(part, self.overlay, day or self.today)

    def versions(self, part: Part, key: str) -> Sequence[WordVersion]:
        return self.overlay.get(part.code, {}).get(key, ())

    def rows(self, part: Part) -> list[Row]:
        """Return the rows that hold, or will hold."""
        held, own = self.held(part), self.words.own(part)
        to_come = [key for key in self.overlay.get(part.code, {}) if key not in held]
        found = []
        for key in (*held, *to_come):
            versions = self.versions(part, key)
            later = next((one for one in versions if one.holds_from > self.today), None)
            cells = held.get(key) or (later.cells if later else None)
            if cells is None:
                continue
            missing, older = self.languages(part, key, cells)
            changed = key in held and held[key] != own.get(key)
            day = later.holds_from if later else None
            found.append(Row(key, cells, changed, day, missing, older))
        return found

    def languages(
        self, part: Part, key: str, cells: Cells
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the languages in which a text is missing, and in which one is older than in
        Japanese.
        """
        spoken = [code for code in part.languages if code in self.city.languages and code != "ja"]
        missing = [
            code
            for code in spoken
            if any(
                not cells.get(column.name) and _said_in_japanese(part, column, cells)
                for column in part.columns
                if column.language == code
            )
        ]
        ages = self._ages(part, key)
        older = [
            code
            for code in spoken
            if code not in missing
            and any(
                ages.get(column.name, 0) < ages.get(_japanese(part, column), 0)
                for column in part.columns
                if column.language == code
            )
        ]
        return tuple(missing), tuple(older)

    def _ages(self, part: Part, key: str) -> dict[str, int]:
        """Return for each column the number of the version that last changed it; 0: the folder."""
        own = self.words.own(part).get(key) or {}
        before, ages = own, dict[str, int]()
        for version in self.versions(part, key):
            cells = own if version.of_folder else version.cells or {}
            for name in {*before, *cells}:
                if before.get(name) != cells.get(name):
                    ages[name] = version.id or 0
            before = cells
        return ages

    def row_on(self, part: Part, key: str, day: date) -> Cells | None:
        """Return what a row contains on a day; None if it is not there."""
        return held_row(self.words.own(part).get(key), self.versions(part, key), day)

    def faults(
        self, part: Part, rows: Mapping[str, Cells | None], day: date
    ) -> dict[str, list[Refusal | Reason]]:
        """Return what is wrong with rows that are to hold from a day on, by key."""
        found: dict[str, list[Refusal | Reason]] = {
            key: list(_own_faults(part, cells)) for key, cells in rows.items() if cells is not None
        }
        after = changed(self.held(part, day), rows)
        for key, reasons in self.words.faults(part, after, self.overlay, day).items():
            if key in found:
                found[key] += reasons
        return {key: reasons for key, reasons in found.items() if reasons}

    def shown(self, part: Part, key: str, cells: Cells | None, day: date) -> CityFolder:
        """Return the city as it would be with a row, for a preview."""
        after = changed(self.held(part, day), {key: cells})
        return self.words.with_rows(part, after, self.overlay, day)


def changed(held: Records, rows: Mapping[str, Cells | None]) -> Records:
    """Return rows with some of them changed, added, or (None) taken away."""
    merged = {**held, **rows}
    return {key: cells for key, cells in merged.items() if cells is not None}


def read_cells(
    part: Part, typed: Mapping[str, str], before: Cells, city: City, today: date
) -> Cells:
    """Return a row with what was typed; columns that were not asked for stay as they were."""
    made = dict(before)
    for column in part.columns:
        if column.name in typed:
            made[column.name] = read_value(column, typed[column.name], city, today)
    return {name: value for name, value in made.items() if value}


def read_value(column: Column, text: str, city: City, today: date) -> str:
    """Return a value as the files have it: days in ISO 8601, codes for names."""
    value = clean(text, line=column.kind is not Kind.TEXT)
    if column.kind is Kind.DAY and value:
        found = read_date(value, today + NO_YEAR_AHEAD)
        if found is not None and not found[1]:
            return found[0].isoformat()
    if column.choices == "districts":
        return _code(value, ((one.code, one.names.values()) for one in city.districts))
    if column.choices == "offices":
        return _code(value, ((one.code, one.names.values()) for one in city.departments))
    return value


def _code(value: str, named: Iterable[tuple[str, Iterable[str]]]) -> str:
    """Return the code of what is called so; the value itself if nothing is."""
    if value in ALL_OF_THEM:
        return ""
    for code, names in named:
        if value == code or value.removesuffix("地区") in {
            name.removesuffix("地区") for name in names
        }:
            return code
    return value


ALL_OF_THEM = frozenset({"全市", "全域", "市内全域", "全地区", "すべて", "全て", "全部", "全品目"})
"""What offices write where a file has an empty cell."""


WRITTEN_AS = {
    "休": CALLED_OFF,
    "収集なし": CALLED_OFF,
    "収集しない": CALLED_OFF,
    "中止": CALLED_OFF,
    "振": MOVED,
    "変更": MOVED,
    "臨時": EXTRA,
    "追加": EXTRA,
    "特別": EXTRA,
}
"""How offices begin to write what happens on a day."""


def with_kind_codes(part: Part, cells: Cells, kinds: Records) -> Cells:
    """Return a row with the codes of the kinds of rubbish that it names."""
    made = dict(cells)
    for column in part.columns:
        if column.choices == "waste-kinds" and (value := cells.get(column.name)):
            named = ((code, _names(row)) for code, row in kinds.items())
            made[column.name] = _code(value, named)
        if isinstance(column.choices, tuple) and (value := cells.get(column.name)):
            made[column.name] = value if value in column.choices else _written_as(value)
    return {name: value for name, value in made.items() if value}


def _written_as(value: str) -> str:
    return next((meant for begun, meant in WRITTEN_AS.items() if value.startswith(begun)), value)


def _names(row: Cells) -> list[str]:
    return [value for name, value in row.items() if name != "コード"]


def _own_faults(part: Part, cells: Cells) -> Iterable[Refusal]:
    for column in part.columns:
        value = cells.get(column.name, "")
        if column.needed and not value:
            yield Refusal(NEEDED, column=column.name)
        if value.startswith(("=", "＝")):
            yield Refusal(FORMULA, column=column.name)
        if len(value) > column.longest:
            yield Refusal(TOO_LONG, column=column.name, most=column.longest)


def _japanese(part: Part, column: Column) -> str:
    """Return the name of the Japanese column of a text."""
    return next(
        one.name for one in part.columns if one.text == column.text and one.language == "ja"
    )


def _said_in_japanese(part: Part, column: Column, cells: Cells) -> bool:
    return bool(cells.get(_japanese(part, column)))
