"""CSV files with a name in each language: ``ja``, ``en``, … are columns."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from city.city import Names
from city.faults import FolderFault, Row, suggestion
from city.reasons import reason
from core.languages import LANGUAGES


def check_columns(
    path: Path, rows: Sequence[Row], ours: Sequence[str], faults: list[FolderFault]
) -> None:
    """Note each column that is neither one of ``ours`` nor a language."""
    for column in rows[0].cells if rows else ():
        if column and column not in ours and column not in LANGUAGES:
            hint = suggestion(column, LANGUAGES)
            why = reason("language.unknown", language=column, hint=hint)
            faults.append(FolderFault(path, 1, why))


def names_of(row: Row) -> Names:
    """Return the names of a row by language."""
    return {language: row.cells[language] for language in LANGUAGES if row.cells.get(language)}
