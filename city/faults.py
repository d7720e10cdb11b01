"""Mistakes in the city's folder, each with its file and line."""

from __future__ import annotations

import csv
import difflib
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from city.reasons import reason
from core.reason import Reason

SOURCES = ("part.source", "part.source-named")
MOST_BROKEN = 20
"""Records that are not CSV after which a file is read no further."""


@dataclass(frozen=True)
class FolderFault:
    """One mistake. ``line`` counts from 1; None means the whole file.

    Only a mistake in what warnings need keeps the service from starting. A ``warning`` is shown and
    changes nothing. ``left_out`` names the part that is missing until the mistake is corrected.
    """

    path: Path
    line: int | None
    message: Reason
    warning: bool = False
    left_out: Reason | None = None

    @property
    def stops(self) -> bool:
        """Whether the service cannot start with it."""
        return not (self.warning or self.left_out)

    @property
    def loses_a_source(self) -> bool:
        """Whether a source is left out."""
        return self.left_out is not None and self.left_out.code in SOURCES

    @property
    def place(self) -> str:
        return f"{self.path}:{self.line}" if self.line else f"{self.path}"

    def __str__(self) -> str:
        gone = f" Left out: {self.left_out}." if self.left_out else ""
        return f"{self.place}: {'warning: ' if self.warning else ''}{self.message}{gone}"


def leaving_out(faults: Iterable[FolderFault], what: Reason) -> list[FolderFault]:
    """Return the faults, marked as faults of a part that the service can run without.

    ``what`` names the part if the fault does not.
    """
    return [
        fault if fault.warning or fault.left_out else replace(fault, left_out=what)
        for fault in faults
    ]


def suggestion(wrong: str, right: Iterable[str]) -> Reason | str:
    """Return `` (did you mean 'x'?)`` when one of ``right`` is near, or ""."""
    near = difflib.get_close_matches(wrong, list(right), n=1, cutoff=0.6)
    return reason("hint.near", near=near[0]) if near else ""


def read_text(path: Path, faults: list[FolderFault], *, limit: int) -> str | None:
    """Return a file as text: UTF-8, with or without a mark, or Shift_JIS with a warning.

    Parameters
    ----------
    limit
        The most bytes that are read; a larger file is a fault.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        faults.append(
            FolderFault(path, None, reason("file.unreadable", error=error.strerror or error))
        )
        return None
    if len(data) > limit:
        faults.append(FolderFault(path, None, reason("file.too-large", limit=f"{limit:,}")))
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
    try:
        text = data.decode("cp932")
    except UnicodeDecodeError:
        faults.append(FolderFault(path, line, reason("file.encoding")))
        return None
    faults.append(FolderFault(path, None, reason("file.shift-jis"), warning=True))
    return text


@dataclass(frozen=True)
class Row:
    """One record of a CSV file: the line it begins on and its cells by column."""

    line: int
    cells: dict[str, str]


def read_csv(
    path: Path, faults: list[FolderFault], *, needed: Iterable[str], limit: int
) -> list[Row]:
    """Return the records of a CSV file, cells stripped; blank lines are passed over.

    A record that is not CSV, or has too many cells, is left out, with a fault; a column that is
    needed and missing, or there twice, leaves out the file.
    """
    records = read_records(path, faults, limit=limit)
    _, header = next(records, (1, []))
    columns = [name.strip() for name in header]
    twice = {name for name in columns if name and columns.count(name) > 1}
    for name in sorted(twice):
        faults.append(FolderFault(path, 1, reason("csv.column-twice", column=name)))
    missing = [name for name in needed if name not in columns]
    for name in missing:
        hint = suggestion(name, columns)
        faults.append(FolderFault(path, 1, reason("csv.no-column", column=name, hint=hint)))
    if missing or twice:
        return []
    rows = []
    for line, cells in records:
        if not any(cell.strip() for cell in cells):
            continue
        if any(cell.strip() for cell in cells[len(columns) :]):
            message = reason("csv.cells", cells=len(cells), columns=len(columns))
            faults.append(FolderFault(path, line, message, left_out=reason("part.row")))
            continue
        padded = [cell.strip() for cell in cells] + [""] * (len(columns) - len(cells))
        rows.append(Row(line, dict(zip(columns, padded, strict=False))))
    return rows


def read_records(
    path: Path, faults: list[FolderFault], *, limit: int
) -> Iterator[tuple[int, list[str]]]:
    """Yield each record of a CSV file, unchanged, with the line on which it begins.

    After a record that is not CSV (such as one with an unclosed quotation mark), reading continues
    after its first line, at most :data:`MOST_BROKEN` times.
    """
    text = read_text(path, faults, limit=limit)
    if text is None:
        return
    lines = io.StringIO(text, newline="").readlines()
    begins, broken = 0, 0
    while begins < len(lines):
        reader = csv.reader(lines[begins:], strict=True)
        first = begins
        try:
            for cells in reader:
                yield begins + 1, cells
                begins = first + reader.line_num
            return
        except csv.Error as error:
            faults.append(
                FolderFault(
                    path, begins + 1, reason("csv.broken", error=error), left_out=reason("part.row")
                )
            )
            broken += 1
            if broken == MOST_BROKEN:
                faults.append(
                    FolderFault(
                        path,
                        begins + 2,
                        reason("csv.broken-often"),
                        left_out=reason("part.rest-of-file"),
                    )
                )
                return
            begins += 1
