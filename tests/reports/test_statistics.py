"""What the reports teach is counted right, on both databases, over the days of Japan."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import SQLModel

from core.clock import ManualClock
from core.database import Database
from reports.models import Report
from reports.states import ReportState
from reports.statistics import (
    Days,
    Statistics,
    Team,
    asked_of,
    learn,
    same_spots,
    together,
    waiting,
)

NOW = datetime(2026, 11, 30, 3, 0, tzinfo=UTC)
TODAY = date(2026, 11, 30)
NOV, OCT = date(2026, 11, 1), date(2026, 10, 1)


async def store(database: Database, *rows: dict[str, Any]) -> None:
    made: list[SQLModel] = []
    for number, row in enumerate(rows, 1):
        about: dict[str, Any] = {
            "category": "pothole",
            "department": "roads",
            "language": "ja",
            "area": "A",
        }
        about |= {"number": f"2026-{number:06}", "origin": str(number), "updated_at": NOW}
        made.append(Report(**(about | row)))
    async with database.writing() as session:
        session.add_all(made)


def at(day: str, hour: int = 12) -> datetime:
    """An hour of a day in Japan."""
    return datetime.fromisoformat(f"{day}T{hour:02}:00:00+09:00")


async def test_a_joined_report_is_a_report_and_no_case(database: Database) -> None:
    await store(
        database,
        {"created_at": at("2026-11-01", 0)},
        {"created_at": at("2026-11-02"), "state": ReportState.DUPLICATE, "case_id": 1},
        {"created_at": at("2026-11-03"), "state": ReportState.WITHDRAWN},
        {"created_at": at("2026-10-31", 23), "category": "tree", "area": None},
        {"created_at": at("2025-11-30")},  # a month before the twelve
    )
    found = await learn(database, asked_of("", "", "", "", TODAY), NOW)
    assert (found.reports[NOV], found.cases[NOV]) == (2, 1)
    assert (found.reports[OCT], found.cases[OCT]) == (1, 1)
    assert sum(found.reports.values()) == 3
    assert found.kinds == {"pothole": 1, "tree": 1}
    assert found.reports_of_kind == {"pothole": 2, "tree": 1}
    assert found.areas == {"A": 1, "": 1}
    assert found.states == {ReportState.NEW: 2}
    assert found.seasons[(2025, 11)] == 1 and found.seasons[(2026, 11)] == 2
    only = await learn(database, asked_of("", "", "tree", "", TODAY), NOW)
    assert (sum(only.reports.values()), only.kinds) == (1, {"tree": 1})


async def test_days_are_whole_days_that_passed_and_only_of_what_was_done(
    database: Database,
) -> None:
    came = at("2026-11-02")
    done = {"created_at": came, "state": ReportState.DONE}
    await store(
        database,
        done | {"accepted_at": came + timedelta(hours=1), "ended_at": came + timedelta(hours=23)},
        done | {"accepted_at": came + timedelta(days=2), "ended_at": came + timedelta(days=3)},
        done | {"accepted_at": came + timedelta(days=2), "ended_at": came + timedelta(days=30)},
        done | {"state": ReportState.DECLINED, "ended_at": came + timedelta(days=1)},
        {"created_at": came},
    )
    found = await learn(database, asked_of("", "", "", "", TODAY), NOW)
    assert found.to_accept["pothole"].counts == {0: 1, 2: 2}
    assert found.to_end["pothole"].counts == {0: 1, 3: 1, 30: 1}
    whole = together(found.to_end)
    assert (whole.within(0.5), whole.within(0.8), whole.slowest) == (3, 30, 30)
    assert found.to_begin == {}


async def test_a_due_day_is_a_day_in_japan(database: Database) -> None:
    due = {"due_on": date(2026, 11, 10), "state": ReportState.DONE, "team_id": 7}
    came = {"created_at": at("2026-11-02")}
    await store(
        database,
        came | due | {"ended_at": at("2026-11-10", 23)},  # still the tenth there
        came | due | {"ended_at": at("2026-11-11", 0)},
        came | {"due_on": date(2026, 11, 30)},  # is due today
        came | {"due_on": date(2026, 11, 29)},
        came,
    )
    found = await learn(database, asked_of("", "", "", "", TODAY), NOW)
    assert (found.due, found.late) == ({"pothole": 4}, {"pothole": 2})
    assert found.teams == (Team(7, Days({8: 2}), 0, 1), Team(None, Days({}), 3, 1))


async def test_what_residents_said_is_counted(database: Database) -> None:
    came = {"created_at": at("2026-11-02")}
    await store(database, came | {"judged": True}, came | {"judged": False}, came, came)
    found = await learn(database, asked_of("", "", "", "", TODAY), NOW)
    assert (found.yes, found.no) == (1, 1)


async def test_a_spot_that_was_mended_again_is_named(database: Database) -> None:
    # 0.0002 degrees of latitude are 22 m, 0.0005 are 56 m.
    place = {"longitude": 140.1, "created_at": at("2026-03-01"), "state": ReportState.DONE}
    await store(
        database,
        place | {"latitude": 36.1, "ended_at": at("2026-03-10")},
        place | {"latitude": 36.1002, "ended_at": at("2026-07-10")},
        place | {"latitude": 36.1005, "ended_at": at("2026-08-10")},
        place | {"latitude": 36.1, "ended_at": at("2025-11-20")},  # longer ago than a year
        place | {"latitude": 36.1, "ended_at": at("2026-07-10"), "category": "tree"},
        place | {"latitude": 36.1, "ended_at": at("2026-09-10"), "case_id": 1},
    )
    [spot] = (await learn(database, asked_of("", "", "", "", TODAY), NOW)).spots
    assert spot.numbers == ("2026-000001", "2026-000002")
    assert spot.last == at("2026-07-10")


def test_spots_on_both_sides_of_a_square_are_one_at_every_latitude() -> None:
    for latitude in (24.3, 36.1, 45.5):
        for step in range(40):
            begin = 140.0 + step * 0.00003
            rows = [
                ("pothole", begin, latitude, "a", NOW),
                ("pothole", begin + 0.0002, latitude, "b", NOW),  # at most 20 m away
            ]
            assert [spot.numbers for spot in same_spots(rows)] == [("a", "b")]


async def test_the_oldest_open_case_waits_longest(database: Database) -> None:
    await store(
        database,
        {"created_at": at("2026-05-01"), "state": ReportState.DONE},
        {"created_at": at("2026-06-02")},
        {"created_at": at("2026-06-01"), "state": ReportState.ACCEPTED},
        {"created_at": at("2026-04-01"), "case_id": 1, "state": ReportState.DUPLICATE},
    )
    async with database.reading() as session:
        found = await waiting(session, asked_of("", "", "", "", TODAY))
    assert [one.number for one in found] == ["2026-000003", "2026-000002"]


@pytest.mark.parametrize(
    ("first", "last", "months"),
    [
        ("", "", ("2025-12", "2026-11")),
        ("2026-11", "2026-11", ("2026-11", "2026-11")),
        ("2026-12", "2027-01", ("2025-12", "2026-11")),  # still to come
        ("2026-05", "2026-01", ("2025-02", "2026-01")),  # the wrong way round
        ("2019-01", "2026-11", ("2025-12", "2026-11")),  # too long
        ("2026-13", "x", ("2025-12", "2026-11")),
        ("2023-12", "2026-11", ("2023-12", "2026-11")),
    ],
)
def test_a_question_is_always_of_some_months(
    first: str, last: str, months: tuple[str, str]
) -> None:
    found = asked_of(first, last, "", "", TODAY).months
    assert (f"{found[0]:%Y-%m}", f"{found[-1]:%Y-%m}") == months


async def test_numbers_are_kept_for_a_while_and_then_counted_again(database: Database) -> None:
    await store(database, {"created_at": at("2026-11-02")})
    clock = ManualClock(NOW)
    kept, asked = Statistics(database, clock), asked_of("", "", "", "", TODAY)
    first = await kept.of(asked)
    await store(database, {"created_at": at("2026-11-02"), "origin": "x", "number": "2026-000009"})
    await clock.advance(59)
    assert await kept.of(asked) is first
    # Later the old numbers are shown once more, and counted anew beside it.
    await clock.advance(2)
    assert await kept.of(asked) is first
    await clock.advance(601)
    assert (await kept.of(asked)).reports[NOV] == 2
