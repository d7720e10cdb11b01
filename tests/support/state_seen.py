"""Looks at a project that has the state ``on-hold``: prints as JSON where it shows."""

from __future__ import annotations

import asyncio
import json
import tempfile
from pathlib import Path

import pytest

import core
from city.folder import load_folder
from console.models import Role
from core.database import Database
from public import report_pages
from reports import open311
from reports.states import OPEN, TAKEN_UP, ReportState
from tests.support.databases import Sqlite
from tests.support.filed_reports import reported
from tests.support.office import running_office
from tests.support.project import PROJECT, SAMPLE_CITY

STATE = "on-hold"


async def look() -> dict[str, object]:
    assert Path(core.__file__).parent.parent == PROJECT
    state = ReportState(STATE)
    with tempfile.TemporaryDirectory() as place, pytest.MonkeyPatch.context() as patch:
        folder = Path(place)
        database = Database(Sqlite(folder).take(folder))
        async with running_office(database, load_folder(SAMPLE_CITY), folder, patch) as office:
            for router in (open311.router, report_pages.router):
                office.app.include_router(router)
            report = await reported(office, await office.resident("en"))
            desk = await office.at_desk(Role.ADMIN, "boss")
            address = f"/console/reports/{report.number}"
            page = await desk.get(address)
            choices = page.tree.xpath("//select[@name='state']/option/@value")
            changed = await desk.submit(
                page, address, state=STATE, answer_nobody="yes", answer_why="Nothing new"
            )
            told = changed.words
            listed = await desk.get(f"/console/reports?state={STATE}")
            open_ones = await desk.get("/console/reports?state=open")
            done = await desk.get("/console/reports?state=done")
            public = await desk.get("/reports?lang=en")
            requests = await desk.get("/open311/v2/requests.json")
        await database.close()
    return {
        "open": state in OPEN,
        "taken_up": state in TAKEN_UP,
        "choices": choices,
        "told": told,
        "listed": report.number in listed.words,
        "listed_as_open": report.number in open_ones.words,
        "listed_as_done": report.number in done.words,
        "public": public.words,
        "requests": json.loads(requests.body),
        "number": report.number,
        "resident": state.resident_name("es"),
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(look()), ensure_ascii=False))
