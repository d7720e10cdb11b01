"""Runs many commands that end at once, each in a process of its own forked from this one.

``python -m tests.e2e.many`` reads cases as JSON from standard input, ``[[arguments, changes of
the environment], …]``, and prints ``[[exit code, standard output, standard error], …]``. What
all of them import is loaded once, so that forty take seconds and not minutes.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import tempfile
import traceback
from pathlib import Path

SHARED = (
    *("bot.backup", "bot.service", "bot.cli.commands", "channels.alerts", "channels.service"),
    *("console.accounts", "feeds.explain", "feeds.service", "subscriptions.generate"),
)


def run(arguments: list[str], changes: dict[str, str | None]) -> tuple[int, str, str]:
    """Run one command in a fork; return how it ended and what it said."""
    with tempfile.TemporaryDirectory() as folder:
        said, objected = Path(folder, "out"), Path(folder, "err")
        child = os.fork()
        if child == 0:
            _be_the_command(arguments, changes, said, objected)
        _, status = os.waitpid(child, 0)
        return os.waitstatus_to_exitcode(status), said.read_text(), objected.read_text()


def _be_the_command(
    arguments: list[str], changes: dict[str, str | None], said: Path, objected: Path
) -> None:
    code = 1
    try:
        for number, place in ((1, said), (2, objected)):
            os.dup2(os.open(place, os.O_WRONLY | os.O_CREAT), number)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        for name, value in changes.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        sys.argv = ["todoke", *arguments]
        importlib.import_module("bot.cli").main()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    for module in SHARED:
        importlib.import_module(module)
    json.dump([run(*case) for case in json.load(sys.stdin)], sys.stdout)
