"""The repairs in a browser: accessible, on the narrowest phone, and without a script."""

from __future__ import annotations

import pytest
from playwright.async_api import async_playwright, expect

from console.models import Role
from reports.models import Photo, PhotoRole
from reports.states import ReportState
from tests.support.accessible import faults_of
from tests.support.browser_tabs import tab
from tests.support.chromium import chromium_address
from tests.support.office import Office
from tests.support.public_cases import case_in, photographed

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.parametrize("database", ["sqlite"], indirect=True),
]


async def test_everybody_can_read_them(office: Office) -> None:
    case = await case_in(office, ReportState.DONE, is_home=True, reporters=3)
    await photographed(office, case, released=True)
    await photographed(office, case, released=True, role=PhotoRole.AFTER)
    addresses = [
        f"{office.url}{address}lang=my"
        for address in (
            *("/reports?", "/reports?number=2026-999999&"),
            *(f"/reports/{case.number}?", "/reports/months?"),
        )
    ]
    address = chromium_address()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.connect(address)
        page = await browser.new_page()
        assert await faults_of(page, addresses) == {}
        narrow = await browser.new_context(
            viewport={"width": 320, "height": 640}, java_script_enabled=False
        )
        page = await narrow.new_page()
        await page.goto(f"{office.url}/reports?lang=km")
        await page.fill("[name=number]", case.number)
        await page.click(".find button >> nth=0")
        await expect(page).to_have_url(f"{office.url}/reports/{case.number}?lang=km")
        await expect(page.locator(".photos img")).to_have_count(2)
        for where in addresses:
            await page.goto(where)
            box = await page.locator("body").bounding_box()
            assert box is not None and box["width"] <= 320
        await browser.close()


async def test_a_face_is_covered_by_keyboard_and_by_hand(office: Office) -> None:
    case = await case_in(office, ReportState.ACCEPTED)
    photo = await photographed(office, case)
    desk = await office.at_desk(Role.ROADS, "road")
    async with tab(office, desk) as page:
        await page.goto(f"{office.url}/console/release")
        field = page.locator("[name=areas]")
        await page.focus("[data-cover-do=add]")
        await page.keyboard.press("Enter")
        first = await field.input_value()
        await page.keyboard.press("ArrowRight")
        await page.keyboard.press("Shift+ArrowDown")
        left, top, width, height = map(int, first.split(","))
        step = max(2, round(photo.width / 100))
        assert await field.input_value() == f"{left + step},{top},{width},{height + step}"
        await page.keyboard.press("Control+z")
        await page.keyboard.press("Control+z")
        assert await field.input_value() == first
        await page.focus(".cover-area")
        await page.keyboard.press("Delete")
        assert await field.input_value() == ""
        box = await page.locator(".cover img").bounding_box()
        assert box is not None
        await page.mouse.move(box["x"] + 20, box["y"] + 30)
        await page.mouse.down()
        await page.mouse.move(box["x"] + 120, box["y"] + 90, steps=4)
        await page.mouse.up()
        drawn = list(map(int, (await field.input_value()).split(",")))
        scale = photo.width / box["width"]
        assert drawn == pytest.approx([20 * scale, 30 * scale, 100 * scale, 60 * scale], abs=3)
        assert await faults_of(page, [f"{office.url}/console/release"]) == {}
        await page.click("[data-cover-do=add]")
        await page.click("button[value=release]")
        await page.locator(".empty").wait_for()
    (row,) = await office.rows(Photo)
    assert row.released_at is not None and row.public_sha256 not in ("", row.sha256)


async def test_a_face_is_covered_with_a_finger(office: Office) -> None:
    """A second finger, or a touch that the phone breaks off, draws nothing of its own."""
    case = await case_in(office, ReportState.ACCEPTED)
    photo = await photographed(office, case)
    desk = await office.at_desk(Role.ROADS, "road")
    async with tab(office, desk) as page:
        await page.set_viewport_size({"width": 390, "height": 844})
        await page.goto(f"{office.url}/console/release")
        await page.locator(".cover.is-ready").scroll_into_view_if_needed()
        box = await page.locator(".cover img").bounding_box()
        assert box is not None
        fingers = await page.context.new_cdp_session(page)

        async def touch(what: str, *at: tuple[int, int]) -> None:
            points = [
                {"x": box["x"] + x, "y": box["y"] + y, "id": number}
                for number, (x, y) in enumerate(at)
            ]
            wish = {"type": what, "touchPoints": points}
            await fingers.send("Input.dispatchTouchEvent", wish)

        areas = page.locator(".cover-area")
        await touch("touchStart", (20, 30))
        await touch("touchMove", (90, 80))
        await touch("touchCancel")
        assert await areas.count() == 0
        await touch("touchStart", (20, 30))
        await touch("touchStart", (20, 30), (200, 120))
        await touch("touchMove", (20, 30), (260, 150))
        await touch("touchMove", (120, 90), (260, 150))
        await touch("touchEnd")
        assert await areas.count() == 1
        drawn = list(map(int, (await page.locator("[name=areas]").input_value()).split(",")))
        scale = photo.width / box["width"]
        assert drawn == pytest.approx([20 * scale, 30 * scale, 100 * scale, 60 * scale], abs=3)
