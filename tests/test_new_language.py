"""A language is one entry, the files with its words and its font; everything else follows.

Esperanto is added to a copy of the project, with the Spanish words. A language that nobody will
ask for: the test must not be in the way of one that is really added.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from app.languages import needed_files
from core.languages import LANGUAGES
from tests.support.project import PROJECT
from tests.support.project_copy import ProjectCopy, copied_project

ENTRY = """        Language(
            code="eo",
            name="Esperanto",
            english="Esperanto",
            japanese="エスペラント語",
            locale="eo",
            deepl="EO",
            share=100,
            capital_names=True,
        ),
"""
END = '    )\n}\n"""In the order in which residents choose one."""'


def with_esperanto(folder: Path) -> ProjectCopy:
    """The one entry, and a city that chose it."""
    copy = copied_project(folder)
    copy.replace("core/languages.py", END, ENTRY + END)
    copy.replace("deploy/city/city.toml", ",\n]\ndigest_hour", ', "eo",\n]\ndigest_hour')
    return copy


def spanish_files() -> list[Path]:
    """All files that hold Spanish words, from the project's folder."""
    return [path.relative_to(PROJECT) for path in needed_files(LANGUAGES["es"])]


@pytest.mark.slow
def test_the_missing_files_of_a_language_are_all_named(tmp_path: Path) -> None:
    copy = with_esperanto(tmp_path)
    missing = copy.observed("language_seen")["missing"]
    wanted = [str(path.with_stem("eo")) for path in spanish_files()]
    assert len(missing) == len(wanted) > 8
    for line, path in zip(missing, wanted, strict=True):
        assert path in line
        assert "docs/languages.md" in line


@pytest.mark.slow
def test_a_seventeenth_language_shows_wherever_the_sixteen_do(tmp_path: Path) -> None:
    copy = with_esperanto(tmp_path)
    for path in spanish_files():
        shutil.copy(PROJECT / path, (copy.folder / path).with_stem("eo"))
    seen = copy.observed("language_seen")
    assert seen["missing"] == []
    assert seen["matched"] == "eo"
    assert "Esperanto" in seen["menu"]
    assert "Esperanto" in seen["settings"]
    assert "Idioma" in seen["settings"]
    assert "text-eo" in seen["editor"]
    assert seen["public_language"] == ["eo", "ltr"]
    assert seen["public_choices"].count("eo") == 1
    assert "Español" in seen["public_words"] and "Esperanto" in seen["public_words"]
    assert "川（かわ）から" in seen["fallback"], "easy Japanese where Esperanto says nothing"
    assert "nivel 4" in seen["warning"].lower()
    assert seen["report_state"] == "Recibido"
    assert seen["understood"]
    assert seen["speakers"] > 100


def test_the_files_that_hold_words_are_those_that_are_needed() -> None:
    """A file of a language that nobody asks for would be missed by nobody."""
    needed = {path for language in LANGUAGES.values() for path in needed_files(language)}
    there = {
        path
        for language in LANGUAGES.values()
        for package in (
            *("alerts", "bot", "channels", "console"),
            *("feeds", "public", "reports", "response"),
        )
        for path in (PROJECT / package).rglob(f"{language.code}.*")
        if path.suffix in (".po", ".toml", ".png")
    }
    # The console speaks to staff, in Japanese and English.
    assert there - needed <= {PROJECT / "console" / "locales" / "ja.po"}
    words = PROJECT / "bot/understanding/data"
    assert needed - there == {words / "zh.toml", words / "danger/zh.toml"}
