"""The figures in a browser: nothing overlaps on a phone, and a month fits on paper."""

from __future__ import annotations

import pytest
from playwright.async_api import Page

from console.models import Role
from tests.support.browser_tabs import tab
from tests.support.figures import a_month
from tests.support.office import Office

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.parametrize("database", ["sqlite"], indirect=True),
]
OVERLAPS = """() => [...document.querySelectorAll('svg.chart')].flatMap(chart => {
  const words = [...chart.querySelectorAll('text')].map(one => [one, one.getBoundingClientRect()]);
  const found = [];
  words.forEach(([one, a], n) => words.slice(n + 1).forEach(([other, b]) => {
    if (a.left < b.right && b.left < a.right && a.top + 2 < b.bottom && b.top + 2 < a.bottom)
      found.push(`${chart.getAttribute('aria-label')}: ${one.textContent} / ${other.textContent}`);
  }));
  const edge = chart.getBoundingClientRect();
  words.forEach(([one, a]) => {
    if (a.left < edge.left - 1 || a.right > edge.right + 1) found.push(`cut: ${one.textContent}`);
  });
  return found;
})"""
WIDER = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
SIZES = """() => [...document.querySelectorAll('svg.chart text')].map(
  one => parseFloat(getComputedStyle(one).fontSize) * one.getScreenCTM().a)"""


async def looked_at(page: Page, address: str, width: int) -> None:
    await page.set_viewport_size({"width": width, "height": 900})
    await page.goto(address)
    assert await page.evaluate(OVERLAPS) == []
    assert await page.evaluate(WIDER) == 0
    # Words of a chart can be read: none is smaller than 10 pixels.
    assert min(await page.evaluate(SIZES)) >= 10


async def test_no_words_overlap_and_nothing_is_cut(office: Office) -> None:
    await a_month(office)
    desk = await office.at_desk(Role.VIEWER, "viewer")
    async with tab(office, desk) as page:
        for address in ("/console/figures", "/console/figures?period=year"):
            for width in (360, 390, 768, 1440):
                await looked_at(page, office.url + address, width)


async def test_a_month_is_printed_with_every_table(office: Office) -> None:
    await a_month(office)
    desk = await office.at_desk(Role.VIEWER, "viewer")
    async with tab(office, desk) as page:
        await page.emulate_media(media="print")
        # A4 less its margins, at 96 dots an inch.
        await page.set_viewport_size({"width": 688, "height": 1000})
        await page.goto(f"{office.url}/console/figures/month/2026-06")
        assert await page.evaluate(OVERLAPS) == []
        assert await page.evaluate(WIDER) == 0
        tables = page.locator(".chart-card table")
        assert await tables.count() == 18
        for n in range(18):
            assert await tables.nth(n).is_visible()
        assert not await page.get_by_role("button", name="CSV").is_visible()
