"""What pip installs is whole: every template, text, table and the sample city are in the wheel."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

import todoke
from tests.support.project import PROJECT

SAMPLE = "deploy/city/"
SAMPLE_IN_WHEEL = "core/sample_city/"
SETTINGS = {
    "TODOKE_LINE_CHANNEL_SECRET": "secret-of-the-channel",
    "TODOKE_LINE_CHANNEL_ACCESS_TOKEN": "token-of-the-channel",
    "TODOKE_SECRET_KEY": "key-of-the-city-key-of-the-city-1",
}


def tracked_files() -> list[str]:
    """What git holds, and what is about to be added to it."""
    if shutil.which("git") is None or not (PROJECT / ".git").exists():
        pytest.skip("this is no checkout")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=PROJECT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return sorted({name for name in listed.split("\0") if name and (PROJECT / name).is_file()})


@pytest.fixture(scope="module")
def tracked() -> list[str]:
    return tracked_files()


@pytest.fixture(scope="module")
def source(tracked: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A source distribution, made from what git holds."""
    place = tmp_path_factory.mktemp("source")
    for name in tracked:
        if not name.startswith(("tests/", "benchmarks/", "docs/")):
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(PROJECT / name, place / name)
    out = tmp_path_factory.mktemp("sdist")
    build = "import sys; from setuptools import build_meta; build_meta.build_sdist(sys.argv[1])"
    built = subprocess.run(
        [sys.executable, "-c", build, str(out)], cwd=place, capture_output=True, text=True
    )
    assert built.returncode == 0, built.stderr
    [archive] = out.iterdir()
    return archive


@pytest.fixture(scope="module")
def wheel(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel made from the source distribution, unpacked."""
    out = tmp_path_factory.mktemp("wheel")
    built = subprocess.run(
        [
            *(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index"),
            *("--no-build-isolation", "--disable-pip-version-check", "--wheel-dir", str(out)),
            str(source),
        ],
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stderr
    [file] = out.iterdir()
    unpacked = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(file) as archive:
        archive.extractall(unpacked)
    return unpacked


def run(place: Path, wheel: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ``todoke`` from the wheel's files, in a folder that has nothing to do with them."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TODOKE_")}
    return subprocess.run(
        [sys.executable, "-m", "todoke", *arguments],
        cwd=place,
        env={**kept, **SETTINGS, "PYTHONPATH": str(wheel)},
        capture_output=True,
        text=True,
    )


@pytest.mark.slow
def test_the_source_distribution_holds_what_the_wheel_needs(
    source: Path, tracked: list[str]
) -> None:
    with tarfile.open(source) as archive:
        held = {name.partition("/")[2] for name in archive.getnames()}
    folders = ("deploy/", "requirements/", *(f"{package}/" for package in todoke.PACKAGES))
    needed = {name for name in tracked if name.startswith(folders)}
    assert {*needed, "pyproject.toml", "setup.py", "todoke.py", "LICENSE"} <= held


@pytest.mark.slow
def test_every_tracked_file_of_a_package_is_in_the_wheel(wheel: Path, tracked: list[str]) -> None:
    wanted = [n for n in tracked if n.partition("/")[0] in todoke.PACKAGES]
    assert {Path(name).suffix for name in wanted} >= {".html", ".po", ".css", ".csv", ".mako"}
    missing = [n for n in wanted if not (wheel / n).is_file()]
    assert missing == []


@pytest.mark.slow
def test_the_sample_city_is_in_the_wheel_unchanged(wheel: Path, tracked: list[str]) -> None:
    sample = [name for name in tracked if name.startswith(SAMPLE)]
    assert sample
    for name in sample:
        copied = wheel / SAMPLE_IN_WHEEL / name.removeprefix(SAMPLE)
        assert copied.read_bytes() == (PROJECT / name).read_bytes(), name


def test_the_wheel_holds_nothing_but_ours(wheel: Path) -> None:
    found = {path.name for path in wheel.iterdir() if not path.name.endswith(".dist-info")}
    assert found == {*todoke.PACKAGES, "todoke.py"}


@pytest.mark.slow
def test_the_wheel_runs_in_another_folder(wheel: Path, tmp_path: Path) -> None:
    assert run(tmp_path, wheel, "db", "upgrade").returncode == 0
    checked = run(tmp_path, wheel, "check")
    assert (checked.returncode, checked.stdout) == (0, "No faults.\n"), checked
    helped = run(tmp_path, wheel, "demo", "--help")
    assert helped.returncode == 0
    assert "--simulator-port" in helped.stdout


@pytest.mark.parametrize("name", ["core", "app"])
def test_a_package_of_the_same_name_before_ours_is_one_clear_sentence(
    wheel: Path, tmp_path: Path, name: str
) -> None:
    other = tmp_path / "other" / name
    other.mkdir(parents=True)
    (other / "__init__.py").touch()
    done = subprocess.run(
        [sys.executable, "-c", "import todoke; todoke.main(['check'])"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": f"{other.parent}{os.pathsep}{wheel}"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    [line] = done.stderr.splitlines()
    assert line.startswith(f"todoke: Python finds the package '{name}' in {other}, not in {wheel}")


@pytest.mark.slow
def test_a_distribution_that_wrote_over_ours_is_one_clear_sentence(
    wheel: Path, tmp_path: Path
) -> None:
    site = tmp_path / "site"
    shutil.copytree(wheel, site)
    done = run(tmp_path, site, "--version")
    assert done.returncode == 0, done.stderr
    (site / "public" / "__init__.py").write_text("# somebody else's\n", "utf-8")
    done = run(tmp_path, site, "--version")
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert re.search(r"public/__init__\.py is not Todoke's any more", line)


def test_the_start_looks_at_every_package_there_is() -> None:
    settings = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))
    assert set(todoke.PACKAGES) == set(settings["tool"]["importlinter"]["root_packages"])
    named = settings["tool"]["setuptools"]["packages"]["find"]["include"]
    assert {f"{name}*" for name in todoke.PACKAGES} == set(named)
