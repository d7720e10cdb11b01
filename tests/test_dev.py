"""``./dev`` shows a person how far the installation is; what checks a commit is installed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.support.project import PROJECT

PIP_SAYS = """\
Collecting aiohttp==3.14.0 (from -r requirements/runtime.txt (line 2))
  Using cached aiohttp-3.14.0.whl.metadata (8.1 kB)
Requirement already satisfied: setuptools==84.2.1 in ./.venv/lib (84.2.1)
Collecting psycopg[binary,pool]==3.3.4 (from -r requirements/runtime.txt (line 9))
Installing collected packages: aiohttp, psycopg
"""
SOME_TESTS = """\
import pathlib
import pytest

SEEN = pathlib.Path("seen")

@pytest.mark.steady
def test_steady(): pass

@pytest.mark.unsteady
def test_second():
    once = SEEN.exists()
    SEEN.touch()
    assert once

@pytest.mark.broken
def test_broken(): assert 0

@pytest.mark.many
@pytest.mark.parametrize("number", range(11))
def test_many(number): assert SEEN.exists()
"""


def run_function(name: str, arguments: str, place: Path, says: str = "", *, status: int = 0) -> str:
    """Run one function of ``dev`` in ``place``; return what it printed."""
    text = (PROJECT / "dev").read_text("utf-8")
    function = text[text.index(f"{name}() {{") :].partition("\n}\n")[0] + "\n}\n"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", f"{function}{name} {arguments}"],
        cwd=place,
        # A run of pytest in a test is a run of its own.
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
        input=says.encode(),
        capture_output=True,
    )
    assert (done.returncode, done.stderr) == (status, b"")
    return done.stdout.decode()


def test_a_person_sees_how_far_the_installation_is(tmp_path: Path) -> None:
    for name in ("pip-24.dist-info", "aiohttp-3.dist-info"):
        (tmp_path / ".venv/lib/python3.11/site-packages" / name).mkdir(parents=True)
    shown = run_function("how_far", "3", tmp_path, PIP_SAYS).split("\r\x1b[K")
    assert list(dict.fromkeys(line.strip() for line in shown)) == [
        "",
        "Fetching 1 of 3 aiohttp",
        "Fetching 2 of 3 setuptools",
        "Fetching 3 of 3 psycopg[binary,pool]",
        "Unpacking 2 of 3",
    ]


def test_where_nobody_looks_the_installation_is_quiet(tmp_path: Path) -> None:
    python = tmp_path / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\necho "$*"\n', "utf-8")
    python.chmod(0o755)
    asked = run_function("pip_install", "runtime --no-build-isolation", tmp_path)
    assert asked.startswith("-m pip install ")
    assert "--require-hashes" in asked
    assert asked.endswith("--no-build-isolation --requirement requirements/runtime.txt -qq\n")


@pytest.mark.slow
def test_a_test_that_fails_once_is_named_and_one_that_fails_twice_fails(tmp_path: Path) -> None:
    python = tmp_path / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n', "utf-8")
    python.chmod(0o755)
    (tmp_path / "test_some.py").write_text(SOME_TESTS, "utf-8")
    settings = "[pytest]\nasyncio_default_fixture_loop_scope = function\n"
    (tmp_path / "pytest.ini").write_text(settings, "utf-8")
    assert "UNSTEADY" not in run_function("run_tests", "steady", tmp_path)
    unsteady = run_function("run_tests", "unsteady", tmp_path)
    assert unsteady.endswith("UNSTEADY, failed once and passed alone:\ntest_some.py::test_second\n")
    assert "UNSTEADY" not in run_function("run_tests", "broken", tmp_path, status=1)
    (tmp_path / "seen").unlink()
    many = run_function("run_tests", "many", tmp_path, status=1)
    assert many.count("11 failed") == 1, "eleven are not run again"


def test_what_checks_a_commit_asks_no_other_host() -> None:
    config = yaml.safe_load((PROJECT / ".pre-commit-config.yaml").read_text("utf-8"))
    assert [source["repo"] for source in config["repos"]] == ["local"]
    hooks = config["repos"][0]["hooks"]
    assert {hook["language"] for hook in hooks} == {"system"}
    lint = (PROJECT / "dev").read_text("utf-8")
    for hook in hooks:
        program, *_ = hook["entry"].split()
        assert Path(program).name in lint, "``./dev lint`` runs the same"
