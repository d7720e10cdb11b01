"""A state of a report is one entry and its words; everything else follows.

``on-hold`` is added to a copy of the project.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.project_copy import ProjectCopy, copied_project

ENTRY = """    ON_HOLD = (
        "on-hold",
        StateFacts(
            stage=Stage.TAKEN_UP,
            staff=mark("On hold"),
            resident=mark("Put off"),
            everybody=mark("Waiting for parts"),
            colour="orange",
        ),
    )
"""
BEFORE = '    DONE = (\n        "done",\n'
WORDS = """
msgctxt "resident"
msgid "Put off"
msgstr "Aplazado"

msgctxt "everybody"
msgid "Waiting for parts"
msgstr "A la espera de piezas"
"""
TO_STAFF = """
msgctxt "staff"
msgid "On hold"
msgstr "保留"
"""


def with_state(folder: Path) -> ProjectCopy:
    copy = copied_project(folder)
    copy.replace("reports/states.py", BEFORE, ENTRY + BEFORE)
    return copy


@pytest.mark.slow
def test_the_missing_words_of_a_state_are_named(tmp_path: Path) -> None:
    copy = with_state(tmp_path)
    said = copy.run("-m", "pytest", "-q", "-k", "says_all_of_it", "tests/reports/test_states.py")
    assert said.returncode == 1
    for language in ("ja", "es", "my"):
        assert f"test_a_language_says_all_of_it_and_nothing_else[{language}]" in said.stdout
    assert "Put off" in said.stdout and "Waiting for parts" in said.stdout


@pytest.mark.slow
def test_a_new_state_shows_wherever_states_do(tmp_path: Path) -> None:
    copy = with_state(tmp_path)
    for path in (copy.folder / "reports" / "locales").glob("*.po"):
        words = WORDS + (TO_STAFF if path.stem == "ja" else "")
        path.write_text(path.read_text("utf-8") + words, "utf-8")
    seen = copy.observed("state_seen")
    assert seen["open"] and seen["taken_up"]
    assert seen["choices"].index("on-hold") == 3
    assert "保留" in seen["told"]
    assert seen["listed"] and seen["listed_as_open"] and not seen["listed_as_done"]
    assert "Waiting for parts" in seen["public"]
    [request] = seen["requests"]
    assert (request["service_request_id"], request["status"]) == (seen["number"], "open")
    assert seen["resident"] == "Aplazado"
    checked = copy.run("-m", "pytest", "-q", "-k", "says_all_of_it", "tests/reports/test_states.py")
    assert checked.returncode == 0, checked.stdout
