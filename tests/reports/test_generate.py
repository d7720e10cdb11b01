"""Synthetic reports: the same seed, the same reports, numbered with the real ones."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import delete, func
from sqlmodel import col, select

from city.city import City
from city.folder import load_city
from core.clock import ManualClock, in_japan
from core.database import Database
from core.errors import BadInput
from reports import generate as generating
from reports.generate import generate, make_pictures
from reports.models import Photo, Report, ReportCounter, ReportUpdate
from reports.photos import photo_path
from reports.register import Draft, create_report
from reports.states import ReportState
from subscriptions import residents

SAMPLE = Path(__file__).resolve().parents[2] / "deploy" / "city"


@pytest.fixture(scope="module")
def city() -> City:
    return load_city(SAMPLE)


async def everything(database: Database) -> list[tuple[object, ...]]:
    """Return what there is to know of every report but its id, in order of numbers."""
    async with database.reading() as session:
        return [
            (r.number, r.category, r.state, r.longitude, r.address, r.description, r.created_at)
            for r in await session.scalars(select(Report).order_by(col(Report.number)))
        ]


async def test_they_are_numbered_with_the_real_ones_and_lie_in_their_districts(
    database: Database, city: City, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generating, "CHUNK", 40)
    kind = city.report_categories[0].code
    async with database.writing() as session:
        resident = await residents.follow(session, city, "U" + "a" * 32, "vi", clock.now())
        await create_report(
            session,
            city,
            Draft(category=kind, origin="real"),
            resident_id=resident.id,
            language="ja",
            now=clock.now(),
        )
    told: list[int] = []
    await generate(database, city, 100, 5, clock.now(), progress=told.append)
    assert told == [40, 80, 100]
    async with database.writing() as session:
        last = await create_report(
            session,
            city,
            Draft(category=kind, origin="real too"),
            resident_id=None,
            language="ja",
            now=clock.now(),
        )
    async with database.reading() as session:
        reports = list(await session.scalars(select(Report).order_by(col(Report.id))))
        by_year: dict[int, list[int]] = {}
        for report in reports:
            year = in_japan(report.created_at).year
            assert report.number.startswith(f"{year}-")
            by_year.setdefault(year, []).append(int(report.number[5:]))
        assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in by_year.values())
        made = [report for report in reports if report.origin.startswith("generated:")]
        assert len(made) == 100
        assert last.id == max(report.id or 0 for report in reports)
        assert {(one.resident_id, one.language) for one in made} == {(resident.id, "vi")}
        for report in made:
            assert report.updated_at >= report.created_at
            steps = await session.scalars(
                select(ReportUpdate.state)
                .where(col(ReportUpdate.report_id) == report.id)
                .order_by(col(ReportUpdate.id))
            )
            assert list(steps)[-1] is report.state
        inside = [
            report.area == found.code
            for report in made
            if (found := city.district_at(report.longitude or 0.0, report.latitude or 0.0))
        ]
        assert sum(inside) > 90  # but those at a border
        assert {report.state for report in made} >= {ReportState.DONE, ReportState.DECLINED}


async def test_the_same_seed_makes_the_same_reports_and_only_once(
    database: Database, city: City, clock: ManualClock, tmp_path: Path
) -> None:
    pictures = make_pictures(tmp_path, 2, 5)
    assert len({picture.sha256 for picture in pictures}) == 2
    await generate(database, city, 20, 5, clock.now(), pictures=pictures)
    first = await everything(database)
    with pytest.raises(BadInput, match="seed 5"):
        await generate(database, city, 20, 5, clock.now(), pictures=pictures)
    assert await everything(database) == first
    async with database.writing() as session:
        photo = (await session.scalars(select(Photo).limit(1))).one()
        assert photo_path(tmp_path, photo.sha256).stat().st_size == photo.size
        assert int(await session.scalar(select(func.count()).select_from(Photo)) or 0) >= 5
        for table in (Photo, ReportUpdate, Report, ReportCounter):
            await session.execute(delete(table))
    await generate(database, city, 20, 5, clock.now(), pictures=pictures)
    assert await everything(database) == first
