"""A GeoPackage is written in the background; its page says how far it is, and gives the file."""

from __future__ import annotations

import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from console.models import Role
from reports import saved_exports
from reports.models import SavedExport, Sending
from tests.support.filed_reports import reported
from tests.support.office import Browser, Office, Page

PAGE = "/console/reports/exports"


async def begun(office: Office, desk: Browser, *, wait: bool = True, **fields: str) -> Page:
    """Press the button of the list, and wait until the file is there."""
    form = (await desk.get("/console/reports")).form("/console/reports/export.csv")
    page = await desk.post("/console/reports/export.gpkg", {**form, **fields})
    if wait:
        await office.app.state.saved_exports.finished()
    return page


async def test_the_file_is_fetched_by_who_began_it_and_by_nobody_else(
    office: Office, tmp_path: Path
) -> None:
    report = await reported(office)
    await reported(office)
    desk = await office.at_desk(Role.ROADS, "roads")
    page = await begun(office, desk)
    assert page.status == 200
    [saved] = await office.rows(SavedExport)
    assert (saved.state, saved.reports, saved.done) == (Sending.DONE, 2, 2)
    page = await desk.get(f"{PAGE}/{saved.id}")
    assert "ファイルができました（通報2件）" in page.words
    assert f"{PAGE}/{saved.id}" in (await desk.get("/console/reports")).body
    async with desk.http.get(f"{office.url}{PAGE}/{saved.id}/reports.gpkg") as answer:
        assert answer.status == 200
        assert answer.headers["Content-Type"] == "application/geopackage+sqlite3"
        assert answer.headers["Cache-Control"] == "no-store"
        (tmp_path / "got.gpkg").write_bytes(await answer.read())
    made = sqlite3.connect(tmp_path / "got.gpkg")
    assert report.number in {row[0] for row in made.execute("SELECT number FROM reports")}
    made.close()
    other = await office.at_desk(Role.ROADS, "others")
    for path in ("", "/live", "/reports.gpkg"):
        assert (await other.get(f"{PAGE}/{saved.id}{path}")).status == 404
    assert PAGE not in (await other.get("/console/reports")).body


async def test_it_has_what_the_list_shows(office: Office) -> None:
    await reported(office)
    desk = await office.at_desk(Role.ROADS, "roads")
    await begun(office, desk, state="done")
    [saved] = await office.rows(SavedExport)
    assert (saved.state, saved.reports) == (Sending.DONE, 0)


async def test_after_a_day_it_is_gone(office: Office) -> None:
    desk = await office.at_desk(Role.ROADS, "roads")
    await begun(office, desk)
    [saved] = await office.rows(SavedExport)
    media = office.context.settings.media_dir
    path = saved_exports.path_of(media, saved)
    assert path.is_file()
    left = path.with_name("0" * 32 + ".gpkg.part")
    left.write_bytes(b"of a process that died")
    now = office.clock.now()
    assert await saved_exports.forget_old(office.database, media, now) == 0
    assert path.is_file() and not left.exists()
    later = now + saved_exports.KEPT_FOR + timedelta(seconds=1)
    assert await saved_exports.forget_old(office.database, media, later) == 1
    assert await office.rows(SavedExport) == [] and not path.exists()


async def test_a_disk_that_is_full_in_the_middle_has_its_sentence_and_leaves_no_file(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite, which writes the file, says it with an error of its own."""
    desk = await office.at_desk(Role.ROADS, "roads")
    await reported(office)
    opened = sqlite3.connect

    def small(*given: Any, **more: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = opened(*given, **more)
        connection.execute("PRAGMA max_page_count = 12")
        return connection

    monkeypatch.setattr("reports.geopackage.sqlite3.connect", small)
    await begun(office, desk)
    [saved] = await office.rows(SavedExport)
    assert saved.state is Sending.FAILED
    page = await desk.get(f"{PAGE}/{saved.id}")
    assert "ディスクの空きを確認してください" in page.words
    assert list((office.context.settings.media_dir / saved_exports.FOLDER).glob("*")) == []


async def test_a_full_disk_and_a_service_that_ended_have_their_sentence(office: Office) -> None:
    desk = await office.at_desk(Role.ROADS, "roads")
    folder = office.context.settings.media_dir / saved_exports.FOLDER
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_bytes(b"no folder can be made here")
    await begun(office, desk)
    [saved] = await office.rows(SavedExport)
    assert saved.state is Sending.FAILED
    page = await desk.get(f"{PAGE}/{saved.id}")
    assert "ディスクの空きを確認してください" in page.words
    assert (await desk.get(f"{PAGE}/{saved.id}/reports.gpkg")).status == 404
    async with office.database.writing() as session:
        row = await session.get_one(SavedExport, saved.id)
        row.state, row.error = Sending.TRYING, None
        session.add(row)
    assert f"{PAGE}/{saved.id}/live" in (await desk.get(f"{PAGE}/{saved.id}")).body
    office.clock.ahead += timedelta(minutes=2)
    page = await desk.get(f"{PAGE}/{saved.id}")
    assert (
        "ファイルはできませんでした" in page.words
        and "/live" not in page.body.partition("<main")[2]
    )
