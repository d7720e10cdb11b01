"""Every reason that a package gives has its sentence, and staff read it in Japanese."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path

import pytest

import core.reason
from console import words
from core.reason import OTHER, SENTENCES, Reason, Reasons

ROOT = Path(core.reason.__file__).parents[1]
PACKAGES = (
    *("core", "city", "subscriptions", "feeds", "channels", "alerts", "response", "reports"),
    *("public", "console", "bot", "app"),
)
PLACEHOLDER = re.compile(r"{(\w+)}")


@cache
def registries() -> dict[str, Reasons]:
    """The reasons of each package that has some."""
    found = {}
    for package in PACKAGES:
        for file in (ROOT / package).rglob("reasons.py"):
            name = ".".join(file.relative_to(ROOT).with_suffix("").parts)
            found[name] = importlib.import_module(name).reason
    return found


def sources() -> Iterator[tuple[Path, ast.Module]]:
    for package in PACKAGES:
        for file in sorted((ROOT / package).rglob("*.py")):
            if "versions" not in file.parts and file.name != "reasons.py":
                yield file, ast.parse(file.read_text(encoding="utf-8"))


def made() -> Iterator[tuple[str, str, set[str]]]:
    """Where a reason is made from a code that stands there: the place, the code, its values."""
    for file, tree in sources():
        for node in ast.walk(tree):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
                continue
            if node.func.id != "reason" or not node.args:
                continue
            code = node.args[0]
            place = f"{file.relative_to(ROOT)}:{node.lineno}"
            if isinstance(code, ast.Constant) and all(each.arg for each in node.keywords):
                yield place, str(code.value), {each.arg or "" for each in node.keywords}


def test_every_code_is_registered_and_names_what_its_sentence_names() -> None:
    registries()
    wrong = [
        (place, code)
        for place, code, names in made()
        if code not in SENTENCES or names != SENTENCES[code].placeholders
    ]
    assert wrong == []


def test_every_registered_code_is_used() -> None:
    used = {
        node.value
        for _, tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    registered = {code for each in registries().values() for code in each.sentences}
    assert registered - used == set()


def test_every_reason_and_every_kind_of_trouble_has_its_japanese() -> None:
    for registry in registries().values():
        for code, sentence in registry.sentences.items():
            for message in filter(None, (sentence.message, sentence.kind)):
                assert words.CATALOGUE.has("ja", message), (code, message)
                text = words.CATALOGUE._lookup("ja", message, None) or ""
                assert set(PLACEHOLDER.findall(text)) == set(PLACEHOLDER.findall(message)), text


@pytest.mark.parametrize("module", ["console.words", "app.cli.commands"])
def test_who_shows_reasons_knows_those_of_every_package(module: str) -> None:
    said = f"import {module}, core.reason; print(*core.reason.SENTENCES)"
    done = subprocess.run(
        [sys.executable, "-c", said], cwd=ROOT, check=True, capture_output=True, text=True
    )
    registered = {code for each in registries().values() for code in each.sentences}
    assert registered - set(done.stdout.split()) == set()


def test_what_stands_between_reasons_has_its_japanese() -> None:
    assert words.CATALOGUE.has("ja", core.reason.BETWEEN)


def test_no_english_sentence_stands_on_a_japanese_page() -> None:
    """Two words of lower-case letters in a row are English; names and codes are not."""
    registries()
    for code, sentence in SENTENCES.items():
        if code == OTHER:
            continue
        found = Reason(code, dict.fromkeys(sentence.placeholders, "7"))
        said = words.said(found, "ja")
        assert not re.search(r"[a-z]{2,} [a-z]{2,}", said), said
        assert said == words.said(found, "ja")
        assert str(found) in words.said(found, "en") or sentence.kind
        assert found.text(partial(words.CATALOGUE.text, "en")) == str(found)


@pytest.mark.parametrize("language", words.STAFF_LANGUAGES)
def test_a_reason_without_a_code_is_shown_as_it_is(language: str) -> None:
    assert words.said(core.reason.other("It was late."), language) == "It was late."
    assert words.said(None, language) == ""
