"""Spreadsheets as offices make them."""

from __future__ import annotations

import io
from collections.abc import Sequence

import openpyxl


def workbook(rows: Sequence[Sequence[object]], merged: Sequence[str] = ()) -> bytes:
    """Return rows as an xlsx file, with some cells merged."""
    book = openpyxl.Workbook()
    sheet = book.active
    for row in rows:
        sheet.append(list(row))
    for cells in merged:
        sheet.merge_cells(cells)
    output = io.BytesIO()
    book.save(output)
    return output.getvalue()
