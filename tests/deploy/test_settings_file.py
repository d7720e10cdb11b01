"""``deploy/environment.example`` names every setting there is, and says what it does."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import pytest

from channels.webpush.vapid import new_key
from core.settings import TRANSLATORS, BadSettings, Settings
from tests.support.project import PROJECT

FILE = PROJECT / "deploy" / "environment.example"
LINE = re.compile(r"(#?)(TODOKE_[A-Z_]+)=(\S*)")
README_ROW = re.compile(r"`(TODOKE_[A-Z_]+)`")


MEDIA = {
    "TODOKE_SMTP_URL": "smtp://mail.example",
    "TODOKE_MAIL_FROM": "city@city.example",
    "TODOKE_VAPID_PRIVATE_KEY": new_key(),
    "TODOKE_RELAY_URL": "https://vendor.example/webhook",
}
"""Settings that have others looked up: how mail goes, web push, and the relay of webhooks."""


class Asked(Mapping[str, str]):
    """An environment that notes which variables are looked up."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self.values_ = values
        self.names: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.names.add(name)
        return self.values_[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.values_)

    def __len__(self) -> int:
        return len(self.values_)


def known() -> set[str]:
    """Every variable that the settings look up, by asking them."""
    names: set[str] = set()
    for translator in ("", *TRANSLATORS):
        asked = Asked({**MEDIA, "TODOKE_TRANSLATOR": translator})
        with pytest.raises(BadSettings):
            Settings.from_environment(asked)
        names |= asked.names
    return names


def written() -> dict[str, tuple[bool, str]]:
    """Each variable of the file: whether it is commented out, and its value."""
    found = {}
    for line in FILE.read_text("utf-8").splitlines():
        if match := LINE.fullmatch(line):
            assert match[2] not in found, f"{match[2]} stands twice"
            found[match[2]] = (bool(match[1]), match[3])
        else:
            assert not line or line.startswith("# "), line
    return found


def test_the_file_has_every_setting_and_no_other() -> None:
    assert set(written()) == known()


def test_what_is_commented_out_shows_its_default() -> None:
    needed = {
        f"TODOKE_{name}": "given"
        for name in ("LINE_CHANNEL_SECRET", "LINE_CHANNEL_ACCESS_TOKEN", "SECRET_KEY")
    } | MEDIA
    shown = {name: value for name, (out, value) in written().items() if out and value}
    assert shown
    assert Settings.from_environment({**needed, **shown}) == Settings.from_environment(needed)


def test_what_is_left_empty_is_asked_for_or_may_be_empty() -> None:
    file = {name: value for name, (out, value) in written().items() if not out}
    with pytest.raises(BadSettings) as wrong:
        Settings.from_environment(file)
    needed = {re.findall(r"TODOKE_[A-Z_]+", fault)[0] for fault in wrong.value.faults}
    assert needed == {
        "TODOKE_LINE_CHANNEL_SECRET",
        "TODOKE_LINE_CHANNEL_ACCESS_TOKEN",
        "TODOKE_SECRET_KEY",
    }


def test_each_setting_has_its_explanation() -> None:
    for block in FILE.read_text("utf-8").strip().split("\n\n"):
        assert block.startswith("# "), block


@pytest.mark.parametrize("name", ["README.md", "README.ja.md"])
def test_the_readmes_name_no_setting_that_is_none(name: str) -> None:
    rows = [
        line
        for line in (PROJECT / name).read_text("utf-8").splitlines()
        if line.startswith("| `TODOKE_")
    ]
    named = {found for row in rows for found in README_ROW.findall(row)}
    assert named
    assert named <= known()
