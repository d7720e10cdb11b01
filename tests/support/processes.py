"""Start our processes by forking one that has imported everything already.

``python -m app.cli serve`` takes two seconds of a processor to import what it needs; a fork takes
ten milliseconds. Apart from the imports it is the same: a process of its own, with its arguments,
environment, folder and files, that can be killed. That a command starts without our help is
tested too: ``tests/test_distribution.py``, ``tests/deploy/test_first_day.py`` and the demo of
``tests/e2e`` start ``python`` itself.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

IMPORTED = (
    *("tests.support.processes", "tests.support.engine", "app.backup", "app.demo", "app.processes"),
    *("app.cli.commands", "alerts.compose", "console.accounts", "core.work_shared"),
    *("feeds.explain", "feeds.poller", "simulator.line.server", "subscriptions.generate"),
)
"""What the commands need between them."""

_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(list(IMPORTED))


class Forked:
    """``python -m MODULE ARGUMENTS``, with the part of ``subprocess.Popen`` that tests use.

    Parameters
    ----------
    out, err
        Files for what it prints; without ``err`` both go to ``out``, and without that to where
        this process printed when it first forked.
    into
        A file for its standard input, which is empty without one.
    folder, environment
        Where it runs, and what its environment is; as here where not given.
    """

    def __init__(
        self,
        module: str,
        arguments: Sequence[str],
        *,
        out: Path | None = None,
        err: Path | None = None,
        into: Path | None = None,
        folder: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        files = [str(into or os.devnull), str(out or ""), str(err or "")]
        self._process = _forks.Process(
            target=_run,
            args=(
                module,
                list(arguments),
                files,
                str(folder or Path.cwd()),
                dict(os.environ if environment is None else environment),
            ),
            daemon=True,
        )
        self._process.start()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; return its exit code, or the signal's number below zero.

        Raises
        ------
        subprocess.TimeoutExpired
            It goes on.
        """
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired(self._process.name, timeout or 0.0)
        return self._process.exitcode

    async def ended(self) -> int:
        """Wait for its end while other things go on."""
        return await asyncio.to_thread(self.wait)

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def _run(
    module: str, arguments: list[str], files: list[str], folder: str, environment: dict[str, str]
) -> None:
    """Runs in the fork: become that process."""
    into, out, err = files
    os.chdir(folder)
    os.dup2(os.open(into, os.O_RDONLY), 0)
    for number, file in ((1, out), (2, err or out)):
        if file:
            os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666), number)
    sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = os.fdopen(2, "w", 1, "utf-8", "backslashreplace", closefd=False)
    os.environ.clear()
    os.environ.update(environment)
    # As with ``-P``: the folder it runs in may hold a ``city`` of its own.
    sys.path[:] = [place for place in sys.path if place not in ("", ".")]
    sys.argv = [module, *arguments]
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    finally:
        sys.stdout.flush()
