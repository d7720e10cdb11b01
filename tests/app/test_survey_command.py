"""``todoke survey``: listed, shown, exported, closed from the shell."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.schema import upgrade_now
from core.database import Database
from tests.support.commands import run_command
from tests.support.project import SAMPLE_CITY
from tests.support.surveys import sent_survey


@pytest.fixture(autouse=True)
def survey(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, database_url: str) -> int:
    """The sample city and a database of its own, with a survey that was sent."""
    upgrade_now(database_url)
    monkeypatch.setenv("TODOKE_CITY", str(SAMPLE_CITY))
    monkeypatch.setenv("TODOKE_DATABASE_URL", database_url)
    monkeypatch.setenv("TODOKE_MEDIA_DIR", str(tmp_path / "media"))

    async def sent() -> int:
        database = Database(database_url)
        try:
            return await sent_survey(database, datetime.now(UTC))
        finally:
            await database.close()

    return asyncio.run(sent())


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    return run_command(capsys, "survey", *arguments)


def test_a_survey_is_listed_shown_exported_and_closed_once(
    capsys: pytest.CaptureFixture[str], survey: int
) -> None:
    number = str(survey)
    [listed] = json.loads(run(capsys, "list", "--json")[1])
    assert (listed["id"], listed["state"], listed["answered"]) == (survey, "open", 0)
    shown = json.loads(run(capsys, "show", number, "--json")[1])
    assert shown["questions"][0]["counts"][0] == {"answer": "散歩", "residents": 0}
    assert "公園で何をしますか。,散歩,0" in run(capsys, "export", number)[1]
    assert run(capsys, "export", number, "--words")[1] == "番号,質問,回答,言語\n"
    [closed] = json.loads(run(capsys, "close", number, "--json")[1])
    assert closed["state"] == "closed"
    code, _, said = run(capsys, "close", number)
    assert (code, said) == (2, "This survey is closed already.\n") or "closed already" in said
    assert run(capsys, "show", "99")[0] == 2
