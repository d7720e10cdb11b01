"""Spreadsheets as offices send them: xlsx or CSV, read in a child process within limits."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import date

from core.child import Exhausted, Workshop
from core.errors import BadInput
from core.reasons import reason
from core.sheet_cells import MOST_ROWS

MOST_BYTES = 5 * 1024 * 1024
DAY_ZERO, DAY_ZERO_1904 = date(1899, 12, 30), date(1904, 1, 1)
"""From which Excel counts days: on Windows, and in files that began on an old Mac."""

Sheet = list[list[str]]


class Sheets(list[tuple[str, Sheet]]):
    """The sheets of a file by name, each as rows.

    Parameters
    ----------
    hidden
        The rows (from 1) that a sheet does not show.
    day_zero
        From which the file counts days.
    """

    def __init__(
        self,
        sheets: Iterable[tuple[str, Sheet]],
        hidden: Mapping[str, Iterable[int]],
        day_zero: date,
    ) -> None:
        super().__init__((name, rows) for name, rows in sheets)
        self.hidden = {name: frozenset(rows) for name, rows in hidden.items()}
        self.day_zero = day_zero


def spreadsheet_workshop() -> Workshop:
    """Return where spreadsheets are unpacked."""
    return Workshop("core.sheet_cells:cells", at_once=1)


async def read_sheets(
    workshop: Workshop, data: bytes, *, most_rows: int = MOST_ROWS, computed: bool = False
) -> Sheets:
    """Return the sheets of a file: xlsx, or CSV in UTF-8, UTF-16 or Shift_JIS.

    Parameters
    ----------
    computed
        Whether a file with formulas that nobody computed is refused.

    Raises
    ------
    BadInput
        It is no such file, or too large.
    """
    if len(data) > MOST_BYTES:
        raise BadInput(reason("sheet.too-large"))
    try:
        said, content = await workshop.do(data, most_rows=most_rows)
    except Exhausted as error:
        raise BadInput(reason("sheet.too-large")) from error
    match said.get("refused"):
        case None:
            sheets: list[tuple[str, Sheet]] = json.loads(content)
        case "old":
            raise BadInput(reason("sheet.old"))
        case "ods":
            raise BadInput(reason("sheet.ods"))
        case "locked":
            raise BadInput(reason("sheet.locked"))
        case "too-large":
            raise BadInput(reason("sheet.too-large"))
        case "too-many":
            raise BadInput(reason("sheet.too-many-rows", most=f"{most_rows:,}"))
        case _:
            raise BadInput(reason("sheet.unreadable"))
    if computed and (cells := said["formulas"]):
        raise BadInput(reason("sheet.formulas", n=len(cells), cell=cells[0]))
    return Sheets(sheets, said["hidden"], DAY_ZERO_1904 if said["from_1904"] else DAY_ZERO)


def heading_key(text: str) -> str:
    """Return a heading as it is compared: width, spaces and capitals do not matter."""
    return "".join(unicodedata.normalize("NFKC", text).split()).lower()
