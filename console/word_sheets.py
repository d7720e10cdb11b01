"""A spreadsheet of an office as rows of a part, and what it would change.

The columns are found by their headings, wherever in the sheet they begin. The files of 5374.jp are
read as the folder's are.
"""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from city.collection import WasteKind
from city.collection_5374 import FILES, read_5374
from city.collection_plain import day_row
from city.faults import FolderFault
from city.foreign_sheets import HEADING_ROWS, adapted
from city.word_parts import Cells, Column, Kind, Part, Records
from city.word_tables import PARTS
from console.word_desk import FIXED, Desk, read_value, with_kind_codes
from core.child import Workshop
from core.errors import BadInput, Refusal
from core.languages import mark
from core.reason import Reason
from core.sheets import Sheet, heading_key, read_sheets
from core.text import spreadsheet_cell
from core.uploads import Upload

MOST_ROWS = 10_000
AREA_DAYS = "area_days.csv"
SAME_AS_ABOVE = frozenset({"〃", "同上", '"', "々"})
NO_HEADINGS = mark("No row with headings was found. These must stand in one row: {columns}.")
_QUOTED = ("'=", "'+", "'-", "'@", "'＝", "'＋", "'－", "'＠", "' ")


@dataclass(frozen=True)
class Line:
    """A row of a file. ``number`` counts the rows of the sheet from 1."""

    number: int
    key: str
    before: Cells | None
    cells: Cells
    wrong: tuple[Refusal | Reason, ...] = ()

    @property
    def is_new(self) -> bool:
        return self.before is None

    @property
    def is_changed(self) -> bool:
        return self.before is not None and self.before != self.cells


@dataclass(frozen=True)
class Difference:
    """What a file would change."""

    lines: tuple[Line, ...]
    gone: tuple[tuple[str, Cells], ...] = ()
    """Rows that hold and that the file does not have."""
    left_out: tuple[str, ...] = ()
    """Headings of columns that are not taken in."""
    hints: tuple[Reason, ...] = ()
    """What staff should know of how the files of another product were read."""

    @property
    def good(self) -> list[Line]:
        return [one for one in self.lines if not one.wrong and (one.is_new or one.is_changed)]

    @property
    def wrong(self) -> list[Line]:
        return [one for one in self.lines if one.wrong]

    @property
    def same(self) -> int:
        return sum(not (one.is_new or one.is_changed or one.wrong) for one in self.lines)


async def difference(
    workshop: Workshop, files: Sequence[Upload], part: Part, desk: Desk
) -> Difference:
    """Return what files would change from today on.

    Raises
    ------
    BadInput
        One cannot be read, has too many rows, or no headings that we know.
    """
    if part.code == "days" and any(_is_area_days(one) for one in files):
        return _of_5374(files, part, desk)
    rows: list[tuple[int, Cells]] = []
    left_out: tuple[str, ...] = ()
    hints: list[Reason] = []
    for upload in files:
        found, left_out, said = await _rows(workshop, upload, part, desk)
        rows += found
        hints += said
    return _compared(part, desk, rows, left_out=left_out, hints=tuple(hints))


def as_csv(part: Part, records: Records) -> str:
    """Return rows as CSV with the headings of the folder's file, for a spreadsheet."""
    more = dict.fromkeys(name for cells in records.values() for name in cells)
    usual = [one.name for one in part.columns]
    header = [*usual, *(name for name in more if name not in usual)]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(header)
    for cells in records.values():
        writer.writerow([spreadsheet_cell(cells.get(name, "")) for name in header])
    return "\ufeff" + out.getvalue()


async def _rows(
    workshop: Workshop, upload: Upload, part: Part, desk: Desk
) -> tuple[list[tuple[int, Cells]], tuple[str, ...], tuple[Reason, ...]]:
    sheets = await read_sheets(workshop, upload.content, most_rows=MOST_ROWS, computed=True)
    held = desk.held(part)
    for _, as_it_came in sheets:
        foreign = adapted(part.code, as_it_came, held)
        sheet = foreign.sheet
        found = _headings(part, sheet)
        if found is not None:
            at, columns = found
            others = [
                cell.strip()[:40]
                for n, cell in enumerate(sheet[at])
                if cell.strip() and n not in columns.values()
            ]
            rows = _read(part, desk, sheet, at, columns)
            return list(rows), tuple(dict.fromkeys(others)), foreign.hints
    needed = "、".join(one.name for one in part.columns if one.needed)
    raise Refusal(NO_HEADINGS, columns=needed)


def _headings(part: Part, sheet: Sheet) -> tuple[int, dict[str, int]] | None:
    """Return the row of the headings, and the column of each of ours."""
    for at, row in enumerate(sheet[:HEADING_ROWS]):
        keys = [heading_key(cell) for cell in row]
        columns: dict[str, int] = {}
        for column in part.columns:
            for name in (column.name, *column.also):
                place = keys.index(heading_key(name)) if heading_key(name) in keys else None
                if (
                    place is not None
                    and column.name not in columns
                    and place not in columns.values()
                ):
                    columns[column.name] = place
        needed = {one.name for one in part.columns if one.needed}
        if needed <= set(columns):
            return at, columns
    return None


def _read(
    part: Part, desk: Desk, sheet: Sheet, at: int, columns: dict[str, int]
) -> Iterator[tuple[int, Cells]]:
    kinds = desk.held(PARTS["waste-kinds"])
    known = {one.name: one for one in part.columns}
    before: dict[str, str] = {}
    for number, row in enumerate(sheet[at + 1 :], start=at + 2):
        said = {
            name: _bare(row[place]) if place < len(row) else "" for name, place in columns.items()
        }
        if not any(said.values()):
            continue
        said = {
            name: before.get(name, "") if value in SAME_AS_ABOVE else value
            for name, value in said.items()
        }
        before = said
        values = {name: _value(known[name], value, desk) for name, value in said.items()}
        # An empty cell empties; a column that the file does not have stays as it is.
        yield number, {**with_kind_codes(part, values, kinds), **_empty(values)}


def _empty(values: Cells) -> Cells:
    return {name: "" for name, value in values.items() if not value}


def _value(column: Column, text: str, desk: Desk) -> str:
    value = read_value(column, text, desk.city, desk.today)
    return value[:-6] if column.kind is Kind.DAY and value.endswith(" 00:00") else value


def _bare(cell: str) -> str:
    """Return a cell without the mark that keeps a spreadsheet from computing it."""
    return cell[1:] if cell.startswith(_QUOTED) else cell


def _compared(
    part: Part,
    desk: Desk,
    rows: Sequence[tuple[int, Cells]],
    *,
    left_out: tuple[str, ...] = (),
    hints: tuple[Reason, ...] = (),
) -> Difference:
    held = desk.held(part)
    # A row keeps its key, also when what names it was changed here.
    keys = {part.key_of(cells): key for key, cells in held.items()}
    found: dict[str, tuple[int, Cells, Cells | None]] = {}
    for number, cells in rows:
        named = key = keys.get(part.key_of(cells), part.key_of(cells))
        n = 1
        while key in found:
            n += 1
            key = f"{named} ({n})"
        before = held.get(key)
        merged = {**(before or {}), **cells}
        found[key] = number, {name: value for name, value in merged.items() if value}, before
    changed = {key: cells for key, (_, cells, before) in found.items() if cells != before}
    faults = desk.faults(part, changed, desk.today) if changed else {}
    if part.fixed:
        faults |= {key: [Refusal(FIXED)] for key in changed if key not in held}
    return Difference(
        tuple(
            Line(number, key, before, cells, tuple(faults.get(key, ())))
            for key, (number, cells, before) in found.items()
        ),
        ()
        if part.fixed
        else tuple((key, cells) for key, cells in held.items() if key not in found),
        left_out,
        hints,
    )


def _is_area_days(upload: Upload) -> bool:
    first = upload.content.removeprefix(b"\xef\xbb\xbf")[:200]
    heads = ("地名,センター".encode(), "地名,センター".encode("cp932"))
    return upload.name.lower() == AREA_DAYS or first.startswith(heads)


def _of_5374(files: Sequence[Upload], part: Part, desk: Desk) -> Difference:
    """Read ``area_days.csv`` and what came with it; new kinds of rubbish must be there first."""
    with tempfile.TemporaryDirectory(prefix="todoke-5374-") as name:
        folder = Path(name)
        for upload in files:
            named = AREA_DAYS if _is_area_days(upload) else upload.name.lower()
            if named in FILES:
                (folder / named).write_bytes(upload.content)
        kinds = {
            code: WasteKind(code, {k: v for k, v in row.items() if k != "コード"})
            for code, row in desk.held(PARTS["waste-kinds"]).items()
        }
        faults: list[FolderFault] = []
        _, days = read_5374(
            folder,
            kinds,
            desk.city.district_by_code,
            faults,
            shifts=desk.city.collection_week_shift,
        )
    if not days:
        raise BadInput(faults[0].message) if faults else Refusal(NO_HEADINGS, columns="地名")
    rows = [
        (n, {**dict.fromkeys((one.name for one in part.columns), ""), **day_row(rule)})
        for n, rule in enumerate(days, start=2)
    ]
    hints = tuple(fault.message for fault in faults if not fault.warning)
    return _compared(part, desk, rows, hints=hints)
