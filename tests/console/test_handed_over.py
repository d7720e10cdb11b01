"""A case is given to another department, which hears of it in its own way."""

from __future__ import annotations

from datetime import datetime, timedelta

from console import words
from console.models import Role
from core.clock import JAPAN
from reports import alarm_settings, handed_over, work
from reports.alarm_settings import Wish
from reports.models import Report, Rhythm, StaffNotice
from reports.notices_to_staff import Desk
from tests.support.filed_reports import reported
from tests.support.office import Browser, Office

SECRET = "山田太郎の家の前"
PARKS = "koen@city.example"


def at(office: Office, hour: int) -> None:
    office.clock.ahead += datetime(2026, 6, 16, hour, tzinfo=JAPAN) - office.clock.now()


async def given(office: Office, desk: Browser, *cases: Report, to: str) -> str:
    """Give cases to a department from the list; return what the page says."""
    page = await desk.get("/console/reports")
    picks = [f"{case.number} {case.updated_at.isoformat()}" for case in cases]
    fields = {
        "csrf": page.form("/console/language")["csrf"],
        "pick": picks,
        "act": "assign",
        "to": f"department:{to}",
    }
    done = await desk.post("/console/reports/together/do", fields)
    assert done.status == 200
    return done.words


async def test_the_department_hears_once_of_what_it_was_given(office: Office) -> None:
    at(office, 10)
    one = await reported(office, description=SECRET)
    two = await reported(office, description=SECRET)
    desk = await office.at_desk(Role.ROADS, "road")
    await given(office, desk, one, two, to="parks")
    [notice] = await office.rows(StaffNotice)
    assert (notice.department, notice.address) == ("parks", PARKS)
    assert notice.content["title"] == "担当になりました：通報2件"
    assert one.number in notice.content["text"] and two.number in notice.content["text"]
    assert SECRET not in str(notice.content)
    reports = await office.rows(Report)
    await given(office, desk, *reports, to="parks")
    assert len(await office.rows(StaffNotice)) == 1, "nothing was given: it was theirs"


async def test_the_page_of_a_case_tells_it_too(office: Office) -> None:
    at(office, 10)
    report = await reported(office, description=SECRET)
    desk = await office.at_desk(Role.ROADS, "road")
    address = f"/console/reports/{report.number}"
    await desk.submit(await desk.get(address), address, department="parks")
    [notice] = await office.rows(StaffNotice)
    assert notice.content["title"] == f"担当になりました：通報{report.number}"
    assert notice.content["url"].endswith(address)


async def test_it_waits_for_the_morning_and_who_wants_nothing_hears_nothing(
    office: Office,
) -> None:
    at(office, 23)
    report = await reported(office)
    now = office.clock.now()
    context = office.context
    desk = Desk(context.city, context.queue, context.settings.public_url, words.CATALOGUE)
    async with office.database.writing() as session:
        changed = await work.change(
            session, context.city, report.number, work.Change(department="parks"), by="x", now=now
        )
        assert await handed_over.tell(session, desk, handed_over.given([changed]), now) == 1
    [notice] = await office.rows(StaffNotice)
    assert timedelta(hours=3) < notice.not_before - now < timedelta(hours=12)
    async with office.database.writing() as session:
        before = await alarm_settings.of_department(session, context.city, "roads", now)
        await alarm_settings.change(
            session,
            context.city,
            "roads",
            Wish(mails=("roads@city.example",), rhythm=Rhythm.NEVER),
            seen=before.version,
            actor="admin@city.example",
            now=now,
        )
        changed = await work.change(
            session, context.city, report.number, work.Change(department="roads"), by="x", now=now
        )
        assert await handed_over.tell(session, desk, handed_over.given([changed]), now) == 0
