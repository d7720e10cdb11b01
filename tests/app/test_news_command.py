"""``todoke news``: planned, listed, shown, recalled from the shell, with the console checks."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from PIL import Image

from app.schema import upgrade_now
from core.clock import in_japan
from tests.support.commands import run_command
from tests.support.project import SAMPLE_CITY


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, database_url: str) -> None:
    """The sample city and a database of its own."""
    upgrade_now(database_url)
    monkeypatch.setenv("TODOKE_CITY", str(SAMPLE_CITY))
    monkeypatch.setenv("TODOKE_DATABASE_URL", database_url)
    monkeypatch.setenv("TODOKE_MEDIA_DIR", str(tmp_path / "media"))


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    return run_command(capsys, "news", *arguments)


def said(topic: str = "events") -> list[str]:
    return ["send", "--topic", topic, "--text", "ja=まつりがあります。", "--yes"]


def test_news_is_planned_shown_and_recalled(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    tomorrow = in_japan(datetime.now(UTC)) + timedelta(days=1)
    poster = tmp_path / "poster.png"
    Image.new("RGB", (400, 300)).save(poster)
    shown = ["--picture", str(poster), "--alt", "ja=黒い四角", "--link", "https://city.example.jp/"]
    when = ["--at", f"{tomorrow:%Y-%m-%dT09:00}", "--json"]
    code, out, err = run(capsys, *said(), *shown, *when)
    assert (code, err) == (0, "")
    made = json.loads(out)
    assert (made["state"], made["title"]) == ("planned", "まつりがあります。")
    assert made["next_at"].startswith(f"{tomorrow:%Y-%m-%d}T00:00")

    [listed] = json.loads(run(capsys, "list", "--json")[1])
    assert listed == made
    found = json.loads(run(capsys, "show", str(made["id"]), "--json")[1])
    assert (found["links"], found["sent"]) == (
        [{"url": "https://city.example.jp/", "labels": {}}],
        [],
    )
    [recalled] = json.loads(run(capsys, "recall", str(made["id"]), "--json")[1])
    assert recalled["state"] == "draft"


def test_news_in_the_digest_has_left(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, *said(), "--digest")[0] == 0
    [listed] = json.loads(run(capsys, "list", "--json")[1])
    assert (listed["state"], listed["when"]) == ("sent", "digest")


@pytest.mark.parametrize(
    ("more", "why"),
    [
        (["--at", "2020-01-01T09:00"], "The planned time has passed."),
        (["--at", "soon"], "--at takes a time"),
        (["--at", "2030-01-01T09:00", "--digest"], "not both"),
        (["--link", "javascript:alert(1)"], "could run something on a phone"),
        (["--area", "atlantis"], "no district 'atlantis'"),
        (["--area", "chuo", "--digest"], "Fewer than 10 residents fit"),
        (["--child", "young", "--digest"], "--child takes years"),
        (["--medium", "pigeon"], "'pigeon' is not set up"),
    ],
)
def test_each_mistake_has_its_sentence_and_nothing_is_stored(
    capsys: pytest.CaptureFixture[str], more: list[str], why: str
) -> None:
    code, out, err = run(capsys, *said(), *more)
    assert (code, out) == (2, "")
    assert why in err
    assert run(capsys, "list", "--json")[1] == "[]\n"
