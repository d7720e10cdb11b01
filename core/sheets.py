"""Spreadsheets as offices send them: xlsx or CSV, read in a child process within limits."""

from __future__ import annotations

import json
import unicodedata

from core.child import Exhausted, Workshop
from core.errors import BadInput
from core.reasons import reason
from core.sheet_cells import MOST_ROWS

MOST_BYTES = 5 * 1024 * 1024

Sheet = list[list[str]]


def spreadsheet_workshop() -> Workshop:
    """Return where spreadsheets are unpacked."""
    return Workshop("core.sheet_cells:cells", at_once=1)


async def read_sheets(
    workshop: Workshop, data: bytes, *, most_rows: int = MOST_ROWS, computed: bool = False
) -> list[tuple[str, Sheet]]:
    """Return the sheets of a file (xlsx, or CSV in UTF-8 or Shift_JIS) by name, each as rows.

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
        case "too-large":
            raise BadInput(reason("sheet.too-large"))
        case "too-many":
            raise BadInput(reason("sheet.too-many-rows", most=f"{most_rows:,}"))
        case _:
            raise BadInput(reason("sheet.unreadable"))
    if computed and (cells := said["formulas"]):
        raise BadInput(reason("sheet.formulas", n=len(cells), cell=cells[0]))
    return sheets


def heading_key(text: str) -> str:
    """Return a heading as it is compared: width, spaces and capitals do not matter."""
    return "".join(unicodedata.normalize("NFKC", text).split()).lower()
