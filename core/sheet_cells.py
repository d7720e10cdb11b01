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
from datetime import date, datetime, time, timedelta
from typing import Any

MOST_ROWS, MOST_COLUMNS, MOST_SHEETS = 5_000, 60, 60
MOST_UNPACKED = 200 * 1024 * 1024
LONGEST_CELL = 5_000
DELIMITERS = "\t,;"
LINES_TO_LOOK_AT = 30
NO_TEXT = ("%PDF", "<", "{\\rtf")
"""How files begin that are called xls or csv and are something else."""
OPEN_DOCUMENT = b"application/vnd.oasis.opendocument"

Sheet = list[list[str]]


def cells(data: bytes, most_rows: int = MOST_ROWS) -> tuple[dict[str, Any], bytes]:
    """Return what there is to say of a file, and its sheets as JSON: ``[[name, rows], …]``.

    ``refused`` says why a file is not read: ``unreadable``, ``too-large``, ``too-many`` (rows),
    ``old`` (xls), ``ods`` or ``locked`` (by a password). ``formulas`` names cells with a formula of
    which the file has no value, ``hidden`` the rows of each sheet that it does not show (from 1);
    ``from_1904`` says that its numbers of days begin in 1904.
    """
    more: dict[str, Any] = {"formulas": [], "hidden": {}, "from_1904": False}
    try:
        if data[:2] == b"PK":
            sheets, more = _workbook(data, most_rows)
            more["formulas"] = _formulas(data, [name for name, _ in sheets])
        else:
            sheets = _text(data, most_rows)
    except _Refused as refused:
        return {"refused": str(refused)}, b""
    except Exception:
        return {"refused": "unreadable"}, b""
    said = {"sheets": len(sheets), **more}
    return said, json.dumps(sheets, ensure_ascii=False).encode()


class _Refused(Exception):
    pass


def _workbook(data: bytes, most_rows: int) -> tuple[list[tuple[str, Sheet]], dict[str, Any]]:
    import openpyxl
    from openpyxl.utils.datetime import CALENDAR_MAC_1904

    with zipfile.ZipFile(io.BytesIO(data)) as parts:
        if sum(part.file_size for part in parts.infolist()) > MOST_UNPACKED:
            raise _Refused("too-large")
        if "mimetype" in parts.namelist() and OPEN_DOCUMENT in parts.read("mimetype"):
            raise _Refused("ods")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        book = openpyxl.load_workbook(io.BytesIO(data), data_only=True, keep_links=False)
    found: list[tuple[str, Sheet]] = []
    hidden: dict[str, list[int]] = {}
    if len(book.worksheets) > MOST_SHEETS:
        raise _Refused("too-large")
    for sheet in book.worksheets:
        if sheet.sheet_state != "visible":
            continue
        rows = _filled(sheet, most_rows)
        for merged in sheet.merged_cells.ranges:
            _spread(rows, merged.bounds)
        found.append((sheet.title, rows))
        hidden[sheet.title] = [
            number
            for number, one in sheet.row_dimensions.items()
            if one.hidden and number <= len(rows)
        ]
    return found, {"hidden": hidden, "from_1904": book.epoch == CALENDAR_MAC_1904}


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


def _formulas(data: bytes, names: list[str]) -> list[str]:
    """Return the places (``B2``) of cells whose formula nobody computed before the file was saved.

    Excel stores the value beside the formula, an empty text too; other programs may not.
    """
    import openpyxl

    found: list[str] = []
    with zipfile.ZipFile(io.BytesIO(data)) as parts:
        paths = [path for path in parts.namelist() if path.startswith("xl/worksheets/")]
        if not any(b"<f" in parts.read(path) for path in paths):
            return []
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, keep_links=False)
        for name in names:
            path = book[name]._worksheet_path  # the only way from a sheet's name to its part
            found += _without_value(parts.read(path))
    return found


def _without_value(part: bytes) -> list[str]:
    from lxml import etree

    found: list[str] = []
    safe = {"resolve_entities": False, "no_network": True, "load_dtd": False, "huge_tree": False}
    for _, cell in etree.iterparse(io.BytesIO(part), tag="{*}c", **safe):
        is_formula = cell.find("{*}f") is not None
        if is_formula and not cell.findtext("{*}v") and cell.get("t") != "str":
            found.append(str(cell.get("r", "?")))
        cell.clear()
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
    text = _decoded(data)
    lines = text.splitlines()[:LINES_TO_LOOK_AT]
    # Above the table there may be a title, which has none of them.
    delimiter = max(DELIMITERS, key=lambda one: max((line.count(one) for line in lines), default=0))
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    found: Sheet = []
    for row in rows:
        if len(found) >= most_rows:
            raise _Refused("too-many")
        found.append([cell[:LONGEST_CELL] for cell in row[:MOST_COLUMNS]])
    return [("", found)]


def _decoded(data: bytes) -> str:
    """Return the letters of a CSV: UTF-8, UTF-16 (Excel's "Unicode text"), or Shift_JIS."""
    if data[:4] == b"\xd0\xcf\x11\xe0":
        is_locked = "EncryptedPackage".encode("utf-16-le") in data
        raise _Refused("locked" if is_locked else "old")
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        text = data.decode("utf-16")
        if not any(one in text for one in DELIMITERS):
            raise _Refused("unreadable")
    else:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = data.decode("cp932")
    if "\0" in text or text.startswith(NO_TEXT):
        raise _Refused("unreadable")
    return text


def _as_text(value: Any) -> str:
    match value:
        case None:
            return ""
        case datetime():
            return value.isoformat(" ", "minutes")
        case date() | time():
            return value.isoformat()
        case timedelta():  # 25:30 in Excel's form [h]:mm
            minutes = round(value.total_seconds() / 60)
            return f"{minutes // 60}:{minutes % 60:02}"
        case float() if value.is_integer():
            return str(int(value))
    return str(value)[:LONGEST_CELL]
