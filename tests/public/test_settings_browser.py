"""The settings page in a real browser without script, on a phone and on a desk."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import async_playwright, expect

from public.links import PATH
from subscriptions import residents
from subscriptions.models import Resident
from tests.support.chromium import chromium_address
from tests.support.office import Office

SIZES = ({"width": 390, "height": 844}, {"width": 1440, "height": 900})
LANGUAGES = ("ja", "ja-x-easy", "en", "my", "pt")
NAMELESS = """() => [...document.querySelectorAll('input:not([type=hidden]), select, button')]
  .filter(one => !(one.labels && one.labels.length) && !one.getAttribute('aria-label')
    && !one.textContent.trim()).map(one => one.name)"""
SMALL = """() => [...document.querySelectorAll('.settings :is(select, button, input[type=time])')]
  .filter(one => one.getBoundingClientRect().height < 43).map(one => one.name)"""
LOW = """() => {
  const light = c => { const v = c.match(/[\\d.]+/g).map(Number).slice(0, 3).map(x => x / 255)
    .map(x => x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4);
    return 0.2126 * v[0] + 0.7152 * v[1] + 0.0722 * v[2]; };
  const ground = one => { for (; one; one = one.parentElement) {
    const c = getComputedStyle(one).backgroundColor;
    if (!/rgba\\(.*, 0\\)|transparent/.test(c)) return c; } return 'rgb(255, 255, 255)'; };
  return [...document.querySelectorAll('main *')].filter(one =>
    [...one.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()) && one.offsetParent)
    .filter(one => { const a = light(getComputedStyle(one).color), b = light(ground(one));
      return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) < 4.5; })
    .map(one => one.tagName + ' ' + one.textContent.trim().slice(0, 40)); }"""


async def follower(office: Office, language: str) -> tuple[Resident, str]:
    user = await office.resident(language, areas=("chuo",))
    async with office.database.reading() as session:
        found = await residents.find(session, user)
    assert found is not None
    token = office.app.state.links.token(found, office.clock.now())
    return found, f"{office.url}{PATH}/{token}"


@pytest.mark.slow
@pytest.mark.parametrize("colours", ["light", "dark"])
async def test_the_page_fits_is_named_and_can_be_read_in_every_script(
    office: Office, colours: Any
) -> None:
    """WCAG AA: contrast 4.5, a name for each field; no sideways scrolling at 390 pixels."""
    address = chromium_address()
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.connect(address)
        for size in SIZES:
            context = await chromium.new_context(viewport=size, color_scheme=colours)  # type: ignore[arg-type]
            page = await context.new_page()
            for language in LANGUAGES:
                _, url = await follower(office, language)
                await page.goto(url)
                wide = await page.evaluate("document.documentElement.scrollWidth")
                assert wide <= size["width"], (language, size)
                assert await page.evaluate(NAMELESS) == [], language
                assert await page.evaluate(SMALL) == [], language
                assert await page.evaluate(LOW) == [], language
        await chromium.close()


@pytest.mark.slow
async def test_settings_are_saved_with_the_keyboard_and_without_script(office: Office) -> None:
    resident, url = await follower(office, "en")
    assert resident.id is not None
    address = chromium_address()
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.connect(address)
        context = await chromium.new_context(viewport=SIZES[0], java_script_enabled=False)  # type: ignore[arg-type]
        page = await context.new_page()
        await page.goto(url)
        await page.get_by_label("Language").select_option("pt")
        await page.get_by_label("Umesato").press("Space")
        await page.get_by_label("No quiet hours").press("Space")
        await page.get_by_label("Daily summary").select_option("7")
        await page.get_by_role("button", name="Save").press("Enter")
        await expect(page.get_by_role("status")).to_be_visible()
        await chromium.close()
    async with office.database.reading() as session:
        chosen = await residents.preferences(session, office.context.city, resident.id)
    assert chosen.language == "pt"
    assert chosen.areas == ("chuo", "umesato")
    assert (chosen.quiet_start, chosen.quiet_end, chosen.digest_hour) == (0, 0, 7)
