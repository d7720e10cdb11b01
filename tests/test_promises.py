"""The list of promises names tests that exist."""

from __future__ import annotations

import re

import pytest

from tests.support.project import PROJECT

NAMED = sorted(
    set(re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", (PROJECT / "docs/promises.md").read_text()))
)


@pytest.mark.parametrize(("path", "name"), NAMED)
def test_a_promise_is_guarded_by_a_test_that_exists(path: str, name: str) -> None:
    source = (PROJECT / path).read_text(encoding="utf-8")
    assert (f"def {name}(" if name else "def test_") in source or "TestCase" in source


def test_every_promise_names_a_guard() -> None:
    rows = re.findall(
        r"^\| (\d)\. .*?\| (.*) \|$", (PROJECT / "docs/promises.md").read_text(), re.M
    )
    assert [number for number, _ in rows] == [str(number) for number in range(1, 10)]
    assert all("`tests/" in guards for _, guards in rows)
