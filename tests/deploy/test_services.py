"""The units and the containers start what there is, with as few rights as it needs."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from typer.main import get_command

from app.cli.commands import app
from tests.support.project import PROJECT
from todoke import PACKAGES

DEPLOY = PROJECT / "deploy"
UNITS = sorted((DEPLOY / "services").glob("*.service"))
TODOKE = "/opt/todoke/venv/bin/todoke"
COMPOSE = DEPLOY / "containers" / "compose.yaml"
CONTAINERFILE = DEPLOY / "containers" / "Containerfile"
NEEDED = {
    *("NoNewPrivileges=yes", "ProtectSystem=strict", "PrivateTmp=yes", "PrivateDevices=yes"),
    *("ProtectHome=yes", "CapabilityBoundingSet=", "SystemCallFilter=@system-service"),
    *("MemoryDenyWriteExecute=yes", "UMask=0077", "Restart=always", "User=todoke"),
}


def settings_of(unit: Path) -> list[str]:
    return [line for line in unit.read_text("utf-8").splitlines() if re.match(r"\w+=", line)]


def accepts(arguments: list[str]) -> None:
    """Have the command line read what a unit gives it, without running it."""
    command: Any = get_command(app)
    context: Any = typer.Context(command)
    while hasattr(command, "commands"):
        command = command.commands[arguments[0]]
        arguments = arguments[1:]
    command.make_context("todoke", [each.replace("${PORT}", "8001") for each in arguments], context)


def test_there_is_a_unit_for_each_way_to_run() -> None:
    assert [unit.name for unit in UNITS] == [
        *("todoke-scheduler.service", "todoke-web.service", "todoke-worker@.service"),
        *("todoke.service", "todoke@.service"),
    ]


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_unit_starts_a_command_that_exists(unit: Path) -> None:
    started = [line.partition("=")[2] for line in settings_of(unit) if line.startswith("Exec")]
    assert started
    for line in started:
        program, *arguments = shlex.split(line)
        assert program == TODOKE
        accepts(arguments)


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_unit_has_few_rights(unit: Path) -> None:
    assert set(settings_of(unit)) >= NEEDED


def test_what_a_unit_may_do_is_the_same_in_all() -> None:
    hardened = {unit.read_text("utf-8").partition("# The process may")[2] for unit in UNITS}
    assert len(hardened) == 1


def test_systemd_reads_the_units(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd is not installed")
    copies = []
    for unit in UNITS:
        copy = tmp_path / unit.name
        copy.write_text(unit.read_text("utf-8").replace(TODOKE, "/bin/true"), "utf-8")
        copies.append(str(copy))
    checked = subprocess.run([analyze, "verify", *copies], capture_output=True, text=True)
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")


def composed() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load(COMPOSE.read_text("utf-8"))
    return read


def test_the_containers_start_commands_that_exist() -> None:
    ours = {
        name: service
        for name, service in composed()["services"].items()
        if service["image"].startswith("todoke:")
    }
    assert set(ours) == {"upgrade", "web", "worker", "scheduler"}
    for service in ours.values():
        accepts(list(service["command"]))
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
    [command] = re.findall(r"^CMD \[(.*)\]$", CONTAINERFILE.read_text("utf-8"), re.MULTILINE)
    accepts([word.strip(' "') for word in command.split(",")])


def test_images_have_a_tag() -> None:
    images = [service["image"] for service in composed()["services"].values()]
    images += re.findall(r"^FROM (\S+)", CONTAINERFILE.read_text("utf-8"), re.MULTILINE)
    for image in images:
        assert re.fullmatch(r"\S+:\d+\.\d+\S*", image), image


def test_the_volumes_and_files_of_the_containers_exist() -> None:
    read = composed()
    for service in read["services"].values():
        for volume in service.get("volumes", ()):
            source = volume.removeprefix("${TODOKE_CITY_FOLDER:?}:").partition(":")[0]
            if source.startswith("."):
                assert (COMPOSE.parent / source).exists(), source
            elif not source.startswith("/"):
                assert source in read["volumes"], source
    build = read["services"]["upgrade"]["build"]
    context = (COMPOSE.parent / build["context"]).resolve()
    assert context == PROJECT
    assert (context / build["dockerfile"]).exists()


def test_the_image_is_built_from_every_package() -> None:
    taken = {
        line.removeprefix("!")
        for line in (PROJECT / ".dockerignore").read_text("utf-8").splitlines()
        if line.startswith("!")
    }
    assert taken >= {*PACKAGES, "deploy/city", "setup.py", "todoke.py", "pyproject.toml"}
    assert all((PROJECT / name).exists() for name in taken)
    for file in re.findall(r"requirements/\w+\.txt", CONTAINERFILE.read_text("utf-8")):
        assert (PROJECT / file).exists()


def test_the_command_for_people_is_right_shell() -> None:
    checked = subprocess.run(["sh", "-n", str(DEPLOY / "services" / "todoke")], capture_output=True)
    assert checked.returncode == 0, checked.stderr
