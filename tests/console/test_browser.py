"""The console in a real browser: what only scripts, styles and the policy together can show."""

from __future__ import annotations

from typing import Literal

import pytest
from playwright.async_api import expect

from alerts.templates import add_starters
from console.models import Role
from tests.support.browser_tabs import tab
from tests.support.filed_reports import reported
from tests.support.office import Office

pytestmark = pytest.mark.browser


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
        # Enter saves, and no more.
        await page.locator('input[name="title-ja"]').press("Enter")
        await page.wait_for_url("**?saved=yes")
        await expect(page.locator('textarea[name="text-ja"]')).to_have_value("避難の練習をします。")
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
        await expect(page.locator(".map-box path.map-district")).to_have_count(
            len(office.context.city.districts)
        )
        await page.locator(".map-box .map-pin").click()
        await page.locator(".leaflet-popup-content a").click()
        await expect(page.locator("h1")).to_contain_text(report.number)


async def test_every_page_fits_and_can_be_read_by_everybody(office: Office) -> None:
    """JIS X 8341-3, level AA, as far as a program can tell: contrast, names of what can be
    used, one heading of the first rank and none left out, and no page wider than the screen;
    by day and at night."""
    desk = await office.at_desk(Role.ADMIN, "boss")
    report = await reported(office)
    async with office.database.writing() as session:
        now = office.clock.now()
        await add_starters(session, office.context.city, str, actor="boss", now=now)
    paths = [
        *(f"/console/{one}" for one in ("", "alerts", "held", "feeds", "audit", "staff")),
        *("/console/account", "/console/account/code", "/console/reports"),
        *("/console/templates", "/console/templates/new", "/console/templates/1"),
        *(f"/console/reports/{report.number}", "/?lang=my", "/shelters"),
    ]
    async with tab(office, desk) as page:
        await page.goto(f"{office.url}/console/alerts")
        await page.get_by_test_id("begin-real").click()
        await page.wait_for_selector("form#alert")
        paths.append(page.url.removeprefix(office.url))
        for width in (390, 1440):
            await page.set_viewport_size({"width": width, "height": 900})
            for path in paths:
                await page.goto(office.url + path)
                if "reports" in path:
                    await page.wait_for_load_state("networkidle")  # the map
                for scheme in SCHEMES:
                    await page.emulate_media(color_scheme=scheme)
                    assert not await page.evaluate(BARRIERS), (path, scheme)
                wide = await page.evaluate("document.documentElement.scrollWidth")
                assert wide <= width, path


SCHEMES: tuple[Literal["dark", "light"], ...] = ("dark", "light")
BARRIERS = """() => {
  const light = (colour) => {
    const [r, g, b] = colour.map((part) => {
      const share = part / 255;
      return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || !element.offsetParent) continue;
    const style = getComputedStyle(element);
    let ground = [255, 255, 255];
    for (let under = element; under; under = under.parentElement) {
      // The stripes of a drill are light, by day and at night.
      if (getComputedStyle(under).backgroundImage.includes("gradient")) break;
      const colour = parts(getComputedStyle(under).backgroundColor);
      if (colour.length < 4 || colour[3] > 0.9) { ground = colour.slice(0, 3); break; }
    }
    const [a, b] = [light(parts(style.color).slice(0, 3)), light(ground)];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && parseInt(style.fontWeight) >= 700);
    if (contrast < (large ? 3 : 4.5)) {
      found.push(`contrast ${contrast.toFixed(2)}: ${walker.currentNode.textContent.trim()}`);
    }
  }
  const used = "input:not([type=hidden]), select, textarea, button, a[href], img, svg[role=img]";
  for (const element of document.querySelectorAll(used)) {
    const image = element.tagName === "IMG" ? element : element.querySelector("img");
    const named = element.labels?.length || element.getAttribute("aria-label") || element.title
      || element.textContent.trim() || image?.hasAttribute("alt");
    if (element.checkVisibility() && !named) found.push(`no name: ${element.outerHTML}`);
  }
  const ranks = [...document.querySelectorAll("h1, h2, h3")].map((one) => Number(one.tagName[1]));
  if (ranks.filter((rank) => rank === 1).length !== 1) found.push(`headings: ${ranks}`);
  if (ranks.some((rank, n) => n && rank > ranks[n - 1] + 1)) found.push(`headings: ${ranks}`);
  const ids = [...document.querySelectorAll("[id]")].map((one) => one.id);
  if (new Set(ids).size !== ids.length) found.push("an id stands twice");
  if (!document.documentElement.lang) found.push("no language");
  return found;
}"""
