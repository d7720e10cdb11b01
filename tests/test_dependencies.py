"""What is declared is imported, and what is imported is declared, as itself and not by chance."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterable
from functools import cache
from importlib.metadata import packages_distributions
from typing import Any

import pytest

import todoke
from tests.support.project import PROJECT

LOADED_BY_NAME = {
    "httptools": "uvicorn, for HTTP",
    "python-multipart": "starlette, for forms with files",
    "tzdata": "zoneinfo, where the system has no time zones",
}
TOOLS = {
    "import-linter": "lint-imports",
    "lxml-stubs": "mypy",
    "mypy": "a command",
    "pytest-asyncio": "pytest",
    "pytest-cov": "pytest",
    "ruff": "a command",
    "types-pyyaml": "mypy",
    "types-regex": "mypy",
    "types-zxcvbn": "mypy",
}
PART_OF = {
    "greenlet": "sqlalchemy",
    "markupsafe": "jinja2",
    "pydantic-core": "pydantic",
    "starlette": "fastapi",
    "yarl": "aiohttp",
}
"""What another hands its own values out of, and whose version it alone chooses."""
OWN = {*todoke.PACKAGES, "todoke", "tests", "benchmarks"}
SETTINGS: dict[str, Any] = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))
BESIDE = {path.stem for path in (PROJECT / "benchmarks").glob("*.py")}
"""Benchmarks import one another by their own names."""


def normal(name: str) -> str:
    """A distribution's name as PyPI compares it."""
    return re.sub(r"[-_.]+", "-", re.split(r"[\[<>=!~; ]", name)[0]).lower()


def declared(*groups: Iterable[str]) -> set[str]:
    return {normal(name) for group in groups for name in group}


RUNTIME = declared(SETTINGS["project"]["dependencies"])
EXTRAS = declared(*SETTINGS["project"]["optional-dependencies"].values())
GROUPS = SETTINGS["dependency-groups"]


@cache
def imports(*folders: str) -> dict[str, set[str]]:
    """Return each module that is imported from outside, and which files import it."""
    found: dict[str, set[str]] = {}
    paths = [path for name in folders for path in sorted((PROJECT / name).rglob("*.py"))]
    if "core" in folders:
        paths.append(PROJECT / "todoke.py")
    for path in paths:
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module or ""]
            elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "importorskip":
                names = [str(node.args[0].value)] if isinstance(node.args[0], ast.Constant) else []
            else:
                continue
            for name in names:
                top = name.partition(".")[0]
                if top not in sys.stdlib_module_names and top not in OWN:
                    found.setdefault(top, set()).add(str(path.relative_to(PROJECT)))
    return found


@cache
def distributions_of(module: str) -> frozenset[str]:
    """The distributions that a module may come from; its own name for one not installed here."""
    names = {normal(name) for name in packages_distributions().get(module, [module])}
    return frozenset(PART_OF.get(name, name) for name in names)


def distributions(modules: Iterable[str]) -> set[str]:
    return {name for module in modules for name in distributions_of(module)}


@pytest.mark.parametrize("name", sorted(RUNTIME - set(LOADED_BY_NAME)))
def test_what_the_service_depends_on_it_imports(name: str) -> None:
    assert name in distributions(imports(*todoke.PACKAGES))


def test_what_the_tests_depend_on_they_import() -> None:
    used = distributions(imports(*todoke.PACKAGES, "tests", "benchmarks"))
    assert declared(GROUPS["dev"]) | EXTRAS <= used | set(TOOLS)


@pytest.mark.parametrize(
    ("folders", "allowed"),
    [
        (todoke.PACKAGES, RUNTIME | EXTRAS),
        (("tests",), RUNTIME | EXTRAS | declared(GROUPS["dev"], GROUPS["build"])),
        (("benchmarks",), RUNTIME | declared(GROUPS["dev"], GROUPS["bench"])),
    ],
)
def test_what_is_imported_is_declared(folders: tuple[str, ...], allowed: set[str]) -> None:
    undeclared = {
        module: files
        for module, files in imports(*folders).items()
        if not distributions_of(module) & allowed
        and not (folders != todoke.PACKAGES and module in BESIDE)
    }
    assert undeclared == {}


def test_what_is_excused_is_declared_and_not_imported() -> None:
    everything = distributions(imports(*todoke.PACKAGES, "tests", "benchmarks"))
    assert set(LOADED_BY_NAME) <= RUNTIME
    assert not set(LOADED_BY_NAME) & distributions(imports(*todoke.PACKAGES))
    assert set(TOOLS) <= declared(GROUPS["dev"]) | EXTRAS
    assert not set(TOOLS) & everything
