"""The map in a real browser: by keyboard, drawing, and no request that leaves our host."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Page, Request, Route, expect

from console.models import Role
from tests.support.browser_tabs import tab
from tests.support.filed_reports import reported
from tests.support.office import Office

pytestmark = pytest.mark.browser

FORM = """
const main = document.querySelector('main');
main.insertAdjacentHTML('beforeend', `<form id="chosen">
  <label><input type="checkbox" name="areas" value="AREA">x</label><input type="hidden" name="zone">
  <div class="map-box" data-map="" data-map-pick="areas" data-map-draw="zone" id="draw"
   role="region" aria-label="Draw"></div></form>`);
main.dispatchEvent(new CustomEvent('htmx:afterSwap', {bubbles: true}));
"""


async def test_a_map_is_used_by_keyboard_and_asks_nobody_else(office: Office) -> None:
    desk = await office.at_desk(Role.ROADS, "road")
    report = await reported(office)
    asked: list[str] = []

    def note(request: Request) -> None:
        asked.append(request.url)

    async with tab(office, desk) as page:
        page.on("request", note)
        await page.goto(f"{office.url}/console/reports")
        box = page.locator(".map-box[data-ready]")
        await expect(box).to_be_visible()
        await expect(page.locator(".map-note")).to_contain_text("背景の地図を表示できません")
        await expect(box.locator(".leaflet-control-scale-line")).to_contain_text("km")

        pin = box.locator(".map-pin")
        await pin.focus()
        await page.keyboard.press("Enter")
        link = box.locator(".leaflet-popup-content a")
        await expect(link).to_be_focused()
        await page.keyboard.press("Escape")
        await expect(link).to_have_count(0)
        await expect(pin).to_be_focused()

        # What the map shows is switched by keyboard; danger areas are there without tiles.
        await expect(box.locator("path.map-hazard-flood")).not_to_have_count(0)
        await box.locator(".map-layers summary").press("Enter")
        await box.get_by_label("洪水", exact=True).press("Space")
        await expect(box.locator("path.map-hazard-flood")).to_have_count(0)

        place = office.folder.places.landmarks[0]
        await page.get_by_label("住所・目印になる場所").fill(place.name)
        await page.keyboard.press("Enter")
        await expect(box.locator(".map-sought")).to_be_visible()
        await expect(box.get_by_text(place.name, exact=True)).to_be_visible()

        await shows_names_as_they_are(page)
        await picked_and_drawn(page, office.context.city.districts[0].code)
        await page.goto(f"{office.url}/console/reports/{report.number}")
        await expect(page.locator(".map-middle")).to_be_visible()
    here = urlsplit(office.url).netloc
    assert {urlsplit(one).netloc for one in asked if not one.startswith("data:")} == {here}


async def shows_names_as_they_are(page: Page) -> None:
    """A name that looks like HTML is text."""
    name = "<b class='of-a-name'>駅</b>"
    found = {"places": [{"name": name, "longitude": 140.1, "latitude": 36.08}]}

    async def answer(route: Route) -> None:
        await route.fulfill(json=found)

    await page.route("**/maps/places.json*", answer)
    await page.get_by_label("住所・目印になる場所").press("Enter")
    await expect(page.locator(".map-label").get_by_text(name, exact=True)).to_be_visible()
    await expect(page.locator(".of-a-name")).to_have_count(0)
    await page.unroute("**/maps/places.json*")


async def picked_and_drawn(page: Page, area: str) -> None:
    """A district is ticked by a click; a polygon is drawn by keys alone, and kept as GeoJSON."""
    await page.evaluate(FORM.replace("AREA", area))
    frame = page.locator(".map-frame", has=page.locator("#draw"))
    await expect(page.locator("#draw[data-ready]")).to_be_visible()
    tick, field = page.locator('input[name="areas"]'), page.locator('input[name="zone"]')
    await tick.check()
    await expect(page.locator("#draw path.map-on")).to_have_count(1)
    await page.locator("#draw path.map-on").click()
    await expect(tick).not_to_be_checked()

    await frame.get_by_role("button", name="範囲を描く").click()
    for key in ("ArrowRight", "ArrowDown", "ArrowLeft"):
        await page.keyboard.press("Enter")
        await page.keyboard.press(key)
        await page.wait_for_function("() => !document.querySelector('#draw .leaflet-pan-anim')")
    await page.keyboard.press("Escape")
    drawn = json.loads(await field.input_value())
    assert drawn["type"] == "Polygon"
    (ring,) = drawn["coordinates"]
    assert len(ring) == 4
    assert ring[0] == ring[-1]
    assert ring[1][0] > ring[0][0]  # to the east
    assert ring[2][1] < ring[1][1]  # to the south
    await expect(page.locator("#draw path.map-drawn")).to_have_count(1)
    await expect(tick).not_to_be_checked()
    await frame.get_by_role("button", name="範囲を消す").click()
    await expect(field).to_have_value("")
