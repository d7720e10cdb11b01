"""A machine's clock that jumps misleads nobody: the old time goes on until the new is confirmed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from core.clock import ManualClock
from core.steady import STANDS_SECONDS, SteadyClock, hear_date, in_doubt, knows_the_time, surely

NEW_YEAR = datetime(2026, 12, 31, 14, 59, 50, tzinfo=UTC)
"""Ten seconds before midnight in Japan."""
DAY, HOUR = 86_400.0, 3_600.0


def made(start: datetime = NEW_YEAR) -> tuple[ManualClock, SteadyClock]:
    machine = ManualClock(start)
    return machine, SteadyClock(machine)


@pytest.mark.parametrize("step", [DAY, -HOUR, 60 * DAY, -400 * DAY, 30.0])
async def test_the_old_time_goes_on_through_a_step_that_is_taken_back(step: float) -> None:
    machine, clock = made()
    machine.step(step)
    await machine.advance(6)
    assert clock.now() == NEW_YEAR + timedelta(seconds=6)
    assert clock.doubt is not None
    assert clock.doubt.size == timedelta(seconds=step)
    assert surely(clock) == min(clock.now(), machine.now())
    machine.step(-step)
    await machine.advance(16)
    assert clock.now() == machine.now() == NEW_YEAR + timedelta(seconds=22)
    assert not in_doubt(clock)


@pytest.mark.parametrize(
    "jitter",
    [[1.0], [-1.0], [0.05] * 60, [0.8, -0.8] * 20, [0.0] * 40],
    ids=["leap second", "one taken back", "slewed", "jitter", "over New Year"],
)
async def test_a_slew_a_leap_second_and_new_year_are_no_step(jitter: list[float]) -> None:
    machine, clock = made()
    for change in jitter:
        machine.step(change)
        await machine.advance(30)
        assert clock.now() == machine.now()
        assert not in_doubt(clock)


async def test_a_long_run_without_anybody_asking_is_no_step() -> None:
    machine, clock = made()
    await machine.advance(3 * DAY)
    assert clock.now() == machine.now()
    assert not in_doubt(clock)


async def test_a_step_that_stands_is_believed_when_nobody_contradicts_it() -> None:
    machine, clock = made()
    machine.step(DAY)
    assert clock.now() == NEW_YEAR
    await machine.advance(STANDS_SECONDS - 1)
    assert clock.now() < machine.now()
    await machine.advance(1)
    assert clock.now() == machine.now()
    assert not in_doubt(clock)


@pytest.mark.parametrize("step", [DAY, -HOUR])
async def test_a_witness_decides_which_time_is_right(step: float) -> None:
    machine, clock = made()
    machine.step(step)
    hear_date(clock, {"Date": format_datetime(clock.now(), usegmt=True)}, "LINE")
    assert clock.doubt is not None
    assert clock.doubt.against == "LINE"
    # After a contradiction, the new time is not accepted because time passes.
    for _ in range(20):
        await machine.advance(STANDS_SECONDS / 2)
        hear_date(clock, {"Date": format_datetime(clock.now(), usegmt=True)}, "LINE")
    assert in_doubt(clock)
    # A cached answer is as old as it says.
    said = format_datetime(machine.now() - timedelta(seconds=50), usegmt=True)
    hear_date(clock, {"Date": said, "Age": "50"}, "jma")
    assert clock.now() == machine.now()
    assert not in_doubt(clock)


@pytest.mark.parametrize(
    "headers", [{}, {"Date": "yesterday"}, {"Date": "Thu, 01 Jan 1970 00:00:00 GMT"}]
)
async def test_what_is_no_witness_decides_nothing(headers: dict[str, str]) -> None:
    machine, clock = made()
    machine.step(DAY)
    hear_date(clock, headers, "LINE")
    assert clock.doubt is not None
    assert not clock.doubt.against
    assert clock.now() == NEW_YEAR


async def test_staff_confirm_the_step_they_saw_and_no_other() -> None:
    machine, clock = made()
    machine.step(HOUR)
    assert not clock.confirm(timedelta(days=1), "staff")
    assert clock.confirm(timedelta(hours=1), "staff")
    assert clock.now() == machine.now()


async def test_a_new_process_of_the_same_machine_goes_on_exactly() -> None:
    machine, clock = made()
    at, elapsed = clock.mark()
    machine.step(60 * DAY)
    await machine.advance(100)
    following = SteadyClock(machine)
    following.begin(at, elapsed)
    assert following.now() == NEW_YEAR + timedelta(seconds=100)
    assert in_doubt(following)


@pytest.mark.parametrize("step", [-HOUR, 2 * DAY])
async def test_after_a_restart_of_the_machine_a_date_is_doubted_that_cannot_be(
    step: float,
) -> None:
    machine, _ = made()
    machine.step(step)
    following = SteadyClock(machine)
    following.begin(NEW_YEAR, None)
    assert following.now() == NEW_YEAR
    assert not knows_the_time(following)
    assert surely(following) == min(NEW_YEAR, machine.now())
    # Only a lower bound is known, so a witness may say any later time.
    right = NEW_YEAR + timedelta(hours=5)
    following.witness(right, "LINE")
    assert following.now() == right
    assert knows_the_time(following)


async def test_after_an_ordinary_restart_nothing_is_doubted() -> None:
    machine, _ = made()
    await machine.advance(HOUR)
    following = SteadyClock(machine)
    following.begin(NEW_YEAR, None)
    assert following.now() == machine.now()
    assert not in_doubt(following)
