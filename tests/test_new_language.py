"""A language is one entry, the files with its words and its font; everything else follows.

French is added to a copy of the project, with the Spanish words.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from app.languages import needed_files
from core.languages import LANGUAGES
from tests.support.project import PROJECT
from tests.support.project_copy import ProjectCopy, copied_project

ENTRY = """        Language(
            code="fr",
            name="Français",
            english="French",
            japanese="フランス語",
            locale="fr",
            deepl="FR",
            share=100,
            capital_names=True,
        ),
"""
END = '    )\n}\n"""In the order in which residents choose one."""'


def with_french(folder: Path) -> ProjectCopy:
    """The one entry, and a city that chose it."""
    copy = copied_project(folder)
    copy.replace("core/languages.py", END, ENTRY + END)
    copy.replace("deploy/city/city.toml", '"km", "my", "mn",\n]', '"km", "my", "mn", "fr",\n]')
    return copy


def spanish_files() -> list[Path]:
    """All files that hold Spanish words, from the project's folder."""
    return [path.relative_to(PROJECT) for path in needed_files(LANGUAGES["es"])]


def test_the_missing_files_of_a_language_are_all_named(tmp_path: Path) -> None:
    copy = with_french(tmp_path)
    missing = copy.observed("language_seen")["missing"]
    wanted = [str(path.with_stem("fr")) for path in spanish_files()]
    assert len(missing) == len(wanted) > 8
    for line, path in zip(missing, wanted, strict=True):
        assert path in line
        assert "docs/languages.md" in line


def test_a_seventeenth_language_shows_wherever_the_sixteen_do(tmp_path: Path) -> None:
    copy = with_french(tmp_path)
    for path in spanish_files():
        shutil.copy(PROJECT / path, (copy.folder / path).with_stem("fr"))
    seen = copy.observed("language_seen")
    assert seen["missing"] == []
    assert seen["matched"] == "fr"
    assert "Français" in seen["menu"]
    assert "Français" in seen["settings"]
    assert "Idioma" in seen["settings"]
    assert "text-fr" in seen["editor"]
    assert seen["public_language"] == ["fr", "ltr"]
    assert seen["public_choices"].count("fr") == 1
    assert "Español" in seen["public_words"] and "Français" in seen["public_words"]
    assert "川（かわ）から" in seen["fallback"], "easy Japanese where French says nothing"
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
        for package in ("alerts", "bot", "console", "feeds", "public", "reports")
        for path in (PROJECT / package).rglob(f"{language.code}.*")
        if path.suffix in (".po", ".toml", ".png")
    }
    # The console speaks to staff, in Japanese and English.
    assert there - needed <= {PROJECT / "console" / "locales" / "ja.po"}
    assert needed - there == {PROJECT / "bot/understanding/data/zh.toml"}
