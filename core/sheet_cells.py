"""Read the cells of a spreadsheet of a stranger: xlsx by openpyxl, and CSV.

A child of ``core.child`` runs it, within limits of time and memory: a workbook of some kilobytes
can unpack to gigabytes. Every cell comes out as text. A merged cell has its text in each of its
cells.
"""

from __future__ import annotations

import csv
import io
import json
import warnings
import zipfile
from datetime import date, datetime, time
from typing import Any

MOST_ROWS, MOST_COLUMNS, MOST_SHEETS = 5_000, 60, 10
MOST_UNPACKED = 200 * 1024 * 1024
LONGEST_CELL = 5_000

Sheet = list[list[str]]


def cells(data: bytes, most_rows: int = MOST_ROWS) -> tuple[dict[str, Any], bytes]:
    """Return what there is to say of a file, and its sheets as JSON: ``[[name, rows], …]``.

    ``refused`` says why a file is not read: ``unreadable``, ``too-large``, ``too-many`` (rows) or
    ``old`` (xls). ``formulas`` names cells with a formula of which the file has no value.
    """
    formulas: list[str] = []
    try:
        if data[:2] == b"PK":
            sheets = _workbook(data, most_rows)
            formulas = _formulas(data, sheets, most_rows)
        else:
            sheets = _text(data, most_rows)
    except _Refused as refused:
        return {"refused": str(refused)}, b""
    except Exception:
        return {"refused": "unreadable"}, b""
    said = {"sheets": len(sheets), "formulas": formulas}
    return said, json.dumps(sheets, ensure_ascii=False).encode()


class _Refused(Exception):
    pass


def _workbook(data: bytes, most_rows: int) -> list[tuple[str, Sheet]]:
    import openpyxl

    with zipfile.ZipFile(io.BytesIO(data)) as parts:
        if sum(part.file_size for part in parts.infolist()) > MOST_UNPACKED:
            raise _Refused("too-large")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        book = openpyxl.load_workbook(io.BytesIO(data), data_only=True, keep_links=False)
    found: list[tuple[str, Sheet]] = []
    for sheet in book.worksheets[:MOST_SHEETS]:
        if sheet.sheet_state != "visible":
            continue
        rows = _filled(sheet, most_rows)
        for merged in sheet.merged_cells.ranges:
            _spread(rows, merged.bounds)
        found.append((sheet.title, rows))
    return found


def _filled(sheet: Any, most_rows: int) -> Sheet:
    """Return the rows down to the last one with a value: offices draw lines far below it."""
    rows: Sheet = []
    empty = 0
    for row in sheet.iter_rows(max_col=min(sheet.max_column, MOST_COLUMNS), values_only=True):
        if all(value is None for value in row):
            empty += 1
            continue
        rows += [[""] * len(row) for _ in range(min(empty, most_rows + 1))]
        empty = 0
        rows.append([_as_text(value) for value in row])
        if len(rows) > most_rows:
            raise _Refused("too-many")
    return rows


def _formulas(data: bytes, sheets: list[tuple[str, Sheet]], most_rows: int) -> list[str]:
    """Return the places (``B2``) of cells whose formula nobody computed before the file was saved.

    Excel stores the value beside the formula; other programs may not.
    """
    import openpyxl

    with zipfile.ZipFile(io.BytesIO(data)) as parts:
        names = [name for name in parts.namelist() if name.startswith("xl/worksheets/")]
        if not any(b"<f" in parts.read(name) for name in names):
            return []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, keep_links=False)
    found: list[str] = []
    for name, rows in sheets:
        most = {"max_row": most_rows, "max_col": MOST_COLUMNS}
        for number, row in enumerate(book[name].iter_rows(values_only=True, **most), start=1):
            for column, value in enumerate(row):
                if (
                    isinstance(value, str)
                    and value.startswith("=")
                    and not (number <= len(rows) and rows[number - 1][column])
                ):
                    found.append(f"{openpyxl.utils.get_column_letter(column + 1)}{number}")
    return found


def _spread(rows: Sheet, bounds: tuple[int, int, int, int]) -> None:
    """Write the text of a merged cell into each of its cells; bounds count from 1."""
    left, top, right, bottom = bounds
    if top > len(rows) or left > len(rows[top - 1]):
        return
    text = rows[top - 1][left - 1]
    for row in rows[top - 1 : bottom]:
        for column in range(left - 1, min(right, len(row))):
            row[column] = text


def _text(data: bytes, most_rows: int) -> list[tuple[str, Sheet]]:
    if data[:4] == b"\xd0\xcf\x11\xe0":
        raise _Refused("old")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp932")
    if "\0" in text:
        raise _Refused("unreadable")
    first = text.partition("\n")[0]
    rows = csv.reader(io.StringIO(text, newline=""), delimiter="\t" if "\t" in first else ",")
    found: Sheet = []
    for row in rows:
        if len(found) >= most_rows:
            raise _Refused("too-many")
        found.append([cell[:LONGEST_CELL] for cell in row[:MOST_COLUMNS]])
    return [("", found)]


def _as_text(value: Any) -> str:
    match value:
        case None:
            return ""
        case datetime():
            return value.isoformat(" ", "minutes")
        case date() | time():
            return value.isoformat()
        case float() if value.is_integer():
            return str(int(value))
    return str(value)[:LONGEST_CELL]
