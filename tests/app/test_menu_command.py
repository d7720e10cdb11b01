"""``todoke menu``: the city's own rich menu from the shell, looked at, shown, given back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from app.schema import upgrade_now
from tests.support.commands import run_command
from tests.support.project import SAMPLE_CITY

MENU = {
    "size": {"width": 1200, "height": 810},
    "chatBarText": "メニュー",
    "areas": [
        {
            "bounds": {"x": 0, "y": 0, "width": 600, "height": 810},
            "action": {"type": "message", "text": "メニュー"},
        },
        {
            "bounds": {"x": 600, "y": 0, "width": 600, "height": 810},
            "action": {"type": "uri", "uri": "https://www.city.example.jp/<b>"},
        },
    ],
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, database_url: str) -> None:
    """The sample city and a database of its own."""
    upgrade_now(database_url)
    monkeypatch.setenv("TODOKE_CITY", str(SAMPLE_CITY))
    monkeypatch.setenv("TODOKE_DATABASE_URL", database_url)
    monkeypatch.setenv("TODOKE_MEDIA_DIR", str(tmp_path / "media"))


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    return run_command(capsys, "menu", *arguments)


def test_a_menu_is_looked_at_shown_and_given_back(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    menu, picture, page = tmp_path / "menu.json", tmp_path / "menu.png", tmp_path / "look.html"
    menu.write_text(json.dumps(MENU), "utf-8")
    Image.new("RGB", (1200, 810)).save(picture)
    take = ["take", str(menu), str(picture), "--language", "ja"]
    code, _, err = run(capsys, *take)
    assert code != 0 and "Area 2 leads to www.city.example.jp" in err
    take += ["--link", "city.example.jp"]
    code, out, _ = run(capsys, *take, "--preview", str(page))
    assert code == 0 and "Nothing was changed." in out and "メニュー → menu" in out
    shown = page.read_text("utf-8")
    assert "<rect" in shown and "&lt;b&gt;" in shown and "<b>" not in shown
    assert json.loads(run(capsys, "list", "--json")[1]) == []
    assert run(capsys, *take, "--yes")[0] == 0
    [row] = json.loads(run(capsys, "list", "--json")[1])
    assert (row["language"], row["areas"]) == ("ja", 2)
    assert run(capsys, "back", "--language", "ja")[0] == 0
    assert json.loads(run(capsys, "list", "--json")[1]) == []
    code, _, err = run(capsys, "back", "--language", "ja")
    assert code != 0 and "own menu is shown already" in err
    code, _, err = run(capsys, *take[:3], "--language", "xx")
    assert code != 0 and "no 'xx'" in err
