"""What a state decides, and that everybody who reads its name has one."""

from __future__ import annotations

import pytest
from babel.messages.pofile import read_po

from core.languages import LANGUAGES
from public.map_data import COLOURS
from reports import exports, open311_requests, questions, states
from reports import names as staff_names
from reports.states import ReportState
from tests.support.project import PROJECT


def names(field: str) -> set[str]:
    return {name for state in ReportState if (name := getattr(state.facts, field))}


def in_exports() -> set[str]:
    """Headings and names of the files that staff take along."""
    named = (
        staff_names.PRIORITY_NAMES,
        staff_names.CAME_BY_NAMES,
        staff_names.ROAD_CLASS_NAMES,
    )
    return {*exports.HEADINGS, *(name for names in named for name in names.values())}


def wanted(language: str) -> set[tuple[str | None, str]]:
    """All that is said of states in a language; staff read Japanese and English alone."""
    said: set[tuple[str | None, str]] = {(None, message) for message in states.every_news()}
    said |= {(questions.ANSWER, name) for name in questions.YES_NO.values()}
    said |= {(states.TO_RESIDENT, name) for name in names("resident")}
    said |= {(states.TO_EVERYBODY, name) for name in names("everybody")}
    if language == "ja":
        said |= {(states.TO_STAFF, name) for name in names("staff")}
        said |= {(states.WHY, name) for name in states.every_reason()}
        said |= {(states.TO_STAFF, name) for name in in_exports()}
    return said


@pytest.mark.parametrize("language", [code for code in LANGUAGES if code != "en"])
def test_a_language_says_all_of_it_and_nothing_else(language: str) -> None:
    with (states.CATALOGUE.directory / f"{language}.po").open("rb") as source:
        entries = [entry for entry in read_po(source) if entry.id]
    assert {(entry.context, entry.id) for entry in entries} == wanted(language)
    assert len(entries) == len(wanted(language))
    assert all(entry.string and not entry.fuzzy for entry in entries)


def test_every_state_is_waiting_taken_up_or_ended() -> None:
    assert states.WAITING == (ReportState.NEW,)
    assert states.TAKEN_UP == (ReportState.ACCEPTED, ReportState.IN_PROGRESS)
    assert states.ENDED == (
        ReportState.DONE,
        ReportState.DECLINED,
        ReportState.REFERRED,
        ReportState.DUPLICATE,
        ReportState.WITHDRAWN,
    )
    assert (*states.WAITING, *states.TAKEN_UP) == states.OPEN
    assert set(ReportState) == {*states.OPEN, *states.ENDED}


def test_what_nobody_looked_at_and_what_was_declined_is_not_published() -> None:
    """Open311, GeoReport v2: a request is open or closed."""
    taken_up = (ReportState.IN_PROGRESS, ReportState.ACCEPTED)
    assert (*taken_up, ReportState.DONE, ReportState.REFERRED) == states.PUBLISHED
    assert set(open311_requests.STATUS["open"]) == {ReportState.ACCEPTED, ReportState.IN_PROGRESS}
    assert open311_requests.STATUS["closed"] == (ReportState.DONE, ReportState.REFERRED)


def test_a_state_is_stored_and_compared_as_its_word() -> None:
    assert ReportState("in-progress") is ReportState.IN_PROGRESS
    assert [state.value for state in ReportState] == [str(state) for state in ReportState]


def test_every_colour_has_a_pin() -> None:
    script = (PROJECT / "public" / "static" / "maps" / "map.js").read_text("utf-8")
    for state in ReportState:
        colour = COLOURS.get(state.facts.colour, state.facts.colour)
        assert f'    {colour}: "M' in script


def test_staff_never_undo_a_decision_nor_what_only_residents_and_joining_decide() -> None:
    for before in ReportState:
        for after in (ReportState.NEW, ReportState.WITHDRAWN, ReportState.DUPLICATE):
            assert states.may_follow(before, after) == (before is after)
    for before in (ReportState.WITHDRAWN, ReportState.DUPLICATE):
        assert not states.may_follow(before, ReportState.DONE)
    assert states.may_follow(ReportState.NEW, ReportState.DONE)
    assert states.may_follow(ReportState.DONE, ReportState.IN_PROGRESS)
