"""In two browsers: a rule is tried on past storms, a colleague confirms it, and it holds."""

from __future__ import annotations

from datetime import timedelta

import aiohttp
import pytest
from playwright.async_api import expect

from city.city import Decision
from console.models import Role
from simulator.agency.server import RecordedDays
from tests.support.browser_tabs import tab
from tests.support.office import Office
from tests.support.rules_desk import live_poller, poll_all

pytestmark = [
    pytest.mark.browser,
    pytest.mark.parametrize("database", ["sqlite"], indirect=True),
]
TRIAL_MS = 60_000


async def test_a_rule_is_tried_on_a_past_storm_then_confirmed_and_the_next_storm_is_held(
    office: Office,
) -> None:
    await office.resident(topics={"weather": 1})
    one = await office.at_desk(Role.DISASTER, "one")
    two = await office.at_desk(Role.DISASTER, "two")
    async with tab(office, one) as page, tab(office, two) as other:
        await page.set_viewport_size({"width": 390, "height": 844})
        await page.goto(f"{office.url}/console/rules")
        await page.locator('details[data-group="weather"] > summary').click()
        await page.get_by_label("レベル４土砂災害危険警報").select_option("hold")
        await page.get_by_role("button", name="過去のデータで試す").click()
        # The page follows the trial by itself.
        verdict = page.get_by_test_id("verdict")
        await expect(verdict).to_contain_text("0件多く、2件少なく", timeout=TRIAL_MS)
        await expect(page.get_by_test_id("own")).to_be_visible()
        await other.goto(page.url)
        await other.get_by_role("button", name="今からこのルールを有効にする").click()
        await expect(other.get_by_test_id("in-force")).to_contain_text("第1版が有効")

        async with RecordedDays(office.clock) as agency, aiohttp.ClientSession() as http:
            poller, _ = live_poller(office, agency, http)
            await poll_all(poller)
            agency.prepare("rainstorm")
            while True:
                office.clock.ahead += timedelta(seconds=2)
                event = agency.step()
                assert event is not None
                await poll_all(poller)
                if event.what.name == "landslide level 4":
                    break
        last = (await office.notices())[-1]
        assert (last.decision, last.decided_by) == (Decision.HOLD, "rule:desk#1")
        await page.goto(f"{office.url}/console/")
        band = page.get_by_test_id("undecided")
        await expect(band).to_contain_text("レベル４土砂災害危険警報")
        await band.get_by_role("link").first.click()
        await expect(page.get_by_test_id("held-clock")).to_contain_text("待っています")
