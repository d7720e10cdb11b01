"""A rehearsal beside a live system: 60 times as fast, and the live database stays as it was."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from app import schema
from tests.support.project import PROJECT
from tests.support.watching import eventually

pytestmark = pytest.mark.slow
START_SECONDS = 60.0
SECRET = "the-live-channel-access-token"


def digest(folder: Path) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.iterdir())
        if path.is_file()
    }


def get(address: str) -> str:
    with urllib.request.urlopen(address, timeout=10) as answer:
        return str(answer.read().decode())


def test_a_rehearsal_runs_beside_the_live_system_and_leaves_it_as_it_was(tmp_path: Path) -> None:
    live = tmp_path / "live"
    live.mkdir()
    database = live / "todoke.sqlite3"
    schema.upgrade_now(f"sqlite:///{database}")
    before = digest(live)
    log = tmp_path / "log"
    environment = {
        **os.environ,
        "TODOKE_CITY": str(PROJECT / "deploy" / "city"),
        "TODOKE_DATABASE_URL": f"sqlite:///{database}",
        "TODOKE_MEDIA_DIR": str(tmp_path / "media"),
        "TODOKE_LINE_CHANNEL_SECRET": "the-live-secret",
        "TODOKE_LINE_CHANNEL_ACCESS_TOKEN": SECRET,
        "TODOKE_SMTP_URL": "smtp://live.example",
    }
    with log.open("w") as output:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "app.cli", "rehearsal", "start", "--day", "earthquake"),
                *("--speed", "60", "--port", "0", "--simulator-port", "0"),
                *("--residents", "60", "--share", "0.5"),
            ],
            cwd=PROJECT,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        eventually(
            lambda: "is ready" in log.read_text() or process.poll() is not None,
            "the shadow desk to start",
            on=[log.parent],
            within_seconds=START_SECONDS,
        )
        assert process.poll() is None, log.read_text()
        found = re.search(r"shadow desk\s+(http\S+)", log.read_text())
        assert found is not None
        address = found[1].removesuffix("/console")
        for path in ("/console/sign-in", "/", "/signage", "/n/nothing"):
            try:
                page = get(address + path)
            except urllib.error.HTTPError as error:
                page = error.read().decode()
            assert "rehearsal-band" in page and "【予行演習】" in page, path
        phone = re.search(r"phones\s+(http\S+)/", log.read_text())
        assert phone is not None
        [child] = [
            Path(f"/proc/{number}/environ").read_bytes() for number in children_of(process.pid)
        ]
        assert SECRET.encode() not in child and b"live" not in child

        def anybody_wrote() -> bool:
            state = json.loads(get(f"{phone[1]}/_simulator/state"))
            return any("住民" in user.get("name", "") for user in state.get("users", []))

        eventually(anybody_wrote, "a synthetic resident to write", on=[phone[1]], within_seconds=60)
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    assert process.returncode == 0, log.read_text()
    assert digest(live) == before

    [kept] = (tmp_path / "media" / "rehearsals").iterdir()
    report = json.loads((kept / "report.json").read_text())
    flash = report["news"][0]
    assert flash["decision"] == "send" and flash["recipients"] > 30
    assert 0 <= flash["to_first"] <= flash["to_last"] < 1
    assert sum(part["recipients"] for part in flash["languages"]) == flash["recipients"]
    with (kept / "report.csv").open(encoding="utf-8-sig") as file:
        lines = list(csv.DictReader(file))
    assert lines[0]["group"] == "all" and {"language", "district"} <= {x["group"] for x in lines}
    assert "REHEARSAL" in (kept / "report.html").read_text()


def children_of(parent: int) -> list[int]:
    """Return the processes that a process started."""
    found = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return [int(number) for number in found]
