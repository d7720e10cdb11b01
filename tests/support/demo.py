"""A running demo, and commands in another terminal."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.support.changes import Place
from tests.support.watching import Stand


@dataclass(frozen=True)
class Demo:
    """A running demo: its three addresses, and the folder of its state."""

    phone: str
    console: str
    public: str
    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """The environment for commands beside the demo."""
        lines = (self.folder / "var/demo/environment").read_text("utf-8").splitlines()
        exported = (line.removeprefix("export ").split("=", 1) for line in lines)
        return {**os.environ, **{name: value.strip("'") for name, value in exported}}

    @property
    def changes(self) -> list[Place]:
        """Where changes show, for ``eventually``: the demo's state, and its LINE."""
        return [self.folder, self.phone]

    @property
    def stand(self) -> Stand:
        """The LINE simulator."""
        return Stand(self.phone)

    def todoke(self, *arguments: str) -> str:
        """Run a command as somebody in another terminal would; return what it printed."""
        return run_todoke(arguments, folder=self.folder, environment=self.environment)

    def ask_database(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Look something up in the database while the demo runs."""
        file = f"file:{quote(str(self.folder / 'var/demo/todoke.sqlite3'))}?mode=ro"
        with closing(sqlite3.connect(file, uri=True)) as opened:
            return opened.execute(query, values).fetchall()


def run_todoke(arguments: Sequence[str], *, folder: Path, environment: dict[str, str]) -> str:
    """Run a command that must succeed; return what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "app.cli", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
