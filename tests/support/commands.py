"""Commands of the shell, run in the test's own process."""

from __future__ import annotations

import pytest

from app.cli import main


def run_command(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Run ``todoke`` with these arguments; return its exit code and both outputs."""
    code = 0
    try:
        main(list(arguments))
    except SystemExit as left:
        assert isinstance(left.code, int)
        code = left.code
    written = capsys.readouterr()
    return code, written.out, written.err
