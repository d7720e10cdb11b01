"""``[[posts]]`` in ``city.toml``: the city's accounts in other networks."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from city.city import PostAccount
from city.folder import check_city, load_city
from core.settings import SAMPLE_CITY

RIGHT = '[[posts]]\nname = "city-news"\n'


def folder_with(tmp_path: Path, accounts: str) -> tuple[Path, int]:
    """Return the sample city with these accounts, and the line on which they begin."""
    folder = Path(shutil.copytree(SAMPLE_CITY, tmp_path / "city"))
    toml = folder / "city.toml"
    before = toml.read_text("utf-8").rstrip("\n") + "\n"
    toml.write_text(before + accounts, "utf-8")
    return folder, before.count("\n") + 1


def test_a_right_account_is_taken_and_no_drill_goes_there_by_itself(tmp_path: Path) -> None:
    folder, _ = folder_with(tmp_path, RIGHT)
    assert check_city(folder) == []
    [account] = load_city(folder).posts
    assert account == PostAccount(name="city-news", languages=("ja",), level=0, drills=False)
    assert account.setting == "TODOKE_POSTS_CITY_NEWS_URL"


@pytest.mark.parametrize(
    ("account", "line", "said"),
    [
        ('name = "City News"', 1, "name"),
        ('languages = ["ja"]', 0, "name"),
        ('name = "city-news"', 1, "more than once"),
        ('name = "x"\nlanguages = ["tlh"]', 2, "tlh"),
        ('name = "x"\nlanguages = ["ja", "ja"]', 2, "more than once"),
        ('name = "x"\nlanguages = []', 2, "languages"),
        ('name = "x"\ntopics = ["evacuaton"]', 2, "evacuation"),
        ('name = "x"\nlevel = 6', 2, "level"),
        ('name = "x"\ndrills = "yes"', 2, "drills"),
        ('name = "x"\nlength = 20', 2, "length"),
        ('name = "x"\ncounts = "bytes"', 2, "counts"),
        ('name = "x"\nurl = "mastodon://token@host"', 2, "url"),
    ],
)
def test_a_wrong_account_is_named_with_its_line_and_left_out_alone(
    tmp_path: Path, account: str, line: int, said: str
) -> None:
    folder, begins = folder_with(tmp_path, f"{RIGHT}[[posts]]\n{account}\n")
    faults = check_city(folder)
    mine = [str(fault) for fault in faults if said in str(fault)]
    assert mine, [str(fault) for fault in faults]
    assert f"city.toml:{begins + 2 + line}" in mine[0]
    assert not any(fault.stops for fault in faults)
    assert [one.name for one in load_city(folder).posts] == ["city-news"]
