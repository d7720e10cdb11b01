"""Due dates count the days on which a Japanese office is open."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from reports.due import after_working_days, is_overdue, is_working_day, working_days_between
from reports.models import Report
from reports.states import ReportState

NOW = datetime(2026, 6, 15, 3, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "why"),
    [
        ("2026-05-02", "a Saturday"),
        ("2026-05-03", "憲法記念日, a Sunday"),
        ("2026-05-06", "the substitute for 憲法記念日"),
        ("2026-09-22", "between two holidays: 国民の休日"),
        ("2027-03-22", "the substitute for 春分の日"),
        ("2026-12-29", "closed before New Year"),
        ("2026-12-31", "closed before New Year"),
        ("2027-01-01", "元日"),
        ("2024-01-02", "closed after New Year"),
        ("2025-01-03", "closed after New Year"),
    ],
)
def test_an_office_is_closed(day: str, why: str) -> None:
    assert not is_working_day(date.fromisoformat(day)), why


@pytest.mark.parametrize("day", ["2026-05-07", "2026-12-28", "2027-01-04", "2026-09-24"])
def test_an_office_is_open(day: str) -> None:
    assert is_working_day(date.fromisoformat(day))


@pytest.mark.parametrize(
    ("start", "days", "due"),
    [
        ("2026-06-15", 5, "2026-06-22"),  # a Monday, a week
        ("2026-04-28", 3, "2026-05-07"),  # Golden Week: 30, 1 May, then 7
        ("2026-12-25", 2, "2027-01-04"),  # 28, then 4 January
        ("2026-12-30", 1, "2027-01-04"),
        ("2026-06-20", 0, "2026-06-22"),  # a Saturday
        ("2026-06-15", 0, "2026-06-15"),
    ],
)
def test_working_days_are_counted_on(start: str, days: int, due: str) -> None:
    assert after_working_days(date.fromisoformat(start), days) == date.fromisoformat(due)


def test_days_between_are_counted_both_ways() -> None:
    one, other = date(2026, 4, 28), date(2026, 5, 8)
    assert working_days_between(one, other) == 4  # 30 April, 1, 7 and 8 May
    assert working_days_between(other, one) == -4
    assert working_days_between(one, one) == 0


def test_a_case_is_overdue_after_its_last_day_until_it_ends() -> None:
    last = date(2026, 6, 22)

    def case(state: ReportState, due_on: date | None = last) -> Report:
        return Report(
            number="2026-000001",
            category="pothole",
            department="roads",
            language="ja",
            state=state,
            due_on=due_on,
            created_at=NOW,
            updated_at=NOW,
        )

    assert not is_overdue(case(ReportState.IN_PROGRESS), last)
    assert is_overdue(case(ReportState.IN_PROGRESS), last + timedelta(days=1))
    assert is_overdue(case(ReportState.NEW), last + timedelta(days=1))
    assert not is_overdue(case(ReportState.DONE), last + timedelta(days=1))
    assert not is_overdue(case(ReportState.NEW, None), last)
