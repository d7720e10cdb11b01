"""How the project's parts may use each other, as far as the import contract does not say it."""

from __future__ import annotations

import ast
import graphlib
from collections.abc import Iterator
from pathlib import Path

import grimp
import pytest

from tests.support.project import PROJECT

PACKAGES = (
    *("core", "city", "subscriptions", "feeds", "channels", "alerts", "response", "reports"),
    *("public", "console", "bot", "app", "simulator", "tests", "benchmarks"),
)


def imported(file: Path) -> Iterator[tuple[int, str]]:
    """Yield line and full name of all that a file imports, also inside functions."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            yield from ((node.lineno, f"{module}.{alias.name}") for alias in node.names)


def wrong_imports(folder: str) -> list[str]:
    """Name what files of ``folder`` import from tests, but for ``tests.support``."""
    forbidden = ("tests.", ".") if folder == "benchmarks" else ("tests.", "benchmarks", ".")
    allowed = () if folder == "benchmarks" else ("tests.support.",)
    return [
        f"{file.relative_to(PROJECT)}:{line} imports {name}"
        for file in sorted((PROJECT / folder).rglob("*.py"))
        for line, name in imported(file)
        if f"{name}.".startswith(forbidden) and not f"{name}.".startswith(allowed)
    ]


def test_nothing_is_added_to_the_path_that_modules_are_found_on() -> None:
    """What is imported that way is not seen by the rule below."""
    found = [
        f"{file.relative_to(PROJECT)}:{node.lineno}"
        for file in sorted((PROJECT / "tests").rglob("*.py"))
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in ("sys.path.insert", "sys.path.append")
    ]
    assert found == []


@pytest.mark.parametrize("folder", ["tests", "benchmarks"])
def test_helpers_are_imported_from_support_alone(folder: str) -> None:
    """A test that others import from cannot be changed without looking at all of them."""
    assert wrong_imports(folder) == []


def test_no_module_imports_itself_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not within a function either, nor for a type checker alone: a cycle is one module."""
    monkeypatch.syspath_prepend(str(PROJECT))
    graph = grimp.build_graph(*PACKAGES, include_external_packages=False, cache_dir=None)
    imports = {name: graph.find_modules_directly_imported_by(name) for name in graph.modules}
    assert len(imports) > 500
    try:
        graphlib.TopologicalSorter(imports).prepare()
    except graphlib.CycleError as error:
        pytest.fail(" <- ".join(error.args[1]))


def test_pages_ask_the_packages_of_the_tables() -> None:
    """A query in a page is found by nobody who changes the table."""
    pages = [
        *(PROJECT / "console").glob("*pages.py"),
        *(PROJECT / "public").glob("*pages.py"),
        *(PROJECT / name for name in ("console/home.py", "console/sources.py", "feeds/api.py")),
    ]
    assert len(pages) > 10
    queries = {"sqlmodel.select", "sqlalchemy.select", "sqlalchemy.text", "sqlalchemy.func"}
    found = [
        f"{page.relative_to(PROJECT)}:{line} imports {name}"
        for page in sorted(pages)
        for line, name in imported(page)
        if name in queries
    ]
    assert found == []
