"""Promises of ``docs/log-events.md``: every log call in the source is on that page."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from tests.support.project import PROJECT

PACKAGES = (
    *("core", "city", "subscriptions", "feeds", "channels", "alerts", "response", "reports"),
    *("public", "console", "bot", "app", "simulator"),
)
LEVELS = {
    "debug": "debug",
    "info": "info",
    "warning": "warning",
    "error": "error",
    "exception": "error",
    "critical": "critical",
}
PAGE = (PROJECT / "docs/log-events.md").read_text("utf-8")
GRAMMAR = re.compile(r"[a-z]+(_[a-z]+)*\.[a-z]+(_[a-z]+)*")
STRUCTLOG_ONLY = {"exc_info"}
"""Keys that structlog takes and does not write."""
TAKEN = {"event", "level", "timestamp", "exception"}
"""Keys that structlog writes itself: a value of ours under one of them would be lost."""


@dataclass(frozen=True)
class LogCall:
    """One call that writes a log line, or binds keys for later ones (``event`` is None)."""

    place: str
    level: str
    event: str | None
    keys: tuple[str | None, ...]
    values: tuple[str, ...]


def is_logger(value: ast.expr, bound: set[str]) -> bool:
    return isinstance(value, ast.Name) and value.id in bound


def loggers(tree: ast.Module) -> set[str]:
    """Return the names that hold a logger: of ``structlog.get_logger`` or of ``bind``."""
    names: set[str] = set()
    for _ in range(2):
        for node in ast.walk(tree):
            if not (isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)):
                continue
            made = node.value.func
            if not isinstance(made, ast.Attribute):
                continue
            if made.attr == "get_logger" or (made.attr == "bind" and is_logger(made.value, names)):
                names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return names


def log_calls() -> Iterator[LogCall]:
    for package in PACKAGES:
        for path in sorted((PROJECT / package).rglob("*.py")):
            source = path.read_text("utf-8")
            if "structlog" not in source:
                continue
            tree = ast.parse(source)
            names = loggers(tree)
            for node in ast.walk(tree):
                if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                    continue
                if not is_logger(node.func.value, names):
                    continue
                place = f"{path.relative_to(PROJECT)}:{node.lineno}"
                keys = tuple(keyword.arg for keyword in node.keywords)
                values = tuple(ast.unparse(keyword.value) for keyword in node.keywords)
                if node.func.attr == "bind":
                    yield LogCall(place, "", None, keys, values)
                else:
                    assert node.func.attr in LEVELS, place
                    event = node.args[0] if node.args else None
                    assert isinstance(event, ast.Constant), f"{place}: the event is no literal"
                    level = LEVELS[node.func.attr]
                    yield LogCall(place, level, str(event.value), keys, values)


def table(heading: str) -> list[list[str]]:
    """Return the rows of a table of the page, each as its cells."""
    part = PAGE.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    rows = [line.strip("|").split(" | ") for line in part.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in row] for row in rows[2:]]


CALLS = list(log_calls())


def test_every_event_is_a_noun_and_a_verb() -> None:
    assert len(CALLS) > 100
    wrong = [
        (call.place, call.event)
        for call in CALLS
        if call.event is not None and not GRAMMAR.fullmatch(call.event)
    ]
    assert wrong == []


def test_the_page_has_every_event_with_its_levels_and_no_other() -> None:
    used: dict[str, set[str]] = {}
    for call in CALLS:
        if call.event is not None:
            used.setdefault(call.event, set()).add(call.level)
    written = {row[0].strip("`"): set(row[1].split(", ")) for row in table("Events")}
    assert written == used
    assert all(row[2] for row in table("Events"))


def test_the_page_has_every_key_and_no_other() -> None:
    used = {key for call in CALLS for key in call.keys} - STRUCTLOG_ONLY
    written = {key for row in table("Keys") for key in re.findall(r"`(\w+)`", row[0])}
    assert None not in used, [call.place for call in CALLS if None in call.keys]
    assert written == used
    assert not used & TAKEN


def test_no_line_user_id_is_written() -> None:
    wrong = [
        (call.place, value)
        for call in CALLS
        for value in call.values
        if "user_id" in value or "userId" in value
    ]
    assert wrong == []
