"""The console in a real browser: what only scripts, styles and the policy together can show."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import BrowserContext, Page, async_playwright, expect

from console.models import Role
from console.sessions import COOKIE
from tests.console.conftest import Browser, Office
from tests.console.test_reports import reported

CHROMIUM = Path("/usr/bin/chromium")
HARMLESS = ("ERR_FAILED", "htmx:sendAbort", "htmx:afterRequest")
"""The tiles refused here, and a preview that was under way when the page was left."""
pytestmark = pytest.mark.browser


@contextlib.asynccontextmanager
async def tab(office: Office, signed_in: Browser) -> AsyncIterator[Page]:
    """Open a browser tab in which somebody is signed in; complaints of the browser fail it."""
    complaints: list[str] = []
    async with async_playwright() as playwright:
        program = CHROMIUM if CHROMIUM.exists() else Path(playwright.chromium.executable_path)
        if not program.exists():
            pytest.skip("there is no Chromium on this machine")
        chromium = await playwright.chromium.launch(
            executable_path=str(program),
            args=["--no-sandbox", "--disable-gpu"],
        )
        context: BrowserContext = await chromium.new_context(
            viewport={"width": 1280, "height": 900}
        )
        await context.add_cookies(
            [
                {
                    "name": COOKIE,
                    "value": signed_in.cookie(COOKIE),
                    "url": f"{office.url}/console/",
                }
            ]
        )
        # No test asks the map's tiles of anybody.
        await context.route("**://cyberjapandata.gsi.go.jp/**", lambda route: route.abort())
        page = await context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console",
            lambda message: (
                complaints.append(message.text)
                if message.type == "error" and not any(one in message.text for one in HARMLESS)
                else None
            ),
        )
        yield page
        await chromium.close()
    assert not complaints


async def test_an_alert_is_written_looked_at_sent_and_watched(office: Office) -> None:
    desk = await office.at_desk(Role.ADMIN, "boss")
    districts = office.context.city.districts
    user = await office.resident("en", areas=(districts[0].code,))
    await office.resident("ja", areas=(districts[1].code,))
    async with tab(office, desk) as page:
        await page.goto(f"{office.url}/console/alerts")
        await page.get_by_test_id("begin-drill").click()
        await page.locator('select[name="topic"]').select_option("evacuation")
        await page.locator('input[name="level"][value="3"]').check()
        await page.locator(f'svg.map path[data-area="{districts[0].code}"]').click()
        await expect(
            page.locator(f'input[name="areas"][value="{districts[0].code}"]')
        ).to_be_checked()
        await expect(page.get_by_test_id("reach")).to_contain_text("1")
        await page.locator('input[name="whole_city"]').check()
        await expect(page.get_by_test_id("reach")).to_contain_text("2")
        await page.locator('textarea[name="text-ja"]').fill("避難の練習をします。")
        await expect(page.get_by_test_id("phone-ja")).to_contain_text("避難の練習をします。")
        await page.locator("details.language summary").nth(2).click()
        await page.locator('input[name="title-en"]').press("Enter")  # saves, and no more
        await expect(page.locator('textarea[name="text-ja"]')).to_have_value("避難の練習をします。")
        assert page.url.endswith("?saved=yes")
        await page.get_by_test_id("go-check").click()
        await expect(page.get_by_test_id("recipients")).to_contain_text("2")
        await page.get_by_test_id("typed").fill("訓練")
        await page.get_by_test_id("send").dblclick()
        await expect(page.get_by_test_id("delivery-state")).to_have_text("完了")
        await expect(page.get_by_test_id("take-back-cancelled")).to_be_visible()
    assert len(await office.deliveries()) == 1
    assert len(office.received(user)) == 1


async def test_reports_stand_on_a_map_without_any_network(office: Office) -> None:
    desk = await office.at_desk(Role.ROADS, "road")
    report = await reported(office)
    async with tab(office, desk) as page:
        await page.goto(f"{office.url}/console/reports")
        await expect(page.locator(".report-map path")).to_have_count(
            len(office.context.city.districts)
        )
        # The tiles have failed by then, and the map stands where it stays.
        await page.wait_for_load_state("networkidle")
        await page.locator(".report-map .pin").click()
        await page.locator(".leaflet-popup-content a").click()
        await expect(page.locator("h1")).to_contain_text(report.number)


async def test_no_page_is_wider_than_the_screen(office: Office) -> None:
    desk = await office.at_desk(Role.ADMIN, "boss")
    await reported(office)
    page_paths = ("", "alerts", "held", "reports", "feeds", "audit", "staff", "account")
    async with tab(office, desk) as page:
        for width in (390, 1440):
            await page.set_viewport_size({"width": width, "height": 900})
            for path in (*(f"/console/{one}" for one in page_paths), "/?lang=my", "/shelters"):
                await page.goto(office.url + path)
                wide = await page.evaluate("document.documentElement.scrollWidth")
                assert wide <= width, path
