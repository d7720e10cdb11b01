"""The benchmarks keep up with the code: a city that one of them makes can be measured."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.project import PROJECT

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_every_page_of_a_filled_city_can_be_measured(
    engine: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if engine == "sqlite":
        url = f"sqlite:///{tmp_path}/todoke.sqlite3"
    else:
        create: Callable[[], str] = request.getfixturevalue("new_postgresql_url")
        url = create()

    def console(*words: str) -> str:
        command = [sys.executable, str(PROJECT / "benchmarks/console.py"), *words]
        done = subprocess.run(
            [*command, "--database", url], cwd=tmp_path, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    console("fill", "--scale", "0.0003")
    table = console("measure", "--rounds", "1")
    rows = [line.split("|")[1].strip() for line in table.splitlines() if line.startswith("| ")]
    assert {
        "/console/",
        "/console/alerts/{draft_id}/check",
        "POST /console/alerts/{draft_id}/look",
        "/",
        "/feeds/notices.atom",
        "webhook",
    } <= set(rows)
    assert table.endswith("refused: 0 pages, 0 webhooks\n")
