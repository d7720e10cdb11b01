"""``todoke city import`` and ``shelters states``: the same door as the console, from the shell."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.schema import upgrade_now
from tests.support.commands import run_command as run
from tests.support.project import SAMPLE_CITY

HEADINGS = "避難先名称,緯度,経度,災害種別,ID1,ID2,ステータス"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, database_url: str) -> None:
    """The sample city and a database of its own."""
    upgrade_now(database_url)
    monkeypatch.setenv("TODOKE_CITY", str(SAMPLE_CITY))
    monkeypatch.setenv("TODOKE_DATABASE_URL", database_url)
    monkeypatch.setenv("TODOKE_MEDIA_DIR", str(tmp_path / "media"))


def exported(tmp_path: Path, *rows: str) -> str:
    file = tmp_path / "facilities.csv"
    file.write_text("\r\n".join((HEADINGS, *rows)) + "\r\n", "cp932")
    return str(file)


def test_facilities_are_looked_at_then_taken_in_and_their_states_said(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = exported(
        tmp_path,
        "北小学校,36.15,140.08,168,S-1,77,開設",
        "南公民館,36.03,140.10,1,S-2,78,満",
        "東会館,36.05,140.11,1,S-3,79,混雑",
        "西会館,36.06,140.11,1,S-4,80,0",
    )
    code, out, _ = run(capsys, "city", "import", "shelters", file)
    assert code == 0 and "4 new, 0 changed" in out and "Nothing was changed." in out
    assert "Note: The file says that 1 sites are open and 1 full." in out
    code, out, _ = run(capsys, "city", "import", "shelters", file, "--yes", "--json")
    assert (code, json.loads(out)["taken"]) == (0, 4)
    code, out, _ = run(capsys, "city", "import", "shelters", file, "--json")
    said = json.loads(out)
    assert (said["new"], said["changed"], said["same"]) == (0, 0, 4), "no doubles"

    assert run(capsys, "shelters", "set", "S-2", "--state", "closed")[0] == 0
    planned = json.loads(run(capsys, "shelters", "states", file, "--json")[1])
    assert [(one["id"], one["becomes"]) for one in planned] == [
        ("S-1", "open"),
        ("S-2", ""),
        ("S-3", ""),
        ("S-4", ""),
    ]
    assert planned[1]["why"] == "staff said closed here"
    states = {one["id"]: one["state"] for one in listed(capsys)}
    assert states["S-1"] is None, "only looked at"
    assert run(capsys, "shelters", "states", file, "--yes")[0] == 0
    states = {one["id"]: one["state"] for one in listed(capsys)}
    assert (states["S-1"], states["S-2"], states["S-3"], states["S-4"]) == (
        "open",
        "closed",
        None,
        None,
    )


def listed(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(run(capsys, "shelters", "list", "--json")[1])
    return found


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["nothing", "x.csv"], "There is no part 'nothing'"),
        (["items", "missing.csv"], "There is no file missing.csv"),
    ],
)
def test_what_is_none_is_one_sentence(
    capsys: pytest.CaptureFixture[str], arguments: list[str], why: str
) -> None:
    code, _, err = run(capsys, "city", "import", *arguments)
    assert code != 0 and why in err
