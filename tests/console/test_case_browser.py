"""Two people and one case, in real browsers: joined, given to a team, closed by both at once."""

from __future__ import annotations

import pytest
from playwright.async_api import expect
from sqlmodel import col, select

from console.models import Role
from reports.models import Report
from reports.photos import store_photo
from reports.states import ReportState
from tests.support.accessible import faults_of
from tests.support.browser_tabs import tab
from tests.support.filed_reports import picture, reported
from tests.support.office import Office

pytestmark = pytest.mark.browser


async def stored(office: Office, number: str) -> Report:
    async with office.database.reading() as session:
        found = await session.scalar(select(Report).where(col(Report.number) == number))
    assert found is not None
    return found


async def test_two_people_work_on_one_case_and_neither_loses_a_word(office: Office) -> None:
    kept = store_photo(office.context.settings.media_dir, picture())
    first_user, second_user = await office.resident("ja"), await office.resident("ne")
    report = await reported(office, first_user, pictures=(kept,))
    same = await reported(office, second_user, description="सडकमा ठूलो खाल्डो छ")
    one, two = await office.at_desk(Role.ROADS, "one"), await office.at_desk(Role.ROADS, "two")
    async with tab(office, one) as page, tab(office, two, harmless=("400",)) as other:
        await page.goto(f"{office.url}/console/reports/{report.number}")
        await page.locator(".likely button").click()
        await expect(page.locator(".case-head")).to_contain_text("2人が通報")

        address = f"{office.url}/console/reports/{report.number}"
        await other.set_viewport_size({"width": 390, "height": 844})
        await other.goto(address)
        save = other.get_by_test_id("save")
        await expect(save).to_be_in_viewport(ratio=1)
        await other.locator('select[name="state"]').select_option("declined")
        await other.locator('select[name="reason"]').select_option("declined:no-damage")
        await other.locator('input[name="note"]').fill("二人目のメモ")

        await page.locator('select[name="state"]').select_option("done")
        await expect(page.locator("[data-bar-hears]")).to_contain_text("2")
        await page.get_by_test_id("save").click()
        await expect(page.locator(".case-head")).to_contain_text(ReportState.DONE.staff_name("ja"))

        await save.click()
        await expect(other.locator("#refused")).to_contain_text("one@city.example")
        await expect(other.locator('input[name="note"]')).to_have_value("二人目のメモ")
        await expect(other.locator('select[name="state"]')).to_have_value("declined")
        await expect(other.locator('select[name="reason"]')).to_be_visible()
    assert (await stored(office, report.number)).state is ReportState.DONE
    assert (await stored(office, same.number)).case_id == report.id


@pytest.mark.parametrize("size", [(1440, 900), (390, 844)])
async def test_the_button_is_in_sight_and_the_page_is_for_everybody(
    office: Office, size: tuple[int, int]
) -> None:
    kept = store_photo(office.context.settings.media_dir, picture())
    report = await reported(office, await office.resident("my"), pictures=(kept,))
    desk = await office.at_desk(Role.ROADS, "road")
    async with tab(office, desk) as page:
        await page.set_viewport_size({"width": size[0], "height": size[1]})
        address = f"{office.url}/console/reports/{report.number}"
        await page.goto(address)
        await expect(page.get_by_test_id("save")).to_be_in_viewport(ratio=1)
        await expect(page.locator('select[name="state"]')).to_be_in_viewport(ratio=1)
        wide = await page.evaluate("document.documentElement.scrollWidth")
        assert wide <= size[0]
        assert await faults_of(page, [address, f"{office.url}/console/teams"]) == {}


async def test_a_place_is_moved_on_the_map(office: Office) -> None:
    report = await reported(office)
    desk = await office.at_desk(Role.ROADS, "road")
    async with tab(office, desk) as page:
        await page.goto(f"{office.url}/console/reports/{report.number}")
        await expect(page.locator('.map-box[data-ready="yes"]')).to_be_visible()
        await page.locator("details.correct summary").click()
        await page.locator("#move-place").click()
        box = await page.locator(".map-box").bounding_box()
        assert box is not None
        await page.mouse.click(box["x"] + box["width"] * 0.3, box["y"] + box["height"] * 0.3)
        await page.locator("#correct button:not([type])").click()
        await expect(page.locator("ol.timeline li").first).to_contain_text("場所：")
    moved = await stored(office, report.number)
    assert (moved.longitude, moved.latitude) != (report.longitude, report.latitude)


async def test_the_place_is_moved_by_keys_too(office: Office) -> None:
    report = await reported(office)
    desk = await office.at_desk(Role.ROADS, "road")
    async with tab(office, desk) as page:
        await page.goto(f"{office.url}/console/reports/{report.number}")
        await expect(page.locator('.map-box[data-ready="yes"]')).to_be_visible()
        field = page.locator("#place")
        await page.locator("details.correct summary").click()
        before = await field.input_value()
        await page.locator(".map-box").press("Enter")
        assert await field.input_value() == before, "nobody asked to move it"
        await page.locator("#move-place").press("Enter")
        await page.locator(".map-box").press("ArrowRight")
        await page.wait_for_selector(".leaflet-pan-anim", state="detached")
        await page.locator(".map-box").press("Enter")
        await expect(field).not_to_have_value(before)


async def test_pages_of_kinds_and_entry_have_buttons_and_words_in_sight(office: Office) -> None:
    desk = await office.at_desk(Role.ROADS, "roads")
    async with tab(office, desk) as page:
        await page.goto(f"{office.url}/console/kinds/street-light")
        beside = page.locator("#kind + aside")
        room = await beside.evaluate("e => [e.scrollHeight, e.clientHeight]")
        assert room[0] <= room[1] + 1, "no form in a box with its own scroll bar"
        await page.goto(f"{office.url}/console/danger-words")
        await expect(page.get_by_test_id("save-words")).to_be_in_viewport(ratio=1)
        await page.set_viewport_size({"width": 390, "height": 844})
        await page.goto(f"{office.url}/console/entry?kind=sign")
        note = page.locator(".map-note")
        await expect(note).to_be_visible()
        shape = await page.locator(".entry .map-box").bounding_box()
        below = await note.bounding_box()
        assert shape and below and shape["y"] + shape["height"] <= below["y"], "it is not covered"
        came = await page.locator("input[name=came_at]").bounding_box()
        assert came and came["width"] > 240, "a day and a time are not cut"
