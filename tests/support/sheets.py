"""Spreadsheets as offices make them."""

from __future__ import annotations

import io
from collections.abc import Sequence

import openpyxl
from openpyxl.styles import Border, Side


def workbook(
    rows: Sequence[Sequence[object]], merged: Sequence[str] = (), *, lines_to: int = 0
) -> bytes:
    """Return rows as an xlsx file, with some cells merged, and lines drawn down to a row."""
    book = openpyxl.Workbook()
    sheet = book.active
    for row in rows:
        sheet.append(list(row))
    for cells in merged:
        sheet.merge_cells(cells)
    for number in range(len(rows) + 1, lines_to + 1):
        sheet.cell(number, 1).border = Border(bottom=Side("thin"))
    return saved(book)


def saved(book: openpyxl.Workbook) -> bytes:
    """Return a workbook as the bytes of its file."""
    output = io.BytesIO()
    book.save(output)
    return output.getvalue()
