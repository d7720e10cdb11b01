"""``[[media]]`` in ``city.toml``: which notices go by which medium."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from city.city import MediumRule
from city.folder import check_city, load_city
from core.settings import SAMPLE_CITY


def folder_with(tmp_path: Path, rules: str) -> tuple[Path, int]:
    """Return the sample city with these rules, and the line on which they begin."""
    folder = Path(shutil.copytree(SAMPLE_CITY, tmp_path / "city"))
    toml = folder / "city.toml"
    before = toml.read_text("utf-8").rstrip("\n") + "\n"
    toml.write_text(before + rules, "utf-8")
    return folder, before.count("\n") + 1


def test_a_right_rule_is_taken(tmp_path: Path) -> None:
    rules = '[[media]]\nmedium = "posts"\ntopics = ["evacuation"]\nlevel = 3\n'
    folder, _ = folder_with(tmp_path, rules)
    assert check_city(folder) == []
    city = load_city(folder)
    assert city.media == (MediumRule(medium="posts", topics=("evacuation",), level=3),)
    assert city.sends_by("posts", "evacuation", 3)
    assert not city.sends_by("posts", "evacuation", 2)
    assert not city.sends_by("posts", "events", 5)
    assert city.sends_by("line", "events", 0), "no rule names it"


@pytest.mark.parametrize(
    ("rule", "line", "said"),
    [
        ('medium = "emial"', 1, "did you mean 'email'"),
        ('medium = "email"\ntopics = ["evacuaton"]', 2, "evacuation"),
        ('medium = "email"\nlevel = 6', 2, "level"),
        ('medium = "email"\nlevels = [4]', 2, "levels"),
        ("level = 3", 0, "medium"),
        ('medium = "line"\ntopics = ["events"]', 0, "evacuation of level"),
    ],
)
def test_a_wrong_rule_is_named_with_its_line_and_all_are_left_out(
    tmp_path: Path, rule: str, line: int, said: str
) -> None:
    """With one of two rules missing, a medium would take less than the city meant."""
    right = '[[media]]\nmedium = "posts"\nlevel = 1\n'
    folder, begins = folder_with(tmp_path, f"{right}[[media]]\n{rule}\n")
    faults = check_city(folder)
    mine = [fault for fault in faults if said in str(fault)]
    assert mine, [str(fault) for fault in faults]
    assert f"city.toml:{begins + 3 + line}" in str(mine[0])
    assert not any(fault.stops for fault in faults)
    city = load_city(folder)
    assert city.media == ()
    assert city.sends_by("posts", "events", 0)
