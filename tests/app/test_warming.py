"""What is otherwise read at its first use is read before somebody waits for it."""

from __future__ import annotations

import ast

import pytest
from structlog.testing import capture_logs

from app.warming import CATALOGUES, warm
from console.web import environment
from core import languages
from core.languages import Catalogue
from public.pages import environment as public_environment
from tests.support.project import PROJECT

CITY = ("ja", "ja-x-easy", "en", "vi")


def defined() -> int:
    """Count the catalogues that the source defines."""
    packages = ("alerts", "bot", "channels", "console", "feeds", "public", "reports", "response")
    return sum(
        isinstance(node, ast.Call) and ast.unparse(node.func) == "Catalogue"
        for package in packages
        for file in (PROJECT / package).rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
    )


def test_every_catalogue_of_the_source_is_read() -> None:
    assert len({id(each) for each in CATALOGUES}) == len(CATALOGUES) == defined()
    assert all(isinstance(each, Catalogue) for each in CATALOGUES)


def test_after_it_no_file_of_words_or_pages_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    with capture_logs() as logs:
        warm(CITY, pages=True)
    [said] = [each for each in logs if each["event"] == "service.warmed"]
    assert said["templates"] > 100

    def refuse(*_: object) -> None:
        raise AssertionError("it was not read before")

    monkeypatch.setattr(languages, "_read", refuse)
    for catalogue in CATALOGUES:
        for language in CITY:
            catalogue.text(language, "One message that no catalogue has")
    for pages in (environment(), public_environment()):
        monkeypatch.setattr(pages, "compile", refuse)
        for name in pages.list_templates():
            pages.get_template(name)
