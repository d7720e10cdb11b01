"""Each page of the navigation is accessible, on a phone and on a desk."""

from __future__ import annotations

import pytest

from city.city import Decision
from console.models import Role
from console.navigation import SECTIONS
from subscriptions import other_media
from tests.support.accessible import faults_of
from tests.support.browser_tabs import tab
from tests.support.console_alerts import delivery_of, sent, written
from tests.support.filed_reports import reported
from tests.support.notices import a_notice
from tests.support.office import Office
from tests.support.surveys import sent_survey

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.parametrize("database", ["sqlite"], indirect=True),
]


MORE = (
    "/console/account",
    "/console/account/code",
    "/console/account/passkeys",
    "/console/answers/finished",
    "/console/answers/new",
    "/console/call-up/staff",
    "/console/call-up/staff/codes",
    "/console/entry/spreadsheet",
    "/console/figures/month/2026-06",
    "/console/danger-words",
    "/console/danger-words/check?try=x",
    "/console/kinds/street-light",
    "/console/kinds/street-light/questions/1",
    "/console/kinds/street-light/words/my",
    "/console/kinds/street-light/check?language=my",
    "/console/new-kind",
    "/console/orders/places",
    "/console/papers/reports.md",
    "/console/record/print",
    "/console/reports/inbox",
    "/console/staff/1",
    "/console/templates/new",
    "/console/words/exceptions",
    "/console/words/questions/row?key=bulky",
    "/console/words/shelters/row?key=0001",
    "/console/words/items/spreadsheet",
)
"""Pages that another one leads to."""


async def test_every_page_of_the_navigation_is_accessible(office: Office) -> None:
    await office.resident("ja")
    report = await reported(office)
    desk = await office.at_desk(Role.ADMIN, "admin")
    pages = [entry.address for section in SECTIONS for entry in section.entries]
    async with tab(office, desk) as page:
        more = (f"/console/reports/{report.number}", f"/console/reports/{report.number}/dossier")
        addresses = [office.url + address for address in (*pages, *MORE, *more)]
        assert await faults_of(page, addresses) == {}


async def test_an_alert_that_is_written_is_accessible_as_a_drill_and_for_real(
    office: Office,
) -> None:
    await office.resident("ja")
    desk = await office.at_desk(Role.ADMIN, "admin")
    begun_pages = []
    for kind in ("drill", "real"):
        form = (await desk.get("/console/alerts")).form("/console/alerts")
        begun = await desk.post("/console/alerts", {**form, "kind": kind})
        begun_pages.append(begun.url)
    async with tab(office, desk) as page:
        assert await faults_of(page, begun_pages) == {}


async def test_every_page_of_the_menu_is_reached_on_a_phone_without_script(office: Office) -> None:
    """The menu is a part of the page that opens without script, and marks where one is."""
    desk = await office.at_desk(Role.ADMIN, "admin")
    pages = [entry.address for section in SECTIONS for entry in section.entries]
    async with tab(office, desk, script=False) as page:
        for width in (360, 768, 1440):
            await page.set_viewport_size({"width": width, "height": 800})
            await page.goto(f"{office.url}/console/held")
            if width == 360:
                await page.locator("details.menu > summary").press("Enter")
            seen = await page.eval_on_selector_all(
                "header nav a",
                "all => all.filter(a => a.checkVisibility())"
                ".map(a => [a.getAttribute('href'), a.getAttribute('aria-current'),"
                " a.getBoundingClientRect()])"
                ".map(([to, here, box]) => [to, here, box.left >= 0 && box.right <= innerWidth])",
            )
            assert all(inside for _, _, inside in seen), width
            assert ["/console/held", "page", True] in seen
            if width == 360:
                assert {to for to, _, _ in seen} == set(pages)
            else:
                assert {section.entries[0].address for section in SECTIONS} <= {s[0] for s in seen}


async def test_the_pages_of_a_survey_are_accessible(office: Office) -> None:
    await office.resident("ja")
    number = await sent_survey(office.database, office.clock.now())
    desk = await office.at_desk(Role.ADMIN, "admin")
    begun = await desk.submit(await desk.get("/console/surveys"), "/console/surveys")
    pages = ("results", "words/4")
    async with tab(office, desk) as page:
        addresses = [f"{office.url}/console/surveys/{number}/{one}" for one in pages]
        assert await faults_of(page, [begun.url, *addresses]) == {}


async def test_every_page_of_an_alert_by_several_media_is_accessible(office: Office) -> None:
    await office.resident("ja")
    now = office.clock.now()
    async with office.database.writing() as session:
        await other_media.follow_at(
            session, office.context.city, "email", "reader@mail.example", "ja", now
        )
    held = a_notice(now, "held", level=0, topic="events", decision=Decision.HOLD)
    await office.store(held)
    desk = await office.at_desk(Role.ADMIN, "admin")
    number, page = await written(desk, "real", level="3")
    done = await sent(desk, number, page, alone_reason="Nobody else is on duty tonight.")
    delivery = delivery_of(done)
    await office.done(delivery)
    notice = (await office.notices())[-1]
    draft, _ = await written(desk, "drill", event_day="2026-07-12")
    pages = (
        "/console/alerts",
        f"/console/alerts/{draft}",
        f"/console/alerts/{draft}/check",
        f"/console/alerts/{draft}/texts/email",
        f"/console/alerts/{draft}/spoken",
        f"/console/deliveries/{delivery}",
        f"/console/deliveries/{delivery}/spoken",
        f"/console/chains/{notice.id}",
        "/console/held",
        "/console/held/1",
    )
    async with tab(office, desk) as browser:
        assert await faults_of(browser, [office.url + path for path in pages]) == {}
