"""Mistakes in the city's folder, each with its file and line."""

from __future__ import annotations

import csv
import difflib
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _csv import Reader as CsvReader


@dataclass(frozen=True)
class Fault:
    """One mistake. ``line`` counts from 1; None when the file as a whole is meant.

    A ``warning`` is said but does not keep the service from starting.
    """

    path: Path
    line: int | None
    message: str
    warning: bool = False

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}" if self.line else f"{self.path}"
        return f"{place}: {'warning: ' if self.warning else ''}{self.message}"


def suggestion(wrong: str, right: Iterable[str]) -> str:
    """Return `` (did you mean 'x'?)`` when one of ``right`` is near, or nothing."""
    near = difflib.get_close_matches(wrong, list(right), n=1, cutoff=0.6)
    return f" (did you mean {near[0]!r}?)" if near else ""


def read_text(path: Path, faults: list[Fault], *, limit: int) -> str | None:
    """Return a file as text: UTF-8, with or without a mark, or Shift_JIS with a warning.

    Parameters
    ----------
    limit
        The most bytes that are read; a larger file is a fault.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        faults.append(Fault(path, None, f"cannot be read: {error.strerror or error}."))
        return None
    if len(data) > limit:
        faults.append(Fault(path, None, f"is larger than {limit:,} bytes."))
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
    try:
        text = data.decode("cp932")
    except UnicodeDecodeError:
        faults.append(Fault(path, line, "is neither UTF-8 nor Shift_JIS."))
        return None
    faults.append(Fault(path, None, "is read as Shift_JIS; please save it as UTF-8.", warning=True))
    return text


@dataclass(frozen=True)
class Row:
    """One record of a CSV file: the line it begins on and its cells by column."""

    line: int
    cells: dict[str, str]


def read_csv(path: Path, faults: list[Fault], *, needed: Iterable[str], limit: int) -> list[Row]:
    """Return the records of a CSV file, cells stripped; blank lines are passed over."""
    text = read_text(path, faults, limit=limit)
    if text is None:
        return []
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        return list(_records(path, reader, faults, list(needed)))
    except csv.Error as error:
        faults.append(Fault(path, reader.line_num, f"is not CSV: {error}."))
        return []


def _records(
    path: Path, reader: CsvReader, faults: list[Fault], needed: list[str]
) -> Iterator[Row]:
    columns = [name.strip() for name in next(reader, [])]
    twice = {name for name in columns if name and columns.count(name) > 1}
    for name in sorted(twice):
        faults.append(Fault(path, 1, f"the column {name!r} is there more than once."))
    missing = [name for name in needed if name not in columns]
    for name in missing:
        hint = suggestion(name, columns)
        faults.append(Fault(path, 1, f"the column {name!r} is missing{hint}."))
    if missing or twice:
        return
    begins = reader.line_num + 1
    for cells in reader:
        line, begins = begins, reader.line_num + 1
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) > len(columns):
            faults.append(Fault(path, line, f"has {len(cells)} cells for {len(columns)} columns."))
            continue
        padded = [cell.strip() for cell in cells] + [""] * (len(columns) - len(cells))
        yield Row(line, dict(zip(columns, padded, strict=True)))
