"""``todoke lalert export``: a file, one clear line on bad input, and never a drill by mistake."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from typer.testing import CliRunner

from app.cli.commands import app
from app.schema import upgrade_now
from core.database import Database
from feeds.models import Status
from public.lalert_xml import NAMESPACES
from tests.support.notices import a_notice

ROOT = Path(__file__).resolve().parents[2]


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


async def test_a_city_exports_an_order_its_end_and_a_drill_from_the_shell(
    database_url: str, tmp_path: Path
) -> None:
    await asyncio.to_thread(upgrade_now, database_url)
    database, now = Database(database_url), datetime.now(UTC)

    async def say(identity: str, **values: Any) -> None:
        order = {"topic": "evacuation", "level": 4, "areas": ["chuo"], **values}
        async with database.writing() as session:
            session.add(a_notice(now, identity, **order))

    async def export(target: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "app.cli", "lalert", "export", str(target), *arguments]
        environment = os.environ | {
            "TODOKE_CITY": str(ROOT / "deploy/city"),
            "TODOKE_DATABASE_URL": database_url,
            "TODOKE_PUBLIC_URL": "https://todoke.city.example",
        }
        return await asyncio.to_thread(
            subprocess.run, command, cwd=ROOT, env=environment, capture_output=True, text=True
        )

    # What is written to a file is the newest word, whole, and the real one only.
    await say("drill", drill=True)
    await say("order")
    folder, file = tmp_path / "folder", tmp_path / "order.xml"
    folder.mkdir()
    done = await export(file, "--kind", "evacuation")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{file}: EvacuationOrder Report 1 (real)\n"
    tree = etree.parse(file)
    assert tree.findtext(".//edxlde:distributionStatus", namespaces=NAMESPACES) == "Actual"
    assert tree.findtext(".//edxlde:senderID", namespaces=NAMESPACES) == "todoke.city.example"
    assert tree.findtext(".//pcx_ev:Sort", namespaces=NAMESPACES) == "避難指示"

    # A folder keeps each word of each matter; a second export leaves what is there.
    async def names() -> list[str]:
        done = await export(folder, "--kind", "evacuation", "--json")
        assert done.returncode == 0, done.stderr
        return [Path(row["file"]).name for row in json.loads(done.stdout)]

    [first] = await names()
    written = (folder / first).read_bytes()
    assert await names() == [first]
    assert (folder / first).read_bytes() == written
    await say("end", status=Status.LIFTED, level=0, replaces_id=2)
    [second] = await names()
    assert (first[-8:], second[-8:], first[:-8] == second[:-8]) == ("-001.xml", "-002.xml", True)

    drill = await export(folder, "--kind", "evacuation", "--drill", "--json")
    [row] = json.loads(drill.stdout)
    assert row["drill"] and Path(row["file"]).name.startswith("drill-")
    tree = etree.parse(row["file"])
    assert tree.findtext(".//edxlde:distributionStatus", namespaces=NAMESPACES) == "Exercise"
    headline = tree.findtext(".//edxlde:contentDescription", namespaces=NAMESPACES) or ""
    assert headline.startswith("【訓練】")
    # A real notice is not written as a drill, nor a drill as real.
    mixed = await export(tmp_path / "mixed.xml", "--kind", "notices", "--notice", "1")
    assert mixed.returncode != 0 and "This notice is a drill; say --drill." in mixed.stderr
    assert not (tmp_path / "mixed.xml").exists()
    await database.close()
