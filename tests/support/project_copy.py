"""A copy of the project in which a test adds what an engineer would add."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.project import PROJECT

COPIED = (
    *("core", "city", "subscriptions", "feeds", "channels", "alerts", "response", "reports"),
    *(
        "public",
        "console",
        "bot",
        "app",
        "simulator",
        "deploy/city",
        "tests/support",
        "tests/reports",
    ),
)


@dataclass(frozen=True)
class ProjectCopy:
    """The copied folder."""

    folder: Path

    def replace(self, name: str, old: str, new: str) -> None:
        """Change a file in one place."""
        path = self.folder / name
        text = path.read_text("utf-8")
        assert text.count(old) == 1, (name, old)
        path.write_text(text.replace(old, new), "utf-8")

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Python there, with the copy's packages."""
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(self.folder)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def observed(self, module: str) -> dict[str, Any]:
        """Run a module of ``tests.support`` that prints what it saw as JSON in its last line."""
        done = self.run("-m", f"tests.support.{module}")
        assert done.returncode == 0, done.stderr
        seen: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return seen


def copied_project(folder: Path) -> ProjectCopy:
    """Copy the packages and what tests share."""
    for name in COPIED:
        ignored = shutil.ignore_patterns("__pycache__", "vendor")
        shutil.copytree(PROJECT / name, folder / name, ignore=ignored)
    for name in ("tests/__init__.py", "pyproject.toml"):
        shutil.copy(PROJECT / name, folder / name)
    return ProjectCopy(folder)
