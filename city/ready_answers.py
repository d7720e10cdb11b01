"""Answers that the chat desk sends often (``ready-answers.csv`` of the city's folder)."""

from __future__ import annotations

from collections.abc import Set
from pathlib import Path

from city.chat import ChatRules, ReadyAnswer
from city.faults import FolderFault, leaving_out, read_csv, suggestion
from city.named_rows import check_columns, names_of
from city.reasons import reason

MAX_BYTES = 1_000_000
FILE = "ready-answers.csv"
_COLUMNS = ("コード", "担当")


def read_ready(
    path: Path, departments: Set[str], faults: list[FolderFault]
) -> tuple[ReadyAnswer, ...]:
    """Return the answers of a city that has some; wrong rows are left out, with a fault."""
    if not path.exists():
        return ()
    found: dict[str, ReadyAnswer] = {}
    wrong: list[FolderFault] = []
    rows = read_csv(path, wrong, needed=(_COLUMNS[0], "ja"), limit=MAX_BYTES)
    check_columns(path, rows, _COLUMNS, wrong)
    for row in rows:
        code, department = row.cells["コード"], row.cells.get("担当", "")
        texts, problems = names_of(row), []
        if not code or "ja" not in texts:
            problems.append(reason("missing.kind-name"))
        elif code in found:
            problems.append(reason("twice.thing", name=code))
        if department and department not in departments:
            hint = suggestion(department, departments)
            problems.append(reason("there.no-department", department=department, hint=hint))
        wrong += [FolderFault(path, row.line, problem) for problem in problems]
        if not problems:
            found[code] = ReadyAnswer(code=code, department=department, texts=texts)
    faults += leaving_out(wrong, reason("part.row"))
    return tuple(found.values())


def with_ready(rules: ChatRules | None, ready: tuple[ReadyAnswer, ...]) -> ChatRules | None:
    """Return the rules of the desk with these answers; None for a city without a desk."""
    return None if rules is None else rules.model_copy(update={"ready": ready})
