"""Exports have the office's words, every case with the reports joined to it, and no formula."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import AsyncIterator, Callable

import pytest

from city.city import City
from city.folder import load_city
from core.clock import ManualClock
from core.database import Database
from core.settings import SAMPLE_CITY
from reports import exports, register
from reports.exports import Export, Wording
from reports.models import Photo, Team, TeamKind
from reports.register import Draft, ReportFilter
from reports.states import ReportState
from reports.work import Change, change
from tests.support.filed_reports import draft, file


@pytest.fixture(scope="module")
def city() -> City:
    return load_city(SAMPLE_CITY)


async def exported(
    database: Database,
    write: Callable[[Database, Export, Wording], AsyncIterator[str]],
    wanted: ReportFilter,
    wording: Wording,
) -> tuple[Export, str]:
    async with database.reading() as session:
        export = await exports.begin_export(session, wanted)
    return export, "".join([part async for part in write(database, export, wording)])


def rows_of(text: str) -> list[dict[str, str]]:
    assert text.startswith("\ufeff"), "Excel takes it for another encoding"
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


async def test_no_cell_of_the_export_is_a_formula(
    database: Database, city: City, clock: ManualClock
) -> None:
    evil = ("=1+1", "+1", "-1", "@A1", "\t=1", " =1+1", "＝1+1", "　=1")
    for number, cell in enumerate(evil):
        made = draft(city, str(number), address=cell, description=cell)
        await file(database, city, made, clock.now())
    _, text = await exported(database, exports.export_csv, ReportFilter(), Wording(city))
    rows = rows_of(text)
    assert [row["内容"] for row in rows] == [f"'{cell}" for cell in reversed(evil)]
    assert all(row["場所"] == row["内容"] for row in rows)


async def test_the_spreadsheet_has_names_photos_and_history_and_no_codes(
    database: Database, city: City, clock: ManualClock
) -> None:
    here = draft(city, "a", longitude=140.1, latitude=36.08, description="穴")
    number = await file(database, city, here, clock.now())
    other = await file(database, city, draft(city, "b"), clock.now())
    async with database.writing() as session:
        team = Team(name="道路維持班", kind=TeamKind.TEAM, created_at=clock.now())
        session.add(team)
        await session.flush()
        report, joined = [await register.get_report(session, one) for one in (number, other)]
        report.team_id, report.reporters = team.id, 2
        joined.case_id, joined.state = report.id, ReportState.DUPLICATE
        session.add(
            Photo(
                report_id=report.id or 0,
                sha256="0" * 64,
                content_type="image/jpeg",
                width=1,
                height=1,
                size=1,
                created_at=clock.now(),
            )
        )
        await session.flush()
        await clock.advance(3600)
        taken_up = Change(state=ReportState.ACCEPTED, priority=1)
        await change(session, city, number, taken_up, by="a@b.c", now=clock.now())
    wording = Wording(city, address="https://city.example")
    wanted = ReportFilter(cases=True, states=(ReportState.ACCEPTED,))
    export, text = await exported(database, exports.export_csv, wanted, wording)
    assert export.number == 2
    first, second = rows_of(text)
    kind, department = city.report_categories[0], city.report_categories[0].department
    office = next(each for each in city.departments if each.code == department)
    assert first["番号"] == first["案件番号"] == number
    assert first["状態"] == ReportState.ACCEPTED.staff_name("ja")
    assert first["種類"] == kind.names["ja"]
    assert first["担当課"] == office.names["ja"]
    assert (first["担当"], first["優先度"], first["通報者数"]) == ("道路維持班", "至急", "2")
    district = city.district_at(140.1, 36.08)
    assert first["地区"] == (district.names["ja"] if district else "")
    assert first["写真"] == f"https://city.example/console/reports/{number}/photos/1"
    steps = [line.split(" ")[-1] for line in first["状態の履歴"].splitlines()]
    assert steps == [one.staff_name("ja") for one in (ReportState.NEW, ReportState.ACCEPTED)]
    # Who was joined comes with the case, under its number.
    assert (second["番号"], second["案件番号"]) == (other, number)
    _, text = await exported(database, exports.export_geojson, wanted, wording)
    case, _ = json.loads(text)["features"]
    assert case["properties"]["team"] == "道路維持班"
    assert case["properties"]["category_name"] == kind.names["ja"]
    assert case["properties"]["states"][-1]["state"] == "accepted"


async def test_the_map_export_is_geojson(
    database: Database, city: City, clock: ManualClock
) -> None:
    _, text = await exported(database, exports.export_geojson, ReportFilter(), Wording(city))
    assert json.loads(text)["features"] == []
    here = draft(city, "a", longitude=140.1, latitude=36.08)
    await file(database, city, here, clock.now())
    await file(database, city, draft(city, "b"), clock.now())
    _, text = await exported(database, exports.export_geojson, ReportFilter(), Wording(city))
    geometries = [feature["geometry"] for feature in json.loads(text)["features"]]
    assert geometries == [None, {"type": "Point", "coordinates": [140.1, 36.08]}]


async def test_an_export_holds_up_nobody_and_has_each_report_once(
    database: Database, city: City, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "CHUNK", 3)
    kinds = [kind.code for kind in city.report_categories]
    for number in range(10):
        made = Draft(category=kinds[number == 5], origin=str(number), description="穴が 100%")
        await file(database, city, made, clock.now())
    for wanted, most in (
        (ReportFilter(), 10),
        (ReportFilter(text="穴が"), 10),
        (ReportFilter(text="穴", cases=True), 10),
        (ReportFilter(categories=(kinds[0],), cases=True), 9),
        (ReportFilter(categories=(kinds[1],), text="100%"), 1),
        (ReportFilter(text="橋"), 0),
    ):
        export, text = await exported(database, exports.export_csv, wanted, Wording(city))
        numbers = [row["番号"] for row in rows_of(text)]
        assert len(numbers) == export.number == most
        assert numbers == sorted(set(numbers), reverse=True)
    async with database.reading() as session:
        export = await exports.begin_export(session)
    parts = exports.exported(database, export)
    first = await anext(parts)
    # Between two parts nothing is held: others write, and what is new is not in it.
    await file(database, city, draft(city, "new"), clock.now())
    async with database.writing() as session:
        ended, last = Change(state=ReportState.DONE), first[-1].report.number
        await change(session, city, last, ended, by="a@b.c", now=clock.now())
    rest = [row.report.number async for some in parts for row in some]
    assert [*(row.report.number for row in first), *rest] == [
        f"2026-{number:06}" for number in range(10, 0, -1)
    ]
