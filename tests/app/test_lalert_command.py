"""``todoke lalert export``: a file, one clear line on bad input, and never a drill by mistake."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from typer.testing import CliRunner

from app.cli.commands import app


@pytest.fixture(autouse=True)
def logs_as_they_were() -> Iterator[None]:
    logs = structlog.get_config()
    yield
    structlog.configure(**logs)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--kind", "weather"], "There is no kind"),
        (["--kind", "notices"], "--notice"),
        (["--kind", "headquarters"], "disaster mode does not say"),
        (["--kind", "headquarters", "--name", "本部", "--set-up", "10時"], "is no time"),
    ],
)
def test_what_is_missing_is_said(arguments: list[str], said: str, tmp_path: Path) -> None:
    target = tmp_path / "out.xml"
    result = CliRunner().invoke(app, ["lalert", "export", str(target), *arguments])
    assert result.exit_code != 0
    assert said in str(result.exception) + result.output
    assert not target.exists()
