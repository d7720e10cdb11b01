"""One Chromium for all browser tests of a run; each opens a window with cookies of its own.

Starting one takes longer than most tests. Playwright serves it from a process of its own, as
each test has an event loop of its own and so a Playwright of its own.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_running: list[subprocess.Popen[str]] = []


def chromium_address() -> str:
    """Return where Playwright's ``chromium.connect`` finds it; without one the test is skipped."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip("there is no Chromium on this machine")
    return _started(program)


@cache
def _started(program: str) -> str:
    wanted = {"executablePath": program, "args": OPTIONS, "headless": True}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "options.json")
        file.write_text(json.dumps(wanted), "utf-8")
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "playwright", "launch-server"),
                *("--browser", "chromium", "--config", file),
            ],
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        _running.append(process)
        assert process.stdout is not None
        address = process.stdout.readline().strip()
    assert address.startswith("ws://"), address
    return address


def end_chromium() -> None:
    """End it with the run."""
    for process in _running:
        # The program started is Playwright's, which starts the server, which starts Chromium.
        os.killpg(process.pid, signal.SIGTERM)
        assert process.stdout is not None
        process.stdout.read()
        process.stdout.close()
        process.wait()
    _running.clear()
    _started.cache_clear()
