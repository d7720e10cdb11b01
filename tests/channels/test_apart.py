"""A medium is a package of its own: adding one changes no file of another."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.support.project import PROJECT

PACKAGES = sorted(
    each.parent.name for each in (PROJECT / "channels").glob("*/medium.py") if each.parent.is_dir()
)


def imported(file: Path) -> set[str]:
    """Return the modules that a file imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found.update(each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found.update(f"{node.module}.{each.name}" for each in node.names)
    return found


@pytest.mark.parametrize("package", PACKAGES)
def test_no_medium_knows_another(package: str) -> None:
    others = [f"channels.{other}" for other in PACKAGES if other != package]
    for file in (PROJECT / "channels" / package).rglob("*.py"):
        known = imported(file)
        for other in others:
            assert not any(name == other or name.startswith(f"{other}.") for name in known), file


def test_the_engine_knows_no_medium() -> None:
    several = [f"channels.{package}" for package in PACKAGES]
    for file in (PROJECT / "channels").glob("*.py"):
        known = imported(file)
        for one in several:
            assert not any(name == one or name.startswith(f"{one}.") for name in known), file
