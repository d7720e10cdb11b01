"""A morning's intake without the mouse, and the list on a phone."""

from __future__ import annotations

from datetime import date

import pytest
from playwright.async_api import Page, expect

from console.models import Role
from reports.models import Report, Team, TeamKind
from reports.photos import store_photo
from reports.states import ReportState
from tests.support.accessible import faults_of
from tests.support.browser_tabs import tab
from tests.support.filed_reports import picture, reported
from tests.support.office import Office

pytestmark = pytest.mark.browser


async def in_focus(page: Page) -> str:
    """Return the number of the case in whose line the focus is."""
    found = await page.evaluate(
        "document.activeElement.closest('tr[data-number]')?.dataset.number || ''"
    )
    return str(found)


async def test_a_morning_is_done_by_keys_that_never_fire_while_somebody_types(
    office: Office,
) -> None:
    desk = await office.at_desk(Role.ROADS, "road")
    async with office.database.writing() as session:
        session.add(Team(name="維持班", kind=TeamKind.TEAM, created_at=office.clock.now()))
    kept = store_photo(office.context.settings.media_dir, picture())
    oldest = await reported(office, pictures=(kept,))
    middle = await reported(office, longitude=140.15, latitude=36.15)
    newest = await reported(office, longitude=140.2, latitude=36.2)
    async with tab(office, desk) as page:
        await page.goto(f"{office.url}/console/reports")
        await page.keyboard.press("j")
        assert await in_focus(page) == newest.number
        await page.keyboard.press("ArrowDown")
        assert await in_focus(page) == middle.number
        await page.keyboard.press("k")
        await page.keyboard.press("x")
        await page.keyboard.press("j")
        await page.keyboard.press("x")
        assert await page.locator("input[name='pick']:checked").count() == 2

        # Typing is typing.
        await page.keyboard.press("/")
        field = page.locator("#filters input[name='text']")
        await expect(field).to_be_focused()
        await page.keyboard.type("jxa?")
        await expect(field).to_have_value("jxa?")
        assert await page.locator("input[name='pick']:checked").count() == 2
        await expect(page.locator("dialog#keys")).not_to_be_visible()

        # The help is a dialog; keys behind it do nothing; they can be switched off.
        await page.locator("h1").click()
        await page.keyboard.press("?")
        await expect(page.locator("dialog#keys")).to_be_visible()
        await page.keyboard.press("x")
        await page.get_by_label("このパソコンでキー操作を使う").uncheck()
        await page.keyboard.press("Escape")
        await page.keyboard.press("j")
        assert await in_focus(page) == ""
        await page.keyboard.press("?")
        await page.get_by_label("このパソコンでキー操作を使う").check()
        await page.keyboard.press("Escape")

        # Assigned from the keyboard, after a look at what it means.
        await page.keyboard.press("a")
        await expect(page.locator("#act-assign")).to_be_focused()
        await page.locator("#act-assign").select_option(label="維持班")
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await page.get_by_role("button", name="2件に実行する").press("Enter")
        await expect(page.get_by_role("heading", name="2件を処理しました")).to_be_visible()

        # The intake: the oldest first, one key each.
        await page.goto(f"{office.url}/console/reports/inbox")
        await expect(page.locator("h2", has_text=oldest.number)).to_be_visible()
        await page.keyboard.press("1")
        await expect(page.locator("h2", has_text=middle.number)).to_be_visible()
        await page.keyboard.press("n")
        await expect(page.locator("h2", has_text=newest.number)).to_be_visible()
        await page.keyboard.press("d")
        await page.locator("select[name='declined']").select_option("private")
        await page.keyboard.press("Enter")
        await expect(page.locator("h2", has_text=middle.number)).to_be_visible()
    states = {one.number: one.state for one in await office.rows(Report)}
    assert states == {
        oldest.number: ReportState.ACCEPTED,
        middle.number: ReportState.NEW,
        newest.number: ReportState.DECLINED,
    }


async def test_list_check_and_intake_fit_a_phone_and_are_accessible(office: Office) -> None:
    desk = await office.at_desk(Role.ROADS, "road")
    kept = store_photo(office.context.settings.media_dir, picture())
    for number in range(3):
        await reported(office, pictures=(kept,) if number else ())
    async with tab(office, desk) as page:
        wrong = await faults_of(
            page,
            [
                f"{office.url}/console/reports",
                f"{office.url}/console/reports?state=open&priority=3",
                f"{office.url}/console/reports/inbox",
            ],
        )
        assert not wrong, wrong
        # What sends is in sight without scrolling inside a box.
        await page.set_viewport_size({"width": 1440, "height": 900})
        await page.goto(f"{office.url}/console/reports")
        button = page.get_by_role("button", name="担当を決める")
        box = await button.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= 900


async def test_cases_are_in_sight_at_once_and_a_state_is_one_word_on_a_phone(
    office: Office,
) -> None:
    desk = await office.at_desk(Role.ROADS, "road")
    for number in range(4):
        await reported(office, description="穴 " * number)
    async with office.database.writing() as session:
        row = await session.get_one(Report, 1)
        row.due_on = date(2024, 1, 30)
        row.priority = 4
        session.add(row)
    async with tab(office, desk) as page:
        await page.set_viewport_size({"width": 1440, "height": 900})
        await page.goto(f"{office.url}/console/reports")
        bar = await page.locator("details.together").bounding_box()
        rows = page.locator("tr[data-number]")
        second = await rows.nth(1).bounding_box()
        assert bar is not None and second is not None
        assert second["y"] + second["height"] <= bar["y"], "two cases above the bar"
        # No button lies over a field or another button, and the table stays in its card.
        for width in (1440, 1290, 1210, 1030, 700, 390):
            await page.set_viewport_size({"width": width, "height": 900})
            over = await page.evaluate(
                """() => {
                  const parts = [...document.querySelectorAll(".acts select, .acts button")];
                  const boxes = parts.map((one) => one.getBoundingClientRect());
                  const hit = (a, b) => a.left < b.right - 1 && b.left < a.right - 1
                    && a.top < b.bottom - 1 && b.top < a.bottom - 1;
                  const card = document.querySelector(".list-card").getBoundingClientRect();
                  const table = document.querySelector("table.reports").getBoundingClientRect();
                  return boxes.some((a, n) => a.width && boxes.slice(n + 1).some((b) => hit(a, b)))
                    || table.right > card.right;
                }"""
            )
            assert not over, width
        await page.set_viewport_size({"width": 1440, "height": 900})
        # What marks the whole page is at its head, and then all of the list can be meant.
        await page.locator("[data-all] input").check()
        assert await page.locator("input[name='pick']:checked").count() == 4
        await page.set_viewport_size({"width": 390, "height": 844})
        await page.reload()
        state = page.locator("tr.late td:nth-last-child(2)")
        found = await state.bounding_box()
        assert found is not None
        assert found["width"] > 100 and found["height"] < 60
        await expect(page.locator("#filters")).not_to_be_visible()


async def test_the_list_and_the_figures_are_printed_whole(office: Office) -> None:
    desk = await office.at_desk(Role.ROADS, "road")
    for _ in range(3):
        await reported(office)
    async with tab(office, desk) as page:
        await page.goto(f"{office.url}/console/reports?state=open")
        await page.emulate_media(media="print")
        for hidden in ("details.together", "#filters", ".map-box", ".sorts", "td.tick-cell"):
            await expect(page.locator(hidden).first).not_to_be_visible()
        await expect(page.locator(".only-print")).to_contain_text("状態: 未完了")
        await page.emulate_media(media="screen")
        await page.goto(f"{office.url}/console/report-statistics")
        await expect(page.locator(".prints-table").first).to_be_visible()  # counted by now
        await expect(page.get_by_role("button", name="印刷")).to_be_visible()
        await page.emulate_media(media="print")
        await page.evaluate("dispatchEvent(new Event('beforeprint'))")
        await expect(page.locator(".prints-table table").first).to_be_visible()
        await expect(
            page.locator(".chart-card:not(.prints-table) summary").first
        ).not_to_be_visible()
        await page.evaluate("dispatchEvent(new Event('afterprint'))")
        await page.emulate_media(media="screen")
        await expect(page.locator(".prints-table table").first).not_to_be_visible()


async def test_from_a_case_one_comes_back_to_the_list_as_it_was(office: Office) -> None:
    desk = await office.at_desk(Role.ROADS, "road")
    first, second = await reported(office), await reported(office)
    async with tab(office, desk) as page:
        await page.goto(f"{office.url}/console/reports?state=open&sort=-age")
        await page.get_by_role("link", name=first.number, exact=True).click()
        await expect(page.locator("h1")).to_contain_text(first.number)
        await page.locator(".crumbs a").first.click()
        await page.wait_for_url("**/console/reports?state=open&sort=-age*")
        assert await in_focus(page) == first.number
        # A case that was opened from elsewhere leads to the list, too.
        await page.goto(f"{office.url}/console/reports/{second.number}")
        await page.locator(".crumbs a").first.click()
        await page.wait_for_url("**/console/reports?state=open&sort=-age*")
