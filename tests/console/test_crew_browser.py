"""The page of a crew on its phone: for everybody, and with a map for whoever asks for it."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from console.models import Role
from reports.models import Report
from reports.photos import store_photo
from tests.support.accessible import faults_of
from tests.support.browser_tabs import tab
from tests.support.crews import crew_link, ordered
from tests.support.filed_reports import picture, reported
from tests.support.office import Office

pytestmark = pytest.mark.browser


async def test_the_crew_page_is_for_everybody(office: Office) -> None:
    kept = store_photo(office.context.settings.media_dir, picture())
    report = await reported(office, await office.resident("my"), pictures=(kept,))
    desk = await office.at_desk(Role.ROADS, "road")
    path = await crew_link(office, desk, await ordered(office, desk, report.number))
    async with tab(office, desk) as page:
        assert await faults_of(page, [office.url + path]) == {}


async def test_what_is_found_is_shown_on_the_map(office: Office) -> None:
    """The map comes only when it is asked for, and its mark is the place of the report."""
    report = await reported(office)
    desk = await office.at_desk(Role.ROADS, "road")
    path = await crew_link(office, desk, await ordered(office, desk, report.number))
    async with tab(office, desk) as page:
        await page.set_viewport_size({"width": 390, "height": 844})
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        await page.goto(office.url + path)
        await page.locator("#new summary").click()
        assert not [url for url in asked if "/maps/" in url], "a poor line is spared the map"
        await page.locator("#on-map").click()
        await expect(page.locator('#found-map .map-box[data-ready="yes"]')).to_be_visible()
        box = await page.locator("#found-map .map-box").bounding_box()
        assert box is not None
        await page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        await expect(page.locator(".map-point")).to_have_count(1)
        shown = await page.locator('#found input[name="at"]').input_value()
        await page.locator("#found select").select_option(index=1)
        await page.locator("#found button.big").click()
        await expect(page.locator("#line")).to_have_text("すべて送りました。")
    made = max(await office.rows(Report), key=lambda one: one.id or 0)
    assert made.id != report.id
    assert f"{made.latitude:.6f}, {made.longitude:.6f}" == shown
