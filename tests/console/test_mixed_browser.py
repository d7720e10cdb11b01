"""One alert with two levels in real browsers: written, seen, confirmed by a colleague on their own
screen, sent, followed, corrected, ended, and read as a chain; as a drill and as the real thing.
"""

from __future__ import annotations

import os

import pytest
from playwright.async_api import Page, expect

from console.models import Role
from tests.support.browser_tabs import tab
from tests.support.engine import make_notice
from tests.support.office import Office

pytestmark = [pytest.mark.browser, pytest.mark.slow]
PICTURES = os.environ.get("TODOKE_PICTURES", "")
"""A folder for pictures of the pages; "" for none."""


async def picture(page: Page, name: str) -> None:
    if not PICTURES:
        return
    for width in (390, 1440):
        await page.set_viewport_size({"width": width, "height": 900})
        await page.screenshot(path=f"{PICTURES}/{name}-{width}.png", full_page=True)
    await page.set_viewport_size({"width": 1280, "height": 900})


async def send(page: Page, kind: str) -> None:
    asked = page.get_by_test_id("typed")
    count = (await page.get_by_test_id("recipients").inner_text()).split()[0]
    await asked.fill(count if kind == "real" else "訓練")
    await page.get_by_test_id("send").click()
    await page.wait_for_url("**/console/deliveries/*")
    await expect(page.get_by_test_id("delivery-state")).to_have_text("完了", timeout=20_000)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("kind", ["real", "drill"])
async def test_an_alert_with_two_levels_from_the_danger_to_its_end(
    office: Office, kind: str
) -> None:
    writer = await office.at_desk(Role.DISASTER, "writer")
    colleague = await office.at_desk(Role.DISASTER, "colleague")
    a, b, c, *_ = (district.code for district in office.context.city.districts)
    for areas in ((a,), (b,), (a, b), (c,)):
        await office.resident("ja", areas=areas)
    # A danger is in force in two districts; one press takes them.
    await office.store(make_notice("weather", level=2, now=office.clock.now(), areas=[a, b]))
    async with tab(office, writer) as page, tab(office, colleague) as other:
        await page.goto(f"{office.url}/console/alerts")
        await page.get_by_test_id(f"begin-{kind}").click()
        await page.locator('select[name="topic"]').select_option("evacuation")
        await page.locator('input[name="level"][value="4"]').check()
        await page.locator('textarea[name="text-ja"]').fill("川があふれます。逃げてください。")
        await page.locator('button[value^="pick-danger"]').first.click()
        await expect(page.get_by_test_id("picked")).to_be_visible()
        for code, ticked in ((a, True), (b, True), (c, False)):
            box = page.locator(f'input[name="areas"][value="{code}"]')
            await expect(box).to_be_checked(checked=ticked)
        await page.get_by_test_id("own-levels").locator("summary").click()
        await page.locator(f'select[name="level-{a}"]').select_option("5")
        await page.get_by_test_id("drawing").locator("summary").first.click()
        await expect(page.locator(".map-box")).to_have_attribute("data-ready", "yes")
        await picture(page, f"edit-{kind}")
        await page.get_by_test_id("go-check").click()
        await page.wait_for_url("**/check")
        await expect(page.get_by_test_id("part-main-5-recipients")).to_have_text("2")
        await expect(page.get_by_test_id("part-main-4-recipients")).to_have_text("1")
        await expect(page.get_by_test_id("warning-levels")).to_be_visible()
        await expect(page.get_by_test_id("warning-in-force")).to_be_visible()
        await picture(page, f"check-{kind}")
        if kind == "real":
            await expect(page.locator(".qr svg")).to_be_visible()
            address = page.url
            await other.goto(address)
            await other.get_by_test_id("confirm").click()
            # By itself, without loading the page again.
            await expect(page.get_by_test_id("confirmed")).to_be_visible()
            await expect(page.locator(".qr")).to_have_count(0)
        await send(page, kind)
        await expect(page.get_by_test_id("by-level")).to_be_visible()
        await picture(page, f"delivery-{kind}")
        await page.get_by_test_id("take-back-corrected").click()
        await page.locator(f'input[name="areas"][value="{b}"]').uncheck()
        await page.locator('textarea[name="text-ja"]').fill("対象は一つの地区だけです。")
        await page.get_by_test_id("go-check").click()
        await page.wait_for_url("**/check")
        await expect(page.get_by_test_id("part-elsewhere-recipients")).to_have_text("1")
        await send(page, kind)
        await page.get_by_test_id("take-back-lifted").click()
        await page.wait_for_url("**/check")
        if kind == "real":
            await other.goto(page.url)
            await other.get_by_test_id("confirm").click()
            await expect(page.get_by_test_id("confirmed")).to_be_visible()
        await send(page, kind)
        await page.get_by_test_id("chain").click()
        await expect(page.get_by_test_id("said-3")).to_be_visible()
        await expect(page.get_by_test_id("said-1-recipients")).to_have_text("3")
        await expect(page.get_by_test_id("in-force-now")).to_contain_text("終わって")
        await picture(page, f"chain-{kind}")
