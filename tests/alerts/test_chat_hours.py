"""When the desk answers: days, holidays, nights, the New Year; in the city's own time."""

from __future__ import annotations

from datetime import datetime, time

import pytest
from pydantic import ValidationError

from alerts.chat import words
from alerts.chat.hours import is_open, next_opening
from alerts.ready_words import CATALOGUE
from city.chat import ChatRules
from core.clock import JAPAN
from core.languages import LANGUAGES

RULES = ChatRules()
NIGHT = ChatRules(opens=time(22), closes=time(6), days=("fri",), holidays_closed=False)


def at(year: int, month: int, day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=JAPAN)


@pytest.mark.parametrize(
    ("moment", "opened"),
    [
        (at(2026, 6, 15, 8, 29), False),
        (at(2026, 6, 15, 8, 30), True),
        (at(2026, 6, 15, 17, 14), True),
        (at(2026, 6, 15, 17, 15), False),
        (at(2026, 6, 14, 12), False),  # a Sunday
        (at(2026, 5, 4, 12), False),  # みどりの日, a Monday
        (at(2026, 5, 6, 12), False),  # a substitute holiday, a Wednesday
        (at(2026, 12, 28, 12), True),  # the last working day of the year, a Monday
        (at(2026, 12, 29, 12), False),
        (at(2027, 1, 1, 12), False),
        (at(2027, 1, 4, 12), True),  # the first one, a Monday
    ],
)
def test_it_is_open_on_working_days(moment: datetime, opened: bool) -> None:
    assert is_open(RULES, moment) is opened


def test_over_the_new_year_it_says_the_first_working_day() -> None:
    assert next_opening(RULES, at(2026, 12, 28, 18)) == at(2027, 1, 4, 8, 30)
    assert next_opening(RULES, at(2026, 12, 31, 23, 59)) == at(2027, 1, 4, 8, 30)


@pytest.mark.parametrize(
    ("moment", "opened"),
    [
        (at(2026, 6, 19, 21, 59), False),  # a Friday
        (at(2026, 6, 19, 22), True),
        (at(2026, 6, 20, 0), True),
        (at(2026, 6, 20, 5, 59), True),
        (at(2026, 6, 20, 6), False),
        (at(2026, 6, 20, 22), False),
        (at(2027, 1, 1, 22), False),  # closed, a Friday
        (at(2027, 1, 2, 1), False),
    ],
)
def test_hours_go_over_midnight(moment: datetime, opened: bool) -> None:
    assert is_open(NIGHT, moment) is opened


def test_a_closed_day_of_one_year_is_closed_then_alone() -> None:
    rules = ChatRules(closed=("2026-06-15",))
    assert not is_open(rules, at(2026, 6, 15, 12))
    assert is_open(rules, at(2027, 6, 15, 12))


def test_a_desk_that_never_opens_promises_no_day() -> None:
    rules = ChatRules(
        days=("mon",), closed=tuple(f"{m:02}-{d:02}" for m in range(1, 13) for d in range(1, 32))
    )
    assert next_opening(rules, at(2026, 6, 15, 12)) is None
    assert words.closed("en", None) == "Nobody is at the desk now."


@pytest.mark.parametrize("wrong", [{"opens": "09:00", "closes": "09:00"}, {"closed": ["tomorrow"]}])
def test_rules_that_cannot_be_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ChatRules.model_validate(wrong)


def test_every_language_says_all_of_it() -> None:
    for language in LANGUAGES:
        for sentence in words.SENTENCES:
            assert CATALOGUE.has(language, sentence), (language, sentence)
        assert len(words.text(language, words.END)) <= 20, language
        assert "08:30" in words.closed(language, at(2027, 1, 4, 8, 30))
    assert len(words.end_words()) == len(LANGUAGES)
