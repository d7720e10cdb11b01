"""Reports are numbered without gaps or doubles, answered with a name on it, and exported safely."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from city.city import City
from city.folder import load_city
from core.audit_check import check_whole
from core.clock import ManualClock
from core.counting import Size
from core.database import Database
from core.errors import BadInput
from reports import register, work
from reports.counts import counts
from reports.register import Draft, ReportFilter
from reports.states import ReportState
from tests.support.filed_reports import draft, file, how_many

SAMPLE = Path(__file__).resolve().parents[2] / "deploy" / "city"


@pytest.fixture(scope="module")
def city() -> City:
    return load_city(SAMPLE)


async def test_numbers_have_no_gaps_and_no_doubles_under_concurrency(
    database: Database, city: City, clock: ManualClock
) -> None:
    async def fails(number: int) -> None:
        async with database.writing() as session:
            await register.create_report(
                session,
                city,
                draft(city, f"rolled-back-{number}"),
                resident_id=None,
                language="ja",
                now=clock.now(),
            )
            raise RuntimeError("something went wrong after numbering")

    made = [file(database, city, draft(city, f"event-{n}"), clock.now()) for n in range(30)]
    failed = [fails(n) for n in range(5)]
    results = await asyncio.gather(*made, *failed, return_exceptions=True)
    numbers = sorted(result for result in results if isinstance(result, str))
    assert numbers == [f"2026-{n:06}" for n in range(1, 31)]


async def test_the_same_origin_makes_one_report_however_often_at_once(
    database: Database, city: City, clock: ManualClock
) -> None:
    numbers = await asyncio.gather(
        *(file(database, city, draft(city, "the same event"), clock.now()) for _ in range(12))
    )
    assert set(numbers) == {"2026-000001"}


async def test_the_year_is_japans(database: Database, city: City) -> None:
    before = datetime(2026, 12, 31, 14, 59, tzinfo=UTC)
    after = datetime(2026, 12, 31, 15, 0, tzinfo=UTC)
    assert await file(database, city, draft(city, "a"), before) == "2026-000001"
    assert await file(database, city, draft(city, "b"), after) == "2027-000001"


async def test_what_staff_did_is_in_the_audit_trail(
    database: Database, city: City, clock: ManualClock
) -> None:
    number = await file(database, city, draft(city, "a"), clock.now())
    async with database.writing() as session:
        for state in (ReportState.ACCEPTED, ReportState.IN_PROGRESS):
            wanted = work.Change(state=state, note=f"now {state}")
            await work.change(session, city, number, wanted, by="roads@example.jp", now=clock.now())
    async with database.reading() as session:
        report = await register.get_report(session, number)
        assert report.state is ReportState.IN_PROGRESS
        assert report.id is not None
        updates = await register.updates_of(session, report.id)
        assert [update.by for update in updates] == ["resident"] + ["roads@example.jp"] * 2
        assert [update.note for update in updates] == ["", "now accepted", "now in-progress"]
        there = await counts(session, date(2026, 1, 1))
        assert there.by_state[ReportState.IN_PROGRESS] == there.cases == Size(1)
    assert (await check_whole(database, clock)).broken is None


async def test_when_a_case_first_got_so_far_is_kept_and_its_end_is_the_last_one(
    database: Database, city: City, clock: ManualClock
) -> None:
    """The figures count days until somebody decided, until the work began and until it was done."""
    number = await file(database, city, draft(city, "a"), clock.now())
    at = []
    for state, why in (
        *((ReportState.ACCEPTED, ""), (ReportState.IN_PROGRESS, ""), (ReportState.DONE, "")),
        *((ReportState.ACCEPTED, ""), (ReportState.IN_PROGRESS, ""), (ReportState.DONE, "")),
        (ReportState.DECLINED, "other"),
    ):
        await clock.advance(3600)
        async with database.writing() as session:
            wanted = work.Change(state=state, reason=why)
            changed = await work.change(session, city, number, wanted, by="a@b.c", now=clock.now())
            report = changed.report
            at.append((clock.now(), report.accepted_at, report.began_at, report.ended_at))
    accepted, began, done = (one[0] for one in at[:3])
    assert {one[1] for one in at} == {accepted}
    assert [one[2] for one in at] == [None, *[began] * 6]
    assert [one[3] for one in at] == [None, None, done, None, None, at[5][0], at[6][0]]


async def test_reports_are_found_by_what_staff_look_for(
    database: Database, city: City, clock: ManualClock
) -> None:
    await file(database, city, draft(city, "a", description="穴 100%"), clock.now())
    await clock.advance(60)
    await file(database, city, draft(city, "b", address="竹園"), clock.now())
    async with database.reading() as session:
        newest = await register.list_reports(session)
        assert [report.number for report in newest] == ["2026-000002", "2026-000001"]
        for text, number in (("100%", 1), ("%", 1), ("竹園", 1), ("_", 0), ("000", 2)):
            assert await how_many(session, ReportFilter(text=text)) == Size(number), text
        assert await how_many(session, ReportFilter(states=(ReportState.DONE,))) == Size(0)
        with pytest.raises(BadInput):
            await register.get_report(session, "2026-999999")


async def test_a_category_the_city_does_not_have_is_refused(
    database: Database, city: City, clock: ManualClock
) -> None:
    with pytest.raises(BadInput):
        await file(database, city, Draft(category="dragons", origin="a"), clock.now())
