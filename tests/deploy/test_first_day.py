"""Promises of ``deploy/README.md``: its commands lead from a bare machine to LINE's *Verify*.

They run in a folder in place of ``/``. Commands that need root have replacements, commands that
need the network are left out, and LINE is the simulator.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shlex
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.machine import Machine, Running
from tests.support.project import PROJECT

README = PROJECT / "deploy" / "README.md"
BLOCK = re.compile(r"^( *)```sh(?: (\w+))?\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
OURS = re.compile(r"(?<![\w.])/(?=(?:opt|etc|srv|var|usr/local)/)")
"""The beginning of a path that exists on the machine only because of these commands."""
STAND_INS = {
    "apt-get": "",
    "adduser": "",
    "systemctl": "",
    "certbot": "",
    "nginx": "",
    # Owners cannot be given without root.
    "install": """
        arguments=()
        while [ $# -gt 0 ]; do
            case $1 in -o | -g) shift 2 ;; *) arguments+=("$1"); shift ;; esac
        done
        exec /usr/bin/install "${arguments[@]}"
    """,
    "runuser": """
        [ "$1 $2 $3" = "-u todoke --" ] || exit 9
        shift 3
        exec "$@"
    """,
}


def blocks() -> list[tuple[str, str]]:
    """Each block of commands: its requirement, and its text."""
    found = [(needs, text) for _, needs, text in BLOCK.findall(README.read_text("utf-8"))]
    assert len(found) > 10
    return found


class FirstDay:
    """The folder that stands for ``/``, and what runs there."""

    def __init__(self, place: Path) -> None:
        self.root = place / "root"
        self.machine = Machine(place / "line")
        self.commands = place / "commands"
        self.typed: list[str] = []
        self.commands.mkdir()
        for name, does in STAND_INS.items():
            self._command(self.commands / name, does)
        self._command(self.commands / "nano", self._typing())
        for folder in (
            *("opt/todoke/venv/bin", "etc/systemd/system", "etc/nginx/sites-available"),
            *("etc/nginx/sites-enabled", "usr/local/bin", "var/lib"),
        ):
            (self.root / folder).mkdir(parents=True)
        called = f'exec {shlex.quote(sys.executable)} -m todoke "$@"'
        self._command(self.root / "opt/todoke/venv/bin/todoke", called)
        self.source = self.root / "opt/todoke/source"
        shutil.copytree(PROJECT / "deploy", self.source / "deploy")
        copied = self.source / "deploy"
        for file in (copied / "environment.example", *copied.glob("services/*")):
            file.write_text(self.here(file.read_text("utf-8")), "utf-8")

    def here(self, text: str) -> str:
        """Replace ``/`` with the folder, and LINE with the simulator."""
        if str(self.root) in text:
            return text
        text = OURS.sub(f"{self.root}/", text)
        text = text.replace("https://api.line.me", self.machine.stand.url)
        text = text.replace("https://line.city.example.jp", self.machine.url)
        text = text.replace("127.0.0.1:8000", f"127.0.0.1:{self.machine.service_port}")
        return re.sub(
            r"(ExecStart=.*todoke serve)$",
            rf"\1 --port {self.machine.service_port}",
            text,
            flags=re.MULTILINE,
        )

    def _command(self, file: Path, does: str) -> None:
        file.write_text(f"#!/bin/bash\n{does}\n", "utf-8")
        file.chmod(0o755)

    def _typing(self) -> str:
        """The person's changes to the settings and the city's folder."""
        settings = self.root / "etc/todoke/environment"
        city = self.root / "srv/todoke/city/city.toml"
        secret, token = (
            self.machine.settings[f"TODOKE_LINE_CHANNEL_{name}"]
            for name in ("SECRET", "ACCESS_TOKEN")
        )
        return f"""
            [ "$1" = {settings} ] || exit 9
            sed -i -e 's/^TODOKE_LINE_CHANNEL_SECRET=$/&{secret}/' \\
                -e 's/^TODOKE_LINE_CHANNEL_ACCESS_TOKEN=$/&{token}/' \\
                -e 's/^#\\(TODOKE_LINE_.*API_URL=\\)/\\1/' \\
                -e 's#https://api-data.line.me#{self.machine.stand.url}#' {settings}
            sed -i 's#https://www.data.jma.go.jp#http://127.0.0.1:9#' {city}
        """

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("TODOKE_")}
        path = f"{self.commands}:{self.root}/usr/local/bin:{kept['PATH']}"
        return {**kept, "PATH": path, "PYTHONPATH": str(PROJECT)}

    def type(self, commands: str) -> str:
        """Run a block of the page; it must succeed. Returns what it printed."""
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", self.here(commands)],
            cwd=self.source,
            env=self.environment,
            input=f"{secrets.token_urlsafe(24)}\n",
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, f"{commands}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def start(self, unit: str) -> Running:
        """Do what systemd does with a unit: its settings, what comes before, the service."""
        lines = (self.root / "etc/systemd/system" / unit).read_text("utf-8").splitlines()
        said = dict(line.split("=", 1) for line in lines if "=" in line and line[0] != "#")
        settings = Path(said["EnvironmentFile"]).read_text("utf-8").splitlines()
        given = dict(line.split("=", 1) for line in settings if line and line[0] != "#")
        environment = {**self.environment, **given}
        folder = said["WorkingDirectory"].replace("%S", f"{self.root}/var/lib")
        before = shlex.split(said["ExecStartPre"])
        subprocess.run(before, cwd=folder, env=environment, check=True, capture_output=True)
        log = self.root / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                shlex.split(said["ExecStart"]),
                cwd=folder,
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        running = Running(process, log)
        self.machine.running.append(running)
        self.machine.until_answers(running, f"{self.machine.url}/readyz")
        return running


@pytest.fixture
def day(tmp_path: Path) -> Iterator[FirstDay]:
    made = FirstDay(tmp_path)
    yield made
    made.machine.end()


@pytest.mark.skipif(
    shutil.which("curl") is None,
    reason="the page's commands call curl, which a machine with Python and git alone lacks",
)
def test_the_commands_of_the_page_lead_to_verify_success(day: FirstDay) -> None:
    day.machine.start_line()
    printed: list[str] = []
    service: Running | None = None
    for needs, commands in blocks():
        if needs == "network":
            continue
        if needs == "service" and service is None:
            service = day.start("todoke.service")
        printed.append(day.type(commands))
    everything = "\n".join(printed)
    assert "No faults." in everything
    assert "The database is at revision" in everything
    assert "somebody@city.example.jp can sign in." in everything
    assert '{"status":"ready"}' in everything
    said = next(part for part in printed if '"success"' in part)
    verified = json.loads(said[said.index('{"success"') :])
    assert (verified["success"], verified["statusCode"]) == (True, 200)
    assert list((day.root / "var/lib/todoke").glob("backup-*.tar.gz"))
    settings = day.root / "etc/todoke/environment"
    assert stat.S_IMODE(settings.stat().st_mode) == 0o600


def test_every_block_is_something_a_shell_can_read() -> None:
    for _, commands in blocks():
        checked = subprocess.run(["bash", "-n"], input=commands, capture_output=True, text=True)
        assert checked.returncode == 0, f"{commands}\n{checked.stderr}"


def test_what_the_page_installs_is_there() -> None:
    text = README.read_text("utf-8")
    for name in re.findall(r"\bdeploy/[\w./-]*\w", text):
        assert (PROJECT / name).exists(), name
    for name in re.findall(r"\]\((?!https?:)([^)]+)\)", text):
        assert (README.parent / name).exists(), name
    for name in re.findall(r"requirements/\w+\.txt", text):
        assert (PROJECT / name).exists(), name
