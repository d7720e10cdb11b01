"""Who reported is seen by those who answer, and each look is in the trail; a case is a file."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from typing import Any

from PIL import Image
from sqlmodel import col, select

from console.models import Role
from core.audit import AuditEntry
from reports.models import CameBy, ReportUpdate
from reports.photos import store_photo
from reports.register import Draft, create_report
from subscriptions.models import Resident
from tests.support.office import Browser, Office


def picture() -> bytes:
    output = io.BytesIO()
    Image.new("RGB", (300, 200), "grey").save(output, "JPEG")
    return output.getvalue()


SCRIPT = "<script>alert(1)</script>"


async def reported(office: Office) -> str:
    """A report of a resident with a photo, hostile words, and a call-back number."""
    user = await office.resident("ne")
    kept = store_photo(office.context.settings.media_dir, picture())
    async with office.database.writing() as session:
        resident = await session.scalar(select(Resident).where(col(Resident.line_user_id) == user))
        assert resident is not None
        for origin in ("a", "b"):
            report = await create_report(
                session,
                office.context.city,
                Draft(
                    category="pothole",
                    origin=origin,
                    description=SCRIPT,
                    pictures=(kept,),
                    came_by=CameBy.TELEPHONE,
                    contact="山田 029-000-0000",
                ),
                resident_id=resident.id,
                language="ne",
                now=office.clock.now(),
            )
        session.add(
            ReportUpdate(
                report_id=report.id or 0, by="x", note=SCRIPT, created_at=office.clock.now()
            )
        )
    return report.number


async def entries(office: Office, action: str) -> list[AuditEntry]:
    async with office.database.reading() as session:
        query = select(AuditEntry).where(col(AuditEntry.action) == action)
        return list(await session.scalars(query))


async def press(browser: Browser, number: str) -> Any:
    page = await browser.get(f"/console/reports/{number}")
    address = f"/console/reports/{number}/reporters"
    return await browser.post(address, page.form(address))


async def test_who_reported_is_one_press_away_and_each_look_is_in_the_trail(
    office: Office,
) -> None:
    number = await reported(office)
    roads = await office.at_desk(Role.ROADS, "roads")
    case = await roads.get(f"/console/reports/{number}")
    assert "山田" not in case.body and "2026-000001" not in case.body
    assert await entries(office, "report.reporter_seen") == []
    page = await press(roads, number)
    assert page.status == 200
    assert "山田 029-000-0000" in page.words and "2026-000001" in page.words
    assert page.headers["Cache-Control"] == "no-store"
    [entry] = await entries(office, "report.reporter_seen")
    assert (entry.actor, entry.subject) == ("roads@city.example", f"report:{number}")
    assert "山田" not in json.dumps(entry.detail, ensure_ascii=False)


async def test_who_may_only_look_does_not_see_who_reported(office: Office) -> None:
    number = await reported(office)
    viewer = await office.at_desk(Role.VIEWER, "viewer")
    page = await viewer.get(f"/console/reports/{number}")
    assert not page.has_form(f"/console/reports/{number}/reporters")
    assert "山田" not in page.body


async def test_a_case_goes_out_as_a_file_that_the_trail_can_prove(office: Office) -> None:
    number = await reported(office)
    admin = await office.at_desk(Role.ADMIN, "admin")
    address = f"/console/reports/{number}/dossier"
    form = (await admin.get(address)).form(address)
    refused = await admin.post(address, form | {"why": "  x "})
    assert refused.status == 400 and await entries(office, "report.dossier_taken") == []
    async with admin.http.post(
        f"{office.url}{address}", data=form | {"why": "水戸地裁 令和8年(ワ)第1号"}
    ) as answer:
        assert answer.status == 200
        content = await answer.read()
    [entry] = await entries(office, "report.dossier_taken")
    assert entry.detail["sha256"] == hashlib.sha256(content).hexdigest()
    assert entry.detail["why"] == "水戸地裁 令和8年(ワ)第1号"
    with zipfile.ZipFile(io.BytesIO(content)) as found:
        names = set(found.namelist())
        page = found.read("case.html").decode()
        case = json.loads(found.read("case.json"))
        trail = json.loads(found.read("trail.json"))
    assert {"case.html", "case.json", "trail.json"} < names
    assert sum(name.startswith("photos/") for name in names) == 1
    assert "<script" not in page and "&lt;script&gt;" in page
    [report] = case["reports"]
    assert report["number"] == number and report["description"] == SCRIPT
    assert "resident_id" not in report and report["steps"][-1]["note"] == SCRIPT
    assert all(one["hash"] and one["previous_hash"] for one in trail)
